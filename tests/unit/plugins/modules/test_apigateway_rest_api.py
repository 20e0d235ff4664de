# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigateway_rest_api: the plan's branches, and main()'s calls to AWS."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations import vpc_link_integrations
from ansible_collections.seam.eks_auto.plugins.modules import apigateway_rest_api as module
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import (
    FakeApiGateway,
    Item,
    Runner,
    refusal,
    told,
)

EXPORT = Path(__file__).parents[1] / "fixtures" / "petstore-apigateway-export.json"
OWNER = {"seam": "petstore/petstore/vpclink"}
DEFINITION = vpc_link_integrations(
    {
        "openapi": "3.0.1",
        "info": {"title": "Swagger Petstore", "version": "1"},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}},
        "paths": {"/pet": {"get": {"security": [{"key": []}], "responses": {"200": {"description": "ok"}}}}},
    }
)
METHOD: Item = {
    "httpMethod": "GET",
    "authorizationType": "NONE",
    "apiKeyRequired": True,
    "methodIntegration": {
        "type": "HTTP_PROXY",
        "httpMethod": "GET",
        "uri": "http://${stageVariables.nlbHost}:80/pet",
        "connectionType": "VPC_LINK",
        "connectionId": "${stageVariables.vpcLinkId}",
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29000,
        "cacheNamespace": "r2",
    },
}
OPTIONS: Item = {
    "name": "petstore",
    "ownership_tags": OWNER,
    "definition": DEFINITION,
    "stage_name": "prod",
    "stage_variables": {"vpcLinkId": "link1", "nlbHost": "nlb.example"},
}


@pytest.fixture
def fake() -> FakeApiGateway:
    """API Gateway as it is after the import of DEFINITION."""
    fake = FakeApiGateway()
    fake.resources = [
        {"id": "r1", "path": "/"},
        {"id": "r2", "path": "/pet", "resourceMethods": {"GET": copy.deepcopy(METHOD)}},
    ]
    return fake


