#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes, keeps and removes a usage plan with one API key in it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigateway_usage_plan
version_added: 1.0.0
short_description: Manage a usage plan of API Gateway and its API key
description:
  - Keeps a usage plan, an API key, and the key's place in the plan.
  - Neither names of plans nor of keys are unique, so both are known by their O(ownership_tags).
    Others are never touched.
  - A key that was disabled or taken out of the plan is put right.
  - The key's value is never returned. Read it where it is needed,
    with C(aws apigateway get-api-key --include-value) for example.
author:
  - seam.eks_auto contributors (@seam)
options:
  name:
    description: Name of the plan. Required when O(state=present).
    type: str
  description:
    description: Description of the plan. Left as it is unless given.
    type: str
  ownership_tags:
    description: Tags that make a plan and a key ours. Set on creation; existing ones are found by carrying all of them.
    type: dict
    required: true
  state:
    description: V(absent) removes the plan and the key. Remove a plan before the API whose stages it holds.
    type: str
    choices: [present, absent]
    default: present
  api_stages:
    description: All stages that the plan is for. Left as they are unless given.
    type: list
    elements: dict
    suboptions:
      api_id:
        description: ID of the REST API.
        type: str
        required: true
      stage:
        description: Name of the stage, which must exist.
        type: str
        required: true
  throttle:
    description: Limits of the rate of requests, for each key. Left as they are unless given.
    type: dict
    suboptions:
      rate_limit:
        description: Requests a second, 0 or more.
        type: float
        required: true
      burst_limit:
        description: Requests at once, 0 or more.
        type: int
        required: true
  quota:
    description: Limit of the number of requests, for each key. Left as it is unless given.
    type: dict
    suboptions:
      limit:
        description: Requests in a period, 1 or more.
        type: int
        required: true
      period:
        description: The period.
        type: str
        choices: [DAY, WEEK, MONTH]
        required: true
      offset:
        description:
          - Requests subtracted from the limit in the first period.
          - 0 for a V(DAY), 0 to 6 for a V(WEEK), 0 to 27 for a V(MONTH).
        type: int
        default: 0
  api_key_name:
    description: Name of the API key. The plan's name unless given.
    type: str
  tags:
    description: The tags of plan and key besides O(ownership_tags). Without this option they are left as they are.
  purge_tags:
    description:
      - Whether tags are removed that neither O(tags) nor O(ownership_tags) name. AWS's own, which begin with C(aws:), stay.
      - Removing tags takes the permission C(apigateway:DELETE) on them.
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.aws.tags
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - name: Usage plans and API keys
    description: What plans limit, and for whom.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

EXAMPLES = r"""
- name: Let one client call the API
  seam.eks_auto.apigateway_usage_plan:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    api_stages:
      - api_id: "{{ api.rest_api.id }}"
        stage: prod
    throttle:
      rate_limit: 50
      burst_limit: 100
    quota:
      limit: 100000
      period: MONTH

- name: Remove plan and key
  seam.eks_auto.apigateway_usage_plan:
    ownership_tags:
      seam: petstore/petstore/vpclink
    state: absent
"""

RETURN = r"""
usage_plan:
  description: The plan as AWS shows it, in snake_case. Empty when there is none, also when check mode would make one.
  returned: success
  type: dict
  contains:
    id:
      description: ID of the plan.
      type: str
    name:
      description: Name of the plan.
      type: str
    api_stages:
      description: Stages that the plan is for.
      type: list
      elements: dict
    throttle:
      description: Limits of the rate.
      type: dict
    quota:
      description: Limit of the number.
      type: dict
    tags:
      description: Tags of the plan.
      type: dict
api_key:
  description: The key, without its value. Empty when there is none, also when check mode would make one.
  returned: success
  type: dict
  contains:
    id:
      description: ID of the key.
      type: str
    name:
      description: Name of the key.
      type: str
    enabled:
      description: Whether the key lets requests through.
      type: bool
actions:
  description: The AWS calls that were made (in check mode, would be made) to change something.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: AWS's name of the operation.
      type: str
      sample: CreateUsagePlan
    subject:
      description: The resource's ID, or its name where the ID isn't known yet.
      type: str
      sample: petstore
    request:
      description: The call's other arguments, keys in snake_case.
      type: dict
"""

