# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: a VPC's subnets -> a cluster's subnets, their missing tags and routes, and the objections. Pure."""

from __future__ import annotations

import typing as t

#: Auto Mode requires this tag on the private subnets of its load balancers.
#: https://docs.aws.amazon.com/eks/latest/userguide/tag-subnets-auto.html
ROLE_TAG = "kubernetes.io/role/internal-elb"
#: Marks a subnet as tagged by this collection, once for each cluster, so that only our own tags are taken back.
MARK_PREFIX = "seam.eks_auto/subnet-of/"
#: Tags the route table that this collection made, with the cluster's name.
TABLE_TAG = "seam.eks_auto/private-subnets-of"
CLUSTER_TAG_PREFIX = "kubernetes.io/cluster/"

Subnet = dict[str, t.Any]
RouteTable = dict[str, t.Any]


#: Free addresses in each subnet: EKS wants 6, a load balancer 8.
#: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
FREE_ADDRESSES = 8
#: By their IDs, the zones in which EKS makes no cluster (the same page).
ZONES_WITHOUT_EKS = ("use1-az3", "usw1-az2", "cac1-az3")


def subnet_plan(
    subnets: list[Subnet],
    route_tables: list[RouteTable],
    cluster_name: str,
    subnet_ids: list[str] | None = None,
    zones: t.Sequence[str] = (),
    private: bool = False,
    nat_gateway: bool = False,
) -> dict[str, t.Any]:
    """The plan for a cluster in a VPC; see ``subnet_plan.yml`` for its options and each key that it returns."""
    chosen_subnets = [subnet for subnet in subnets if _is_chosen(subnet, subnet_ids, zones)]
    chosen = [subnet["subnet_id"] for subnet in chosen_subnets]
    own_table = next((table for table in route_tables if table["tags"].get(TABLE_TAG) == cluster_name), None)
    own_id = own_table["route_table_id"] if own_table else None
    explicit = _explicit_associations(route_tables)
    public_tables = {table["route_table_id"] for table in route_tables if _leads_to_internet_gateway(table)}
    main = next((table["route_table_id"] for table in route_tables if _is_main(table)), None)
    public = [s["subnet_id"] for s in subnets if explicit.get(s["subnet_id"], main) in public_tables]
    own = [subnet_id for subnet_id, table_id in explicit.items() if table_id == own_id]
    pinned = sorted(i for i in public if i in chosen and i in explicit and i not in own)
    nat_subnet_ids = sorted(i for i in public if i not in chosen)
    objections = [
        *_choice_objections(subnets, chosen_subnets, subnet_ids, zones),
        *_foreign_objections(chosen_subnets, cluster_name),
        *(_pinned_objections(pinned) if private else ()),
        *(_nat_objections(private, nat_subnet_ids) if nat_gateway else ()),
    ]
    return {
        "subnet_ids": sorted(chosen),
        "objections": objections,
        "own_route_table_id": own_id,
        "private": sorted(set(own) | (set(public) & set(chosen))),
        "nat_subnet_ids": nat_subnet_ids,
        "tag": _changes(chosen_subnets, lambda tags: _tags_to_set(tags, cluster_name)),
        "untag": _changes(subnets, lambda tags: _tags_to_remove(tags, cluster_name)),
        "left": _changes(
            [subnet for subnet in subnets if subnet["subnet_id"] not in chosen],
            lambda tags: _tags_to_remove(tags, cluster_name),
        ),
    }


def _is_chosen(subnet: Subnet, subnet_ids: list[str] | None, zones: t.Sequence[str]) -> bool:
    if subnet_ids is not None:
        return subnet["subnet_id"] in subnet_ids
    if zones:
        return subnet["availability_zone"] in zones
    return subnet["availability_zone_id"] not in ZONES_WITHOUT_EKS


def _choice_objections(
    subnets: list[Subnet], chosen: list[Subnet], subnet_ids: list[str] | None, zones: t.Sequence[str]
) -> t.Iterator[str]:
    """Why EKS or a load balancer can't use the choice. Each begins with the variable that made it."""
    variable = "vpc_tagging_zones" if subnet_ids is None else "vpc_tagging_subnet_ids"
    there = {subnet["subnet_id"] for subnet in subnets} | {subnet["availability_zone"] for subnet in subnets}
    missing = [each for each in (subnet_ids if subnet_ids is not None else zones) if each not in there]
    if missing:
        yield f"{variable}: the VPC has no subnet {', '.join(missing)}. Name subnets or zones that it has."
        return
    without = sorted(s["availability_zone"] for s in chosen if s["availability_zone_id"] in ZONES_WITHOUT_EKS)
    if without:
        yield f"{variable}: EKS makes no cluster in {', '.join(without)}. Leave that zone out."
    used = sorted({subnet["availability_zone"] for subnet in chosen})
    if len(used) < 2:
        yield (
            f"{variable}: EKS needs subnets in at least two availability zones; chosen are {len(chosen)} in "
            f"{', '.join(used) or 'none'}. Choose subnets in another zone as well."
        )
    full = sorted(s["subnet_id"] for s in chosen if s["available_ip_address_count"] < FREE_ADDRESSES)
    if full:
        yield (
            f"{variable}: fewer than {FREE_ADDRESSES} free addresses in {', '.join(full)}, which EKS and a load balancer need. "
            "Choose other subnets."
        )


def _foreign_objections(chosen: list[Subnet], cluster_name: str) -> t.Iterator[str]:
    foreign = sorted(s["subnet_id"] for s in chosen if _only_other_clusters(s["tags"], cluster_name))
    if foreign:
        yield (
            f"{', '.join(foreign)} carry the tag kubernetes.io/cluster/... of another cluster and not of {cluster_name}, so "
            "Auto Mode would pass over them. Choose other subnets in vpc_tagging_subnet_ids, or tag them "
            f"kubernetes.io/cluster/{cluster_name} as well."
        )


def _pinned_objections(pinned: list[str]) -> t.Iterator[str]:
    if pinned:
        yield (
            f"vpc_tagging_private: somebody associated {', '.join(pinned)} with a route table that leads to an internet "
            "gateway. This role doesn't take subnets out of route tables it did not make: choose other subnets, or remove "
            "that association."
        )


def _nat_objections(private: bool, nat_subnet_ids: list[str]) -> t.Iterator[str]:
    if not private:
        yield "vpc_tagging_nat_gateway: it serves private subnets, so vpc_tagging_private must be true as well."
    elif not nat_subnet_ids:
        yield (
            "vpc_tagging_nat_gateway: it needs a public subnet that is not among the chosen ones; leave a zone out of "
            "vpc_tagging_zones."
        )


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
