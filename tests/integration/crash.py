# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills runs at their mutating calls to AWS and Kubernetes, and runs again until one finishes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from lab import faults
from lab.faults import Fault

from . import account
from .conftest import BIN, BYTECODE, CHECKOUT, Lab

#: In the environment of a run and of all that it starts.
MARK = "SEAM_RUN_TO_KILL"
#: Seconds in which a run gets to its next mutating call: never reached when all is well.
LIMIT = 240
#: Runs of one playbook: more than any has calls.
MOST = 150


def walk(lab: Lab, playbook: str, *, after: bool, stride: int = 1, **variables: Any) -> list[str]:
    """Run a playbook until one run finishes, killing each at the ``stride``-th mutating call from where it begins.

    With ``after`` that call has taken effect and its answer is lost; otherwise it is never made, and the ``stride`` before
    it are. Either way each run gets ``stride`` calls further. A call that
    every run makes again, to no effect, is let pass from its third time on, and with it one in two of those that follow it
    once it is made no more. Returns the calls at which runs were killed.
    """
    killed_at: list[str] = []
    skip = stride - 1 if after else stride
    left: account.State | None = None
    while len(killed_at) < MOST:
        faults.add(lab.folder, Fault("hang", mutating=True, after=after, skip=skip, count=1))
        try:
            call = run_until_hit(lab, playbook, variables)
        finally:
            faults.clear(lab.folder)
        if call is None:
            return killed_at
        # Each run applies the manifests and imports the definition again, which changes nothing then, and gets no further.
        left, before = (account.state(lab), left) if call in killed_at[-1:] else (None, None)
        if left and left == before:
            skip += 1
        killed_at.append(call)
    raise AssertionError(f"{playbook} never finishes: {killed_at}")


def run_until_hit(lab: Lab, playbook: str, variables: dict[str, Any]) -> str | None:
    """The call at which the run was killed, None when it finished."""
    before = len(faults.injected(lab.folder))
    output = lab.folder / "crash.log"
    with output.open("w") as log:
        run = subprocess.Popen(
            [BIN / "ansible-playbook", "-i", "inventories/lab", playbook, "--extra-vars", json.dumps(variables)],
            cwd=CHECKOUT,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
                "PYTHONPATH": str(BYTECODE),
                "SEAM_LAB_FOLDER": str(lab.folder),
                MARK: str(lab.folder),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + LIMIT
    while run.poll() is None:
        hits = faults.injected(lab.folder)[before:]
        if hits or time.monotonic() > deadline:
            _kill(f"{MARK}={lab.folder}")
            run.wait()
            assert hits, f"{playbook} is stuck:\n{output.read_text()}"
            hit = json.loads(hits[0])
            return f"{hit['service']}:{hit['operation']}"
        time.sleep(0.02)
    assert run.returncode == 0, output.read_text()
    return None


def _kill(mark: str) -> None:
    """Kill a run with all that it started. Ansible's workers have sessions of their own, so the mark tells them."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)
