# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of API Gateway that keeps its resources in memory and remembers the calls, for tests of modules."""

from __future__ import annotations

import copy
import datetime
import itertools
import json
import typing as t
from types import SimpleNamespace

import pytest
from ansible_collections.seam.eks_auto.tests.unit.plugins.run_main import run_main
from botocore.exceptions import ClientError

Item = dict[str, t.Any]


def refusal(code: str, message: str = "refused") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class FakeApiGateway:
    """The operations that the modules use. ``refusals`` holds, by operation, errors to raise first."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(partition="aws", region_name="eu-central-1")
        self.calls: list[tuple[str, Item]] = []
        self.refusals: dict[str, list[ClientError]] = {}
        self.links: dict[str, Item] = {}
        self.link_statuses = ["PENDING", "AVAILABLE"]
        self.apis: dict[str, Item] = {}
        self.resources: list[Item] = []
        self.models: list[Item] = []
        self.import_warnings: list[str] = []
        self.deployments: dict[str, Item] = {}
        self.stages: dict[str, Item] = {}
        self.plans: dict[str, Item] = {}
        self.keys: dict[str, Item] = {}
        self.plan_keys: dict[str, list[str]] = {}
        #: EC2's answers about endpoint services, in order; afterwards there are none.
        self.endpoint_services: list[t.Any] = []
        #: Operations that another run calls as well, just before.
        self.rivals: set[str] = set()
        self._ids = itertools.count(1)
        self.v2 = FakeApiGatewayV2(self)

    @property
    def changes(self) -> list[str]:
        """The called operations, without those that only read."""
        return [operation for operation, _ in self.calls if not operation.startswith("get_")]

    def __getattribute__(self, name: str) -> t.Any:
        attribute = super().__getattribute__(name)
        if (
            not name.startswith(("get_", "create_", "update_", "delete_", "put_", "tag_", "untag_"))
            or name == "get_paginator"
        ):
            return attribute

        def called(**arguments: t.Any) -> t.Any:
            self.calls.append((name, arguments))
            if self.refusals.get(name):
                error = self.refusals[name].pop(0)
                error.operation_name = "".join(part.capitalize() for part in name.split("_"))
                raise error
            return copy.deepcopy(attribute(**arguments))

        return called

    def get_paginator(self, operation: str) -> t.Any:
        def paginate(PaginationConfig: Item, **arguments: t.Any) -> t.Any:
            return SimpleNamespace(build_full_result=lambda: getattr(self, operation)(**arguments))

        return SimpleNamespace(paginate=paginate)

    def new_id(self, kind: str) -> str:
        return f"{kind}{next(self._ids)}"

    def tag_resource(self, resourceArn: str, tags: dict[str, str]) -> None:
        self._tags_of(resourceArn).update(tags)

    def untag_resource(self, resourceArn: str, tagKeys: list[str]) -> None:
        for key in tagKeys:
            del self._tags_of(resourceArn)[key]

    def _tags_of(self, arn: str) -> dict[str, str]:
        kind, _, item_id = arn.rpartition("::/")[2].partition("/")
        kinds: dict[str, dict[str, Item]] = {
            "vpclinks": self.links,
            "restapis": self.apis,
            "usageplans": self.plans,
            "apikeys": self.keys,
        }
        tags: dict[str, str] = kinds[kind][item_id]["tags"]
        return tags

    # VPC links: a list shows those that are new or being deleted as they are, and moves them one status on.

    def get_vpc_links(self) -> Item:
        seen = copy.deepcopy(list(self.links.values()))
        for link in list(self.links.values()):
            if link["status"] == "DELETING":
                del self.links[link["id"]]
            elif link["status"] in self.link_statuses[:-1]:
                link["status"] = self.link_statuses[self.link_statuses.index(link["status"]) + 1]
                link["statusMessage"] = f"The link is {link['status']}"
        return {"items": seen}

    def create_vpc_link(self, **arguments: t.Any) -> Item:
        self._let_rival("create_vpc_link", self.links, {"status": "AVAILABLE", **arguments})
        link = {"id": self.new_id("link"), "status": "PENDING", **arguments}
        self.links[link["id"]] = link
        return link

    def update_vpc_link(self, vpcLinkId: str, patchOperations: list[Item]) -> Item:
        return patched(self.links[vpcLinkId], patchOperations)

    def delete_vpc_link(self, vpcLinkId: str) -> None:
        self.links[vpcLinkId]["status"] = "DELETING"

    # REST APIs. The test chooses the result of an import (``resources``), except the name.

    def get_rest_apis(self) -> Item:
        return {"items": list(self.apis.values())}

    def create_rest_api(self, **arguments: t.Any) -> Item:
        self._let_rival("create_rest_api", self.apis, arguments)
        api = {"id": self.new_id("api"), **arguments}
        self.apis[api["id"]] = api
        return api

    def _let_rival(self, operation: str, made: dict[str, Item], arguments: Item) -> None:
        if operation in self.rivals:
            self.rivals.remove(operation)
            rival = self.new_id("rival")
            made[rival] = copy.deepcopy({"id": rival, **arguments})

    def put_rest_api(self, restApiId: str, mode: str, failOnWarnings: bool, body: bytes) -> Item:
        document = json.loads(body)
        policy = document.get("x-amazon-apigateway-policy")
        endpoint = (document.get("servers") or [{}])[0].get("x-amazon-apigateway-endpoint-configuration", {})
        self.apis[restApiId].update(
            name=document["info"]["title"],
            description=document["info"].get("description"),
            # An import resets settings missing from the document.
            binaryMediaTypes=document.get("x-amazon-apigateway-binary-media-types", []),
            disableExecuteApiEndpoint=endpoint.get("disableExecuteApiEndpoint", False),
            policy=policy and json.dumps(policy).replace('"', '\\"'),
        )
        return {**self.apis[restApiId], "warnings": self.import_warnings}

    def update_rest_api(self, restApiId: str, patchOperations: list[Item]) -> Item:
        self.apis[restApiId]["endpointConfiguration"] = {"types": [patchOperations[0]["value"]]}
        return self.apis[restApiId]

    def delete_rest_api(self, restApiId: str) -> None:
        del self.apis[restApiId]

    def get_resources(self, restApiId: str, embed: list[str]) -> Item:
        return {"items": self.resources}

    def get_models(self, restApiId: str) -> Item:
        return {"items": self.models}

    def get_gateway_responses(self, restApiId: str) -> Item:
        return {"items": [{"responseType": "THROTTLED", "statusCode": "429", "defaultResponse": True}]}

    def get_request_validators(self, restApiId: str) -> Item:
        return {"items": []}

    def get_authorizers(self, restApiId: str) -> Item:
        return {"items": []}

    def get_deployments(self, restApiId: str) -> Item:
        return {"items": list(self.deployments.values())}

    def create_deployment(self, restApiId: str, description: str) -> Item:
        deployment: Item = {"id": self.new_id("deployment"), "description": description, "createdDate": next(self._ids)}
        self.deployments[deployment["id"]] = deployment
        return deployment

    def update_deployment(self, restApiId: str, deploymentId: str, patchOperations: list[Item]) -> Item:
        return patched(self.deployments[deploymentId], patchOperations)

    def delete_deployment(self, restApiId: str, deploymentId: str) -> None:
        del self.deployments[deploymentId]

    def get_stages(self, restApiId: str) -> Item:
        return {"item": list(self.stages.values())}

    def create_stage(self, restApiId: str, **arguments: t.Any) -> Item:
        self.stages[arguments["stageName"]] = arguments
        return arguments

    def update_stage(self, restApiId: str, stageName: str, patchOperations: list[Item]) -> Item:
        return patched(self.stages[stageName], patchOperations)

    def delete_stage(self, restApiId: str, stageName: str) -> None:
        held = [each for plan in self.plans.values() for each in plan["apiStages"]]
        if {"apiId": restApiId, "stage": stageName} in held:
            # Whether AWS takes it isn't documented.
            raise refusal("BadRequestException", "a usage plan holds the stage")
        del self.stages[stageName]

    # Usage plans and API keys

    def get_usage_plans(self) -> Item:
        return {"items": list(self.plans.values())}

    def create_usage_plan(self, **arguments: t.Any) -> Item:
        self._let_rival("create_usage_plan", self.plans, arguments)
        plan = copy.deepcopy({"id": self.new_id("plan"), **arguments})
        self.plans[plan["id"]] = plan
        return plan

    def update_usage_plan(self, usagePlanId: str, patchOperations: list[Item]) -> Item:
        plan = self.plans[usagePlanId]
        for operation in [o for o in patchOperations if o["path"] == "/apiStages"]:
            api, stage = operation["value"].split(":")
            change = plan["apiStages"].append if operation["op"] == "add" else plan["apiStages"].remove
            change({"apiId": api, "stage": stage})
        return patched(plan, [o for o in patchOperations if o["path"] != "/apiStages"])

    def delete_usage_plan(self, usagePlanId: str) -> None:
        if self.plans[usagePlanId].get("apiStages"):
            raise refusal("BadRequestException", "there are API Stages associated with it")
        del self.plans[usagePlanId]

    def get_usage_plan_keys(self, usagePlanId: str) -> Item:
        return {"items": [{"id": key, "value": "secret-value"} for key in self.plan_keys.get(usagePlanId, [])]}

    def create_usage_plan_key(self, usagePlanId: str, keyId: str, keyType: str) -> None:
        self.plan_keys.setdefault(usagePlanId, []).append(keyId)

    def delete_usage_plan_key(self, usagePlanId: str, keyId: str) -> None:
        self.plan_keys[usagePlanId].remove(keyId)

    def get_api_keys(self, includeValues: bool) -> Item:
        return {"items": list(self.keys.values())}

    def get_api_key(self, apiKey: str, includeValue: bool) -> Item:
        return {**self.keys[apiKey], "value": "secret-value"}

    def create_api_key(self, **arguments: t.Any) -> Item:
        self._let_rival("create_api_key", self.keys, arguments)
        key = {"id": self.new_id("key"), **arguments}
        self.keys[key["id"]] = key
        return {**key, "value": "secret-value"}

    def update_api_key(self, apiKey: str, patchOperations: list[Item]) -> Item:
        return patched(self.keys[apiKey], patchOperations)

    def delete_api_key(self, apiKey: str) -> None:
        del self.keys[apiKey]


class FakeApiGatewayV2:
    """The other API's operations on VPC links. Its calls are remembered with those of ``rest``, as ``..._v2``."""

    def __init__(self, rest: FakeApiGateway) -> None:
        self.rest = rest
        self.meta = rest.meta
        self.links: dict[str, Item] = {}
        self.pages = 1

    def __getattribute__(self, name: str) -> t.Any:
        attribute = super().__getattribute__(name)
        if not name.startswith(("get_", "create_", "update_", "delete_", "tag_", "untag_")):
            return attribute

        def called(**arguments: t.Any) -> t.Any:
            self.rest.calls.append((f"{name}_v2", arguments))
            return copy.deepcopy(attribute(**arguments))

        return called

    def get_vpc_links(self, MaxResults: str, NextToken: str = "0") -> Item:
        """Each page has every ``pages``-th of them."""
        page = int(NextToken)
        more = {"NextToken": str(page + 1)} if page + 1 < self.pages else {}
        seen = copy.deepcopy(list(self.links.values())[page :: self.pages])
        for link in [] if more else list(self.links.values()):
            if link["VpcLinkStatus"] == "DELETING":
                del self.links[link["VpcLinkId"]]
            elif link["VpcLinkStatus"] == "PENDING":
                link["VpcLinkStatus"] = "AVAILABLE"
        return {"Items": seen, **more}

    def create_vpc_link(self, **arguments: t.Any) -> Item:
        now = datetime.datetime.now(datetime.UTC)
        link = {"VpcLinkId": self.rest.new_id("v2-"), "VpcLinkStatus": "PENDING", "CreatedDate": now, **arguments}
        self.links[link["VpcLinkId"]] = link
        return link

    def update_vpc_link(self, VpcLinkId: str, Name: str) -> Item:
        self.links[VpcLinkId]["Name"] = Name
        return self.links[VpcLinkId]

    def delete_vpc_link(self, VpcLinkId: str) -> None:
        self.links[VpcLinkId]["VpcLinkStatus"] = "DELETING"

    def tag_resource(self, ResourceArn: str, Tags: dict[str, str]) -> None:
        self.links[ResourceArn.rpartition("/")[2]]["Tags"].update(Tags)

    def untag_resource(self, ResourceArn: str, TagKeys: list[str]) -> None:
        for key in TagKeys:
            del self.links[ResourceArn.rpartition("/")[2]]["Tags"][key]


