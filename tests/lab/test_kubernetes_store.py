# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The embedded API server's parts whose edges no client reaches quickly."""

from __future__ import annotations

import pytest

from lab.kubernetes.embedded import quantity
from lab.kubernetes.embedded.errors import StatusError
from lab.kubernetes.embedded.kubectl import protobuf
from lab.kubernetes.embedded.resources import CONFIG_MAP
from lab.kubernetes.embedded.store import HISTORY, Store


def test_a_watch_from_before_the_history_is_gone() -> None:
    store = Store()
    for count in range(HISTORY + 2):
        store.put(CONFIG_MAP, {"metadata": {"namespace": "a", "name": "b"}, "data": {"count": str(count)}})
    with pytest.raises(StatusError) as refused, store.subscribe(CONFIG_MAP, since=1):
        pass
    assert (refused.value.code, refused.value.reason) == (410, "Expired")
    with store.subscribe(CONFIG_MAP, since=2) as queue:
        assert queue.qsize() == HISTORY


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("1000m", "1"),
        ("0.1", "100m"),
        ("1.5", "1500m"),
        (2, "2"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1Ki", "1Ki"),
        ("1000k", "1M"),
        ("0", "0"),
        ("12e6", "12M"),
    ],
)
def test_quantities_become_canonical(given: str | int, canonical: str) -> None:
    assert quantity.canonical(given) == canonical


@pytest.mark.parametrize("given", ["", "1 Gi", "abc", "1.2.3"])
def test_other_texts_are_no_quantities(given: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        quantity.canonical(given)


def test_protobuf_that_is_not_understood_is_refused() -> None:
    daemon_set = b"k8s\x00\n\x14\n\x07apps/v1\x12\tDaemonSet\x12\x00"
    with pytest.raises(StatusError) as refused:
        protobuf.decode(daemon_set)
    assert refused.value.code == 415
