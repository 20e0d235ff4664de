# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token bucket: a burst at once, the rest at a rate."""

from __future__ import annotations

from ansible_collections.seam.eks_auto.plugins.module_utils._core.rates import TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def taken(bucket: TokenBucket, clock: Clock, count: int) -> list[float]:
    times = []
    for _ in range(count):
        bucket.take()
        times.append(round(clock.now, 3))
    return times


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    clock = Clock()
    assert taken(TokenBucket(4, 3, clock, clock.sleep), clock, 6) == [100, 100, 100, 100.25, 100.5, 100.75]


def test_what_was_not_used_is_saved_up_to_the_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(1 / 15, 1, clock, clock.sleep)
    assert taken(bucket, clock, 2) == [100, 115]
    clock.now += 60
    assert taken(bucket, clock, 2) == [175, 190]
