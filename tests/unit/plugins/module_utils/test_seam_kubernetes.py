# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking through Kubernetes: lists, every end of a watch, pushes that wake, and failures."""

from __future__ import annotations

import threading
import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import kubernetes
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes import KubernetesObserver, Watcher
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import KubernetesError
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import KubernetesView
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import (
    CONTRACT,
    FakeKubernetes,
    Resource,
    event,
    pod,
    service,
)

CLUSTER = {"name": "petstore", "status": "ACTIVE", "endpoint": "https://petstore.example"}
SECONDS = 10.0  # more than any push takes: a test that waits so long has failed


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes, "_RETRY_INTERVAL", 0)


@pytest.fixture
def api() -> FakeKubernetes:
    return FakeKubernetes.healthy()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wake() -> threading.Event:
    return threading.Event()


@pytest.fixture
def watcher(api: FakeKubernetes, wake: threading.Event, clock: Clock) -> Watcher:
    return Watcher(api, "Pod", {"label_selector": "app=petstore"}, wake.set, clock)


def observer(
    api: FakeKubernetes,
    wake: threading.Event | None = None,
    cluster: Resource | None = CLUSTER,
    clock: Clock | None = None,
) -> KubernetesObserver:
    return KubernetesObserver(
        CONTRACT, lambda: cluster, lambda _cluster: api, wake.set if wake else None, clock or Clock()
    )


def names(watcher: Watcher) -> list[str]:
    return sorted(item["metadata"]["name"] for item in watcher.objects)


# One watch


def test_changes_are_taken_as_they_come(api: FakeKubernetes, watcher: Watcher) -> None:
    watcher.look()
    changed = pod(1, ready=False)
    api.push("Pod", ("DELETED", pod(2)), ("ADDED", pod(3)), ("MODIFIED", changed), ("BOOKMARK", {}), watcher.stop, None)
    watcher.run()
    assert names(watcher) == ["petstore-1", "petstore-3"]
    assert changed in watcher.objects
    assert api.watched == [("Pod", "version-1")]


@pytest.mark.parametrize(
    "end",
    [
        None,  # the API server ends every watch after a while
        KubernetesError("Expired: too old resource version"),  # 410 Gone
        KubernetesError("connection broken"),
        KubernetesError("pods is forbidden: cannot watch", denied=True),  # one may list, and so sees later, but sees
    ],
)
def test_a_watch_that_ends_begins_anew_with_a_list(
    api: FakeKubernetes, watcher: Watcher, end: KubernetesError | None
) -> None:
    watcher.look()
    api.push("Pod", end, watcher.stop, None)
    api.objects["Pod"] = [pod(7)]
    watcher.run()
    assert names(watcher) == ["petstore-7"]
    assert api.watched == [("Pod", "version-1"), ("Pod", "version-2")]
    assert api.listed == [("Pod", {"label_selector": "app=petstore"})] * 2
    assert watcher.problem is None


def test_a_list_that_fails_is_a_problem_until_one_succeeds(
    api: FakeKubernetes, watcher: Watcher, clock: Clock, wake: threading.Event
) -> None:
    watcher.look()
    api.error = KubernetesError("connection refused")
    clock.now = 5.0
    watcher.look()
    clock.now = 9.0
    watcher.look()
    assert watcher.problem and (watcher.problem.message, watcher.problem.seconds) == ("connection refused", 4.0)
    assert names(watcher) == ["petstore-1", "petstore-2"]
    api.error = None
    wake.clear()
    watcher.look()
    assert watcher.problem is None
    assert wake.is_set()


def test_there_is_no_watch_without_a_list(api: FakeKubernetes, watcher: Watcher) -> None:
    api.error = KubernetesError("connection refused")
    watcher.look()
    api.error = None
    api.push("Pod", watcher.stop, None)
    watcher.run()
    assert api.watched == [("Pod", "version-2")]


