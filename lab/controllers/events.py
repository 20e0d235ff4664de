# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events, as "kubectl describe" lists them for an object. A repeated one is counted, not kept again."""

from __future__ import annotations

import contextlib
import datetime
import secrets

import aiohttp

from lab.controllers.client import EVENTS, ApiError, Key, KubeClient, Object


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Recorder:
    """Writes events in the name of one component (such as "kubelet")."""

    def __init__(self, client: KubeClient, component: str) -> None:
        self._client = client
        self._component = component
        self._known: dict[tuple[str, str, str], tuple[Key, int]] = {}

    async def normal(self, item: Object, reason: str, message: str) -> None:
        await self._record(item, "Normal", reason, message)

    async def warning(self, item: Object, reason: str, message: str) -> None:
        await self._record(item, "Warning", reason, message)

    async def _record(self, item: Object, kind: str, reason: str, message: str) -> None:
        # An event that can't be written (because its namespace ends, say) may be lost.
        with contextlib.suppress(ApiError, aiohttp.ClientError):
            identity = (item["metadata"]["uid"], reason, message)
            if identity in self._known and await self._count(identity):
                return
            made = await self._client.create(EVENTS, self._event(item, kind, reason, message))
            self._known[identity] = ((made["metadata"]["namespace"], made["metadata"]["name"]), 1)

    async def _count(self, identity: tuple[str, str, str]) -> bool:
        """Count a known event once more; False if the API server has forgotten it."""
        key, count = self._known[identity]
        try:
            await self._client.patch(EVENTS, key, {"count": count + 1, "lastTimestamp": now()})
        except ApiError as error:
            if error.code != 404:
                raise
            return False
        self._known[identity] = (key, count + 1)
        return True

    def _event(self, item: Object, kind: str, reason: str, message: str) -> Object:
        metadata = item["metadata"]
        return {
            "metadata": {
                "name": f"{metadata['name']}.{secrets.token_hex(8)}",
                "namespace": metadata.get("namespace", "default"),
            },
            "involvedObject": {
                "apiVersion": item["apiVersion"],
                "kind": item["kind"],
                **{
                    name: metadata[name] for name in ("namespace", "name", "uid", "resourceVersion") if name in metadata
                },
            },
            "type": kind,
            "reason": reason,
            "message": message[:1024],
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
            "source": {"component": self._component},
            "reportingComponent": self._component,
        }
