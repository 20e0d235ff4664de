# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""eks_auto_nlb_info, run as Ansible runs it, against fakes of both APIs: waits, messages and results."""

from __future__ import annotations

import base64
import functools
import statistics
import threading
import typing as t
from dataclasses import asdict
from pathlib import Path

import boto3
import pytest
import yaml
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import wait_for_all
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import kubernetes_api
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.aws import AwsObserver
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes import KubernetesObserver
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import KubernetesError
from ansible_collections.seam.eks_auto.plugins.modules import eks_auto_nlb_info
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import (
    ARN,
    NAME,
    NO_SUBNET,
    TAGS,
    FakeElb,
    FakeKubernetes,
    client_error,
    event,
    load_balancer,
    pod,
    service,
    target,
)
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import FakeApiGateway
from ansible_collections.seam.eks_auto.tests.unit.plugins.run_main import run_main

Result = dict[str, t.Any]

CONTRACT = {"cluster": "petstore", "namespace": "petstore", "service": "vpclink"}


class Clock:
    """A clock that only pauses move; at a given second, something happens."""

    def __init__(self) -> None:
        self.now = 0.0
        self.plan: list[tuple[float, t.Callable[[], t.Any]]] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        while self.plan and self.plan[0][0] <= self.now:
            self.plan.pop(0)[1]()

    def at(self, second: float, action: t.Callable[[], t.Any]) -> None:
        self.plan.append((second, action))


class TimedElb(FakeElb):
    """A healthy load balancer; it remembers the calls and their times."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        healthy = FakeElb.healthy()
        self.balancers, self.tags, self.listeners = healthy.balancers, healthy.tags, healthy.listeners
        self.groups, self.targets = healthy.groups, healthy.targets
        self.times: list[float] = []
        self._clock = clock

    def _call(self, operation: str, request: Result) -> Result:
        self.times.append(self._clock.now)
        return super()._call(operation, request)

    @property
    def worst_second(self) -> int:
        """The most calls within any second."""
        return max(sum(begin <= each < begin + 1 for each in self.times) for begin in self.times)


class World:
    """Both APIs, an EKS that knows the cluster, and a clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.elb = TimedElb(self.clock)
        self.kubernetes = FakeKubernetes.healthy()
        self.apigateway = FakeApiGateway()
        self.cluster: Result | None = {
            "name": "petstore",
            "status": "ACTIVE",
            "endpoint": "https://petstore.example",
            "certificateAuthority": {"data": base64.b64encode(b"the CA").decode()},
        }
        self.eks_calls = 0
        self.connections: list[tuple[t.Any, ...]] = []

    def client(self, service_name: str) -> t.Any:
        if service_name == "elbv2":
            return self.elb.client()
        if service_name == "apigateway":
            return self.apigateway
        made = boto3.client(service_name, region_name="us-west-2", aws_access_key_id="a", aws_secret_access_key="b")
        if service_name == "eks":
            made._make_api_call = self._eks
        return made

    def _eks(self, operation: str, _request: Result) -> Result:
        assert operation == "DescribeCluster"
        self.eks_calls += 1
        if self.cluster is None:
            raise client_error("ResourceNotFoundException", 404)
        return {"cluster": self.cluster}

    def connect(self, endpoint: str, ca_file: str, mint: t.Callable[[], str], namespace: str) -> FakeKubernetes:
        self.connections.append((endpoint, Path(ca_file).read_bytes(), mint().split(".")[0], namespace))
        return self.kubernetes


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> t.Callable[..., Result]:
    """Runs the module with the contract and the given options; returns its result, with that of the only seam."""
    clock = world.clock
    monkeypatch.setattr(kubernetes_api, "KubernetesApi", world.connect)
    waiting = functools.partial(wait_for_all, clock=clock, pause=clock.pause)
    monkeypatch.setattr(eks_auto_nlb_info, "wait_for_all", waiting)
    observing = functools.partial(AwsObserver, clock=clock, sleep=clock.pause)
    monkeypatch.setattr(eks_auto_nlb_info, "AwsObserver", observing)
    monkeypatch.setattr(eks_auto_nlb_info, "KubernetesObserver", functools.partial(KubernetesObserver, clock=clock))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    def runner(check: bool = False, **options: t.Any) -> Result:
        result = run_main(
            eks_auto_nlb_info.main, world.client, capsys, check=check, **{"contracts": [CONTRACT], **options}
        )
        only = result["seams"][0] if len(result.get("seams", ())) == 1 else {}
        return {**only, **result}

    return runner


