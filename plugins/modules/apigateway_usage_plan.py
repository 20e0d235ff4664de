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
    description: More tags to set on plan and key. Tags that aren't named here are left alone.
    type: dict
extends_documentation_fragment:
  - seam.eks_auto.aws
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
      description: What it is done to, by ID, or by name where the ID isn't known yet.
      type: str
      sample: petstore
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import (
    AnsibleApiGatewayError,
    Item,
    Step,
    make_room,
    report,
    run_module,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.transformations import (
    as_result,
    differing,
    only,
    owned,
    ownership,
    replace,
    tag_steps,
)

#: Largest quota offset by period. AWS documents no range; Terraform's provider refuses the same.
LARGEST_OFFSET = {"DAY": 0, "WEEK": 6, "MONTH": 27}


def check(throttle: Item | None, quota: Item | None) -> None:
    """Refuse numbers that AWS would refuse, before anything is changed."""
    for name in ("rate_limit", "burst_limit"):
        if throttle and throttle[name] < 0:
            raise AnsibleApiGatewayError(message=f"throttle.{name} must be 0 or more, not {throttle[name]}")
    if quota and quota["limit"] < 1:
        raise AnsibleApiGatewayError(message=f"quota.limit must be 1 or more, not {quota['limit']}")
    if quota and not 0 <= quota["offset"] <= LARGEST_OFFSET[quota["period"]]:
        largest = LARGEST_OFFSET[quota["period"]]
        raise AnsibleApiGatewayError(
            message=f"quota.offset must be from 0 to {largest} for a {quota['period']}, not {quota['offset']}"
        )


def desired_state(params: Item, tags: dict[str, str]) -> Item:
    """What is asked for, spelled as AWS does; None leaves a setting as it is."""
    throttle, quota, stages = params["throttle"], params["quota"], params["api_stages"]
    return {
        "state": params["state"],
        "name": params["name"],
        "description": params["description"],
        "apiStages": None if stages is None else [{"apiId": s["api_id"], "stage": s["stage"]} for s in stages],
        "throttle": throttle and {"rateLimit": throttle["rate_limit"], "burstLimit": throttle["burst_limit"]},
        "quota": quota and {key: quota[key] for key in ("limit", "period", "offset")},
        "key_name": params["api_key_name"] or params["name"],
        "tags": tags,
    }


def plan(current: Item, desired: Item) -> list[Step]:
    """The calls that take ``current`` (``plan``, ``key``, ``key_in_plan``) to the desired state."""
    if desired["state"] == "absent":
        return _removal_steps(current)
    usage_plan, key = current["plan"], current["key"]
    if usage_plan is None:
        settings = ("name", "description", "apiStages", "throttle", "quota", "tags")
        arguments = {name: desired[name] for name in settings if desired[name] is not None}
        steps = [Step("CreateUsagePlan", desired["name"], arguments)]
    else:
        steps = _plan_update_steps(usage_plan, desired)
    if key is None:
        arguments = {"name": desired["key_name"], "enabled": True, "tags": desired["tags"]}
        steps.append(Step("CreateApiKey", desired["key_name"], arguments))
    else:
        steps += _key_update_steps(key, desired)
    if not current["key_in_plan"]:
        steps.append(Step("CreateUsagePlanKey", desired["key_name"]))
    return steps


def _removal_steps(current: Item) -> list[Step]:
    usage_plan, key = current["plan"], current["key"]
    steps = []
    if current["key_in_plan"]:
        steps.append(Step("DeleteUsagePlanKey", key["id"]))
    if usage_plan:
        # AWS refuses to delete a plan that still has stages.
        patch = [_stage_patch("remove", stage) for stage in usage_plan.get("apiStages", [])]
        if patch:
            steps.append(Step("UpdateUsagePlan", usage_plan["id"], {"patch": patch}))
        steps.append(Step("DeleteUsagePlan", usage_plan["id"]))
    if key:
        steps.append(Step("DeleteApiKey", key["id"]))
    return steps


def _plan_update_steps(usage_plan: Item, desired: Item) -> list[Step]:
    """All changes in one call: UpdateUsagePlan is allowed once in 20 seconds."""
    changes = differing(usage_plan, {key: desired[key] for key in ("name", "description")})
    patch = [replace(f"/{key}", value) for key, value in changes.items()]
    for group in ("throttle", "quota"):
        changes = differing(usage_plan.get(group) or {}, desired[group] or {})
        patch += [replace(f"/{group}/{key}", value) for key, value in changes.items()]
    if desired["apiStages"] is not None:
        patch += _stage_patches(usage_plan.get("apiStages", []), desired["apiStages"])
    steps = [Step("UpdateUsagePlan", usage_plan["id"], {"patch": patch})] if patch else []
    return steps + tag_steps(f"/usageplans/{usage_plan['id']}", usage_plan, desired["tags"])


def _stage_patches(current: list[Item], desired: list[Item]) -> list[Item]:
    have = {_stage_value(stage) for stage in current}
    want = {_stage_value(stage) for stage in desired}
    return [_stage_patch("remove", stage) for stage in current if _stage_value(stage) not in want] + [
        _stage_patch("add", stage) for stage in desired if _stage_value(stage) not in have
    ]


def _stage_patch(op: str, stage: Item) -> Item:
    return {"op": op, "path": "/apiStages", "value": _stage_value(stage)}


def _stage_value(stage: Item) -> str:
    return f"{stage['apiId']}:{stage['stage']}"


def _key_update_steps(key: Item, desired: Item) -> list[Step]:
    patch = [replace("/name", desired["key_name"])] if key.get("name") != desired["key_name"] else []
    if not key["enabled"]:
        patch.append(replace("/enabled", "true"))
    steps = [Step("UpdateApiKey", key["id"], {"patch": patch})] if patch else []
    return steps + tag_steps(f"/apikeys/{key['id']}", key, desired["tags"])


def apply(client: t.Any, steps: list[Step], current: Item, started: list[Step], ownership_tags: dict[str, str]) -> None:
    """Carry the steps out; the IDs of what is created are only known here."""
    ids = {name: current[name] and current[name]["id"] for name in ("plan", "key")}

    def create_plan(**arguments: t.Any) -> None:
        ids["plan"] = made = api.create_usage_plan(client, **arguments)["id"]

        def take_back() -> None:
            # AWS deletes no plan that has stages.
            if patch := [_stage_patch("remove", stage) for stage in arguments.get("apiStages", [])]:
                api.update_usage_plan(client, made, patch)
            api.delete_usage_plan(client, made)

        make_room("usage plan", owned(api.get_usage_plans(client), ownership_tags), made, take_back)

    def create_key(**arguments: t.Any) -> None:
        ids["key"] = made = api.create_api_key(client, **arguments)["id"]
        make_room(
            "API key", owned(api.get_api_keys(client), ownership_tags), made, lambda: api.delete_api_key(client, made)
        )

    calls: dict[str, t.Callable[..., t.Any]] = {
        "CreateUsagePlan": create_plan,
        "UpdateUsagePlan": lambda patch: api.update_usage_plan(client, ids["plan"], patch),
        "DeleteUsagePlan": lambda: api.delete_usage_plan(client, ids["plan"]),
        "CreateApiKey": create_key,
        "UpdateApiKey": lambda patch: api.update_api_key(client, ids["key"], patch),
        "DeleteApiKey": lambda: api.delete_api_key(client, ids["key"]),
        "CreateUsagePlanKey": lambda: api.create_usage_plan_key(client, ids["plan"], ids["key"]),
        "DeleteUsagePlanKey": lambda: api.delete_usage_plan_key(client, ids["plan"], ids["key"]),
        "TagResource": lambda path, tags: api.tag_resource(client, path, tags),
    }
    for step in steps:
        started.append(step)
        calls[step.action](**step.arguments)


def observe(client: t.Any, ownership_tags: dict[str, str]) -> Item:
    """The owned plan and key, and whether the one holds the other."""
    usage_plan = only("usage plan", owned(api.get_usage_plans(client), ownership_tags))
    key = only("API key", owned(api.get_api_keys(client), ownership_tags))
    held = api.get_usage_plan_keys(client, usage_plan["id"]) if usage_plan and key else []
    return {"plan": usage_plan, "key": key, "key_in_plan": key is not None and key["id"] in [k["id"] for k in held]}


def _shown(current: Item) -> Item:
    return {
        "usage_plan": as_result(current["plan"]) or {},
        "api_key": {key: (current["key"] or {}).get(key) for key in ("id", "name", "enabled")}
        if current["key"]
        else {},
        "api_key_in_usage_plan": current["key_in_plan"],
    }


def _prediction(before: Item, desired: Item) -> Item:
    """How it will look, for the diff."""
    if desired["state"] == "absent":
        return {"usage_plan": {}, "api_key": {}, "api_key_in_usage_plan": False}
    settings = ("name", "description", "apiStages", "throttle", "quota")
    asked = as_result({key: desired[key] for key in settings if desired[key] is not None}) or {}
    tags = {**before["usage_plan"].get("tags", {}), **desired["tags"]}
    return {
        "usage_plan": {**before["usage_plan"], **asked, "tags": tags},
        "api_key": {**before["api_key"], "name": desired["key_name"], "enabled": True},
        "api_key_in_usage_plan": True,
    }


def run(module: AnsibleAWSModule, client: t.Any, started: list[Step]) -> Item:
    """Plan, carry out unless in check mode, and return the module's result."""
    check(module.params["throttle"], module.params["quota"])
    ownership_tags, tags = ownership(module.params)
    desired = desired_state(module.params, tags)
    current = observe(client, ownership_tags)
    steps = plan(current, desired)
    before = _shown(current)
    if steps and not module.check_mode:
        apply(client, steps, current, started, ownership_tags)
        current = observe(client, ownership_tags)
    after = _shown(current)
    return {
        **report(steps),
        "diff": {"before": before, "after": _prediction(before, desired)},
        "usage_plan": after["usage_plan"],
        "api_key": after["api_key"],
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str"},
            "description": {"type": "str"},
            "ownership_tags": {"type": "dict", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "api_stages": {
                "type": "list",
                "elements": "dict",
                "options": {"api_id": {"type": "str", "required": True}, "stage": {"type": "str", "required": True}},
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
            "tags": {"type": "dict"},
        },
        required_if=[("state", "present", ["name"])],
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
