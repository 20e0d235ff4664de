# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The output of runs at the highest verbosity, and a search for secrets in it."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from .conftest import Lab, Run

EKS_TOKEN = re.compile(r"k8s-aws-v1\.[A-Za-z0-9_-]{16}")


class Disclosure:
    """The texts that one lab's runs left for people and machines to read."""

    def __init__(self) -> None:
        self.outputs: list[str] = []
        #: The command lines of all processes that were seen during the runs.
        self.commands: set[str] = set()
        #: Values of API keys, which go when the API goes.
        self.api_keys: set[str] = set()

    def playbook(self, lab: Lab, *arguments: str) -> Run:
        """Run a playbook and keep its output, log and timeline, and the processes that it started."""
        folder = lab.folder.with_name(f"{lab.folder.name}-outputs")
        folder.mkdir(exist_ok=True)
        log, timeline = folder / "ansible.log", folder / "timeline.json"
        environment = {"ANSIBLE_LOG_PATH": str(log), "SEAM_EKS_AUTO_TIMELINE_FILE": str(timeline)}
        with self._watching_processes():
            run = lab.playbook(*arguments, "-vvvv", "--diff", environment=environment)
        self.outputs.append(run.output)
        for path in (log, timeline):
            self.outputs.append(path.read_text())
            path.unlink()
        self.api_keys |= {key["value"] for key in lab.client("apigateway").get_api_keys(includeValues=True)["items"]}
        return run

    @contextlib.contextmanager
    def _watching_processes(self) -> Iterator[None]:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.1):
                for process in filter(str.isdecimal, os.listdir("/proc")):
                    with contextlib.suppress(OSError):
                        self.commands.add(
                            Path("/proc", process, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        )

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    def secrets(self, lab: Lab) -> set[str]:
        """All that nobody may read: the teams' and the administrator's keys, and the APIs'."""
        identities = lab.facts["credentials"].values()
        return {each[name] for each in identities for name in ("secret_key", "session_token")} | self.api_keys

    def found(self, lab: Lab, text: str) -> list[str]:
        """The beginnings of the secrets that are in a text."""
        return [each[:8] for each in self.secrets(lab) if each in text] + EKS_TOKEN.findall(text)
