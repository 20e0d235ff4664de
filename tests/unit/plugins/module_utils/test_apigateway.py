# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the apigateway_* modules: verdicts, and the comparison of a definition with the stored API."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import waiters
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.definition import (
    Fingerprint,
    Parts,
    import_body,
    live_digest,
    live_methods,
    opened,
    outline_differences,
    outline_of_definition,
    outline_of_live,
    outline_security,
    settings_differences,
    settings_of_definition,
    settings_of_live,
    with_policy,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.integrations import Wishes, integrate
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import Link
from ansible_collections.seam.eks_auto.plugins.module_utils._core.ownership import Item

FIXTURES = Path(__file__).parents[1] / "fixtures"


def link(status: str, message: str | None = None) -> Link:
    return Link("1", "l1", "petstore", status, status_message=message)


@pytest.mark.parametrize(
    ("judge", "link", "state", "reason"),
    [
        (waiters.judge_link_available, link("PENDING"), "waiting", "PENDING"),
        (waiters.judge_link_available, link("AVAILABLE"), "done", "AVAILABLE"),
        (waiters.judge_link_available, link("FAILED"), "failed", "FAILED"),
        (waiters.judge_link_available, link("INACTIVE"), "failed", "INACTIVE"),
        (waiters.judge_link_available, link("DELETING"), "failed", "DELETING"),
        (waiters.judge_link_available, None, "failed", "Missing"),
        (waiters.judge_link_settled, link("PENDING"), "waiting", "PENDING"),
        (waiters.judge_link_settled, link("FAILED"), "done", "FAILED"),
        (waiters.judge_link_settled, None, "done", "Missing"),
        (waiters.judge_link_gone, link("AVAILABLE"), "waiting", "AVAILABLE"),
        (waiters.judge_link_gone, link("DELETING"), "waiting", "DELETING"),
        (waiters.judge_link_gone, None, "done", "Missing"),
    ],
)
def test_verdicts(judge: t.Callable[[t.Any], t.Any], link: Link | None, state: str, reason: str) -> None:
    verdict = judge(link)
    assert (verdict.state, verdict.reason) == (state, reason)


def test_failed_link_gives_aws_reason() -> None:
    reason = "NLB is already associated with another VPC Endpoint Service"
    assert reason in waiters.judge_link_available(link("FAILED", reason)).message


def test_import_takes_name_and_description() -> None:
    definition = {"info": {"title": "T", "version": "1", "description": "D"}, "paths": {}}
    assert json.loads(import_body(definition, "n", None))["info"] == {"title": "n", "version": "1", "description": "D"}
    assert json.loads(import_body(definition, "n", "e"))["info"]["description"] == "e"
    assert definition["info"]["title"] == "T"


def stored(definition: Item) -> list[Item]:
    """The definition as GetResources shows it after an import."""
    resources = []
    for number, (path, item) in enumerate(definition["paths"].items()):
        methods = {}
        for key, operation in item.items():
            if not isinstance(operation, dict):
                continue
            integration = copy.deepcopy(operation["x-amazon-apigateway-integration"])
            integration["integrationResponses"] = integration.pop("responses")
            integration.update(type=integration["type"].upper(), timeoutInMillis=29000, cacheNamespace=f"r{number}")
            methods[key.upper()] = {
                "httpMethod": key.upper(),
                "apiKeyRequired": {"api_key": []} in operation.get("security", []),
                "methodIntegration": integration,
            }
        resources.append({"id": f"r{number}", "path": path, "resourceMethods": methods})
    return resources


@pytest.mark.parametrize(("file", "count"), [("petstore-apigateway-export.json", 4), ("petstore.yml", 19)])
def test_definition_equals_what_an_import_stores(file: str, count: int) -> None:
    document = yaml.safe_load((FIXTURES / file).read_text())
    oauth_only = ["PUT /pet", "POST /pet", "GET /pet/findByStatus", "GET /pet/findByTags"] if count == 19 else []
    definition = integrate(document, Wishes.of([{"base_path": "/api/v3"}], {"/": "/"}, oauth_only))[0]
    expected = outline_of_definition(definition)
    assert len(expected) == count
    assert outline_differences(expected, outline_of_live(live_methods(stored(definition)))) == []


def test_outline_of_a_mock() -> None:
    methods = {"OPTIONS": {"apiKeyRequired": False, "methodIntegration": {"type": "MOCK"}}}
    expected = {"OPTIONS /pet": {"apiKeyRequired": False, "type": "MOCK"}}
    assert outline_of_live({"/pet": methods}) == expected


def test_authorizers_ask_for_no_api_key() -> None:
    authorizer = {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "custom"}
    definition = {
        "swagger": "2.0",
        "securityDefinitions": {"lambda": authorizer, "key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        "paths": {"/a": {"get": {"security": [{"lambda": []}]}, "put": {"security": [{"key": []}]}}},
    }
    outline = outline_of_definition(definition)
    assert {name: method["apiKeyRequired"] for name, method in outline.items()} == {"GET /a": False, "PUT /a": True}


def test_differences_name_method_and_setting() -> None:
    expected = {"GET /a": {"uri": "x", "apiKeyRequired": False}, "GET /b": {}}
    found = {"GET /a": {"uri": "y", "apiKeyRequired": False}, "GET /c": {}}
    assert outline_differences(expected, found) == [
        "GET /b is missing",
        "GET /c is not in the definition",
        "GET /a has uri 'y', the definition says 'x'",
    ]


def stored_digest(
    *, uri: str = "http://nlb", namespace: str = "r1", resource: str = "r1", schema: str = "{}", **more: t.Any
) -> str:
    """Digest of an API with one method; ``more`` are settings of the API, lists of :class:`Parts`, or has_policy."""
    methods = {"GET": {"methodIntegration": {"uri": uri, "cacheNamespace": namespace}}}
    resources = [{"id": resource, "path": "/a", "resourceMethods": methods}]
    parts = Parts(**{key: more.pop(key) for key in Parts._fields if key in more})
    has_policy = more.pop("has_policy", True)
    models = [{"name": "Pet", "schema": schema}]
    return live_digest({"name": "petstore", **more}, live_methods(resources), models, parts, has_policy)


CORS = {"responseType": "DEFAULT_4XX", "responseParameters": {"gatewayresponse.header.Vary": "'Origin'"}}
EDITS: list[Item] = [
    {"uri": "x"},
    {"namespace": "own"},
    {"schema": "[]"},
    {"name": "other"},
    {"description": "other"},
    {"binaryMediaTypes": ["image/png"]},
    {"apiKeySource": "AUTHORIZER"},
    {"minimumCompressionSize": 0},
    {"disableExecuteApiEndpoint": True},
    {"endpointConfiguration": {"types": ["PRIVATE"], "vpcEndpointIds": ["vpce-0123"]}},
    {"policy": "{}"},
    {"gateway_responses": [CORS]},
    {"request_validators": [{"id": "v1", "name": "body", "validateRequestBody": True}]},
    {"authorizers": [{"id": "a1", "name": "pool", "type": "COGNITO_USER_POOLS"}]},
]


def test_digest_sees_every_edit() -> None:
    assert len({stored_digest(), *(stored_digest(**edit) for edit in EDITS)}) == len(EDITS) + 1


def test_digest_does_not_see_what_every_import_makes_anew() -> None:
    assert stored_digest() == stored_digest(namespace="r9", resource="r9")
    assert stored_digest() == stored_digest(gateway_responses=[{**CORS, "defaultResponse": True}])
    for kind in ("request_validators", "authorizers"):
        edits: list[Item] = [{kind: [{"id": made, "name": "one"}]} for made in ("a1", "a2")]
        assert stored_digest(**edits[0]) == stored_digest(**edits[1])


def test_digest_leaves_out_a_policy_that_is_not_the_definitions() -> None:
    assert stored_digest(has_policy=False) == stored_digest(has_policy=False, policy="{}")


POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}],
}
#: As GetRestApi shows it.
STORED_POLICY = json.dumps(POLICY).replace(
    "execute-api:/*", "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/*"
).replace('"', '\\"')  # fmt: skip