def link(link_id: str, target_arn: str) -> Result:
    return {"id": link_id, "name": f"to {link_id}", "status": "AVAILABLE", "targetArns": [target_arn], "tags": {}}


def healthy_in(run: t.Callable[..., Result], **options: t.Any) -> Result:
    return run(wait_for="healthy", wait_timeout=600, **options)


def reasons(result: Result) -> list[str]:
    return [entry["reason"] for entry in result["timeline"]]


# Looking once


def test_one_look_returns_all_that_is_seen(run: t.Callable[..., Result], world: World) -> None:
    world.kubernetes.objects["Event"] = [event("SuccessfullyReconciled", "Successfully reconciled")]
    result = run()
    assert (result["failed"], result["changed"], result["hints"]) == (False, False, [])
    balancer = result["load_balancer"]
    assert (balancer["arn"], balancer["name"], balancer["state"]) == (ARN, NAME, "active")
    assert balancer["availability_zones"][0] == {"zone_name": "us-west-2a", "subnet_id": "subnet-a"}
    assert (balancer["security_groups"], balancer["private_link_enforcement"]) == (["sg-1"], "on")
    assert balancer["tags"] == TAGS
    assert [listener["port"] for listener in balancer["listeners"]] == [80]
    [group] = balancer["target_groups"]
    assert group["health_check"]["port"] == "traffic-port"
    assert [one["state"] for one in group["targets"]] == ["healthy", "healthy"]
    seen = result["kubernetes"]
    assert seen["cluster_status"] == "ACTIVE"
    assert seen["service"]["ports"] == [{"port": 80, "target_port": 8080}]
    assert seen["pods"][0] == {"name": "petstore-1", "addresses": ["172.31.0.1"], "ready": True, "trouble": None}
    assert seen["events"][0]["last"] == "2026-01-31T12:00:00+00:00"
    assert result["verdict"]["state"] == "done"
    assert reasons(result) == ["healthy"]


def test_the_documentation_names_every_key_that_is_returned(run: t.Callable[..., Result], world: World) -> None:
    def check(documented: Result, returned: Result) -> None:
        assert documented.keys() == returned.keys()
        for key, entry in documented.items():
            value = returned[key]
            inner = value[0] if isinstance(value, list) and value else value
            if "contains" in entry:
                check(entry["contains"], inner)
            elif isinstance(inner, dict) and "sample" in entry and key != "kubernetes":
                sample = entry["sample"][0] if isinstance(entry["sample"], list) else entry["sample"]
                assert sample.keys() == inner.keys()

    world.apigateway.links = {"l1": link("l1", ARN)}
    result = run(observe=["aws", "kubernetes", "vpc_links"])
    check(yaml.safe_load(eks_auto_nlb_info.RETURN), {key: result[key] for key in ("seams", "timeline")})


def test_kubernetes_is_asked_with_the_clusters_ca_and_a_minted_token(
    run: t.Callable[..., Result], world: World
) -> None:
    run()
    assert world.connections == [("https://petstore.example", b"the CA", "k8s-aws-v1", "petstore")]


def test_one_side_alone(run: t.Callable[..., Result], world: World) -> None:
    result = run(observe=["aws"])
    assert result["kubernetes"] is None and result["verdict"]["reason"] == "healthy"
    assert world.connections == []
    world.elb.calls.clear()
    result = run(observe=["kubernetes"])
    assert result["load_balancer"] is None and result["verdict"]["reason"] == "provisioned"
    assert world.elb.calls == []


def test_one_look_does_not_fail_because_of_what_it_sees(run: t.Callable[..., Result], world: World) -> None:
    world.elb.balancers = [load_balancer(state="failed")]
    result = run()
    assert not result["failed"]
    assert (result["verdict"]["state"], result["verdict"]["owner"]) == ("failed", "infra")


@pytest.mark.parametrize("message", ["services is forbidden", "connection refused"])
def test_one_look_fails_if_it_can_not_look(run: t.Callable[..., Result], world: World, message: str) -> None:
    world.kubernetes.error = KubernetesError(message, denied="forbidden" in message)
    result = run()
    assert result["failed"] and message in result["msg"] and "Owner: infra" in result["msg"]


