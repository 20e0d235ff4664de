#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes, keeps and removes the VPC links of a REST API, all of them together."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigateway_vpc_links
version_added: 1.0.0
short_description: Manage VPC links of API Gateway
description:
  - A VPC link joins API Gateway REST APIs to load balancers in a VPC.
  - A link V1 belongs to one Network Load Balancer, and holds it. The load balancer can't be deleted while the link exists, and
    for some minutes after.
  - A link V2 belongs to subnets and security groups, and holds nothing, so that it can be made before there is a load
    balancer. The integration (C(integrationTarget)) names the load balancer of a request, so one link V2 serves all
    load balancers of an API.
  - All links are made first and waited for afterwards, and all deletions are started first and waited for afterwards.
  - Names of links aren't unique, so a link is known by its O(links[].ownership_tags). Links without them are never touched.
  - A link can't be moved to another load balancer, to other subnets or security groups, or to the other version.
    Another O(links[].target_arn), O(subnet_ids), O(security_group_ids) or O(version) makes another link and leaves the old one
    (see RV(superseded)), so that stages can be pointed at the new link before the old one is removed with
    O(purge_superseded=true).
  - An owned link that is C(FAILED) is removed and made anew. One that a stage names stays until then, and is superseded.
  - A link V2 without traffic for 60 days is C(INACTIVE), its requests fail until AWS has made its network interfaces again.
    Another link takes its place, without waiting for traffic, and it is superseded.
  - AWS does not delete a link that a deployed stage uses. Refuses, before anything is changed and in check mode too, to
    remove a link named by a stage variable of any REST API. Only AWS knows of a stage whose methods name the
    link themselves, and refuses then.
  - AWS takes one creation of a link V2 in 15 seconds, and one deletion in 30. The module keeps to that.
author:
  - seam.eks_auto contributors (@seam)
options:
  links:
    description:
      - The links. One that is named twice is one link.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the link. Required when O(state=present).
        type: str
      description:
        description: Description of a link V1. Left as it is unless given.
        type: str
      ownership_tags:
        description: Tags that make a link ours. Set on creation; an existing link is found by carrying all of them.
        type: dict
        required: true
      target_arn:
        description: ARN of the Network Load Balancer. Required when O(state=present) and O(version=1).
        type: str
  replaces:
    description:
      - Ownership tags of other links of ours, which O(links) take the place of. These links are superseded.
      - So one link V2 of an API replaces the links V1 to its load balancers.
    type: list
    elements: dict
    default: []
  version:
    description: AWS calls V(1) legacy.
    type: str
    choices: ['1', '2']
    default: '1'
  subnet_ids:
    description:
      - Subnets in which the network interfaces of the links are. Required when O(state=present) and O(version=2).
      - Not every zone takes links V2, see AWS's list.
    type: list
    elements: str
  security_group_ids:
    description:
      - Security groups of the links' network interfaces. Required when O(state=present) and O(version=2).
      - They must let requests out to the load balancers, whose security groups must let them in.
    type: list
    elements: str
  state:
    description: V(absent) removes all owned links, whatever their version and place.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: More tags to set.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that are not in O(tags) are removed. Ownership tags never are, nor any tag without O(tags).
    type: bool
    default: true
  purge_superseded:
    description: Also remove RV(superseded). Point all stages at the new links first.
    type: bool
    default: false
  drain_seconds:
    description:
      - Seconds to wait before links go, once for all of them. API Gateway goes on with the requests that it had sent through a
        link, for as long as an integration may take.
      - Nothing is waited for when no link goes.
    type: int
    default: 0
  ignored_api_tags:
    description:
      - Tags of REST APIs that let go of the links by themselves, because the same run removes them, or points their stages
        at other links, before. Stages of an API with all of these tags do not stand in the way.
      - In check mode such an API still uses the links. Otherwise AWS has the last word.
    type: dict
  keep_used:
    description:
      - Whether a link that a stage of another API names stays, see RV(used), rather than stop the removal of all.
      - A link that has one of O(ignored_api_tags) with another value is another API's, and not touched then.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until all links are available, or gone.
      - After a link V1, this includes the time until AWS lets go of its load balancer, if the caller may call
        C(ec2:DescribeVpcEndpointServiceConfigurations).
    type: bool
    default: true
  wait_timeout:
    description: Seconds for all waiting. AWS says 2 to 4 minutes for a link; more than 8 have been seen.
    type: int
    default: 1200
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - name: VPC links V1
    description: The two sides that a link joins.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/vpc-links-v1.html
  - name: VPC links V2
    description: How AWS describes them, with the zones that take them.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html
  - name: Permissions for VPC links
    description: What IAM asks of who makes one.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/grant-permissions-to-create-vpclink.html
