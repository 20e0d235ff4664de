# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking through AWS: what is found, by which calls, and what happens when a call fails."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import api
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.aws import AwsObserver
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.common import AnsibleNlbError
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import Lookalike
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
def observer(elb: FakeElb, clock: Clock) -> AwsObserver:
    return AwsObserver(elb.client(), CONTRACT, clock)


def test_everything_of_the_load_balancer_is_seen(observer: AwsObserver) -> None:
    [balancer] = observer.observe().load_balancers
    assert (balancer.arn, balancer.state, balancer.private_link_enforcement) == (ARN, "active", "on")
    assert [zone["zone_name"] for zone in balancer.availability_zones] == ["us-west-2a", "us-west-2b"]
    assert [(one.port, one.target_group_arns) for one in balancer.listeners] == [(80, (GROUP_ARN,))]
    [group] = balancer.target_groups
    assert [(one.id, one.port, one.state) for one in group.targets] == [
        ("172.31.0.1", 8080, "healthy"),
        ("172.31.0.2", 8080, "healthy"),
    ]


def test_a_listener_may_name_its_target_group_itself(elb: FakeElb, observer: AwsObserver) -> None:
    elb.listeners = [{**listener(), "DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn-of-group"}]}]
    [balancer] = observer.observe("health").load_balancers
    assert balancer.listeners[0].target_group_arns == ("arn-of-group",)


def test_it_is_found_among_many_by_pages_and_tags_by_twenty(clock: Clock) -> None:
    elb = FakeElb(page_size=10)
    for number in range(100, 145):
        elb.add(load_balancer(number), {"eks:eks-cluster-name": "petstore"})
    elb.add(load_balancer(1), TAGS)
    [balancer] = AwsObserver(elb.client(), CONTRACT, clock).observe("state").load_balancers
    assert balancer.arn == ARN
    assert elb.calls.count("DescribeLoadBalancers") == 5
    assert [len(request["ResourceArns"]) for request in elb.requests if "ResourceArns" in request] == [20, 20, 6]


def test_only_all_three_tags_make_it_ours(elb: FakeElb, observer: AwsObserver) -> None:
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


def test_load_balancers_that_go_while_we_look_are_left_out(elb: FakeElb, observer: AwsObserver) -> None:
    for number in (2, 3, 4):
        elb.add(load_balancer(number), {})
    del elb.tags[f"{ARN[:-1]}3"]
    assert [balancer.arn for balancer in observer.observe("state").load_balancers] == [ARN]


# Gently


def test_targets_are_asked_for_only_when_wanted(elb: FakeElb, observer: AwsObserver) -> None:
    observer.observe("state")
    assert elb.calls == ["DescribeLoadBalancers", "DescribeTags"]


def test_targets_are_asked_for_only_when_traffic_can_pass(elb: FakeElb, observer: AwsObserver) -> None:
    elb.balancers = [load_balancer(state="provisioning")]
    observer.observe("health")
    assert elb.calls == ["DescribeLoadBalancers", "DescribeTags"]
    assert observer.observe().load_balancers[0].target_groups


def test_a_settled_load_balancer_costs_one_call_a_look(elb: FakeElb, observer: AwsObserver, clock: Clock) -> None:
    observer.observe("health")
    elb.calls.clear()
    for clock.now in (0.5, 1.0, 1.5):
        observer.observe("health")
    assert elb.calls == ["DescribeTargetHealth"] * 3


def test_the_rest_is_read_again_now_and_then_without_the_tags(
    elb: FakeElb, observer: AwsObserver, clock: Clock
) -> None:
    observer.observe("health")
    elb.calls.clear()
    clock.now = 2.0
    elb.groups.append(target_group(TargetGroupArn="arn-of-second", Port=9090))
    [balancer] = observer.observe("health").load_balancers
    assert len(balancer.target_groups) == 2
    assert elb.calls == [
        "DescribeLoadBalancers",
        "DescribeListeners",
        "DescribeTargetGroups",
        "DescribeTargetHealth",
        "DescribeTargetHealth",
    ]


