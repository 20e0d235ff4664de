# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""eks_auto_orphans: finding orphans, the conditions of a deletion, and main()'s calls to AWS."""

from __future__ import annotations

import datetime
import json
import typing as t
from types import SimpleNamespace

import pytest
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._core import wait as _wait
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.orphans import (
    Claim,
    Known,
    Resource,
    Told,
    claim_of,
    objections,
    orphans,
    why_gone,
)
from ansible_collections.seam.eks_auto.plugins.modules import eks_auto_orphans as module
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import (
    FakeApiGateway,
    Item,
    Run,
    refusal,
    told,
)
from botocore.exceptions import HTTPClientError

AUTO_MODE = {
    "eks:eks-cluster-name": "gone",
    "service.eks.amazonaws.com/stack": "shop/web",
    "service.eks.amazonaws.com/resource": "LoadBalancer",
}
LINK_TAGS = {"seam.eks_auto/contract": "gone/shop/web"}
NOTHING = Known(frozenset(), frozenset())
ELSEWHERE = Told("gone", frozenset({"other/web"}), frozenset({"other"}))
GONE = "cluster gone has no Service shop/web"


def there(*told: Told, **more: t.Any) -> Known:
    """The cluster is there, with the reported Services."""
    return Known(frozenset({"gone"}), frozenset(), told, **more)


def services(*names: str, cluster: str = "gone", of: tuple[str, ...] = ()) -> Told:
    return Told(cluster, frozenset(names), frozenset(of))


def link(*stages: str) -> Resource:
    return Resource("VPC link", "l1", "link", LINK_TAGS, stages=stages, version="1")


def link_v2(*stages: str) -> Resource:
    return Resource("VPC link", "l1", "link", {"seam.eks_auto/api": "petstore"}, stages=stages, version="2")


def balancer(tags: dict[str, str], *held_by: str) -> Resource:
    return Resource("load balancer", "lb", "k8s-shop-web", tags, held_by=held_by)


# The owner.


@pytest.mark.parametrize(
    ("tags", "claim"),
    [
        (AUTO_MODE, Claim("k8s", "gone", "shop/web")),
        ({"eks:eks-cluster-name": "gone", "ingress.eks.amazonaws.com/resource": "LoadBalancer"}, Claim("k8s", "gone")),
        ({"eks:eks-cluster-name": "gone", "gateway.eks.amazonaws.com.nlb/resource": "x"}, Claim("k8s", "gone")),
        (LINK_TAGS, Claim("infra", "gone", "shop/web")),
        ({"seam.eks_auto/api": "petstore"}, Claim("infra", api="petstore")),
        # Instances and volumes of Auto Mode have the cluster's tag too.
        ({"eks:eks-cluster-name": "gone"}, None),
        ({}, None),
        ({"Name": "mine"}, None),
        ({**AUTO_MODE, "elbv2.k8s.aws/cluster": "gone"}, None),
        ({**AUTO_MODE, "kubernetes.io/cluster/gone": "owned"}, None),
        ({**LINK_TAGS, "aws:cloudformation:stack-name": "s"}, None),
    ],
)
def test_whose_it_is_say_its_tags(tags: dict[str, str], claim: Claim | None) -> None:
    assert claim_of(tags) == claim


# Gone clusters and Services.


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (NOTHING, "there is no EKS cluster gone"),
        (there(), None),
        (there(services()), GONE),
        (there(services("shop/web")), None),
        (there(services(cluster="other")), None),
        (there(services(of=("shop",))), GONE),
        (there(services(of=("other",))), None),
        # Several reports, each of its own namespace: all count, and a Service in one of them exists.
        (there(ELSEWHERE, services(of=("shop",))), GONE),
        (there(services(of=("shop",)), services("shop/web")), None),
        (there(ELSEWHERE, services(cluster="other")), None),
    ],
)
def test_gone_is_what_somebody_can_tell(known: Known, reason: str | None) -> None:
    found = balancer(AUTO_MODE)
    claim = claim_of(found.tags)
    assert claim
    assert why_gone(found, claim, known) == reason


def test_no_service_owns_the_resources_that_a_cluster_shares() -> None:
    shared = balancer({"eks:eks-cluster-name": "gone", "service.eks.amazonaws.com/resource": "x"})
    assert orphans([shared], there(services())) == []


UNUSED = "no stage of a REST API uses it: its API is gone, or still to be made"
NO_API = "no REST API has the tag seam.eks_auto/api=petstore"
AWAITED = there(awaited_apis=frozenset({"petstore"}))
WITH_API = Known(frozenset(), frozenset({"petstore"}))


