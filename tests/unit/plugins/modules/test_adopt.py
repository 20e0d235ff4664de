# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""adopt: which resource is meant, whose may become ours, and the calls that mark it."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract
from ansible_collections.seam.eks_auto.plugins.modules import adopt
from ansible_collections.seam.eks_auto.plugins.modules.adopt import (
    KINDS,
    Found,
    chosen,
    objection,
    ownership_tags,
    plan,
)
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import FakeApiGateway, Runner, told

OURS = {"seam.eks_auto/api": "petstore"}
CONTRACT = Contract("petstore", "orders", "web")


def api(id_: str, name: str = "shop", tags: dict[str, str] | None = None, wrong: str | None = None) -> Found:
    return Found("rest_api", id_, (id_, name), tags or {}, lambda _tags: None, name, wrong)


# Which is meant.


def test_a_resource_is_found_by_id_or_name() -> None:
    both = [api("a", "one"), api("b", "two")]
    assert chosen("rest_api", "a", both) == chosen("rest_api", "one", both) == (both[0], None)


def test_an_id_is_no_name() -> None:
    """Somebody may name an API as another's ID."""
    both = [api("a", "b"), api("b", "two")]
    assert chosen("rest_api", "b", both) == (both[1], None)


def test_a_name_of_several_is_refused_with_their_ids() -> None:
    found, wrong = chosen("rest_api", "shop", [api("b"), api("a")])
    assert found is None
    assert wrong == "REST API shop: a, b have that name. Give the ID of one."


def test_a_missing_resource_is_refused() -> None:
    assert chosen("usage_plan", "x", []) == (None, "There is no usage plan x in this account and region.")


# Whose it is.


@pytest.mark.parametrize("tags", [{}, {"team": "shop"}, {"Name": "seam.eks_auto/api"}])
def test_an_unclaimed_resource_may_become_ours(tags: dict[str, str]) -> None:
    assert objection(api("a", tags=tags), OURS, []) is None


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"aws:cloudformation:stack-name": "shop"}, "belongs to the CloudFormation stack (shop)"),
        (
            {"services.k8s.aws/controller-version": "apigateway-1"},
            "belongs to a controller in Kubernetes (apigateway-1)",
        ),
        ({"seam.eks_auto/api": "orders"}, "has the tag seam.eks_auto/api=orders"),
        ({"seam.eks_auto/contract": "a/b/c"}, "has the tag seam.eks_auto/contract=a/b/c"),
    ],
)
def test_a_resource_of_another_owner_is_refused(tags: dict[str, str], says: str) -> None:
    wrong = objection(api("a", tags=tags), OURS, [])
    assert wrong and wrong.startswith("REST API a (shop) ") and says in wrong


def test_a_second_one_is_refused() -> None:
    ours, other = api("ours", tags=OURS), api("other")
    wrong = objection(other, OURS, [ours, other])
    assert wrong == "REST API other (shop): REST API ours (shop) is the one already. Remove that first."


def test_a_resource_of_ours_is_left_as_it_is() -> None:
    ours = api("a", tags={**OURS, "aws:cloudformation:stack-name": "shop"}, wrong="no")
    assert objection(ours, OURS, [ours]) is None
    assert plan([(ours, OURS)]) == []


def test_an_objection_beside_the_tags_counts() -> None:
    assert objection(api("a", wrong="It is another's."), OURS, []) == "It is another's."


# The tags, and the calls.


def test_each_kind_has_the_tag_by_which_its_role_finds_it() -> None:
    by_tag = {kind: ownership_tags(kind, CONTRACT, "shop") for kind in KINDS}
    of_api, of_cluster = {"seam.eks_auto/api": "shop"}, {"seam.eks_auto/cluster": "petstore"}
    assert by_tag == {
        **dict.fromkeys(("rest_api", "usage_plan", "api_key", "vpc_link_v2"), of_api),
        **dict.fromkeys(("iam_role", "cluster", "access_entry"), of_cluster),
        "vpc_link": {"seam.eks_auto/contract": "petstore/orders/web"},
    }


def test_only_the_tag_is_set() -> None:
    role = Found("iam_role", "petstore-node", ("petstore-node",), {"team": "shop"}, lambda _tags: None)
    assert [(step.action, step.subject, step.request) for step in plan([(api("a"), OURS), (role, OURS)])] == [
        ("TagResource", "REST API a (shop)", {"tags": OURS}),
        ("TagRole", "IAM role petstore-node", {"tags": OURS}),
    ]


# What AWS shows of each kind, and the call that marks it.


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[t.Any, ...]]:
    """EKS with one cluster and two entries, IAM with one role; returns the tags that are set."""
    set_: list[tuple[t.Any, ...]] = []
    role = {"RoleName": "node", "Tags": [{"Key": "team", "Value": "shop"}]}
    entries = {
        "arn:aws:iam::1:role/team": {"type": "STANDARD", "accessEntryArn": "entry/team"},
        "arn:aws:iam::1:role/node": {"type": "EC2", "accessEntryArn": "entry/node"},
    }
    clusters = {name: {"arn": f"cluster/{name}", "tags": {"team": "shop"}} for name in ("petstore", "other")}
    monkeypatch.setattr(adopt.eks, "get_role", lambda _client, name: role if name == "node" else None)
    monkeypatch.setattr(adopt.eks, "tag_role", lambda _client, name, tags: set_.append((name, tags)))
    monkeypatch.setattr(adopt.eks, "describe_cluster", lambda _client, name: clusters.get(name))
    monkeypatch.setattr(adopt.eks, "describe_access_entry", lambda _client, _cluster, arn: entries.get(arn))
    monkeypatch.setattr(adopt.eks, "tag_resource", lambda _client, arn, tags: set_.append((arn, tags)))
    return set_


