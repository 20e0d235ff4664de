# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wait: one deadline, adaptive polling, early end, timeline and last word."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core import wait as _wait
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import (
    Pace,
    Verdict,
    WaitError,
    Wake,
    wait,
    wait_for_all,
)


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
    assert timeline.entries == [{"seconds": 0.0, "subject": "the thing", "reason": "ACTIVE", "message": "It is there."}]


def test_polling_slows_while_nothing_changes_and_is_fast_again_after_a_change() -> None:
    clock, _ = run([CREATING, CREATING, CREATING, CREATING, STARTING, STARTING, READY], pace=Pace(2, 4, 1.5))
    assert clock.pauses == [2, 3, 4, 4, 2, 3]


def test_how_fast_polling_slows_is_a_choice() -> None:
    clock, _ = run([CREATING, CREATING, CREATING, READY], pace=Pace(2, 4, 1.25))
    assert clock.pauses == [2, 2.5, 3.125]


def test_the_timeline_holds_changes_only() -> None:
    _, timeline = run([CREATING, CREATING, STARTING, READY], pace=Pace(1, 15, 1.5))
    assert [(entry["seconds"], entry["reason"]) for entry in timeline.entries] == [
        (0.0, "CREATING"),
        (2.5, "STARTING"),
        (3.5, "ACTIVE"),
    ]


def test_what_cannot_recover_ends_the_wait_early_and_says_so() -> None:
    broken = Verdict.failed("FAILED", "It broke: no subnet.", owner="infra", fix="Tag the subnets.")
    with pytest.raises(WaitError) as caught:
        run([CREATING, broken], timeout=600, pace=Pace(1))
    assert not caught.value.timed_out
    assert caught.value.elapsed < 5
    assert str(caught.value) == (
        "Stopped after 1 s waiting for the thing: this can't recover by itself.\n"
        "Seen: It broke: no subnet. [FAILED]\nOwner: infra\nTo do: Tag the subnets."
    )


def test_the_deadline_says_what_was_last_seen_and_for_how_long() -> None:
    with pytest.raises(WaitError) as caught:
        run([STARTING, CREATING], timeout=10, pace=Pace(2, 3, 1.5))
    assert caught.value.timed_out
    assert caught.value.elapsed == 10
    assert str(caught.value) == (
        "Timed out after 10 s waiting for the thing.\n"
        "Last seen (for 8 s): It is being made. [CREATING]\nOwner: AWS\nTo do: Wait longer."
    )


def test_what_becomes_true_during_the_last_pause_counts() -> None:
    clock, _ = run([CREATING, READY], timeout=1, pace=Pace(5))
    assert clock.pauses == [1]


def test_each_change_is_a_progress_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "progress"
    monkeypatch.setenv(_wait.PROGRESS_FILE, str(path))
    run([CREATING, CREATING, READY])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["subject"], line["reason"]) for line in lines] == [("the thing", "CREATING"), ("the thing", "ACTIVE")]


# Many at once


class Race:
    """Things that become ready at a given second, or break; it remembers when it was asked for which."""

    def __init__(self, clock: Clock, ready: dict[str, float], broken: dict[str, float] | None = None) -> None:
        self.clock = clock
        self.ready = ready
        self.broken = broken or {}
        self.looks: list[tuple[float, list[str]]] = []

    def observe(self, due: list[str]) -> dict[str, Verdict]:
        self.looks.append((self.clock.now, due))
        return {key: self.verdict(key) for key in due}

    def verdict(self, key: str) -> Verdict:
        if self.clock.now >= self.broken.get(key, 1e9):
            return Verdict.failed("FAILED", f"{key} broke.", owner="infra", fix=f"Mend {key}.")
        return READY if self.clock.now >= self.ready[key] else CREATING

    def run(self, timeout: float = 100, **options: Any) -> tuple[dict[str, Verdict], _wait.Timeline]:
        return wait_for_all(
            {key: f"{key} to be there" for key in self.ready},
            self.observe,
            lambda verdict: verdict,
            timeout=timeout,
            clock=self.clock,
            pause=self.clock.pause,
            **options,
        )


