# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the apigateway_* modules share: verdicts, ownership, and how a definition compares with what is stored."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import waiters
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import Item
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.definition import (
    Fingerprint,
    import_body,
    live_digest,
    live_methods,
    outline_differences,
    outline_of_definition,
    outline_of_live,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.integrations import integrate
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.transformations import (
    as_result,
    owned,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"


def link(status: str, message: str | None = None) -> Item:
    return {"id": "l1", "status": status, "statusMessage": message}


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
def test_verdicts(judge: t.Callable[[t.Any], t.Any], link: Item | None, state: str, reason: str) -> None:
    verdict = judge(link)
    assert (verdict.state, verdict.reason) == (state, reason)


def test_failed_link_gives_aws_reason() -> None:
    reason = "NLB is already associated with another VPC Endpoint Service"
    assert reason in waiters.judge_link_available(link("FAILED", reason)).message


def test_owned_needs_all_tags() -> None:
    items = [{"tags": {"a": "1", "b": "2", "c": "3"}}, {"tags": {"a": "1"}}, {}]
    assert owned(items, {"a": "1", "b": "2"}) == items[:1]


def test_results_keep_the_users_keys_and_hide_values() -> None:
    stage = {"stageName": "prod", "variables": {"vpcLinkId": "l"}, "tags": {"myTag": "x"}, "value": "secret"}
    assert as_result(stage) == {"stage_name": "prod", "variables": {"vpcLinkId": "l"}, "tags": {"myTag": "x"}}


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
    definition = integrate(document, [{"base_path": "/api/v3"}], {"/": "/"}, open_operations=oauth_only)
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


def test_digest_sees_every_edit_but_not_new_resource_ids() -> None:
    def digest(uri: str = "http://nlb", namespace: str = "r1", resource: str = "r1", schema: str = "{}") -> str:
        integration = {"uri": uri, "cacheNamespace": namespace}
        methods = {"GET": {"methodIntegration": integration}}
        resources = [{"id": resource, "path": "/a", "resourceMethods": methods}]
        return live_digest({"name": "petstore"}, live_methods(resources), [{"name": "Pet", "schema": schema}])

    assert digest() == digest(namespace="r9", resource="r9")
    assert len({digest(), digest(uri="x"), digest(namespace="own"), digest(schema="[]")}) == 4


def test_fingerprint_survives_the_description() -> None:
    fingerprint = Fingerprint("a" * 64, "b" * 64)
    assert Fingerprint.of({"description": str(fingerprint)}) == fingerprint
    assert Fingerprint.of({"description": "by hand"}) is None
    assert Fingerprint.of({}) is None
