# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's API Gateway, called through boto3: REST APIs, deployments, stages, usage plans, keys, tags."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.tests.lab.apigateway_endpoint import (
    REGION,
    add_load_balancer,
    client_of,
    document,
    http_method,
    settings,
)
from botocore.exceptions import ClientError

from lab.aws.apigateway import ApiGateway


@pytest.fixture(name="aws")
def _aws(tmp_path: Path) -> Any:
    return client_of(ApiGateway(settings(tmp_path)))


def refusal(function: Any, **arguments: Any) -> tuple[str, str]:
    """The (code, message) that AWS refuses a call with."""
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def imported(aws: Any, paths: dict[str, Any], **more: Any) -> str:
    """The id of an API made of these paths."""
    body = json.dumps(document(paths, **more))
    return str(aws.import_rest_api(body=body, parameters={"endpointConfigurationTypes": "REGIONAL"})["id"])


def deployed(aws: Any, paths: dict[str, Any], **stage: Any) -> tuple[str, str]:
    """An API with a stage ``prod``: (API id, deployment id)."""
    api = imported(aws, paths)
    deployment = aws.create_deployment(restApiId=api)["id"]
    aws.create_stage(restApiId=api, stageName="prod", deploymentId=deployment, **stage)
    return api, deployment


PETS = {"/pet/{petId}": {"get": http_method("http://${stageVariables.host}:80/pet/1")}}


