# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Auto Mode's load balancers: a Service's resources in AWS, the traffic through them, and the Service's events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from controllers_cluster import Run, World, runner, until

from lab.controllers.client import DEPLOYMENTS, NAMESPACES, PODS, SERVICES, Object
from lab.controllers.load_balancer import model, subnets

PREFIX = "service.beta.kubernetes.io/aws-load-balancer-"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with runner(tmp_path_factory.mktemp("cluster")) as run:
        yield run


def service(namespace: str = "petstore", port: int = 80, target: Any = 8080, **annotations: str) -> Object:
    return {
        "metadata": {
            "name": "vpclink",
            "namespace": namespace,
            "annotations": {PREFIX + name.replace("_", "-"): value for name, value in annotations.items()},
        },
        "spec": {
            "type": "LoadBalancer",
            "loadBalancerClass": "eks.amazonaws.com/nlb",
            "selector": {"app": "petstore"},
            "ports": [{"port": port, "targetPort": target, "protocol": "TCP"}],
        },
    }


def deployment(namespace: str = "petstore") -> Object:
    ports = [{"name": "http", "containerPort": 8080}]
    container = {"name": "petstore", "image": "swaggerapi/petstore3:unstable", "ports": ports}
    return {
        "metadata": {"name": "petstore", "namespace": namespace},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "petstore"}},
            "template": {"metadata": {"labels": {"app": "petstore"}}, "spec": {"containers": [container]}},
        },
    }


async def apply(world: World, item: Object, tagged: bool = True) -> None:
    if tagged:
        world.tag_subnets()
    await world.apply(NAMESPACES, {"metadata": {"name": item["metadata"]["namespace"]}})
    await world.apply(SERVICES, item)


async def hostname(world: World, namespace: str = "petstore") -> str:
    """The name that the Service shows, as soon as it does."""

    async def shown() -> str | None:
        item = await world.find(SERVICES, "vpclink", namespace)
        ingress = (item or {}).get("status", {}).get("loadBalancer", {}).get("ingress", [])
        return ingress[0]["hostname"] if ingress else None

    name: str = await until(shown)
    return name


async def event(world: World, reason: str) -> Object:
    async def told() -> Object | None:
        return (await world.events("vpclink")).get(reason)

    found: Object = await until(told)
    return found


async def gone(world: World) -> None:
    async def is_gone() -> bool:
        return await world.find(SERVICES, "vpclink") is None

    await until(is_gone)


def tags(world: World, arn: str) -> dict[str, str]:
    (description,) = world.elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return {tag["Key"]: tag["Value"] for tag in description["Tags"]}


async def answer(world: World, port: int = 80) -> bytes:
    """The first line of the load balancer's answer to a request, b"" if it hangs up."""
    (balancer,) = world.load_balancers()
    address = world.plane.address(balancer["LoadBalancerArn"], port)
    assert address
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /api/v3/pet/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    return line


