# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking through AWS: the findings, the calls, and the effect of a failed call."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import api
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.aws import CALLS_PER_SECOND, AwsObserver, Depth
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import AwsView, Lookalike
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import (
    ARN,
    CONTRACT,
    GROUP_ARN,
    TAGS,
    FakeElb,
    client_error,
    listener,
    load_balancer,
    target,
    target_group,
)
from botocore.exceptions import EndpointConnectionError

OTHER_TAGS = {**TAGS, "eks:eks-cluster-name": "other"}
SELF_MANAGED_TAGS = {
    "elbv2.k8s.aws/cluster": "petstore",
    "service.k8s.aws/stack": "petstore/vpclink",
    "service.k8s.aws/resource": "LoadBalancer",
}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class One:
    """An observer of one contract."""

    def __init__(self, elb: FakeElb, clock: Clock, **options: t.Any) -> None:
        self._observer = AwsObserver(elb.client(), [CONTRACT], clock=clock, sleep=clock.sleep, **options)

    def observe(self, depth: Depth = "everything") -> AwsView:
        return self._observer.observe([CONTRACT], depth)[CONTRACT]


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries of calls take no time."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def elb() -> FakeElb:
    return FakeElb.healthy()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def observer(elb: FakeElb, clock: Clock) -> One:
    return One(elb, clock)


def test_everything_of_the_load_balancer_is_seen(observer: One) -> None:
    [balancer] = observer.observe().load_balancers
    assert (balancer.arn, balancer.state, balancer.private_link_enforcement) == (ARN, "active", "on")
    assert [zone["zone_name"] for zone in balancer.availability_zones] == ["us-west-2a", "us-west-2b"]
    assert [(one.port, one.target_group_arns) for one in balancer.listeners or ()] == [(80, (GROUP_ARN,))]
    [group] = balancer.target_groups
    assert [(one.id, one.port, one.state) for one in group.targets] == [
        ("172.31.0.1", 8080, "healthy"),
        ("172.31.0.2", 8080, "healthy"),
    ]


def test_a_listener_may_name_its_target_group_itself(elb: FakeElb, observer: One) -> None:
    elb.listeners = [{**listener(), "DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn-of-group"}]}]
    [balancer] = observer.observe("health").load_balancers
    assert balancer.listeners and balancer.listeners[0].target_group_arns == ("arn-of-group",)


def test_it_is_found_among_many_by_pages_and_tags_by_twenty(clock: Clock) -> None:
    elb = FakeElb(page_size=10)
    for number in range(100, 145):
        elb.add(load_balancer(number), {"eks:eks-cluster-name": "petstore"})
    elb.add(load_balancer(1), TAGS)
    [balancer] = One(elb, clock).observe("state").load_balancers
    assert balancer.arn == ARN
    assert elb.calls.count("DescribeLoadBalancers") == 5
    assert [len(request["ResourceArns"]) for request in elb.requests if "ResourceArns" in request] == [20, 20, 6]


def test_only_all_three_tags_make_it_ours(elb: FakeElb, observer: One) -> None:
    elb.add(load_balancer(2), OTHER_TAGS)
    elb.add(load_balancer(3), SELF_MANAGED_TAGS)
    elb.add(load_balancer(4), {**TAGS, "service.eks.amazonaws.com/stack": "petstore/other"})
    elb.add(load_balancer(5), {**TAGS, "service.eks.amazonaws.com/resource": "petstore/vpclink:80"})
    elb.add(load_balancer(6, Type="application"), TAGS)
    view = observer.observe("state")
    assert [balancer.arn for balancer in view.load_balancers] == [ARN]
    assert view.lookalikes == (
        Lookalike(f"{ARN[:-1]}2", "other", self_managed=False),
        Lookalike(f"{ARN[:-1]}3", "petstore", self_managed=True),
    )


def test_load_balancers_that_go_while_we_look_are_left_out(elb: FakeElb, observer: One) -> None:
    for number in (2, 3, 4):
        elb.add(load_balancer(number), {})
    del elb.tags[f"{ARN[:-1]}3"]
    assert [balancer.arn for balancer in observer.observe("state").load_balancers] == [ARN]


# Gently


def test_targets_are_asked_for_only_when_wanted(elb: FakeElb, observer: One) -> None:
    observer.observe("state")
    assert elb.calls == ["DescribeLoadBalancers", "DescribeTags"]


def test_targets_are_asked_for_only_when_traffic_can_pass(elb: FakeElb, observer: One) -> None:
    elb.balancers = [load_balancer(state="provisioning")]
    observer.observe("health")
    assert elb.calls == ["DescribeLoadBalancers", "DescribeTags"]
    assert observer.observe().load_balancers[0].target_groups


