# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two subnets are tagged and leave through a NAT gateway; afterwards neither tags, table, gateway nor address are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MARK = "seam.eks_auto/subnet-of/molecule-subnets"
ROLE = "kubernetes.io/role/internal-elb"
OWNED = [{"Name": "tag:seam.eks_auto/private-subnets-of", "Values": ["molecule-subnets"]}]


def test_present(aws: Callable[[str], Any]) -> None:
    ec2 = aws("ec2")
    tagged = [{"Name": f"tag:{tag}", "Values": ["1"]} for tag in (MARK, ROLE)]
    subnets = ec2.describe_subnets(Filters=tagged)["Subnets"]
    assert sorted(subnet["AvailabilityZone"] for subnet in subnets) == ["us-west-2a", "us-west-2b"]
    (table,) = ec2.describe_route_tables(Filters=OWNED)["RouteTables"]
    associated = {association["SubnetId"] for association in table["Associations"]}
    assert associated == {subnet["SubnetId"] for subnet in subnets}
    (gateway,) = ec2.describe_nat_gateways(Filters=OWNED)["NatGateways"]
    assert gateway["State"] == "available"
    ways_out = [route for route in table["Routes"] if route["DestinationCidrBlock"] == "0.0.0.0/0"]
    assert [route.get("NatGatewayId") for route in ways_out] == [gateway["NatGatewayId"]]


def test_absent(aws: Callable[[str], Any]) -> None:
    ec2 = aws("ec2")
    tagged = [{"Name": "tag-key", "Values": [MARK]}]
    assert ec2.describe_subnets(Filters=tagged)["Subnets"] == []
    assert ec2.describe_route_tables(Filters=OWNED)["RouteTables"] == []
    gateways = ec2.describe_nat_gateways(Filters=OWNED)["NatGateways"]
    assert [gateway["NatGatewayId"] for gateway in gateways if gateway["State"] != "deleted"] == []
    assert ec2.describe_addresses(Filters=OWNED)["Addresses"] == []
