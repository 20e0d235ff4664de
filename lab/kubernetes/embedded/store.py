# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects in memory, with one counter of resource versions and the history that watches need."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import itertools
from collections.abc import Iterator

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.resources import Object, Resource

#: The number of remembered changes. A request for older ones gets "410 Gone", as after etcd's compaction.
HISTORY = 2000

#: Group and plural of a resource: objects are the same in all of its versions.
Place = tuple[str, str]
#: (namespace, name); the namespace is empty for kinds without one.
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Change:
    """One write: an object before and after it, either None when it didn't exist."""

    revision: int
    place: Place
    before: Object | None
    after: Object | None


def key_of(item: Object) -> Key:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _place(resource: Resource) -> Place:
    return resource.group, resource.plural


class Store:
    """Objects are never changed in place: whoever reads one must not write into it."""

    def __init__(self) -> None:
        self.revision = 0
        self._objects: dict[Place, dict[Key, Object]] = collections.defaultdict(dict)
        self._history: collections.deque[Change] = collections.deque(maxlen=HISTORY)
        self._forgotten = 0
        self._watchers: dict[Place, set[asyncio.Queue[Change | None]]] = collections.defaultdict(set)

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self._objects[_place(resource)].get((namespace, name))

    def items(self, resource: Resource, namespace: str = "", revision: int | None = None) -> Iterator[Object]:
        """All objects of a kind in the order of their names, as etcd has them.

        ``revision`` asks for them as they were then. Raises 410 when that is forgotten.
        """
        objects = self._objects[_place(resource)] if revision is None else self._objects_at(resource, revision)
        return (objects[key] for key in sorted(objects) if not namespace or key[0] == namespace)

    def _objects_at(self, resource: Resource, revision: int) -> dict[Key, Object]:
        self.check_remembered(revision)
        objects = dict(self._objects[_place(resource)])
        for change in reversed(self._history):
            if change.revision <= revision:
                break
            if change.place == _place(resource):
                if change.after is not None:
                    del objects[key_of(change.after)]
                if change.before is not None:
                    objects[key_of(change.before)] = change.before
        return objects

    def put(self, resource: Resource, item: Object) -> Object:
        """Keep an object under the next resource version, which it is given."""
        self.revision += 1
        item["metadata"]["resourceVersion"] = str(self.revision)
        before = self._objects[_place(resource)].get(key_of(item))
        self._objects[_place(resource)][key_of(item)] = item
        self._record(Change(self.revision, _place(resource), before, item))
        return item

    def remove(self, resource: Resource, key: Key) -> Object:
        """Forget an object. Watches see it as it was kept last, with the resource version of its removal."""
        self.revision += 1
        item = self._objects[_place(resource)].pop(key)
        self._record(Change(self.revision, _place(resource), item, None))
        return {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.revision)}}

    def _record(self, change: Change) -> None:
        if len(self._history) == HISTORY:
            self._forgotten = self._history[0].revision
        self._history.append(change)
        for queue in self._watchers[change.place]:
            queue.put_nowait(change)

    def check_remembered(self, revision: int) -> None:
        """Raise 410 unless every change after this revision is still known."""
        if revision < self._forgotten:
            raise errors.expired(revision, self._forgotten)

    @contextlib.contextmanager
    def subscribe(self, resource: Resource, since: int) -> Iterator[asyncio.Queue[Change | None]]:
        """A queue of all changes of a kind after a revision: those that were, then those to come; None when it ends."""
        self.check_remembered(since)
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        for change in self._history:
            if change.revision > since and change.place == _place(resource):
                queue.put_nowait(change)
        watchers = self._watchers[_place(resource)]
        watchers.add(queue)
        try:
            yield queue
        finally:
            watchers.discard(queue)

    def forget(self) -> None:
        """Forget all changes, so that an earlier watch gets "410 Gone"."""
        self._history.clear()
        self._forgotten = self.revision

    def close(self) -> None:
        """End all watches."""
        for queue in itertools.chain(*self._watchers.values()):
            queue.put_nowait(None)