def test_a_settled_load_balancer_costs_one_call_a_look(elb: FakeElb, observer: One, clock: Clock) -> None:
    observer.observe("health")
    elb.calls.clear()
    for clock.now in (0.5, 1.0, 1.5):
        observer.observe("health")
    assert elb.calls == ["DescribeTargetHealth"] * 3


def test_the_rest_is_read_again_now_and_then_without_the_tags(elb: FakeElb, observer: One, clock: Clock) -> None:
    observer.observe("health")
    elb.calls.clear()
    clock.now = 2.5
    elb.groups.append(target_group(TargetGroupArn="arn-of-second", Port=9090))
    [balancer] = observer.observe("health").load_balancers
    assert len(balancer.target_groups) == 2
    assert elb.calls == [
        "DescribeLoadBalancers",
        "DescribeTargetGroups",
        "DescribeListeners",
        "DescribeTargetHealth",
        "DescribeTargetHealth",
    ]


def test_the_longer_nothing_changes_the_more_seldom_the_rest_is_read(elb: FakeElb, clock: Clock) -> None:
    observer = One(elb, clock)
    read = []
    while clock.now < 400:
        elb.calls.clear()
        observer.observe("health")
        if "DescribeLoadBalancers" in elb.calls:
            read.append(round(clock.now))
        clock.now += 1
    assert [after - before for before, after in itertools.pairwise(read)] == [2, 4, 8, 16, 32, 64, 120, 120]


def test_a_target_group_that_is_gone_has_the_rest_read_again(elb: FakeElb, clock: Clock) -> None:
    observer = One(elb, clock)
    observer.observe("health")
    elb.groups = [target_group(TargetGroupArn="arn-of-next", Port=9090)]
    elb.errors["DescribeTargetHealth"] = client_error("TargetGroupNotFound", 400)
    clock.now = 0.5
    assert observer.observe("health").load_balancers[0].staying_targets == []
    clock.now = 1.0
    assert [group.arn for group in observer.observe("health").load_balancers[0].target_groups] == ["arn-of-next"]


def test_untagged_load_balancers_are_asked_again(elb: FakeElb, observer: One, clock: Clock) -> None:
    """Tags may be seen a moment after the load balancer."""
    elb.tags[ARN] = {}
    assert observer.observe("state").load_balancers == ()
    elb.tags[ARN] = TAGS
    clock.now = 0.5
    assert len(observer.observe("state").load_balancers) == 1


@pytest.mark.parametrize("state", ["provisioning", "active"])
def test_an_unsettled_load_balancer_is_read_at_every_look(
    elb: FakeElb, observer: One, clock: Clock, state: str
) -> None:
    elb.balancers = [load_balancer(state=state)]
    elb.listeners = []
    observer.observe("health")
    elb.balancers, elb.listeners = [load_balancer()], [listener()]
    clock.now = 0.5
    [balancer] = observer.observe("health").load_balancers
    assert balancer.state == "active" and balancer.listeners


def test_pushes_do_not_make_a_flood_of_calls(elb: FakeElb, observer: One, clock: Clock) -> None:
    first = observer.observe("health")
    elb.calls.clear()
    clock.now = 0.2
    assert observer.observe("health") is first
    assert elb.calls == []
    observer.observe("everything")
    assert "DescribeLoadBalancers" in elb.calls


# Failure


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable"])
def test_a_call_is_tried_again(elb: FakeElb, observer: One, code: str) -> None:
    elb.errors["DescribeLoadBalancers"] = client_error(code, 400)
    assert len(observer.observe("state").load_balancers) == 1
    assert elb.calls == ["DescribeLoadBalancers", "DescribeLoadBalancers", "DescribeTags"]


@pytest.mark.parametrize(
    "error",
    [client_error("InternalFault", 500), EndpointConnectionError(endpoint_url="https://elb.example")],
)
def test_a_passing_trouble_is_shown_beside_what_was_seen(
    elb: FakeElb, observer: One, clock: Clock, error: Exception
) -> None:
    seen = observer.observe("health")
    elb.errors["DescribeTargetHealth"] = error
    clock.now = 0.5
    view = observer.observe("health")
    assert view.load_balancers == seen.load_balancers
    assert view.problem == f"Failed to describe the health of targets: {error}"
    clock.now = 1.0
    assert observer.observe("health") == seen


