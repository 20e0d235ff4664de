# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a wait shows: one line kept current on a terminal, elsewhere a line at each change and now and then."""

from __future__ import annotations

import os
import sys
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Callbacks with output for machines: any other line would break it.
MACHINE_READABLE = ("json", "jsonl")
#: Where there may be a terminal and nobody who looks at it: pipelines, and AWX, whose ansible-runner makes one.
UNATTENDED = ("CI", "AWX_ISOLATED_DATA_DIR")
#: How often the pause before the next word of a silent wait doubles.
_DOUBLINGS = 4
_ERASE = "\r\x1b[2K"


@dataclass(frozen=True)
class Wait:
    """A wait: its aim, its start, the last observation, and its usual duration."""

    subject: str
    since: float
    seen: str = ""
    usual: str | None = None

    def line(self, now: float, unchanged: bool = False) -> str:
        seen = f": {self.seen}" if self.seen else ""
        notes = ["unchanged"] * (unchanged and bool(seen)) + ([f"usually {self.usual}"] if self.usual else [])
        noted = f" ({'; '.join(notes)})" if notes else ""
        return f"  … {now - self.since:5.0f} s  {self.subject}{seen}{noted}"


def choose_style(wanted: str, terminal: bool, stdout_callback: str, environment: Mapping[str, str]) -> str:
    """``live``, ``lines`` or ``none``."""
    if wanted != "auto":
        return wanted
    if stdout_callback.rpartition(".")[2] in MACHINE_READABLE:
        return "none"
    attended = terminal and environment.get("TERM", "dumb") != "dumb" and not any(map(environment.get, UNATTENDED))
    return "live" if attended else "lines"


def live_line(waits: Sequence[Wait], now: float, width: int) -> str:
    """The longest wait, and how many others there are, in one line of a terminal."""
    if not waits:
        return ""
    longest = min(waits, key=lambda wait: wait.since)
    others = f"  and {len(waits) - 1} more" if len(waits) > 1 else ""
    line = " ".join(longest.line(now).splitlines())
    room = max(0, width - 1 - len(others))
    return (line if len(line) <= room else line[: max(0, room - 1)] + "…") + others


def patience(first: float, spoken: int) -> float:
    """Seconds of silence before the next word of a wait that has broken it so many times."""
    return first * 2.0 ** min(spoken, _DOUBLINGS)


class LiveLine:
    """The last line of the terminal, rewritten in place; what else is displayed comes above it."""

    def __init__(self, display: t.Any) -> None:
        self._display = display
        self._text = ""
        self._process = os.getpid()
        self._display_message = display.display
        display.display = self._display_above

    def show(self, text: str) -> None:
        # With its lock held ansible starts no worker, so none begins with half a line in its buffer.
        with self._display._lock:
            if text != self._text:
                sys.stdout.write(_ERASE + text)
                sys.stdout.flush()
                self._text = text

    def close(self) -> None:
        self.show("")
        self._display.display = self._display_message

    def _display_above(self, *args: t.Any, **options: t.Any) -> t.Any:
        # Workers send their output to the process that shows the line.
        if os.getpid() == self._process and not options.get("log_only"):
            self.show("")
        return self._display_message(*args, **options)
