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
  - The deployment before a stage's last change is kept, with its variables, for M(seam.eks_auto.apigateway_rollback).
    The stage's description says what it is.
  - Other deployments of this module are removed when no stage uses them any more.
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
      - V(absent) removes the API with its stages and deployments. With O(candidate) it removes the candidate alone.
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
      - Share of the stage's requests, in per cent, for the changes of O(definition) and O(stage_variables). The
        other requests are served as before. Without such a change there is no canary, and any that the stage has is removed.
      - V(0) moves the whole stage, and removes its canary in the same call.
      - Unless given, the whole stage is moved, and a canary that it has is left alone.
    type: float
    version_added: 1.1.0
  candidate:
    description:
      - Whether a candidate serves what is new of O(definition) and O(stage_variables), and the stage stays as it is. The candidate
        is a stage beside it, O(stage_name) with C(-candidate). It has the stage's throttling and tracing, and the
        usage plans with O(ownership_tags) that the stage is in.
      - Where nothing is new there is no candidate. Neither is there one before there is a stage, which is then made at once.
      - V(false) moves the stage itself, and removes the candidate.
    type: bool
    default: false
    version_added: 1.1.0
  resource_quota:
    description:
      - How many resources API Gateway lets an API have, one for each segment of its paths. A O(definition) with more is refused
        before the first call.
      - Raise it when AWS has raised the quota.
    type: int
    default: 300
    version_added: 1.1.0
  tags:
    description:
      - The API's tags besides O(ownership_tags), and those of the stage when it is made.
      - Without this option they are left as they are.
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

- name: Serve another definition by a candidate
  seam.eks_auto.apigateway_rest_api:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    definition: "{{ definition }}"
    stage_name: prod
    candidate: true
  register: tried

- name: Call it there
  seam.eks_auto.apigateway_call:
    url: https://{{ tried.rest_api.id }}.execute-api.eu-central-1.amazonaws.com/{{ tried.candidate.stage_name }}
    api_key_id: "{{ usage_plan.api_key.id }}"
    requests:
      - path: /
  when: tried.candidate

- name: Move the stage, and remove the candidate
  seam.eks_auto.apigateway_rest_api:
    name: petstore
    ownership_tags:
      seam: petstore/petstore/vpclink
    definition: "{{ definition }}"
    stage_name: prod

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
candidate:
  description: The stage's candidate, likewise. Its C(stage_name) is part of the URL at which it is called.
  returned: success
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
      description: The resource's ID, or its name where the ID isn't known yet.
      type: str
      sample: petstore
    request:
      description:
        - The call's other arguments, keys in snake_case, without the definition. IDs that an earlier step makes are missing.
      type: dict
"""

import dataclasses
import typing as t

from ansible.module_utils.common import warnings
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api, waiters
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client
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
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.openapi import (
    RESOURCES,
    TARGET_KEYS,
    OpenApiError,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.patches import replace
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.rest_api_plan import (
    Desired,
    discard,
    kept_policy,
    matching_deployment,
    plan,
    shown,
    shown_afterwards,
    tries,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.rest_api_state import (
    Deployment,
    RestApi,
    Stage,
    State,
    Stored,
    UsagePlan,
    candidate_name,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import Rules, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.ownership import Item, make_room, only, owned
from ansible_collections.seam.eks_auto.plugins.module_utils._core.results import to_result
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, apply, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str"},
    "description": {"type": "str"},
    "ownership_tags": {"type": "dict", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "definition": {"type": "dict"},
    "endpoint_type": {"type": "str", "choices": ["REGIONAL", "EDGE"], "default": "REGIONAL"},
    "stage_name": {"type": "str"},
    "stage_variables": {"type": "dict"},
    "canary_percent": {"type": "float"},
    "candidate": {"type": "bool", "default": False},
    "resource_quota": {"type": "int", "default": RESOURCES},
    **Tags.ARGUMENTS,
}
RULES: dict[str, Rules] = {
    "ownership_tags": "ownership_tags",
    "stage_name": "stage_name",
    "stage_variables": "stage_variables",
    "canary_percent": {"between": [0, 100]},
    "resource_quota": "positive",
    "tags": "tags",
}
LARGEST_BODY = 6 * 1024 * 1024


def check(params: Item) -> None:
    """Refuse what API Gateway would refuse, before any call."""
    require_sound(params, RULES)
    if params["state"] == "absent":
        return
    try:
        check_definition(params["definition"], params["resource_quota"])
    except OpenApiError as error:
        raise SeamError(message=f"definition: {error}") from error
    body = import_body(params["definition"], params["name"], params["description"])
    require(
        len(body) <= LARGEST_BODY,
        f"definition is {len(body)} bytes as JSON, API Gateway imports at most 6 MB ({LARGEST_BODY})",
    )


def desired_state(params: Item, tags: Tags) -> Desired | None:
    """What is asked for."""
    if params["state"] == "absent":
        return None
    definition, variables, description = params["definition"], params["stage_variables"], params["description"]
    body = import_body(definition, params["name"], description)
    return Desired(
        name=params["name"],
        description=definition["info"].get("description") if description is None else description,
        tags=tags,
        endpoint_type=params["endpoint_type"],
        stage_name=params["stage_name"],
        variables=None if variables is None else {key: str(value) for key, value in variables.items()},
        canary_percent=params["canary_percent"],
        candidate=params["candidate"],
        body=body,
        imported=digest(body),
        methods=outline_of_definition(definition),
        settings=settings_of_definition(definition),
    )


class Observation(t.NamedTuple):
    """AWS's items, for the result, and the state made of them, for the plan."""

    api: Item | None
    stages: list[Item]
    deployments: list[Item]
    state: State


