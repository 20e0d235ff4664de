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
  - While a module of this collection waits, it shows the wait's aim, its duration, the last observation and, where known,
    the usual duration. Other tasks that take more than a few seconds are shown by name.
  - At the end it prints the time of each play, with its waits and the number of its AWS calls, and keeps them as JSON on
    request.
  - Modules report through a file on the machine where they run, so this works where they run on the controller. botocore's
    client-side monitoring counts the AWS calls, unless the environment uses it for something else.
requirements:
  - Enable it in C(callbacks_enabled).
options:
  progress:
    description:
      - V(live) keeps one line of a terminal current. V(lines) prints a line at each change, and one now and then in between.
        V(none) prints nothing, not even the timeline at the end.
      - V(auto) is V(live) on a person's terminal, V(none) if C(stdout_callback) prints JSON, and V(lines) elsewhere, also in
        AWX and where E(CI) is set.
    type: str
    choices: [auto, live, lines, none]
    default: auto
    env:
      - name: SEAM_EKS_AUTO_PROGRESS
    ini:
      - section: callback_seam_eks_auto_timeline
        key: progress
  timeline_file:
    description:
      - File to which each run's timeline is appended, a JSON object a line.
      - It has C(playbook), C(check_mode), C(started), C(seconds), and C(phases). Each phase has C(name), C(seconds), the tasks
        that C(changed) something, the observations of its C(waits), and the number of C(calls) to each operation of AWS.
    type: path
    env:
      - name: SEAM_EKS_AUTO_TIMELINE_FILE
    ini:
      - section: callback_seam_eks_auto_timeline
        key: timeline_file
  quiet_seconds:
    description:
      - With O(progress=lines), a wait without a change says after so many seconds that it still waits. Each further pause is
        twice as long, up to 16 times.
    type: float
    default: 30
    env:
      - name: SEAM_EKS_AUTO_QUIET_SECONDS
    ini:
      - section: callback_seam_eks_auto_timeline
        key: quiet_seconds
"""

import atexit
import datetime
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from ansible import constants, context
from ansible.playbook.play import Play
from ansible.plugins.callback import CallbackBase
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import PROGRESS_FILE
from ansible_collections.seam.eks_auto.plugins.plugin_utils._aws_calls import AwsCalls
from ansible_collections.seam.eks_auto.plugins.plugin_utils._progress import (
    LiveLine,
    Wait,
    choose_style,
    live_line,
    patience,
)
from ansible_collections.seam.eks_auto.plugins.plugin_utils._timeline import Phase, Run, summary

#: A task is shown after so many seconds, even if it reports no wait.
_LONG = 5.0
#: A person is asked there, on the line that would be kept current.
_ASKING = ("pause", "ansible.builtin.pause", "ansible.legacy.pause")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "seam.eks_auto.timeline"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.run: Run | None = None
        self.tasks: dict[str, Wait] = {}
        # Two hosts may wait for things of the same name, each in a process of its own.
        self.waits: dict[tuple[int, str], Wait] = {}
        # Callbacks and the reader's thread share the above.
        self.lock = threading.RLock()
        self.ended = threading.Event()
        self.reader = threading.Thread(target=self._follow, daemon=True)
        self.style = "lines"
        self.live: LiveLine | None = None
        self.spoken = 0
        self.last_line = time.monotonic()
        descriptor, path = tempfile.mkstemp(prefix="seam-progress-")
        os.close(descriptor)
        self.progress = Path(path)
        self.reports = self.progress.open(encoding="utf-8")
        # Modules inherit the environment of this process.
        os.environ[PROGRESS_FILE] = path
        self.calls = AwsCalls(os.environ)
        atexit.register(self._stop)

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self.run = Run(Path(playbook._file_name).name, bool(context.CLIARGS.get("check")), started)
        self.style = choose_style(
            self.get_option("progress"), sys.stdout.isatty(), constants.DEFAULT_STDOUT_CALLBACK, os.environ
        )
        if self.style == "live":
            self.live = LiveLine(self._display)
        self.reader.start()

    def v2_playbook_on_play_start(self, play: Play) -> None:
        self._end_phase()
        with self.lock:
            self._forget()
            if self.run:
                self.run.phases.append(Phase(play.get_name(), time.monotonic()))

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        if task.action not in _ASKING:
            with self.lock:
                self.tasks[host.get_name()] = Wait(task.get_name(), time.monotonic())

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._end_task(result)
        if result.is_changed() and self.run and self.run.phases:
            self.run.phases[-1].changed.append({"task": result.task_name, "host": result.host.get_name()})

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._end_task(result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._end_task(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._end_task(result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._end_phase()
        self._stop()
        if self.run is None:
            return
        if self.style != "none":
            self._display.banner("TIMELINE")
            for line in summary(self.run):
                self._display.display(line)
        path = self.get_option("timeline_file")
        if path:
            with Path(path).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(self.run.to_json()) + "\n")

    def _stop(self) -> None:
        """Leave nothing behind, also where a run is interrupted."""
        self.ended.set()
        if self.reader.is_alive():
            self.reader.join()
        if self.live:
            self.live.close()
            self.live = None
        self.calls.close(os.environ)
        self.reports.close()
        self.progress.unlink(missing_ok=True)
        atexit.unregister(self._stop)

    def _end_task(self, result: t.Any) -> None:
        # The last lines of its wait belong before the next task.
        self._read()
        with self.lock:
            self.tasks.pop(result.host.get_name(), None)
            if not self.tasks:
                self._forget()

    def _forget(self) -> None:
        """Nothing is waited for now, also where a module ended without saying so."""
        self.tasks.clear()
        self.waits.clear()
        self.spoken = 0

    def _end_phase(self) -> None:
        self._read()
        if self.run and self.run.phases:
            self.run.phases[-1].end(time.monotonic())

    def _follow(self) -> None:
        """Show the modules' reports as they come, and signs of life in between."""
        while not self.ended.wait(0.5):
            self._read()
            self._show_waits(time.monotonic())

    def _read(self) -> None:
        with self.lock:
            for line in self.reports:
                self._show(json.loads(line))
            for call in self.calls.take():
                if self.run and self.run.phases:
                    self.run.phases[-1].calls[call] += 1

    def _show(self, entry: dict[str, t.Any]) -> None:
        """A wait's report: kept, and printed unless its aim was reached at the first look."""
        now = time.monotonic()
        wait = Wait(entry["subject"], now - entry["seconds"], entry["message"], entry["usual"])
        finished = entry["state"] != "waiting"
        if self.run and self.run.phases:
            self.run.phases[-1].waits.append(entry)
        if finished:
            self.waits.pop((entry["pid"], wait.subject), None)
        else:
            self.waits[entry["pid"], wait.subject] = wait
        # A line kept current shows the rest.
        if (finished and entry["seconds"]) or (self.style == "lines" and not finished):
            self.spoken = 0
            self._line(wait.line(now))

    def _show_waits(self, now: float) -> None:
        with self.lock:
            waits = [*self.waits.values()] or [wait for wait in self.tasks.values() if now - wait.since >= _LONG]
        if self.live:
            self.live.show(live_line(waits, now, shutil.get_terminal_size().columns))
        elif waits and now - self.last_line >= patience(self.get_option("quiet_seconds"), self.spoken):
            self.spoken += 1
            for wait in waits:
                self._line(wait.line(now, unchanged=True))

    def _line(self, text: str) -> None:
        if self.style != "none":
            self._display.display(text, color="bright gray")
        self.last_line = time.monotonic()