@pytest.mark.parametrize(
    ("found", "known", "reason"),
    [
        (link(), NOTHING, "there is no EKS cluster gone"),
        (link("stage prod"), there(services()), GONE),
        (link("stage prod"), there(), None),
        (link(), there(), UNUSED),
        (link(), there(services("shop/web")), UNUSED),
        (link(), there(services()), GONE),
        # A link V2 may be made before its API.
        (link_v2(), there(), NO_API),
        (link_v2(), AWAITED, UNUSED),
        (link_v2("stage prod"), WITH_API, None),
        (link_v2(), WITH_API, UNUSED),
    ],
)
def test_a_link_is_listed_with_what_is_gone_or_as_unused(found: Resource, known: Known, reason: str | None) -> None:
    assert [each.reason for each in orphans([found], known)] == ([reason] if reason else [])
    may_go = reason in ("there is no EKS cluster gone", GONE, NO_API) and not found.stages
    assert (objections([found], known, ["l1"]) == []) is may_go


@pytest.mark.parametrize(("apis", "found"), [(frozenset(), 1), (frozenset({"petstore"}), 0)])
def test_a_security_group_of_ours_is_left_without_its_api(apis: frozenset[str], found: int) -> None:
    group = Resource("security group", "sg", "petstore-vpc-link", {"seam.eks_auto/api": "petstore"})
    assert len(orphans([group], Known(frozenset(), apis))) == found


# Deletable orphans.


@pytest.mark.parametrize(
    ("resource", "known", "named", "says"),
    [
        (
            balancer({"Name": "mine"}),
            NOTHING,
            ["lb"],
            "is not ours: it lacks the tags of Auto Mode and of this collection",
        ),
        (balancer(AUTO_MODE), there(), ["lb"], "only the k8s team can say which of its Services are gone"),
        (
            balancer(AUTO_MODE),
            there(services("shop/web")),
            ["lb"],
            "is no orphan: Service shop/web of cluster gone is there.",
        ),
        (
            link(),
            there(services("shop/web")),
            ["l1"],
            "is unused, but no orphan: Service shop/web of cluster gone is there. playbooks/infra/remove_link.yml removes",
        ),
        (link(), there(), ["l1"], "is unused, but no orphan: cluster gone is there, and only the k8s team can say"),
        (link_v2(), AWAITED, ["l1"], "is unused, but no orphan: the REST API petstore may be still to be made."),
        (link_v2("stage prod"), AWAITED, ["l1"], "is no orphan: the REST API petstore may be still to be made."),
        (link_v2("stage prod"), WITH_API, ["l1"], "is no orphan: the REST API petstore is there."),
        (
            Resource("security group", "sg", "g", {"seam.eks_auto/api": "petstore"}),
            Known(frozenset(), frozenset({"petstore"})),
            ["sg"],
            "is no orphan: the REST API petstore is there.",
        ),
        (balancer(AUTO_MODE, "l1"), NOTHING, ["lb"], "is held by l1. Name that as well"),
        (
            link("stage prod"),
            NOTHING,
            ["l1"],
            "is used by stage prod. Remove the API first",
        ),
    ],
)
def test_what_must_not_go_has_a_sentence(resource: Resource, known: Known, named: list[str], says: str) -> None:
    (sentence,) = objections([resource], known, named)
    assert says in sentence


def test_an_orphan_named_with_all_its_holders_may_go() -> None:
    going = Known(frozenset(), frozenset(), going=frozenset({"l0"}))
    assert objections([balancer(AUTO_MODE, "l0")], going, ["lb"]) == []
    assert objections([balancer(AUTO_MODE, "l1"), balancer({})], NOTHING, ["l1"]) == []
    assert objections([balancer(AUTO_MODE, "l1")], NOTHING, ["lb", "l1"]) == []


# main()


