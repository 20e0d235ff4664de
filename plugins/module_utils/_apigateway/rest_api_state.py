# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A REST API with its deployments and stages, as AWS's answers have it. Pure."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from .._core.ownership import Item
from .definition import Fingerprint

Variables = dict[str, str]

#: A candidate's tag: the name of its stage.
CANDIDATE_OF = "seam.eks_auto/candidate-of"
#: How a stage's description begins after a rollback. Its deployment until then follows.
PUT_BACK = "put back from: deployment "
#: The settings of all methods of a stage.
ALL_METHODS = "*/*"


def candidate_name(stage_name: str) -> str:
    """A stage's name has 128 characters at most."""
    return f"{stage_name[:118]}-candidate"


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
class Release:
    """A deployment, and the variables with which a stage serves it. As text it is the description of the stage that served it."""

    deployment_id: str | None
    variables: Variables

    def __str__(self) -> str:
        return f"before: deployment {self.deployment_id} variables {json.dumps(self.variables, sort_keys=True)}"

    @classmethod
    def of_description(cls, text: str | None) -> Release | None:
        """The release that a stage's description names; None when it is somebody else's description."""
        match = re.fullmatch(r"before: deployment (\w+) variables (\{.*\})", text or "")
        return cls(match[1], json.loads(match[2])) if match else None


@dataclass(frozen=True)
class Canary:
    """Another deployment and other variables, for a share of a stage's requests."""

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
    #: What it served before.
    previous: Release | None
    was_put_back: bool
    #: The stage whose candidate it is.
    candidate_of: str | None
    tracing: bool
    throttling: Item

    @classmethod
    def of(cls, item: Item) -> Stage:
        canary = item.get("canarySettings")
        all_methods = item.get("methodSettings", {}).get(ALL_METHODS, {})
        limits = {"rateLimit": "throttlingRateLimit", "burstLimit": "throttlingBurstLimit"}
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
            previous=Release.of_description(item.get("description")),
            was_put_back=(item.get("description") or "").startswith(PUT_BACK),
            candidate_of=item.get("tags", {}).get(CANDIDATE_OF),
            tracing=item.get("tracingEnabled", False),
            throttling={key: all_methods[name] for key, name in limits.items() if name in all_methods},
        )

    @property
    def release(self) -> Release:
        return Release(self.deployment_id, self.variables)


@dataclass(frozen=True)
class UsagePlan:
    """A usage plan of ours, with the names of this API's stages that it is for."""

    id: str
    stages: frozenset[str]

    @classmethod
    def of(cls, item: Item, api_id: str) -> UsagePlan:
        stages = [each["stage"] for each in item.get("apiStages", []) if each["apiId"] == api_id]
        return cls(item["id"], frozenset(stages))


@dataclass(frozen=True)
class State:
    """An API as it is. There may be none."""

    api: RestApi | None = None
    stored: Stored | None = None
    deployments: tuple[Deployment, ...] = ()
    stages: tuple[Stage, ...] = ()
    #: Looked at where a candidate comes or goes.
    usage_plans: tuple[UsagePlan, ...] = ()

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    def candidate(self, stage_name: str) -> Stage | None:
        """The candidate of a stage."""
        return next((stage for stage in self.stages if stage.candidate_of == stage_name), None)

    def deployment(self, deployment_id: str | None) -> Deployment | None:
        return next((each for each in self.deployments if each.id == deployment_id), None)
