# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides what the subnets of a cluster need: which tags, and which of them are public. Pure: data in, data out."""

from __future__ import annotations

import typing as t

#: Auto Mode requires this tag on the private subnets of its load balancers.
#: https://docs.aws.amazon.com/eks/latest/userguide/tag-subnets-auto.html
ROLE_TAG = "kubernetes.io/role/internal-elb"
#: Marks a subnet that this collection tagged, one for each cluster, so that it takes back only what it did.
MARK_PREFIX = "seam.eks_auto/subnet-of/"
#: Tags the route table that this collection made, with the cluster's name.
TABLE_TAG = "seam.eks_auto/private-subnets-of"
CLUSTER_TAG_PREFIX = "kubernetes.io/cluster/"

Subnet = dict[str, t.Any]
RouteTable = dict[str, t.Any]


def subnet_plan(
    subnets: list[Subnet], route_tables: list[RouteTable], chosen: list[str], cluster_name: str
) -> dict[str, t.Any]:
    """The plan for the ``chosen`` of a VPC's subnets; see ``subnet_plan.yml`` for each key it returns."""
    own_table = next((table for table in route_tables if table["tags"].get(TABLE_TAG) == cluster_name), None)
    own_id = own_table["route_table_id"] if own_table else None
    explicit = _explicit_associations(route_tables)
    public_tables = {table["route_table_id"] for table in route_tables if _leads_to_internet_gateway(table)}
    main = next((table["route_table_id"] for table in route_tables if _is_main(table)), None)
    public = [s["subnet_id"] for s in subnets if explicit.get(s["subnet_id"], main) in public_tables]
    own = [subnet_id for subnet_id, table_id in explicit.items() if table_id == own_id]
    chosen_subnets = [s for s in subnets if s["subnet_id"] in chosen]
    return {
        "own_route_table_id": own_id,
        "private": sorted(set(own) | (set(public) & set(chosen))),
        "pinned": sorted(i for i in public if i in chosen and i in explicit and i not in own),
        "nat_subnet_ids": sorted(i for i in public if i not in chosen),
        "foreign": sorted(s["subnet_id"] for s in chosen_subnets if _only_other_clusters(s["tags"], cluster_name)),
        "tag": _changes(chosen_subnets, lambda tags: _tags_to_set(tags, cluster_name)),
        "untag": _changes(subnets, lambda tags: _tags_to_remove(tags, cluster_name)),
    }


def _explicit_associations(route_tables: list[RouteTable]) -> dict[str, str]:
    """Subnet id -> id of the route table it is explicitly associated with."""
    return {
        association["subnet_id"]: table["route_table_id"]
        for table in route_tables
        for association in table["associations"]
        if association.get("subnet_id")
    }


def _is_main(table: RouteTable) -> bool:
    return any(association.get("main") for association in table["associations"])


def _leads_to_internet_gateway(table: RouteTable) -> bool:
    return any((route.get("gateway_id") or "").startswith("igw-") for route in table["routes"])


def _only_other_clusters(tags: dict[str, str], cluster_name: str) -> bool:
    """Auto Mode's controller passes over a subnet that carries other clusters' tags and not this one's."""
    clusters = {key.removeprefix(CLUSTER_TAG_PREFIX) for key in tags if key.startswith(CLUSTER_TAG_PREFIX)}
    return bool(clusters) and cluster_name not in clusters


def _changes(subnets: list[Subnet], of: t.Callable[[dict[str, str]], dict[str, str]]) -> list[dict[str, t.Any]]:
    changes = [{"subnet_id": subnet["subnet_id"], "tags": of(subnet["tags"])} for subnet in subnets]
    return [change for change in changes if change["tags"]]


def _tags_to_set(tags: dict[str, str], cluster_name: str) -> dict[str, str]:
    mark = {MARK_PREFIX + cluster_name: "1"}
    if ROLE_TAG not in tags:
        return {ROLE_TAG: "1", **mark}
    ours = any(key.startswith(MARK_PREFIX) for key in tags)
    return mark if ours and MARK_PREFIX + cluster_name not in tags else {}


def _tags_to_remove(tags: dict[str, str], cluster_name: str) -> dict[str, str]:
    marks = [key for key in tags if key.startswith(MARK_PREFIX)]
    if MARK_PREFIX + cluster_name not in marks:
        return {}
    going = [*marks, ROLE_TAG] if len(marks) == 1 else [MARK_PREFIX + cluster_name]
    return {key: tags[key] for key in going if key in tags}


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"subnet_plan": subnet_plan}
