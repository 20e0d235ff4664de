#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports an OpenAPI document as a REST API, deploys it when it changed, and keeps its stage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigateway_rest_api
version_added: 1.0.0
short_description: Manage a REST API of API Gateway from an OpenAPI document
description:
  - Keeps a REST API as its O(definition) says, deployed to one stage.
  - Names of APIs aren't unique, so the API is known by its O(ownership_tags). Others are never touched.
  - The definition is imported again when it changed, or when the API was edited since the last import.
    It is deployed again only when it changed. Moving the stage and changing its variables is one atomic call.
  - Integrations with VPC links V2 name their load balancer (C(integrationTarget)). After an import it is read back, and the
    module fails before anything is deployed if API Gateway has not stored it.
  - To see changes, the digests of the imported definition and of what API Gateway stored of it are kept in the
    deployment's description.
  - Deployments that this module made and that no stage uses any more are removed.
author:
  - seam.eks_auto contributors (@seam)
options:
  name:
    description: Name of the API, instead of the definition's title. Required when O(state=present).
    type: str
  description:
    description: Description of the API, instead of the definition's.
    type: str
  ownership_tags:
    description: Tags that make an API ours. Set on creation; an existing API is found by carrying all of them.
    type: dict
    required: true
  state:
    description:
      - V(absent) removes the API with its stages and deployments.
      - Remove usage plans that hold its stages first, with M(seam.eks_auto.apigateway_usage_plan).
    type: str
    choices: [present, absent]
    default: present
  definition:
    description:
      - OpenAPI 3.0.1 or Swagger 2.0 document, at most 6 MB, with C(x-amazon-apigateway-integration) in every operation,
        see P(seam.eks_auto.vpc_link_integrations#filter).
      - Required when O(state=present).
    type: dict
  endpoint_type:
    description: Where the API's endpoint is.
    type: str
    choices: [REGIONAL, EDGE]
    default: REGIONAL
  stage_name:
    description: Stage that serves the API, of letters, digits, hyphens and underscores. Required when O(state=present).
    type: str
  stage_variables:
    description: All variables of the stage. Left as they are unless given.
    type: dict
  canary_percent:
    description:
      - Which share of the stage's requests, in per cent, gets what has changed of O(definition) and O(stage_variables). The
        others are served as before. Without such a change there is no canary, and any that the stage has is removed.
      - V(0) moves the whole stage, and removes its canary in the same call.
      - Unless given, the whole stage is moved, and a canary that it has is left alone.
    type: float
    version_added: 1.1.0
  tags:
    description:
      - More tags to set on the API, and on the stage when it is made.
      - Tags that aren't named here are left alone.
    type: dict
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - name: Canary releases
    description: How API Gateway divides the requests of a stage.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/canary-release.html
  - name: API Gateway's exceptions to OpenAPI
    description: What REST APIs don't import.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
  - name: Quotas of API Gateway
    description: How large an API may be, and how often it may be changed.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

EXAMPLES = r"""
- name: Serve the petstore through the VPC link
  seam.eks_auto.apigateway_rest_api:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    definition: >-
      {{ lookup('ansible.builtin.file', 'petstore.json') | from_json
         | seam.eks_auto.vpc_link_integrations(backends=[{'base_path': '/api/v3'}], paths={'/': '/'}) }}
    stage_name: prod
    stage_variables:
      vpcLinkId: "{{ link.vpc_link.id }}"
      nlbHost: "{{ nlb.load_balancer.dns_name }}"
  register: api

- name: Send one request in ten through another link first
  seam.eks_auto.apigateway_rest_api:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    definition: "{{ definition }}"
    stage_name: prod
    stage_variables:
      vpcLinkId: "{{ next_link.vpc_link.id }}"
      nlbHost: "{{ next_nlb.load_balancer.dns_name }}"
    canary_percent: 10

- name: Remove the API
  seam.eks_auto.apigateway_rest_api:
    ownership_tags:
      seam: petstore/petstore/vpclink
    state: absent
"""

RETURN = r"""
rest_api:
  description: The API as AWS shows it, in snake_case. Empty when there is none, also when check mode would make one.
  returned: success
  type: dict
  contains:
    id:
      description: ID of the API.
      type: str
      sample: oz2vid1f0h
    name:
      description: Name of the API.
      type: str
    tags:
      description: Tags of the API.
      type: dict
stage:
  description: The stage, likewise.
  returned: success
  type: dict
  contains:
    stage_name:
      description: Name of the stage.
      type: str
    deployment_id:
      description: ID of the deployment that the stage serves.
      type: str
    variables:
      description: Stage variables.
      type: dict
    canary_settings:
      description: The canary, with C(percent_traffic), C(deployment_id) and C(stage_variable_overrides). Missing when there is none.
      type: dict
deployment:
  description: The deployment that the stage serves, likewise.
  returned: success
  type: dict
  contains:
    id:
      description: ID of the deployment.
      type: str
    description:
      description: Digests of the imported definition and of what API Gateway stored of it.
      type: str
actions:
  description: The AWS calls that were made (in check mode, would be made) to change something.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: AWS's name of the operation.
      type: str
      sample: PutRestApi
    subject:
      description: What it is done to, by ID, or by name where the ID isn't known yet.
      type: str
      sample: petstore
"""

import re
import typing as t

from ansible.module_utils.common import warnings
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import (
    api,
    waiters,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import (
    AnsibleApiGatewayError,
    Item,
    Step,
    make_room,
    report,
    run_module,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.definition import (
    Fingerprint,
    Parts,
    check_definition,
    digest,
    import_body,
    live_digest,
    live_methods,
    lost_targets,
    opened,
    outline_differences,
    outline_of_definition,
    outline_of_live,
    settings_differences,
    settings_of_definition,
    settings_of_live,
    with_policy,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.openapi import (
    TARGET_KEYS,
    OpenApiError,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.transformations import (
    as_result,
    only,
    owned,
    ownership,
    replace,
    tag_steps,
)

LARGEST_BODY = 6 * 1024 * 1024


def check(params: Item) -> None:
    """Refuse what API Gateway would refuse, before anything is changed.

    Stages: https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html
    """
    try:
        check_definition(params["definition"])
    except OpenApiError as error:
        raise AnsibleApiGatewayError(message=f"definition: {error}") from error
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", params["stage_name"]):
        raise AnsibleApiGatewayError(
            message=f"stage_name must be 1 to 128 letters, digits, hyphens or underscores, not '{params['stage_name']}'"
        )
    percent = params["canary_percent"]
    if percent is not None and not 0 <= percent <= 100:
        raise AnsibleApiGatewayError(message=f"canary_percent must be between 0 and 100, not {percent:g}")
    variables = params["stage_variables"] or {}
    if len(variables) > 100:
        raise AnsibleApiGatewayError(message=f"stage_variables must be 100 at most, not {len(variables)}")
    for name, value in variables.items():
        if not re.fullmatch(r"[A-Za-z0-9_]{1,64}", name):
            raise AnsibleApiGatewayError(
                message=f"stage_variables: the name '{name}' must be 1 to 64 letters, digits or underscores"
            )
        if not re.fullmatch(r"[A-Za-z0-9\-._~:/?#&=,]{1,512}", str(value)):
            raise AnsibleApiGatewayError(
                message=f"stage_variables: the value of {name} must be 1 to 512 letters, digits or any of -._~:/?#&=,"
            )


def desired_state(params: Item, tags: dict[str, str]) -> Item:
    """What is asked for; None leaves a setting as it is."""
    desired = {key: params[key] for key in ("state", "name", "description", "endpoint_type", "stage_name")}
    desired["tags"] = tags
    if params["state"] == "absent":
        return desired
    check(params)
    body = import_body(params["definition"], params["name"], params["description"])
    if len(body) > LARGEST_BODY:
        raise AnsibleApiGatewayError(
            message=f"definition is {len(body)} bytes as JSON, API Gateway imports at most 6 MB ({LARGEST_BODY})"
        )
    variables = params["stage_variables"]
    desired["canary_percent"] = params["canary_percent"]
    desired["variables"] = None if variables is None else {key: str(value) for key, value in variables.items()}
    if params["description"] is None:
        desired["description"] = params["definition"]["info"].get("description")
    return {
        **desired,
        "body": body,
        "imported": digest(body),
        "outline": outline_of_definition(params["definition"]),
        "settings": settings_of_definition(params["definition"]),
    }


def plan(current: Item, desired: Item) -> list[Step]:
    """The calls that take ``current`` (``api``, ``stored``, ``deployments``, ``stages``) to the desired state."""
    rest_api = current["api"]
    if desired["state"] == "absent":
        return [Step("DeleteRestApi", rest_api["id"])] if rest_api else []
    steps = _api_steps(rest_api, desired)
    deployment = matching_deployment(current, desired)
    fingerprints = [Fingerprint.of(known) for known in current["deployments"]]
    if Fingerprint(desired["imported"], current["stored"]) not in fingerprints:
        steps.append(Step("PutRestApi", desired["name"]))
    if deployment is None:
        steps.append(Step("CreateDeployment", desired["name"]))
    steps += _stage_steps(stage_of(current, desired), deployment, desired)
    return steps + _clean_up_steps(current, deployment, desired)


def matching_deployment(current: Item, desired: Item) -> Item | None:
    """A deployment of just this definition: the stage's own if it is one, or else the newest."""
    matching = []
    for deployment in current["deployments"]:
        fingerprint = Fingerprint.of(deployment)
        if fingerprint and fingerprint.imported == desired["imported"]:
            matching.append(deployment)
    served = (stage_of(current, desired) or {}).get("deploymentId")
    return max(matching, key=lambda known: (known["id"] == served, known["createdDate"]), default=None)


def stage_of(current: Item, desired: Item) -> Item | None:
    return next((stage for stage in current["stages"] if stage["stageName"] == desired["stage_name"]), None)


def deployment_of(current: Item, release: Item) -> Item | None:
    """The deployment that a stage or its canary serves."""
    return next((known for known in current["deployments"] if known["id"] == release.get("deploymentId")), None)


def _api_steps(rest_api: Item | None, desired: Item) -> list[Step]:
    if rest_api is None:
        described = {key: desired[key] for key in ("name", "description", "tags") if desired[key] is not None}
        endpoint = {"types": [desired["endpoint_type"]]}
        return [Step("CreateRestApi", desired["name"], {**described, "endpointConfiguration": endpoint})]
    steps = tag_steps(f"/restapis/{rest_api['id']}", rest_api, desired["tags"])
    types = rest_api["endpointConfiguration"]["types"]
    if types != [desired["endpoint_type"]]:
        patch = [replace(f"/endpointConfiguration/types/{types[0]}", desired["endpoint_type"])]
        steps.append(Step("UpdateRestApi", rest_api["id"], {"patch": patch}))
    return steps


def _stage_steps(stage: Item | None, deployment: Item | None, desired: Item) -> list[Step]:
    name, variables = desired["stage_name"], desired["variables"]
    if stage is None:
        return [Step("CreateStage", name, {"variables": variables or {}, "tags": desired["tags"]})]
    patch = _variables_patch("/variables", stage.get("variables", {}), variables)
    move = _moves(stage, deployment)
    canary = stage.get("canarySettings", {})
    if desired["canary_percent"] and (move or patch):
        move = _moves(canary, deployment)
        patch = _canary_patch(canary, desired)
        at = "/canarySettings/deploymentId"
    else:
        patch += (
            [{"op": "remove", "path": "/canarySettings"}] if canary and desired["canary_percent"] is not None else []
        )
        at = "/deploymentId"
    return [Step("UpdateStage", name, {"move": at if move else None, "patch": patch})] if move or patch else []


def _moves(release: Item, deployment: Item | None) -> bool:
    """Whether a stage or its canary serves another deployment than it should."""
    return deployment is None or release.get("deploymentId") != deployment["id"]


def _variables_patch(path: str, current: dict[str, str], desired: dict[str, str] | None) -> list[Item]:
    if desired is None:
        return []
    patch = [replace(f"{path}/{key}", value) for key, value in desired.items() if current.get(key) != value]
    return patch + [{"op": "remove", "path": f"{path}/{key}"} for key in current if key not in desired]


def _canary_patch(canary: Item, desired: Item) -> list[Item]:
    percent, overrides = desired["canary_percent"], canary.get("stageVariableOverrides", {})
    patch = [] if canary.get("percentTraffic") == percent else [replace("/canarySettings/percentTraffic", percent)]
    return patch + _variables_patch("/canarySettings/stageVariableOverrides", overrides, desired["variables"])


def _clean_up_steps(current: Item, deployment: Item | None, desired: Item) -> list[Step]:
    """Our own deployments that no stage will use. AWS refuses to delete one that a stage uses."""
    used = {deployment["id"]} if deployment else set()
    for stage in current["stages"]:
        # Only this stage moves, all of it or its canary.
        moves = stage["stageName"] == desired["stage_name"]
        if not moves or desired["canary_percent"]:
            used.add(stage["deploymentId"])
        if not moves or desired["canary_percent"] is None:
            used.add(stage.get("canarySettings", {}).get("deploymentId"))
    return [
        Step("DeleteDeployment", old["id"], {"deployment_id": old["id"]})
        for old in current["deployments"]
        if Fingerprint.of(old) and old["id"] not in used
    ]


def observe(client: t.Any, ownership_tags: dict[str, str]) -> Item:
    """The owned API with its deployments and stages."""
    rest_api = only("REST API", owned(api.get_rest_apis(client), ownership_tags))
    if rest_api is None:
        return {"api": None, "deployments": [], "stages": []}
    return {
        "api": rest_api,
        "deployments": api.get_deployments(client, rest_api["id"]),
        "stages": api.get_stages(client, rest_api["id"]),
    }


def observe_definition(client: t.Any, rest_api: Item | None, desired: Item) -> Item:
    """What API Gateway has stored of a definition, deployed or not."""
    if rest_api is None:
        return {"stored": None, "outline": {}, "settings": {}}
    methods = live_methods(api.get_resources(client, rest_api["id"]))
    models = api.get_models(client, rest_api["id"])
    parts = Parts(
        api.get_gateway_responses(client, rest_api["id"]),
        api.get_request_validators(client, rest_api["id"]),
        api.get_authorizers(client, rest_api["id"]),
    )
    has_policy = desired["settings"]["policy"] is not None
    return {
        "stored": live_digest(rest_api, methods, models, parts, has_policy),
        "outline": outline_of_live(methods),
        "settings": settings_of_live(rest_api, parts),
    }


class RestApi:
    """Carries out a plan's steps; the IDs of what is created are only known here."""

    def __init__(self, client: t.Any, current: Item, desired: Item, ownership_tags: dict[str, str]) -> None:
        self.client = client
        self.desired = desired
        self.ownership_tags = ownership_tags
        self.id = current["api"] and current["api"]["id"]
        self.policy = current["api"] and current["api"].get("policy")
        self.deployment = matching_deployment(current, desired) if self.id and "imported" in desired else None
        self.fingerprint = Fingerprint(desired.get("imported", ""), current["stored"] or "")

    def _create(self, arguments: Item) -> None:
        self.id = made = api.create_rest_api(self.client, **arguments)["id"]
        found = owned(api.get_rest_apis(self.client), self.ownership_tags)
        make_room("REST API", found, made, lambda: api.delete_rest_api(self.client, made))

    def apply(self, step: Step) -> None:
        arguments = step.arguments
        match step.action:
            case "CreateRestApi":
                self._create(arguments)
            case "TagResource":
                api.tag_resource(self.client, **arguments)
            case "UpdateRestApi":
                api.update_rest_api(self.client, self.id, **arguments)
            case "PutRestApi":
                self._import()
            case "CreateDeployment":
                self.deployment = api.create_deployment(self.client, self.id, str(self.fingerprint))
            case "CreateStage":
                names = {"restApiId": self.id, "stageName": step.subject, "deploymentId": self.deployment_id}
                api.create_stage(self.client, **names, **arguments)
            case "UpdateStage":
                move = [replace(arguments["move"], self.deployment_id)] if arguments["move"] else []
                api.update_stage(self.client, self.id, step.subject, move + arguments["patch"])
            case "DeleteDeployment":
                api.delete_deployment(self.client, self.id, **arguments)
            case "DeleteRestApi":
                api.delete_rest_api(self.client, self.id)
            case unknown:
                raise ValueError(f"no way to carry out {unknown}")

    @property
    def deployment_id(self) -> str:
        return t.cast(Item, self.deployment)["id"]

    def _import(self) -> None:
        answer = api.put_rest_api(self.client, self.id, with_policy(self.desired["body"], self.policy))
        for warning in answer.get("warnings", []):
            warnings.warn(f"API Gateway says of the definition: {warning}")
        live = observe_definition(self.client, answer, self.desired)
        if lost := lost_targets(self.desired["outline"], live["outline"]):
            raise AnsibleApiGatewayError(message=_lost(lost))
        if open_now := opened(self.desired["outline"], live["outline"]):
            raise AnsibleApiGatewayError(message=_opened(open_now))
        settings = _kept_policy(self.desired["settings"], live["settings"])
        differences = outline_differences(self.desired["outline"], live["outline"])
        for difference in differences + settings_differences(settings, live["settings"]):
            warnings.warn(f"API Gateway stored the definition differently: {difference}")
        self.fingerprint = Fingerprint(self.desired["imported"], live["stored"])
        # An edit was undone: the deployment stays as it is, but what is stored now may have got other model names.
        if self.deployment and Fingerprint.of(self.deployment) != self.fingerprint:
            patch = [replace("/description", self.fingerprint)]
            api.update_deployment(self.client, self.id, self.deployment_id, patch)


def _lost(methods: list[str]) -> str:
    return (
        f"API Gateway has not stored the integration target of {', '.join(methods)} as the definition has it. Without it, no "
        "request gets through a VPC link V2, so nothing was deployed: stages serve what they did before.\n"
        f"Owner: {waiters.OWNER}\n"
        f"To do: use the other of AWS's two spellings ({' and '.join(TARGET_KEYS)}), which is integration_target_key of the "
        "filter vpc_link_integrations and apigw_vpclink_integration_target_key of the role apigw_vpclink"
    )


def _opened(methods: list[str]) -> str:
    return (
        f"API Gateway has not stored the security of {', '.join(methods)} as the definition has it, and would let in callers "
        "without the key or authorizer, so nothing was deployed: stages serve what they did before.\n"
        f"Owner: {waiters.OWNER}\n"
        "To do: compare the security schemes of the definition with API Gateway's warnings of this run"
    )


def _kept_policy(settings: Item, before: Item) -> Item:
    """An import leaves a resource policy that the definition doesn't have."""
    return {**settings, "policy": settings["policy"] or before.get("policy")}


def _shown(current: Item, definition: Item, stage_name: str | None) -> Item:
    """What a diff shows of an API."""
    stage = stage_of(current, {"stage_name": stage_name}) or {}
    canary = stage.get("canarySettings", {})
    shown = _shown_release(current, canary, "stageVariableOverrides")
    rest_api = current["api"] or {}
    return {
        "name": rest_api.get("name"),
        "description": rest_api.get("description"),
        "tags": rest_api.get("tags", {}),
        "endpoint_types": rest_api.get("endpointConfiguration", {}).get("types", []),
        "settings": definition["settings"],
        "methods": definition["outline"],
        "stage": {
            "name": stage.get("stageName"),
            **_shown_release(current, stage, "variables"),
            "canary": {"percent": canary["percentTraffic"], **shown} if canary else {},
        },
    }


def _shown_release(current: Item, release: Item, variables: str) -> Item:
    """What a diff shows of what a stage or its canary serves."""
    served = deployment_of(current, release)
    fingerprint = Fingerprint.of(served) if served else None
    return {"variables": release.get(variables, {}), "definition_sha256": fingerprint and fingerprint.imported}


def _prediction(before: Item, desired: Item, steps: list[Step]) -> Item:
    """How it will look, for the diff."""
    if desired["state"] == "absent":
        return {}
    imports = any(step.action == "PutRestApi" for step in steps)
    return {
        "name": desired["name"],
        "description": desired["description"],
        "tags": {**before["tags"], **desired["tags"]},
        "endpoint_types": [desired["endpoint_type"]],
        "settings": _kept_policy(desired["settings"], before["settings"]) if imports else before["settings"],
        "methods": desired["outline"] if imports else before["methods"],
        "stage": _predicted_stage(before["stage"], desired),
    }


def _predicted_stage(before: Item, desired: Item) -> Item:
    variables, percent = desired["variables"], desired["canary_percent"]
    release = {
        "variables": before["variables"] if variables is None else variables,
        "definition_sha256": desired["imported"],
    }
    if percent and before["name"] and release != {key: before[key] for key in release}:
        return {**before, "canary": {"percent": percent, **release}}
    return {"name": desired["stage_name"], **release, "canary": before["canary"] if percent is None else {}}


def run(module: AnsibleAWSModule, client: t.Any, started: list[Step]) -> Item:
    """Plan, carry out unless in check mode, and return the module's result."""
    ownership_tags, tags = ownership(module.params)
    desired = desired_state(module.params, tags)
    current = observe(client, ownership_tags)
    definition = observe_definition(client, current["api"] if desired["state"] == "present" else None, desired)
    current["stored"] = definition["stored"]
    steps = plan(current, desired)
    before = _shown(current, definition, desired["stage_name"]) if current["api"] else {}
    empty = _shown({"api": None, "deployments": [], "stages": []}, {"settings": {}, "outline": {}}, None)
    diff = {"before": before, "after": _prediction(before or empty, desired, steps)}
    if steps and not module.check_mode:
        rest_api = RestApi(client, current, desired, ownership_tags)
        for step in steps:
            started.append(step)
            rest_api.apply(step)
        current = observe(client, ownership_tags)
    stage = stage_of(current, desired) or {}
    return {
        **report(steps),
        "diff": diff,
        "rest_api": as_result(current["api"]) or {},
        "stage": as_result(stage) or {},
        "deployment": as_result(deployment_of(current, stage)) or {},
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "name": {"type": "str"},
            "description": {"type": "str"},
            "ownership_tags": {"type": "dict", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "definition": {"type": "dict"},
            "endpoint_type": {"type": "str", "choices": ["REGIONAL", "EDGE"], "default": "REGIONAL"},
            "stage_name": {"type": "str"},
            "stage_variables": {"type": "dict"},
            "canary_percent": {"type": "float"},
            "tags": {"type": "dict"},
        },
        required_if=[("state", "present", ["name", "definition", "stage_name"])],
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