"""

EXAMPLES = r"""
- name: Link API Gateway to two load balancers
  seam.eks_auto.apigateway_vpc_links:
    links:
      - name: petstore
        ownership_tags: {seam: petstore/petstore/vpclink}
        target_arn: "{{ nlbs.seams[0].load_balancer.arn }}"
      - name: shop
        ownership_tags: {seam: petstore/shop/vpclink}
        target_arn: "{{ nlbs.seams[1].load_balancer.arn }}"
  register: links

- name: Make a link V2, which takes minutes, while the cluster is made
  seam.eks_auto.apigateway_vpc_links:
    links:
      - name: petstore
        ownership_tags: {api: petstore}
    version: '2'
    subnet_ids: [subnet-0a1b2c3d4e5f60718, subnet-0b1c2d3e4f5061728]
    security_group_ids: [sg-0a1b2c3d4e5f60718]
    wait: false

- name: Remove links that it takes the place of, when no stage names them any more
  seam.eks_auto.apigateway_vpc_links:
    links:
      - name: petstore
        ownership_tags: {api: petstore}
    replaces:
      - {seam: petstore/petstore/vpclink}
      - {seam: petstore/shop/vpclink}
    version: '2'
    subnet_ids: [subnet-0a1b2c3d4e5f60718, subnet-0b1c2d3e4f5061728]
    security_group_ids: [sg-0a1b2c3d4e5f60718]
    purge_superseded: true
    drain_seconds: 29
"""

RETURN = r"""
vpc_links:
  description: The links, in the order of O(links). Each is empty when there is none, also when check mode would make one.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: ID of the link, for integrations or the stage variable that they use.
      type: str
      sample: zm3d6l
    name:
      description: Name of the link.
      type: str
    status:
      description: State of the link, one of C(PENDING), C(AVAILABLE), C(DELETING), C(FAILED), and for V2 C(INACTIVE).
      type: str
    created_date:
      description: When a link V2 was made.
      type: str
    status_message:
      description: What AWS says of the state.
      type: str
    version:
      description: Version of the link, V(1) or V(2).
      type: str
    description:
      description: Description of a link V1.
      type: str
    target_arn:
      description: ARN of the load balancer of a link V1.
      type: str
    subnet_ids:
      description: Subnets of a link V2.
      type: list
      elements: str
    security_group_ids:
      description: Security groups of a link V2.
      type: list
      elements: str
    tags:
      description: Tags of the link.
      type: dict
superseded:
  description:
    - Owned links of the other version, at another place, without traffic for too long, or C(FAILED), and those that
      O(replaces) names, as in RV(vpc_links).
    - Of several links V2 at the place, all but the newest.
    - Without O(purge_superseded), nobody looks at stages, so those that another API uses are among them.
  returned: success
  type: list
  elements: dict
used:
  description: Links that should have been removed, and stay because of O(keep_used=true), as in RV(vpc_links).
  returned: success
  type: list
  elements: dict
security_groups_in_use:
  description: Security groups of all links V2 that stay, whoever made them.
  returned: success
  type: list
  elements: str
actions:
  description: The AWS calls that were made (in check mode, would be made) to change something.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: AWS's name of the operation.
      type: str
      sample: CreateVpcLink
    subject:
      description: The resource's ID, or its name where the ID isn't known yet.
      type: str
      sample: petstore
    request:
      description: The call's other parameters, in snake_case.
      type: dict
timeline:
  description:
    - What was seen when while waiting, each with C(seconds), C(subject), C(reason) and C(message).
    - Empty when nothing was waited for.
  returned: success
  type: list
  elements: dict