def test_untagged_load_balancers_are_asked_again(elb: FakeElb, observer: AwsObserver, clock: Clock) -> None:
    """Tags may be seen a moment after the load balancer."""
    elb.tags[ARN] = {}
    assert observer.observe("state").load_balancers == ()
    elb.tags[ARN] = TAGS
    clock.now = 0.5
    assert len(observer.observe("state").load_balancers) == 1


@pytest.mark.parametrize("state", ["provisioning", "active"])
def test_an_unsettled_load_balancer_is_read_at_every_look(
    elb: FakeElb, observer: AwsObserver, clock: Clock, state: str
) -> None:
    elb.balancers = [load_balancer(state=state)]
    elb.listeners = []
    observer.observe("health")
    elb.balancers, elb.listeners = [load_balancer()], [listener()]
    clock.now = 0.5
    [balancer] = observer.observe("health").load_balancers
    assert balancer.state == "active" and balancer.listeners


def test_pushes_do_not_make_a_flood_of_calls(elb: FakeElb, observer: AwsObserver, clock: Clock) -> None:
    first = observer.observe("health")
    elb.calls.clear()
    clock.now = 0.2
    assert observer.observe("health") is first
    assert elb.calls == []
    observer.observe("everything")
    assert "DescribeLoadBalancers" in elb.calls


# Failure


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable"])
def test_a_call_is_tried_again(elb: FakeElb, observer: AwsObserver, code: str) -> None:
    elb.errors["DescribeLoadBalancers"] = client_error(code, 400)
    assert len(observer.observe("state").load_balancers) == 1
    assert elb.calls == ["DescribeLoadBalancers", "DescribeLoadBalancers", "DescribeTags"]


@pytest.mark.parametrize(
    "error",
    [client_error("InternalFault", 500), EndpointConnectionError(endpoint_url="https://elb.example")],
)
def test_a_passing_trouble_is_shown_beside_what_was_seen(
    elb: FakeElb, observer: AwsObserver, clock: Clock, error: Exception
) -> None:
    seen = observer.observe("health")
    elb.errors["DescribeTargetHealth"] = error
    clock.now = 0.5
    view = observer.observe("health")
    assert view.load_balancers == seen.load_balancers
    assert view.problem == f"Failed to describe the health of targets: {error}"
    clock.now = 1.0
    assert observer.observe("health") == seen


def test_the_first_look_has_nothing_to_fall_back_on(elb: FakeElb, observer: AwsObserver) -> None:
    elb.errors["DescribeLoadBalancers"] = EndpointConnectionError(endpoint_url="https://elb.example")
    with pytest.raises(AnsibleNlbError, match="Failed to describe load balancers"):
        observer.observe("health")


def test_what_does_not_pass_is_an_error_at_any_time(elb: FakeElb, observer: AwsObserver, clock: Clock) -> None:
    observer.observe("health")
    elb.errors["DescribeTargetHealth"] = client_error("AccessDenied", 403)
    clock.now = 0.5
    with pytest.raises(AnsibleNlbError, match="describe the health of targets") as caught:
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
    assert call(elb.client(), ARN) == []


def test_health_is_always_fresh(elb: FakeElb, observer: AwsObserver, clock: Clock) -> None:
    observer.observe("health")
    elb.targets = [target(state="unhealthy", reason="Target.FailedHealthChecks")]
    clock.now = 0.5
    [balancer] = observer.observe("health").load_balancers
    assert [str(one) for one in balancer.staying_targets] == [
        "172.31.0.1:8080 is unhealthy (Target.FailedHealthChecks: described: Target.FailedHealthChecks)"
    ]


def test_an_error_without_an_exception_is_its_message() -> None:
    error = AnsibleNlbError(message="no")
    assert str(error) == "no" and not error.transient
