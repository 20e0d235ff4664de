# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subnets' plan: public subnets, pinned ones, and the changes to tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.filter.subnet_plan import FilterModule

subnet_plan = FilterModule().filters()["subnet_plan"]

ROLE = "kubernetes.io/role/internal-elb"
MARK = "seam.eks_auto/subnet-of/"


def subnet(name: str, tags: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    zone = {"availability_zone": f"us-east-1{name}", "availability_zone_id": f"use1-{name}"}
    return {"subnet_id": name, "tags": tags or {}, "available_ip_address_count": 250, **zone, **more}


def table(
    name: str, *subnets: str, main: bool = False, public: bool = False, tags: dict[str, str] | None = None
) -> dict[str, Any]:
    associations = [{"main": False, "subnet_id": each} for each in subnets]
    routes = [{"destination_cidr_block": "172.31.0.0/16", "gateway_id": "local"}]
    return {
        "route_table_id": name,
        "associations": [*associations, *([{"main": True, "subnet_id": None}] if main else [])],
        "routes": [*routes, *([{"destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"}] if public else [])],
        "tags": tags or {},
    }


MAIN = table("rtb-main", main=True, public=True)
PRIVATE = table("rtb-private", "c")
OWN = table("rtb-own", "a", tags={"seam.eks_auto/private-subnets-of": "petstore"})
SUBNETS = [subnet("a"), subnet("b"), subnet("c"), subnet("d")]


def plan(
    subnets: Sequence[dict[str, Any]] = SUBNETS,
    tables: Sequence[dict[str, Any]] = (MAIN, PRIVATE),
    chosen: Sequence[str] = ("a", "b", "c"),
) -> dict[str, Any]:
    return whole(subnets, tables, subnet_ids=list(chosen))


def whole(
    subnets: Sequence[dict[str, Any]] = SUBNETS, tables: Sequence[dict[str, Any]] = (MAIN,), **options: Any
) -> dict[str, Any]:
    found: dict[str, Any] = subnet_plan(list(subnets), list(tables), "petstore", **options)
    return found


def test_chosen_subnets_of_a_public_main_table_belong_in_the_private_one() -> None:
    assert plan()["private"] == ["a", "b"]


def test_subnets_already_in_the_own_table_stay_in_it() -> None:
    found = plan(tables=(MAIN, PRIVATE, OWN), chosen=("a", "c"))
    assert (found["own_route_table_id"], found["private"], found["objections"]) == ("rtb-own", ["a"], [])


def test_a_public_subnet_that_was_not_chosen_can_hold_a_nat_gateway() -> None:
    assert plan()["nat_subnet_ids"] == ["d"]


def test_somebody_elses_public_association_pins_a_subnet() -> None:
    tables = (MAIN, table("rtb-x", "b", public=True))
    (objection,) = whole(tables=tables, subnet_ids=["a", "b"], private=True)["objections"]
    assert "vpc_tagging_private: somebody associated b with a route table" in objection
    assert plan(tables=tables)["objections"] == []


def test_a_route_to_a_nat_gateway_is_not_public() -> None:
    nat = table("rtb-nat", main=True)
    nat["routes"].append({"destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-1", "gateway_id": None})
    assert plan(tables=(nat,))["private"] == []


def test_a_subnet_with_only_other_clusters_tags_is_foreign() -> None:
    subnets = [
        subnet("a", {"kubernetes.io/cluster": "shared"}),
        subnet("b", {"kubernetes.io/cluster/other": "owned"}),
        subnet("c", {"kubernetes.io/cluster/other": "shared", "kubernetes.io/cluster/petstore": "shared"}),
    ]
    (objection,) = plan(subnets)["objections"]
    assert objection.startswith("b carry the tag kubernetes.io/cluster/... of another cluster and not of petstore")


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({}, ["a", "b", "c", "d"]),
        ({"zones": ["us-east-1a", "us-east-1c"]}, ["a", "c"]),
        ({"subnet_ids": ["d", "b"]}, ["b", "d"]),
    ],
)
def test_subnets_are_chosen_by_id_by_zone_or_all(options: dict[str, Any], chosen: list[str]) -> None:
    found = whole(**options)
    assert (found["subnet_ids"], found["objections"]) == (chosen, [])