def test_check_mode_looks_once_and_never_fails_because_of_what_it_sees(
    run: t.Callable[..., Result], world: World
) -> None:
    world.cluster = None
    world.elb.balancers = []
    result = run(check=True, wait_for="healthy")
    assert not result["failed"]
    assert reasons(result) == ["ClusterMissing"]
    world.cluster = World().cluster
    world.kubernetes.error = KubernetesError("services is forbidden", denied=True)
    result = run(check=True, wait_for="healthy")
    assert not result["failed"]
    assert reasons(result) == ["KubernetesDenied"]


def test_the_load_balancer_of_a_cluster_that_is_not_there_is_not_waited_for(
    run: t.Callable[..., Result], world: World
) -> None:
    """Infra sees AWS only, and would wait for a misspelt name."""
    world.elb.balancers, world.cluster = [], None
    result = healthy_in(run, observe=["aws"])
    assert result["msg"].splitlines() == [
        "There is no EKS cluster petstore in this account and region.",
        "Owner: infra",
        "To do: Check the cluster's name, region and credentials, or make the cluster: role eks_auto_cluster.",
    ]
    assert (world.clock.now, world.eks_calls) == (0, 1)


def test_who_may_not_ask_eks_waits_for_the_load_balancer(
    run: t.Callable[..., Result], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_operation: str, _request: Result) -> t.NoReturn:
        world.eks_calls += 1
        raise client_error("AccessDeniedException", 403)

    world.elb.balancers = []
    monkeypatch.setattr(world, "_eks", denied)
    result = healthy_in(run, observe=["aws"])
    assert result["msg"].startswith("Timed out after 600 s waiting for the load balancer of petstore/vpclink")
    assert world.eks_calls == 1


def test_another_trouble_with_eks_ends_the_wait(
    run: t.Callable[..., Result], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_operation: str, _request: Result) -> t.NoReturn:
        raise client_error("InvalidParameterException", 400)

    world.elb.balancers = []
    monkeypatch.setattr(world, "_eks", broken)
    result = healthy_in(run, observe=["aws"])
    assert result["failed"] and result["msg"].startswith("Failed to describe the EKS cluster")


def test_check_mode_judges_what_would_be_awaited(run: t.Callable[..., Result], world: World) -> None:
    world.elb.balancers = [load_balancer(state="provisioning")]
    assert run(check=True, wait_for="provisioned")["verdict"]["state"] == "done"
    assert run(check=True, wait_for="active")["verdict"]["state"] == "waiting"


def test_hints_are_warnings(run: t.Callable[..., Result], world: World) -> None:
    world.kubernetes.objects["Service"] = [service({"aws-load-balancer-scheme": "internet-facing"})]
    result = run()
    [hint] = result["hints"]
    assert "aws-load-balancer-scheme" in hint
    assert any(hint in str(warning) for warning in result["warnings"])


# Waiting


def test_it_waits_from_nothing_to_healthy(run: t.Callable[..., Result], world: World) -> None:
    elb, clock = world.elb, world.clock
    targets = elb.targets
    elb.balancers, elb.targets = [], []
    clock.at(10, lambda: elb.balancers.append(load_balancer(state="provisioning")))
    clock.at(130, lambda: elb.balancers.__setitem__(0, load_balancer()))
    clock.at(140, lambda: elb.targets.append(target("172.31.0.1", state="initial", reason="Elb.InitialHealthChecking")))
    clock.at(146, lambda: elb.targets.append(target("172.31.0.2", state="initial", reason="Elb.InitialHealthChecking")))
    clock.at(170, lambda: elb.targets.__setitem__(slice(None), targets))
    result = healthy_in(run)
    assert not result["failed"]
    assert reasons(result) == [
        "LoadBalancerMissing",
        "LoadBalancerProvisioning",
        "TargetsNotRegistered",
        "TargetsNotRegistered",
        "Elb.InitialHealthChecking",
        "healthy",
    ]
    assert 170 <= world.clock.now <= 171.5
    assert len(elb.calls) < 250


def test_it_is_gentle_when_nothing_changes(run: t.Callable[..., Result], world: World) -> None:
    world.elb.targets = [target("172.31.0.1", state="unhealthy", reason="Target.FailedHealthChecks")]
    world.kubernetes.objects["Pod"] = [pod(1)]
    assert healthy_in(run)["failed"]
    assert world.elb.calls.count("DescribeTags") == 1
    assert len(world.elb.calls) <= 140