def test_a_new_api_has_a_root_the_first_models_and_its_tags(aws: Any) -> None:
    made = aws.create_rest_api(
        name="petstore", description="pets", tags={"team": "infra"}, endpointConfiguration={"types": ["REGIONAL"]}
    )
    api = aws.get_rest_api(restApiId=made["id"])
    assert api["tags"] == {"team": "infra"}
    assert api["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert aws.get_resources(restApiId=made["id"])["items"] == [{"id": api["rootResourceId"], "path": "/"}]
    assert [model["name"] for model in aws.get_models(restApiId=made["id"])["items"]] == ["Empty", "Error"]


def test_listings_come_in_pages(aws: Any) -> None:
    made = {aws.create_rest_api(name=f"api{number}")["id"] for number in range(5)}
    first = aws.get_rest_apis(limit=3)
    assert len(first["items"]) == 3
    assert "position" in first
    pages = aws.get_paginator("get_rest_apis").paginate(PaginationConfig={"PageSize": 2})
    assert {api["id"] for api in pages.build_full_result()["items"]} == made


def test_update_and_delete_of_an_api(aws: Any) -> None:
    api = aws.create_rest_api(name="before")["id"]
    operations = [
        {"op": "replace", "path": "/name", "value": "after"},
        {"op": "add", "path": "/binaryMediaTypes/application~1octet-stream"},
        {"op": "replace", "path": "/endpointConfiguration/types/EDGE", "value": "REGIONAL"},
    ]
    changed = aws.update_rest_api(restApiId=api, patchOperations=operations)
    assert changed["name"] == "after"
    assert changed["binaryMediaTypes"] == ["application/octet-stream"]
    assert changed["endpointConfiguration"]["types"] == ["REGIONAL"]
    aws.delete_rest_api(restApiId=api)
    assert refusal(aws.get_rest_api, restApiId=api) == (
        "NotFoundException", f"Invalid API identifier specified 123456789012:{api}"
    )  # fmt: skip


def test_an_api_without_methods_or_integrations_is_not_deployed(aws: Any) -> None:
    empty = aws.create_rest_api(name="empty")["id"]
    assert refusal(aws.create_deployment, restApiId=empty) == (
        "BadRequestException", "The REST API doesn't contain any methods"
    )  # fmt: skip
    bare = imported(aws, {"/pet": {"get": {"responses": {}}}})
    assert refusal(aws.create_deployment, restApiId=bare) == (
        "BadRequestException", "No integration defined for method"
    )  # fmt: skip


def test_a_deployment_in_use_is_kept_and_others_can_go(aws: Any) -> None:
    api, first = deployed(aws, PETS)
    second = aws.create_deployment(restApiId=api, description="sha256")["id"]
    assert refusal(aws.delete_deployment, restApiId=api, deploymentId=first) == (
        "BadRequestException", "Active stages pointing to this deployment must be moved or deleted"
    )  # fmt: skip
    move = [{"op": "replace", "path": "/deploymentId", "value": second}]
    aws.update_stage(restApiId=api, stageName="prod", patchOperations=move)
    aws.delete_deployment(restApiId=api, deploymentId=first)
    assert [(d["id"], d["description"]) for d in aws.get_deployments(restApiId=api)["items"]] == [(second, "sha256")]


def test_a_stage_is_patched_as_a_whole_or_not_at_all(aws: Any) -> None:
    api, _ = deployed(aws, PETS, variables={"host": "a.example", "old": "1"})
    good = [
        {"op": "replace", "path": "/variables/host", "value": "b.example"},
        {"op": "remove", "path": "/variables/old"},
        {"op": "replace", "path": "/description", "value": "moved"},
    ]
    bad = [
        {"op": "replace", "path": "/variables/host", "value": "c.example"},
        {"op": "replace", "path": "/deploymentId", "value": "nosuch"},
    ]
    aws.update_stage(restApiId=api, stageName="prod", patchOperations=good)
    assert refusal(aws.update_stage, restApiId=api, stageName="prod", patchOperations=bad)[0] == "BadRequestException"
    stage = aws.get_stage(restApiId=api, stageName="prod")
    assert (stage["variables"], stage["description"]) == ({"host": "b.example"}, "moved")


def test_a_stages_limits_are_set_for_all_methods(aws: Any) -> None:
    api, _ = deployed(aws, PETS)
    limits = {"rateLimit": "10", "burstLimit": "20"}
    patch = [{"op": "replace", "path": f"/*/*/throttling/{name}", "value": value} for name, value in limits.items()]
    stage = aws.update_stage(restApiId=api, stageName="prod", patchOperations=patch)
    assert stage["methodSettings"] == {"*/*": {"throttlingRateLimit": 10.0, "throttlingBurstLimit": 20}}
    wrong = [{"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "much"}]
    assert refusal(aws.update_stage, restApiId=api, stageName="prod", patchOperations=wrong)[0] == "BadRequestException"


def test_a_canary_is_set_changed_and_removed_by_patches(aws: Any) -> None:
    """The documents' own example: create-canary-deployment, update-canary-deployment, delete-canary-deployment."""
    api, first = deployed(aws, PETS, variables={"sv0": "val0", "sv1": "val1"})
    second = aws.create_deployment(restApiId=api)["id"]

    def patch(*operations: dict[str, str]) -> Any:
        return aws.update_stage(restApiId=api, stageName="prod", patchOperations=list(operations))

    made = patch(
        {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "10.5"},
        {"op": "replace", "path": "/canarySettings/stageVariableOverrides/sv1", "value": "val2"},
        {"op": "replace", "path": "/canarySettings/stageVariableOverrides/sv2", "value": "val3"},
    )
    assert (made["variables"], made["deploymentId"]) == ({"sv0": "val0", "sv1": "val1"}, first)
    assert made["canarySettings"] == {
        "percentTraffic": 10.5,
        "deploymentId": first,
        "useStageCache": False,
        "stageVariableOverrides": {"sv1": "val2", "sv2": "val3"},
    }
    changed = patch(
        {"op": "replace", "path": "/canarySettings/deploymentId", "value": second},
        {"op": "remove", "path": "/canarySettings/stageVariableOverrides/sv1"},
    )["canarySettings"]
    assert (changed["deploymentId"], changed["stageVariableOverrides"]) == (second, {"sv2": "val3"})
    assert "must be moved or deleted" in refusal(aws.delete_deployment, restApiId=api, deploymentId=second)[1]
    for path, value in (("percentTraffic", "101"), ("deploymentId", "nosuch"), ("stageVariableOverrides/a", "{")):
        operations = [{"op": "replace", "path": f"/canarySettings/{path}", "value": value}]
        code, _ = refusal(aws.update_stage, restApiId=api, stageName="prod", patchOperations=operations)
        assert code == "BadRequestException"
    assert "canarySettings" not in patch({"op": "remove", "path": "/canarySettings"})


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"host": "a{b}"}, "Invalid stage variable value of key host.  Please use values with alphanumeric"),
        ({"host": "x" * 513}, "Invalid stage variable value of key host."),
        ({"host": "a b"}, "Invalid stage variable value of key host."),
        ({"host": ""}, "Invalid stage variable value of key host."),
        ({"ho-st": "a"}, "Invalid stage variable name: ho-st. Please use names with only word characters."),
    ],
)
def test_stage_variables_are_checked(aws: Any, variables: dict[str, str], words: str) -> None:
    api = imported(aws, PETS)
    deployment = aws.create_deployment(restApiId=api)["id"]
    arguments = {"restApiId": api, "stageName": "prod", "deploymentId": deployment, "variables": variables}
    assert words in refusal(aws.create_stage, **arguments)[1]


