#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes, keeps and removes VPC links for REST APIs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigateway_vpc_link
version_added: 1.0.0
short_description: Manage VPC links of API Gateway
description:
  - A VPC link joins API Gateway REST APIs to load balancers in a VPC.
  - A link V1 belongs to one Network Load Balancer, and holds it. The load balancer can't be deleted while the link exists.
  - A link V2 belongs to subnets and security groups, and holds nothing, so that it can be made before there is a load
    balancer. Which load balancer gets a request is said by the integration (C(integrationTarget)).
  - Names of links aren't unique, so a link is known by its O(ownership_tags). Links without them are never touched.
  - A link can't be moved to another load balancer, to other subnets or security groups, or to the other version.
    Another O(target_arn), O(subnet_ids), O(security_group_ids) or O(version) makes another link and leaves the old one (see
    RV(superseded)), so that stages can be pointed at the new link before the old one is removed with
    O(purge_superseded=true).
  - An owned link that is C(FAILED) is removed and made anew.
  - A link V2 through which nothing went for 60 days is C(INACTIVE), its requests fail until AWS has made its network
    interfaces again. Another link takes its place, without waiting for traffic, and it is superseded.
  - AWS does not delete a link that a deployed stage uses. If the variables of a stage of any REST API name a link that is to
    be removed, that is refused before anything is changed, in check mode too. A stage whose methods name the link themselves
    is known to AWS only, when it refuses.
author:
  - seam.eks_auto contributors (@seam)
options:
  name:
    description: Name of the link. Required when O(state=present).
    type: str
  description:
    description: Description of the link. Left as it is unless given.
    type: str
  ownership_tags:
    description: Tags that make a link ours. Set on creation; an existing link is found by carrying all of them.
    type: dict
    required: true
  version:
    description: AWS calls V(1) legacy.
    type: str
    choices: ['1', '2']
    default: '1'
  target_arn:
    description: ARN of the Network Load Balancer. Required when O(state=present) and O(version=1).
    type: str
  subnet_ids:
    description:
      - Subnets in which the network interfaces of the link are. Required when O(state=present) and O(version=2).
      - Not every zone takes links V2, see AWS's list.
    type: list
    elements: str
  security_group_ids:
    description:
      - Security groups of the link's network interfaces. Required when O(state=present) and O(version=2).
      - They must let requests out to the load balancer, whose security groups must let them in.
    type: list
    elements: str
  state:
    description: V(absent) removes all owned links, whatever their version and place.
    type: str
    choices: [present, absent]
    default: present
  tags:
    description: More tags to set. Tags that aren't named here are left alone.
    type: dict
  purge_superseded:
    description: Also remove RV(superseded). Point all stages at the new link first.
    type: bool
    default: false
  ignored_api_tags:
    description:
      - Tags of REST APIs that let go of the links by themselves, because the same run removes them, or points their stages
        at other links, before. Stages of an API with all of these tags do not stand in the way.
      - In check mode such an API still uses the links. Otherwise AWS has the last word.
    type: dict
  wait:
    description: Whether to wait until the link is available, or gone.
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
    description: What a link joins, and what it holds.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/vpc-links-v1.html
  - name: VPC links V2
    description: How AWS describes them, with the zones that take them.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html
  - name: Permissions for VPC links
    description: What IAM asks of who makes one.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/grant-permissions-to-create-vpclink.html
"""

EXAMPLES = r"""
- name: Link API Gateway to the load balancer
  seam.eks_auto.apigateway_vpc_link:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    target_arn: "{{ nlb.load_balancer.arn }}"
  register: link

- name: Make a link V2, which takes minutes, while the cluster is made
  seam.eks_auto.apigateway_vpc_link:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    version: '2'
    subnet_ids: [subnet-0a1b2c3d4e5f60718, subnet-0b1c2d3e4f5061728]
    security_group_ids: [sg-0a1b2c3d4e5f60718]
    wait: false

- name: Remove links to load balancers that are no longer used
  seam.eks_auto.apigateway_vpc_link:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    target_arn: "{{ nlb.load_balancer.arn }}"
    purge_superseded: true

- name: Remove the links
  seam.eks_auto.apigateway_vpc_link:
    ownership_tags:
      seam: petstore/petstore/vpclink
    state: absent
"""

RETURN = r"""
vpc_link:
  description: The link. Empty when there is none, also when check mode would make one.
  returned: success
  type: dict
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
    - Owned links of the other version, at another place, or without traffic for too long, as in RV(vpc_link).
    - Of several links V2 at the place, all but the newest.
  returned: success
  type: list
  elements: dict
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
      description: What it is done to, by ID, or by name where the ID isn't known yet.
      type: str
      sample: petstore
timeline:
  description: What was seen when while waiting. Empty when nothing was waited for.
  returned: success
  type: list
  elements: dict