def test_ten_minutes_cost_few_calls(run: t.Callable[..., Result], world: World) -> None:
    world.elb.targets = [target("172.31.0.1", state="unhealthy", reason="Target.FailedHealthChecks")]
    assert healthy_in(run, observe=["aws"])["failed"]
    print(f"figures: {len(world.elb.calls)} calls in ten minutes without a change")
    assert len(world.elb.calls) <= 120


def test_a_load_balancer_from_nothing_to_healthy_costs_few_calls(run: t.Callable[..., Result], world: World) -> None:
    """As AWS does it: three minutes for the load balancer, and as many for its targets."""
    elb, clock = world.elb, world.clock
    targets, balancers = elb.targets, elb.balancers
    new = [target("172.31.0.1", state="initial", reason="Elb.InitialHealthChecking")]
    elb.balancers, elb.targets = [], []
    clock.at(20, lambda: elb.balancers.append(load_balancer(state="provisioning")))
    clock.at(200, lambda: elb.balancers.__setitem__(0, balancers[0]))
    clock.at(205, lambda: elb.targets.extend(new))
    clock.at(385, lambda: elb.targets.__setitem__(slice(None), targets))
    assert not healthy_in(run, observe=["aws"])["failed"]
    print(f"figures: {len(elb.calls)} calls from nothing to healthy in {clock.now:.1f} s")
    assert len(elb.calls) <= 250
    assert clock.now < 387


@pytest.mark.parametrize("unchanged", [2, 10, 60])
def test_new_targets_that_turn_healthy_are_seen_soon(
    run: t.Callable[..., Result], world: World, unchanged: int
) -> None:
    targets = world.elb.targets
    late = []
    for fraction in range(10):
        world.elb.targets = [target("172.31.0.1", state="initial", reason="Elb.InitialHealthChecking")]
        turned = world.clock.now + unchanged + fraction * 0.15
        world.clock.at(turned, lambda: setattr(world.elb, "targets", targets))
        healthy_in(run, observe=["aws"])
        late.append(world.clock.now - turned)
    assert statistics.median(late) <= (0.3 if unchanged == 2 else 0.9)


# Many


def ten(world: World, **changes: t.Any) -> list[Result]:
    world.elb.balancers.clear()
    world.elb.groups.clear()
    return [asdict(world.elb.add_contract(number, **changes)) for number in range(1, 11)]


def test_all_are_seen_in_the_order_in_which_they_are_named(run: t.Callable[..., Result], world: World) -> None:
    contracts = ten(world)
    contracts = [contracts[3], contracts[0], contracts[3]]
    result = healthy_in(run, contracts=contracts, observe=["aws"])
    assert [seam["contract"] for seam in result["seams"]] == contracts
    assert [seam["load_balancer"]["arn"][-1] for seam in result["seams"]] == ["4", "1", "4"]
    assert [entry["subject"] for entry in result["timeline"]] == [
        f"the load balancer of team-{number}/vpclink to be healthy" for number in (4, 1)
    ]


def test_no_contract_is_nothing_to_do(run: t.Callable[..., Result], world: World) -> None:
    for result in (run(contracts=[]), healthy_in(run, contracts=[])):
        assert (result["failed"], result["seams"], result["timeline"]) == (False, [], [])
    assert world.elb.calls == []


def test_clusters_are_told_apart_where_there_are_several(run: t.Callable[..., Result], world: World) -> None:
    result = run(contracts=[CONTRACT, {**CONTRACT, "cluster": "other"}], observe=["aws"])
    assert [entry["subject"] for entry in result["timeline"]] == [
        "the load balancer of petstore/vpclink in cluster petstore",
        "the load balancer of petstore/vpclink in cluster other",
    ]


def test_ten_that_are_healthy_cost_a_call_each_and_three(run: t.Callable[..., Result], world: World) -> None:
    healthy_in(run, contracts=ten(world), observe=["aws"])
    assert len(world.elb.calls) == 13
    assert world.elb.worst_second <= 10


def test_ten_at_once_keep_to_the_rate(run: t.Callable[..., Result], world: World) -> None:
    contracts = ten(world)
    for number in range(1, 11):
        world.elb.targets_of[f"group-{number}"] = [target("t", state="initial", reason="Elb.InitialHealthChecking")]
    assert healthy_in(run, contracts=contracts, observe=["aws"])["failed"]
    print(f"figures: worst second {world.elb.worst_second}; {len(world.elb.calls)} calls in ten minutes")
    assert world.elb.worst_second <= 10


