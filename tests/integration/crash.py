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
from tests import accelerator

from .conftest import BIN, CHECKOUT, Lab

#: A mark in the environment of a run and of all its processes.
MARK = "SEAM_RUN_TO_KILL"
#: Seconds in which a run gets to its next mutating call: never reached when all is well.
LIMIT = 240
#: Runs of one playbook: more than any has calls.
MOST = 150


def walk(lab: Lab, playbook: str, *, after: bool, stride: int = 1, **variables: Any) -> list[str]:
    """Run a playbook until one run finishes, killing each at the ``stride``-th mutating call of those not yet killed at.

    With ``after`` that call has taken effect and its answer is lost; otherwise it is never made. Calls are told apart
    by their content, so a call that every run makes (such as applying a manifest) kills only one run. Returns the calls
    at which runs were killed.
    """
    killed_at: list[str] = []
    tried: list[str] = []
    while len(killed_at) < MOST:
        fault = Fault("hang", mutating=True, after=after, skip=stride - 1, count=1, spared=tuple(tried))
        faults.add(lab.folder, fault)
        try:
            hit = run_until_hit(lab, playbook, variables)
        finally:
            faults.clear(lab.folder)
        if hit is None:
            return killed_at
        killed_at.append(f"{hit['service']}:{hit['operation']}")
        tried.append(hit["request"])
    raise AssertionError(f"{playbook} never finishes: {killed_at}")


def run_until_hit(lab: Lab, playbook: str, variables: dict[str, Any]) -> dict[str, str] | None:
    """The call at which the run was killed, as it is listed; None when it finished."""
    before = len(faults.injected(lab.folder))
    output = lab.folder / "crash.log"
    mark = {MARK: str(lab.folder)}
    with output.open("w") as log, accelerator.modules(environment=mark) as environment:
        run = subprocess.Popen(
            [BIN / "ansible-playbook", "-i", "inventories/lab", playbook, "--extra-vars", json.dumps(variables)],
            cwd=CHECKOUT,
            env={
                **os.environ,
                **accelerator.settings(CHECKOUT),
                "SEAM_LAB_FOLDER": str(lab.folder),
                **environment,
                **mark,
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
                hit: dict[str, str] = json.loads(hits[0])
                return hit
            time.sleep(0.02)
    assert run.returncode == 0, output.read_text()
    return None


def _kill(mark: str) -> None:
    """Kill a run with all that it started. Ansible's workers have sessions of their own, so the mark tells them."""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)
