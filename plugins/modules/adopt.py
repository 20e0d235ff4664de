#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks what somebody else made in AWS as ours, and changes nothing else of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: adopt
version_added: 1.1.0
short_description: Hand over to this collection what somebody else made in AWS
description:
  - Gives resources the ownership tag by which the roles of this collection find theirs. Nothing else of them changes.
  - The next run of a role brings an adopted resource to what the role's variables say, and removes it in the end.
  - All of O(resources) are looked at before the first gets its tag. If one can't be adopted, none is.
  - A resource is refused if its tags say that CloudFormation or a controller in Kubernetes keeps it. So is one of another cluster, API or
    contract of this collection, and an access entry of EKS's own.
  - Terraform puts no tag of its own on what it makes. Take a resource out of its state first.
author:
  - seam.eks_auto contributors (@seam)
options:
  resources:
    description:
      - What becomes ours.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description:
          - What it is. A V(vpc_link) is a link V1. It has to hold the load balancer of the O(contract).
        type: str
        choices: [rest_api, usage_plan, api_key, vpc_link, vpc_link_v2, iam_role, cluster, access_entry]
        required: true
      id:
        description:
          - In API Gateway its ID, or its name if no other has it. For a link V1 also the ARN of its load balancer.
          - Otherwise the name of the IAM role or cluster, or the ARN of the role or user that an access entry is for.
        type: str
        required: true
  contract:
    description:
      - The contract that a link V1 is for. Its cluster is the one that roles and access entries are for.
    type: dict
    required: true
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
        required: true
      namespace:
        description: Namespace of the Service.
        type: str
        required: true
      service:
        description: Name of the Service.
        type: str
        required: true
  api_name:
    description:
      - The API that REST API, usage plan, API key and links V2 are for, as C(apigw_vpclink_name) has it. The name of the cluster
        unless given.
    type: str
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - ref: ansible_collections.seam.eks_auto.docsite.guide_adopt
    description: What to look at before, and the steps after it.
  - name: Tagging AWS resources
    description: What tags are for.
    link: https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
"""

EXAMPLES = r"""
- name: An API that was made by hand, with the link through which it is served
  seam.eks_auto.adopt:
    contract: {cluster: petstore, namespace: petstore, service: vpclink}
    resources:
      - {kind: rest_api, id: oz2vid1f0h}
      - {kind: vpc_link, id: zm3d6l}

- name: A cluster, and the role of its control plane
  seam.eks_auto.adopt:
    contract: {cluster: petstore, namespace: petstore, service: vpclink}
    resources:
      - {kind: cluster, id: petstore}
      - {kind: iam_role, id: petstore-cluster}
"""

RETURN = r"""
actions:
  description: The calls that were made (in check mode, would be made) to change something.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: AWS's name of the operation.
      type: str
      sample: TagResource
    subject:
      description: The resource, with its ID and its name.
      type: str
      sample: REST API oz2vid1f0h (petstore)
    request:
      description: The tags that it gets.
      type: dict