def test_one_that_cannot_recover_ends_the_wait_for_all(run: t.Callable[..., Result], world: World) -> None:
    contracts = ten(world)[:3]
    world.elb.balancers[1]["State"] = {"Code": "failed", "Reason": "No address left"}
    world.elb.targets_of["group-3"] = [target("172.31.1.3", state="unhealthy", reason="Target.FailedHealthChecks")]
    result = healthy_in(run, contracts=contracts, observe=["aws"])
    assert result["msg"].splitlines() == [
        "Stopped after 0 s, with 2 of 3 still to wait for: the first can't recover by itself.",
        "Waiting for the load balancer of team-2/vpclink to be healthy:",
        f"Seen: Load balancer {NAME} is failed: No address left. [LoadBalancerFailed]",
        "Owner: infra",
        "To do: Mend what AWS names (as a rule subnets or quotas), then recreate the Service.",
        "Waiting for the load balancer of team-3/vpclink to be healthy:",
        "Last seen (for 0 s): 0 of 1 targets healthy: 172.31.1.3:8080 is unhealthy (Target.FailedHealthChecks: "
        "described: Target.FailedHealthChecks). [Target.FailedHealthChecks]",
        "Owner: k8s",
        "To do: See that the container listens on the Service's targetPort and answers the health check there (kubectl "
        "logs, kubectl describe pod), and that no NetworkPolicy is in the way.",
    ]
    assert [seam["verdict"]["state"] for seam in result["seams"]] == ["done", "failed", "waiting"]


def test_a_cluster_is_asked_for_once_for_all_its_contracts(run: t.Callable[..., Result], world: World) -> None:
    run(contracts=[CONTRACT, {**CONTRACT, "service": "vpclink-b"}])
    assert (world.eks_calls, [namespace for *_, namespace in world.connections]) == (1, ["petstore", "petstore"])


@pytest.mark.parametrize("goal", ["provisioned", "active"])
def test_a_lesser_goal_does_not_ask_for_targets_until_it_is_reached(
    run: t.Callable[..., Result], world: World, goal: str
) -> None:
    world.elb.balancers = []
    world.clock.at(5, lambda: world.elb.balancers.append(load_balancer()))
    result = run(wait_for=goal)
    assert result["verdict"]["reason"] == goal
    assert result["load_balancer"]["target_groups"]
    assert world.elb.calls.count("DescribeTargetHealth") == 1


def test_a_time_out_gives_aim_duration_cause_owner_and_remedy(run: t.Callable[..., Result], world: World) -> None:
    world.elb.targets = [target("172.31.0.1", port=80, state="unhealthy", reason="Target.FailedHealthChecks")]
    world.kubernetes.objects["Service"] = [
        service({"aws-load-balancer-scheme": "internet-facing"}, ports=[{"port": 80, "targetPort": 80}])
    ]
    world.kubernetes.objects["Pod"] = [pod(1)]
    result = healthy_in(run)
    assert result["failed"]
    assert result["msg"].splitlines() == [
        "Timed out after 600 s waiting for the load balancer of petstore/vpclink to be healthy.",
        "Last seen (for 600 s): 0 of 1 targets healthy: 172.31.0.1:80 is unhealthy (Target.FailedHealthChecks: "
        "described: Target.FailedHealthChecks). The Service sends to port 80, but the containers listen on 8080. "
        "[Target.FailedHealthChecks]",
        "Owner: k8s",
        "To do: Set the Service's targetPort to the container's port.",
        "Hint: The Service's annotation aws-load-balancer-scheme is ignored, for it lacks the prefix "
        "service.beta.kubernetes.io/: k8s, add it (for a VPC link with the value internal).",
    ]
    assert result["load_balancer"]["arn"] == ARN
    assert result["verdict"]["state"] == "waiting"


