# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeline: what waits report is printed as it comes, silence is broken, phases are summed up."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.callback.timeline import CallbackModule
from ansible_collections.seam.eks_auto.plugins.module_utils._wait import PROGRESS_FILE


class Display:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shown = threading.Event()

    def display(self, text: str, **_: Any) -> None:
        self.lines.append(text)
        self.shown.set()

    def banner(self, text: str) -> None:
        self.lines.append(text)


class Play:
    def __init__(self, name: str) -> None:
        self.name = name

    def get_name(self) -> str:
        return self.name


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CallbackModule:
    monkeypatch.setenv(PROGRESS_FILE, "")
    made = CallbackModule()
    made._display = Display()
    options = {"timeline_file": str(tmp_path / "timeline.json"), "quiet_seconds": 30.0}
    monkeypatch.setattr(made, "get_option", options.get)
    return made


def entry(state: str, seconds: float, message: str) -> dict[str, Any]:
    return {"subject": "the cluster", "state": state, "seconds": seconds, "reason": "X", "message": message}


def test_changes_are_printed_and_what_was_there_already_is_not(callback: CallbackModule) -> None:
    callback._show(entry("waiting", 0, "is being made"))
    callback._show(entry("done", 7, "is there"))
    callback._show(entry("done", 0, "was there"))
    assert [line.strip() for line in callback._display.lines] == [
        "…     0 s  the cluster: is being made",
        "…     7 s  the cluster: is there",
    ]


def test_silence_is_broken_only_while_something_waits(callback: CallbackModule) -> None:
    callback._show(entry("waiting", 0, "is being made"))
    callback.last_line -= 31
    callback._show_life()
    callback._show_life()
    callback._show(entry("done", 40, "is there"))
    callback.last_line -= 31
    callback._show_life()
    assert [line.strip() for line in callback._display.lines][1] == "…        the cluster: still as before"
    assert len(callback._display.lines) == 3


def test_a_run_is_kept_as_json_by_phase(callback: CallbackModule, tmp_path: Path) -> None:
    callback.v2_playbook_on_start(None)
    callback.v2_playbook_on_play_start(Play("Foundation"))
    callback._show(entry("waiting", 0, "is being made"))
    callback.v2_playbook_on_play_start(Play("API"))
    callback.v2_playbook_on_stats(None)
    phases = json.loads((tmp_path / "timeline.json").read_text())
    assert [phase["name"] for phase in phases] == ["Foundation", "API"]
    assert phases[0]["waits"][0]["message"] == "is being made"
    assert all(phase["seconds"] >= 0 for phase in phases)
    assert not callback.progress.exists()


def test_what_a_module_reports_is_printed_while_it_still_waits(
    callback: CallbackModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback, "get_option", {"timeline_file": None, "quiet_seconds": 30.0}.get)
    callback.v2_playbook_on_start(None)
    callback.v2_playbook_on_play_start(Play("Foundation"))
    with callback.progress.open("a", encoding="utf-8") as report:
        report.write(json.dumps(entry("waiting", 0, "is being made")) + "\n")
    assert callback._display.shown.wait(10)
    assert callback._display.lines[0].strip() == "…     0 s  the cluster: is being made"
    callback.v2_playbook_on_stats(None)
    assert callback._display.lines[-1].endswith(" s  Foundation")