class FakeAws:
    """ELBv2, EC2 and EKS in one, with the leftovers of a deleted cluster."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.refusals: dict[str, list[Exception]] = {}
        self.clusters: list[str] = []

    def get_paginator(self, operation: str) -> t.Any:
        def paginate(**_: t.Any) -> t.Any:
            return SimpleNamespace(build_full_result=lambda: getattr(self, f"_{operation}")())

        return SimpleNamespace(paginate=paginate)

    def _there(self, identifier: str, item: Item) -> list[Item]:
        return [] if identifier in self.deleted else [item]

    def _list_clusters(self) -> Item:
        return {"clusters": self.clusters}

    def _describe_load_balancers(self) -> Item:
        made = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=3, hours=1)
        item = {"LoadBalancerArn": "lb", "LoadBalancerName": "k8s-shop-web", "CreatedTime": made}
        return {"LoadBalancers": self._there("lb", {**item, "SecurityGroups": ["sg"], "Type": "network"})}

    def _describe_target_groups(self) -> Item:
        item = {"TargetGroupArn": "tg", "TargetGroupName": "k8s-shop-web", "LoadBalancerArns": ["lb"]}
        return {"TargetGroups": self._there("tg", item)}

    def _describe_security_groups(self) -> Item:
        tags = [{"Key": key, "Value": value} for key, value in AUTO_MODE.items()]
        ours = {"GroupId": "sg", "GroupName": "k8s-shop-web", "Tags": tags}
        return {"SecurityGroups": [*self._there("sg", ours), {"GroupId": "sg-default", "GroupName": "default"}]}

    def describe_tags(self, ResourceArns: list[str]) -> Item:
        tags = [{"Key": key, "Value": value} for key, value in AUTO_MODE.items()]
        return {"TagDescriptions": [{"ResourceArn": arn, "Tags": tags} for arn in ResourceArns]}

    def _delete(self, identifier: str) -> None:
        if self.refusals.get(identifier):
            raise self.refusals[identifier].pop(0)
        self.deleted.append(identifier)

    def delete_load_balancer(self, LoadBalancerArn: str) -> None:
        self._delete(LoadBalancerArn)

    def delete_target_group(self, TargetGroupArn: str) -> None:
        self._delete(TargetGroupArn)

    def delete_security_group(self, GroupId: str) -> None:
        self._delete(GroupId)


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def rest() -> FakeApiGateway:
    fake = FakeApiGateway()
    fake.links["l1"] = {"id": "l1", "name": "link", "status": "AVAILABLE", "targetArns": ["lb"], "tags": LINK_TAGS}
    fake.links["l0"] = {"id": "l0", "name": "going", "status": "DELETING", "targetArns": ["lb"], "tags": LINK_TAGS}
    return fake


@pytest.fixture
def run(
    aws: FakeAws, rest: FakeApiGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> t.Callable[..., Run]:
    monkeypatch.setattr(_wait.threading.Event, "wait", lambda event, timeout=None: True)
    clients = {"apigateway": rest, "apigatewayv2": rest.v2}

    def run_module(check: bool = False, **options: t.Any) -> Run:
        said: list[str] = []
        arguments = {"region": "eu-central-1", **options, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.MonkeyPatch.context() as patch:
            patch.setattr(warnings, "warn", said.append)
            patch.setattr(AnsibleAWSModule, "warn", lambda module, text: said.append(text))
            patch.setattr(AnsibleAWSModule, "client", lambda module, name, **_: clients.get(name, aws))
            with pytest.raises(SystemExit) as ended:
                module.main()
        return Run(ended.value.code != 0, json.loads(capsys.readouterr().out), said)

    return run_module


ALL = ["sg", "tg", "lb", "l1"]


def test_it_lists_and_changes_nothing(run: t.Callable[..., Run], aws: FakeAws) -> None:
    done = run()
    assert not done.failed
    assert [(each["id"], each["age_days"]) for each in done.result["orphans"]] == [
        ("l1", None),
        ("lb", 3),
        ("tg", None),
        ("sg", None),
    ]
    assert [each["held_by"] for each in done.result["orphans"]] == [[], ["l1", "l0"], ["lb"], ["lb"]]
    assert (done.result["changed"], aws.deleted) == (False, [])


def test_in_check_mode_it_says_what_it_would_delete(run: t.Callable[..., Run], aws: FakeAws) -> None:
    done = run(check=True, delete=ALL)
    assert told(done.result) == [
        "DeleteVpcLink l1",
        "DeleteLoadBalancer lb",
        "DeleteTargetGroup tg",
        "DeleteSecurityGroup sg",
    ]
    assert done.result["diff"]["after"] == {"orphans": []}
    assert aws.deleted == []


def test_it_deletes_in_order_and_once(run: t.Callable[..., Run], aws: FakeAws, rest: FakeApiGateway) -> None:
    del rest.links["l0"]
    aws.refusals = {
        "lb": [refusal("ResourceInUse", "associated with another service")],
        "sg": [refusal("DependencyViolation"), refusal("InvalidGroup.NotFound")],
    }
    done = run(delete=ALL)
    assert not done.failed, done.result
    assert aws.deleted == ["lb", "tg"]
    assert rest.links == {}
    assert len(done.result["actions"]) == 4
    aws.deleted.append("sg")
    again = run(delete=ALL)
    assert (again.failed, again.result["changed"]) == (False, False)
    assert len(again.warnings) == 4
    assert "l1 is no VPC link" in again.warnings[-1]


def test_one_refusal_refuses_all(run: t.Callable[..., Run], aws: FakeAws, rest: FakeApiGateway) -> None:
    rest.apis["a"] = {"id": "a", "name": "api", "tags": {"seam.eks_auto/api": "api"}}
    rest.stages["prod"] = {"stageName": "prod", "variables": {"vpcLinkId": "l1"}}
    done = run(delete=ALL)
    assert done.failed
    assert "is used by stage prod of REST API api (a)" in done.result["msg"]
    assert (aws.deleted, rest.links["l1"]["status"]) == ([], "AVAILABLE")


def test_another_error_ends_it_and_says_how_far_it_came(run: t.Callable[..., Run], aws: FakeAws) -> None:
    aws.refusals = {"lb": [refusal("OperationNotPermitted", "deletion protection is enabled")]}
    done = run(delete=ALL)
    assert done.failed
    assert "deletion protection is enabled" in done.result["msg"]
    assert told(done.result) == ["DeleteVpcLink l1", "DeleteLoadBalancer lb"]


def test_all_of_a_kind_are_deleted_before_any_is_waited_for(
    run: t.Callable[..., Run], aws: FakeAws, rest: FakeApiGateway
) -> None:
    rest.links = {
        each: {"id": each, "name": each, "status": status, "targetArns": [], "tags": LINK_TAGS}
        for each, status in (("l1", "AVAILABLE"), ("l2", "PENDING"), ("l3", "AVAILABLE"))
    }
    rest.calls.clear()
    assert not run(delete=["l1", "l2", "l3"]).failed
    operations = [operation for operation, _ in rest.calls if not operation.endswith("_v2")]
    first, last = operations.index("delete_vpc_link"), len(operations) - operations[::-1].index("delete_vpc_link")
    assert operations[first:last] == ["delete_vpc_link"] * 3
    assert rest.links == {}


def test_what_it_freed_it_waits_for_until_its_deadline(
    run: t.Callable[..., Run], aws: FakeAws, rest: FakeApiGateway
) -> None:
    aws.refusals = {"lb": [refusal("ResourceInUse", "by another service")] * 3}
    del rest.links["l1"]
    done = run(delete=["lb"], wait_timeout=0)
    assert done.failed
    assert "Timed out" in done.result["msg"]
    assert "by another service" in done.result["msg"]


@pytest.mark.parametrize(("identifier", "code"), [("lb", "ResourceInUse"), ("sg", "DependencyViolation")])
def test_what_somebody_else_holds_is_refused_at_once(
    run: t.Callable[..., Run], aws: FakeAws, rest: FakeApiGateway, identifier: str, code: str
) -> None:
    rest.links.clear()
    aws.deleted = [each for each in ("lb", "tg") if each != identifier]
    aws.refusals = {identifier: [refusal(code, "by another service")]}
    done = run(delete=[identifier])
    assert done.failed
    assert "this can't recover by itself" in done.result["msg"]
    assert "find what uses it, such as an endpoint service" in done.result["msg"]
    assert done.result["actions"][0]["subject"] == identifier


def test_begun_again_it_knows_that_it_deleted_the_holder(
    run: t.Callable[..., Run], aws: FakeAws, rest: FakeApiGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to DeleteVpcLink is lost, and the next look doesn't show the link any more."""
    del rest.links["l0"]
    delete = rest.delete_vpc_link

    def lose(**arguments: t.Any) -> None:
        delete(**arguments)
        rest.links.clear()
        raise HTTPClientError(error="lost")

    monkeypatch.setattr(rest, "delete_vpc_link", lose)
    aws.refusals = {"lb": [refusal("ResourceInUse", "by another service")]}
    done = run(delete=["l1", "lb"])
    assert not done.failed, done.result
    assert aws.deleted == ["lb"]


def test_the_k8s_teams_report_counts(run: t.Callable[..., Run], aws: FakeAws) -> None:
    aws.clusters = ["gone"]
    (unused,) = run().result["orphans"]
    assert unused["reason"] == UNUSED
    other = {"cluster": "gone", "namespaces": ["other"], "names": ["other/web"]}
    told_of = {"cluster": "gone", "names": ["default/kubernetes"]}
    assert len(run(services=[other]).result["orphans"]) == 1
    assert len(run(services=[other, told_of]).result["orphans"]) == 4