"""

import time
import typing as t

from ansible.module_utils.common import warnings
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import (
    api,
    waiters,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import (
    AnsibleApiGatewayError,
    Client,
    Item,
    Step,
    make_room,
    report,
    run_module,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import (
    LinkApis,
    is_at,
    users,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.transformations import (
    differing,
    link_result,
    only,
    owned,
    ownership,
    replace,
    tag_steps,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._wait import (
    Verdict,
    WaitError,
    wait,
)


def alive(links: list[Item], desired: Item) -> list[Item]:
    """Links that work or will, of the desired version and at the desired place."""
    return [link for link in links if is_at(link, desired) and link["status"] in ("PENDING", "AVAILABLE")]


def wanted(links: list[Item], desired: Item) -> Item | None:
    """The link, if it is there. Of links V2 the newest: one that was INACTIVE comes back when a request meets it."""
    found = alive(links, desired)
    if desired["version"] == "2":
        found = sorted(found, key=lambda link: (link["createdDate"], link["id"]))[-1:]
    return only("VPC link", found)


def superseded(links: list[Item], desired: Item) -> list[Item]:
    """Links that another takes the place of, once no stage names them: the inactive ones too."""
    link = wanted(links, desired)
    return [old for old in links if old is not link and old["status"] in ("PENDING", "AVAILABLE", "INACTIVE")]


def plan(links: list[Item], desired: Item) -> list[Step]:
    """The calls that take the owned links to the desired state."""
    if desired["state"] == "absent":
        return [_deletion(link) for link in links if link["status"] != "DELETING"]
    link = wanted(links, desired)
    steps = [_deletion(old) for old in links if old["status"] == "FAILED"]
    if link is None:
        # A load balancer takes one link V1 at a time, so the new one waits until what held it is gone.
        before = [old for old in links if old["version"] == "1" and is_at(old, desired)]
        steps.append(Step("CreateVpcLink", desired["name"], {"before": before}))
    else:
        steps += _update_steps(link, desired)
    if desired["purge_superseded"]:
        steps += [_deletion(old) for old in superseded(links, desired)]
    return steps


def _deletion(link: Item) -> Step:
    return Step("DeleteVpcLink", link["id"], {"link": link})


def _update_steps(link: Item, desired: Item) -> list[Step]:
    # A link V2 has no description.
    changeable = ("name", "description") if link["version"] == "1" else ("name",)
    changes = differing(link, {key: desired[key] for key in changeable})
    patch = [replace(f"/{key}", value) for key, value in changes.items()]
    steps = [Step("UpdateVpcLink", link["id"], {"link": link, "patch": patch})] if patch else []
    return steps + tag_steps(f"/vpclinks/{link['id']}", link, desired["tags"])


def refuse_used_links(client: t.Any, links: list[Item], ignored_api_tags: dict[str, str] | None) -> None:
    """Raises :class:`AnsibleApiGatewayError` if a stage names one of the links, which are to be removed."""
    if not links:
        return
    apis = api.get_rest_apis(client)
    leaving = owned(apis, ignored_api_tags) if ignored_api_tags else []
    stages = [(each, stage) for each in apis if each not in leaving for stage in api.get_stages(client, each["id"])]
    for link in links:
        if found := users(link, stages):
            raise AnsibleApiGatewayError(message=_in_use(link, ", ".join(found)))


def _in_use(link: Item, by: str) -> str:
    return (
        f"VPC link {link['id']} ({link['name']}) is still used by {by}, so AWS does not delete it.\n"
        f"Owner: {waiters.OWNER}\n"
        "To do: point the stage at another link (its stage variables), or delete the stage or API, then run again"
    )


class Links:
    """Carries out a plan's steps, under one deadline."""

    def __init__(self, link_apis: LinkApis, desired: Item, wait_for_end: bool, timeout: float) -> None:
        self.apis = link_apis
        self.desired = desired
        self.wait_for_end = wait_for_end
        self.deadline = time.monotonic() + timeout
        self.created: Item | None = None
        self.timeline: list[Item] = []

    def apply(self, step: Step) -> None:
        arguments = step.arguments
        if step.action == "CreateVpcLink":
            self._create(arguments["before"])
        elif step.action == "DeleteVpcLink":
            self._delete(arguments["link"])
        elif step.action == "UpdateVpcLink":
            link = arguments["link"]
            self.apis.of(link).update(link["id"], arguments["patch"])
        else:
            self.apis.of(self.desired).tag(**arguments)

    def await_available(self, link: Item) -> Item:
        return t.cast(Item, self._await(link, waiters.judge_link_available, "become available"))

    def await_gone(self, link: Item) -> None:
        self._await(link, waiters.judge_link_gone, "be gone")

    def make_room(self, found: list[Item]) -> None:
        """Take back the link that was made, if another that serves has been made meanwhile."""
        if made := self.created:
            serving = [
                link for link in found if is_at(link, self.desired) and link["status"] in ("PENDING", "AVAILABLE")
            ]
            make_room("VPC link", serving, made["id"], lambda: self._delete(made))

    def _create(self, before: list[Item]) -> None:
        for link in before:
            self.await_gone(link)
        self.created = self.apis.of(self.desired).create(self.desired)

    def _delete(self, link: Item) -> None:
        if link["status"] == "PENDING":
            self._await(link, waiters.judge_link_settled, "settle")
        try:
            self.apis.of(link).delete(link["id"])
        except AnsibleApiGatewayError as error:
            if "is referenced in" not in str(error.exception):
                raise
            message = _in_use(link, "deployed methods, which AWS names as [method:resource:stage]")
            raise AnsibleApiGatewayError(message=message, exception=error.exception) from error
        if self.wait_for_end:
            self.await_gone(link)

    def _await(self, link: Item, judge: t.Callable[[Item | None], Verdict], what: str) -> Item | None:
        remaining = max(0.0, self.deadline - time.monotonic())
        seen, timeline = wait(
            lambda: self.apis.of(link).get(link["id"]),
            judge,
            subject=f"VPC link {link['id']} to {what}",
            timeout=remaining,
            usual="2 to 4 minutes" if judge is waiters.judge_link_available else None,
        )
        self.timeline += timeline.entries
        return seen


