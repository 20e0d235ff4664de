# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC links V2 of the lab's API Gateway: their states, refusals and references to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.tests.lab.apigateway_endpoint import (
    REGION,
    client_of,
    client_v2_of,
    document,
    http_method,
    settings,
)
from botocore.exceptions import ClientError
from moto.ec2.models import ec2_backends

from lab.aws.apigateway import ApiGateway
from lab.aws.apigateway.links import IDLE
from lab.settings import ACCOUNT

TARGET = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/nlb/50dc6c495c0c9188"


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> ApiGateway:
    return ApiGateway(settings(tmp_path))


@pytest.fixture(name="aws")
def _aws(service: ApiGateway) -> Any:
    return client_v2_of(service)


@pytest.fixture(name="rest")
def _rest(service: ApiGateway) -> Any:
    return client_of(service)


@pytest.fixture(name="network")
def _network() -> dict[str, list[str]]:
    """Two subnets and the security group of the default VPC."""
    ec2 = ec2_backends[ACCOUNT][REGION]
    vpc = ec2.get_default_vpc()
    subnets = sorted(subnet.id for subnet in ec2.get_default_subnets().values())
    (group,) = ec2.groups[vpc.id]
    return {"SubnetIds": subnets[:2], "SecurityGroupIds": [group]}


def refusal(function: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_link_goes_from_pending_to_available(aws: Any, network: dict[str, list[str]]) -> None:
    made = aws.create_vpc_link(Name="petstore", Tags={"team": "infra"}, **network)
    assert (made["VpcLinkStatus"], made["VpcLinkVersion"]) == ("PENDING", "V2")
    seen = aws.get_vpc_link(VpcLinkId=made["VpcLinkId"])
    assert seen["VpcLinkStatus"] == "AVAILABLE"
    assert {key: seen[key] for key in ("Name", "Tags", *network)} == {
        "Name": "petstore",
        "Tags": {"team": "infra"},
        **network,
    }
    assert [each["VpcLinkId"] for each in aws.get_vpc_links()["Items"]] == [made["VpcLinkId"]]


def test_it_takes_its_time(tmp_path: Path, network: dict[str, list[str]]) -> None:
    service = ApiGateway(settings(tmp_path, pace=10))
    aws = client_v2_of(service)
    link = aws.create_vpc_link(Name="petstore", **network)["VpcLinkId"]
    assert aws.get_vpc_link(VpcLinkId=link)["VpcLinkStatus"] == "PENDING"
    service.links_v2[link].ready_at = 0
    aws.delete_vpc_link(VpcLinkId=link)
    assert aws.get_vpc_link(VpcLinkId=link)["VpcLinkStatus"] == "DELETING"


def test_links_of_one_version_are_not_those_of_the_other(aws: Any, rest: Any, network: dict[str, list[str]]) -> None:
    link = aws.create_vpc_link(Name="petstore", **network)["VpcLinkId"]
    assert rest.get_vpc_links()["items"] == []
    assert refusal(rest.get_vpc_link, vpcLinkId=link)[0] == "NotFoundException"


def test_only_name_and_tags_change(aws: Any, network: dict[str, list[str]]) -> None:
    link = aws.create_vpc_link(Name="petstore", **network)["VpcLinkId"]
    aws.update_vpc_link(VpcLinkId=link, Name="pets")
    aws.tag_resource(ResourceArn=f"arn:aws:apigateway:{REGION}::/vpclinks/{link}", Tags={"team": "infra"})
    seen = aws.get_vpc_link(VpcLinkId=link)
    assert (seen["Name"], seen["Tags"]) == ("pets", {"team": "infra"})


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"SubnetIds": []}, "At least one subnet is required"),
        ({"SubnetIds": ["subnet-0"]}, "The subnet ID 'subnet-0' does not exist"),
        ({"SecurityGroupIds": ["sg-0"]}, "The security group ID 'sg-0' does not exist"),
    ],
)
def test_a_place_that_is_not_there_is_refused(
    aws: Any, network: dict[str, list[str]], place: dict[str, list[str]], says: str
) -> None:
    arguments = {**network, **place}
    assert refusal(aws.create_vpc_link, Name="petstore", **arguments) == ("BadRequestException", says)