def settings_document(**more: t.Any) -> Item:
    authorizer = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authorizer": {"type": "token"},
    }
    return {
        "openapi": "3.0.1",
        "components": {"securitySchemes": {"lambda": authorizer}},
        "x-amazon-apigateway-binary-media-types": ["image/png", "application/pdf"],
        "x-amazon-apigateway-api-key-source": "AUTHORIZER",
        "x-amazon-apigateway-minimum-compression-size": 1024,
        "x-amazon-apigateway-policy": POLICY,
        "x-amazon-apigateway-gateway-responses": {"DEFAULT_4XX": {"responseParameters": CORS["responseParameters"]}},
        "x-amazon-apigateway-request-validators": {"body": {"validateRequestBody": True}},
        **more,
    }


def test_settings_of_a_definition_are_those_that_are_stored() -> None:
    endpoint = {"disableExecuteApiEndpoint": True, "vpcEndpointIds": ["vpce-0123"]}
    key = "x-amazon-apigateway-endpoint-configuration"
    rest_api = {
        "binaryMediaTypes": ["application/pdf", "image/png"],
        "apiKeySource": "AUTHORIZER",
        "minimumCompressionSize": 1024,
        "disableExecuteApiEndpoint": True,
        "endpointConfiguration": {"types": ["PRIVATE"], "vpcEndpointIds": ["vpce-0123"]},
        "policy": STORED_POLICY,
    }
    parts = Parts([CORS], [{"id": "v1", "name": "body"}], [{"id": "a1", "name": "lambda"}])
    stored = settings_of_live(rest_api, parts)
    for where in ({key: endpoint}, {"servers": [{"url": "/", key: endpoint}]}):
        assert settings_of_definition(settings_document(**where)) == stored
    assert settings_differences(stored, {**stored, "apiKeySource": "HEADER"}) == [
        "the API has apiKeySource 'HEADER', the definition says 'AUTHORIZER'"
    ]