def test_what_is_there_is_not_looked_at_again() -> None:
    race = Race(Clock(), {"a": 0, "b": 4, "c": 2})
    seen, timeline = race.run(pace=Pace(1, 1))
    assert seen == {"a": READY, "b": READY, "c": READY} and list(seen) == ["a", "b", "c"]
    assert race.looks == [(0, ["a", "b", "c"]), (1, ["b", "c"]), (2, ["b", "c"]), (3, ["b"]), (4, ["b"])]
    assert [(entry["seconds"], entry["subject"], entry["reason"]) for entry in timeline.entries] == [
        (0.0, "a to be there", "ACTIVE"),
        (0.0, "b to be there", "CREATING"),
        (0.0, "c to be there", "CREATING"),
        (2.0, "c to be there", "ACTIVE"),
        (4.0, "b to be there", "ACTIVE"),
    ]


def test_nothing_to_wait_for_is_done() -> None:
    race = Race(Clock(), {})
    assert race.run()[0] == {} and race.looks == []


def test_each_has_a_pace_of_its_own() -> None:
    clock = Clock()
    looks: list[tuple[float, list[str]]] = []

    def observe(due: list[str]) -> dict[str, Verdict]:
        looks.append((clock.now, due))
        return {key: READY if clock.now >= 4 else CREATING if key == "slow" else STARTING for key in due}

    wait_for_all(
        {"slow": "slow", "fast": "fast"},
        observe,
        lambda verdict: verdict,
        timeout=100,
        pace=lambda verdict: Pace(4, 4) if verdict is CREATING else Pace(1, 1),
        clock=clock,
        pause=clock.pause,
    )
    assert looks == [(0, ["slow", "fast"]), (1, ["fast"]), (2, ["fast"]), (3, ["fast"]), (4, ["slow", "fast"])]


def test_a_look_that_was_good_for_others_counts_for_them() -> None:
    race = Race(Clock(), {"a": 3, "b": 3})
    race.observe = lambda due: {key: race.verdict(key) for key in ("a", "b", "somebody else's") if key in race.ready}  # type: ignore[method-assign]
    race.run(pace=Pace(1, 1))
    assert race.clock.pauses == [1, 1, 1]


def test_one_that_cannot_recover_ends_the_wait_and_says_how_far_the_others_are() -> None:
    race = Race(Clock(), {"a": 0, "b": 50, "c": 50}, broken={"c": 2})
    with pytest.raises(WaitError) as caught:
        race.run(pace=Pace(1, 1))
    assert caught.value.verdict.reason == "FAILED"
    assert str(caught.value).splitlines() == [
        "Stopped after 2 s, with 2 of 3 still to wait for: the first can't recover by itself.",
        "Waiting for c to be there:",
        "Seen: c broke. [FAILED]",
        "Owner: infra",
        "To do: Mend c.",
        "Waiting for b to be there:",
        "Last seen (for 2 s): It is being made. [CREATING]",
        "Owner: AWS",
        "To do: Wait longer.",
    ]


def test_at_the_deadline_all_are_looked_at() -> None:
    race = Race(Clock(), {"a": 0, "b": 50, "c": 10})
    with pytest.raises(WaitError) as caught:
        race.run(timeout=10, pace=Pace(4, 4))
    assert race.looks[-1] == (10, ["b", "c"])
    assert str(caught.value).splitlines()[:2] == [
        "Timed out after 10 s, with 1 of 3 still to wait for.",
        "Waiting for b to be there:",
    ]


def test_a_push_makes_due_whom_it_is_about() -> None:
    race = Race(Clock(), {"a": 1, "b": 8})
    wake = Wake[str]()

    def pause(seconds: float) -> None:
        if race.clock.now == 0:
            race.clock.pause(1)
            wake.notify("a")
        else:
            race.clock.pause(seconds)

    wait_for_all(
        {"a": "a", "b": "b"},
        race.observe,
        lambda verdict: verdict,
        timeout=100,
        pace=Pace(8, 8),
        wake=wake,
        clock=race.clock,
        pause=pause,
    )
    assert race.looks == [(0, ["a", "b"]), (1, ["a"]), (8, ["b"])]


def test_a_push_ends_a_pause() -> None:
    wake = Wake[str]()
    threading.Timer(0.05, wake.notify, ["a"]).start()
    began = time.monotonic()
    seen = iter([CREATING, READY])
    wait_for_all(
        {"a": "a"}, lambda _due: {"a": next(seen)}, lambda verdict: verdict, timeout=60, pace=Pace(30), wake=wake
    )
    assert time.monotonic() - began < 10