"""

import time
import typing as t
from dataclasses import dataclass

from ansible.module_utils.common import warnings
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import (
    api,
    waiters,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import Link, LinkApis, Version, users
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.patches import replace
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.ownership import make_room, only
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, apply, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Verdict, WaitError, wait_for_all
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.api import describe_endpoint_services

OwnershipTags = dict[str, str]


@dataclass(frozen=True)
class Wanted:
    """One link as it shall be."""

    version: Version
    name: str
    tags: Tags
    description: str | None = None
    target_arn: str | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()

    def is_place_of(self, link: Link) -> bool:
        """Whether the link is of this version, at this place. Neither can change: that takes another link."""
        if link.version != self.version:
            return False
        if self.version == "1":
            return link.target_arns == (self.target_arn,)
        return set(link.subnet_ids) == set(self.subnet_ids) and set(link.security_group_ids) == set(
            self.security_group_ids
        )

    def serving(self, links: t.Iterable[Link]) -> list[Link]:
        """The links that are as this one shall be. For V2 the newest link: an INACTIVE one comes back with traffic."""
        found = [link for link in self.owned(links) if link.serving and self.is_place_of(link)]
        return sorted(found, key=lambda link: (link.created_date, link.id))[-1:] if self.version == "2" else found

    def among(self, links: t.Iterable[Link]) -> Link | None:
        """The link, if it is there."""
        found = {link.id: link for link in self.serving(links)}
        only("VPC link", [{"id": each} for each in found])
        return next(iter(found.values()), None)

    def owned(self, links: t.Iterable[Link]) -> list[Link]:
        return [link for link in links if link.owned(self.tags.ownership)]

    def creation(self) -> Step:
        tags = self.tags.at_creation
        if self.version == "2":
            place = {"SubnetIds": list(self.subnet_ids), "SecurityGroupIds": list(self.security_group_ids)}
            return Step("CreateVpcLink", self.name, {"Name": self.name, **place, "Tags": tags})
        described = {"description": self.description} if self.description is not None else {}
        request = {"name": self.name, **described, "targetArns": [self.target_arn], "tags": tags}
        return Step("CreateVpcLink", self.name, request)

    def update(self, link: Link) -> list[Step]:
        """The steps that bring the present link to its desired state."""
        changes: dict[str, t.Any]
        if self.version == "2":
            changes = {"Name": self.name} if link.name != self.name else {}
        else:
            wanted = {"name": self.name, "description": self.description}
            patch = [
                replace(f"/{key}", value) for key, value in wanted.items() if value not in (None, getattr(link, key))
            ]
            changes = {"patchOperations": patch} if patch else {}
        steps = [Step("UpdateVpcLink", link.id, changes)] if changes else []
        return steps + self.tags.steps(link.id, link.tags)

    def prediction(self, before: Link | None) -> Result:
        """The link as it will be, for the diff."""
        shown = ("name", "version", "description", "target_arn")
        asked = {key: getattr(self, key) for key in shown if getattr(self, key) is not None}
        places = {key: list(getattr(self, key)) for key in ("subnet_ids", "security_group_ids") if getattr(self, key)}
        kept = _shown(before) if before and before.serving and self.is_place_of(before) else {"status": "AVAILABLE"}
        return {**kept, **asked, **places, "tags": self.tags.after(before.tags if before else {})}


@dataclass(frozen=True)
class Desired:
    """An API's desired links, and which of ours may stay beside them."""

    wanted: tuple[Wanted, ...]
    replaces: tuple[OwnershipTags, ...] = ()
    present: bool = True
    purge_superseded: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Desired:
        """Out of the module's options. Raises :class:`SeamError` where these contradict each other."""
        wanted: dict[tuple[tuple[str, str], ...], Wanted] = {}
        for index, link in enumerate(params["links"]):
            require(link["ownership_tags"], f"links[{index}]: ownership_tags must hold at least one tag.")
            missing = _missing({**params, **link}) if params["state"] == "present" else []
            require(not missing, f"links[{index}]: version {params['version']} needs {' and '.join(missing)}.")
            each = _wanted(link, params)
            twin = wanted.setdefault(tuple(sorted(each.tags.ownership.items())), each)
            require(twin == each, f"links[{index}]: another link with the same ownership_tags differs otherwise.")
        return cls(
            wanted=tuple(wanted.values()),
            replaces=tuple({key: str(value) for key, value in tags.items()} for tags in params["replaces"] if tags),
            present=params["state"] == "present",
            purge_superseded=params["purge_superseded"],
        )

    def ours(self, links: t.Iterable[Link]) -> list[Link]:
        owners = [each.tags.ownership for each in self.wanted] + list(self.replaces)
        return [link for link in links if any(map(link.owned, owners))]

    def superseded(self, ours: list[Link]) -> list[Link]:
        """Links that others take the place of, once no stage names them: inactive and failed ones too."""
        serving = [each.among(ours) for each in self.wanted] if self.present else []
        return [link for link in ours if link not in serving and not link.going]


