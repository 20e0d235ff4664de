# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster for tests, whole but for EKS: API server, controllers, pods, load balancers and their data plane."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.elbv2.models import ELBv2Backend, elbv2_backends

from lab import controllers, kubernetes
from lab.aws import elbv2
from lab.controllers.client import ApiError, KubeClient, Object, Resource
from lab.controllers.scheduler import Addresses
from lab.dataplane.nlb import NlbDataPlane
from lab.kubernetes.api_server import ApiServer
from lab.kubernetes.auth import Decision
from lab.settings import Settings, free_octet, hold_octet

#: Runs what a test does in the cluster.
Run = Callable[[Callable[["World"], Coroutine[Any, Any, None]]], None]

REGION = "us-west-2"
ROLE_TAG = "kubernetes.io/role/internal-elb"


class World:
    """The parts that tests look at and change. ``links`` are the VPC links that hold every load balancer."""

    def __init__(self, settings: Settings, plane: NlbDataPlane, links: list[str], cluster: dict[str, Any]) -> None:
        self.settings = settings
        self.plane = plane
        self.links = links
        self.cluster = cluster
        self._moto_lock = threading.Lock()
        self.elbv2 = self.aws("elbv2")
        self.ec2 = self.aws("ec2")
        self.client: KubeClient
        self.server: ApiServer

    def aws(self, service: str) -> Any:
        """A boto3 client. Like the lab's endpoint it asks moto one thing at a time: moto isn't made for more."""
        client = boto3.client(service, region_name=REGION)
        call = client._make_api_call

        def one_at_a_time(*arguments: Any) -> Any:
            with self._moto_lock:
                return call(*arguments)

        client._make_api_call = one_at_a_time
        return client

    def tag_subnets(self) -> None:
        self.ec2.create_tags(
            Resources=self.cluster["resourcesVpcConfig"]["subnetIds"], Tags=[{"Key": ROLE_TAG, "Value": "1"}]
        )

    async def apply(self, resource: Resource, item: Object) -> Object:
        metadata = item["metadata"]
        path = resource.path(metadata.get("namespace", ""), metadata["name"])
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
        made: Object = await self.client.request(
            "PATCH", path, body, content_type="application/apply-patch+yaml", fieldManager="test", force="true"
        )
        return made

    async def find(self, resource: Resource, name: str, namespace: str = "petstore") -> Object | None:
        try:
            return await self.client.get(resource, (namespace if resource.namespaced else "", name))
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    async def items(self, resource: Resource, namespace: str = "petstore") -> list[Object]:
        listed: list[Object] = (await self.client.request("GET", resource.path(namespace)))["items"]
        return listed

    async def events(self, name: str) -> dict[str, Object]:
        """The last event of each reason about objects whose name begins so."""
        found = await self.items(controllers.kinds.EVENTS)
        return {each["reason"]: each for each in found if each["involvedObject"]["name"].startswith(name)}

    async def clean(self) -> None:
        """Delete everything that a test made."""
        self.links.clear()
        for name in ("petstore", "other"):
            if namespace := await self.find(controllers.kinds.NAMESPACES, name):
                await self.client.delete(controllers.kinds.NAMESPACES, namespace)
        await until(self._is_clean, 60)
        for node in await self.items(controllers.kinds.NODES):
            await self.client.delete(controllers.kinds.NODES, node)
        subnets = self.cluster["resourcesVpcConfig"]["subnetIds"]
        self.ec2.delete_tags(Resources=subnets, Tags=[{"Key": ROLE_TAG}])

    async def _is_clean(self) -> bool:
        found = [await self.find(controllers.kinds.NAMESPACES, name) for name in ("petstore", "other")]
        return not any(found)

    def targets(self) -> dict[tuple[str, int], str]:
        """Address and port of all targets of all target groups, and their state."""
        found = {}
        for group in self.elbv2.describe_target_groups()["TargetGroups"]:
            health = self.elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
            for each in health["TargetHealthDescriptions"]:
                found[each["Target"]["Id"], each["Target"]["Port"]] = each["TargetHealth"]["State"]
        return found

    def health(self) -> list[tuple[int, str]]:
        """Port and state of all targets."""
        return sorted((port, state) for (_, port), state in self.targets().items())

    def load_balancers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.elbv2.describe_load_balancers()["LoadBalancers"]
        return found


async def until(holds: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait until ``holds`` returns something, and return that; fails at the deadline. ``holds`` may be a coroutine
    function.
    """
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.03)


@contextmanager
def account(settings: Settings, links: list[str]) -> Iterator[NlbDataPlane]:
    """An AWS account with the lab's load balancers."""
    with mock_aws():
        plane = NlbDataPlane(settings, lambda: elbv2.backend_of(settings.region))
        elbv2.install(settings, lambda arn: links, plane)
        yield plane
    elbv2_backends.backend = ELBv2Backend


def _describe_cluster() -> dict[str, Any]:
    subnets = boto3.client("ec2", region_name=REGION).describe_subnets()["Subnets"][:2]
    return {
        "name": "petstore",
        "computeConfig": {"enabled": True, "nodePools": ["general-purpose"]},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
        "resourcesVpcConfig": {"vpcId": subnets[0]["VpcId"], "subnetIds": [each["SubnetId"] for each in subnets]},
    }


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    settings = Settings(folder, 0, REGION, 0, 0, loopback_octet=free_octet())
    links: list[str] = []
    with hold_octet(settings.loopback_octet), account(settings, links) as plane:
        world = World(settings, plane, links, _describe_cluster())
        world.server = await kubernetes.start(
            settings, "petstore", "1.36", lambda token: None, lambda user, wanted: Decision(False)
        )
        clients = {"ec2": world.ec2, "elbv2": world.elbv2}
        world.client = KubeClient(world.server.url, world.server.ca_pem, world.server.admin_token)
        tasks = [
            asyncio.create_task(plane.run()),
            asyncio.create_task(
                controllers.run(world.server, clients.__getitem__, settings, world.cluster, Addresses())
            ),
        ]
        try:
            yield world
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await world.client.close()
            await world.server.stop()


@contextmanager
def runner(folder: Path) -> Iterator[Run]:
    """One cluster for many tests, each of which begins with an empty one."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as loop:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        stack = AsyncExitStack()
        world = loop.run(stack.enter_async_context(running(folder)))

        def run(scenario: Callable[[World], Coroutine[Any, Any, None]]) -> None:
            try:
                loop.run(scenario(world))
            finally:
                loop.run(world.clean())

        yield run
        loop.run(stack.aclose())