def test_the_eleventh_link_is_too_many(aws: Any, network: dict[str, list[str]]) -> None:
    for number in range(10):
        aws.create_vpc_link(Name=f"link-{number}", **network)
    assert refusal(aws.create_vpc_link, Name="link-10", **network)[0] == "LimitExceededException"


def test_a_subnet_without_addresses_ends_failed(
    aws: Any, network: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    subnet = ec2_backends[ACCOUNT][REGION].get_subnet(network["SubnetIds"][0])
    monkeypatch.setattr(subnet, "_available_ip_addresses", 0)
    link = aws.create_vpc_link(Name="petstore", **network)["VpcLinkId"]
    seen = aws.get_vpc_link(VpcLinkId=link)
    assert (seen["VpcLinkStatus"], seen["VpcLinkStatusMessage"]) == (
        "FAILED",
        f"Subnet {subnet.id} has no free IP address",
    )


def test_a_link_without_traffic_becomes_inactive_and_traffic_brings_it_back(
    service: ApiGateway, aws: Any, network: dict[str, list[str]]
) -> None:
    identifier = aws.create_vpc_link(Name="petstore", **network)["VpcLinkId"]
    link = service.links_v2[identifier]
    link.used_at -= IDLE
    assert aws.get_vpc_link(VpcLinkId=identifier)["VpcLinkStatus"] == "INACTIVE"
    integration = {"integrationTarget": TARGET}
    assert link.target_of(integration) is None
    assert link.target_of(integration) == TARGET
    assert aws.get_vpc_link(VpcLinkId=identifier)["VpcLinkStatus"] == "AVAILABLE"


def test_a_link_that_a_deployed_integration_names_is_not_deleted(
    aws: Any, rest: Any, network: dict[str, list[str]]
) -> None:
    link = aws.create_vpc_link(Name="petstore", **network)["VpcLinkId"]
    operation = http_method("http://example.com/", connectionId=link, integrationTarget=TARGET)
    api = rest.import_rest_api(body=json.dumps(document({"/": {"get": operation}})))["id"]
    rest.create_deployment(restApiId=api, stageName="prod")
    code, message = refusal(aws.delete_vpc_link, VpcLinkId=link)
    assert code == "BadRequestException"
    assert message.startswith(f"Cannot delete vpc link. Vpc link '{link}', is referenced in [GET:")
    rest.delete_rest_api(restApiId=api)
    aws.delete_vpc_link(VpcLinkId=link)
    assert refusal(aws.get_vpc_link, VpcLinkId=link)[0] == "NotFoundException"


def test_an_integration_with_the_link_itself_needs_a_target(aws: Any, rest: Any, network: dict[str, list[str]]) -> None:
    link = aws.create_vpc_link(Name="petstore", **network)["VpcLinkId"]
    operation = http_method("http://example.com/", connectionId=link)
    message = refusal(rest.import_rest_api, body=json.dumps(document({"/": {"get": operation}})))[1]
    assert f"IntegrationTarget is required for VpcLinkV2 {link}" in message


@pytest.mark.parametrize(("key", "kept"), [("integrationTarget", TARGET), ("integration-target", None)])
def test_the_target_is_read_back_in_the_spelling_that_is_known_to_work(rest: Any, key: str, kept: str | None) -> None:
    operation = http_method("http://example.com/", **{key: TARGET})
    api = rest.import_rest_api(body=json.dumps(document({"/": {"get": operation}})))["id"]
    (resource,) = rest.get_resources(restApiId=api, embed=["methods"])["items"]
    assert resource["resourceMethods"]["GET"]["methodIntegration"].get("integrationTarget") == kept
    seen = rest.get_integration(restApiId=api, resourceId=resource["id"], httpMethod="GET")
    assert seen.get("integrationTarget") == kept
