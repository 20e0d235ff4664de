# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A REST API with its stage as a plan sees it, and the plan: an ordered list of steps, one call each. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.ownership import Item
from .._core.results import snake_case_keys
from .._core.steps import Step
from .._core.tags import Tags
from .definition import Fingerprint, with_policy
from .patches import Patch, make_equal, remove, replace

Variables = dict[str, str]


@dataclass(frozen=True)
class RestApi:
    """An API, without what it serves."""

    id: str
    name: str
    description: str | None
    tags: dict[str, str]
    endpoint_types: tuple[str, ...]
    #: The resource policy as API Gateway shows it.
    policy: str | None

    @classmethod
    def of(cls, item: Item) -> RestApi:
        return cls(
            id=item["id"],
            name=item["name"],
            description=item.get("description"),
            tags=item.get("tags", {}),
            endpoint_types=tuple(item["endpointConfiguration"]["types"]),
            policy=item.get("policy"),
        )


@dataclass(frozen=True)
class Stored:
    """A definition as API Gateway has stored it, deployed or not: the digest, and the parts that a diff shows."""

    digest: str
    methods: Item
    settings: Item


@dataclass(frozen=True)
class Deployment:
    """A snapshot of an API. Only those that this collection made have a fingerprint."""

    id: str
    created: t.Any
    fingerprint: Fingerprint | None

    @classmethod
    def of(cls, item: Item) -> Deployment:
        return cls(item["id"], item.get("createdDate"), Fingerprint.of(item))


@dataclass(frozen=True)
class Canary:
    """What a share of a stage's requests gets: another deployment, other variables."""

    percent: float
    deployment_id: str | None
    variables: Variables


@dataclass(frozen=True)
class Stage:
    """What serves a deployment."""

    name: str
    deployment_id: str | None
    variables: Variables
    canary: Canary | None

    @classmethod
    def of(cls, item: Item) -> Stage:
        canary = item.get("canarySettings")
        return cls(
            name=item["stageName"],
            deployment_id=item.get("deploymentId"),
            variables=item.get("variables", {}),
            canary=canary
            and Canary(
                percent=canary.get("percentTraffic", 0.0),
                deployment_id=canary.get("deploymentId"),
                variables=canary.get("stageVariableOverrides", {}),
            ),
        )


@dataclass(frozen=True)
class State:
    """An API as it is. There may be none."""

    api: RestApi | None = None
    stored: Stored | None = None
    deployments: tuple[Deployment, ...] = ()
    stages: tuple[Stage, ...] = ()

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    def deployment(self, deployment_id: str | None) -> Deployment | None:
        return next((each for each in self.deployments if each.id == deployment_id), None)


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
    steps += _stage_steps(current.stage(desired.stage_name), deployment, desired)
    return steps + _clean_up_steps(current, deployment, desired)


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
    variables = make_equal("/variables", stage.variables, desired.variables)
    move = _move("/deploymentId", stage.deployment_id, deployment)
    if desired.canary_percent and (move or variables):
        patch = _canary_patch(stage.canary, deployment, desired)
    else:
        ended = stage.canary is not None and desired.canary_percent is not None
        patch = move + variables + ([remove("/canarySettings")] if ended else [])
    return [Step("UpdateStage", name, {"patchOperations": patch})] if patch else []


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
    """Delete our own deployments, except those in use: AWS would refuse."""
    used = {deployment.id if deployment else None}
    for stage in current.stages:
        # Only this stage moves, all of it or its canary.
        moves = stage.name == desired.stage_name
        if not moves or desired.canary_percent:
            used.add(stage.deployment_id)
        if stage.canary and (not moves or desired.canary_percent is None):
            used.add(stage.canary.deployment_id)
    return [
        Step("DeleteDeployment", each.id) for each in current.deployments if each.fingerprint and each.id not in used
    ]


def shown(state: State, stage_name: str | None) -> Item:
    """What a diff shows of an API as it is; nothing when there is none."""
    if state.api is None:
        return {}
    stage = state.stage(stage_name) if stage_name else None
    return {
        "name": state.api.name,
        "description": state.api.description,
        "tags": state.api.tags,
        "endpoint_types": list(state.api.endpoint_types),
        "settings": snake_case_keys(state.stored.settings) if state.stored else {},
        "methods": _shown_methods(state.stored.methods) if state.stored else {},
        "stage": _shown_stage(state, stage) if stage else {},
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
    """What a stage or its canary serves."""
    deployment = state.deployment(release.deployment_id)
    fingerprint = deployment.fingerprint if deployment else None
    return {"variables": release.variables, "definition_sha256": fingerprint and fingerprint.imported}


def shown_afterwards(state: State, desired: Desired | None, steps: list[Step]) -> Item:
    """What a diff shows of the API once the steps are done."""
    if desired is None:
        return {}
    before = shown(state, desired.stage_name)
    imports = any(step.action == "PutRestApi" for step in steps)
    settings = kept_policy(snake_case_keys(desired.settings), before.get("settings", {}))
    return {
        "name": desired.name,
        "description": desired.description,
        "tags": desired.tags.after(before.get("tags", {})),
        "endpoint_types": [desired.endpoint_type],
        "settings": settings if imports else before["settings"],
        "methods": _shown_methods(desired.methods) if imports else before["methods"],
        "stage": _stage_afterwards(before.get("stage", {}), desired),
    }


def _stage_afterwards(before: Item, desired: Desired) -> Item:
    percent = desired.canary_percent
    release = {
        "variables": before.get("variables", {}) if desired.variables is None else desired.variables,
        "definition_sha256": desired.imported,
    }
    if percent and before and release != {key: before[key] for key in release}:
        return {**before, "canary": {"percent": percent, **release}}
    return {"name": desired.stage_name, **release, "canary": before.get("canary", {}) if percent is None else {}}


def kept_policy(settings: Item, before: Item) -> Item:
    """An import leaves a resource policy that the definition doesn't have."""
    return {**settings, "policy": settings["policy"] or before.get("policy")}