def test_zones_without_eks_are_left_out_and_refused_when_they_are_named() -> None:
    subnets = [subnet("a"), subnet("b"), subnet("e", availability_zone_id="use1-az3")]
    assert whole(subnets)["subnet_ids"] == ["a", "b"]
    by_zone: dict[str, Any] = {"zones": ["us-east-1a", "us-east-1b", "us-east-1e"]}
    for named in (by_zone, {"subnet_ids": ["a", "b", "e"]}):
        (objection,) = whole(subnets, **named)["objections"]
        assert "EKS makes no cluster in us-east-1e." in objection


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"zones": ["us-east-1a", "us-east-1z"]}, "vpc_tagging_zones: the VPC has no subnet us-east-1z."),
        ({"subnet_ids": ["a", "x"]}, "vpc_tagging_subnet_ids: the VPC has no subnet x."),
        ({"zones": ["us-east-1a"]}, "at least two availability zones; chosen are 1 in us-east-1a."),
        ({"subnet_ids": []}, "chosen are 0 in none."),
        ({"nat_gateway": True}, "it serves private subnets, so vpc_tagging_private must be true as well."),
        ({"nat_gateway": True, "private": True}, "it needs a public subnet that is not among the chosen ones"),
    ],
)
def test_what_cant_work_is_refused(options: dict[str, Any], says: str) -> None:
    (objection,) = whole(**options)["objections"]
    assert says in objection


def test_a_full_subnet_is_refused() -> None:
    (objection,) = whole([subnet("a"), subnet("b", available_ip_address_count=7)])["objections"]
    assert "fewer than 8 free addresses in b" in objection


def test_a_nat_gateway_stands_in_a_public_subnet_that_is_not_chosen() -> None:
    assert whole(subnet_ids=["a", "b"], nat_gateway=True, private=True)["objections"] == []


def test_a_subnet_no_longer_chosen_loses_its_tags_again() -> None:
    tags = {ROLE: "1", MARK + "petstore": "1", "Name": "mine"}
    found = whole([subnet("a", tags), subnet("b"), subnet("c")], subnet_ids=["b", "c"])
    assert found["left"] == [{"subnet_id": "a", "tags": {ROLE: "1", MARK + "petstore": "1"}}]
    assert whole([subnet("a", {ROLE: "1"}), subnet("b")], subnet_ids=["b"])["left"] == []


def test_an_untagged_subnet_gets_tag_and_mark() -> None:
    (change,) = plan([subnet("a")], chosen=("a",))["tag"]
    assert change == {"subnet_id": "a", "tags": {ROLE: "1", MARK + "petstore": "1"}}


def test_a_tag_that_somebody_else_set_is_left_alone_and_not_marked() -> None:
    found = plan([subnet("a", {ROLE: ""})], chosen=("a",))
    assert (found["tag"], found["untag"]) == ([], [])


def test_a_second_cluster_adds_its_mark_to_a_subnet_tagged_here() -> None:
    (change,) = plan([subnet("a", {ROLE: "1", MARK + "other": "1"})], chosen=("a",))["tag"]
    assert change["tags"] == {MARK + "petstore": "1"}


def test_a_tag_removed_by_hand_comes_back() -> None:
    (change,) = plan([subnet("a", {MARK + "petstore": "1"})], chosen=("a",))["tag"]
    assert ROLE in change["tags"]


def test_the_last_cluster_takes_the_tag_with_its_mark() -> None:
    tags = {ROLE: "1", MARK + "petstore": "1", "Name": "mine"}
    (change,) = plan([subnet("a", tags)], chosen=())["untag"]
    assert change["tags"] == {ROLE: "1", MARK + "petstore": "1"}


def test_another_cluster_keeps_the_tag() -> None:
    tags = {ROLE: "1", MARK + "petstore": "1", MARK + "other": "1"}
    (change,) = plan([subnet("a", tags)], chosen=())["untag"]
    assert change["tags"] == {MARK + "petstore": "1"}