def observe(client: t.Any, tags: Tags, desired: Desired | None, stage_name: str | None) -> Observation:
    """The owned API with its deployments and stages, and what is stored of a definition if one is desired.

    Usage plans are looked at where the stage has a candidate or gets one.
    """
    item = only("REST API", owned(api.get_rest_apis(client), tags.ownership))
    if item is None:
        return Observation(None, [], [], State())
    deployments, stages = api.get_deployments(client, item["id"]), api.get_stages(client, item["id"])
    state = State(
        api=RestApi.of(item),
        stored=observe_definition(client, item, desired) if desired else None,
        deployments=tuple(Deployment.of(each) for each in deployments),
        stages=tuple(Stage.of(each) for each in stages),
    )
    if stage_name and (state.candidate(stage_name) or (desired and tries(state, desired))):
        plans = owned(api.get_usage_plans(client), tags.ownership)
        state = dataclasses.replace(state, usage_plans=tuple(UsagePlan.of(each, item["id"]) for each in plans))
    return Observation(item, stages, deployments, state)


def observe_definition(client: t.Any, rest_api: Item, desired: Desired) -> Stored:
    """API Gateway's stored form of a definition, deployed or not."""
    methods = live_methods(api.get_resources(client, rest_api["id"]))
    models = api.get_models(client, rest_api["id"])
    parts = Parts(
        api.get_gateway_responses(client, rest_api["id"]),
        api.get_request_validators(client, rest_api["id"]),
        api.get_authorizers(client, rest_api["id"]),
    )
    has_policy = desired.settings["policy"] is not None
    return Stored(
        digest=live_digest(rest_api, methods, models, parts, has_policy),
        methods=outline_of_live(methods),
        settings=settings_of_live(rest_api, parts),
    )