@pytest.fixture
def run(fake: FakeApiGateway, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(module.main, fake, capsys)


def test_creates_all_and_is_idempotent(fake: FakeApiGateway, run: Runner) -> None:
    predicted = run(check=True, **OPTIONS).result
    assert (fake.changes, predicted["changed"], predicted["rest_api"]) == ([], True, {})
    ran = run(**OPTIONS)
    made = ran.result
    expected = ["CreateRestApi petstore", "PutRestApi petstore", "CreateDeployment petstore", "CreateStage prod"]
    assert told(made) == told(predicted) == expected
    assert made["rest_api"]["name"] == "petstore"
    assert made["rest_api"]["endpoint_configuration"] == {"types": ["REGIONAL"]}
    assert made["stage"]["variables"] == {"vpcLinkId": "link1", "nlbHost": "nlb.example"}
    assert made["stage"]["deployment_id"] == made["deployment"]["id"]
    assert ran.warnings == []
    put = next(arguments for operation, arguments in fake.calls if operation == "put_rest_api")
    assert (put["mode"], put["failOnWarnings"]) == ("overwrite", False)
    assert json.loads(put["body"]) == {**DEFINITION, "info": {"title": "petstore", "version": "1"}}
    again = run(**OPTIONS).result
    assert (again["changed"], fake.changes) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"]


def test_diff_shows_what_decides_where_requests_go(run: Runner) -> None:
    diff = run(check=True, **OPTIONS).result["diff"]
    assert diff["before"] == {}
    assert diff["after"]["methods"] == {
        "GET /pet": {
            "api_key_required": True,
            "type": "HTTP_PROXY",
            "http_method": "GET",
            "uri": "http://${stageVariables.nlbHost}:80/pet",
            "connection_type": "VPC_LINK",
            "connection_id": "${stageVariables.vpcLinkId}",
        }
    }


def described(text: str) -> Item:
    """The definition with a description, which API Gateway stores."""
    return {**copy.deepcopy(DEFINITION), "info": {**DEFINITION["info"], "description": text}}


def test_changed_definition_is_deployed_and_what_was_served_before_is_kept(fake: FakeApiGateway, run: Runner) -> None:
    """And what was served before that is removed."""
    first = run(**OPTIONS).result["deployment"]["id"]
    options = {**OPTIONS, "definition": described("2")}
    predicted = told(run(check=True, **options).result)
    result = run(**options).result
    second = result["stage"]["deployment_id"]
    assert told(result) == predicted == ["PutRestApi petstore", "CreateDeployment petstore", "UpdateStage prod"]
    assert sorted(fake.deployments) == sorted([first, second])
    assert run(**options).result["changed"] is False
    third = run(**{**OPTIONS, "definition": described("3")}).result
    assert f"DeleteDeployment {first}" in told(third)
    assert sorted(fake.deployments) == sorted([second, third["stage"]["deployment_id"]])
    # Back to the definition of the second, which is still deployed.
    back = run(**options).result
    assert (told(back), back["stage"]["deployment_id"]) == (["PutRestApi petstore", "UpdateStage prod"], second)


def served_before(deployment: str) -> Item:
    """By what a stage remembers a deployment and the variables of OPTIONS."""
    value = f'before: deployment {deployment} variables {{"nlbHost": "nlb.example", "vpcLinkId": "link1"}}'
    return {"op": "replace", "path": "/description", "value": value}


def test_moving_the_link_is_one_stage_update(fake: FakeApiGateway, run: Runner) -> None:
    deployment = run(**OPTIONS).result["deployment"]["id"]
    result = run(**{**OPTIONS, "stage_variables": {"vpcLinkId": "link2", "more": "1"}}).result
    assert fake.changes == ["update_stage"]
    patch = next(arguments for operation, arguments in fake.calls if operation == "update_stage")["patchOperations"]
    assert patch == [
        {"op": "replace", "path": "/variables/vpcLinkId", "value": "link2"},
        {"op": "replace", "path": "/variables/more", "value": "1"},
        {"op": "remove", "path": "/variables/nlbHost"},
        served_before(deployment),
    ]
    assert result["stage"]["variables"] == {"vpcLinkId": "link2", "more": "1"}


NEXT: Item = {**OPTIONS, "stage_variables": {"vpcLinkId": "link2", "nlbHost": "next.example"}}


def patch_of_the_stage(fake: FakeApiGateway) -> list[Item]:
    (patch,) = [arguments["patchOperations"] for operation, arguments in fake.calls if operation == "update_stage"]
    return t.cast(list[Item], patch)


def test_a_canary_gets_a_share_then_all_and_the_way_back_is_the_old_variables(
    fake: FakeApiGateway, run: Runner
) -> None:
    deployment = run(**OPTIONS).result["deployment"]["id"]
    predicted = run(check=True, **NEXT, canary_percent=10).result
    ran = run(**NEXT, canary_percent=10).result
    assert patch_of_the_stage(fake) == [
        {"op": "replace", "path": "/canarySettings/deploymentId", "value": deployment},
        {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "10.0"},
        {"op": "replace", "path": "/canarySettings/stageVariableOverrides/vpcLinkId", "value": "link2"},
        {"op": "replace", "path": "/canarySettings/stageVariableOverrides/nlbHost", "value": "next.example"},
    ]
    assert told(ran) == told(predicted) == ["UpdateStage prod"]
    assert ran["stage"]["variables"] == OPTIONS["stage_variables"]
    again = run(**NEXT, canary_percent=10).result
    assert (again["changed"], fake.changes) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"] == predicted["diff"]["after"]
    assert run(**OPTIONS).result["changed"] is False
    run(**NEXT, canary_percent=25)
    assert patch_of_the_stage(fake) == [{"op": "replace", "path": "/canarySettings/percentTraffic", "value": "25.0"}]
    back = run(check=True, **OPTIONS, canary_percent=0).result
    assert (told(back), back["diff"]["after"]["stage"]["canary"]) == (["UpdateStage prod"], {})
    moved = run(**NEXT, canary_percent=0).result
    assert patch_of_the_stage(fake) == [
        {"op": "replace", "path": "/variables/vpcLinkId", "value": "link2"},
        {"op": "replace", "path": "/variables/nlbHost", "value": "next.example"},
        {"op": "remove", "path": "/canarySettings"},
        served_before(deployment),
    ]
    assert (moved["stage"]["variables"], "canary_settings" in moved["stage"]) == (NEXT["stage_variables"], False)
    # No canary is left to send a share of the requests to.
    assert run(**NEXT, canary_percent=10).result["changed"] is False


def test_a_canarys_deployment_stays_as_long_as_the_canary(fake: FakeApiGateway, run: Runner) -> None:
    old = run(**OPTIONS).result["deployment"]["id"]
    changed = copy.deepcopy(DEFINITION)
    changed["components"]["schemas"] = {"Pet": {"type": "object"}}
    tried = run(**{**OPTIONS, "definition": changed}, canary_percent=10).result
    expected = ["PutRestApi petstore", "CreateDeployment petstore", "UpdateStage prod"]
    canary = tried["stage"]["canary_settings"]["deployment_id"]
    assert (told(tried), tried["stage"]["deployment_id"]) == (expected, old)
    assert sorted(fake.deployments) == sorted([old, canary])
    assert run(**{**OPTIONS, "definition": changed}, canary_percent=10).result["changed"] is False
    back = run(**OPTIONS, canary_percent=0).result
    assert f"DeleteDeployment {canary}" in told(back)
    assert list(fake.deployments) == [old]


def test_a_new_stage_has_no_canary(run: Runner) -> None:
    assert "canary_settings" not in run(**OPTIONS, canary_percent=10).result["stage"]


@pytest.fixture
def served(fake: FakeApiGateway, run: Runner) -> Item:
    """The stage that serves OPTIONS, with limits of its own, in a usage plan of ours and in one of somebody else's."""
    api = run(**OPTIONS).result["rest_api"]["id"]
    stages = [{"apiId": api, "stage": "prod"}]
    fake.plans = {
        name: {"id": name, "apiStages": copy.deepcopy(stages), "tags": tags}
        for name, tags in {"ours": OWNER, "other": {}}.items()
    }
    limits = {"throttlingRateLimit": 10.0, "throttlingBurstLimit": 20}
    fake.stages["prod"] |= {"methodSettings": {"*/*": limits}, "tracingEnabled": True}
    return copy.deepcopy(fake.stages["prod"])


NEW: Item = {**OPTIONS, "definition": described("2")}
JOINED = [("ours", "prod"), ("ours", "prod-candidate"), ("other", "prod")]


def joined(fake: FakeApiGateway) -> list[tuple[str, str]]:
    return [(plan["id"], each["stage"]) for plan in fake.plans.values() for each in plan["apiStages"]]


def test_a_candidate_serves_what_is_new_as_the_stage_would(fake: FakeApiGateway, run: Runner, served: Item) -> None:
    predicted = run(check=True, **NEW, candidate=True).result
    tried = run(**NEW, candidate=True).result
    steps = ["PutRestApi petstore", "CreateDeployment petstore", "CreateStage prod-candidate"]
    steps += ["UpdateStage prod-candidate", "UpdateUsagePlan ours"]
    assert told(tried) == told(predicted) == steps
    assert fake.stages["prod"] == served
    candidate = fake.stages["prod-candidate"]
    assert candidate["deploymentId"] not in (served["deploymentId"], None)
    assert (candidate["variables"], candidate["tracingEnabled"]) == (OPTIONS["stage_variables"], True)
    assert candidate["tags"] == {**OWNER, "seam.eks_auto/candidate-of": "prod"}
    assert candidate["*"]["*"]["throttling"] == {"rateLimit": 10.0, "burstLimit": 20}
    assert tried["candidate"]["stage_name"] == tried["diff"]["after"]["candidate"]["name"] == "prod-candidate"
    assert tried["diff"]["after"]["stage"] == tried["diff"]["before"]["stage"]
    assert joined(fake) == JOINED


def test_then_the_stage_moves_by_one_call_and_the_candidate_goes(
    fake: FakeApiGateway, run: Runner, served: Item
) -> None:
    run(**NEW, candidate=True)
    deployment = fake.stages["prod-candidate"]["deploymentId"]
    predicted = told(run(check=True, **NEW).result)
    moved = run(**NEW).result
    assert told(moved) == predicted == ["UpdateStage prod", "UpdateUsagePlan ours", "DeleteStage prod-candidate"]
    assert patch_of_the_stage(fake)[0] == {"op": "replace", "path": "/deploymentId", "value": deployment}
    assert (fake.stages["prod"]["deploymentId"], list(fake.stages)) == (deployment, ["prod"])
    assert (moved["candidate"], ("ours", "prod-candidate") in joined(fake)) == ({}, False)
    assert sorted(fake.deployments) == sorted([deployment, served["deploymentId"]])
    settled = run(**NEW, candidate=True).result
    assert (settled["changed"], settled["candidate"]) == (False, {})
    assert "get_usage_plans" not in [operation for operation, _ in fake.calls]


def test_or_it_is_discarded_and_the_stage_stays(fake: FakeApiGateway, run: Runner, served: Item) -> None:
    run(**NEW, candidate=True)
    deployment = fake.stages["prod-candidate"]["deploymentId"]
    discard: Item = {"ownership_tags": OWNER, "stage_name": "prod", "state": "absent", "candidate": True}
    predicted = told(run(check=True, **discard).result)
    discarded = run(**discard).result
    steps = ["UpdateUsagePlan ours", "DeleteStage prod-candidate", f"DeleteDeployment {deployment}"]
    assert told(discarded) == predicted == steps
    assert (fake.stages, list(fake.deployments)) == ({"prod": served}, [served["deploymentId"]])
    assert (discarded["diff"]["before"]["candidate"]["name"], discarded["diff"]["after"]["candidate"]) == (
        "prod-candidate",
        {},
    )
    assert run(**discard).result["changed"] is False
    # The definition that was imported is not the one that is served: it is imported again, and the stage left alone.
    assert told(run(**OPTIONS, candidate=True).result) == ["PutRestApi petstore"]


@pytest.mark.parametrize("options", [OPTIONS, NEW, {**OPTIONS, "definition": described("3")}])
def test_a_candidate_that_a_killed_run_left_is_used_again(
    fake: FakeApiGateway, run: Runner, served: Item, options: Item
) -> None:
    """Whether the next run wants the same, something else, or what is served already."""
    run(**NEW, candidate=True)
    again = run(**options, candidate=True).result
    assert fake.stages["prod"] == served
    wanted = again["candidate"]["deployment_id"]
    run(**options)
    assert (fake.stages["prod"]["deploymentId"], list(fake.stages)) == (wanted, ["prod"])
    assert set(fake.deployments) == {wanted, served["deploymentId"]}
    assert run(**options, candidate=True).result["changed"] is False


def test_other_variables_are_tried_too(fake: FakeApiGateway, run: Runner, served: Item) -> None:
    tried = run(**NEXT, candidate=True).result
    assert (tried["candidate"]["variables"], fake.stages["prod"]) == (NEXT["stage_variables"], served)


def test_so_is_what_a_share_of_the_requests_gets(fake: FakeApiGateway, run: Runner, served: Item) -> None:
    """Another share of the same is not tried again."""
    assert run(**NEXT, candidate=True, canary_percent=10).result["candidate"]
    assert run(**NEXT, canary_percent=10).result["stage"]["canary_settings"]["percent_traffic"] == 10
    assert run(**NEXT, candidate=True, canary_percent=10).result["changed"] is False
    assert told(run(**NEXT, candidate=True, canary_percent=25).result) == ["UpdateStage prod"]
    back = run(**OPTIONS, candidate=True, canary_percent=0).result
    assert (told(back), back["candidate"]) == (["UpdateStage prod"], {})


def test_a_new_stage_is_made_at_once(run: Runner) -> None:
    made = run(**OPTIONS, candidate=True).result
    assert (made["stage"]["stage_name"], made["candidate"]) == ("prod", {})


def test_a_stage_of_the_candidates_name_is_not_touched(fake: FakeApiGateway, run: Runner, served: Item) -> None:
    fake.stages["prod-candidate"] = {"stageName": "prod-candidate", "deploymentId": served["deploymentId"]}
    refused = run(**NEW, candidate=True).result
    assert "would be called prod-candidate, and the API has a stage of that name which is none" in refused["msg"]
    assert fake.changes == []
    assert "prod-candidate" not in str(told(run(**NEW).result))


def test_a_candidates_name_fits(run: Runner) -> None:
    name = "a" * 128
    run(**{**OPTIONS, "stage_name": name})
    tried = run(**{**NEW, "stage_name": name}, candidate=True).result
    assert tried["candidate"]["stage_name"] == f"{'a' * 118}-candidate"


def test_unset_variables_are_left(run: Runner) -> None:
    run(**OPTIONS)
    options = {key: value for key, value in OPTIONS.items() if key != "stage_variables"}
    assert run(**options).result["changed"] is False


def edit_method(fake: FakeApiGateway) -> None:
    fake.resources[1]["resourceMethods"]["GET"]["methodIntegration"]["uri"] = "http://elsewhere"


def edit_model(fake: FakeApiGateway) -> None:
    fake.models = [{"name": "Pet", "schema": '{"type": "object"}'}]


def rename(fake: FakeApiGateway) -> None:
    fake.apis["api1"]["name"] = "renamed"


def edit_settings(fake: FakeApiGateway) -> None:
    fake.apis["api1"] |= {"binaryMediaTypes": ["image/png"], "disableExecuteApiEndpoint": True}


@pytest.mark.parametrize("edit", [edit_method, edit_model, rename, edit_settings])
def test_an_edit_by_hand_is_undone_without_a_deployment(
    fake: FakeApiGateway, run: Runner, edit: t.Callable[[FakeApiGateway], None]
) -> None:
    run(**OPTIONS)
    resources = copy.deepcopy(fake.resources)
    edit(fake)
    assert told(run(check=True, **OPTIONS).result) == ["PutRestApi petstore"]
    fake.resources, fake.models = resources, []  # the result of the import
    fake.apis["api1"]["name"] = "renamed"
    assert told(run(**OPTIONS).result) == ["PutRestApi petstore"]
    assert fake.changes == ["put_rest_api"]
    assert run(**OPTIONS).result["changed"] is False


def test_new_model_names_of_an_import_are_remembered(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    edit_model(fake)
    run(**OPTIONS)
    assert fake.changes == ["put_rest_api", "update_deployment"]
    assert run(**OPTIONS).result["changed"] is False


def test_edited_method_shows_in_the_diff_and_after_an_import(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    edit_method(fake)
    ran = run(**OPTIONS)
    result = ran.result
    assert result["diff"]["before"]["methods"]["GET /pet"]["uri"] == "http://elsewhere"
    assert result["diff"]["after"]["methods"]["GET /pet"]["uri"] == "http://${stageVariables.nlbHost}:80/pet"
    assert "GET /pet has uri 'http://elsewhere', the definition says" in str(ran.warnings)


def test_edited_settings_show_in_the_diff(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    edit_settings(fake)
    diff = run(**OPTIONS).result["diff"]
    shown = [
        {key: diff[when]["settings"][key] for key in ("binary_media_types", "disable_execute_api_endpoint")}
        for when in ("before", "after")
    ]
    assert shown == [
        {"binary_media_types": ["image/png"], "disable_execute_api_endpoint": True},
        {"binary_media_types": [], "disable_execute_api_endpoint": False},
    ]


POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke"}]}


def test_a_policy_that_the_definition_does_not_have_stays(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    fake.apis["api1"]["policy"] = escaped = json.dumps(POLICY).replace('"', '\\"')
    assert run(**OPTIONS).result["changed"] is False
    ran = run(**OPTIONS, description="New")
    assert json.loads(fake.apis["api1"]["policy"].replace('\\"', '"')) == POLICY
    assert ran.result["diff"]["after"]["settings"]["policy"] == POLICY
    assert ran.warnings == []
    # One that is the definition's is mended like all else.
    options = {**OPTIONS, "definition": {**DEFINITION, "x-amazon-apigateway-policy": {"Version": "2012-10-17"}}}
    run(**options)
    fake.apis["api1"]["policy"] = escaped
    assert told(run(**options).result) == ["PutRestApi petstore"]
    assert "2012-10-17" in fake.apis["api1"]["policy"] and "Deny" not in fake.apis["api1"]["policy"]


def test_a_method_that_was_stored_more_open_is_an_error_before_anything_is_deployed(
    fake: FakeApiGateway, run: Runner
) -> None:
    fake.resources[1]["resourceMethods"]["GET"]["apiKeyRequired"] = False
    ran = run(**OPTIONS)
    assert "has not stored the security of GET /pet as the definition has it" in ran.result["msg"]
    assert (fake.deployments, fake.stages) == ({}, {})


def test_differently_stored_settings_are_reported(fake: FakeApiGateway, run: Runner) -> None:
    definition = {**DEFINITION, "x-amazon-apigateway-minimum-compression-size": 1024}
    warned = str(run(**{**OPTIONS, "definition": definition}).warnings)
    assert "the API has minimumCompressionSize None, the definition says 1024" in warned


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"security": [{"key": []}]}, ["API Gateway ignores root-level security"]),
        (
            {"paths": {"/a": {"get": {"security": [{"bearer": []}]}, "put": {}}, "/ping": {"get": {}}}},
            ["the path '/ping' is reserved"],
        ),
        (
            {"paths": {"/a": {"get": {"security": [{"bearer": []}]}, "put": {}}}},
            [
                "can be deployed: it is missing in GET /a, PUT /a",
                "can't check bearer (not a scheme of the document)",
            ],
        ),
    ],
)
def test_a_definition_that_would_not_be_imported_as_it_says(run: Runner, change: Item, faults: list[str]) -> None:
    ran = run(**{**OPTIONS, "definition": {**DEFINITION, **change}})
    assert ran.failed
    assert [fault for fault in faults if fault not in ran.result["msg"]] == []


def test_stage_on_another_deployment_is_moved_back(fake: FakeApiGateway, run: Runner) -> None:
    ours = run(**OPTIONS).result["deployment"]["id"]
    fake.deployments["manual"] = {"id": "manual", "description": "by hand", "createdDate": 999}
    fake.stages["prod"]["deploymentId"] = "manual"
    result = run(**OPTIONS).result
    assert (told(result), result["stage"]["deployment_id"]) == (["UpdateStage prod"], ours)
    assert "manual" in fake.deployments


def test_deployments_of_other_stages_stay(fake: FakeApiGateway, run: Runner) -> None:
    old = run(**OPTIONS).result["deployment"]["id"]
    fake.stages["test"] = {"stageName": "test", "deploymentId": old}
    run(**OPTIONS, description="New")
    assert old in fake.deployments


def test_continues_after_a_crash_before_the_import(fake: FakeApiGateway, run: Runner) -> None:
    fake.refusals["put_rest_api"] = [refusal("BadRequestException")]
    failed = run(**OPTIONS)
    assert failed.failed
    assert told(failed.result) == ["CreateRestApi petstore"]
    result = run(**OPTIONS).result
    assert told(result) == ["PutRestApi petstore", "CreateDeployment petstore", "CreateStage prod"]
    assert len(fake.apis) == 1


def test_continues_after_a_crash_before_the_stage(fake: FakeApiGateway, run: Runner) -> None:
    fake.refusals["create_stage"] = [refusal("BadRequestException")]
    assert run(**OPTIONS).failed
    result = run(**OPTIONS).result
    assert told(result) == ["CreateStage prod"]
    assert len(fake.deployments) == 1


def test_import_warnings_are_shown(fake: FakeApiGateway, run: Runner) -> None:
    fake.import_warnings = ["Unsupported security definition type"]
    assert "Unsupported security definition type" in str(run(**OPTIONS).warnings)


def test_tags_and_endpoint_type(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    result = run(**OPTIONS, tags={"team": "infra"}, endpoint_type="EDGE").result
    assert told(result) == ["TagResource /restapis/api1", "UpdateRestApi api1"]
    assert result["rest_api"]["tags"] == {**OWNER, "team": "infra"}
    patch = [{"op": "replace", "path": "/endpointConfiguration/types/REGIONAL", "value": "EDGE"}]
    assert ("update_rest_api", {"restApiId": "api1", "patchOperations": patch}) in fake.calls


def test_other_tags_are_purged_unless_told_not_to_and_ownership_never(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    fake.apis["api1"]["tags"] |= {"cost": "1", "aws:cloudformation:stack-name": "s"}
    assert run(**OPTIONS).result["changed"] is False
    assert run(**OPTIONS, tags={}, purge_tags=False).result["changed"] is False
    predicted = run(check=True, **OPTIONS, tags={}).result
    result = run(**OPTIONS, tags={}).result
    assert told(result) == told(predicted) == ["UntagResource /restapis/api1"]
    assert (
        result["rest_api"]["tags"] == result["diff"]["after"]["tags"] == {**OWNER, "aws:cloudformation:stack-name": "s"}
    )


def test_absent(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    fake.apis["foreign"] = {"id": "foreign", "name": "petstore"}
    gone: Item = {"ownership_tags": OWNER, "state": "absent"}
    assert told(run(check=True, **gone).result) == ["DeleteRestApi api1"]
    result = run(**gone).result
    assert (told(result), result["rest_api"], set(fake.apis)) == (["DeleteRestApi api1"], {}, {"foreign"})
    assert run(**gone).result["changed"] is False


def test_two_owned_apis_are_named(fake: FakeApiGateway, run: Runner) -> None:
    for api in ("b", "a"):
        fake.apis[api] = {"id": api, "name": "petstore", "tags": OWNER}
    assert "2 REST APIs with the same ownership tags: a, b" in run(**OPTIONS).result["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"definition": {"paths": {}}}, "definition: the document is not OpenAPI"),
        ({"definition": {**DEFINITION, "paths": {}}}, "definition: the OpenAPI document has no paths"),
        ({"definition": json.loads(EXPORT.read_text()) | {"paths": {"/a": {"get": {}}}}}, "it is missing in GET /a"),
        (
            {"definition": {**DEFINITION, "x-filler": "x" * 6 * 1024 * 1024}},
            "bytes as JSON, API Gateway imports at most 6 MB",
        ),
        ({"stage_name": "pröd"}, "stage_name: 'pröd' is no name for a stage"),
        ({"stage_name": "a" * 129}, "stage_name: 'aaa"),
        ({"canary_percent": 101}, "canary_percent: 101.0 is not between 0 and 100"),
        ({"canary_percent": -0.5}, "canary_percent: -0.5 is not between 0 and 100"),
        ({"stage_variables": {"a-b": "c"}}, "stage_variables: 'a-b' is no name"),
        ({"stage_variables": {"host": "a b"}}, "stage_variables: the value of host"),
        ({"stage_variables": {"host": "a" * 513}}, "stage_variables: the value of host"),
        ({"stage_variables": {f"v{i}": "x" for i in range(101)}}, "stage_variables: API Gateway takes 100"),
        ({"resource_quota": 0}, "resource_quota: 0 is not a number greater than 0."),
        ({"resource_quota": 1}, "definition: the OpenAPI document makes 2 resources"),
        ({"endpoint_type": "PRIVATE"}, "value of endpoint_type must be one of"),
        ({"ownership_tags": {}}, "ownership_tags: must hold"),
    ],
)
def test_bad_options(fake: FakeApiGateway, run: Runner, options: Item, message: str) -> None:
    failed = run(**{**OPTIONS, **options})
    assert failed.failed
    assert message in failed.result["msg"]
    assert fake.calls == []


def test_bad_options_of_a_removal(fake: FakeApiGateway, run: Runner) -> None:
    failed = run(ownership_tags={}, state="absent")
    assert (failed.failed, fake.calls) == (True, [])


def test_actions_have_the_request_without_the_definition(run: Runner) -> None:
    put, deploy, stage = run(**OPTIONS).result["actions"][1:]
    assert put["request"] == {"mode": "overwrite", "fail_on_warnings": False}
    assert deploy["request"] == {}
    assert stage["request"] == {"variables": OPTIONS["stage_variables"], "tags": OWNER}


ARN = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/nlb/50dc6c495c0c9188"


@pytest.fixture(params=["integrationTarget", "integration-target"])
def options_v2(request: pytest.FixtureRequest) -> Item:
    """A definition for links V2, in either spelling."""
    definition = copy.deepcopy(DEFINITION)
    definition["paths"]["/pet"]["get"]["x-amazon-apigateway-integration"][request.param] = ARN
    return {**OPTIONS, "definition": definition}


def test_a_stored_target_is_deployed_in_any_spelling(fake: FakeApiGateway, run: Runner, options_v2: Item) -> None:
    fake.resources[1]["resourceMethods"]["GET"]["methodIntegration"]["integrationTarget"] = ARN
    ran = run(**options_v2)
    assert (ran.failed, ran.warnings) == (False, [])
    assert "create_stage" in fake.changes


def test_a_target_that_is_not_stored_is_an_error_before_anything_is_deployed(
    fake: FakeApiGateway, run: Runner, options_v2: Item
) -> None:
    run(**OPTIONS)
    served = copy.deepcopy(fake.stages)
    failed = run(**options_v2)
    assert failed.failed
    assert fake.changes == ["put_rest_api"]
    assert fake.stages == served
    for words in ("not stored the integration target of GET /pet", "Owner: infra", "integration_target_key"):
        assert words in failed.result["msg"]


def test_security_that_is_not_stored_is_an_error_before_anything_is_deployed(fake: FakeApiGateway, run: Runner) -> None:
    fake.resources[1]["resourceMethods"]["GET"]["apiKeyRequired"] = False
    failed = run(**OPTIONS)
    assert failed.failed
    assert fake.changes == ["create_rest_api", "put_rest_api"]
    for words in ("not stored the security of GET /pet", "nothing was deployed", "Owner: infra"):
        assert words in failed.result["msg"]


def test_from_one_version_of_links_to_the_other_is_one_update_of_the_stage(
    fake: FakeApiGateway, run: Runner, options_v2: Item
) -> None:
    run(**OPTIONS)
    fake.resources[1]["resourceMethods"]["GET"]["methodIntegration"]["integrationTarget"] = ARN
    options_v2["stage_variables"] = {"vpcLinkId": "v2", "nlbHost": "nlb.example"}
    run(**options_v2)
    assert fake.changes == ["put_rest_api", "create_deployment", "update_stage"]
    (patch,) = [arguments["patchOperations"] for operation, arguments in fake.calls if operation == "update_stage"]
    assert [operation["path"] for operation in patch] == ["/deploymentId", "/variables/vpcLinkId", "/description"]


def test_of_two_runs_at_once_one_takes_its_api_back(
    fake: FakeApiGateway, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    fake.rivals = {"create_rest_api"}
    made = run(**OPTIONS).result
    assert list(fake.apis) == [made["rest_api"]["id"]]
    assert made["rest_api"]["id"].startswith("rival")
    assert fake.changes[:2] == ["create_rest_api", "delete_rest_api"]
