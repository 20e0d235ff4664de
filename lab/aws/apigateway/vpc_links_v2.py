# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC links V2: AWS's ``apigatewayv2``, as far as REST APIs use it.

A link belongs to subnets and security groups. Where a request goes is the integration's affair, so that no load balancer
is bound. https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote

from moto.core.request import Request
from moto.ec2.models import ec2_backends
from werkzeug.wrappers import Response

from lab.aws.apigateway.common import Item, bad_request, check_tags, new_id, not_found, now, quota_reached
from lab.aws.apigateway.links import IDLE, VpcLinkV2, forget_deleted
from lab.aws.apigateway.service import ApiGateway
from lab.aws.service import Call, Service
from lab.settings import ACCOUNT

VPC_LINKS_V2 = 10


class ApiGatewayV2(Service):
    """The operations on VPC links. REST APIs, which refer to them, are those of ``rest`` in the same region."""

    name = "apigatewayv2"

    def __init__(self, rest: ApiGateway) -> None:
        super().__init__(rest.region)
        self.rest = rest

    @property
    def links(self) -> dict[str, VpcLinkV2]:
        return self.rest.links_v2

    def handle(self, request: Request, caller_arn: str) -> Response:
        with self.rest.lock:
            return super().handle(request, caller_arn)

    def check_rate(self, call: Call) -> None:
        if self.rest.rates:
            self.rest.rates.check(self.name, call.operation, call.params)

    def check_tags(self, call: Call, given: dict[str, str]) -> None:
        check_tags(given)

    def make_inactive(self) -> None:
        """Make every link INACTIVE, as if nothing had gone through it for long enough."""
        with self.rest.lock:
            for link in self.links.values():
                link.used_at = time.monotonic() - IDLE

    def create_vpc_link(self, call: Call) -> Item:
        subnets, groups = call.params["SubnetIds"], call.params.get("SecurityGroupIds", [])
        if not subnets:
            raise bad_request("At least one subnet is required")
        failure = self._failure_reason(subnets, groups)
        forget_deleted(self.links)
        if len(self.links) >= VPC_LINKS_V2:
            raise quota_reached("VPC links")
        info = {
            "VpcLinkId": new_id(6),
            "Name": call.params["Name"],
            "SubnetIds": subnets,
            "SecurityGroupIds": groups,
            "Tags": dict(call.params.get("Tags", {})),
            "CreatedDate": now(),
            "VpcLinkVersion": "V2",
        }
        seconds = self.rest.settings.seconds("vpc_link")
        self.links[info["VpcLinkId"]] = VpcLinkV2(info, failure, time.monotonic() + seconds, seconds)
        # The answer is always PENDING, even where no time passes.
        return {**info, "VpcLinkStatus": "PENDING"}

    def get_vpc_link(self, call: Call) -> Item:
        return self._link(call).describe()

    def get_vpc_links(self, call: Call) -> Item:
        forget_deleted(self.links)
        return {"Items": [link.describe() for link in self.links.values()]}

    def update_vpc_link(self, call: Call) -> Item:
        link = self._link(call)
        if "Name" in call.params:
            link.info["Name"] = call.params["Name"]
        return link.describe()

    def delete_vpc_link(self, call: Call) -> None:
        link = self._link(call)
        self.rest.refuse_if_referenced(link.info["VpcLinkId"])
        if link.gone_at is None:
            link.gone_at = time.monotonic() + link.provisioning

    def tag_resource(self, call: Call) -> None:
        identifier = unquote(call.params["ResourceArn"]).rpartition("::/vpclinks/")[2]
        if identifier not in self.links:
            raise not_found("Invalid resource identifier specified")
        self.links[identifier].info["Tags"].update(call.params.get("Tags", {}))

    def _link(self, call: Call) -> VpcLinkV2:
        forget_deleted(self.links)
        link = self.links.get(call.params["VpcLinkId"])
        if link is None:
            raise not_found(f"Invalid VpcLink identifier specified {call.params['VpcLinkId']}")
        return link

    def _failure_reason(self, subnet_ids: list[str], group_ids: list[str]) -> str:
        """Why a link will end FAILED, or an empty text. What isn't there, or of two VPCs, is refused."""
        backend: Any = ec2_backends[ACCOUNT][self.region]
        subnets = {subnet.id: subnet for zone in backend.subnets.values() for subnet in zone.values()}
        groups = {group.id: group for vpc in backend.groups.values() for group in vpc.values()}
        for known, identifiers, what in ((subnets, subnet_ids, "subnet"), (groups, group_ids, "security group")):
            for identifier in identifiers:
                if identifier not in known:
                    raise bad_request(f"The {what} ID '{identifier}' does not exist")
        vpcs = {subnets[each].vpc_id for each in subnet_ids} | {groups[each].vpc_id for each in group_ids}
        if len(vpcs) > 1:
            raise bad_request("Subnets and security groups must belong to the same VPC")
        full = [each for each in subnet_ids if subnets[each].available_ip_address_count < 1]
        return f"Subnet {full[0]} has no free IP address" if full else ""
