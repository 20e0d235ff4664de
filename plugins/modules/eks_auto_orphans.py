#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List the leftovers of deleted clusters, Services and APIs; delete those named."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_auto_orphans
version_added: 1.1.0
short_description: List the leftovers of deleted clusters, Services and APIs, and delete those named
author:
  - seam.eks_auto contributors (@seam)
description:
  - Lists load balancers, target groups, security groups and VPC links of the account and region with the tags of EKS
    Auto Mode or of this collection, if their cluster, Service or API is gone.
  - A VPC link that no stage names is listed too, but deleted only when its cluster or Service is gone.
  - Deletes those that O(delete) names, and nothing else. All of a kind are deleted first and waited for afterwards.
  - Refuses before anything is deleted if a named resource is no orphan, lacks these tags, also carries those of others (the
    self-managed AWS Load Balancer Controller, Kubernetes' cloud provider, CloudFormation), or is held by something not
    named.
  - Has no access to Kubernetes, and so never touches a finalizer. A Service that is being deleted is still there.
  - A named resource that is not there (any more) is a warning, so a run can be repeated.
  - If AWS still holds a resource for a while, such as the security group of a just deleted load balancer, the deletion
    is tried again until O(wait_timeout). The deletion fails at once if anything else holds it, such as somebody's
    endpoint service.
options:
  delete:
    description: The orphans to delete, by RV(orphans[].id).
    type: list
    elements: str
    default: []
  services:
    description:
      - The Services that clusters have, from somebody with access to them. Where a cluster is there and its Services
        are unknown, its resources count as used.
    type: list
    elements: dict
    default: []
    suboptions:
      cluster:
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
  apis:
    description: Names of REST APIs that may be still to be made. VPC links V2 of these are not deleted.
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
  - module: seam.eks_auto.apigateway_vpc_links
  - module: seam.eks_auto.eks_auto_nlb_info
  - name: Delete a cluster
    description: What stays behind, and why.
    link: https://docs.aws.amazon.com/eks/latest/userguide/delete-cluster.html
  - name: Auto Mode's permissions for load balancers
    description: The tags of its own resources.
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
  description: The orphans found before anything was deleted, in the order of deletion.
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
      description: IDs of the resources to delete before it, and the stages that use it.
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
    request:
      description: The call's other parameters, always empty.
      type: dict
"""

import datetime
import time

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import waiters
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import LinkApis, Version
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, apply, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Verdict, wait_for_all
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import api
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.account import Clients, look
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.orphans import (
    KINDS,
    LINK,
    LOAD_BALANCER,
    SECURITY_GROUP,
    TARGET_GROUP,
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


def plan(found: list[Orphan], named: list[str]) -> list[Step]:
    """The calls that delete the named resources, in AWS's allowed order."""
    return [Step(ACTIONS[orphan.resource.kind], orphan.resource.id) for orphan in found if orphan.resource.id in named]


class Deletion:
    """Carries out a plan, kind by kind, under one deadline. ``again``: whether this run began anew.

    It then no longer sees what it deleted.
    """

    def __init__(self, clients: Clients, resources: list[Resource], again: bool, timeout: float) -> None:
        self._clients = clients
        self._resources = {resource.id: resource for resource in resources}
        self._again = again
        self._deadline = time.monotonic() + timeout

    def apply(self, steps: list[Step], started: list[Step]) -> None:
        for kind in KINDS:
            resources = [self._resources[step.subject] for step in steps if step.action == ACTIONS[kind]]
            if kind == LINK:
                self._delete_links(resources, started)
            else:
                self._delete(resources, started)

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _delete_links(self, resources: list[Resource], started: list[Step]) -> None:
        ids = {resource.id for resource in resources}
        links = [link for link in self._clients.links.find() if link.id in ids] if ids else []
        versions: dict[str, Version] = {link.id: link.version for link in links}
        self._clients.links.wait(links, waiters.judge_link_settled, "to settle", self._left())
        steps = [_step(resource) for resource in resources]
        apply(
            steps,
            {"DeleteVpcLink": lambda step: self._clients.links.of(versions[step.subject]).delete(step.subject)},
            started,
        )
        self._clients.links.wait(links, waiters.judge_link_gone, "to be gone", self._left())

    def _delete(self, resources: list[Resource], started: list[Step]) -> None:
        """Delete these, again and again while AWS calls one still in use, if such use ends by itself."""
        started += [_step(resource) for resource in resources]
        by_id = {resource.id: resource for resource in resources}
        wait_for_all(
            {resource.id: f"{resource} to be deleted" for resource in resources},
            lambda due: {each: (by_id[each], self._attempt(by_id[each])) for each in due},
            lambda attempt: self._judge(*attempt),
            timeout=self._left(),
        )

    def _attempt(self, resource: Resource) -> str | None:
        """Delete it. Returns AWS's words for a resource still in use, None when it is done."""
        try:
            if resource.kind == LOAD_BALANCER:
                api.delete_load_balancer(self._clients.elbv2, resource.id)
            elif resource.kind == TARGET_GROUP:
                api.delete_target_group(self._clients.elbv2, resource.id)
            else:
                api.delete_security_group(self._clients.ec2, resource.id)
        except SeamError as error:
            if not error.in_use:
                raise
            return str(error.exception)
        return None

    def _judge(self, resource: Resource, refusal: str | None) -> Verdict:
        if refusal is None:
            return Verdict.done("Deleted", f"{resource} is deleted")
        # This run deleted what held it.
        if resource.held_by or self._again:
            return Verdict.waiting("InUse", refusal, "infra", "find what uses it, delete that, and run again")
        fix = "find what uses it, such as an endpoint service; if its VPC link was just deleted, run again in some minutes"
        return Verdict.failed("InUse", refusal, "infra", fix)


def _step(resource: Resource) -> Step:
    return Step(ACTIONS[resource.kind], resource.id)


def run(module: AnsibleAWSModule, started: list[Step]) -> Result:
    """Look, refuse or delete what is named, and return the module's result."""
    params = module.params
    rest = Client(module)
    clients = Clients(
        module.client("elbv2"),
        module.client("ec2"),
        module.client("eks"),
        rest,
        LinkApis(rest, Client(module, "apigatewayv2")),
    )
    told = [
        Told(each["cluster"], frozenset(each["names"]), frozenset(each["namespaces"])) for each in params["services"]
    ]
    resources, known = look(clients, told, params["apis"])
    named = params["delete"]
    refused = objections(resources, known, named)
    require(not refused, "Nothing is deleted, as not all that is named may be. " + " ".join(refused))
    found = orphans(resources, known)
    steps = plan(found, named)
    there = {resource.id for resource in resources} | {step.subject for step in started}
    for each in named:
        if each not in there:
            module.warn(f"{each} is no {', '.join(KINDS[:-1])} or {KINDS[-1]} of this account and region (any more)")
    if not module.check_mode:
        Deletion(clients, resources, bool(started), params["wait_timeout"]).apply(steps, started)
    now = datetime.datetime.now(datetime.UTC)
    before = [str(orphan.resource) for orphan in found]
    after = [str(orphan.resource) for orphan in found if orphan.resource.id not in named]
    return {
        **report(steps),
        "orphans": [orphan.to_result(now) for orphan in found],
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
                    "cluster": {"type": "str", "required": True},
                    "namespaces": {"type": "list", "elements": "str", "default": []},
                    "names": {"type": "list", "elements": "str", "required": True},
                },
            },
            "apis": {"type": "list", "elements": "str", "default": []},
            "wait_timeout": {"type": "int", "default": 1200},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