def test_an_event_that_persists_ends_the_wait_early(run: t.Callable[..., Result], world: World) -> None:
    world.elb.balancers = []
    world.kubernetes.objects["Service"] = [service(hostname=None)]

    def fail(second: int, count: int) -> None:
        failure = event("FailedBuildModel", NO_SUBNET, first=0, last=second, count=count, uid="the-event")
        taken = threading.Event()
        world.kubernetes.push("Event", ("MODIFIED", failure), taken.set)
        assert taken.wait(10)

    world.kubernetes.objects["Event"] = [event("FailedBuildModel", NO_SUBNET, uid="the-event")]
    for count, second in enumerate((5, 10, 20), start=2):
        world.clock.at(second, functools.partial(fail, second, count))
    result = healthy_in(run)
    assert result["failed"]
    assert 20 <= world.clock.now < 21
    assert result["msg"].splitlines() == [
        "Stopped after 20 s waiting for the load balancer of petstore/vpclink to be healthy: "
        "this can't recover by itself.",
        f"Seen: The controller says again and again: {NO_SUBNET} [FailedBuildModel]",
        "Owner: infra",
        "To do: Tag a subnet in each zone, kubernetes.io/role/internal-elb: 1 for internal load balancers (else "
        "kubernetes.io/role/elb), and see that it has 8 free addresses: role vpc_tagging.",
    ]


def test_a_refusal_by_kubernetes_gets_half_a_minute(run: t.Callable[..., Result], world: World) -> None:
    world.kubernetes.error = KubernetesError("services is forbidden", denied=True)
    result = healthy_in(run)
    assert result["failed"] and 30 <= world.clock.now < 35
    assert "services is forbidden" in result["msg"] and "eks_access_entry" in result["msg"]


# Holders of the load balancer


def test_the_links_that_hold_the_load_balancer_are_returned_when_asked_for(
    run: t.Callable[..., Result], world: World
) -> None:
    world.apigateway.links = {"l1": link("l1", ARN), "l2": link("l2", "arn:another")}
    held = [{"id": "l1", "name": "to l1", "status": "AVAILABLE", "target_arn": ARN}]
    assert run(observe=["aws", "vpc_links"])["vpc_links"] == held
    assert healthy_in(run, observe=["aws", "vpc_links"])["vpc_links"] == held
    assert run(observe=["aws"])["vpc_links"] is None


def test_links_of_both_load_balancers_are_returned_while_one_replaces_the_other(
    run: t.Callable[..., Result], world: World
) -> None:
    world.elb.balancers = [load_balancer(1), load_balancer(2)]
    world.elb.tags = {balancer["LoadBalancerArn"]: dict(TAGS) for balancer in world.elb.balancers}
    world.apigateway.links = {"l2": link("l2", world.elb.balancers[1]["LoadBalancerArn"])}
    assert [held["id"] for held in run(observe=["aws", "vpc_links"])["vpc_links"]] == ["l2"]


def test_nobody_asks_for_links_when_there_is_no_load_balancer(run: t.Callable[..., Result], world: World) -> None:
    world.elb.balancers = []
    assert run(observe=["aws", "vpc_links"])["vpc_links"] == []
    assert world.apigateway.calls == []


# Errors


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"contracts": [CONTRACT, {**CONTRACT, "cluster": "-petstore"}]}, "contracts[1]: cluster:"),
        ({"contracts": [{**CONTRACT, "namespace": "Petstore"}]}, "contracts[0]: namespace:"),
        ({"contracts": [{**CONTRACT, "service": "vpc_link"}]}, "contracts[0]: service:"),
        ({"observe": []}, "observe:"),
        ({"observe": ["vpc_links"]}, "observe:"),
        ({"observe": ["kubernetes", "vpc_links"]}, "observe:"),
        ({"wait_timeout": 0}, "wait_timeout:"),
        ({"observe": ["kubernetes"], "wait_for": "active"}, "wait_for:"),
    ],
)
def test_wrong_options_end_in_a_sentence_that_names_them(
    run: t.Callable[..., Result], world: World, options: Result, named: str
) -> None:
    result = run(**options)
    assert result["failed"] and result["msg"].startswith(named)
    assert world.elb.calls == []


def test_an_error_of_aws_is_one_clear_error(run: t.Callable[..., Result], world: World) -> None:
    world.elb.errors["DescribeLoadBalancers"] = client_error("AccessDenied", 403)
    result = healthy_in(run)
    assert result["failed"] and result["msg"].startswith("Failed to describe load balancers: ")
    assert result["error"]["code"] == "AccessDenied"


def test_an_error_of_eks_is_one_clear_error(run: t.Callable[..., Result], world: World) -> None:
    world.cluster = None
    result = healthy_in(run)
    assert result["failed"]
    assert "There is no EKS cluster petstore in this account and region." in result["msg"]
