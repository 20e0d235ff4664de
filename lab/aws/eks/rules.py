# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's rules for a cluster's configuration. Every function raises AWS's refusal.

The texts are AWS's own where they are public; README.md lists the others.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any
from urllib.parse import unquote

from moto.ec2.models import ec2_backends

from lab.aws import partitions
from lab.aws.eks.common import Item, invalid
from lab.aws.service import AwsError
from lab.settings import ACCOUNT

NODE_POOLS = {"general-purpose", "system"}
#: Upwards only (https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html).
AUTHENTICATION_MODES = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]

#: Zones without room for EKS, by id (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).
UNSUPPORTED_ZONES = {"use1-az3", "usw1-az2", "cac1-az3"}

_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid(f"The cluster name {name} does not match the pattern ^[0-9A-Za-z][A-Za-z0-9\\-_]*$ (1 to 100)")


def auto_mode_flags(request: Item) -> set[bool]:
    """The three switches of Auto Mode, one left out counting as off."""
    return {
        bool(request.get("computeConfig", {}).get("enabled")),
        bool(request.get("kubernetesNetworkConfig", {}).get("elasticLoadBalancing", {}).get("enabled")),
        bool(request.get("storageConfig", {}).get("blockStorage", {}).get("enabled")),
    }


def check_auto_mode(request: Item, authentication_mode: str) -> None:
    """The rules of Auto Mode's part of a request, to create or update a cluster.

    https://docs.aws.amazon.com/eks/latest/userguide/automode-get-started-cli.html
    """
    flags = auto_mode_flags(request)
    if len(flags) > 1:
        raise invalid(
            "For EKS Auto Mode, please ensure that all required configs, including computeConfig, "
            "kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled."
        )
    compute = request.get("computeConfig", {})
    pools, role = compute.get("nodePools", []), compute.get("nodeRoleArn")
    if role and not pools:
        raise invalid("When Compute Config nodeRoleArn is not null or empty, nodePool value(s) must be provided.")
    if pools and not role:
        raise invalid("When Compute Config nodeRoleArn is null or empty, nodePool list cannot be populated.")
    if unknown := sorted(set(pools) - NODE_POOLS):
        raise invalid(f"Invalid node pool: {', '.join(unknown)}. Valid node pools: general-purpose, system")
    if True in flags and authentication_mode == "CONFIG_MAP":
        raise invalid(
            "When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of "
            "API_AND_CONFIG_MAP or API"
        )


def check_role(region: str, arn: str, service: str) -> None:
    """The role exists, and ``service`` may assume it."""
    if not _may_assume(_role(region, arn), service):
        raise invalid(
            f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
        )


def _role(region: str, arn: str) -> Any | None:
    return next((role for role in partitions.iam(region).roles.values() if role.arn == arn), None)


def _may_assume(role: Any | None, service: str) -> bool:
    if role is None:
        return False
    statements = json.loads(unquote(role.assume_role_policy_document)).get("Statement", [])
    return any(
        statement.get("Effect") == "Allow"
        # In China, EC2's name may also end as its hosts' do.
        and {service, f"{service}.cn"} & set(_listed(statement.get("Principal", {}).get("Service", [])))
        and "sts:AssumeRole" in _listed(statement.get("Action", []))
        for statement in ([statements] if isinstance(statements, dict) else statements)
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def check_network(region: str, subnet_ids: list[str], security_group_ids: list[str]) -> str:
    """At least two subnets in two zones of one VPC, at most five security groups. Returns the VPC.

    https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
    """
    ec2 = ec2_backends[ACCOUNT][region]
    zones: dict[str, str] = {}
    vpcs = set()
    for subnet_id in subnet_ids:
        subnet = next((zone[subnet_id] for zone in ec2.subnets.values() if subnet_id in zone), None)
        if subnet is None:
            raise invalid(
                f"The subnet ID '{subnet_id}' does not exist "
                "(Service: AmazonEC2; Status Code: 400; Error Code: InvalidSubnetID.NotFound)"
            )
        zones[subnet.availability_zone] = subnet.availability_zone_id
        vpcs.add(subnet.vpc_id)
    if len(vpcs) > 1:
        raise invalid("Subnets specified must belong to the same VPC")
    if len(zones) < 2:
        raise invalid("Subnets specified must be in at least two different AZs")
    if len(security_group_ids) > 5:
        raise invalid("At most 5 security groups can be specified")
    for group_id in security_group_ids:
        if ec2.get_security_group_from_id(group_id) is None:
            raise invalid(
                f"The security group '{group_id}' does not exist "
                "(Service: AmazonEC2; Status Code: 400; Error Code: InvalidGroup.NotFound)"
            )
    for zone, zone_id in zones.items():
        if zone_id in UNSUPPORTED_ZONES:
            raise AwsError(
                "UnsupportedAvailabilityZoneException",
                f"Cannot create cluster because {zone}, the targeted availability zone, does not currently have "
                "sufficient capacity to support the cluster.",
            )
    return str(vpcs.pop())


def check_endpoint_access(vpc: Item) -> None:
    """At least one endpoint, and the public one open to addresses of the internet alone.

    https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html
    """
    if not (vpc["endpointPublicAccess"] or vpc["endpointPrivateAccess"]):
        raise invalid("Private and public endpoint access cannot be false")
    blocks = {text: _block(text) for text in vpc.get("publicAccessCidrs", [])}
    if malformed := [text for text, block in blocks.items() if block is None]:
        raise invalid(f"The following CIDRs are invalid in publicAccessCidrs: [{', '.join(malformed)}]")
    reserved = [text for text, block in blocks.items() if block and not block.is_global]
    if reserved:
        raise invalid(f"The following CIDRs are not allowed in publicAccessCidrs: [{', '.join(reserved)}]")


def _block(text: str) -> ipaddress.IPv4Network | None:
    """The lab's clusters are all of the IPv4 family."""
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        return None