def test_the_first_look_has_nothing_to_fall_back_on(elb: FakeElb, observer: One) -> None:
    elb.errors["DescribeLoadBalancers"] = EndpointConnectionError(endpoint_url="https://elb.example")
    with pytest.raises(SeamError, match="Failed to describe load balancers"):
        observer.observe("health")


def test_what_does_not_pass_is_an_error_at_any_time(elb: FakeElb, observer: One, clock: Clock) -> None:
    observer.observe("health")
    elb.errors["DescribeTargetHealth"] = client_error("AccessDenied", 403)
    clock.now = 0.5
    with pytest.raises(SeamError, match="describe the health of targets") as caught:
        observer.observe("health")
    assert not caught.value.transient


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("DescribeListeners", api.describe_listeners),
        ("DescribeTargetGroups", api.describe_target_groups),
        ("DescribeTargetHealth", api.describe_target_health),
    ],
)
def test_what_is_gone_is_left_out(elb: FakeElb, operation: str, call: t.Callable[..., t.Any]) -> None:
    elb.errors[operation] = client_error("LoadBalancerNotFound", 400)
    assert not call(elb.client(), ARN)


def test_health_is_always_fresh(elb: FakeElb, observer: One, clock: Clock) -> None:
    observer.observe("health")
    elb.targets = [target(state="unhealthy", reason="Target.FailedHealthChecks")]
    clock.now = 0.5
    [balancer] = observer.observe("health").load_balancers
    assert [str(one) for one in balancer.staying_targets] == [
        "172.31.0.1:8080 is unhealthy (Target.FailedHealthChecks: described: Target.FailedHealthChecks)"
    ]


# Many


def test_the_same_calls_show_all_contracts(clock: Clock) -> None:
    elb = FakeElb()
    contracts = [elb.add_contract(number) for number in range(1, 11)]
    observer = AwsObserver(elb.client(), contracts, listeners=False, clock=clock, sleep=clock.sleep)
    views = observer.observe(contracts, "health")
    assert list(views) == contracts
    assert [view.load_balancers[0].staying_targets[0].id for view in views.values()] == [
        f"172.31.1.{number}" for number in range(1, 11)
    ]
    assert (
        elb.calls == ["DescribeLoadBalancers", "DescribeTags", "DescribeTargetGroups"] + ["DescribeTargetHealth"] * 10
    )


def test_calls_are_paced(clock: Clock) -> None:
    elb = FakeElb()
    contracts = [elb.add_contract(number) for number in range(1, 31)]
    observer = AwsObserver(elb.client(), contracts, clock=clock, sleep=clock.sleep)
    observer.observe(contracts, "health")
    assert clock.now == pytest.approx((len(elb.calls) - CALLS_PER_SECOND) / CALLS_PER_SECOND)


def test_a_look_at_one_shows_others_that_have_no_targets_yet(clock: Clock) -> None:
    elb = FakeElb()
    ready, early = elb.add_contract(1), elb.add_contract(2, state="provisioning")
    missing = elb.add_contract(3)
    elb.balancers.pop()
    observer = AwsObserver(elb.client(), [ready, early, missing], listeners=False, clock=clock, sleep=clock.sleep)
    observer.observe([ready, early, missing], "health")
    elb.calls.clear()
    clock.now = 1.0
    assert set(observer.observe([missing], "health")) == {missing, early}
    assert elb.calls == ["DescribeLoadBalancers", "DescribeTargetGroups"]
    clock.now = 1.5
    assert set(observer.observe([ready], "health")) == {ready}


def test_a_trouble_with_one_is_shown_at_those_that_were_looked_at(clock: Clock) -> None:
    elb = FakeElb()
    contracts = [elb.add_contract(number) for number in (1, 2)]
    observer = AwsObserver(elb.client(), contracts, listeners=False, clock=clock, sleep=clock.sleep)
    observer.observe(contracts, "health")
    clock.now = 1.0
    elb.errors["DescribeTargetHealth"] = client_error("InternalFault", 500)
    views = observer.observe(contracts[:1], "health")
    assert list(views) == contracts[:1] and views[contracts[0]].problem


@pytest.mark.parametrize(("listeners", "seen"), [(True, [80]), (False, None)])
def test_listeners_are_asked_for_where_they_matter(
    elb: FakeElb, clock: Clock, listeners: bool, seen: list[int] | None
) -> None:
    (balancer,) = One(elb, clock, listeners=listeners).observe().load_balancers
    assert (None if balancer.listeners is None else [each.port for each in balancer.listeners]) == seen
    assert ("DescribeListeners" in elb.calls) is listeners