def _before(links: list[Item], desired: Item) -> Item | None:
    """The link that a diff begins with: the one there is, or the one that another takes the place of."""
    found = wanted(links, desired) if desired["state"] == "present" else None
    return found or next((link for link in links if link["status"] != "DELETING"), None)


def _prediction(before: Item | None, desired: Item) -> Item:
    """The link as it will be, for the diff."""
    if desired["state"] == "absent":
        return {}
    shown = ("name", "version", "description", "target_arn", "subnet_ids", "security_group_ids")
    asked = {key: desired[key] for key in shown if desired[key] is not None}
    kept = _shown(before) if before and alive([before], desired) else {"status": "AVAILABLE"}
    return {**kept, **asked, "tags": {**(before or {}).get("tags", {}), **desired["tags"]}}


def _shown(link: Item | None) -> Item:
    shown = ("id", "name", "status", "version", "description", "target_arn", "subnet_ids", "security_group_ids", "tags")
    return {key: value for key, value in link_result(link).items() if key in shown} if link else {}


def warn(links: list[Item]) -> None:
    """Say of which links others take the place without having been asked for."""
    for link in links:
        if link["status"] == "FAILED":
            warnings.warn(f"VPC link {link['id']} had failed: {link.get('statusMessage') or 'AWS gives no reason'}")
        elif link["status"] == "INACTIVE":
            warnings.warn(f"VPC link {link['id']} is INACTIVE: nothing went through it for 60 days")


def run(module: AnsibleAWSModule, client: t.Any, started: list[Step]) -> Item:
    """Plan, carry out unless in check mode, and return the module's result."""
    params = module.params
    ownership_tags, tags = ownership(params)
    desired = {**params, "tags": tags}
    link_apis = LinkApis(client, Client(module, "apigatewayv2"))

    def observe() -> list[Item]:
        return owned(link_apis.find(), ownership_tags)

    found = observe()
    steps = plan(found, desired)
    doomed = [step.arguments["link"] for step in steps if step.action == "DeleteVpcLink"]
    refuse_used_links(client, doomed, params["ignored_api_tags"])
    leaving = [link for link in found if link["status"] == "DELETING" and params["state"] == "absent"]
    warn(found)
    links = Links(link_apis, desired, params["wait"], params["wait_timeout"])
    before = _before(found, desired)
    diff = {"before": _shown(before), "after": _prediction(before, desired)}
    if not module.check_mode:
        for step in steps:
            started.append(step)
            links.apply(step)
        for gone in leaving if params["wait"] else []:
            links.await_gone(gone)
        found = observe() if steps or leaving else found
    link = (links.created or wanted(found, desired)) if params["state"] == "present" else None
    if link and params["wait"] and not module.check_mode:
        try:
            link = links.await_available(link)
        except WaitError:
            # A load balancer takes one link V1: that of another run that was faster.
            links.make_room(observe())
            raise
    return {
        **report(steps),
        "diff": diff,
        "vpc_link": link_result(link) if link else {},
        "superseded": [link_result(old) for old in superseded(found, desired)] if params["state"] == "present" else [],
        "timeline": links.timeline,
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str"},
            "description": {"type": "str"},
            "ownership_tags": {"type": "dict", "required": True},
            "version": {"type": "str", "choices": ["1", "2"], "default": "1"},
            "target_arn": {"type": "str"},
            "subnet_ids": {"type": "list", "elements": "str"},
            "security_group_ids": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "tags": {"type": "dict"},
            "purge_superseded": {"type": "bool", "default": False},
            "ignored_api_tags": {"type": "dict"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 1200},
        },
        required_if=[("state", "present", ["name"])],
        supports_check_mode=True,
    )
    if module.params["state"] == "present":
        place = {"1": ["target_arn"], "2": ["subnet_ids", "security_group_ids"]}[module.params["version"]]
        missing = [option for option in place if not module.params[option]]
        if missing:
            module.fail_json(msg=f"version {module.params['version']} needs {' and '.join(missing)}")
    run_module(module, run)


if __name__ == "__main__":
    main()
