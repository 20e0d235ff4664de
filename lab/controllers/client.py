# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small client of the Kubernetes API: the controllers' calls, and caches kept by watches.

Everything the client reads or writes goes into the caches at once. So a controller never acts on a state older than its
own last write.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

_LOG = logging.getLogger(__name__)

#: A JSON object as the API has it.
Object = dict[str, Any]
#: Namespace (empty for kinds without one) and name.
Key = tuple[str, str]

#: Seconds before a broken watch or connection is tried again.
_RECONNECT = 0.5


@dataclasses.dataclass(frozen=True)
class Resource:
    """A kind of objects, as its URL names it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        parts = ["apis" if "/" in self.api_version else "api", self.api_version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts += [self.plural, name, subresource]
        return "/" + "/".join(part for part in parts if part)


NAMESPACES = Resource("v1", "Namespace", "namespaces", namespaced=False)
NODES = Resource("v1", "Node", "nodes", namespaced=False)
PODS = Resource("v1", "Pod", "pods")
SERVICES = Resource("v1", "Service", "services")
EVENTS = Resource("v1", "Event", "events")
DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
REPLICA_SETS = Resource("apps/v1", "ReplicaSet", "replicasets")
ENDPOINT_SLICES = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
DISRUPTION_BUDGETS = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")


class ApiError(Exception):
    """The API server refused. ``code`` is the HTTP status, ``reason`` the Status object's."""

    def __init__(self, code: int, status: Object) -> None:
        super().__init__(status.get("message", f"HTTP {code}"))
        self.code = code
        self.reason = status.get("reason", "")


def key_of(item: Object) -> Key:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def version_of(item: Object) -> int:
    return int(item["metadata"]["resourceVersion"])


