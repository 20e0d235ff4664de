# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for a REST API and its stage: an ordered list of steps, one call each. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.ownership import Item
from .._core.results import snake_case_keys
from .._core.steps import Step
from .._core.tags import Tags
from .definition import Fingerprint, with_policy
from .patches import Patch, make_equal, remove, replace, replace_differing
from .rest_api_state import (
    ALL_METHODS,
    CANDIDATE_OF,
    PUT_BACK,
    Canary,
    Deployment,
    RestApi,
    Stage,
    State,
    UsagePlan,
    Variables,
    candidate_name,
)

#: Patches of a stage that leave the answers to requests alone, or change only the share of a canary.
_NOTHING_NEW = ("/canarySettings", "/canarySettings/percentTraffic", "/description")


@dataclass(frozen=True, kw_only=True)
class Desired:
    """An API as it shall be. None leaves a setting as it is."""

    name: str
    description: str | None
    tags: Tags
    endpoint_type: str
    stage_name: str
    variables: Variables | None
    canary_percent: float | None
    #: Whether the stage stays, and a candidate serves what is new.
    candidate: bool = False
    #: The imported document, its digest, and the parts that a diff shows.
    body: bytes
    imported: str
    methods: Item = field(default_factory=dict)
    settings: Item = field(default_factory=dict)


def plan(current: State, desired: Desired | None) -> list[Step]:
    """The calls that make ``current`` the ``desired`` one (None: no API), in order."""
    if desired is None:
        return [Step("DeleteRestApi", current.api.id)] if current.api else []
    deployment = matching_deployment(current, desired)
    stored = current.stored and Fingerprint(desired.imported, current.stored.digest)
    steps = _api_steps(current.api, desired)
    if stored is None or stored not in [each.fingerprint for each in current.deployments]:
        body = with_policy(desired.body, current.api.policy if current.api else None)
        request = {"mode": "overwrite", "failOnWarnings": False, "body": body}
        steps.append(Step("PutRestApi", desired.name, request))
    if deployment is None:
        steps.append(Step("CreateDeployment", desired.name))
    if tries(current, desired):
        steps += _candidate_steps(current, deployment, desired)
    else:
        steps += _stage_steps(current.stage(desired.stage_name), deployment, desired)
        steps += _removal_steps(current, desired.stage_name)
    return steps + _clean_up_steps(current, deployment, desired)


def tries(current: State, desired: Desired) -> bool:
    """Whether a candidate serves what is new, and the stage stays as it is. One that an earlier run left is used again."""
    stage = current.stage(desired.stage_name)
    if not desired.candidate or stage is None:
        return False
    patch = _stage_patch(stage, matching_deployment(current, desired), desired)
    is_new = any(operation["path"] not in _NOTHING_NEW for operation in patch)
    return is_new or current.candidate(stage.name) is not None


def discard(current: State, stage_name: str) -> list[Step]:
    """The calls that remove a stage's candidate, with its deployment if nothing else serves this."""
    others = [stage for stage in current.stages if stage.candidate_of != stage_name]
    used = {deployment_id for stage in others for deployment_id in _uses(stage)}
    steps = _removal_steps(current, stage_name)
    return steps + (_deletions(current, used) if steps else [])


def roll_back(stage: Stage) -> list[Step]:
    """The call that undoes a stage's last change, and ends its canary.

    A canary, if there is one, is the last change: then the canary ends. None, where the stage was put back already.
    """
    if stage.canary:
        patch = [remove("/canarySettings")]
    elif stage.previous:
        served = {"deploymentId": stage.deployment_id}
        patch = [
            *replace_differing("", served, {"deploymentId": stage.previous.deployment_id}),
            *make_equal("/variables", stage.variables, stage.previous.variables),
            replace("/description", f"{PUT_BACK}{stage.deployment_id}"),
        ]
    else:
        return []
    return [Step("UpdateStage", stage.name, {"patchOperations": patch})]


def matching_deployment(current: State, desired: Desired) -> Deployment | None:
    """A deployment of just this definition: the stage's own if it is one, or else the newest."""
    matching = [
        each for each in current.deployments if each.fingerprint and each.fingerprint.imported == desired.imported
    ]
    stage = current.stage(desired.stage_name)
    served = stage and stage.deployment_id
    return max(matching, key=lambda each: (each.id == served, each.created), default=None)