def _missing(options: t.Mapping[str, t.Any]) -> list[str]:
    needed = {"1": ["name", "target_arn"], "2": ["name", "subnet_ids", "security_group_ids"]}[options["version"]]
    return [option for option in needed if not options[option]]


def _wanted(link: dict[str, t.Any], params: t.Mapping[str, t.Any]) -> Wanted:
    return Wanted(
        version=params["version"],
        name=link["name"] or "",
        tags=Tags.of({**params, "ownership_tags": link["ownership_tags"]}),
        description=link["description"],
        target_arn=link["target_arn"] if params["version"] == "1" else None,
        subnet_ids=tuple(params["subnet_ids"] or ()) if params["version"] == "2" else (),
        security_group_ids=tuple(params["security_group_ids"] or ()) if params["version"] == "2" else (),
    )


class Plan(t.NamedTuple):
    """The steps, in the order of their execution: early removals, kept links, late removals."""

    first: list[Step]
    kept: list[Step]
    last: list[Step]

    @property
    def steps(self) -> list[Step]:
        return [*self.first, *self.kept, *self.last]

    @property
    def deleted(self) -> set[str]:
        return {step.subject for step in [*self.first, *self.last]}

    def without(self, staying: t.Container[str]) -> Plan:
        first, last = ([step for step in steps if step.subject not in staying] for steps in (self.first, self.last))
        return Plan(first, self.kept, last)


def plan(ours: list[Link], desired: Desired, named: t.Container[str] = ()) -> Plan:
    """The calls that take our links to the desired state. ``named`` are the IDs that a stage names."""
    old = desired.superseded(ours)
    if not desired.present:
        return Plan([], [], [_deletion(link) for link in old])
    # AWS keeps a link for as long as a stage names it. A failed one holds no load balancer.
    failed = [link for link in old if link.status == "FAILED" and link.id not in named]
    kept = []
    for each in desired.wanted:
        link = each.among(ours)
        kept += each.update(link) if link else [each.creation()]
    purged = [link for link in old if link not in failed] if desired.purge_superseded else []
    return Plan([_deletion(link) for link in failed], kept, [_deletion(link) for link in purged])


def _deletion(link: Link) -> Step:
    return Step("DeleteVpcLink", link.id)


class Decision(t.NamedTuple):
    """The plan, and a sentence for each link left to another API, with the stages that name it."""

    plan: Plan
    used: dict[str, str]


def decide(client: t.Any, ours: list[Link], desired: Desired, params: t.Mapping[str, t.Any]) -> Decision:
    """The plan, as far as stages let it be carried out.

    Raises :class:`SeamError` if a stage names a link that is to be removed, unless such links are to stay.
    """
    may_go = [link for link in ours if link.id in plan(ours, desired).deleted]
    apis = api.get_rest_apis(client) if may_go else []
    stages = [(each, stage) for each in apis for stage in api.get_stages(client, each["id"])]
    ignored = (params["ignored_api_tags"] or {}).items()
    of_others = [(each, stage) for each, stage in stages if not ignored or not ignored <= each.get("tags", {}).items()]
    decided = plan(ours, desired, named={link.id for link in may_go if users(link, stages)})
    going = [link for link in may_go if link.id in decided.deleted]
    used = {link.id: ", ".join(found) for link in going if (found := users(link, of_others))}
    if used and not params["keep_used"]:
        link = next(link for link in going if link.id in used)
        raise SeamError(message=_in_use(link, used[link.id]))
    return Decision(decided.without(used), used)


def _in_use(link: Link, by: str) -> str:
    return (
        f"VPC link {link.id} ({link.name}) is still used by {by}, so AWS does not delete it.\n"
        f"Owner: {waiters.OWNER}\n"
        "To do: point the stage at another link (its stage variables), or delete the stage or API, then run again"
    )