"""

import typing as t
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api as gateway
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import Link, LinkApis, Version
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import Rules, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, apply, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._eks import api as eks
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import api as elb
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract, api_tags, cluster_tags
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import claims

Item = dict[str, t.Any]
Tags = dict[str, str]

KINDS = {
    "rest_api": "REST API",
    "usage_plan": "usage plan",
    "api_key": "API key",
    "vpc_link": "VPC link V1",
    "vpc_link_v2": "VPC link V2",
    "iam_role": "IAM role",
    "cluster": "EKS cluster",
    "access_entry": "access entry",
}

# Marks of other tools on their resources:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stack.html and
# https://aws-controllers-k8s.github.io/community/docs/user-docs/ack-tags/
_HOLDERS = {
    "aws:cloudformation:stack-name": "the CloudFormation stack",
    "services.k8s.aws/controller-version": "a controller in Kubernetes",
}
_OURS = "seam.eks_auto/"


@dataclass(frozen=True)
class Found:
    """A resource that is there. ``keys`` are its ID, and whatever else it may be named by."""

    kind: str
    id: str
    keys: tuple[str, ...]
    tags: Tags
    #: Gives it tags.
    mark: Callable[[Tags], object] = field(compare=False)
    name: str = ""
    #: The objections to it, beside its tags.
    objection: str | None = None

    def __str__(self) -> str:
        return f"{KINDS[self.kind]} {self.id}" + (f" ({self.name})" if self.name else "")


def chosen(kind: str, key: str, found: Iterable[Found]) -> tuple[Found | None, str | None]:
    """The one that ``key`` names, or why there is none."""
    named = [each for each in found if key in each.keys]
    # An ID is no name.
    named = [each for each in named if each.id == key] or named
    if not named:
        return None, f"There is no {KINDS[kind]} {key} in this account and region."
    if len(named) > 1:
        return (
            None,
            f"{KINDS[kind]} {key}: {', '.join(sorted(each.id for each in named))} have that name. Give the ID of one.",
        )
    return named[0], None


def objection(resource: Found, ownership: Tags, beside: Iterable[Found]) -> str | None:
    """Why ``resource`` can't be ours. ``beside`` are all of its kind."""
    if ownership.items() <= resource.tags.items():
        return None
    for key, holder in _HOLDERS.items():
        if value := resource.tags.get(key):
            return f"{resource} belongs to {holder} ({value}), which would set it back. Take it out there first."
    for key, value in sorted(resource.tags.items()):
        if key.startswith(_OURS) and ownership.get(key) != value:
            return f"{resource} has the tag {key}={value}: another cluster, API or contract of this collection has it."
    for other in beside:
        if ownership.items() <= other.tags.items():
            return f"{resource}: {other} is the one already. Remove that first."
    return resource.objection


def plan(resources: Iterable[tuple[Found, Tags]]) -> list[Step]:
    """A call for each that lacks its ownership tags."""
    return [
        Step("TagRole" if found.kind == "iam_role" else "TagResource", str(found), {"tags": ownership})
        for found, ownership in resources
        if not ownership.items() <= found.tags.items()
    ]