def test_stage_variables_hold_all_that_the_model_names(aws: Any) -> None:
    """The pattern in CreateStage's reference."""
    value = "aZ09-._~:/?#&=,"
    api, _ = deployed(aws, PETS, variables={"host": value})
    assert aws.get_stage(restApiId=api, stageName="prod")["variables"] == {"host": value}


def test_an_empty_stage_name_deploys_to_no_stage(aws: Any) -> None:
    """As Terraform's provider sends it."""
    api = imported(aws, PETS)
    assert aws.create_deployment(restApiId=api, stageName="")["id"]
    assert aws.get_stages(restApiId=api)["item"] == []


def test_stage_names_and_number_are_limited(aws: Any) -> None:
    api, deployment = deployed(aws, PETS)
    here = {"restApiId": api, "deploymentId": deployment}
    assert refusal(aws.create_stage, stageName="a.b", **here)[1] == "Stage name only allows a-zA-Z0-9_"
    assert refusal(aws.create_stage, stageName="prod", **here) == ("ConflictException", "Stage already exists")
    for number in range(9):
        aws.create_stage(stageName=f"s{number}", **here)
    assert refusal(aws.create_stage, stageName="one-more", **here)[0] == "LimitExceededException"
    aws.delete_stage(restApiId=api, stageName="s0")
    assert len(aws.get_stages(restApiId=api)["item"]) == 9


