# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespaces that end: everything in them is deleted, then they go."""

from __future__ import annotations

import asyncio
from collections import Counter

from lab.controllers.client import NAMESPACES, ApiError, Key, KubeClient, Object, Resource, key_of
from lab.controllers.controller import Controller
from lab.controllers.objects import changed_condition, is_ending

#: Seconds between looks at the kinds that no controller of the lab watches.
_LOOK_AGAIN = 1.0


class Namespaces:
    """The controller, after kube-controller-manager's (pkg/controller/namespace)."""

    def __init__(self, client: KubeClient, watched: tuple[Resource, ...]) -> None:
        """``watched`` are the resources whose objects' end is noticed at once."""
        self._client = client
        self._namespaces = client.cache(NAMESPACES)
        self.controller = Controller(self._reconcile)
        self.controller.follow(self._namespaces)
        for resource in watched:
            client.cache(resource).listeners.append(self._content_changed)

    def _content_changed(self, before: Object | None, after: Object | None) -> None:
        """Something is gone, or came too late to be refused."""
        item = after or before
        if item and (before is None or after is None):
            key = ("", item["metadata"].get("namespace", ""))
            if (namespace := self._namespaces.get(key)) and is_ending(namespace):
                self.controller.enqueue(key)

    async def _reconcile(self, key: Key) -> float | None:
        # Read again, as kube-controller-manager does: a new namespace may have the name of one known as ending.
        try:
            namespace = await self._client.get(NAMESPACES, key)
        except ApiError as error:
            if error.code != 404:
                raise
            return None
        if not is_ending(namespace):
            return None
        left = await self._empty(key[1])
        if left:
            await self._report_remaining(namespace, left)
            return _LOOK_AGAIN
        body = {**namespace, "spec": {"finalizers": []}}
        await self._client.request("PUT", NAMESPACES.path("", key[1], "finalize"), body)
        return None

    async def _empty(self, name: str) -> list[tuple[Resource, Object]]:
        """Delete everything; returns what is still there."""
        left: list[tuple[Resource, Object]] = []
        for resource in await self._kinds():
            path = resource.path(name)
            items = (await self._client.request("GET", path))["items"]
            await asyncio.gather(*(self._client.delete(resource, each) for each in items if not is_ending(each)))
            if items:
                left += [(resource, each) for each in (await self._client.request("GET", path))["items"]]
        return left

    async def _kinds(self) -> list[Resource]:
        """All namespaced resources whose objects can be listed and deleted, one version of each."""
        groups = (await self._client.request("GET", "/apis"))["groups"]
        versions = ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]
        found: dict[tuple[str, str], Resource] = {}
        for version in versions:
            root = "apis" if "/" in version else "api"
            for each in (await self._client.request("GET", f"/{root}/{version}"))["resources"]:
                if each["namespaced"] and {"list", "delete"} <= set(each["verbs"]) and each["name"] != "events":
                    group = version.rpartition("/")[0]
                    found.setdefault((group, each["name"]), Resource(version, each["kind"], each["name"]))
        # Events last, since the end of everything else makes more of them.
        return [*found.values(), Resource("v1", "Event", "events")]

    async def _report_remaining(self, namespace: Object, left: list[tuple[Resource, Object]]) -> None:
        """The conditions that explain in "kubectl describe namespace" why the namespace is still there."""
        kinds = Counter(f"{resource.plural}.{resource.api_version.rpartition('/')[0]}" for resource, _ in left)
        finalizers = Counter(each for _, item in left for each in item["metadata"].get("finalizers", []))
        content = ", ".join(f"{kind} has {count} resource instances" for kind, count in sorted(kinds.items()))
        holding = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
        conditions = [
            _condition(
                namespace,
                "NamespaceContentRemaining",
                ("SomeResourcesRemain", "ContentRemoved"),
                f"Some resources are remaining: {content}" if content else "",
            ),
            _condition(
                namespace,
                "NamespaceFinalizersRemaining",
                ("SomeFinalizersRemain", "ContentHasNoFinalizers"),
                f"Some content in the namespace has finalizers remaining: {holding}" if holding else "",
            ),
        ]
        if namespace["status"].get("conditions") == conditions:
            return
        try:
            await self._client.patch(NAMESPACES, key_of(namespace), {"status": {"conditions": conditions}}, "status")
        except ApiError as error:
            if error.code != 404:
                raise


def _condition(namespace: Object, kind: str, reasons: tuple[str, str], message: str) -> Object:
    wanted = {
        "type": kind,
        "status": "True" if message else "False",
        "reason": reasons[0] if message else reasons[1],
        "message": message or "All content successfully removed",
    }
    return changed_condition(namespace, wanted)