def looked_up(kind: str, key: str) -> list[Found]:
    return adopt.Account(t.cast(t.Any, SimpleNamespace(client=lambda *_a, **_o: None)), CONTRACT).find(kind, key)


@pytest.mark.parametrize(
    ("kind", "key", "tags", "marks"),
    [
        ("iam_role", "node", {"team": "shop"}, "node"),
        ("cluster", "petstore", {"team": "shop"}, "cluster/petstore"),
        ("access_entry", "arn:aws:iam::1:role/team", {}, "entry/team"),
    ],
)
def test_what_has_a_name_of_its_own_is_found_by_it(
    marked: list[tuple[t.Any, ...]], kind: str, key: str, tags: dict[str, str], marks: str
) -> None:
    (found,) = looked_up(kind, key)
    assert (found.tags, found.objection) == (tags, None)
    found.mark(OURS)
    assert marked == [(marks, OURS)]


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(
    ("kind", "key", "says"),
    [
        ("cluster", "other", "EKS cluster other is not that of orders/web in cluster petstore."),
        ("access_entry", "arn:aws:iam::1:role/node", "The access entry of arn:aws:iam::1:role/node is EKS's own."),
    ],
)
def test_what_is_another_clusters_or_ekss_own_is_refused(kind: str, key: str, says: str) -> None:
    (found,) = looked_up(kind, key)
    assert objection(found, OURS, []) == says


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("kind", ["iam_role", "cluster", "access_entry"])
def test_what_is_not_there_is_not_found(kind: str) -> None:
    assert looked_up(kind, "missing") == []


def test_a_role_is_read_and_tagged_by_name() -> None:
    tagged: list[t.Any] = []
    iam = SimpleNamespace(
        get_role=lambda RoleName: {"Role": {"RoleName": RoleName}},
        tag_role=lambda RoleName, Tags: tagged.append((RoleName, Tags)),
    )
    assert adopt.eks.get_role(t.cast(t.Any, iam), "node") == {"RoleName": "node"}
    adopt.eks.tag_role(t.cast(t.Any, iam), "node", OURS)
    assert tagged == [("node", [{"Key": "seam.eks_auto/api", "Value": "petstore"}])]


@pytest.mark.parametrize("mine", [True, False])
def test_a_link_v1_has_to_hold_the_contracts_load_balancer(monkeypatch: pytest.MonkeyPatch, mine: bool) -> None:
    stack = CONTRACT.stack if mine else "other/web"
    tags = {
        "eks:eks-cluster-name": "petstore",
        "service.eks.amazonaws.com/stack": stack,
        "service.eks.amazonaws.com/resource": "LoadBalancer",
    }
    fake = FakeApiGateway()
    fake.links["l1"] = {"id": "l1", "name": "by hand", "status": "AVAILABLE", "targetArns": ["nlb"], "tags": {}}
    monkeypatch.setattr(adopt.elb, "describe_tags", lambda _client, arns: dict.fromkeys(arns, tags))
    monkeypatch.setattr(adopt, "Client", lambda _module, api="apigateway": fake if api == "apigateway" else fake.v2)
    (found,) = looked_up("vpc_link", "l1")
    assert (found.objection is None) == mine


# Through main().

OPTIONS: dict[str, t.Any] = {
    "contract": {"cluster": "petstore", "namespace": "orders", "service": "web"},
    "api_name": "shop",
}


@pytest.fixture
def account() -> FakeApiGateway:
    """An API and a link V2, each with a tag of somebody else."""
    fake = FakeApiGateway()
    fake.apis["a1"] = {"id": "a1", "name": "by hand", "tags": {"team": "shop"}}
    link = {"VpcLinkId": "v1", "Name": "by hand", "VpcLinkStatus": "AVAILABLE", "Tags": {"team": "shop"}}
    fake.v2.links["v1"] = link
    return fake


@pytest.mark.parametrize("check", [True, False], ids=["check mode", "run"])
def test_all_that_is_named_gets_its_tag(
    account: FakeApiGateway, check: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Runner(adopt.main, account, capsys)
    resources = [{"kind": "vpc_link_v2", "id": "by hand"}, {"kind": "rest_api", "id": "a1"}]
    done = run(check=check, **OPTIONS, resources=[*resources, resources[0]])
    assert told(done.result) == ["TagResource VPC link V2 v1 (by hand)", "TagResource REST API a1 (by hand)"]
    after = {"tags": {"team": "shop", "seam.eks_auto/api": "shop"}}
    assert done.result["diff"]["after"] == {"VPC link V2 v1 (by hand)": after, "REST API a1 (by hand)": after}
    assert account.changes == ([] if check else ["tag_resource_v2", "tag_resource"])
    if not check:
        assert account.apis["a1"]["tags"] == account.v2.links["v1"]["Tags"] == after["tags"]
        assert run(**OPTIONS, resources=resources).result["changed"] is False


def test_nothing_is_marked_if_one_is_refused(account: FakeApiGateway, capsys: pytest.CaptureFixture[str]) -> None:
    account.apis["a1"]["tags"]["aws:cloudformation:stack-name"] = "shop"
    named = [{"kind": "vpc_link_v2", "id": "v1"}, {"kind": "rest_api", "id": "a1"}, {"kind": "api_key", "id": "k1"}]
    done = Runner(adopt.main, account, capsys)(**OPTIONS, resources=named)
    assert done.failed
    assert "belongs to the CloudFormation stack (shop)" in done.result["msg"]
    assert "There is no API key k1" in done.result["msg"]
    assert account.changes == []