class Pauses(threading.Event):
    """The event that a watcher waits for. It ends the watcher after so many pauses, which take no time."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.seconds: list[float | None] = []
        self._count = count

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        if len(self.seconds) == self._count:
            self.set()
        return self.is_set()


def test_it_comes_back_when_the_api_server_wants_it_to(
    api: FakeKubernetes, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "_RETRY_INTERVAL", 2.0)
    watcher._stopped = pauses = Pauses(4)
    watcher.look()
    api.push("Pod", KubernetesError("Too many requests", retry_after=7.0), None, None)

    def refuse() -> None:
        api.error = KubernetesError("Too many requests", retry_after=1.0)

    api.push("Pod", refuse, None)
    watcher.run()
    # At least its own interval after a refused watch, after an ended one, and after refused lists.
    assert pauses.seconds == [7.0, 2.0, 2.0, 2.0]


def test_a_list_without_news_wakes_nobody(watcher: Watcher, wake: threading.Event) -> None:
    watcher.look()
    wake.clear()
    watcher.look()
    assert not wake.is_set()


def test_a_stopped_watcher_takes_no_more_changes(api: FakeKubernetes, watcher: Watcher) -> None:
    watcher.look()
    api.push("Pod", watcher.stop, ("ADDED", pod(3)), None)
    watcher.run()
    assert names(watcher) == ["petstore-1", "petstore-2"]


# All three


def test_without_wake_it_looks_and_does_not_watch(api: FakeKubernetes) -> None:
    view = observer(api).observe()
    assert view.cluster_status == "ACTIVE"
    assert view.service and view.service.hostnames
    assert [one.name for one in view.pods] == ["petstore-1", "petstore-2"]
    assert api.listed == [
        ("Service", {"field_selector": "metadata.name=vpclink"}),
        ("Event", {"field_selector": "involvedObject.kind=Service,involvedObject.name=vpclink"}),
        ("Pod", {"label_selector": "app=petstore"}),
    ]
    assert api.watched == []


def test_a_push_wakes_and_is_seen(api: FakeKubernetes, wake: threading.Event) -> None:
    api.objects["Service"] = [service(hostname=None)]
    watching = observer(api, wake)
    seen = watching.observe()
    assert seen.service and not seen.service.hostnames
    wake.clear()
    api.push("Service", ("MODIFIED", service(hostname="new.example")))
    assert wake.wait(SECONDS)
    seen = watching.observe()
    assert seen.service and seen.service.hostnames == ("new.example",)
    assert len(api.listed) == 3


def test_pods_follow_the_selector(api: FakeKubernetes) -> None:
    looking = observer(api)
    looking.observe()
    api.objects["Service"][0] = service(selector={"app": "other", "tier": "web"})
    looking._watchers["Service"].look()
    looking.observe()
    assert api.listed[-1] == ("Pod", {"label_selector": "app=other,tier=web"})


def test_a_service_without_selector_has_no_pods() -> None:
    api = FakeKubernetes(Service=[service(selector=None)])
    assert observer(api).observe().pods == ()
    assert [kind for kind, _selectors in api.listed] == ["Service", "Event"]


def test_no_service_no_pods_no_events() -> None:
    view = observer(FakeKubernetes(Event=[event("FailedBuildModel")])).observe()
    assert view == KubernetesView("ACTIVE")


@pytest.mark.parametrize(
    ("cluster", "status"), [(None, None), ({"name": "petstore", "status": "CREATING"}, "CREATING")]
)
def test_without_an_endpoint_only_the_status_is_seen(
    api: FakeKubernetes, cluster: Resource | None, status: str | None
) -> None:
    assert observer(api, cluster=cluster).observe() == KubernetesView(status)
    assert api.listed == []


def test_a_denied_look_is_a_problem_that_lasts(api: FakeKubernetes, clock: Clock) -> None:
    api.error = KubernetesError("services is forbidden", denied=True)
    looking = observer(api, clock=clock)
    looking.observe()
    clock.now = 30.0
    problem = looking.observe().problem
    assert problem and problem.denied and problem.seconds == 30.0


# Events


def test_events_of_an_earlier_service_of_that_name_do_not_count(api: FakeKubernetes) -> None:
    api.objects["Event"] = [event("FailedBuildModel", of="service-0"), event("FailedDeployModel")]
    assert [one.reason for one in observer(api).observe().events] == ["FailedDeployModel"]


def test_an_event_recurs_when_it_happens_under_our_eyes(api: FakeKubernetes) -> None:
    api.objects["Event"] = [event("FailedBuildModel", count=3, uid="old")]
    looking = observer(api)
    assert [one.recurred for one in looking.observe().events] == [False]
    new = event("FailedDeployModel", last=9, uid="new")
    api.objects["Event"] = [event("FailedBuildModel", count=3, uid="old"), new]
    looking._watchers["Event"].look()
    assert [(one.reason, one.recurred) for one in looking.observe().events] == [
        ("FailedBuildModel", False),
        ("FailedDeployModel", True),
    ]
    api.objects["Event"] = [event("FailedBuildModel", count=4, uid="old")]
    looking._watchers["Event"].look()
    assert [one.recurred for one in looking.observe().events] == [True]


def test_events_of_the_newer_api_have_their_times_and_count(api: FakeKubernetes) -> None:
    one: dict[str, t.Any] = event("FailedBuildModel")
    one |= {"count": None, "firstTimestamp": None, "lastTimestamp": None}
    one |= {"eventTime": "2026-01-31T12:00:01.5Z"}
    one |= {"series": {"count": 4, "lastObservedTime": "2026-01-31T12:00:09.5Z"}}
    api.objects["Event"] = [one]
    [seen] = observer(api).observe().events
    assert (seen.count, seen.first.second, seen.last.second) == (4, 1, 9)