class Account:
    """The account's resources of the kinds asked for."""

    def __init__(self, module: AnsibleAWSModule, contract: Contract) -> None:
        self.gateway = Client(module)
        self.links = LinkApis(self.gateway, Client(module, "apigatewayv2"))
        self.eks, self.iam, self.elb = module.client("eks"), module.client("iam"), module.client("elbv2")
        self.contract = contract

    def find(self, kind: str, key: str) -> list[Found]:
        """All of a kind where one may have the ownership tags of another, else the one of that name."""
        if kind == "vpc_link":
            return self._links("1")
        if kind == "vpc_link_v2":
            return self._links("2")
        if kind == "iam_role":
            return self._role(key)
        if kind == "cluster":
            return self._cluster(key)
        if kind == "access_entry":
            return self._entry(key)
        return self._of_api(kind)

    def _of_api(self, kind: str) -> list[Found]:
        look, path = {
            "rest_api": (gateway.get_rest_apis, "restapis"),
            "usage_plan": (gateway.get_usage_plans, "usageplans"),
            "api_key": (gateway.get_api_keys, "apikeys"),
        }[kind]

        def found(item: Item) -> Found:
            id_, name = item["id"], item.get("name", "")
            return Found(
                kind,
                id_,
                (id_, name),
                item.get("tags", {}),
                lambda tags: gateway.tag_resource(self.gateway, f"/{path}/{id_}", tags),
                name,
            )

        return [found(item) for item in look(self.gateway)]

    def _links(self, version: Version) -> list[Found]:
        there = [link for link in self.links.find(version) if not link.going]
        balancers = elb.describe_tags(self.elb, [arn for link in there for arn in link.target_arns])

        def found(link: Link) -> Found:
            # A link can't be moved: one to something else would be replaced, and removed.
            elsewhere = version == "1" and not any(
                claims(balancers.get(arn, {}), self.contract) for arn in link.target_arns
            )
            return Found(
                "vpc_link" if version == "1" else "vpc_link_v2",
                link.id,
                (link.id, link.name, *link.target_arns),
                link.tags,
                lambda tags: self.links.of(version).tag(link.id, tags),
                link.name,
                f"{link} does not hold the load balancer of {self.contract}. API Gateway can't move a link: leave it to its owner."
                if elsewhere
                else None,
            )

        return [found(link) for link in there]

    def _role(self, name: str) -> list[Found]:
        role = eks.get_role(self.iam, name)
        tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])} if role else {}
        return [Found("iam_role", name, (name,), tags, lambda tags: eks.tag_role(self.iam, name, tags))] if role else []

    def _cluster(self, name: str) -> list[Found]:
        shown = eks.describe_cluster(self.eks, name)
        if not shown:
            return []
        other = None if name == self.contract.cluster else f"EKS cluster {name} is not that of {self.contract}."
        return [Found("cluster", name, (name,), shown.get("tags", {}), self._tag_eks(shown["arn"]), objection=other)]

    def _entry(self, principal: str) -> list[Found]:
        shown = eks.describe_access_entry(self.eks, self.contract.cluster, principal)
        if not shown:
            return []
        own = shown["type"] != "STANDARD" or ":role/aws-service-role/" in principal
        kept = f"The access entry of {principal} is EKS's own." if own else None
        tag = self._tag_eks(shown["accessEntryArn"])
        return [Found("access_entry", principal, (principal,), shown.get("tags", {}), tag, objection=kept)]

    def _tag_eks(self, arn: str) -> Callable[[Tags], object]:
        return lambda tags: eks.tag_resource(self.eks, arn, tags)


def ownership_tags(kind: str, contract: Contract, api_name: str) -> Tags:
    """The tags by which the roles find their own resources."""
    if kind in ("iam_role", "cluster", "access_entry"):
        return cluster_tags(contract.cluster)
    return contract.tags if kind == "vpc_link" else api_tags(api_name)


def run(module: AnsibleAWSModule, started: list[Step]) -> Result:
    """Look at all, refuse or mark them, and return the module's result."""
    params = module.params
    rules: dict[str, Rules] = {"contract": "contract"}
    require_sound(params, rules)
    contract = Contract(**params["contract"])
    account = Account(module, contract)
    resources: list[tuple[Found, Tags]] = []
    refused: list[str] = []
    for kind, key in dict.fromkeys((each["kind"], each["id"]) for each in params["resources"]):
        found = account.find(kind, key)
        resource, wrong = chosen(kind, key, found)
        ownership = ownership_tags(kind, contract, params["api_name"] or contract.cluster)
        if resource and not wrong:
            wrong = objection(resource, ownership, found)
            resources.append((resource, ownership))
        refused += [wrong] if wrong else []
    require(not refused, "Nothing is adopted, as not all that is named can be. " + " ".join(refused) + "\nOwner: infra")
    steps = plan(resources)
    if not module.check_mode:
        marks = {str(found): found.mark for found, _tags in resources}

        def mark(step: Step) -> None:
            marks[step.subject](step.request["tags"])

        apply(steps, {"TagResource": mark, "TagRole": mark}, started)
    before = {str(found): {"tags": found.tags} for found, _tags in resources}
    after = {str(found): {"tags": {**found.tags, **ownership}} for found, ownership in resources}
    return {**report(steps), "diff": {"before": before, "after": after}}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "resources": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "kind": {"type": "str", "choices": list(KINDS), "required": True},
                    "id": {"type": "str", "required": True},
                },
            },
            "contract": {**Contract.ARGUMENT, "required": True},
            "api_name": {"type": "str"},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