def test_settings_that_a_definition_leaves_out_are_those_of_a_new_api() -> None:
    assert settings_of_definition({"openapi": "3.0.1"}) == settings_of_live({"policy": None}, Parts())


def test_an_outline_says_how_many_methods_ask_for_what() -> None:
    outline: dict[str, Item] = {
        "GET /a": {"apiKeyRequired": True, "authorization": "authorizer"},
        "PUT /a": {"apiKeyRequired": True},
        "GET /b": {"apiKeyRequired": False, "authorization": "iam"},
        "GET /c": {"apiKeyRequired": False},
    }
    assert outline_security(outline) == {"api_key": 2, "authorizer": 1, "iam": 1, "open": 1}
    assert outline_security({}) == {"api_key": 0, "authorizer": 0, "iam": 0, "open": 0}


def test_a_policy_that_is_no_json_is_shown_as_it_is() -> None:
    assert settings_of_live({"policy": "none"}, Parts())["policy"] == "none"


def test_an_import_keeps_a_policy_that_the_definition_leaves_out() -> None:
    body = json.dumps({"openapi": "3.0.1"}).encode()
    kept = json.loads(with_policy(body, STORED_POLICY))
    assert kept == {"openapi": "3.0.1", "x-amazon-apigateway-policy": POLICY}
    assert with_policy(body, None) == body
    own = json.dumps({"x-amazon-apigateway-policy": {}}).encode()
    assert with_policy(own, STORED_POLICY) == own


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        ({}, ["GET /a", "GET /b"]),
        ({"GET /a": {"apiKeyRequired": True}, "GET /b": {"authorization": "iam"}}, []),
        ({"GET /a": {}, "GET /b": {"authorization": "authorizer"}}, ["GET /a", "GET /b"]),
        # The stored method asks for more than the definition.
        ({"GET /a": {"apiKeyRequired": True, "authorization": "iam"}, "GET /b": {"authorization": "iam"}}, []),
    ],
)
def test_a_method_that_is_stored_more_open_is_seen(stored: dict[str, Item], names: list[str]) -> None:
    expected: dict[str, Item] = {
        "GET /a": {"apiKeyRequired": True},
        "GET /b": {"apiKeyRequired": False, "authorization": "iam"},
    }
    found = {name: {"apiKeyRequired": False, **stored.get(name, {})} for name in expected}
    assert opened(expected, found) == names


def test_what_is_asked_of_callers_is_in_the_outline() -> None:
    live: dict[str, dict[str, Item]] = {
        "/a": {
            "GET": {"authorizationType": "COGNITO_USER_POOLS", "apiKeyRequired": True, "methodIntegration": {}},
            "PUT": {"authorizationType": "AWS_IAM", "methodIntegration": {}},
            "POST": {"authorizationType": "NONE", "methodIntegration": {}},
        }
    }
    assert outline_of_live(live) == {
        "GET /a": {"apiKeyRequired": True, "authorization": "authorizer"},
        "PUT /a": {"apiKeyRequired": False, "authorization": "iam"},
        "POST /a": {"apiKeyRequired": False},
    }


def test_fingerprint_survives_the_description() -> None:
    fingerprint = Fingerprint("a" * 64, "b" * 64)
    assert Fingerprint.of({"description": str(fingerprint)}) == fingerprint
    assert Fingerprint.of({"description": "by hand"}) is None
    assert Fingerprint.of({}) is None