class FakeEc2:
    """The one operation of EC2 that modules for API Gateway use."""

    def __init__(self, rest: FakeApiGateway) -> None:
        self.rest = rest

    def get_paginator(self, operation: str) -> t.Any:
        assert operation == "describe_vpc_endpoint_service_configurations"
        return SimpleNamespace(paginate=lambda: SimpleNamespace(build_full_result=self._answer))

    def _answer(self) -> Item:
        self.rest.calls.append(("get_endpoint_services", {}))
        answer = self.rest.endpoint_services.pop(0) if self.rest.endpoint_services else {}
        if isinstance(answer, Exception):
            raise answer
        return {"ServiceConfigurations": [{"ServiceId": key, "NetworkLoadBalancerArns": answer[key]} for key in answer]}


#: Settings that aren't text, although patch operations carry text.
TYPES: dict[str, t.Callable[[str], t.Any]] = {
    "percentTraffic": float,
    "rateLimit": float,
    "burstLimit": int,
    "limit": int,
    "offset": int,
    "enabled": "true".__eq__,
}


def patched(item: Item, operations: list[Item]) -> Item:
    """Patch operations as API Gateway takes them: paths of keys, values as text."""
    for operation in operations:
        *parents, key = operation["path"].strip("/").split("/")
        target = item
        for parent in parents:
            target = target.setdefault(parent, {})
        if operation["op"] == "remove":
            del target[key]
        else:
            target[key] = TYPES.get(key, str)(operation["value"])
    return item


class Run(t.NamedTuple):
    failed: bool
    result: Item
    warnings: list[str]


def told(result: Item) -> list[str]:
    """The actions that a module returned, each in one text."""
    return [f"{action['action']} {action['subject']}" for action in result["actions"]]


class Runner:
    """Runs a module's main() against a fake client."""

    def __init__(self, main: t.Callable[[], None], fake: FakeApiGateway, capsys: pytest.CaptureFixture[str]) -> None:
        self.main = main
        self.fake = fake
        self.capsys = capsys

    def __call__(self, check: bool = False, **options: t.Any) -> Run:
        self.fake.calls.clear()
        clients = {"apigatewayv2": self.fake.v2, "ec2": FakeEc2(self.fake)}
        result = run_main(
            self.main, lambda service: clients.get(service, self.fake), self.capsys, check=check, **options
        )
        return Run(result.pop("failed"), result, result.pop("warnings"))
