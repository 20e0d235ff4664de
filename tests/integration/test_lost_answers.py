# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call took effect, but its answer was lost: its resource is there once, and the run goes on."""

from __future__ import annotations

from lab import faults
from lab.faults import Fault

from .conftest import Lab


def lose_the_first_answer(lab: Lab, *operations: str) -> None:
    for operation in operations:
        faults.add(lab.folder, Fault("reset", "apigateway", operation, after=True, count=1))


def test_a_usage_plan_is_made_once(lab: Lab) -> None:
    operations = ("CreateUsagePlan", "CreateApiKey", "CreateUsagePlanKey")
    lose_the_first_answer(lab, *operations)
    arguments = {"name": "plan", "ownership_tags": {"seam.eks_auto/api": "plan"}, "api_key_name": "key"}
    made = lab.run_module("apigateway_usage_plan", **arguments)
    assert made["changed"] is True
    assert [each["action"] for each in made["actions"]] == list(operations)
    client = lab.client("apigateway", "infra")
    (plan,), (key,) = client.get_usage_plans()["items"], client.get_api_keys()["items"]
    assert [each["id"] for each in client.get_usage_plan_keys(usagePlanId=plan["id"])["items"]] == [key["id"]]
    assert lab.run_module("apigateway_usage_plan", **arguments)["changed"] is False
    assert len(faults.injected(lab.folder)) == len(operations)


def test_an_api_is_made_once(lab: Lab) -> None:
    operations = ("CreateRestApi", "CreateDeployment", "CreateStage")
    lose_the_first_answer(lab, *operations)
    definition = {
        "openapi": "3.0.1",
        "info": {"title": "once", "version": "1"},
        "paths": {
            "/": {
                "get": {
                    "responses": {"200": {"description": "OK"}},
                    "x-amazon-apigateway-integration": {
                        "type": "http_proxy",
                        "httpMethod": "GET",
                        "uri": "http://example.com/",
                    },
                }
            }
        },
    }
    arguments = {
        "name": "once",
        "definition": definition,
        "stage_name": "v1",
        "ownership_tags": {"seam.eks_auto/api": "once"},
    }
    made = lab.run_module("apigateway_rest_api", **arguments)
    assert made["changed"] is True, made
    client = lab.client("apigateway", "infra")
    (api,) = client.get_rest_apis()["items"]
    (stage,) = client.get_stages(restApiId=api["id"])["item"]
    deployments = [each["id"] for each in client.get_deployments(restApiId=api["id"])["items"]]
    assert deployments == [stage["deploymentId"]]
    assert lab.run_module("apigateway_rest_api", **arguments)["changed"] is False
