# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at a contract through Kubernetes: watches the Service, its events and its pods, and wakes who waits.

The state counts, not the story: a watch that ends, for whatever reason (its time, a lost connection, 410 Gone),
begins anew with a list and a fresh token. Only a failed list is a problem.
"""

from __future__ import annotations

import threading
import time
import typing as t

from .contract import Contract
from .kubernetes_api import KubernetesError
from .observation import Event, KubernetesView, Pod, Problem, Resource, Service

# Seconds between the end of a watch, or a failed call, and the next call, unless the API server asks for more.
_RETRY_INTERVAL = 1.0

Clock = t.Callable[[], float]
Wake = t.Callable[[], object]


class Api(t.Protocol):
    """What is needed of :class:`.kubernetes_api.KubernetesApi`."""

    def list(self, kind: str, **selectors: str) -> tuple[list[Resource], str]: ...

    def watch(self, kind: str, resource_version: str, **selectors: str) -> t.Iterator[tuple[str, Resource]]: ...


def _nobody() -> None:
    """Nobody is to be woken."""


class Watcher:
    """Keeps the objects of one kind as the API server shows them; ``wake`` is called at every change."""

    def __init__(self, api: Api, kind: str, selectors: dict[str, str], wake: Wake, clock: Clock) -> None:
        self.selectors = selectors
        self._api = api
        self._kind = kind
        self._wake = wake
        self._clock = clock
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._objects: dict[str, Resource] = {}
        self._resource_version = ""
        self._error: KubernetesError | None = None
        self._error_since = 0.0

    def look(self) -> None:
        """List the objects once."""
        try:
            items, version = self._api.list(self._kind, **self.selectors)
        except KubernetesError as error:
            self._failed(error)
            return
        objects = {item["metadata"]["uid"]: item for item in items}
        with self._lock:
            changed = self._error is not None or objects != self._objects
            self._objects, self._resource_version, self._error = objects, version, None
        if changed:
            self._wake()

    def start(self) -> None:
        """Watch in the background, from what was listed last, until :meth:`stop` or the end of the process."""
        # A daemon: it may sit in a read when the module is done, and nobody should wait for that.
        threading.Thread(target=self.run, name=f"watch {self._kind}", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Watch, and list again whenever the watch ends, until :meth:`stop`."""
        while not self._stopped.is_set():
            error = self._error or self._follow()
            if not self._stopped.wait(max(_RETRY_INTERVAL, error.retry_after if error else 0.0)):
                self.look()

    def _follow(self) -> KubernetesError | None:
        """Take changes as they come until the watch ends; returns what ended it before its time."""
        # Its end is no problem by itself: if the cause lasts, the next list fails too.
        try:
            for change, item in self._api.watch(self._kind, self._resource_version, **self.selectors):
                if self._stopped.is_set():
                    break
                self._apply(change, item)
        except KubernetesError as error:
            return error
        return None

    def _apply(self, change: str, item: Resource) -> None:
        with self._lock:
            if change == "DELETED":
                self._objects.pop(item["metadata"]["uid"], None)
            elif change in ("ADDED", "MODIFIED"):
                self._objects[item["metadata"]["uid"]] = item
        self._wake()

    def _failed(self, error: KubernetesError) -> None:
        with self._lock:
            if self._error is None:
                self._error_since = self._clock()
            self._error = error
        self._wake()

    @property
    def objects(self) -> list[Resource]:
        with self._lock:
            return list(self._objects.values())

    @property
    def problem(self) -> Problem | None:
        with self._lock:
            if self._error is None:
                return None
            return Problem(str(self._error), self._error.denied, self._clock() - self._error_since)


class KubernetesObserver:
    """Observes one contract.

    ``find_cluster`` gives EKS's description of the cluster or None, ``connect`` makes an API of it. With ``wake``, it
    goes on watching after the first look, and calls that at every change.
    """

    def __init__(
        self,
        contract: Contract,
        find_cluster: t.Callable[[], Resource | None],
        connect: t.Callable[[Resource], Api],
        wake: Wake | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._contract = contract
        self._find_cluster = find_cluster
        self._connect = connect
        self._wake = wake
        self._clock = clock
        self._cluster_status: str | None = None
        self._api: Api | None = None
        self._watchers: dict[str, Watcher] = {}
        self._counts_before: dict[str, int] | None = None

    def observe(self) -> KubernetesView:
        """The present view of Kubernetes; a failure of its API is part of it.

        Raises :class:`.._core.errors.SeamError` when EKS can't be asked for the cluster.
        """
        if self._api is None:
            cluster = self._find_cluster()
            self._cluster_status = cluster["status"] if cluster else None
            if cluster is None or not cluster.get("endpoint"):
                return KubernetesView(self._cluster_status)
            self._api = self._connect(cluster)
        name = self._contract.service
        services = self._objects("Service", field_selector=f"metadata.name={name}")
        events = self._objects("Event", field_selector=f"involvedObject.kind=Service,involvedObject.name={name}")
        service = Service.of(services[0]) if services else None
        pods = []
        if service and service.selector:
            labels = ",".join(f"{key}={value}" for key, value in sorted(service.selector.items()))
            pods = self._objects("Pod", label_selector=labels)
        problems = [watcher.problem for watcher in self._watchers.values() if watcher.problem]
        return KubernetesView(
            self._cluster_status,
            service=service,
            pods=tuple(sorted(map(Pod.of, pods), key=lambda pod: pod.name)),
            events=self._events_of(service, events),
            problem=problems[0] if problems else None,
        )

    def _objects(self, kind: str, **selectors: str) -> list[Resource]:
        """The objects of a kind, by a watcher that begins with the first call and whenever the selectors change."""
        watcher = self._watchers.get(kind)
        if watcher is None or watcher.selectors != selectors:
            if watcher:
                watcher.stop()
            watcher = Watcher(t.cast(Api, self._api), kind, selectors, self._wake or _nobody, self._clock)
            watcher.look()
            if self._wake:
                watcher.start()
            self._watchers[kind] = watcher
        return watcher.objects

    def _events_of(self, service: Service | None, items: list[Resource]) -> tuple[Event, ...]:
        """The events of this very Service, not of an earlier one of its name."""
        if self._counts_before is None and not self._watchers["Event"].problem:
            self._counts_before = {item["metadata"]["uid"]: Event.of(item, 0).count for item in items}
        before = self._counts_before or {}
        events = (
            Event.of(item, before.get(item["metadata"]["uid"], 0))
            for item in items
            if service and item["involvedObject"].get("uid") == service.uid
        )
        return tuple(sorted(events, key=lambda event: event.last))
