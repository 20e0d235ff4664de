# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way this collection waits: for many things together, with one deadline, adaptive polling, early end, a timeline
and a last word.

A wait observes, judges what it saw, and stops as soon as all is done or something can't recover. It keeps its
observations as a timeline; each change is also a progress line for whoever listens (see ``PROGRESS_FILE``).
"""

from __future__ import annotations

import json
import os
import threading
import time
import typing as t
from collections import deque
from dataclasses import dataclass, field

T = t.TypeVar("T")
K = t.TypeVar("K", bound=t.Hashable)

#: Environment variable naming a file that gets one JSON line for each change a wait sees.
PROGRESS_FILE = "SEAM_EKS_AUTO_PROGRESS_FILE"


@dataclass(frozen=True)
class Verdict:
    """What an observation means for the wait.

    ``state`` is ``waiting``, ``done`` or ``failed`` (can't recover by itself). ``reason`` is a short code,
    ``message`` one sentence saying what was seen; ``owner`` is the team that has to act, ``fix`` its task.
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


# The worst first.
_STATES = ("failed", "waiting", "done")


@dataclass
class Timeline:
    """The history: one entry for each change of a subject, ``seconds`` since the wait began."""

    entries: list[dict[str, t.Any]] = field(default_factory=list)
    usual: str | None = None
    _latest: dict[str, dict[str, t.Any]] = field(default_factory=dict)

    def add(self, subject: str, seconds: float, verdict: Verdict) -> bool:
        """Record a verdict that differs from the subject's last one; returns whether it did."""
        latest = self._latest.get(subject)
        if latest and (latest["reason"], latest["message"]) == (verdict.reason, verdict.message):
            return False
        entry = {
            "seconds": round(seconds, 1),
            "subject": subject,
            "reason": verdict.reason,
            "message": verdict.message,
        }
        self.entries.append(entry)
        self._latest[subject] = entry
        _report_progress({"pid": os.getpid(), "usual": self.usual, "state": verdict.state, **entry})
        return True

    def last_change(self, subject: str) -> float:
        """Seconds into the wait at which the subject's last change was seen."""
        return t.cast(float, self._latest[subject]["seconds"])


@dataclass(frozen=True)
class Pace:
    """Seconds between two looks: ``fastest`` after a change, slower by the factor ``growth`` while nothing changes,
    ``slowest`` at most.

    So a change is seen late by the share ``growth - 1`` of the time in which nothing changed, within these bounds. By
    default that is within a second if the change takes seconds, within five if it takes minutes.
    """

    fastest: float = 0.5
    slowest: float = 5.0
    growth: float = 1.15

    def after(self, interval: float | None) -> float:
        """The next interval, given the one before; None after a change."""
        return self.fastest if interval is None else min(interval * self.growth, self.slowest)


DEFAULT_PACE = Pace()


class Wake(t.Generic[K]):
    """Ends the pause of a wait early, and names the subjects to look at."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._keys: deque[K] = deque()

    def notify(self, key: K) -> None:
        """Have a look at this one now. May be called by any thread."""
        self._keys.append(key)
        self._event.set()

    def take(self) -> set[K]:
        """Those that were notified since the last call."""
        self._event.clear()
        return {self._keys.popleft() for _each in range(len(self._keys))}

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)


class WaitError(Exception):
    """A wait ended without success: a verdict can't recover, or the deadline passed.

    ``verdicts`` are the last ones, by what was waited for, in its order.
    """

    def __init__(self, verdicts: dict[str, Verdict], timeline: Timeline, elapsed: float, timed_out: bool) -> None:
        self.verdicts = verdicts
        self.timeline = timeline
        self.elapsed = elapsed
        self.timed_out = timed_out
        super().__init__(self._last_word())

    @property
    def verdict(self) -> Verdict:
        """The subject that ended the wait, or the first unfinished one."""
        return min(self.verdicts.values(), key=lambda verdict: _STATES.index(verdict.state))

    def _last_word(self) -> str:
        """The goal, the state last seen and for how long, the owner and the fix."""
        after, all_of_them = round(self.elapsed), len(self.verdicts)
        left = [subject for subject, verdict in self.verdicts.items() if verdict.state != "done"]
        left.sort(key=lambda subject: _STATES.index(self.verdicts[subject].state))
        if all_of_them == 1:
            (subject,) = left
            timed_out = f"Timed out after {after} s waiting for {subject}."
            stopped = f"Stopped after {after} s waiting for {subject}: this can't recover by itself."
            lines = self._seen(subject)
        else:
            ended = f"after {after} s, with {len(left)} of {all_of_them} still to wait for"
            timed_out, stopped = f"Timed out {ended}.", f"Stopped {ended}: the first can't recover by itself."
            lines = [line for subject in left for line in (f"Waiting for {subject}:", *self._seen(subject))]
        return "\n".join([timed_out if self.timed_out else stopped, *lines])

    def _seen(self, subject: str) -> list[str]:
        verdict = self.verdicts[subject]
        unchanged = round(self.elapsed - self.timeline.last_change(subject))
        if verdict.state == "failed":
            lines = [f"Seen: {verdict.message} [{verdict.reason}]"]
        else:
            lines = [f"Last seen (for {unchanged} s): {verdict.message} [{verdict.reason}]"]
        lines += [f"Owner: {verdict.owner}"] if verdict.owner else []
        return lines + ([f"To do: {verdict.fix}"] if verdict.fix else [])


def wait_for_all(
    subjects: t.Mapping[K, str],
    observe: t.Callable[[list[K]], t.Mapping[K, T]],
    judge: t.Callable[[T], Verdict],
    *,
    timeout: float,
    pace: Pace | t.Callable[[Verdict], Pace] = DEFAULT_PACE,
    wake: Wake[K] | None = None,
    usual: str | None = None,
    clock: t.Callable[[], float] = time.monotonic,
    pause: t.Callable[[float], t.Any] | None = None,
) -> tuple[dict[K, T], Timeline]:
    """Observe until every verdict is ``done``; return the last observations, in the order of ``subjects``, and the timeline.

    ``subjects`` describes each and its goal, in words. ``observe`` gets those due, and returns them with any others
    seen by the same look. Those done are not looked at again. With ``wake``, something else
    can make them due (push where the platform can push). ``pace`` may depend on the last verdict. ``usual`` says how long this
    usually takes on AWS, where that is published.
    ``timeout`` is in seconds for the whole wait; all are observed at the deadline too, so changes during the last pause
    count. ``clock`` and ``pause`` are there for tests.

    Raises :class:`WaitError` when a verdict is ``failed`` or the deadline has passed.
    """
    wake = wake or Wake()
    pause = pause or wake.wait
    started = clock()
    timeline = Timeline(usual=usual)
    seen: dict[K, T] = {}
    verdicts: dict[K, Verdict] = {}
    intervals: dict[K, float] = {}
    due = dict.fromkeys(subjects, started)
    while due:
        now = clock()
        last = now - started >= timeout
        woken = wake.take()
        for key, observation in observe([key for key, at in due.items() if at <= now or last or key in woken]).items():
            if key not in due:
                continue
            verdict = judge(observation)
            seen[key], verdicts[key] = observation, verdict
            elapsed = clock() - started
            changed = timeline.add(subjects[key], elapsed, verdict)
            if verdict.state == "done":
                del due[key]
                continue
            chosen = pace(verdict) if callable(pace) else pace
            intervals[key] = chosen.after(None if changed else intervals[key])
            due[key] = clock() + intervals[key]
        elapsed = clock() - started
        failed = any(verdict.state == "failed" for verdict in verdicts.values())
        if failed or (due and last):
            by_subject = {words: verdicts[key] for key, words in subjects.items()}
            raise WaitError(by_subject, timeline, elapsed, timed_out=not failed)
        if due:
            pause(max(0.0, min(min(due.values()) - clock(), timeout - elapsed)))
    return {key: seen[key] for key in subjects}, timeline


def wait(
    observe: t.Callable[[], T],
    judge: t.Callable[[T], Verdict],
    *,
    subject: str,
    **options: t.Any,
) -> tuple[T, Timeline]:
    """As :func:`wait_for_all`, for one thing."""
    seen, timeline = wait_for_all({subject: subject}, lambda _due: {subject: observe()}, judge, **options)
    return seen[subject], timeline


def _report_progress(entry: dict[str, t.Any]) -> None:
    path = os.environ.get(PROGRESS_FILE)
    if path:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
