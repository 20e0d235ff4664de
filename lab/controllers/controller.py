# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop of a controller: it gets keys, and reconciles one after another until each is as it should be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp

from lab.controllers.client import ApiError, Cache, Key, key_of

_LOG = logging.getLogger(__name__)

#: Seconds before the first retry of a failure; each further retry waits twice as long.
FIRST_RETRY = 0.05


class Controller:
    """Reconciles keys in tasks of their own: different keys at the same time, one key never twice at once.

    ``reconcile`` returns the seconds after which to look at the key again, or None. When it raises, the key's turn
    comes again after a time that doubles up to ``longest_retry`` seconds.
    """

    def __init__(self, reconcile: Callable[[Key], Awaitable[float | None]], longest_retry: float = 1.0) -> None:
        self._reconcile = reconcile
        self._longest_retry = longest_retry
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._due: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}

    def follow(self, cache: Cache) -> None:
        """Enqueue each object that is added or changes."""
        cache.listeners.append(lambda _, after: self.enqueue(key_of(after)) if after else None)

    def enqueue(self, key: Key) -> None:
        """The key is to be looked at, now or as soon as the look at it that is under way ends."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._tasks:
            self._due.add(key)
        else:
            self._tasks[key] = asyncio.create_task(self._turn(key))

    def enqueue_after(self, key: Key, seconds: float) -> None:
        if key not in self._timers:
            self._timers[key] = asyncio.get_running_loop().call_later(seconds, self.enqueue, key)

    async def stop(self) -> None:
        """End all that is under way."""
        for timer in self._timers.values():
            timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _turn(self, key: Key) -> None:
        again: float | None = None
        try:
            again = await self._reconcile(key)
            self._failures.pop(key, None)
        except Exception as error:
            again = self._after_failure(key, error)
        finally:
            del self._tasks[key]
        if key in self._due:
            self._due.discard(key)
            self.enqueue(key)
        elif again is not None:
            self.enqueue_after(key, again)

    def _after_failure(self, key: Key, error: Exception) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        if isinstance(error, (ApiError, aiohttp.ClientError, Retry)):
            _LOG.info("%s will be tried again: %s", "/".join(key), error)
        else:
            _LOG.error("%s will be tried again", "/".join(key), exc_info=error)
        return float(min(FIRST_RETRY * 2 ** min(failures - 1, 16), self._longest_retry))


class Retry(Exception):
    """Something can't be done yet. Only a line in the log says so."""
