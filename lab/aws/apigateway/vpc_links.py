# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC links (V1): each binds one Network Load Balancer, and can't be deleted while an API refers to it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from lab.aws.apigateway import endpoint_services
from lab.aws.apigateway.common import (
    VPC_LINKS,
    Item,
    RestApi,
    bad_request,
    methods_of,
    new_id,
    not_found,
    page,
    patch_fields,
    patches,
    quota_reached,
)
from lab.aws.apigateway.links import VpcLink, VpcLinkV2, forget_deleted
from lab.aws.apigateway.stage_variables import REFERENCE, releases
from lab.aws.service import Call
from lab.settings import ACCOUNT, Settings

_LOAD_BALANCER_ARN = re.compile(r"arn:[\w-]+:elasticloadbalancing:([\w-]+):(\d{12}):loadbalancer/(net|app|gwy)/\S+")


class VpcLinks:
    """CreateVpcLink and its kin."""

    settings: Settings
    region: str
    apis: dict[str, RestApi]
    links: dict[str, VpcLink]
    links_v2: dict[str, VpcLinkV2]

    def create_vpc_link(self, call: Call) -> Item:
        if not call.params["name"]:
            raise bad_request("Name cannot be empty")
        targets = call.params["targetArns"]
        if len(targets) > 1:
            raise bad_request("More than one target arn specified for vpc link.")
        for arn in targets:
            if not arn.startswith("arn:"):
                raise bad_request(f"Invalid ARN. ARN is not well formed {arn}")
        forget_deleted(self.links)
        if len(self.links) >= VPC_LINKS:
            raise quota_reached("VPC links")
        info = {"id": new_id(6), "name": call.params["name"], "targetArns": targets}
        if call.params.get("description"):
            info["description"] = call.params["description"]
        info["tags"] = dict(call.params.get("tags", {}))
        failure = self._failure_reason(targets[0])
        link = VpcLink(info, failure, time.monotonic() + self.settings.seconds("vpc_link"))
        if not failure:
            link.endpoint_service = endpoint_services.attach(self.region, targets[0])
        self.links[info["id"]] = link
        # The answer is always PENDING, even where no time passes.
        return {**info, "status": "PENDING"}

    def get_vpc_link(self, call: Call) -> Item:
        return self._link(call).describe()

    def get_vpc_links(self, call: Call) -> Item:
        forget_deleted(self.links)
        return page(call, (link.describe() for link in self.links.values()))

    def update_vpc_link(self, call: Call) -> Item:
        link = self._link(call)
        operations = patches(call)
        if any(path.startswith("/targetArns") for _, path, _ in operations):
            raise bad_request("Target arns are not allowed to be changed/added.")
        changed = dict(link.info)
        patch_fields(changed, operations, ["/name", "/description"])
        link.info = changed
        return link.describe()

    def delete_vpc_link(self, call: Call) -> None:
        link = self._link(call)
        self.refuse_if_referenced(link.info["id"])
        if link.gone_at is None:
            seconds = self.settings.seconds("vpc_link")
            link.gone_at = time.monotonic() + seconds
            endpoint_services.detach(
                self.region, link.endpoint_service, seconds + self.settings.seconds("endpoint_service")
            )

    def refuse_if_referenced(self, link_id: str) -> None:
        """Links of both versions are refused with the same words: hashicorp/terraform-provider-aws#12195."""
        references = sorted(set(self._references(link_id)))
        if references:
            raise bad_request(
                f"Cannot delete vpc link. Vpc link '{link_id}', is referenced in "
                f"[{', '.join(references)}] in format of [Method:Resource:Stage]."
            )

    def links_of(self, load_balancer_arn: str) -> list[Item]:
        """The links that bind a load balancer now, as GetVpcLink describes them."""
        forget_deleted(self.links)
        bound = [link for link in self.links.values() if link.target_arn == load_balancer_arn and link.holds_target]
        return [link.describe() for link in bound]

    def links_in(self, security_group: str) -> list[str]:
        """The links V2 that are in a security group, by their IDs."""
        forget_deleted(self.links_v2)
        return [each for each, link in self.links_v2.items() if security_group in link.info["SecurityGroupIds"]]

    def find_link(self, identifier: str) -> VpcLink | VpcLinkV2 | None:
        """The link of this id, of either version, or None."""
        forget_deleted(self.links)
        forget_deleted(self.links_v2)
        return self.links.get(identifier) or self.links_v2.get(identifier)

    def _link(self, call: Call) -> VpcLink:
        forget_deleted(self.links)
        link = self.links.get(call.params["vpcLinkId"])
        if link is None:
            raise not_found("Invalid Vpc Link identifier specified")
        return link

    def _failure_reason(self, arn: str) -> str:
        """Why a link to this target will end FAILED, or an empty text."""
        match = _LOAD_BALANCER_ARN.fullmatch(arn)
        if match is None or match[3] != "net":
            return "NLB ARN is malformed."
        if not self._load_balancer_exists(arn):
            return "NLB not found."
        held = endpoint_services.holds(self.region, arn)
        return "NLB is already associated with another VPC Endpoint Service" if held else ""

    def _load_balancer_exists(self, arn: str) -> bool:
        from moto.elbv2.models import elbv2_backends

        return arn in elbv2_backends[ACCOUNT][self.region].load_balancers

    def _references(self, link_id: str) -> Iterable[str]:
        """The references to a link, in AWS's form ``Method:Resource:Stage``. A stage's variables don't.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
        """
        for api in self.apis.values():
            # Outside a stage, AWS's name for it is the stage of its test invocations.
            for link, method, resource in api.dangling | hard_coded_links(api.resources):
                if link == link_id:
                    yield f"{method}:{resource}:test-invoke-stage"
            for stage in (release for each in api.stages.values() for release in releases(each)):
                for link, method, resource in hard_coded_links(api.deployments[stage["deploymentId"]].resources):
                    if link == link_id:
                        yield f"{method}:{resource}:{stage['stageName']}"


def hard_coded_links(resources: dict[str, Item]) -> set[tuple[str, str, str]]:
    """(link, method, resource) of the integrations that name a link itself."""
    found = set()
    for resource, method in methods_of(resources):
        connection = method.get("methodIntegration", {}).get("connectionId")
        if connection and not REFERENCE.search(connection):
            found.add((connection, method["httpMethod"], resource["id"]))
    return found
