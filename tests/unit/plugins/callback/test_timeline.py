# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeline: reports of waits are printed as they come, silence is broken, phases are summed up."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.callback.timeline import CallbackModule
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import PROGRESS_FILE


class Display:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shown = threading.Event()
        self._lock = threading.RLock()

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


class Result:
    """A task's result, as callbacks get it."""

    def __init__(self, task: str, changed: bool) -> None:
        self.task_name = task
        self.host = Host()
        self._changed = changed

    def is_changed(self) -> bool:
        return self._changed


class Host:
    def __init__(self, name: str = "runner") -> None:
        self._name = name

    def get_name(self) -> str:
        return self._name


class Task:
    def __init__(self, name: str, action: str = "seam.eks_auto.eks_cluster") -> None:
        self.name = name
        self.action = action

    def get_name(self) -> str:
        return self.name


class Playbook:
    _file_name = "/somewhere/site.yml"


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[CallbackModule]:
    for name in (PROGRESS_FILE, "AWS_CSM_ENABLED", "AWS_CSM_HOST", "AWS_CSM_PORT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    made = CallbackModule()
    made._display = Display()
    options = {"timeline_file": str(tmp_path / "timeline.jsonl"), "quiet_seconds": 30.0, "progress": "lines"}
    monkeypatch.setattr(made, "get_option", options.get)
    yield made
    made._stop()


def entry(state: str, seconds: float, message: str) -> dict[str, Any]:
    return {
        "pid": 1,
        "subject": "the cluster",
        "usual": None,
        "state": state,
        "seconds": seconds,
        "reason": "X",
        "message": message,
    }


def lines(callback: CallbackModule) -> list[str]:
    return [line.strip() for line in callback._display.lines]


def test_changes_are_printed_and_what_was_there_already_is_not(callback: CallbackModule) -> None:
    callback._show(entry("waiting", 0, "is being made"))
    callback._show(entry("done", 7, "is there"))
    callback._show(entry("done", 0, "was there"))
    assert lines(callback) == ["…     0 s  the cluster: is being made", "…     7 s  the cluster: is there"]


def test_silence_is_broken_only_while_something_waits_and_less_and_less(callback: CallbackModule) -> None:
    callback._show(entry("waiting", 0, "is being made"))
    began = callback.last_line
    spoke = []
    for second in range(400):
        before = len(callback._display.lines)
        # A little later: the difference of two times of a clock that has run for long may be less than it is.
        callback._show_waits(began + second + 0.01)
        if len(callback._display.lines) > before:
            spoke.append(second)
            callback.last_line = began + second
    assert spoke == [30, 90, 210]
    assert lines(callback)[1] == "…    30 s  the cluster: is being made (unchanged)"
    callback._show(entry("done", 400, "is there"))
    callback._show_waits(began + 10_000)
    assert len(callback._display.lines) == 5


def test_a_long_task_that_reports_nothing_shows_life_too(callback: CallbackModule) -> None:
    callback.v2_runner_on_start(Host(), Task("Make the NAT gateway"))
    callback._show_waits(callback.last_line + 31)
    assert lines(callback) == ["…    31 s  Make the NAT gateway"]
    callback.v2_runner_on_ok(Result("Make the NAT gateway", changed=True))
    callback._show_waits(callback.last_line + 1000)
    assert len(callback._display.lines) == 1


def test_nobody_is_interrupted_at_a_prompt(callback: CallbackModule) -> None:
    callback.v2_runner_on_start(Host(), Task("Approve", "ansible.builtin.pause"))
    callback._show_waits(callback.last_line + 1000)
    assert lines(callback) == []


def test_a_module_that_ended_without_a_word_waits_no_longer(callback: CallbackModule) -> None:
    callback.v2_runner_on_start(Host(), Task("Make the cluster"))
    callback._show(entry("waiting", 0, "is being made"))
    callback.v2_runner_on_failed(Result("Make the cluster", changed=False))
    callback._show_waits(callback.last_line + 1000)
    assert len(callback._display.lines) == 1


def test_nothing_is_printed_where_nothing_is_wanted(callback: CallbackModule, tmp_path: Path) -> None:
    callback.get_option = {"timeline_file": str(tmp_path / "timeline.jsonl"), "progress": "none"}.get
    callback.v2_playbook_on_start(Playbook())
    callback.v2_playbook_on_play_start(Play("Foundation"))
    callback._show(entry("waiting", 0, "is being made"))
    callback._show(entry("done", 9, "is there"))
    callback.v2_playbook_on_stats(None)
    assert callback._display.lines == []
    assert (tmp_path / "timeline.jsonl").exists()


def test_each_run_is_kept_as_json_by_phase(callback: CallbackModule, tmp_path: Path) -> None:
    (tmp_path / "timeline.jsonl").write_text('{"an": "earlier run"}\n')
    callback.v2_playbook_on_start(Playbook())
    callback.v2_playbook_on_play_start(Play("Foundation"))
    callback.v2_runner_on_ok(Result("Make the cluster", changed=True))
    callback.v2_runner_on_ok(Result("Look", changed=False))
    with callback.progress.open("a") as reports:
        reports.write(json.dumps(entry("waiting", 0, "is being made")) + "\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as botocore:
        report = {"Type": "ApiCall", "Service": "EKS", "Api": "DescribeCluster"}
        botocore.sendto(json.dumps(report).encode(), ("127.0.0.1", int(os.environ["AWS_CSM_PORT"])))
    callback.v2_playbook_on_play_start(Play("API"))
    callback.v2_playbook_on_stats(None)
    run = json.loads((tmp_path / "timeline.jsonl").read_text().splitlines()[1])
    assert (run["playbook"], run["check_mode"]) == ("site.yml", False)
    assert [phase["name"] for phase in run["phases"]] == ["Foundation", "API"]
    assert run["phases"][0]["changed"] == [{"task": "Make the cluster", "host": "runner"}]
    assert run["phases"][0]["waits"][0]["message"] == "is being made"
    assert run["phases"][0]["calls"] == {"EKS": {"DescribeCluster": 1}}
    assert run["phases"][1]["calls"] == {}
    assert all(phase["seconds"] >= 0 for phase in run["phases"])
    assert not callback.progress.exists()
    assert "AWS_CSM_PORT" not in os.environ


def test_what_a_module_reports_is_printed_while_it_still_waits(callback: CallbackModule) -> None:
    callback.v2_playbook_on_start(Playbook())
    callback.v2_playbook_on_play_start(Play("Foundation"))
    with callback.progress.open("a", encoding="utf-8") as report:
        report.write(json.dumps(entry("waiting", 0, "is being made")) + "\n")
    assert callback._display.shown.wait(10)
    assert callback._display.lines[0].strip() == "…     0 s  the cluster: is being made"
    callback.v2_playbook_on_stats(None)
    assert callback._display.lines[-1].endswith(" s  Foundation")


@pytest.mark.parametrize("outcome", ["v2_runner_on_skipped", "v2_runner_on_unreachable"])
def test_a_task_that_came_to_nothing_waits_no_longer(callback: CallbackModule, outcome: str) -> None:
    callback.v2_runner_on_start(Host(), Task("Make the cluster"))
    getattr(callback, outcome)(Result("Make the cluster", changed=False))
    callback._show_waits(callback.last_line + 1000)
    assert lines(callback) == []


def test_while_one_host_is_done_the_others_still_wait(callback: CallbackModule) -> None:
    callback.v2_runner_on_start(Host(), Task("Make the cluster"))
    callback.v2_runner_on_start(Host("other"), Task("Make the cluster"))
    callback.v2_runner_on_ok(Result("Make the cluster", changed=False))
    callback._show_waits(callback.last_line + 31)
    assert lines(callback) == ["…    31 s  Make the cluster"]


def test_a_line_is_kept_current_on_a_terminal(
    callback: CallbackModule, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(callback, "get_option", {"quiet_seconds": 30.0, "progress": "live"}.get)
    callback.v2_playbook_on_start(Playbook())
    callback.v2_playbook_on_play_start(Play("Foundation"))
    callback._show(entry("waiting", 0, "is being made"))
    callback._show_waits(callback.last_line + 3)
    assert "the cluster: is being made" in capsys.readouterr().out
    callback.v2_playbook_on_stats(None)
    assert lines(callback)[0] == "TIMELINE"
    assert callback.live is None


def test_outside_of_a_playbook_there_is_no_timeline(callback: CallbackModule, tmp_path: Path) -> None:
    """`ansible` calls plays too."""
    callback.v2_playbook_on_play_start(Play("Ansible Ad-Hoc"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as botocore:
        report = {"Type": "ApiCall", "Service": "EKS", "Api": "DescribeCluster"}
        botocore.sendto(json.dumps(report).encode(), ("127.0.0.1", int(os.environ["AWS_CSM_PORT"])))
    callback.v2_runner_on_ok(Result("ping", changed=True))
    callback.v2_playbook_on_stats(None)
    assert lines(callback) == []
    assert not (tmp_path / "timeline.jsonl").exists()
