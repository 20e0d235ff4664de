# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC links (V1) of the lab's API Gateway: their states, failures and references to them."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.tests.lab.apigateway_endpoint import (
    add_load_balancer,
    client_of,
    document,
    http_method,
    settings,
)
from botocore.exceptions import ClientError

from lab.aws.apigateway import ApiGateway, links
from tests.running_lab import RunningLab, eventually


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> ApiGateway:
    return ApiGateway(settings(tmp_path))


@pytest.fixture(name="aws")
def _aws(service: ApiGateway) -> Any:
    return client_of(service)


@pytest.fixture(name="arn")
def _arn() -> str:
    return add_load_balancer(f"nlb-{uuid.uuid4().hex[:8]}")


def refusal(function: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def put_on_stage(aws: Any, connection: str, **stage: Any) -> tuple[str, str]:
    """An API with one deployed method that uses a connection: (API id, resource id)."""
    operation = http_method("http://example.com/", connectionId=connection)
    api = aws.import_rest_api(body=json.dumps(document({"/pet": {"get": operation}})))["id"]
    aws.create_deployment(restApiId=api, stageName="prod", **stage)
    resource = next(r["id"] for r in aws.get_resources(restApiId=api)["items"] if r["path"] == "/pet")
    return api, resource


def test_a_link_goes_from_pending_to_available(aws: Any, arn: str) -> None:
    made = aws.create_vpc_link(name="petstore", description="d", targetArns=[arn], tags={"team": "infra"})
    assert made["status"] == "PENDING"
    link = aws.get_vpc_link(vpcLinkId=made["id"])
    assert (link["status"], link["statusMessage"]) == ("AVAILABLE", "Your vpc link is ready for use")
    assert aws.get_vpc_links()["items"][0]["tags"] == {"team": "infra"}


def test_states_end_by_time(tmp_path: Path, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(links.time, "monotonic", lambda: clock)
    aws = client_of(ApiGateway(settings(tmp_path, pace=1)))
    link = aws.create_vpc_link(name="petstore", targetArns=[arn])["id"]
    assert aws.get_vpc_link(vpcLinkId=link)["status"] == "PENDING"
    clock += 5.1
    assert aws.get_vpc_link(vpcLinkId=link)["status"] == "AVAILABLE"
    aws.delete_vpc_link(vpcLinkId=link)
    assert aws.get_vpc_link(vpcLinkId=link)["status"] == "DELETING"
    clock += 5.1
    assert refusal(aws.get_vpc_link, vpcLinkId=link) == (
        "NotFoundException", "Invalid Vpc Link identifier specified"
    )  # fmt: skip


def test_only_name_and_description_change(aws: Any, arn: str) -> None:
    link = aws.create_vpc_link(name="before", targetArns=[arn])["id"]
    rename = [{"op": "replace", "path": "/name", "value": "after"}]
    assert aws.update_vpc_link(vpcLinkId=link, patchOperations=rename)["name"] == "after"
    retarget = [{"op": "replace", "path": "/targetArns", "value": arn}]
    assert refusal(aws.update_vpc_link, vpcLinkId=link, patchOperations=retarget) == (
        "BadRequestException", "Target arns are not allowed to be changed/added."
    )  # fmt: skip


def test_targets_that_no_link_takes(aws: Any, arn: str) -> None:
    assert refusal(aws.create_vpc_link, name="two", targetArns=[arn, arn])[1] == (
        "More than one target arn specified for vpc link."
    )
    assert refusal(aws.create_vpc_link, name="bad", targetArns=["nlb"])[1] == (
        "Invalid ARN. ARN is not well formed nlb"
    )


@pytest.mark.parametrize("kind", ["app", "gone", "taken"])
def test_a_link_that_fails_stays_and_binds_nothing(aws: Any, service: ApiGateway, arn: str, kind: str) -> None:
    first = aws.create_vpc_link(name="first", targetArns=[arn])["id"]
    targets = {"app": add_load_balancer("alb", "app"), "gone": arn.replace("/net/", "/net/not-"), "taken": arn}
    messages = {
        "app": "NLB ARN is malformed.",
        "gone": "NLB not found.",
        "taken": "NLB is already associated with another VPC Endpoint Service",
    }
    second = aws.create_vpc_link(name="second", targetArns=[targets[kind]])["id"]
    failed = aws.get_vpc_link(vpcLinkId=second)
    assert (failed["status"], failed["statusMessage"]) == ("FAILED", messages[kind])
    assert [link["id"] for link in service.links_of(arn)] == [first]
    aws.delete_vpc_link(vpcLinkId=second)
    assert [link["id"] for link in aws.get_vpc_links()["items"]] == [first]


def test_the_endpoint_service_goes_some_time_after_its_link(tmp_path: Path) -> None:
    with RunningLab.running(tmp_path, "--pace", "0.7") as lab:
        gateway, elb, ec2 = lab.client("apigateway"), lab.client("elbv2"), lab.client("ec2")
        (balancer,) = elb.create_load_balancer(Name="held", Type="network", Subnets=lab.subnets()[:1])["LoadBalancers"]
        link = gateway.create_vpc_link(name="held", targetArns=[balancer["LoadBalancerArn"]])["id"]

        def services() -> list[list[str]]:
            found = ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]
            return [each["NetworkLoadBalancerArns"] for each in found]

        assert services() == [[balancer["LoadBalancerArn"]]]
        gateway.delete_vpc_link(vpcLinkId=link)
        eventually(lambda: gateway.get_vpc_links()["items"], lambda it: it == [])
        assert refusal(elb.delete_load_balancer, LoadBalancerArn=balancer["LoadBalancerArn"])[0] == "ResourceInUse"
        eventually(services, lambda it: it == [])
        elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])


