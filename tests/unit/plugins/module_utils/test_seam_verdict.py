# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts: a healthy seam, broken in one way at a time."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Verdict
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import (
    AwsView,
    KubernetesView,
    Lookalike,
    Observation,
    Problem,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.verdict import judge
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import (
    ARN,
    CONTRACT,
    DNS_NAME,
    NAME,
    NO_SUBNET,
    aws_view,
    event,
    kubernetes_view,
    listener,
    load_balancer,
    observation,
    pod,
    service,
    target,
    target_group,
)


def judged(aws: AwsView | None = None, kubernetes: KubernetesView | None = None, goal: str = "healthy") -> Verdict:
    """The verdict when both sides are seen, each healthy unless given."""
    return judge(observation(aws, kubernetes), goal)


def judged_by_aws(aws: AwsView, goal: str = "healthy") -> Verdict:
    return judge(Observation(CONTRACT, aws=aws), goal)


def judged_by_kubernetes(kubernetes: KubernetesView, goal: str = "provisioned") -> Verdict:
    return judge(Observation(CONTRACT, kubernetes=kubernetes), goal)


def summary(verdict: Verdict) -> tuple[str, str, str | None]:
    return verdict.state, verdict.reason, verdict.owner


# The goals


def test_a_healthy_seam_reaches_every_goal() -> None:
    assert judged(goal="provisioned") == Verdict.done("provisioned", f"Load balancer {NAME} is active.")
    assert judged(goal="active") == Verdict.done("active", f"Load balancer {NAME} is active.")
    assert judged() == Verdict.done("healthy", f"Load balancer {NAME} is active, 2 of 2 targets healthy.")


def test_one_side_suffices_for_what_it_shows() -> None:
    assert judged_by_aws(aws_view()).state == "done"
    assert judged_by_kubernetes(kubernetes_view()) == Verdict.done(
        "provisioned", "Service petstore/vpclink shows its load balancer."
    )


def test_an_unknown_goal_is_an_error() -> None:
    with pytest.raises(ValueError, match="perfect"):
        judged(goal="perfect")


@pytest.mark.parametrize("goal", ["active", "healthy"])
def test_kubernetes_alone_does_not_show_the_state_of_a_load_balancer(goal: str) -> None:
    with pytest.raises(ValueError, match="through AWS"):
        judged_by_kubernetes(kubernetes_view(), goal)


def test_each_goal_asks_no_more_than_it_says() -> None:
    new = aws_view([load_balancer(state="provisioning")], listeners=[], groups=[])
    assert judged(new, goal="provisioned").state == "done"
    assert summary(judged(new, goal="active")) == ("waiting", "LoadBalancerProvisioning", "AWS")
    bare = aws_view(listeners=[], groups=[])
    assert judged(bare, goal="active").state == "done"
    assert summary(judged(bare)) == ("waiting", "ListenerMissing", "AWS")


# Can both sides be seen?


def test_a_passing_trouble_of_aws_never_ends_a_wait() -> None:
    verdict = judged(aws_view(problem="Throttled"))
    assert summary(verdict) == ("waiting", "AwsUnreachable", "AWS")
    assert verdict.message == "Throttled"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, ("failed", "ClusterMissing", "infra")),
        ("FAILED", ("failed", "ClusterFAILED", "infra")),
        ("DELETING", ("failed", "ClusterDELETING", "infra")),
        ("CREATING", ("waiting", "ClusterCREATING", "infra")),
        ("UPDATING", ("done", "healthy", None)),
    ],
)
def test_cluster(status: str | None, expected: tuple[str, str, str | None]) -> None:
    assert summary(judged(kubernetes=kubernetes_view(cluster_status=status))) == expected


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem("refused", denied=False, seconds=300), ("waiting", "KubernetesUnreachable", "infra")),
        (Problem("pods is forbidden", denied=True, seconds=29), ("waiting", "KubernetesDenied", "infra")),
        (Problem("pods is forbidden", denied=True, seconds=30), ("failed", "KubernetesDenied", "infra")),
    ],
)
def test_kubernetes_problem(problem: Problem, expected: tuple[str, str, str]) -> None:
    verdict = judged(kubernetes=kubernetes_view(problem=problem))
    assert summary(verdict) == expected
    assert problem.message in verdict.message


# The Service


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (kubernetes_view(service=None), ("waiting", "ServiceMissing", "k8s")),
        (kubernetes_view(service(type="ClusterIP")), ("failed", "WrongServiceType", "k8s")),
        (
            kubernetes_view(service(loadBalancerClass="service.k8s.aws/nlb")),
            ("failed", "WrongLoadBalancerClass", "k8s"),
        ),
        (kubernetes_view(service(loadBalancerClass=None)), ("done", "healthy", None)),
        (kubernetes_view(service(hostname=None)), ("waiting", "HostnameMissing", "AWS")),
        (kubernetes_view(service(hostname="old.example")), ("waiting", "HostnameMismatch", "k8s")),
    ],
)
def test_service(view: KubernetesView, expected: tuple[str, str, str | None]) -> None:
    assert summary(judged(kubernetes=view)) == expected


