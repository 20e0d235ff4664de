# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network load balancers: states and refusals of the control plane, bytes through the data plane."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from controllers_cluster import until
from moto import mock_aws
from moto.elbv2.models import ELBv2Backend, elbv2_backends

from lab.aws import elbv2
from lab.dataplane.nlb import NlbDataPlane
from lab.settings import Settings

REGION = "us-west-2"
links: list[str] = []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, 0, REGION, 0, 0, loopback_octet=90)


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        yield
    elbv2_backends.backend = ELBv2Backend


@pytest.fixture
def plane(account: None, settings: Settings) -> Iterator[NlbDataPlane]:
    links.clear()
    plane = NlbDataPlane(settings, lambda: elbv2.backend_of(REGION))
    elbv2.install(settings, lambda arn: links, plane)
    yield plane
    elbv2.backend_of(REGION).reset()


@pytest.fixture(scope="module")
def aws(account: None) -> Any:
    return boto3.client("elbv2", region_name=REGION)


@pytest.fixture
def client(plane: NlbDataPlane, aws: Any) -> Any:
    return aws


def make(client: Any, name: str = "one") -> dict[str, Any]:
    ec2 = boto3.client("ec2", region_name=REGION)
    subnet = ec2.describe_subnets()["Subnets"][0]
    (load_balancer,) = client.create_load_balancer(
        Name=name, Subnets=[subnet["SubnetId"]], Type="network", Scheme="internal"
    )["LoadBalancers"]
    (group,) = client.create_target_group(
        Name=name,
        Protocol="TCP",
        Port=80,
        VpcId=subnet["VpcId"],
        TargetType="ip",
        HealthCheckIntervalSeconds=10,
        HealthyThresholdCount=3,
        UnhealthyThresholdCount=3,
    )["TargetGroups"]
    client.create_listener(
        LoadBalancerArn=load_balancer["LoadBalancerArn"],
        Protocol="TCP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )
    return {"arn": load_balancer["LoadBalancerArn"], "group": group["TargetGroupArn"], **load_balancer}


def register(client: Any, made: dict[str, Any], address: str, port: int) -> None:
    client.register_targets(TargetGroupArn=made["group"], Targets=[{"Id": address, "Port": port}])


def states(client: Any, made: dict[str, Any]) -> list[tuple[str, str | None]]:
    found = client.describe_target_health(TargetGroupArn=made["group"])["TargetHealthDescriptions"]
    return [(each["TargetHealth"]["State"], each["TargetHealth"].get("Reason")) for each in found]


@asynccontextmanager
async def running(plane: NlbDataPlane) -> AsyncIterator[None]:
    task = asyncio.create_task(plane.run())
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def greeter(address: str, greeting: bytes) -> AsyncIterator[int]:
    """A target that greets everyone who connects."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(greet, address, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def read(plane: NlbDataPlane, made: dict[str, Any]) -> bytes:
    address = plane.address(made["arn"], 80)
    assert address is not None
    reader, writer = await asyncio.open_connection(*address)
    data = await reader.read()
    writer.close()
    return data


def test_a_new_load_balancer_is_provisioning_before_it_is_active(client: Any) -> None:
    made = make(client)
    assert made["State"]["Code"] == "provisioning"
    (seen,) = client.describe_load_balancers()["LoadBalancers"]
    assert seen["State"]["Code"] == "active"


def test_its_names_are_those_of_a_network_load_balancer(client: Any) -> None:
    made = make(client)
    number = made["arn"].rpartition("/")[2]
    assert made["arn"].endswith(f":loadbalancer/net/one/{number}")
    assert made["DNSName"] == f"one-{number}.elb.{REGION}.amazonaws.com"
    client.add_tags(ResourceArns=[made["arn"]], Tags=[{"Key": "a", "Value": "b"}])
    (description,) = client.describe_tags(ResourceArns=[made["arn"]])["TagDescriptions"]
    assert description["Tags"] == [{"Key": "a", "Value": "b"}]


def test_it_stays_provisioning_for_as_long_as_the_lab_is_set_to(
    settings: Settings, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elbv2.LabElbv2, "settings", Settings(settings.folder, 1000, REGION, 0, 0, 90))
    make(client)
    (seen,) = client.describe_load_balancers()["LoadBalancers"]
    assert seen["State"]["Code"] == "provisioning"


def test_a_linked_load_balancer_is_not_deleted(client: Any) -> None:
    made = make(client)
    links.append("link")
    with pytest.raises(ClientError) as refused:
        client.delete_load_balancer(LoadBalancerArn=made["arn"])
    assert refused.value.response["Error"] == {
        "Type": "Sender",
        "Code": "ResourceInUse",
        "Message": f"Load balancer '{made['arn']}' cannot be deleted because it is currently associated with another service",
    }
    links.clear()
    client.delete_load_balancer(LoadBalancerArn=made["arn"])
    assert client.describe_load_balancers()["LoadBalancers"] == []


def test_a_load_balancer_of_an_endpoint_service_is_not_deleted(client: Any) -> None:
    made = make(client)
    ec2 = boto3.client("ec2", region_name=REGION)
    service = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[made["arn"]])
    with pytest.raises(client.exceptions.ResourceInUseException, match="associated with another service"):
        client.delete_load_balancer(LoadBalancerArn=made["arn"])
    ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[service["ServiceConfiguration"]["ServiceId"]])
    client.delete_load_balancer(LoadBalancerArn=made["arn"])


def test_a_protected_load_balancer_is_not_deleted(client: Any) -> None:
    made = make(client)
    protection = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    client.modify_load_balancer_attributes(LoadBalancerArn=made["arn"], Attributes=protection)
    with pytest.raises(client.exceptions.OperationNotPermittedException, match="deletion protection is enabled"):
        client.delete_load_balancer(LoadBalancerArn=made["arn"])


def test_security_groups_are_enforced_on_private_link_until_switched_off(client: Any) -> None:
    ec2 = boto3.client("ec2", region_name=REGION)
    group = ec2.create_security_group(GroupName="frontend", Description="frontend")["GroupId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    (made,) = client.create_load_balancer(Name="one", Subnets=[subnet], Type="network", SecurityGroups=[group])[
        "LoadBalancers"
    ]
    name, arn = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", made["LoadBalancerArn"]
    assert made[name] == "on"
    client.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group], **{name: "off"})
    assert client.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group])[name] == "off"
    (seen,) = client.describe_load_balancers()["LoadBalancers"]
    assert (seen[name], seen["SecurityGroups"]) == ("off", [group])


def test_two_load_balancers_cannot_have_one_name(client: Any) -> None:
    make(client)
    with pytest.raises(client.exceptions.DuplicateLoadBalancerNameException):
        make(client)


def test_load_balancers_that_are_not_there_are_refused(client: Any) -> None:
    arn = make(client, "there")["arn"]
    (seen,) = client.describe_load_balancers(Names=["there"])["LoadBalancers"]
    assert seen["LoadBalancerArn"] == arn
    for asked, words in (
        ({"Names": ["there", "gone"]}, "Load balancers '[gone]' not found"),
        ({"LoadBalancerArns": [arn, f"{arn}0"]}, "One or more load balancers not found"),
    ):
        with pytest.raises(client.exceptions.LoadBalancerNotFoundException, match=re.escape(words)):
            client.describe_load_balancers(**asked)


def test_bytes_reach_healthy_targets_only(settings: Settings, plane: NlbDataPlane, client: Any) -> None:
    async def scenario() -> None:
        made = make(client)
        async with running(plane), greeter(settings.loopback("172.31.0.20"), b"hello") as port:
            register(client, made, "172.31.0.20", port)
            register(client, made, "172.31.0.21", 9)
            await until(lambda: ("healthy", None) in states(client, made))
            await until(lambda: ("unhealthy", "Target.FailedHealthChecks") in states(client, made))
            assert [await read(plane, made) for _ in range(4)] == [b"hello"] * 4

    asyncio.run(scenario())


def test_a_target_is_initial_first_and_its_end_is_noticed(settings: Settings, plane: NlbDataPlane, client: Any) -> None:
    async def scenario() -> None:
        made = make(client)
        async with running(plane):
            async with greeter(settings.loopback("172.31.0.22"), b"hello") as port:
                await until(lambda: plane.address(made["arn"], 80))
                register(client, made, "172.31.0.22", port)
                assert states(client, made)[0][0] == "initial"
                await until(lambda: states(client, made) == [("healthy", None)])
            await until(lambda: states(client, made) == [("unhealthy", "Target.FailedHealthChecks")])
            assert await read(plane, made) == b""

    asyncio.run(scenario())


def test_a_deregistered_target_drains_and_goes(settings: Settings, plane: NlbDataPlane, client: Any) -> None:
    async def scenario() -> None:
        made = make(client)
        async with running(plane), greeter(settings.loopback("172.31.0.23"), b"hello") as port:
            register(client, made, "172.31.0.23", port)
            await until(lambda: states(client, made) == [("healthy", None)])
            client.deregister_targets(TargetGroupArn=made["group"], Targets=[{"Id": "172.31.0.23", "Port": port}])
            await until(lambda: states(client, made) == [])

    asyncio.run(scenario())


def test_a_target_behind_no_listener_is_unused(client: Any) -> None:
    made = make(client)
    client.delete_load_balancer(LoadBalancerArn=made["arn"])
    register(client, made, "172.31.0.24", 80)
    assert states(client, made) == [("unused", "Target.NotInUse")]


def test_a_deleted_load_balancer_stops_listening(plane: NlbDataPlane, client: Any) -> None:
    async def scenario() -> None:
        made = make(client)
        async with running(plane):
            await until(lambda: plane.address(made["arn"], 80))
            address = plane.address(made["arn"], 80)
            assert address
            client.delete_load_balancer(LoadBalancerArn=made["arn"])
            await until(lambda: plane.address(made["arn"], 80) is None)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, timeout=1)

    asyncio.run(scenario())


def test_when_a_target_turned_healthy_is_on_record(settings: Settings, plane: NlbDataPlane, client: Any) -> None:
    async def scenario() -> None:
        made = make(client)
        before = time.time()
        async with running(plane), greeter(settings.loopback("172.31.0.25"), b"hello") as port:
            register(client, made, "172.31.0.25", port)
            await until(lambda: states(client, made) == [("healthy", None)])
            (line,) = (settings.folder / "health.jsonl").read_text().splitlines()
            entry = json.loads(line)
            assert (entry["target"], entry["state"]) == (f"172.31.0.25:{port}", "healthy")
            assert before <= entry["time"] <= time.time()

    asyncio.run(scenario())