def test_a_service_gets_what_auto_mode_documents(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service(attributes="load_balancing.cross_zone.enabled=true"))
        name = await hostname(world)
        (balancer,) = world.load_balancers()
        assert (balancer["Type"], balancer["Scheme"], balancer["DNSName"]) == ("network", "internal", name)
        assert balancer["LoadBalancerName"].startswith("k8s-petstore-vpclink-")
        assert balancer["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] == "on"
        wanted = world.cluster["resourcesVpcConfig"]["subnetIds"]
        assert sorted(zone["SubnetId"] for zone in balancer["AvailabilityZones"]) == sorted(wanted)
        ours = {"eks:eks-cluster-name": "petstore", "service.eks.amazonaws.com/stack": "petstore/vpclink"}
        resource = "service.eks.amazonaws.com/resource"
        assert tags(world, balancer["LoadBalancerArn"]) == {**ours, resource: "LoadBalancer"}
        attributes = world.elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
        assert {"Key": "load_balancing.cross_zone.enabled", "Value": "true"} in attributes["Attributes"]
        (group,) = world.elbv2.describe_target_groups()["TargetGroups"]
        assert tags(world, group["TargetGroupArn"]) == {**ours, resource: "petstore/vpclink:80"}
        check = [group[f"{name}"] for name in ("TargetType", "HealthCheckProtocol", "HealthCheckIntervalSeconds")]
        assert check == ["ip", "TCP", 10]
        groups = world.ec2.describe_security_groups(GroupIds=balancer["SecurityGroups"])["SecurityGroups"]
        found = {each["Description"]: each for each in groups}
        frontend = found["[k8s] Managed SecurityGroup for LoadBalancer"]
        (rule,) = frontend["IpPermissions"]
        assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"][0]["CidrIp"]) == (80, 80, "0.0.0.0/0")
        backend = found["[k8s] Shared Backend SecurityGroup for LoadBalancers"]
        assert backend["GroupName"].startswith("k8s-traffic-petstore-")
        item = await world.find(SERVICES, "vpclink")
        assert item and item["metadata"]["finalizers"] == ["service.eks.amazonaws.com/resources"]
        assert (await event(world, "SuccessfullyReconciled"))["message"] == "Successfully reconciled"

    run(scenario)


def test_requests_reach_the_pods_and_follow_them(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service(target="http"))
        await world.apply(DEPLOYMENTS, deployment())
        await until(lambda: world.health() == [(8080, "healthy")] * 2)
        assert await answer(world) == b"HTTP/1.1 200 OK\r\n"
        before = {pod["metadata"]["name"] for pod in await world.items(PODS)}
        for pod in await world.items(PODS):
            await world.client.delete(PODS, pod)

        async def replaced() -> bool:
            pods = await world.items(PODS)
            serving = {(pod["status"].get("podIP"), 8080): "healthy" for pod in pods}
            return not {pod["metadata"]["name"] for pod in pods} & before and world.targets() == serving

        await until(replaced)
        assert await answer(world) == b"HTTP/1.1 200 OK\r\n"

    run(scenario)


def test_the_seeds_port_leads_nowhere_until_it_is_mended(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service(target=80))
        await world.apply(DEPLOYMENTS, deployment())
        await until(lambda: world.health() == [(80, "unhealthy")] * 2)
        assert await answer(world) == b""
        await apply(world, service(target=8080))
        await until(lambda: world.health() == [(8080, "healthy")] * 2)
        assert await answer(world) == b"HTTP/1.1 200 OK\r\n"

    run(scenario)


def test_a_service_that_changes_keeps_its_load_balancer(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service())
        name = await hostname(world)
        await apply(world, service(port=8443, healthcheck_protocol="HTTP", healthcheck_path="/api/v3/openapi.json"))

        async def changed() -> bool:
            (balancer,) = world.load_balancers()
            listeners = world.elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
            groups = world.elbv2.describe_target_groups()["TargetGroups"]
            checks = [(group["HealthCheckProtocol"], group.get("HealthCheckPath")) for group in groups]
            return [each["Port"] for each in listeners] == [8443] and checks == [("HTTP", "/api/v3/openapi.json")]

        await until(changed)
        assert await hostname(world) == name
        (balancer,) = world.load_balancers()
        groups = world.ec2.describe_security_groups(GroupIds=balancer["SecurityGroups"])["SecurityGroups"]
        assert [rule["FromPort"] for group in groups for rule in group["IpPermissions"]] == [8443]

    run(scenario)


def test_an_annotation_without_its_prefix_is_ignored(run: Run) -> None:
    async def scenario(world: World) -> None:
        item = service()
        item["metadata"]["annotations"] = {"aws-load-balancer-scheme": "internet-facing"}
        await apply(world, item)
        await hostname(world)
        assert [each["Scheme"] for each in world.load_balancers()] == ["internal"]

    run(scenario)


def test_without_tagged_subnets_routes_decide(run: Run) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/auto-change.html, 2026-07-27."""

    async def scenario(world: World) -> None:
        public, *private = (each["SubnetId"] for each in world.ec2.describe_subnets()["Subnets"])
        with open_to_the_internet(world, public):
            await apply(world, service(), tagged=False)
            await hostname(world)
            (balancer,) = world.load_balancers()
        assert {each["SubnetId"] for each in balancer["AvailabilityZones"]} == set(private)

    run(scenario)


@contextmanager
def open_to_the_internet(world: World, *subnets: str) -> Iterator[None]:
    """Give subnets a route table of their own for a while, with a route to an internet gateway."""
    ec2, vpc = world.ec2, world.cluster["resourcesVpcConfig"]["vpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    made = [ec2.associate_route_table(RouteTableId=table, SubnetId=each)["AssociationId"] for each in subnets]
    try:
        yield
    finally:
        for each in made:
            ec2.disassociate_route_table(AssociationId=each)
        ec2.delete_route_table(RouteTableId=table)
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)


def test_without_fitting_subnets_events_say_so_until_somebody_tags_one(run: Run) -> None:
    async def scenario(world: World) -> None:
        with open_to_the_internet(world, *(each["SubnetId"] for each in world.ec2.describe_subnets()["Subnets"])):
            await until_tagged(world)

    async def until_tagged(world: World) -> None:
        await apply(world, service(), tagged=False)
        found = await event(world, "FailedBuildModel")
        assert found["message"] == (
            "Failed build model due to unable to resolve at least one subnet. Evaluated 0 subnets: 0 are tagged for "
            "other clusters, and 0 have insufficient available IP addresses"
        )

        async def repeated() -> bool:
            return (await event(world, "FailedBuildModel"))["count"] > 2

        await until(repeated)
        item = await world.find(SERVICES, "vpclink")
        assert item and not item["metadata"].get("finalizers") and world.load_balancers() == []
        world.tag_subnets()
        await hostname(world)

    run(scenario)


def test_an_unknown_scheme_is_refused(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service(scheme="private"))
        assert (await event(world, "FailedBuildModel"))["message"] == (
            "Failed build model due to unknown scheme: private"
        )

    run(scenario)


def test_a_deleted_service_leaves_nothing(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service())
        await hostname(world)
        item = await world.find(SERVICES, "vpclink")
        assert item
        await world.client.delete(SERVICES, item)
        await gone(world)
        assert world.load_balancers() == [] and world.elbv2.describe_target_groups()["TargetGroups"] == []
        groups = world.ec2.describe_security_groups()["SecurityGroups"]
        assert [each["GroupName"] for each in groups] == ["default"]

    run(scenario)


def test_a_service_that_is_no_load_balancer_any_more_gives_its_own_back(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service())
        await hostname(world)
        change = {"spec": {"type": "ClusterIP", "loadBalancerClass": None}}
        await world.client.patch(SERVICES, ("petstore", "vpclink"), change)

        async def released() -> bool:
            item = await world.find(SERVICES, "vpclink")
            return item is not None and not item["metadata"].get("finalizers") and world.load_balancers() == []

        await until(released)

    run(scenario)


def test_two_services_share_one_backend_group_and_the_last_takes_it_along(run: Run) -> None:
    async def scenario(world: World) -> None:
        for namespace in ("petstore", "other"):
            await apply(world, service(namespace))
        for namespace in ("petstore", "other"):
            await hostname(world, namespace)
        first, second = (set(each["SecurityGroups"]) for each in world.load_balancers())
        assert len(first & second) == 1
        for namespace in ("petstore", "other"):
            found = await world.find(NAMESPACES, namespace)
            assert found
            await world.client.delete(NAMESPACES, found)
        await gone(world)
        await until(lambda: len(world.ec2.describe_security_groups()["SecurityGroups"]) == 1)

    run(scenario)


def test_a_linked_load_balancer_keeps_its_service_and_its_traffic(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service())
        await world.apply(DEPLOYMENTS, deployment())
        await until(lambda: world.health() == [(8080, "healthy")] * 2)
        (balancer,) = world.load_balancers()
        world.links.append("link")
        item = await world.find(SERVICES, "vpclink")
        assert item
        await world.client.delete(SERVICES, item)
        refusal = (
            f"Load balancer '{balancer['LoadBalancerArn']}' cannot be deleted because it is currently associated with "
            "another service"
        )
        assert refusal in (await event(world, "FailedDeployModel"))["message"]
        held = await world.find(SERVICES, "vpclink")
        assert held and held["metadata"]["deletionTimestamp"]
        assert await answer(world) == b"HTTP/1.1 200 OK\r\n"
        world.links.clear()
        await gone(world)
        assert world.load_balancers() == []

    run(scenario)


def test_another_scheme_is_another_load_balancer_the_old_one_going_first(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service())
        name = await hostname(world)
        subnet_ids = world.cluster["resourcesVpcConfig"]["subnetIds"]
        public = [{"Key": "kubernetes.io/role/elb", "Value": ""}]
        world.ec2.create_tags(Resources=subnet_ids, Tags=public)
        world.links.append("link")
        await apply(world, service(scheme="internet-facing"))
        assert "associated with another service" in (await event(world, "FailedDeployModel"))["message"]
        assert [each["DNSName"] for each in world.load_balancers()] == [name]
        world.links.clear()
        await until(lambda: [each["Scheme"] for each in world.load_balancers()] == ["internet-facing"])
        world.ec2.delete_tags(Resources=subnet_ids, Tags=public)

    run(scenario)


def test_deletion_protection_asked_for_holds_the_service(run: Run) -> None:
    async def scenario(world: World) -> None:
        await apply(world, service(attributes="deletion_protection.enabled=true"))
        await hostname(world)
        item = await world.find(SERVICES, "vpclink")
        assert item
        await world.client.delete(SERVICES, item)
        found = await event(world, "FailedBuildModel")
        assert found["message"].endswith("deletion_protection is enabled, cannot delete the service: vpclink")
        change = {"metadata": {"annotations": {PREFIX + "attributes": "deletion_protection.enabled=false"}}}
        await world.client.patch(SERVICES, ("petstore", "vpclink"), change)
        await gone(world)

    run(scenario)


def test_nothing_is_made_before_auto_mode_is_on(run: Run) -> None:
    async def scenario(world: World) -> None:
        balancing = world.cluster["kubernetesNetworkConfig"]["elasticLoadBalancing"]
        balancing["enabled"] = False
        await apply(world, service())
        await world.apply(DEPLOYMENTS, deployment())

        async def deployed() -> bool:
            return len(await world.items(PODS)) == 2

        await until(deployed)
        assert world.load_balancers() == []
        balancing["enabled"] = True
        await hostname(world)

    run(scenario)


def subnet(name: str, zone: str = "a", free: int = 100, **more: str) -> dict[str, Any]:
    found = [{"Key": key.replace("__", "/"), "Value": value} for key, value in more.items()]
    return {"SubnetId": name, "AvailabilityZone": zone, "AvailableIpAddressCount": free, "Tags": found}


def test_one_subnet_in_each_zone_the_clusters_own_first() -> None:
    own: dict[str, Any] = {"kubernetes.io__cluster__c": "shared"}
    foreign: dict[str, Any] = {"kubernetes.io__cluster__d": "owned"}
    found = [
        subnet("1", "a"),
        subnet("2", "a", **own),
        subnet("4", "b"),
        subnet("3", "b"),
        subnet("5", "c", **foreign),
        subnet("6", "d", free=7),
    ]
    assert subnets.choose(found, "c") == ["2", "3"]
    with pytest.raises(model.BuildError) as refused:
        subnets.choose(found[4:], "c")
    assert str(refused.value) == (
        "unable to resolve at least one subnet. Evaluated 2 subnets: 1 are tagged for other clusters, and 1 have "
        "insufficient available IP addresses"
    )
