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
  - An owned link that is C(FAILED) is removed and made anew. One that a stage names stays until then, and is superseded.
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
  keep_used:
    description:
      - Whether a link that a stage of another API names stays, see RV(used), rather than stop the removal of all.
      - A link that has one of O(ignored_api_tags) with another value is another API's, and not touched then.
    type: bool
    default: false
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
    - Owned links of the other version, at another place, without traffic for too long, or C(FAILED), as in RV(vpc_link).
    - Of several links V2 at the place, all but the newest.
    - With O(keep_used=true), without those that a stage of another API names.
  returned: success
  type: list
  elements: dict
used:
  description: Links that should have been removed, and stay because of O(keep_used=true), as in RV(vpc_link).
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
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import (
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
    """Links that another takes the place of, once no stage names them: inactive and failed ones too."""
    link = wanted(links, desired)
    return [old for old in links if old is not link and old["status"] != "DELETING"]


def plan(links: list[Item], desired: Item, named: t.Container[str] = ()) -> list[Step]:
    """The calls that take the owned links to the desired state. ``named`` are the IDs that a stage names."""
    if desired["state"] == "absent":
        return [_deletion(link) for link in links if link["status"] != "DELETING"]
    link = wanted(links, desired)
    old = superseded(links, desired)
    # AWS keeps a link for as long as a stage names it. A failed one holds no load balancer.
    failed = [each for each in old if each["status"] == "FAILED" and each["id"] not in named]
    steps = [_deletion(each) for each in failed]
    if link is None:
        # A load balancer takes one link V1 at a time, so the new one waits until what held it is gone.
        going = [each for each in links if each["status"] == "DELETING" or each in failed]
        before = [each for each in going if each["version"] == "1" and is_at(each, desired)]
        steps.append(Step("CreateVpcLink", desired["name"], {"before": before}))
    else:
        steps += _update_steps(link, desired)
    if desired["purge_superseded"]:
        steps += [_deletion(each) for each in old if each not in failed]
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


class Decision(t.NamedTuple):
    """What to do, which links go, and which stay for other APIs, with the stages that name them, in words."""

    steps: list[Step]
    going: set[str]
    used: dict[str, str]


def decide(client: t.Any, links: list[Item], desired: Item) -> Decision:
    """The plan, as far as stages let it be carried out.

    Raises :class:`AnsibleApiGatewayError` if a stage names a link that is to be removed, unless such links are to stay.
    """
    doubtful, ignored = _doubtful(links, desired), desired["ignored_api_tags"]
    apis = api.get_rest_apis(client) if doubtful else []
    leaving = owned(apis, ignored) if ignored else []
    stages = [(each, stage) for each in apis for stage in api.get_stages(client, each["id"])]
    of_others = [(each, stage) for each, stage in stages if each not in leaving]
    steps = plan(links, desired, named={link["id"] for link in doubtful if users(link, stages)})
    used = {link["id"]: ", ".join(found) for link in doubtful if (found := users(link, of_others))}
    doomed = [step.arguments["link"] for step in steps if step.action == "DeleteVpcLink"]
    if not desired["keep_used"]:
        for link in doomed:
            if link["id"] in used:
                raise AnsibleApiGatewayError(message=_in_use(link, used[link["id"]]))
        used = {}
    going = {link["id"] for link in doomed} - used.keys()
    return Decision([step for step in steps if step.action != "DeleteVpcLink" or step.subject in going], going, used)


def _doubtful(links: list[Item], desired: Item) -> list[Item]:
    """The links of which it matters whether a stage names them."""
    if desired["state"] == "absent":
        return [link for link in links if link["status"] != "DELETING"]
    all_of_them = desired["purge_superseded"] or desired["keep_used"]
    return [link for link in superseded(links, desired) if all_of_them or link["status"] == "FAILED"]


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


def _before(links: list[Item], desired: Item, going: t.Container[str]) -> Item | None:
    """The link that a diff begins with: the one there is, or the one that goes or that another takes the place of."""
    if desired["state"] == "absent":
        return next((link for link in links if link["id"] in going), None)
    return wanted(links, desired) or next((link for link in links if link["status"] != "DELETING"), None)


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


def warn(links: list[Item], staying: list[Item], used: dict[str, str]) -> None:
    """Say of which links others take the place without having been asked for, and which don't go though asked for."""
    for link in links:
        if link["status"] == "FAILED":
            warnings.warn(f"VPC link {link['id']} had failed: {link.get('statusMessage') or 'AWS gives no reason'}")
        elif link["status"] == "INACTIVE":
            warnings.warn(f"VPC link {link['id']} is INACTIVE: nothing went through it for 60 days")
    for link in staying:
        warnings.warn(f"VPC link {link['id']} ({link['name']}) stays, as it is still used by {used[link['id']]}")


class Account:
    """The links of an account, as far as they are ours."""

    def __init__(self, link_apis: LinkApis, params: Item) -> None:
        self.apis = link_apis
        self.ownership_tags, _tags = ownership(params)
        self.api_tags = (params["ignored_api_tags"] or {}) if params["keep_used"] else {}
        self.all: list[Item] = []

    def observe(self) -> list[Item]:
        """Our links; without those that say that they are another API's, where such are to stay."""
        self.all = self.apis.find()
        return [
            link
            for link in owned(self.all, self.ownership_tags)
            if all(link["tags"].get(key, value) == value for key, value in self.api_tags.items())
        ]

    def security_groups(self, going: t.Container[str]) -> list[str]:
        """Those that the links are in which stay, whosever they are."""
        staying = [link for link in self.all if link["status"] != "DELETING" and link["id"] not in going]
        return sorted({group for link in staying for group in link.get("securityGroupIds", [])})


def run(module: AnsibleAWSModule, client: t.Any, started: list[Step]) -> Item:
    """Plan, carry out unless in check mode, and return the module's result."""
    params = module.params
    _ownership_tags, tags = ownership(params)
    desired = {**params, "tags": tags}
    link_apis = LinkApis(client, Client(module, "apigatewayv2"))
    account = Account(link_apis, params)
    found = account.observe()
    steps, going, used = decide(client, found, desired)
    to_remove = params["state"] == "absent" or params["purge_superseded"]
    staying = [link for link in found if link["id"] in used and to_remove]
    leaving = [link for link in found if link["status"] == "DELETING" and params["state"] == "absent"]
    warn(found, staying, used)
    links = Links(link_apis, desired, params["wait"], params["wait_timeout"])
    before = _before(found, desired, going)
    diff = {"before": _shown(before), "after": _prediction(before, desired)}
    if not module.check_mode:
        for step in steps:
            started.append(step)
            links.apply(step)
        for gone in leaving if params["wait"] else []:
            links.await_gone(gone)
        found = account.observe() if steps or leaving else found
    link = (links.created or wanted(found, desired)) if params["state"] == "present" else None
    if link and params["wait"] and not module.check_mode:
        try:
            link = links.await_available(link)
        except WaitError:
            # A load balancer takes one link V1: that of another run that was faster.
            links.make_room(account.observe())
            raise
    old = superseded(found, desired) if params["state"] == "present" else []
    return {
        **report(steps),
        "diff": diff,
        "vpc_link": link_result(link) if link else {},
        "superseded": [link_result(each) for each in old if each["id"] not in going and each["id"] not in used],
        "used": [link_result(each) for each in staying],
        "security_groups_in_use": account.security_groups(going),
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
            "keep_used": {"type": "bool", "default": False},
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
