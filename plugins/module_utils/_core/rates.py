# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps calls under AWS's allowed rate, so that none is refused first."""

from __future__ import annotations

import time
import typing as t


class TokenBucket:
    """Lets ``burst`` calls through at once, and ``rate`` calls a second from then on.

    ``clock`` gives seconds and ``sleep`` waits for some (default: ``time.sleep``); both are there for tests.
    """

    def __init__(
        self,
        rate: float,
        burst: int = 1,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], t.Any] | None = None,
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(burst)
        self._filled = clock()

    def take(self) -> None:
        """Return when the next call may be made."""
        self._fill()
        if self._tokens < 1:
            (self._sleep or time.sleep)((1 - self._tokens) / self._rate)
            self._fill()
        self._tokens -= 1

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._filled) * self._rate)
        self._filled = now
