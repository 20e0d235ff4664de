# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeline of a run: its phases, and in each the changes, the waits and the AWS calls."""

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Phase:
    """One play."""

    name: str
    started: float
    seconds: float | None = None
    changed: list[dict[str, str]] = field(default_factory=list)
    waits: list[dict[str, t.Any]] = field(default_factory=list)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)

    def end(self, now: float) -> None:
        if self.seconds is None:
            self.seconds = round(now - self.started, 1)

    def to_json(self) -> dict[str, t.Any]:
        calls: dict[str, dict[str, int]] = {}
        for (service, operation), count in sorted(self.calls.items()):
            calls.setdefault(service, {})[operation] = count
        return {
            "name": self.name,
            "seconds": self.seconds,
            "changed": self.changed,
            "waits": self.waits,
            "calls": calls,
        }


@dataclass
class Run:
    """A run of one playbook. ``started`` is when, in ISO 8601."""

    playbook: str
    check_mode: bool
    started: str
    phases: list[Phase] = field(default_factory=list)

    def to_json(self) -> dict[str, t.Any]:
        return {
            "playbook": self.playbook,
            "check_mode": self.check_mode,
            "started": self.started,
            "seconds": round(sum(phase.seconds or 0 for phase in self.phases), 1),
            "phases": [phase.to_json() for phase in self.phases],
        }


def summary(run: Run) -> list[str]:
    """The lines at the end: each phase with its seconds and calls, and below it its waits."""
    lines = []
    for phase in run.phases:
        calls = Counter[str]()
        for (service, _operation), count in phase.calls.items():
            calls[service.lower()] += count
        made = ", ".join(f"{service} {count}" for service, count in calls.most_common())
        lines.append(f"{phase.seconds or 0:7.1f} s  {phase.name}{f'  (AWS calls: {made})' if made else ''}")
        for subject, seconds in waited(phase.waits).items():
            lines.append(f"{'':9}  {seconds:7.1f} s  {subject}")
    return lines


def waited(reports: list[dict[str, t.Any]]) -> dict[str, float]:
    """The waits that took any time, with their seconds."""
    longest: dict[str, float] = {}
    for report in reports:
        longest[report["subject"]] = max(report["seconds"], longest.get(report["subject"], 0.0))
    return {subject: seconds for subject, seconds in longest.items() if seconds}
