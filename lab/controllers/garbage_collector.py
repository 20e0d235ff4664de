# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The garbage collector: dependents go after their owners, or before them when those were deleted in the foreground."""

from __future__ import annotations

from collections.abc import Iterator

from lab.controllers.client import ApiError, Cache, Key, KubeClient, Object, Resource, key_of
from lab.controllers.controller import Controller
from lab.controllers.objects import is_ending

_FOREGROUND = "foregroundDeletion"
_ORPHAN = "orphan"


class GarbageCollector:
    """One controller for each resource in ``resources``: owners and dependents are looked for among these."""

    def __init__(self, client: KubeClient, resources: tuple[Resource, ...]) -> None:
        self._client = client
        self._caches = {resource.kind: client.cache(resource) for resource in resources}
        self.controllers = {resource.kind: self._controller(resource) for resource in resources}

    def _controller(self, resource: Resource) -> Controller:
        cache = self._client.cache(resource)

        async def reconcile(key: Key) -> None:
            if item := cache.get(key):
                await self._collect(resource, item)

        controller = Controller(reconcile)
        cache.listeners.append(self._changed)
        return controller

    def _changed(self, before: Object | None, after: Object | None) -> None:
        if after and (_is_waiting(after) or after["metadata"].get("ownerReferences")):
            self.controllers[after["kind"]].enqueue(key_of(after))
        if before and after is None:
            for cache, dependent in list(self._dependents(before)):
                self.controllers[cache.resource.kind].enqueue(key_of(dependent))
            for owner in before["metadata"].get("ownerReferences", []):
                if owner["kind"] in self.controllers:
                    self.controllers[owner["kind"]].enqueue((before["metadata"].get("namespace", ""), owner["name"]))

    def _dependents(self, owner: Object) -> Iterator[tuple[Cache, Object]]:
        for cache in self._caches.values():
            for item in cache.within(owner["metadata"].get("namespace", "")):
                if any(each["uid"] == owner["metadata"]["uid"] for each in item["metadata"].get("ownerReferences", [])):
                    yield cache, item

    async def _collect(self, resource: Resource, item: Object) -> None:
        finalizers = item["metadata"].get("finalizers", [])
        if is_ending(item) and _ORPHAN in finalizers:
            await self._orphan(item)
            await self._remove_finalizer(resource, item, _ORPHAN)
        elif is_ending(item) and _FOREGROUND in finalizers:
            await self._collect_dependents_first(resource, item)
        elif not is_ending(item) and await self._is_orphaned(item):
            await self._client.delete(resource, item, propagationPolicy="Background")

    async def _collect_dependents_first(self, resource: Resource, owner: Object) -> None:
        dependents = list(self._dependents(owner))
        if not dependents:
            await self._remove_finalizer(resource, owner, _FOREGROUND)
        for cache, dependent in dependents:
            if not is_ending(dependent):
                await self._client.delete(cache.resource, dependent, propagationPolicy="Foreground")

    async def _orphan(self, owner: Object) -> None:
        for cache, dependent in list(self._dependents(owner)):
            references = dependent["metadata"]["ownerReferences"]
            left = [each for each in references if each["uid"] != owner["metadata"]["uid"]]
            await self._client.patch(cache.resource, key_of(dependent), {"metadata": {"ownerReferences": left or None}})

    async def _remove_finalizer(self, resource: Resource, item: Object, finalizer: str) -> None:
        left = [each for each in item["metadata"]["finalizers"] if each != finalizer]
        metadata = {"finalizers": left or None, "resourceVersion": item["metadata"]["resourceVersion"]}
        try:
            await self._client.patch(resource, key_of(item), {"metadata": metadata})
        except ApiError as error:
            if error.code != 404:
                raise

    async def _is_orphaned(self, item: Object) -> bool:
        """Whether it had owners, and none is there any more (by the API server's word, since caches may lag)."""
        references = item["metadata"].get("ownerReferences", [])
        namespace = item["metadata"].get("namespace", "")
        return bool(references) and not any([await self._exists(namespace, each) for each in references])

    async def _exists(self, namespace: str, reference: Object) -> bool:
        cache = self._caches.get(reference["kind"])
        if cache is None:
            # Not a kind that this garbage collector knows.
            return True
        key = (namespace if cache.resource.namespaced else "", reference["name"])
        known = cache.get(key)
        if known and known["metadata"]["uid"] == reference["uid"]:
            return True
        try:
            found = await self._client.get(cache.resource, key)
        except ApiError as error:
            if error.code != 404:
                raise
            return False
        return bool(found["metadata"]["uid"] == reference["uid"])


def _is_waiting(item: Object) -> bool:
    return is_ending(item) and bool({_FOREGROUND, _ORPHAN} & set(item["metadata"].get("finalizers", [])))
