# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows life while this collection's modules wait, and at the end how long each phase took."""

from __future__ import annotations

DOCUMENTATION = r"""
name: timeline
type: aggregate
version_added: 1.0.0
author: seam.eks_auto contributors (@seam)
short_description: Progress of waits, and the time of each phase
description:
  - While a module of this collection waits, each change that it sees is printed, and a line now and then if nothing changes.
  - At the end the time of each play is printed, with what was waited for and how many AWS calls were made, and, if asked
    for, kept as JSON.
  - Modules report through a file on the machine where they run, so this works where that is the controller.
requirements:
  - Enable it in C(callbacks_enabled).
options:
  timeline_file:
    description:
      - File to which each run's timeline is appended, a JSON object a line.
      - It has C(playbook), C(check_mode), C(started), C(seconds), and C(phases), each with C(name), C(seconds), the tasks
        that C(changed) something, what its C(waits) saw, and how many C(calls) were made to AWS by service and operation.
    type: path
    env:
      - name: SEAM_EKS_AUTO_TIMELINE_FILE
    ini:
      - section: callback_seam_eks_auto_timeline
        key: timeline_file
  quiet_seconds:
    description: After how many seconds without a change a wait says that it still waits.
    type: float
    default: 30
    env:
      - name: SEAM_EKS_AUTO_QUIET_SECONDS
    ini:
      - section: callback_seam_eks_auto_timeline
        key: quiet_seconds
"""

import datetime
import json
import os
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from ansible import context
from ansible.playbook.play import Play
from ansible.plugins.callback import CallbackBase
from ansible_collections.seam.eks_auto.plugins.module_utils._wait import PROGRESS_FILE
from ansible_collections.seam.eks_auto.plugins.plugin_utils._aws_calls import AwsCalls
from ansible_collections.seam.eks_auto.plugins.plugin_utils._timeline import Phase, Run, summary


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "seam.eks_auto.timeline"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.run: Run | None = None
        # The reader thread and the callbacks both write to the timeline.
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.waiting: dict[str, t.Any] | None = None
        self.last_line = time.monotonic()
        descriptor, path = tempfile.mkstemp(prefix="seam-progress-")
        os.close(descriptor)
        self.progress = Path(path)
        # Modules inherit the environment of this process.
        os.environ[PROGRESS_FILE] = path
        self.calls = AwsCalls(os.environ)

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self.run = Run(Path(playbook._file_name).name, bool(context.CLIARGS.get("check")), started)
        self.reader = threading.Thread(target=self._follow, daemon=True)
        self.reader.start()

    def v2_playbook_on_play_start(self, play: Play) -> None:
        self._end_phase()
        if self.run:
            self.run.phases.append(Phase(play.get_name(), time.monotonic()))

    def v2_runner_on_ok(self, result: t.Any) -> None:
        if result.is_changed() and self.run and self.run.phases:
            self.run.phases[-1].changed.append({"task": result.task_name, "host": result.host.get_name()})

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._end_phase()
        self.ended.set()
        self.reader.join()
        self.calls.close(os.environ)
        self.progress.unlink(missing_ok=True)
        if self.run is None:
            return
        self._display.banner("TIMELINE")
        for line in summary(self.run):
            self._display.display(line)
        path = self.get_option("timeline_file")
        if path:
            with Path(path).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(self.run.to_json()) + "\n")

    def _end_phase(self) -> None:
        self._count_calls()
        if self.run and self.run.phases:
            self.run.phases[-1].end(time.monotonic())

    def _count_calls(self) -> None:
        with self.lock:
            for call in self.calls.take():
                if self.run and self.run.phases:
                    self.run.phases[-1].calls[call] += 1

    def _follow(self) -> None:
        """Print what the modules report, as it comes."""
        with self.progress.open(encoding="utf-8") as stream:
            while not self.ended.wait(0.5):
                for line in stream:
                    self._show(json.loads(line))
                self._count_calls()
                self._show_life()

    def _show(self, entry: dict[str, t.Any]) -> None:
        finished = entry["state"] != "waiting"
        self.waiting = None if finished else entry
        if self.run and self.run.phases:
            self.run.phases[-1].waits.append(entry)
        # What was there already when the module looked is no wait.
        if not (finished and entry["seconds"] == 0):
            self._line(f"{entry['seconds']:5.0f} s  {entry['subject']}: {entry['message']}")

    def _show_life(self) -> None:
        quiet = time.monotonic() - self.last_line
        if self.waiting and quiet >= self.get_option("quiet_seconds"):
            self._line(f"       {self.waiting['subject']}: still as before")

    def _line(self, text: str) -> None:
        self._display.display(f"  … {text}", color="bright gray")
        self.last_line = time.monotonic()