class Account:
    """The links of an account, and what is done to ours, under one deadline."""

    def __init__(self, module: AnsibleAWSModule, desired: Desired) -> None:
        params = module.params
        self.client = Client(module)
        self.desired = desired
        self.all: list[Link] = []
        self.created: list[Link] = []
        self.timeline: list[Result] = []
        self._module = module
        self._apis = LinkApis(self.client, Client(module, "apigatewayv2"))
        self._version: Version = params["version"]
        self._api_tags = (params["ignored_api_tags"] or {}) if params["keep_used"] else {}
        self._drain_seconds = params["drain_seconds"]
        self._wait = params["wait"]
        self._deadline = time.monotonic() + params["wait_timeout"]

    def observe(self) -> list[Link]:
        """Our links, without those tagged for another API where such are to stay."""
        self.all = self._apis.find()
        return [
            link
            for link in self.desired.ours(self.all)
            if all(link.tags.get(key, value) == value for key, value in self._api_tags.items())
        ]

    def security_groups(self, deleted: t.Container[str]) -> list[str]:
        """Security groups of the links that stay, whoever made them."""
        staying = [link for link in self.all if not link.going and link.id not in deleted]
        return sorted({group for link in staying for group in link.security_group_ids})

    def carry_out(self, planned: Plan, started: list[Step], ours: list[Link]) -> None:
        """Start all of a kind, then wait for all of it."""
        self._delete(planned.first, started)
        self._await_places(planned, ours)
        apply(planned.kept, self._calls(), started)
        if self._wait and self.desired.present:
            self._await_available(ours)
        if planned.last and self._drain_seconds:
            time.sleep(self._drain_seconds)
        self._delete(planned.last, started)
        if self._wait:
            going = [link for link in ours if link.id in planned.deleted]
            leaving = [link for link in ours if link.going and not self.desired.present]
            self._await(going + leaving, waiters.judge_link_gone, "to be gone")
            self._await_release(going)

    def _await_places(self, planned: Plan, ours: list[Link]) -> None:
        """A load balancer takes one link V1 at a time, so a new one waits until what held it is gone."""
        if not any(step.action == "CreateVpcLink" for step in planned.kept):
            return
        deleted = {step.subject for step in planned.first}
        before = [
            link
            for link in ours
            if link.version == "1"
            and (link.going or link.id in deleted)
            and any(wanted.is_place_of(link) for wanted in self.desired.wanted)
        ]
        self._await(before, waiters.judge_link_gone, "to be gone")

    def _calls(self) -> dict[str, t.Callable[[Step], object]]:
        apis = self._apis.of(self._version)
        return {
            "CreateVpcLink": lambda step: self.created.append(apis.create(step.request)),
            "UpdateVpcLink": lambda step: apis.update(step.subject, step.request),
            "TagResource": lambda step: apis.tag(step.subject, step.request["tags"]),
            "UntagResource": lambda step: apis.untag(step.subject, step.request["tagKeys"]),
            "DeleteVpcLink": self._start_deletion,
        }

    def _delete(self, steps: list[Step], started: list[Step]) -> None:
        doomed = {step.subject for step in steps}
        pending = [link for link in self.all if link.id in doomed and link.status == "PENDING"]
        self._await(pending, waiters.judge_link_settled, "to settle")
        apply(steps, self._calls(), started)

    def _start_deletion(self, step: Step) -> None:
        link = next(link for link in [*self.all, *self.created] if link.id == step.subject)
        try:
            self._apis.of(link.version).delete(link.id)
        except SeamError as error:
            if "is referenced in" not in error.answer[1]:
                raise
            message = _in_use(link, "deployed methods, which AWS names as [method:resource:stage]")
            raise SeamError(message=message, exception=error.exception) from error

    def _await_available(self, ours: list[Link]) -> None:
        links = [link for each in self.desired.wanted if (link := each.among([*ours, *self.created]))]
        links = [link for link in links if link.status == "PENDING"]
        try:
            self._await(links, waiters.judge_link_available, "to become available", usual="2 to 4 minutes")
        except WaitError:
            found = self.observe()
            for made in self.created:
                self._make_room(made, found)
            raise

    def _make_room(self, made: Link, found: list[Link]) -> None:
        """Take back what was made, if another run was faster: a load balancer takes one link V1."""
        rivals = [
            {"id": link.id}
            for each in self.desired.wanted
            if made.owned(each.tags.ownership)
            for link in each.serving(found)
        ]
        make_room("VPC link", rivals, made.id, lambda: self._delete([_deletion(made)], []))

    def _await(
        self, links: list[Link], judge: t.Callable[[Link | None], Verdict], what: str, usual: str | None = None
    ) -> None:
        remaining = max(0.0, self._deadline - time.monotonic())
        self.timeline += self._apis.wait(links, judge, what, remaining, usual).entries

    def _await_release(self, gone: list[Link]) -> None:
        """Wait until AWS lets go of the load balancers of links V1, as far as the caller may see that."""
        # A failed link held none: that may belong to somebody's endpoint service.
        arns = {arn: link for link in gone if link.status != "FAILED" for arn in link.target_arns}
        client = self._module.client("ec2") if arns else None

        def observe(_due: list[str]) -> dict[str, list[str]]:
            services = describe_endpoint_services(client)
            return {
                arn: [each["ServiceId"] for each in services if arn in each.get("NetworkLoadBalancerArns", ())]
                for arn in arns
            }

        subjects = {arn: f"the load balancer of VPC link {link.id} to be free" for arn, link in arns.items()}
        remaining = max(0.0, self._deadline - time.monotonic())
        try:
            _seen, timeline = wait_for_all(subjects, observe, waiters.judge_released, timeout=remaining)
        except SeamError as error:
            if error.answer[0] not in ("UnauthorizedOperation", "AccessDenied"):
                raise
            warnings.warn(
                "Without ec2:DescribeVpcEndpointServiceConfigurations nobody sees when AWS lets go of the load balancers. "
                "They can be deleted some minutes from now"
            )
        else:
            self.timeline += timeline.entries


