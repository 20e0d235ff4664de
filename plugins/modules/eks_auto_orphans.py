#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List what is left of clusters, Services and APIs that are gone; delete what of it is named."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_auto_orphans
version_added: 1.1.0
short_description: List what is left of clusters, Services and APIs that are gone, and delete what of it is named
author:
  - seam.eks_auto contributors (@seam)
description:
  - Lists load balancers, target groups, security groups and VPC links of the account and region that carry the tags of
    EKS Auto Mode or of this collection, and whose cluster, Service or API is gone.
  - A VPC link that no stage names is listed too, but deleted only when its cluster or Service is gone.
  - Deletes those that O(delete) names, and nothing else. One that is no orphan, that has not these tags or also others'
    (of the self-managed AWS Load Balancer Controller, Kubernetes' cloud provider or CloudFormation), or that something
    holds which is not named, is refused before anything is deleted.
  - Has no access to Kubernetes, and so never touches a finalizer. A Service that is being deleted is still there.
  - One that is named and not there (any more) is a warning, so that a run can be repeated.
  - What AWS still holds for a while, such as the security group of a load balancer that has just been deleted, is tried
    again until O(wait_timeout). What anything else holds, such as somebody's endpoint service, fails at once.
options:
  delete:
    description: The orphans to delete, by RV(orphans[].id).
    type: list
    elements: str
    default: []
  services:
    description:
      - What Services clusters have, as those tell who have access to them. Where a cluster is there and nobody told, what
        belongs to it is taken for used.
    type: list
    elements: dict
    default: []
    suboptions:
      cluster_name:
        description: Name of the EKS cluster.
        type: str
        required: true
      namespaces:
        description: The namespaces that were looked at. Empty for all of the cluster.
        type: list
        elements: str
        default: []
      names:
        description: The Services that are there, each as namespace/name.
        type: list
        elements: str
        required: true
  contracts:
    description: What may be without a Service yet, each as cluster/namespace/service. VPC links V2 of these are not deleted.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Seconds to wait at most, for all deletions together.
    type: int
    default: 1200
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - module: seam.eks_auto.apigateway_vpc_link
  - module: seam.eks_auto.eks_auto_nlb_info
  - name: Delete a cluster
    description: What stays behind, and why.
    link: https://docs.aws.amazon.com/eks/latest/userguide/delete-cluster.html
  - name: Auto Mode's permissions for load balancers
    description: The tags that it puts on what it makes.
    link: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSLoadBalancingPolicy.html
"""

EXAMPLES = r"""
- name: List what is left
  seam.eks_auto.eks_auto_orphans:
  register: left

- name: Delete two of them, the link and the load balancer that it holds
  seam.eks_auto.eks_auto_orphans:
    delete:
      - zm3d6l
      - arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/net/k8s-petstore-vpclink-0f1e2d3c4b/5a69788796a5b4c3
"""

RETURN = r"""
orphans:
  description: What was found before anything was deleted, in the order in which it can be deleted.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(VPC link), V(load balancer), V(target group) or V(security group).
      type: str
      sample: VPC link
    id:
      description: Its ID; the ARN of a load balancer or target group.
      type: str
      sample: zm3d6l
    name:
      description: Its name.
      type: str
      sample: petstore-petstore-vpclink
    reason:
      description: What is gone.
      type: str
      sample: there is no EKS cluster petstore
    owner:
      description: The team that made it, V(k8s) where Auto Mode did so for an object in its cluster.
      type: str
      sample: infra
    cluster:
      description: The cluster that it belongs to, or null.
      type: str
      sample: petstore
    service:
      description: The Service that it belongs to, or null.
      type: str
      sample: petstore/vpclink
    api:
      description: The API that it belongs to, or null.
      type: str
    created:
      description: When it was made. Null where AWS does not tell, as for target groups, security groups and VPC links V1.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
    age_days:
      description: For how many days it has been there, or null.
      type: int
      sample: 12
    held_by:
      description: What must go before it, by ID, and the stages that use it.
      type: list
      elements: str
    tags:
      description: Its tags.
      type: dict
actions:
  description: The calls that were made, or would be.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: AWS's name of the call.
      type: str
      sample: DeleteLoadBalancer
    subject:
      description: ID or ARN.
      type: str
"""

import datetime
import time
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api as apigateway
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import waiters
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import (
    AnsibleApiGatewayError,
    Client,
    Item,
    Step,
    report,
    run_module,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import LinkApis, users
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Verdict, wait
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.api import list_clusters
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import api as nlb
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.common import AnsibleNlbError
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import API_TAG, CONTRACT_TAG
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.orphans import (
    KINDS,
    LINK,
    LOAD_BALANCER,
    SECURITY_GROUP,
    TARGET_GROUP,
    Known,
    Orphan,
    Resource,
    Told,
    objections,
    orphans,
)

ACTIONS = {
    LINK: "DeleteVpcLink",
    LOAD_BALANCER: "DeleteLoadBalancer",
    TARGET_GROUP: "DeleteTargetGroup",
    SECURITY_GROUP: "DeleteSecurityGroup",
}


class Account:
    """What there is in the account and region. ``rest`` is a client of API Gateway."""

    def __init__(self, module: AnsibleAWSModule, rest: t.Any) -> None:
        self._elbv2 = module.client("elbv2")
        self._ec2 = module.client("ec2")
        self._eks = module.client("eks")
        self._rest = rest
        self._links = LinkApis(rest, Client(module, "apigatewayv2"))

    def look(self, services: list[Item], contracts: list[str]) -> tuple[list[Resource], Known]:
        """All that may be an orphan, and what it may belong to."""
        links = self._links.find()
        going = frozenset(link["id"] for link in links if link["status"] == "DELETING")
        balancers = nlb.describe_load_balancers(self._elbv2)
        groups = nlb.describe_target_groups(self._elbv2)
        arns = [each["LoadBalancerArn"] for each in balancers] + [each["TargetGroupArn"] for each in groups]
        tags = nlb.describe_tags(self._elbv2, arns)
        apis = apigateway.get_rest_apis(self._rest)
        found = [
            *self._of_links([link for link in links if link["id"] not in going], apis),
            *(_load_balancer(each, tags, links) for each in balancers),
            *(_target_group(each, tags) for each in groups),
            *(_security_group(each, balancers, links) for each in nlb.describe_security_groups(self._ec2)),
        ]
        known = Known(
            clusters=frozenset(list_clusters(self._eks)),
            apis=frozenset(each["tags"][API_TAG] for each in apis if API_TAG in each.get("tags", {})),
            told=tuple(
                Told(each["cluster_name"], frozenset(each["names"]), frozenset(each["namespaces"])) for each in services
            ),
            contracts=frozenset(contracts),
            going=going,
        )
        return found, known

    def _of_links(self, links: list[Item], apis: list[Item]) -> list[Resource]:
        ours = [link for link in links if CONTRACT_TAG in link.get("tags", {})]
        stages = [(each, stage) for each in apis for stage in apigateway.get_stages(self._rest, each["id"]) if ours]
        return [
            Resource(
                LINK,
                link["id"],
                link["name"],
                link.get("tags", {}),
                # Links V1 have none.
                link.get("createdDate"),
                stages=tuple(users(link, stages)),
                version=link["version"],
            )
            for link in links
        ]

    def delete(self, resource: Resource, freed: bool, deadline: float) -> None:
        """Returns when it is gone, or as good as gone. ``freed``: whether this run deleted what held it."""
        if resource.kind == LINK:
            self._delete_link(resource, deadline)
            return
        wait(
            lambda: self._attempt(resource),
            lambda refusal: _judge(resource, freed, refusal),
            subject=f"{resource} to be deleted",
            timeout=_left(deadline),
        )

    def _attempt(self, resource: Resource) -> str | None:
        """Delete it. Returns what AWS says while something still uses it, None when it is done."""
        try:
            if resource.kind == LOAD_BALANCER:
                nlb.delete_load_balancer(self._elbv2, resource.id)
            elif resource.kind == TARGET_GROUP:
                nlb.delete_target_group(self._elbv2, resource.id)
            else:
                nlb.delete_security_group(self._ec2, resource.id)
        except AnsibleNlbError as error:
            if not error.in_use:
                raise
            return str(error.exception)
        return None

    def _delete_link(self, resource: Resource, deadline: float) -> None:
        links = self._links.of({"version": resource.version})
        for judge, delete in ((waiters.judge_link_settled, False), (waiters.judge_link_gone, True)):
            if delete:
                links.delete(resource.id)
            wait(lambda: links.get(resource.id), judge, subject=f"{resource} to be gone", timeout=_left(deadline))


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _judge(resource: Resource, freed: bool, refusal: str | None) -> Verdict:
    if refusal is None:
        return Verdict.done("Deleted", f"{resource} is deleted")
    if freed:
        return Verdict.waiting("InUse", refusal, "infra", "find what uses it, delete that, and run again")
    fix = "find what uses it, such as an endpoint service; if its VPC link was just deleted, run again in some minutes"
    return Verdict.failed("InUse", refusal, "infra", fix)


def _load_balancer(item: Item, tags: dict[str, dict[str, str]], links: list[Item]) -> Resource:
    arn = item["LoadBalancerArn"]
    holding = tuple(link["id"] for link in links if arn in link.get("targetArns", ()))
    return Resource(LOAD_BALANCER, arn, item["LoadBalancerName"], tags.get(arn, {}), item["CreatedTime"], holding)


def _target_group(item: Item, tags: dict[str, dict[str, str]]) -> Resource:
    arn = item["TargetGroupArn"]
    return Resource(
        TARGET_GROUP, arn, item["TargetGroupName"], tags.get(arn, {}), held_by=tuple(item.get("LoadBalancerArns", ()))
    )


def _security_group(item: Item, balancers: list[Item], links: list[Item]) -> Resource:
    group = item["GroupId"]
    holding = [each["LoadBalancerArn"] for each in balancers if group in each.get("SecurityGroups", ())]
    holding += [link["id"] for link in links if group in link.get("securityGroupIds", ())]
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
    return Resource(SECURITY_GROUP, group, item["GroupName"], tags, held_by=tuple(holding))


def plan(found: list[Orphan], named: list[str]) -> list[Step]:
    """The calls that delete what is named, in an order that AWS allows."""
    return [
        Step(ACTIONS[orphan.resource.kind], orphan.resource.id, {"resource": orphan.resource})
        for orphan in found
        if orphan.resource.id in named
    ]


def run(module: AnsibleAWSModule, client: t.Any, started: list[Step]) -> Item:
    """Look, refuse or delete what is named, and return the module's result."""
    params = module.params
    deadline = time.monotonic() + params["wait_timeout"]
    account = Account(module, client)
    resources, known = account.look(params["services"], params["contracts"])
    named = params["delete"]
    if refused := objections(resources, known, named):
        raise AnsibleApiGatewayError(
            message="Nothing is deleted, as not all that is named may be. " + " ".join(refused)
        )
    found = orphans(resources, known)
    steps = plan(found, named)
    there = {resource.id for resource in resources} | {step.subject for step in started}
    for each in named:
        if each not in there:
            module.warn(f"{each} is no {', '.join(KINDS[:-1])} or {KINDS[-1]} of this account and region (any more)")
    # Begun again after a lost answer, it no longer sees what it deleted.
    again = bool(started)
    for step in [] if module.check_mode else steps:
        started.append(step)
        resource = step.arguments["resource"]
        account.delete(resource, again or bool(resource.held_by), deadline)
    now = datetime.datetime.now(datetime.UTC)
    before = [str(orphan.resource) for orphan in found]
    after = [str(orphan.resource) for orphan in found if orphan.resource.id not in named]
    return {
        **report(steps),
        "orphans": [orphan.result(now) for orphan in found],
        "diff": {"before": {"orphans": before}, "after": {"orphans": after}},
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "delete": {"type": "list", "elements": "str", "default": []},
            "services": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "cluster_name": {"type": "str", "required": True},
                    "namespaces": {"type": "list", "elements": "str", "default": []},
                    "names": {"type": "list", "elements": "str", "required": True},
                },
            },
            "contracts": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "int", "default": 1200},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
