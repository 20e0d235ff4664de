# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subnets of a load balancer: found by their role tag or else by their routes, one in each zone.

https://docs.aws.amazon.com/eks/latest/userguide/auto-change.html (2026-07-27) and, for exclusions and preferences,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/
"""

from __future__ import annotations

from typing import Any

from lab.controllers.load_balancer.model import BuildError

ROLE_TAGS = {"internal": "kubernetes.io/role/internal-elb", "internet-facing": "kubernetes.io/role/elb"}
_CLUSTER_TAG = "kubernetes.io/cluster/"
#: Free addresses that a load balancer needs in a subnet.
_LEAST_ADDRESSES = 8


def candidates(scheme: str, vpc_id: str) -> list[dict[str, Any]]:
    """DescribeSubnets' filters for the subnets whose role tag fits the scheme."""
    return [
        {"Name": "vpc-id", "Values": [vpc_id]},
        {"Name": f"tag:{ROLE_TAGS[scheme]}", "Values": ["", "1"]},
    ]


def reachable(scheme: str, subnets: list[dict[str, Any]], route_tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The VPC's subnets whose routes fit the scheme: public ones have a route to an internet gateway."""
    tables = {each.get("SubnetId", "main"): table for table in route_tables for each in table["Associations"]}
    public = scheme == "internet-facing"
    return [each for each in subnets if _is_public(tables.get(each["SubnetId"], tables["main"])) is public]


def _is_public(route_table: dict[str, Any]) -> bool:
    return any(route.get("GatewayId", "").startswith("igw-") for route in route_table["Routes"])


def choose(subnets: list[dict[str, Any]], cluster: str) -> list[str]:
    """The ids of the chosen subnets. Raises BuildError when there is none to choose."""
    ours = [each for each in subnets if _may_be_used(each, cluster)]
    spacious = [each for each in ours if each["AvailableIpAddressCount"] >= _LEAST_ADDRESSES]
    if not spacious:
        raise BuildError(
            f"unable to resolve at least one subnet. Evaluated {len(subnets)} subnets: {len(subnets) - len(ours)} are "
            f"tagged for other clusters, and {len(ours) - len(spacious)} have insufficient available IP addresses"
        )
    chosen: dict[str, str] = {}
    for each in sorted(spacious, key=lambda each: (_CLUSTER_TAG + cluster not in _tags(each), each["SubnetId"])):
        chosen.setdefault(each["AvailabilityZone"], each["SubnetId"])
    return sorted(chosen.values())


def _may_be_used(subnet: dict[str, Any], cluster: str) -> bool:
    clusters = {tag.removeprefix(_CLUSTER_TAG) for tag in _tags(subnet) if tag.startswith(_CLUSTER_TAG)}
    return not clusters or cluster in clusters


def _tags(subnet: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in subnet.get("Tags", [])}