def _api_steps(api: RestApi | None, desired: Desired) -> list[Step]:
    if api is None:
        request = {
            "name": desired.name,
            "description": desired.description,
            "tags": desired.tags.at_creation,
            "endpointConfiguration": {"types": [desired.endpoint_type]},
        }
        given = {key: value for key, value in request.items() if value is not None}
        return [Step("CreateRestApi", desired.name, given)]
    steps = desired.tags.steps(f"/restapis/{api.id}", api.tags)
    if api.endpoint_types != (desired.endpoint_type,):
        patch = [replace(f"/endpointConfiguration/types/{api.endpoint_types[0]}", desired.endpoint_type)]
        steps.append(Step("UpdateRestApi", api.id, {"patchOperations": patch}))
    return steps


def _stage_steps(stage: Stage | None, deployment: Deployment | None, desired: Desired) -> list[Step]:
    name = desired.stage_name
    if stage is None:
        return [Step("CreateStage", name, {"variables": desired.variables or {}, "tags": desired.tags.at_creation})]
    patch = _stage_patch(stage, deployment, desired)
    return [Step("UpdateStage", name, {"patchOperations": patch})] if patch else []


def _stage_patch(stage: Stage, deployment: Deployment | None, desired: Desired) -> Patch:
    changes = _changes(stage, deployment, desired)
    if desired.canary_percent and changes:
        return _canary_patch(stage.canary, deployment, desired)
    ended = stage.canary is not None and desired.canary_percent is not None
    remembered = [replace("/description", stage.release)] if changes else []
    return changes + ([remove("/canarySettings")] if ended else []) + remembered


def _changes(stage: Stage, deployment: Deployment | None, desired: Desired) -> Patch:
    """The steps after which a stage serves the desired state."""
    move = _move("/deploymentId", stage.deployment_id, deployment)
    return move + make_equal("/variables", stage.variables, desired.variables)


def _candidate_steps(current: State, deployment: Deployment | None, desired: Desired) -> list[Step]:
    """A stage beside the stage, with nothing different but the change. It has no cache."""
    api, stage = t.cast(RestApi, current.api), t.cast(Stage, current.stage(desired.stage_name))
    name, candidate = candidate_name(stage.name), current.candidate(stage.name)
    steps = []
    if candidate is None:
        request = {
            "variables": stage.variables if desired.variables is None else desired.variables,
            "tags": {**desired.tags.at_creation, CANDIDATE_OF: stage.name},
            "tracingEnabled": stage.tracing,
        }
        steps.append(Step("CreateStage", name, request))
    patch = _changes(candidate, deployment, desired) if candidate else []
    has_throttling = candidate.throttling if candidate else {}
    patch += replace_differing(f"/{ALL_METHODS}/throttling", has_throttling, stage.throttling)
    if patch:
        steps.append(Step("UpdateStage", name, {"patchOperations": patch}))
    for plan in current.usage_plans:
        if stage.name in plan.stages and name not in plan.stages:
            steps.append(_plan_step("add", plan, api, name))
    return steps


def _removal_steps(current: State, stage_name: str) -> list[Step]:
    """Remove a stage's candidate, once no usage plan holds it."""
    api, candidate = current.api, current.candidate(stage_name)
    if api is None or candidate is None:
        return []
    held = [plan for plan in current.usage_plans if candidate.name in plan.stages]
    leaving = [_plan_step("remove", plan, api, candidate.name) for plan in held]
    return [*leaving, Step("DeleteStage", candidate.name)]


def _plan_step(op: str, plan: UsagePlan, api: RestApi, stage_name: str) -> Step:
    patch = [{"op": op, "path": "/apiStages", "value": f"{api.id}:{stage_name}"}]
    return Step("UpdateUsagePlan", plan.id, {"patchOperations": patch})


def _move(path: str, served: str | None, deployment: Deployment | None) -> Patch:
    """Makes a stage or its canary serve the deployment. A new deployment (None) has no ID yet."""
    if deployment is None:
        return [{"op": "replace", "path": path}]
    return [] if served == deployment.id else [replace(path, deployment.id)]


def _canary_patch(canary: Canary | None, deployment: Deployment | None, desired: Desired) -> Patch:
    percent, has_percent = desired.canary_percent, canary and canary.percent
    return [
        *_move("/canarySettings/deploymentId", canary.deployment_id if canary else None, deployment),
        *([] if has_percent == percent else [replace("/canarySettings/percentTraffic", percent)]),
        *make_equal("/canarySettings/stageVariableOverrides", canary.variables if canary else {}, desired.variables),
    ]