def test_a_mismatch_shows_both_names() -> None:
    message = judged(kubernetes=kubernetes_view(service(hostname="old.example"))).message
    assert "old.example" in message and DNS_NAME in message


def test_a_service_that_is_being_deleted_is_waited_out() -> None:
    going = service()
    going["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert summary(judged(kubernetes=kubernetes_view(going))) == ("waiting", "ServiceDeleting", "k8s")


# The load balancer


def test_a_missing_load_balancer_is_whose_turn_it_is() -> None:
    none = aws_view([])
    assert summary(judged(none)) == ("waiting", "LoadBalancerMissing", "AWS")
    assert summary(judged_by_aws(none)) == ("waiting", "LoadBalancerMissing", "k8s")


def test_another_clusters_load_balancer_is_not_ours() -> None:
    verdict = judged_by_aws(aws_view([], lookalikes=(Lookalike("arn", "petstroe", self_managed=False),)))
    assert summary(verdict) == ("waiting", "LoadBalancerMissing", "k8s")
    assert "in cluster petstroe exists" in verdict.message


@pytest.mark.parametrize(("cluster", "state"), [("petstore", "failed"), ("other", "waiting")])
def test_a_self_managed_controllers_load_balancer_ends_the_wait_if_it_is_this_clusters(
    cluster: str, state: str
) -> None:
    verdict = judged_by_aws(aws_view([], lookalikes=(Lookalike("arn-of-it", cluster, self_managed=True),)))
    assert verdict.state == state
    assert ("arn-of-it" in verdict.message) == (state == "failed")


def test_two_load_balancers_for_one_contract_fail_closed() -> None:
    verdict = judged(aws_view([load_balancer(1), load_balancer(2)]))
    assert summary(verdict) == ("failed", "AmbiguousLoadBalancer", "infra")
    assert ARN in verdict.message and f"{ARN[:-1]}2" in verdict.message


@pytest.mark.parametrize(
    ("state", "expected"), [({"Code": "failed", "Reason": "no ENI"}, "no ENI"), ({"Code": "failed"}, "no reason")]
)
def test_a_failed_load_balancer(state: dict[str, str], expected: str) -> None:
    verdict = judged(aws_view([load_balancer(State=state)]), goal="provisioned")
    assert summary(verdict) == ("failed", "LoadBalancerFailed", "infra")
    assert expected in verdict.message


def test_an_impaired_load_balancer_routes_traffic() -> None:
    assert judged(aws_view([load_balancer(state="active_impaired")])).state == "done"


# The controller's events


def failing(
    message: str = NO_SUBNET, last: int = 15, count: int = 12, counts_before: int = 0, **more: t.Any
) -> KubernetesView:
    events = [event("FailedBuildModel", message, first=0, last=last, count=count), *more.pop("events", [])]
    return kubernetes_view(service(hostname=None), events=events, counts_before=counts_before, **more)


def test_a_failure_that_stays_ends_the_wait_with_the_event_and_its_owner() -> None:
    verdict = judged(aws_view([]), failing())
    assert summary(verdict) == ("failed", "FailedBuildModel", "infra")
    assert verdict.message == f"The controller says again and again: {NO_SUBNET}"
    assert verdict.fix and "vpc_tagging" in verdict.fix


@pytest.mark.parametrize(
    "view",
    [
        failing(last=14),  # not for long yet
        failing(counts_before=12),  # not while we watched: it may be mended, and the controller not have tried again
    ],
)
def test_a_failure_that_may_pass_is_shown_and_waited_out(view: KubernetesView) -> None:
    expected = ("waiting", "FailedBuildModel", "infra")
    verdict = judged(aws_view([]), view)
    assert summary(verdict) == expected and NO_SUBNET in verdict.message
    assert summary(judged_by_kubernetes(view)) == expected


def test_success_after_a_failure_counts() -> None:
    assert judged(kubernetes=kubernetes_view(events=failing_events(success=16))).state == "done"


def test_only_the_time_since_the_last_success_counts() -> None:
    view = kubernetes_view(events=failing_events(success=10))
    assert judged(kubernetes=view).state == "done"


def failing_events(success: int) -> list[dict[str, t.Any]]:
    """A failure that lasts from second 0 to 16, and a success."""
    return [event("FailedBuildModel", first=0, last=16, count=9), event("SuccessfullyReconciled", "", success, success)]


def test_failures_with_different_texts_are_one_failure() -> None:
    # Texts of AWS hold request ids, so every failure is an event of its own.
    events = [event("FailedDeployModel", f"AccessDenied: request {at}", at, at) for at in (0, 8, 16)]
    verdict = judged(kubernetes=kubernetes_view(events=events))
    assert summary(verdict) == ("failed", "FailedDeployModel", "infra")
    assert "request 16" in verdict.message


@pytest.mark.parametrize(
    ("message", "owner", "fix"),
    [
        (NO_SUBNET, "infra", "vpc_tagging"),
        ("api error AccessDenied: User is not authorized", "infra", "eks_auto_cluster"),
        ("ResourceInUse: Load balancer is currently associated with another service", "infra", "VPC link"),
        ("TooManyLoadBalancers: limit", "infra", "quota"),
        ("unsupported annotation value", "k8s", "Service"),
    ],
)
def test_the_events_text_names_the_owner(message: str, owner: str, fix: str) -> None:
    verdict = judged(kubernetes=failing(message))
    assert verdict.owner == owner
    assert verdict.fix and fix in verdict.fix


# Listeners and targets


def test_a_target_group_by_itself_is_no_listener() -> None:
    assert "any port" in judged_by_aws(aws_view(listeners=[])).message


def test_every_port_of_the_service_needs_its_listener() -> None:
    view = kubernetes_view(service(ports=[{"port": 80, "targetPort": 8080}, {"port": 443, "targetPort": 8080}]))
    verdict = judged(kubernetes=view)
    assert summary(verdict) == ("waiting", "ListenerMissing", "AWS")
    assert "443" in verdict.message
    assert judged(aws_view(listeners=[listener(80), listener(443)]), view).state == "done"


def test_without_targets_aws_alone_points_at_the_pods() -> None:
    assert summary(judged_by_aws(aws_view(targets=[]))) == ("waiting", "NoTargets", "k8s")
    assert summary(judged_by_aws(aws_view(groups=[]))) == ("waiting", "NoTargets", "k8s")
    draining = aws_view(targets=[target(state="draining")])
    assert summary(judged_by_aws(draining)) == ("waiting", "NoTargets", "k8s")


PULLING: dict[str, t.Any] = {
    "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]
}
UNSCHEDULABLE: dict[str, t.Any] = {
    "containerStatuses": [{"state": {}}],
    "conditions": [
        {"type": "Ready", "status": "False", "message": "not ready"},
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/0 nodes are available"},
    ],
}


@pytest.mark.parametrize(
    ("view", "reason", "owner", "said"),
    [
        (kubernetes_view(service(selector=None), pods=[]), "NoSelector", "k8s", "no selector"),
        (kubernetes_view(pods=[]), "NoPods", "k8s", "app=petstore"),
        (
            kubernetes_view(pods=[pod(1, ready=False, **PULLING), pod(2, ready=False, **PULLING)]),
            "NoReadyPods",
            "k8s",
            "None of 2 pods is ready; petstore-2: ImagePullBackOff: Back-off pulling image.",
        ),
        (
            kubernetes_view(pods=[pod(1, ready=False, **UNSCHEDULABLE)]),
            "NoReadyPods",
            "k8s",
            "petstore-1: Unschedulable: 0/0 nodes are available",
        ),
        (kubernetes_view(pods=[pod(1, ready=False)]), "NoReadyPods", "k8s", "None of 1 pods is ready."),
        (kubernetes_view(), "TargetsNotRegistered", "AWS", "pods are ready"),
    ],
)
def test_without_targets_kubernetes_says_why(view: KubernetesView, reason: str, owner: str, said: str) -> None:
    verdict = judged(aws_view(targets=[]), view)
    assert summary(verdict) == ("waiting", reason, owner)
    assert said in verdict.message


def test_pods_on_their_way_out_do_not_count() -> None:
    going = pod(1)
    going["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert judged(aws_view(targets=[]), kubernetes_view(pods=[going])).reason == "NoPods"


def test_every_ready_pod_has_to_be_a_target() -> None:
    view = kubernetes_view(pods=[pod(1), pod(3), pod(4, ready=False)])
    verdict = judged(kubernetes=view)
    assert summary(verdict) == ("waiting", "TargetsNotRegistered", "AWS")
    assert "petstore-3" in verdict.message
    assert judged(aws_view(groups=[target_group(TargetType="instance")]), view).state == "done"


def test_a_target_on_the_old_port_is_not_the_pod() -> None:
    """After the Service's port was changed, healthy targets of the old port are no success."""
    stale = aws_view(targets=[target(port=80)])
    assert judged(stale, kubernetes_view(pods=[pod(1)])).reason == "TargetsNotRegistered"


def test_health_checks_on_the_path_of_before_say_nothing() -> None:
    wants = service({"service.beta.kubernetes.io/aws-load-balancer-healthcheck-path": "/new"})
    checks = {path: aws_view(groups=[target_group(HealthCheckPath=path)]) for path in ("/old", "/new")}
    verdict = judged(checks["/old"], kubernetes_view(wants))
    assert summary(verdict) == ("waiting", "HealthCheckOutdated", "AWS")
    assert verdict.message.endswith("still checks /old, and the Service says /new.")
    assert judged(checks["/new"], kubernetes_view(wants)).state == "done"
    # Health checks by TCP have no path.
    assert judged(kubernetes=kubernetes_view(wants)).state == "done"
    assert judged(checks["/old"], kubernetes_view(service({}))).state == "done"


def test_a_named_port_is_the_containers() -> None:
    named = service(ports=[{"port": 80, "targetPort": "http"}])
    assert judged(kubernetes=kubernetes_view(named)).state == "done"
    nameless = kubernetes_view(named, pods=[pod(1, ports=[])])
    assert judged(kubernetes=nameless).state == "done"


@pytest.mark.parametrize(
    ("state", "reason", "owner"),
    [
        ("unhealthy", "Target.FailedHealthChecks", "k8s"),
        ("initial", "Elb.RegistrationInProgress", "AWS"),
        ("initial", "Elb.InitialHealthChecking", "AWS"),
        ("unused", "Target.NotInUse", "infra"),
        ("unused", "Target.IpUnusable", "k8s"),
        ("unavailable", "Elb.InternalError", "AWS"),
    ],
)
def test_a_target_that_is_not_healthy_has_awss_reason_and_an_owner(state: str, reason: str, owner: str) -> None:
    verdict = judged(aws_view(targets=[target("172.31.0.1"), target("172.31.0.2", state=state, reason=reason)]))
    assert summary(verdict) == ("waiting", reason, owner)
    assert verdict.message == f"1 of 2 targets healthy: 172.31.0.2:8080 is {state} ({reason}: described: {reason})."


@pytest.mark.parametrize(("state", "told"), [("unhealthy", True), ("initial", False)])
def test_the_pods_words_explain_targets_that_are_more_than_new(state: str, told: bool) -> None:
    view = kubernetes_view(pods=[pod(1), pod(2, ready=False, **PULLING)])
    verdict = judged(aws_view(targets=[target("172.31.0.1", state=state)]), view)
    assert ("petstore-2: ImagePullBackOff" in verdict.message) == told


def test_draining_targets_block_nothing() -> None:
    targets = [target("172.31.0.1"), target("172.31.0.2")]
    leaving = [target("172.31.0.3", state="draining"), target("172.31.0.4", state="unhealthy.draining")]
    assert judged(aws_view(targets=targets + leaving)).message.endswith("2 of 2 targets healthy.")


def test_the_worst_target_is_named_and_the_rest_counted() -> None:
    targets = [
        target("172.31.0.1", state="initial", reason="Elb.InitialHealthChecking"),
        target("172.31.0.2", state="unhealthy", reason="Target.FailedHealthChecks"),
        target("172.31.0.3", state="initial", reason="Elb.InitialHealthChecking"),
    ]
    verdict = judged_by_aws(aws_view(targets=targets))
    assert verdict.reason == "Target.FailedHealthChecks"
    assert "172.31.0.2:8080 is unhealthy" in verdict.message and verdict.message.endswith(", 2 more initial.")


def test_a_state_that_aws_may_add_is_shown_first() -> None:
    targets = [target("172.31.0.1", state="unhealthy"), target("172.31.0.2", state="quarantined")]
    assert judged_by_aws(aws_view(targets=targets)).reason == "Target.quarantined"


def seeds_mistake(port: int | str, **container: t.Any) -> Verdict:
    targets = [target("172.31.0.1", port=80, state="unhealthy", reason="Target.FailedHealthChecks")]
    view = kubernetes_view(service(ports=[{"port": 80, "targetPort": port}]), pods=[pod(1, **container)])
    return judged(aws_view(targets=targets), view)


def test_a_target_port_that_no_container_has_is_named() -> None:
    """The seed's mistake: the Service sends to 80, the container listens on 8080."""
    verdict = seeds_mistake(80)
    assert summary(verdict) == ("waiting", "Target.FailedHealthChecks", "k8s")
    assert verdict.message.endswith("The Service sends to port 80, but the containers listen on 8080.")
    assert verdict.fix == "Set the Service's targetPort to the container's port."


def test_a_container_that_declares_no_ports_proves_nothing() -> None:
    assert "listen on" not in seeds_mistake(80, ports=[]).message


def test_a_named_target_port_that_no_container_has_is_named() -> None:
    assert "sends to port web, but the containers listen on 8080" in seeds_mistake("web").message


def test_a_port_that_fits_is_not_blamed() -> None:
    assert "listen on" not in seeds_mistake(80, ports=[{"containerPort": 80}]).message