import typing as t
from dataclasses import dataclass

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.patches import (
    Patch,
    replace,
    replace_differing,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import Rules, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.ownership import Item, make_room, only, owned
from ansible_collections.seam.eks_auto.plugins.module_utils._core.results import snake_case, to_result
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, apply, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str"},
    "description": {"type": "str"},
    "ownership_tags": {"type": "dict", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "api_stages": {
        "type": "list",
        "elements": "dict",
        "options": {
            "api_id": {"type": "str", "required": True},
            "stage": {"type": "str", "required": True},
        },
    },
    "throttle": {
        "type": "dict",
        "options": {
            "rate_limit": {"type": "float", "required": True},
            "burst_limit": {"type": "int", "required": True},
        },
    },
    "quota": {
        "type": "dict",
        "options": {
            "limit": {"type": "int", "required": True},
            "period": {"type": "str", "choices": ["DAY", "WEEK", "MONTH"], "required": True},
            "offset": {"type": "int", "default": 0},
        },
    },
    "api_key_name": {"type": "str", "no_log": False},
    **Tags.ARGUMENTS,
}

#: Largest quota offset by period. AWS documents no range; Terraform's provider refuses the same.
LARGEST_OFFSET = {"DAY": 0, "WEEK": 6, "MONTH": 27}


def check(params: Item) -> None:
    """Refuse what AWS would refuse, before any call."""
    throttle, quota = params["throttle"] or {}, params["quota"] or {}
    numbers = {
        "throttle.rate_limit": throttle.get("rate_limit"),
        "throttle.burst_limit": throttle.get("burst_limit"),
        "quota.limit": quota.get("limit"),
        "quota.offset": quota.get("offset"),
    }
    rules: dict[str, Rules] = {
        "ownership_tags": "ownership_tags",
        "throttle.rate_limit": "not_negative",
        "throttle.burst_limit": "not_negative",
        "quota.limit": "positive",
        "quota.offset": {"between": [0, LARGEST_OFFSET[quota.get("period", "DAY")]]},
        "tags": "tags",
    }
    require_sound({**params, **numbers}, rules)


@dataclass(frozen=True)
class Stage:
    """A stage that a plan is for."""

    api_id: str
    name: str

    @property
    def value(self) -> str:
        """As patch operations have it."""
        return f"{self.api_id}:{self.name}"


@dataclass(frozen=True)
class UsagePlan:
    """A plan as it is."""

    id: str
    name: str | None
    description: str | None
    stages: tuple[Stage, ...]
    throttle: Item
    quota: Item
    tags: dict[str, str]

    @classmethod
    def of(cls, item: Item) -> UsagePlan:
        return cls(
            id=item["id"],
            name=item.get("name"),
            description=item.get("description"),
            stages=tuple(Stage(each["apiId"], each["stage"]) for each in item.get("apiStages", [])),
            throttle=item.get("throttle") or {},
            quota=item.get("quota") or {},
            tags=item.get("tags", {}),
        )


@dataclass(frozen=True)
class ApiKey:
    """A key as it is, without its value."""

    id: str
    name: str | None
    enabled: bool
    tags: dict[str, str]

    @classmethod
    def of(cls, item: Item) -> ApiKey:
        return cls(item["id"], item.get("name"), item["enabled"], item.get("tags", {}))


@dataclass(frozen=True)
class State:
    """A plan and a key as they are, each of which may be missing, and whether the one holds the other."""

    plan: UsagePlan | None
    key: ApiKey | None
    key_in_plan: bool


@dataclass(frozen=True)
class Desired:
    """A plan and a key as they shall be. None leaves a setting as it is. ``throttle`` and ``quota`` are spelled as AWS does."""

    name: str
    description: str | None
    stages: tuple[Stage, ...] | None
    throttle: Item | None
    quota: Item | None
    key_name: str
    tags: Tags

    @classmethod
    def of_options(cls, params: Item, tags: Tags) -> Desired | None:
        """Out of the module's options; None when there shall be neither."""
        if params["state"] == "absent":
            return None
        throttle, stages = params["throttle"], params["api_stages"]
        return cls(
            name=params["name"],
            description=params["description"],
            stages=None if stages is None else tuple(Stage(each["api_id"], each["stage"]) for each in stages),
            throttle=throttle and {"rateLimit": throttle["rate_limit"], "burstLimit": throttle["burst_limit"]},
            quota=params["quota"],
            key_name=params["api_key_name"] or params["name"],
            tags=tags,
        )

    @property
    def plan_request(self) -> Item:
        """What a new plan is made from."""
        stages = None if self.stages is None else [{"apiId": each.api_id, "stage": each.name} for each in self.stages]
        request = {
            "name": self.name,
            "description": self.description,
            "apiStages": stages,
            "throttle": self.throttle,
            "quota": self.quota,
            "tags": self.tags.at_creation,
        }
        return {key: value for key, value in request.items() if value is not None}


def plan(current: State, desired: Desired | None) -> list[Step]:
    """The calls that make ``current`` the ``desired`` state (None: neither plan nor key), in order."""
    if desired is None:
        return _removal_steps(current)
    joining = [] if current.key_in_plan else [Step("CreateUsagePlanKey", desired.key_name, {"keyType": "API_KEY"})]
    return [*_plan_steps(current.plan, desired), *_key_steps(current.key, desired), *joining]


def _removal_steps(current: State) -> list[Step]:
    steps = []
    if current.key and current.key_in_plan:
        steps.append(Step("DeleteUsagePlanKey", current.key.id))
    if current.plan:
        # AWS refuses to delete a plan that still has stages.
        if patch := _stage_patch("remove", current.plan.stages):
            steps.append(Step("UpdateUsagePlan", current.plan.id, {"patchOperations": patch}))
        steps.append(Step("DeleteUsagePlan", current.plan.id))
    if current.key:
        steps.append(Step("DeleteApiKey", current.key.id))
    return steps


def _plan_steps(current: UsagePlan | None, desired: Desired) -> list[Step]:
    """All changes in one call: UpdateUsagePlan is allowed once in 20 seconds."""
    if current is None:
        return [Step("CreateUsagePlan", desired.name, desired.plan_request)]
    named = {"name": desired.name, "description": desired.description}
    patch = replace_differing("", {"name": current.name, "description": current.description}, named)
    patch += replace_differing("/throttle", current.throttle, desired.throttle or {})
    patch += replace_differing("/quota", current.quota, desired.quota or {})
    if desired.stages is not None:
        patch += _stage_patch("remove", [stage for stage in current.stages if stage not in desired.stages])
        patch += _stage_patch("add", [stage for stage in desired.stages if stage not in current.stages])
    steps = [Step("UpdateUsagePlan", current.id, {"patchOperations": patch})] if patch else []
    return steps + desired.tags.steps(f"/usageplans/{current.id}", current.tags)


def _stage_patch(op: str, stages: t.Iterable[Stage]) -> Patch:
    return [{"op": op, "path": "/apiStages", "value": stage.value} for stage in stages]


def _key_steps(current: ApiKey | None, desired: Desired) -> list[Step]:
    if current is None:
        request = {"name": desired.key_name, "enabled": True, "tags": desired.tags.at_creation}
        return [Step("CreateApiKey", desired.key_name, request)]
    patch = replace_differing("", {"name": current.name}, {"name": desired.key_name})
    if not current.enabled:
        patch.append(replace("/enabled", "true"))
    steps = [Step("UpdateApiKey", current.id, {"patchOperations": patch})] if patch else []
    return steps + desired.tags.steps(f"/apikeys/{current.id}", current.tags)


class Calls:
    """How a plan's steps are carried out. The IDs of what is created are only known here."""

    def __init__(self, client: t.Any, current: State, tags: Tags) -> None:
        self.client = client
        self.tags = tags
        self.plan_id = current.plan.id if current.plan else ""
        self.key_id = current.key.id if current.key else ""

    def by_operation(self) -> dict[str, t.Callable[[Step], object]]:
        client = self.client
        return {
            "CreateUsagePlan": self._create_plan,
            "UpdateUsagePlan": lambda step: api.update_usage_plan(
                client, step.subject, step.request["patchOperations"]
            ),
            "DeleteUsagePlan": lambda step: api.delete_usage_plan(client, step.subject),
            "CreateApiKey": self._create_key,
            "UpdateApiKey": lambda step: api.update_api_key(client, step.subject, step.request["patchOperations"]),
            "DeleteApiKey": lambda step: api.delete_api_key(client, step.subject),
            "CreateUsagePlanKey": lambda step: api.create_usage_plan_key(
                client, self.plan_id, self.key_id, **step.request
            ),
            "DeleteUsagePlanKey": lambda _step: api.delete_usage_plan_key(client, self.plan_id, self.key_id),
            "TagResource": lambda step: api.tag_resource(client, step.subject, step.request["tags"]),
            "UntagResource": lambda step: api.untag_resource(client, step.subject, step.request["tagKeys"]),
        }

    def _create_plan(self, step: Step) -> None:
        client = self.client
        made = api.create_usage_plan(client, **step.request)
        self.plan_id = made["id"]

        def take_back() -> None:
            # AWS deletes no plan that has stages.
            if patch := _stage_patch("remove", UsagePlan.of(made).stages):
                api.update_usage_plan(client, made["id"], patch)
            api.delete_usage_plan(client, made["id"])

        make_room("usage plan", owned(api.get_usage_plans(client), self.tags.ownership), made["id"], take_back)

    def _create_key(self, step: Step) -> None:
        self.key_id = made = api.create_api_key(self.client, **step.request)["id"]
        found = owned(api.get_api_keys(self.client), self.tags.ownership)
        make_room("API key", found, made, lambda: api.delete_api_key(self.client, made))


class Observation(t.NamedTuple):
    """AWS's items, for the result, and the state made of them, for the plan."""

    plan: Item | None
    key: Item | None
    state: State


def observe(client: t.Any, tags: Tags) -> Observation:
    """The owned plan and key, and whether the one holds the other."""
    usage_plan = only("usage plan", owned(api.get_usage_plans(client), tags.ownership))
    key = only("API key", owned(api.get_api_keys(client), tags.ownership))
    held = api.get_usage_plan_keys(client, usage_plan["id"]) if usage_plan and key else []
    state = State(
        plan=UsagePlan.of(usage_plan) if usage_plan else None,
        key=ApiKey.of(key) if key else None,
        key_in_plan=key is not None and key["id"] in [each["id"] for each in held],
    )
    return Observation(usage_plan, key, state)


def shown(found: Observation) -> Result:
    """What a diff shows."""
    key = found.state.key
    return {
        "usage_plan": to_result(found.plan),
        "api_key": {"id": key.id, "name": key.name, "enabled": key.enabled} if key else {},
        "api_key_in_usage_plan": found.state.key_in_plan,
    }


def shown_afterwards(found: Observation, desired: Desired | None) -> Result:
    """What a diff shows once the steps are done."""
    if desired is None:
        return {"usage_plan": {}, "api_key": {}, "api_key_in_usage_plan": False}
    before, tags = shown(found), found.state.plan.tags if found.state.plan else {}
    asked = snake_case({**desired.plan_request, "tags": desired.tags.after(tags)})
    return {
        "usage_plan": {**before["usage_plan"], **asked},
        "api_key": {**before["api_key"], "name": desired.key_name, "enabled": True},
        "api_key_in_usage_plan": True,
    }


def run(module: AnsibleAWSModule, started: list[Step]) -> Result:
    """Look, plan, carry out unless in check mode, and return the module's result."""
    params = module.params
    check(params)
    tags, client = Tags.of(params), Client(module)
    desired = Desired.of_options(params, tags)
    found = observe(client, tags)
    steps = plan(found.state, desired)
    diff = {"before": shown(found), "after": shown_afterwards(found, desired)}
    if steps and not module.check_mode:
        apply(steps, Calls(client, found.state, tags).by_operation(), started)
        found = observe(client, tags)
    after = shown(found)
    return {**report(steps), "diff": diff, "usage_plan": after["usage_plan"], "api_key": after["api_key"]}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ARGUMENTS, required_if=[("state", "present", ["name"])], supports_check_mode=True
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
