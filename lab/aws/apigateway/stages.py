# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments are snapshots that never change. Each stage shows one of them."""

from __future__ import annotations

import copy
import re

from lab.aws.apigateway import stage_variables
from lab.aws.apigateway.common import (
    STAGES,
    Deployment,
    Item,
    RestApi,
    bad_request,
    boolean,
    conflict,
    find_api,
    methods_of,
    new_id,
    not_found,
    now,
    page,
    patch_fields,
    patches,
    quota_reached,
    segments,
)
from lab.aws.apigateway.stage_variables import releases
from lab.aws.apigateway.vpc_links import VpcLinks, hard_coded_links
from lab.aws.service import AwsError, Call

_STAGE_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Stages(VpcLinks):
    """CreateDeployment, CreateStage and their kin. Deployed APIs refer to VPC links."""

    def create_deployment(self, call: Call) -> Item:
        api = find_api(self.apis, call)
        # An empty name is none: Terraform's provider sends it.
        name = call.params.get("stageName") or None
        if name is not None and name not in api.stages:
            _check_new_stage(api, name)
        stage_variables.check(call.params.get("variables", {}))
        deployment = self._deploy(api, call.params.get("description"))
        if name is not None:
            stage = api.stages.setdefault(name, _new_stage(name, deployment))
            stage.update(deploymentId=deployment["id"], lastUpdatedDate=now())
            if "variables" in call.params:
                stage["variables"] = dict(call.params["variables"])
        return deployment

    def get_deployment(self, call: Call) -> Item:
        return self._deployment(call).info

    def get_deployments(self, call: Call) -> Item:
        return page(call, (deployment.info for deployment in find_api(self.apis, call).deployments.values()))

    def update_deployment(self, call: Call) -> Item:
        deployment = self._deployment(call)
        patch_fields(deployment.info, patches(call), ["/description"])
        return deployment.info

    def delete_deployment(self, call: Call) -> None:
        api, deployment = find_api(self.apis, call), self._deployment(call)
        if any(
            deployment.info["id"] == each["deploymentId"] for stage in api.stages.values() for each in releases(stage)
        ):
            raise bad_request("Active stages pointing to this deployment must be moved or deleted")
        del api.deployments[deployment.info["id"]]

    def create_stage(self, call: Call) -> Item:
        api = find_api(self.apis, call)
        name = call.params["stageName"]
        if name in api.stages:
            raise conflict("Stage already exists")
        _check_new_stage(api, name)
        _check_deployment(api, call.params["deploymentId"])
        stage_variables.check(call.params.get("variables", {}))
        stage = _new_stage(name, {"id": call.params["deploymentId"]})
        for field in ("description", "variables", "tags", "tracingEnabled"):
            if field in call.params:
                stage[field] = call.params[field]
        api.stages[name] = stage
        return stage

    def get_stage(self, call: Call) -> Item:
        return self._stage(call)

    def get_stages(self, call: Call) -> Item:
        stages = find_api(self.apis, call).stages.values()
        wanted = call.params.get("deploymentId")
        return {"item": [stage for stage in stages if wanted in (None, stage["deploymentId"])]}

    def update_stage(self, call: Call) -> Item:
        """All operations take effect together, or none does."""
        api, stage = find_api(self.apis, call), self._stage(call)
        changed = copy.deepcopy({**stage, "variables": stage.get("variables", {})})
        for operation, path, value in patches(call):
            _patch_stage(changed, operation, path, value)
        for release in releases(changed):
            _check_deployment(api, release["deploymentId"])
            stage_variables.check(release["variables"])
        if not changed["variables"]:
            del changed["variables"]
        changed["lastUpdatedDate"] = now()
        api.stages[stage["stageName"]] = changed
        return changed

    def delete_stage(self, call: Call) -> None:
        del find_api(self.apis, call).stages[self._stage(call)["stageName"]]

    def _stage(self, call: Call) -> Item:
        stages = find_api(self.apis, call).stages
        if call.params["stageName"] not in stages:
            raise not_found("Invalid stage identifier specified")
        return stages[call.params["stageName"]]

    def _deployment(self, call: Call) -> Deployment:
        deployments = find_api(self.apis, call).deployments
        if call.params["deploymentId"] not in deployments:
            raise not_found("Invalid Deployment identifier specified")
        return deployments[call.params["deploymentId"]]

    def _deploy(self, api: RestApi, description: str | None) -> Item:
        methods = [method for _, method in methods_of(api.resources)]
        if not methods:
            raise bad_request("The REST API doesn't contain any methods")
        if any("methodIntegration" not in method for method in methods):
            raise bad_request("No integration defined for method")
        for link_id, _, _ in hard_coded_links(api.resources):
            # The service model: deploying "will fail" while a link that is referred to is DELETING.
            link = self.find_link(link_id)
            if link is not None and link.status == "DELETING":
                raise bad_request(f"Vpc link '{link_id}' is being deleted")
        info: Item = {"id": new_id(6), "createdDate": now()}
        if description:
            info["description"] = description
        snapshot = copy.deepcopy((api.resources, api.validators, api.info.get("binaryMediaTypes", [])))
        api.deployments[info["id"]] = Deployment(info, *snapshot)
        return info