def test_the_number_of_links_is_limited(aws: Any) -> None:
    for number in range(20):
        aws.create_vpc_link(name=str(number), targetArns=[add_load_balancer(f"limit-{number}")])
    with pytest.raises(ClientError) as caught:
        aws.create_vpc_link(name="one more", targetArns=[add_load_balancer("limit-more")])
    assert caught.value.response["Error"]["Code"] == "LimitExceededException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_link_that_a_deployed_integration_names_is_kept(aws: Any, service: ApiGateway, arn: str) -> None:
    link = aws.create_vpc_link(name="petstore", targetArns=[arn])["id"]
    api, resource = put_on_stage(aws, link)
    code, message = refusal(aws.delete_vpc_link, vpcLinkId=link)
    assert code == "BadRequestException"
    assert message.startswith(f"Cannot delete vpc link. Vpc link '{link}', is referenced in [GET:{resource}:")
    assert message.endswith("in format of [Method:Resource:Stage].") and f"GET:{resource}:prod" in message
    aws.delete_rest_api(restApiId=api)
    aws.delete_vpc_link(vpcLinkId=link)
    assert service.links_of(arn) == []


def test_a_stage_variable_keeps_no_link(aws: Any, service: ApiGateway, arn: str) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html"""
    link = aws.create_vpc_link(name="petstore", targetArns=[arn])["id"]
    put_on_stage(aws, "${stageVariables.link}", variables={"link": link})
    aws.delete_vpc_link(vpcLinkId=link)
    assert service.links_of(arn) == []


def test_a_hard_coded_reference_dangles_after_its_method_is_gone(aws: Any, arn: str) -> None:
    link = aws.create_vpc_link(name="petstore", targetArns=[arn])["id"]
    api, _ = put_on_stage(aws, link)
    aws.delete_stage(restApiId=api, stageName="prod")
    replacement = document({"/": {"get": http_method("http://example.com/")}})
    aws.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(replacement))
    assert "is referenced in" in refusal(aws.delete_vpc_link, vpcLinkId=link)[1]
    aws.delete_rest_api(restApiId=api)
    aws.delete_vpc_link(vpcLinkId=link)
    assert aws.get_vpc_links()["items"] == []