class Cache:
    """All objects of one resource, by key. ``listeners`` are called with the state before and after each change."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.objects: dict[Key, Object] = {}
        self.listeners: list[Callable[[Object | None, Object | None], None]] = []
        #: The uids of deleted objects: a late answer to a call must not bring one back after the watch saw its end.
        self._gone: set[str] = set()

    def get(self, key: Key) -> Object | None:
        return self.objects.get(key)

    def within(self, namespace: str) -> list[Object]:
        return [item for (place, _), item in self.objects.items() if place == namespace]

    def put(self, item: Object) -> None:
        """Take in an object, unless a newer state of it is known."""
        before = self.objects.get(key_of(item))
        if item["metadata"]["uid"] in self._gone or (before and version_of(before) >= version_of(item)):
            return
        # Items of lists don't name their kind.
        item.update(kind=self.resource.kind, apiVersion=self.resource.api_version)
        self.objects[key_of(item)] = item
        self._notify(before, item)

    def remove(self, item: Object) -> None:
        self._gone.add(item["metadata"]["uid"])
        before = self.objects.get(key_of(item))
        if before and before["metadata"]["uid"] == item["metadata"]["uid"]:
            del self.objects[key_of(item)]
            self._notify(item, None)

    def replace(self, items: list[Object]) -> None:
        """Take over the objects of a list."""
        present = {item["metadata"]["uid"] for item in items}
        for known in list(self.objects.values()):
            if known["metadata"]["uid"] not in present:
                self.remove(known)
        for item in items:
            self.put(item)

    def _notify(self, before: Object | None, after: Object | None) -> None:
        for listener in self.listeners:
            listener(before, after)


class KubeClient:
    """The calls. All raise ApiError when refused.

    A call waits for an API server that is away for a moment, because a kubelet reports each thing once. Only a creation
    raises aiohttp.ClientError: if just its answer was lost, a second try would make the object twice.
    """

    def __init__(self, url: str, ca_pem: str, token: str) -> None:
        """``ca_pem`` is the certificate of the server's authority; ``token`` goes with each request."""
        self._url = url
        self._tls = ssl.create_default_context(cadata=ca_pem)
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}", "User-Agent": "seam-lab"},
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        )
        self._caches: dict[Resource, Cache] = {}

    async def close(self) -> None:
        await self._session.close()

    def cache(self, resource: Resource) -> Cache:
        """The cache of a resource; :meth:`follow` keeps it."""
        return self._caches.setdefault(resource, Cache(resource))

    async def get(self, resource: Resource, key: Key) -> Object:
        return self._seen(resource, await self.request("GET", resource.path(*key)))

    async def create(self, resource: Resource, item: Object) -> Object:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
        path = resource.path(item["metadata"].get("namespace", ""))
        return self._seen(resource, await self.request("POST", path, body))

    async def patch(self, resource: Resource, key: Key, change: Object, subresource: str = "") -> Object:
        """A merge patch."""
        path = resource.path(*key, subresource)
        made = await self.request("PATCH", path, change, content_type="application/merge-patch+json")
        return self._seen(resource, made)

    async def delete(self, resource: Resource, item: Object, **options: Any) -> None:
        """Delete this very object (not another with its name), with DeleteOptions; fine if it is gone."""
        body = {"preconditions": {"uid": item["metadata"]["uid"]}, **options}
        try:
            answer = await self.request("DELETE", resource.path(*key_of(item)), body)
        except ApiError as error:
            if error.code != 404:
                raise
            answer = {}
        if _is_still_there(answer):
            self._seen(resource, answer)
        elif resource in self._caches:
            self._caches[resource].remove(item)

    async def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> Any:
        while True:
            try:
                return await self._request_once(method, path, body, content_type, query)
            except aiohttp.ClientConnectionError:
                if method == "POST":
                    raise
                await asyncio.sleep(_RECONNECT)

    async def _request_once(self, method: str, path: str, body: Any, content_type: str, query: dict[str, str]) -> Any:
        async with self._session.request(
            method,
            self._url + path,
            params=query,
            data=None if body is None else json.dumps(body),
            headers={} if body is None else {"Content-Type": content_type},
        ) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise ApiError(response.status, answer if isinstance(answer, dict) else {})
            return answer

    async def follow(self, resource: Resource) -> None:
        """Keep the cache of a resource by list and watch, through lost connections, until cancelled."""
        cache = self.cache(resource)
        while True:
            try:
                listed = await self.request("GET", resource.path())
                cache.replace(listed["items"])
                version = listed["metadata"]["resourceVersion"]
                while True:
                    async for kind, item in self._watch(resource, version):
                        version = item["metadata"]["resourceVersion"]
                        if kind == "DELETED":
                            cache.remove(item)
                        elif kind != "BOOKMARK":
                            cache.put(item)
            except (ApiError, aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                # 410 Gone among them: the server no longer remembers so far back, so that a new list is due.
                _LOG.info("Watch of %s begins anew: %s", resource.plural, error)
                await asyncio.sleep(_RECONNECT)

    async def _watch(self, resource: Resource, version: str) -> AsyncIterator[tuple[str, Object]]:
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        async with self._session.get(self._url + resource.path(), params=query) as response:
            if response.status >= 400:
                raise ApiError(response.status, await response.json(content_type=None))
            # aiohttp's lines are limited in length; objects aren't.
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise ApiError(event["object"].get("code", 500), event["object"])
                    yield event["type"], event["object"]

    def _seen(self, resource: Resource, item: Object) -> Object:
        if resource in self._caches:
            self._caches[resource].put(item)
        return item


def _is_still_there(answer: Object) -> bool:
    """Whether a deleted object waits for finalizers (a namespace's are in its specification) or for its kubelet."""
    metadata = answer.get("metadata", {})
    waits_for = (
        metadata.get("finalizers"),
        metadata.get("deletionGracePeriodSeconds"),
        answer.get("spec", {}).get("finalizers"),
    )
    return "deletionTimestamp" in metadata and any(waits_for)
