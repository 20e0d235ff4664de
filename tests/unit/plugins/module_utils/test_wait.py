# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait: one deadline, adaptive polling, early end, timeline and last word."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core import wait as _wait
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Verdict, WaitError, wait


class Clock:
    """A clock that only pauses move; it remembers how long each pause was."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def script(verdicts: Iterable[Verdict]) -> Callable[[], Verdict]:
    """Observations that come one after another; the last one stays."""
    remaining = list(verdicts)
    return lambda: remaining.pop(0) if len(remaining) > 1 else remaining[0]


def run(verdicts: Iterable[Verdict], timeout: float = 100, **options: Any) -> tuple[Clock, _wait.Timeline]:
    clock = Clock()
    _, timeline = wait(
        script(verdicts),
        lambda seen: seen,
        subject="the thing",
        timeout=timeout,
        clock=clock,
        pause=clock.pause,
        **options,
    )
    return clock, timeline


CREATING = Verdict.waiting("CREATING", "It is being made.", owner="AWS", fix="Wait longer.")
STARTING = Verdict.waiting("STARTING", "It starts.")
READY = Verdict.done("ACTIVE", "It is there.")


def test_done_at_once_does_not_pause() -> None:
    clock, timeline = run([READY])
    assert clock.pauses == []
    assert timeline.entries == [{"seconds": 0.0, "reason": "ACTIVE", "message": "It is there."}]


def test_polling_slows_while_nothing_changes_and_is_fast_again_after_a_change() -> None:
    clock, _ = run([CREATING, CREATING, CREATING, CREATING, STARTING, STARTING, READY], fastest=2, slowest=4)
    assert clock.pauses == [2, 3, 4, 4, 2, 3]


def test_how_fast_polling_slows_is_a_choice() -> None:
    clock, _ = run([CREATING, CREATING, CREATING, READY], fastest=2, slowest=4, growth=1.25)
    assert clock.pauses == [2, 2.5, 3.125]


def test_the_timeline_holds_changes_only() -> None:
    _, timeline = run([CREATING, CREATING, STARTING, READY], fastest=1)
    assert [(entry["seconds"], entry["reason"]) for entry in timeline.entries] == [
        (0.0, "CREATING"),
        (2.5, "STARTING"),
        (3.5, "ACTIVE"),
    ]


def test_what_cannot_recover_ends_the_wait_early_and_says_so() -> None:
    broken = Verdict.failed("FAILED", "It broke: no subnet.", owner="infra", fix="Tag the subnets.")
    with pytest.raises(WaitError) as caught:
        run([CREATING, broken], timeout=600)
    assert not caught.value.timed_out
    assert caught.value.elapsed < 5
    assert str(caught.value) == (
        "Stopped after 1 s waiting for the thing: this can't recover by itself.\n"
        "Seen: It broke: no subnet. [FAILED]\nOwner: infra\nTo do: Tag the subnets."
    )


def test_the_deadline_says_what_was_last_seen_and_for_how_long() -> None:
    with pytest.raises(WaitError) as caught:
        run([STARTING, CREATING], timeout=10, fastest=2, slowest=3)
    assert caught.value.timed_out
    assert caught.value.elapsed == 10
    assert str(caught.value) == (
        "Timed out after 10 s waiting for the thing.\n"
        "Last seen (for 8 s): It is being made. [CREATING]\nOwner: AWS\nTo do: Wait longer."
    )


def test_what_becomes_true_during_the_last_pause_counts() -> None:
    clock, _ = run([CREATING, READY], timeout=1, fastest=5)
    assert clock.pauses == [1]


def test_each_change_is_a_progress_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "progress"
    monkeypatch.setenv(_wait.PROGRESS_FILE, str(path))
    run([CREATING, CREATING, READY])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["subject"], line["reason"]) for line in lines] == [("the thing", "CREATING"), ("the thing", "ACTIVE")]
