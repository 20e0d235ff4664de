# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The caches of controllers, when an answer and the watch's word of the same change cross on their way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lab.controllers.client import NAMESPACES, SERVICES, Cache, KubeClient, Object


def item(version: int, **parts: Any) -> Object:
    return {"metadata": {"name": "petstore", "uid": "1", "resourceVersion": str(version)}, **parts}


def test_an_answer_that_comes_after_the_end_brings_nothing_back() -> None:
    cache = Cache(SERVICES)
    cache.put(item(1))
    cache.remove(item(2))
    cache.put(item(2))
    assert cache.objects == {}


def test_an_object_made_again_under_the_same_name_is_taken_in() -> None:
    cache = Cache(SERVICES)
    cache.put(item(1))
    cache.remove(item(2))
    again = item(3)
    again["metadata"]["uid"] = "2"
    cache.put(again)
    assert list(cache.objects.values()) == [again]


def test_a_namespace_that_is_being_emptied_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = item(2, spec={"finalizers": ["kubernetes"]})
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    async def scenario() -> Cache:
        client = KubeClient("https://127.0.0.1", "", "token")
        cache = client.cache(NAMESPACES)
        cache.put(item(1))

        async def request(*_: Any) -> Object:
            # The watch is faster than the answer.
            cache.put(ending)
            return ending

        monkeypatch.setattr(client, "request", request)
        await client.delete(NAMESPACES, item(1))
        await client.close()
        return cache

    monkeypatch.setattr("ssl.create_default_context", lambda cadata: None)
    cache = asyncio.run(scenario())
    assert list(cache.objects.values()) == [ending]
