#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts a stage back on the deployment it served before, with the variables of that time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigateway_rollback
version_added: 1.1.0
short_description: Put a stage of API Gateway back on what it served before
description:
  - Takes back the last change that M(seam.eks_auto.apigateway_rest_api) made of a stage, deployment and variables, by one atomic call.
  - Where the last change is a canary, the canary ends, and the stage itself stays as it is.
  - What it served before stands in the stage's description. A stage can be put back once, until it is moved again.
  - The API's definition stays as it was imported last. The next run of M(seam.eks_auto.apigateway_rest_api) serves its
    O(seam.eks_auto.apigateway_rest_api#module:definition) again.
author:
  - seam.eks_auto contributors (@seam)
options:
  ownership_tags:
    description: Tags by which the API is found. It carries all of them.
    type: dict
    required: true
  stage_name:
    description: The stage.
    type: str
    required: true
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - module: seam.eks_auto.apigateway_rest_api
  - name: UpdateStage
    description: API Gateway API reference.
    link: https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
"""

EXAMPLES = r"""
- name: Serve again what was served before
  seam.eks_auto.apigateway_rollback:
    ownership_tags:
      seam: petstore/petstore/vpclink
    stage_name: prod
"""

RETURN = r"""
stage:
  description: The stage as AWS shows it, in snake_case.
  returned: success
  type: dict
  contains:
    deployment_id:
      description: ID of the deployment that the stage serves.
      type: str
    variables:
      description: Stage variables.
      type: dict
actions:
  description: The AWS calls that were made (in check mode, would be made) to change something.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: AWS's name of the operation.
      type: str
      sample: UpdateStage
    subject:
      description: The stage's name.
      type: str
      sample: prod
    request:
      description: The call's other arguments, keys in snake_case.
      type: dict
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api, waiters
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import Link, LinkApis
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.rest_api_plan import roll_back
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.rest_api_state import Stage
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import Rules, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.ownership import Item, only, owned
from ansible_collections.seam.eks_auto.plugins.module_utils._core.results import to_result
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, apply, report, run_module

RULES: dict[str, Rules] = {"ownership_tags": "ownership_tags", "stage_name": "stage_name"}


def find_stage(client: t.Any, params: Item) -> tuple[str, Item]:
    """The API's ID, and the stage."""
    rest_api = only("REST API", owned(api.get_rest_apis(client), params["ownership_tags"]))
    if rest_api is None:
        raise SeamError(message=f"ownership_tags: no REST API carries {params['ownership_tags']}")
    for stage in api.get_stages(client, rest_api["id"]):
        if stage["stageName"] == params["stage_name"]:
            return rest_api["id"], stage
    raise SeamError(message=f"stage_name: REST API {rest_api['id']} has no stage {params['stage_name']}")


def check_way_back(stage: Stage, deployments: list[Item], links: list[Link]) -> None:
    """Refuse to put a stage back on what is no longer there."""
    if stage.canary or stage.was_put_back:
        return
    require(
        stage.previous,
        f"It is not known what stage {stage.name} served before: it was not moved since it was made.{_TO_DO}",
    )
    previous = t.cast(t.Any, stage.previous)
    require(
        previous.deployment_id in [each["id"] for each in deployments],
        f"Deployment {previous.deployment_id}, which stage {stage.name} served before, is gone.{_TO_DO}",
    )
    ids, serving = {link.id for link in links}, {link.id for link in links if link.serving}
    gone = [
        value
        for name, value in sorted(previous.variables.items())
        if stage.variables.get(name) in ids and value not in serving
    ]
    require(
        not gone,
        f"VPC link {', '.join(gone)}, which stage {stage.name} used before, is gone.{_TO_DO}",
    )


_TO_DO = f"\nOwner: {waiters.OWNER}\nTo do: give the definition and the variables of that time, and run playbooks/infra/api.yml"


def run(module: AnsibleAWSModule, started: list[Step]) -> Result:
    """Look, plan, carry out unless in check mode, and return the module's result."""
    require_sound(module.params, RULES)
    client = Client(module)
    api_id, item = find_stage(client, module.params)
    stage = Stage.of(item)
    check_way_back(stage, api.get_deployments(client, api_id), LinkApis(client, Client(module, "apigatewayv2")).find())
    steps, before = roll_back(stage), shown(item)
    if steps and not module.check_mode:
        call = {
            "UpdateStage": lambda step: api.update_stage(client, api_id, stage.name, step.request["patchOperations"])
        }
        apply(steps, call, started)
        item = find_stage(client, module.params)[1]
    return {
        **report(steps),
        "diff": {"before": before, "after": shown_afterwards(stage, before)},
        "stage": to_result(item),
    }


def shown(item: Item) -> Item:
    """What a diff shows of a stage."""
    return {
        "deployment_id": item.get("deploymentId"),
        "variables": item.get("variables", {}),
        "canary": item.get("canarySettings", {}),
    }


def shown_afterwards(stage: Stage, before: Item) -> Item:
    if stage.canary or not stage.previous:
        return {**before, "canary": {}}
    return {"deployment_id": stage.previous.deployment_id, "variables": stage.previous.variables, "canary": {}}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "ownership_tags": {"type": "dict", "required": True},
            "stage_name": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
