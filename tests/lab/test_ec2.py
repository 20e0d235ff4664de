# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A NAT gateway is found by its tags, and has its address for itself until it is deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running_lab import RunningLab


@pytest.fixture(scope="module")
def ec2(lab: RunningLab) -> Any:
    return lab.client("ec2")


def make_gateway(ec2: Any, address: str, name: str, key: str = "Name") -> str:
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    tags = [{"ResourceType": "natgateway", "Tags": [{"Key": key, "Value": name}]}]
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, TagSpecifications=tags)["NatGateway"]
    return str(made["NatGatewayId"])


def named(ec2: Any, name: str) -> list[dict[str, Any]]:
    gateways: list[dict[str, Any]] = ec2.describe_nat_gateways(Filter=[{"Name": "tag:Name", "Values": [name]}])[
        "NatGateways"
    ]
    return gateways


def test_a_nat_gateway_has_its_address_for_as_long_as_it_lives(ec2: Any) -> None:
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    first, second = make_gateway(ec2, address, "first"), make_gateway(ec2, address, "second")
    ((one,), (other,)) = named(ec2, "first"), named(ec2, "second")
    assert (one["NatGatewayId"], one["State"]) == (first, "available")
    assert (other["NatGatewayId"], other["State"], other["FailureCode"], other["FailureMessage"]) == (
        second,
        "failed",
        "Resource.AlreadyAssociated",
        f"Elastic IP address {address} is already associated",
    )

    with pytest.raises(
        ClientError, match=r"AuthFailure.*You do not have permission to access the specified resource\."
    ):
        ec2.release_address(AllocationId=address)
    ec2.delete_nat_gateway(NatGatewayId=first)
    (found,) = ec2.describe_addresses(AllocationIds=[address])["Addresses"]
    assert "AssociationId" not in found
    ec2.release_address(AllocationId=address)
    assert ec2.describe_addresses()["Addresses"] == []


def test_keys_that_begin_as_awss_own_are_reserved(ec2: Any) -> None:
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    for key in ("aws:team", "AWS:team"):
        with pytest.raises(ClientError, match=r"InvalidParameterValue.*Tag keys starting with 'aws:' are reserved"):
            ec2.create_tags(Resources=[subnet], Tags=[{"Key": key, "Value": "infra"}])
        with pytest.raises(ClientError, match=r"InvalidParameterValue.*Tag keys starting with 'aws:' are reserved"):
            make_gateway(ec2, "eipalloc-0", "named", key)
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "te*am", "Value": "(any)"}])


def test_iam_takes_some_characters_in_tags(lab: RunningLab) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    for tag, code in ({"aws:team": "a"}, "InvalidInput"), ({"team": "a*"}, "ValidationError"):
        tags = [{"Key": key, "Value": value} for key, value in tag.items()]
        with pytest.raises(ClientError, match=code):
            lab.client("iam").create_role(RoleName="tagged", AssumeRolePolicyDocument=trust, Tags=tags)
