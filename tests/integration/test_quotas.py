# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A full quota is reported as such and not waited for, though AWS answers it with the 429 of too many calls."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Lab

OWNERSHIP = {"ownership_tags": {"seam.eks_auto/api": "petstore"}}


def definition(paths: int) -> dict[str, Any]:
    answer = {"responses": {"200": {"description": "OK"}}, "x-amazon-apigateway-integration": {"type": "MOCK"}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "petstore", "version": "1"},
        "paths": {f"/path{number}": {"get": answer} for number in range(paths)},
    }


@pytest.fixture(scope="module")
def load_balancer(lab: Lab) -> str:
    """ARN of a load balancer with all 20 links of a region."""
    subnet = lab.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    (made,) = lab.client("elbv2").create_load_balancer(
        Name="linked", Subnets=[subnet], Type="network", Scheme="internal"
    )["LoadBalancers"]
    arn: str = made["LoadBalancerArn"]
    for number in range(20):
        lab.client("apigateway").create_vpc_link(name=f"link{number}", targetArns=[arn])
    return arn


def test_the_21st_link(lab: Lab, load_balancer: str) -> None:
    before = len(lab.mutating_calls())
    owner = {"seam.eks_auto/contract": "petstore/petstore/vpclink"}
    link = {"name": "petstore", "target_arn": load_balancer, "ownership_tags": owner}
    refused = lab.run_module("apigateway_vpc_links", links=[link])
    assert "the quota of VPC links in this region (20 unless raised) is full" in refused["msg"]
    assert lab.mutating_calls()[before:] == ["apigateway:CreateVpcLink"]


def test_the_301st_resource_is_refused_before_any_call(lab: Lab) -> None:
    before = len(lab.mutating_calls())
    # The root is a resource too.
    refused = lab.run_module(
        "apigateway_rest_api", name="petstore", stage_name="prod", definition=definition(300), **OWNERSHIP
    )
    assert "makes 301 resources, one of each segment of its paths: the quota is 300" in refused["msg"]
    assert lab.mutating_calls()[before:] == []


def test_a_full_quota_is_reported_at_once_and_the_next_run_mends_it(lab: Lab) -> None:
    wanted = {"name": "petstore", "stage_name": "prod", **OWNERSHIP}
    before = len(lab.mutating_calls())
    refused = lab.run_module("apigateway_rest_api", definition=definition(300), resource_quota=400, **wanted)
    assert "the quota of resources in an API (300 unless raised) is full" in refused["msg"]
    assert lab.mutating_calls()[before:] == ["apigateway:CreateRestApi", "apigateway:PutRestApi"]
    made = lab.run_module("apigateway_rest_api", definition=definition(299), **wanted)
    assert made["changed"] is True
    apis = lab.client("apigateway").get_rest_apis()["items"]
    assert [each["name"] for each in apis] == ["petstore"]


def test_the_11th_stage(lab: Lab) -> None:
    client = lab.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    (deployment,) = client.get_deployments(restApiId=api["id"])["items"]
    for number in range(9):
        client.create_stage(restApiId=api["id"], stageName=f"stage{number}", deploymentId=deployment["id"])
    before = len(lab.mutating_calls())
    refused = lab.run_module(
        "apigateway_rest_api", name="petstore", stage_name="another", definition=definition(299), **OWNERSHIP
    )
    assert "the quota of stages in an API (10 unless raised) is full" in refused["msg"]
    assert lab.mutating_calls()[before:].count("apigateway:CreateStage") == 1