def _shown(link: Link | None) -> Result:
    shown = ("id", "name", "status", "version", "description", "target_arn", "subnet_ids", "security_group_ids", "tags")
    return {key: value for key, value in link.to_result().items() if key in shown} if link else {}


def diff(ours: list[Link], desired: Desired, deleted: t.Container[str]) -> Result:
    """The links by their names, as they are and as they will be."""
    before: Result = {}
    after: Result = {}
    first: list[Link] = []
    for each in desired.wanted if desired.present else ():
        # The present one, or the one it replaces.
        link = each.among(ours) or next((link for link in each.owned(ours) if not link.going), None)
        first += [link] if link else []
        before |= {each.name: _shown(link)} if link else {}
        after[each.name] = each.prediction(link)
    for link in ours:
        if link.id in deleted and link not in first:
            taken = link.name in before or link.name in after
            before[f"{link.name} ({link.id})" if taken else link.name] = _shown(link)
    return {"before": before, "after": after}


def warn(ours: list[Link], used: dict[str, str]) -> None:
    """Warn of links that are replaced without being asked for, and of those left though to be removed."""
    for link in ours:
        if link.status == "FAILED":
            warnings.warn(f"VPC link {link.id} had failed: {link.status_message or 'AWS gives no reason'}")
        elif link.status == "INACTIVE":
            warnings.warn(f"VPC link {link.id} is INACTIVE: nothing went through it for 60 days")
    for link in ours:
        if link.id in used:
            warnings.warn(f"VPC link {link.id} ({link.name}) stays, as it is still used by {used[link.id]}")


def run(module: AnsibleAWSModule, started: list[Step]) -> Result:
    """Plan, carry out unless in check mode, and return the module's result."""
    desired = Desired.of(module.params)
    account = Account(module, desired)
    ours = account.observe()
    planned, used = decide(account.client, ours, desired, module.params)
    warn(ours, used)
    shown = diff(ours, desired, planned.deleted)
    if not module.check_mode:
        account.carry_out(planned, started, ours)
    staying = [link for link in ours if link.id in used]
    # Links waited for, or changed, are read anew.
    found = account.observe() if account.timeline or (planned.steps and not module.check_mode) else ours
    links = [each.among(found) for each in map(_as_wanted(module), module.params["links"])] if desired.present else []
    old = [link for link in desired.superseded(found) if link.id not in planned.deleted and link.id not in used]
    return {
        **report(planned.steps),
        "diff": shown,
        "vpc_links": [link.to_result() if link else {} for link in links] or [{} for _link in module.params["links"]],
        "superseded": [link.to_result() for link in old] if desired.present else [],
        "used": [link.to_result() for link in staying],
        "security_groups_in_use": account.security_groups(planned.deleted),
        "timeline": account.timeline,
    }


def _as_wanted(module: AnsibleAWSModule) -> t.Callable[[dict[str, t.Any]], Wanted]:
    return lambda link: _wanted(link, module.params)


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "links": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str"},
                    "description": {"type": "str"},
                    "ownership_tags": {"type": "dict", "required": True},
                    "target_arn": {"type": "str"},
                },
            },
            "replaces": {"type": "list", "elements": "dict", "default": []},
            "version": {"type": "str", "choices": ["1", "2"], "default": "1"},
            "subnet_ids": {"type": "list", "elements": "str"},
            "security_group_ids": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **Tags.ARGUMENTS,
            "purge_superseded": {"type": "bool", "default": False},
            "drain_seconds": {"type": "int", "default": 0},
            "ignored_api_tags": {"type": "dict"},
            "keep_used": {"type": "bool", "default": False},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 1200},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
