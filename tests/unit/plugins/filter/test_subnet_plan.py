# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subnets' plan: what is public, what is pinned, which tags come and go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.seam.eks_auto.plugins.filter.subnet_plan import FilterModule

subnet_plan = FilterModule().filters()["subnet_plan"]

ROLE = "kubernetes.io/role/internal-elb"
MARK = "seam.eks_auto/subnet-of/"


def subnet(name: str, **tags: str) -> dict[str, Any]:
    return {"subnet_id": name, "tags": {key.replace("__", "/"): value for key, value in tags.items()}}


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
    found: dict[str, Any] = subnet_plan(list(subnets), list(tables), list(chosen), "petstore")
    return found


def test_chosen_subnets_of_a_public_main_table_belong_in_the_private_one() -> None:
    assert plan()["private"] == ["a", "b"]


def test_subnets_already_in_the_own_table_stay_in_it() -> None:
    found = plan(tables=(MAIN, PRIVATE, OWN), chosen=("a", "c"))
    assert (found["own_route_table_id"], found["private"], found["pinned"]) == ("rtb-own", ["a"], [])


def test_a_public_subnet_that_was_not_chosen_can_hold_a_nat_gateway() -> None:
    assert plan()["nat_subnet_ids"] == ["d"]


def test_somebody_elses_public_association_pins_a_subnet() -> None:
    assert plan(tables=(MAIN, table("rtb-x", "b", public=True)))["pinned"] == ["b"]


def test_a_route_to_a_nat_gateway_is_not_public() -> None:
    nat = table("rtb-nat", main=True)
    nat["routes"].append({"destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-1", "gateway_id": None})
    assert plan(tables=(nat,))["private"] == []


def test_a_subnet_with_only_other_clusters_tags_is_foreign() -> None:
    subnets = [
        subnet("a", kubernetes__cluster="shared"),
        {"subnet_id": "b", "tags": {"kubernetes.io/cluster/other": "owned"}},
        {
            "subnet_id": "c",
            "tags": {"kubernetes.io/cluster/other": "shared", "kubernetes.io/cluster/petstore": "shared"},
        },
    ]
    assert plan(subnets)["foreign"] == ["b"]


def test_an_untagged_subnet_gets_tag_and_mark() -> None:
    (change,) = plan([subnet("a")], chosen=("a",))["tag"]
    assert change == {"subnet_id": "a", "tags": {ROLE: "1", MARK + "petstore": "1"}}


def test_a_tag_that_somebody_else_set_is_left_alone_and_not_marked() -> None:
    found = plan([{"subnet_id": "a", "tags": {ROLE: ""}}], chosen=("a",))
    assert (found["tag"], found["untag"]) == ([], [])


def test_a_second_cluster_adds_its_mark_to_a_subnet_tagged_here() -> None:
    (change,) = plan([{"subnet_id": "a", "tags": {ROLE: "1", MARK + "other": "1"}}], chosen=("a",))["tag"]
    assert change["tags"] == {MARK + "petstore": "1"}


def test_a_tag_removed_by_hand_comes_back() -> None:
    (change,) = plan([{"subnet_id": "a", "tags": {MARK + "petstore": "1"}}], chosen=("a",))["tag"]
    assert ROLE in change["tags"]


def test_the_last_cluster_takes_the_tag_with_its_mark() -> None:
    tags = {ROLE: "1", MARK + "petstore": "1", "Name": "mine"}
    (change,) = plan([{"subnet_id": "a", "tags": tags}], chosen=())["untag"]
    assert change["tags"] == {ROLE: "1", MARK + "petstore": "1"}


def test_another_cluster_keeps_the_tag() -> None:
    tags = {ROLE: "1", MARK + "petstore": "1", MARK + "other": "1"}
    (change,) = plan([{"subnet_id": "a", "tags": tags}], chosen=())["untag"]
    assert change["tags"] == {MARK + "petstore": "1"}