def _clean_up_steps(current: State, deployment: Deployment | None, desired: Desired) -> list[Step]:
    """Delete our own deployments. Those in use, AWS would refuse; those that a stage served before, we keep."""
    used = {deployment.id if deployment else None}
    for stage in current.stages:
        if stage.name == desired.stage_name and not tries(current, desired):
            used |= _uses_afterwards(stage, deployment, desired)
        elif stage.candidate_of != desired.stage_name:
            used |= _uses(stage)
    return _deletions(current, used)


def _uses(stage: Stage) -> set[str | None]:
    releases = (stage.release, stage.canary, stage.previous)
    return {release.deployment_id for release in releases if release}


def _uses_afterwards(stage: Stage, deployment: Deployment | None, desired: Desired) -> set[str | None]:
    """The deployments that a stage uses after the steps, with its present one if it moves as a whole."""
    moves = not desired.canary_percent and _changes(stage, deployment, desired)
    kept = [
        stage.release,
        None if moves else stage.previous,
        stage.canary if desired.canary_percent is None else None,
    ]
    return {release.deployment_id for release in kept if release}


def _deletions(current: State, used: set[str | None]) -> list[Step]:
    return [
        Step("DeleteDeployment", each.id) for each in current.deployments if each.fingerprint and each.id not in used
    ]


def shown(state: State, stage_name: str | None) -> Item:
    """The diff's side before: the API as it is; empty when there is none."""
    if state.api is None:
        return {}
    stage = state.stage(stage_name) if stage_name else None
    candidate = state.candidate(stage_name) if stage_name else None
    return {
        "name": state.api.name,
        "description": state.api.description,
        "tags": state.api.tags,
        "endpoint_types": list(state.api.endpoint_types),
        "settings": snake_case_keys(state.stored.settings) if state.stored else {},
        "methods": _shown_methods(state.stored.methods) if state.stored else {},
        "stage": _shown_stage(state, stage) if stage else {},
        "candidate": {"name": candidate.name, **_shown_release(state, candidate)} if candidate else {},
    }


def _shown_methods(methods: Item) -> Item:
    return {name: snake_case_keys(method) for name, method in methods.items()}


def _shown_stage(state: State, stage: Stage) -> Item:
    canary = stage.canary
    served = _shown_release(state, canary) if canary else {}
    return {
        "name": stage.name,
        **_shown_release(state, stage),
        "canary": {"percent": canary.percent, **served} if canary else {},
    }


def _shown_release(state: State, release: Stage | Canary) -> Item:
    """The deployment and variables of a stage or its canary."""
    deployment = state.deployment(release.deployment_id)
    fingerprint = deployment.fingerprint if deployment else None
    return {"variables": release.variables, "definition_sha256": fingerprint and fingerprint.imported}


def shown_afterwards(state: State, desired: Desired | None, steps: list[Step]) -> Item:
    """The diff's side after: the API once the steps are done."""
    if desired is None:
        return {}
    before = shown(state, desired.stage_name)
    imports = any(step.action == "PutRestApi" for step in steps)
    settings = kept_policy(snake_case_keys(desired.settings), before.get("settings", {}))
    tried = tries(state, desired)
    return {
        "name": desired.name,
        "description": desired.description,
        "tags": desired.tags.after(before.get("tags", {})),
        "endpoint_types": [desired.endpoint_type],
        "settings": settings if imports else before["settings"],
        "methods": _shown_methods(desired.methods) if imports else before["methods"],
        "stage": before["stage"] if tried else _stage_afterwards(before.get("stage", {}), desired),
        "candidate": {"name": candidate_name(desired.stage_name), **_release_afterwards(before["stage"], desired)}
        if tried
        else {},
    }


def _release_afterwards(before: Item, desired: Desired) -> Item:
    return {
        "variables": before.get("variables", {}) if desired.variables is None else desired.variables,
        "definition_sha256": desired.imported,
    }


def _stage_afterwards(before: Item, desired: Desired) -> Item:
    percent = desired.canary_percent
    release = _release_afterwards(before, desired)
    if percent and before and release != {key: before[key] for key in release}:
        return {**before, "canary": {"percent": percent, **release}}
    return {"name": desired.stage_name, **release, "canary": before.get("canary", {}) if percent is None else {}}


def kept_policy(settings: Item, before: Item) -> Item:
    """An import leaves a resource policy that the definition doesn't have."""
    return {**settings, "policy": settings["policy"] or before.get("policy")}
