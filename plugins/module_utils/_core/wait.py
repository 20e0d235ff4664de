# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way this collection waits: one deadline, adaptive polling, early end, a timeline and a last word.

A wait observes, judges what it saw, and stops as soon as the verdict is final. What it saw is kept as a
timeline; each change is also a progress line for whoever listens (see ``PROGRESS_FILE``).
"""

from __future__ import annotations

import json
import os
import threading
import time
import typing as t
from dataclasses import dataclass, field

T = t.TypeVar("T")

#: Environment variable naming a file that gets one JSON line for each change a wait sees.
PROGRESS_FILE = "SEAM_EKS_AUTO_PROGRESS_FILE"


@dataclass(frozen=True)
class Verdict:
    """What an observation means for the wait.

    ``state`` is ``waiting``, ``done`` or ``failed`` (can't recover by itself). ``reason`` is a short code,
    ``message`` one sentence saying what was seen; ``owner`` is the team that owns the fix, ``fix`` what to do.
    """

    state: t.Literal["waiting", "done", "failed"]
    reason: str
    message: str
    owner: str | None = None
    fix: str | None = None

    @classmethod
    def waiting(cls, reason: str, message: str, owner: str | None = None, fix: str | None = None) -> Verdict:
        return cls("waiting", reason, message, owner, fix)

    @classmethod
    def done(cls, reason: str, message: str) -> Verdict:
        return cls("done", reason, message)

    @classmethod
    def failed(cls, reason: str, message: str, owner: str | None = None, fix: str | None = None) -> Verdict:
        return cls("failed", reason, message, owner, fix)


@dataclass
class Timeline:
    """What was seen when: one entry for each change, ``seconds`` since the wait began."""

    subject: str
    entries: list[dict[str, t.Any]] = field(default_factory=list)
    usual: str | None = None

    def add(self, seconds: float, verdict: Verdict) -> bool:
        """Record a verdict that differs from the last one; returns whether it did."""
        seen = (verdict.reason, verdict.message)
        if self.entries and (self.entries[-1]["reason"], self.entries[-1]["message"]) == seen:
            return False
        entry = {"seconds": round(seconds, 1), "reason": verdict.reason, "message": verdict.message}
        self.entries.append(entry)
        _report_progress(
            {"pid": os.getpid(), "subject": self.subject, "usual": self.usual, "state": verdict.state, **entry}
        )
        return True

    @property
    def last_change(self) -> float:
        """Seconds into the wait at which the last change was seen."""
        return t.cast(float, self.entries[-1]["seconds"]) if self.entries else 0.0


class WaitError(Exception):
    """A wait ended without success: its verdict can't recover, or the deadline passed."""

    def __init__(self, verdict: Verdict, timeline: Timeline, elapsed: float, timed_out: bool) -> None:
        self.verdict = verdict
        self.timeline = timeline
        self.elapsed = elapsed
        self.timed_out = timed_out
        super().__init__(self._last_word())

    def _last_word(self) -> str:
        """What was awaited, what was last seen and for how long, whose it is and what to do."""
        verdict = self.verdict
        if self.timed_out:
            unchanged = self.elapsed - self.timeline.last_change
            lines = [
                f"Timed out after {self.elapsed:.0f} s waiting for {self.timeline.subject}.",
                f"Last seen (for {unchanged:.0f} s): {verdict.message} [{verdict.reason}]",
            ]
        else:
            lines = [
                f"Stopped after {self.elapsed:.0f} s waiting for {self.timeline.subject}: this can't recover by itself.",
                f"Seen: {verdict.message} [{verdict.reason}]",
            ]
        if verdict.owner:
            lines.append(f"Owner: {verdict.owner}")
        if verdict.fix:
            lines.append(f"To do: {verdict.fix}")
        return "\n".join(lines)


def wait(
    observe: t.Callable[[], T],
    judge: t.Callable[[T], Verdict],
    *,
    subject: str,
    timeout: float,
    fastest: float = 1.0,
    slowest: float = 15.0,
    growth: float = 1.5,
    wake: threading.Event | None = None,
    usual: str | None = None,
    clock: t.Callable[[], float] = time.monotonic,
    pause: t.Callable[[float], t.Any] | None = None,
) -> tuple[T, Timeline]:
    """Observe until the verdict is ``done``; return the last observation and the timeline.

    Polling starts at ``fastest`` seconds, slows by the factor ``growth`` while nothing changes, to ``slowest`` at most,
    and is fast again after every change. So a change is seen late by at most ``fastest`` and the share ``growth - 1``
    of the time in which nothing changed. An event given as ``wake`` ends a pause early (push where the platform can
    push). ``usual`` says how long this usually takes on AWS, where that is published.
    ``timeout`` is in seconds for the whole wait; an observation is made at the deadline too, so that what became
    true during the last pause counts. ``clock`` and ``pause`` are there for tests.

    Raises :class:`WaitError` when the verdict is ``failed`` or the deadline has passed.
    """
    wake = wake or threading.Event()
    pause = pause or wake.wait
    started = clock()
    timeline = Timeline(subject, usual=usual)
    interval = fastest
    while True:
        wake.clear()
        observation = observe()
        verdict = judge(observation)
        elapsed = clock() - started
        changed = timeline.add(elapsed, verdict)
        if verdict.state == "done":
            return observation, timeline
        if verdict.state == "failed":
            raise WaitError(verdict, timeline, elapsed, timed_out=False)
        if elapsed >= timeout:
            raise WaitError(verdict, timeline, elapsed, timed_out=True)
        interval = fastest if changed else min(interval * growth, slowest)
        pause(min(interval, timeout - elapsed))


def _report_progress(entry: dict[str, t.Any]) -> None:
    path = os.environ.get(PROGRESS_FILE)
    if path:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