class Calls:
    """How a plan's steps are carried out. The IDs of what is created are only known here."""

    def __init__(self, client: t.Any, state: State, desired: Desired | None, tags: Tags) -> None:
        self.client = client
        self.desired = desired
        self.tags = tags
        self.id = state.api.id if state.api else ""
        self.deployment = matching_deployment(state, desired) if desired else None
        self.fingerprint = Fingerprint(desired.imported, state.stored.digest) if desired and state.stored else None

    def by_operation(self) -> dict[str, t.Callable[[Step], object]]:
        client = self.client
        return {
            "CreateRestApi": self._create,
            "TagResource": lambda step: api.tag_resource(client, step.subject, step.request["tags"]),
            "UntagResource": lambda step: api.untag_resource(client, step.subject, step.request["tagKeys"]),
            "UpdateRestApi": lambda step: api.update_rest_api(client, self.id, step.request["patchOperations"]),
            "PutRestApi": self._import,
            "CreateDeployment": self._deploy,
            "CreateStage": self._create_stage,
            "UpdateStage": self._update_stage,
            "UpdateUsagePlan": lambda step: api.update_usage_plan(
                client, step.subject, step.request["patchOperations"]
            ),
            "DeleteStage": lambda step: api.delete_stage(client, self.id, step.subject),
            "DeleteDeployment": lambda step: api.delete_deployment(client, self.id, step.subject),
            "DeleteRestApi": lambda step: api.delete_rest_api(client, step.subject),
        }

    def _create(self, step: Step) -> None:
        self.id = made = api.create_rest_api(self.client, **step.request)["id"]
        found = owned(api.get_rest_apis(self.client), self.tags.ownership)
        make_room("REST API", found, made, lambda: api.delete_rest_api(self.client, made))

    def _deploy(self, _step: Step) -> None:
        self.deployment = Deployment.of(api.create_deployment(self.client, self.id, str(self.fingerprint)))

    def _create_stage(self, step: Step) -> None:
        names = {"restApiId": self.id, "stageName": step.subject, "deploymentId": self._deployment_id}
        api.create_stage(self.client, **names, **step.request)

    def _update_stage(self, step: Step) -> None:
        patch = [
            operation
            if "value" in operation or operation["op"] == "remove"
            else replace(operation["path"], self._deployment_id)
            for operation in step.request["patchOperations"]
        ]
        api.update_stage(self.client, self.id, step.subject, patch)

    @property
    def _deployment_id(self) -> str:
        return t.cast(Deployment, self.deployment).id

    def _import(self, step: Step) -> None:
        """Import, and read the result back: AWS may not have stored all of the definition."""
        desired = t.cast(Desired, self.desired)
        answer = api.put_rest_api(self.client, self.id, **step.request)
        for warning in answer.get("warnings", []):
            warnings.warn(f"API Gateway says of the definition: {warning}")
        stored = observe_definition(self.client, answer, desired)
        if lost := lost_targets(desired.methods, stored.methods):
            raise SeamError(message=_lost(lost))
        if open_now := opened(desired.methods, stored.methods):
            raise SeamError(message=_opened(open_now))
        differences = outline_differences(desired.methods, stored.methods)
        differences += settings_differences(kept_policy(desired.settings, stored.settings), stored.settings)
        for difference in differences:
            warnings.warn(f"API Gateway stored the definition differently: {difference}")
        self.fingerprint = Fingerprint(desired.imported, stored.digest)
        # An edit was undone: the deployment stays as it is, but what is stored now may have got other model names.
        if self.deployment and self.deployment.fingerprint != self.fingerprint:
            patch = [replace("/description", self.fingerprint)]
            api.update_deployment(self.client, self.id, self.deployment.id, patch)


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


def run(module: AnsibleAWSModule, started: list[Step]) -> Result:
    """Look, plan, carry out unless in check mode, and return the module's result."""
    params = module.params
    check(params)
    tags, client = Tags.of(params), Client(module)
    desired, stage_name = desired_state(params, tags), params["stage_name"]
    found = observe(client, tags, desired, stage_name)
    before = shown(found.state, stage_name)
    if desired is None and params["candidate"]:
        steps, after = discard(found.state, stage_name), {**before, "candidate": {}} if before else {}
    else:
        require_own_candidate(found.state, desired)
        steps = plan(found.state, desired)
        after = shown_afterwards(found.state, desired, steps)
    if steps and not module.check_mode:
        apply(steps, Calls(client, found.state, desired, tags).by_operation(), started)
        found = observe(client, tags, None, None)
    stage = next((each for each in found.stages if each["stageName"] == stage_name), {})
    candidate = found.state.candidate(stage_name) if stage_name else None
    deployment = next((each for each in found.deployments if each["id"] == stage.get("deploymentId")), None)
    return {
        **report(steps),
        "diff": {"before": before, "after": after},
        "rest_api": to_result(found.api),
        "stage": to_result(stage),
        "candidate": to_result(
            next((each for each in found.stages if candidate and each["stageName"] == candidate.name), {})
        ),
        "deployment": to_result(deployment),
    }


def require_own_candidate(state: State, desired: Desired | None) -> None:
    """Refuse to take for a candidate a stage that somebody else made."""
    if desired is None or not tries(state, desired):
        return
    taken = state.stage(candidate_name(desired.stage_name))
    require(
        taken is None or taken.candidate_of == desired.stage_name,
        f"stage_name: the candidate of {desired.stage_name} would be called {candidate_name(desired.stage_name)}, and the API has a "
        "stage of that name which is none. Rename one of the two",
    )


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec=ARGUMENTS,
        required_if=[
            ("state", "present", ["name", "definition", "stage_name"]),
            ("candidate", True, ["stage_name"]),
        ],
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
