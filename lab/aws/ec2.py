# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EC2: moto's, with AWS's spelling of some names. A security group can't be deleted while it is used, and a NAT gateway
holds its address as long as it lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, generic_filter


def install(users_of: Callable[[str, str], Iterable[str]]) -> None:
    """``users_of`` gives the users of a security group, by region and ID.

    DescribeTags calls a NAT gateway ``natgateway`` and an address ``elastic-ip``, and filters by that.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
    """
    EC2_PREFIX_TO_RESOURCE.update({"eipalloc": "elastic-ip", "nat": "natgateway"})
    delete = EC2Backend.delete_security_group

    def delete_unused(self: EC2Backend, name: str | None = None, group_id: str | None = None) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
        if group_id and any(users_of(self.region_name, group_id)):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        delete(self, name, group_id)

    EC2Backend.delete_security_group = delete_unused
    _install_nat_gateways()
    _install_addresses()


def _install_nat_gateways() -> None:
    create, describe, delete = (
        EC2Backend.create_nat_gateway,
        EC2Backend.describe_nat_gateways,
        EC2Backend.delete_nat_gateway,
    )

    def create_or_fail(
        self: EC2Backend,
        subnet_id: str,
        allocation_id: str,
        tags: dict[str, str] | None = None,
        connectivity_type: str = "public",
    ) -> NatGateway:
        """A taken address fails the gateway, not the call: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NatGateway.html"""
        if not allocation_id or not self.address_by_allocation([allocation_id])[0].association_id:
            return create(self, subnet_id, allocation_id, tags, connectivity_type)
        gateway = create(self, subnet_id, "", tags, connectivity_type)
        gateway.state = "failed"
        gateway.failure_code = "Resource.AlreadyAssociated"
        gateway.failure_message = f"Elastic IP address {allocation_id} is already associated"
        return gateway

    def describe_by_tags(
        self: EC2Backend, filters: Mapping[str, Any] | None, nat_gateway_ids: list[str] | None
    ) -> list[NatGateway]:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNatGateways.html"""
        tags = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
        found: list[NatGateway] = generic_filter(tags, describe(self, filters, nat_gateway_ids))
        return found

    def delete_and_disassociate(self: EC2Backend, nat_gateway_id: str) -> NatGateway:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html"""
        gateway = delete(self, nat_gateway_id)
        for address in gateway.address_set:
            if association := address.pop("associationId", None):
                self.disassociate_address(association_id=association)
        return gateway

    EC2Backend.create_nat_gateway = create_or_fail
    EC2Backend.describe_nat_gateways = describe_by_tags
    EC2Backend.delete_nat_gateway = delete_and_disassociate


def _install_addresses() -> None:
    release = EC2Backend.release_address

    def release_unused(self: EC2Backend, address: str | None = None, allocation_id: str | None = None) -> None:
        """AWS's words are public: https://github.com/kubernetes/kops/issues/1604"""
        for gateway in self.nat_gateways.values():
            if any(each.get("associationId") and allocation_id == each["allocationId"] for each in gateway.address_set):
                raise EC2ClientError("AuthFailure", "You do not have permission to access the specified resource.")
        release(self, address, allocation_id)

    EC2Backend.release_address = release_unused