def _new_stage(name: str, deployment: Item) -> Item:
    return {
        "stageName": name,
        "deploymentId": deployment["id"],
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        "createdDate": now(),
        "lastUpdatedDate": now(),
    }


def _check_new_stage(api: RestApi, name: str) -> None:
    if not _STAGE_NAME.fullmatch(name):
        raise bad_request("Stage name only allows a-zA-Z0-9_")
    if len(api.stages) >= STAGES:
        raise quota_reached("stages for this API")


def _check_deployment(api: RestApi, identifier: str) -> None:
    if identifier not in api.deployments:
        raise bad_request("Deployment id does not exist")


def _patch_stage(stage: Item, operation: str, path: str, value: str) -> None:
    name, *rest = segments(path)
    if name == "variables" and len(rest) == 1:
        _patch_variable(stage["variables"], operation, rest[0], value)
    elif name == "canarySettings" and rest and operation in ("replace", "remove"):
        _patch_canary(stage, operation, rest, value)
    elif name == "canarySettings" and not rest and operation == "remove":
        stage.pop("canarySettings", None)
    elif name in ("deploymentId", "description") and not rest and operation == "replace":
        stage[name] = value
    elif name == "tracingEnabled" and operation == "replace":
        stage[name] = boolean(value)
    elif [name, *rest[:2]] == ["*", "*", "throttling"] and len(rest) == 3 and operation == "replace":
        _patch_throttling(stage["methodSettings"].setdefault("*/*", {}), rest[2], value)
    else:
        raise AwsError("NotImplemented", f"The lab doesn't cover {operation} of a stage's {path}", 501)


def _patch_throttling(settings: Item, limit: str, value: str) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html"""
    try:
        match limit:
            case "rateLimit":
                settings["throttlingRateLimit"] = float(value)
            case "burstLimit":
                settings["throttlingBurstLimit"] = int(value)
            case _:
                raise AwsError("NotImplemented", f"The lab doesn't cover throttling/{limit} of a stage", 501)
    except ValueError:
        raise bad_request(f"Invalid value specified for /*/*/throttling/{limit}") from None


def _patch_variable(variables: dict[str, str], operation: str, name: str, value: str) -> None:
    if operation == "remove":
        variables.pop(name, None)
    else:
        variables[name] = value


def _patch_canary(stage: Item, operation: str, path: list[str], value: str) -> None:
    """The first setting makes the canary, of the stage's own deployment."""
    new = {"percentTraffic": 0.0, "deploymentId": stage["deploymentId"], "useStageCache": False}
    canary = stage.setdefault("canarySettings", new)
    match path:
        case ["stageVariableOverrides", name]:
            _patch_variable(canary.setdefault("stageVariableOverrides", {}), operation, name, value)
        case ["deploymentId"] if operation == "replace":
            canary["deploymentId"] = value
        case ["percentTraffic"] if operation == "replace":
            canary["percentTraffic"] = _percent(value)
        case _:
            raise AwsError("NotImplemented", f"The lab doesn't cover {operation} of a canary's {'/'.join(path)}", 501)


def _percent(value: str) -> float:
    percent = float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else -1.0
    if not 0 <= percent <= 100:
        raise bad_request(f"Invalid percentage for canary traffic: {value}")
    return percent