def test_someone_edits_in_the_console(aws: Any) -> None:
    api = imported(aws, PETS)
    by_path = {item["path"]: item for item in aws.get_resources(restApiId=api, embed=["methods"])["items"]}
    method = {"restApiId": api, "resourceId": by_path["/pet/{petId}"]["id"], "httpMethod": "GET"}
    timeout = [{"op": "replace", "path": "/timeoutInMillis", "value": "5000"}]
    aws.update_integration(patchOperations=timeout, **method)
    aws.update_method(patchOperations=[{"op": "replace", "path": "/apiKeyRequired", "value": "true"}], **method)
    assert aws.get_integration(**method)["timeoutInMillis"] == 5000
    assert aws.get_method(**method)["apiKeyRequired"] is True
    aws.put_integration(type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://example.com/", **method)
    assert aws.get_integration(**method) | {"ResponseMetadata": None} == {
        "type": "HTTP_PROXY",
        "httpMethod": "GET",
        "uri": "http://example.com/",
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29000,
        "cacheNamespace": method["resourceId"],
        "cacheKeyParameters": [],
        "ResponseMetadata": None,
    }


@pytest.mark.parametrize(
    ("integration", "message"),
    [
        ({"connectionId": None}, "ConnectionId should be set to the vpcLinkId or stage variable on connection type"),
        ({"connectionId": "nosuch"}, "Invalid Vpc Link identifier specified"),
        ({"uri": "http://[NLB]/pet"}, "Invalid HTTP endpoint specified for URI"),
        ({"uri": "pet"}, "Invalid HTTP endpoint specified for URI"),
        ({"timeoutInMillis": 49}, "Timeout should be between 50 ms and 29000 ms"),
        ({"timeoutInMillis": 29001}, "Timeout should be between 50 ms and 29000 ms"),
        (
            {"timeoutInMillis": 900_001, "responseTransferMode": "STREAM"},
            "Timeout should be between 50 ms and 900000 ms",
        ),
        ({"httpMethod": None}, "Enumeration value for HttpMethod must be non-empty"),
        (
            {"requestParameters": {"integration.request.path.id": "method.request.path.id"}},
            "errors : [Invalid mapping expression parameter specified: method.request.path.id]",
        ),
    ],
)
def test_wrong_integrations_are_refused(aws: Any, integration: dict[str, Any], message: str) -> None:
    operation = http_method(**{"uri": "http://${stageVariables.host}/pet"} | integration)
    body = json.dumps(document({"/pet": {"get": operation}}))
    code, text = refusal(aws.import_rest_api, body=body)
    assert code == "BadRequestException"
    assert text.startswith(
        "Errors found during import:\n\tUnable to put integration on 'GET' for resource at path '/pet': "
    )
    assert message in text
    assert aws.get_rest_apis()["items"] == []


def test_timeouts_go_up_to_the_accounts_quota(tmp_path: Path) -> None:
    raised = dataclasses.replace(settings(tmp_path), integration_timeout=60)
    aws = client_of(ApiGateway(raised))
    imported(aws, {"/pet": {"get": http_method("http://example.com/", timeoutInMillis=60_000)}})
    slow = {"/pet": {"get": http_method("http://example.com/", timeoutInMillis=60_001)}}
    assert "Timeout should be between" in refusal(aws.import_rest_api, body=json.dumps(document(slow)))[1]


def test_usage_plan_key_and_stage(aws: Any) -> None:
    api, _ = deployed(aws, PETS)
    plan = aws.create_usage_plan(
        name="gold",
        apiStages=[{"apiId": api, "stage": "prod"}],
        throttle={"rateLimit": 5, "burstLimit": 10},
        quota={"limit": 100, "period": "DAY"},
        tags={"team": "infra"},
    )["id"]
    key = aws.create_api_key(name="petstore", enabled=True, tags={"team": "infra"})
    aws.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    assert [k["name"] for k in aws.get_usage_plan_keys(usagePlanId=plan)["items"]] == ["petstore"]
    assert aws.get_usage_plan_key(usagePlanId=plan, keyId=key["id"])["name"] == "petstore"
    other = aws.create_api_key(name="other")["id"]
    assert refusal(aws.get_usage_plan_key, usagePlanId=plan, keyId=other)[0] == "NotFoundException"
    aws.delete_api_key(apiKey=other)
    assert "value" not in aws.get_api_key(apiKey=key["id"])
    assert aws.get_api_key(apiKey=key["id"], includeValue=True)["value"] == key["value"]
    assert aws.get_api_keys(nameQuery="pet", includeValues=True)["items"][0]["value"] == key["value"]
    assert aws.get_api_keys(nameQuery="other")["items"] == []
    operations = [
        {"op": "replace", "path": "/throttle/rateLimit", "value": "7.5"},
        {"op": "replace", "path": "/quota/limit", "value": "50"},
        {"op": "remove", "path": "/apiStages", "value": f"{api}:prod"},
    ]
    changed = aws.update_usage_plan(usagePlanId=plan, patchOperations=operations)
    assert changed["throttle"] == {"rateLimit": 7.5, "burstLimit": 10}
    assert changed["quota"] == {"limit": 50, "offset": 0, "period": "DAY"}
    assert changed["apiStages"] == []
    aws.delete_usage_plan_key(usagePlanId=plan, keyId=key["id"])
    aws.delete_usage_plan(usagePlanId=plan)
    aws.delete_api_key(apiKey=key["id"])
    assert aws.get_usage_plans()["items"] == aws.get_api_keys()["items"] == []


def test_usage_plans_refuse_what_aws_refuses(aws: Any) -> None:
    api, _ = deployed(aws, PETS)
    missing = [{"apiId": api, "stage": "nosuch"}]
    assert "API Stage not found" in refusal(aws.create_usage_plan, name="p", apiStages=missing)[1]
    quota = {"limit": 0, "period": "DAY"}
    assert refusal(aws.create_usage_plan, name="p", quota=quota)[1] == (
        "Usage Plan quota limit must be a non-negative numeric"
    )
    late = {"limit": 1, "period": "WEEK", "offset": 7}
    assert refusal(aws.create_usage_plan, name="p", quota=late)[1] == (
        "Usage Plan quota offset must be between 0 and 6 inclusive in the WEEK period"
    )
    plan = aws.create_usage_plan(name="p", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    assert refusal(aws.delete_usage_plan, usagePlanId=plan)[1] == (
        f"Cannot delete Usage Plan {plan} because there are API Stages associated with it, including {api}:prod"
    )
    operation = [{"op": "add", "path": "/apiStages", "value": f"{api}:nosuch"}]
    assert refusal(aws.update_usage_plan, usagePlanId=plan, patchOperations=operation) == (
        "NotFoundException", f"Invalid API Stage {{api: {api}, stage: nosuch}} specified for usageplan {plan}"
    )  # fmt: skip


def test_api_key_values_and_updates(aws: Any) -> None:
    assert refusal(aws.create_api_key, value="short")[1] == "API Key value should be at least 20 characters"
    key = aws.create_api_key(name="k", enabled=True)["id"]
    aws.update_api_key(apiKey=key, patchOperations=[{"op": "replace", "path": "/enabled", "value": "false"}])
    assert aws.get_api_key(apiKey=key)["enabled"] is False
    operation = [{"op": "replace", "path": "/id", "value": "x"}]
    assert refusal(aws.update_api_key, apiKey=key, patchOperations=operation)[1] == (
        "Invalid patch path  '/id' specified for op 'replace'. "
        "Must be one of: [/description, /enabled, /name, /customerId]"
    )


def test_tags_of_every_kind(aws: Any) -> None:
    api, _ = deployed(aws, PETS)
    link = aws.create_vpc_link(name="l", targetArns=[add_load_balancer("tagged")])["id"]
    plan, key = aws.create_usage_plan(name="p")["id"], aws.create_api_key(name="k")["id"]
    for path in [
        f"restapis/{api}",
        f"restapis/{api}/stages/prod",
        f"vpclinks/{link}",
        f"usageplans/{plan}",
        f"apikeys/{key}",
    ]:
        arn = f"arn:aws:apigateway:{REGION}::/{path}"
        aws.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        aws.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert aws.get_tags(resourceArn=arn)["tags"] == {"b": "2"}
    assert aws.get_stage(restApiId=api, stageName="prod")["tags"] == {"b": "2"}
    gone = f"arn:aws:apigateway:{REGION}::/restapis/nosuch"
    assert refusal(aws.tag_resource, resourceArn=gone, tags={"a": "1"})[0] == "NotFoundException"


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        ({"aws:team": "infra"}, "Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)"),
        ({"Aws:team": "infra"}, "Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)"),
        ({"team": "in,fra"}, "Invalid tag"),
    ],
)
def test_tags_that_api_gateway_refuses(aws: Any, tags: dict[str, str], text: str) -> None:
    code, message = refusal(aws.create_rest_api, name="tagged", tags=tags)
    assert code == "BadRequestException" and message.startswith(text)
    assert aws.create_rest_api(name="tagged", tags={"Größe": "a b_.:/=+-@1"})["id"]


def test_the_aws_command_line(aws: Any) -> None:
    api, _ = deployed(aws, PETS, variables={"host": "example.com"})
    command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", aws.meta.endpoint_url, "--region", REGION]
    arguments = ["apigateway", "get-stage", "--rest-api-id", api, "--stage-name", "prod"]
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    shown = subprocess.run(command + arguments, env=environment, capture_output=True, text=True, check=True).stdout
    assert json.loads(shown)["variables"] == {"host": "example.com"}
