# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller: follows Services, and keeps the load balancers and targets that they ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from lab.controllers.client import PODS, SERVICES, ApiError, Key, KubeClient, Object, key_of
from lab.controllers.controller import Controller, Retry
from lab.controllers.endpoint_slices import is_behind, target_port
from lab.controllers.events import Recorder
from lab.controllers.load_balancer import model
from lab.controllers.load_balancer.resources import Resources, error_text
from lab.controllers.objects import is_ending, is_ready
from lab.settings import Settings

#: Longest pause in seconds between retries of a failure, at pace 1 (the real controller's: 1000).
_LONGEST_RETRY = 5.0
#: Seconds between looks at whether Auto Mode has been switched on.
_LOOK_AGAIN = 1.0

_Target = tuple[str, int]


class LoadBalancers:
    """Two controllers: ``controller`` for a Service's specification, ``targets`` for the pods behind it."""

    def __init__(
        self, client: KubeClient, elbv2: Any, ec2: Any, settings: Settings, cluster: Mapping[str, Any]
    ) -> None:
        """``elbv2`` and ``ec2`` are boto3 clients; ``cluster`` is as DescribeCluster shows it, and changes."""
        self._client = client
        self._elbv2 = elbv2
        self._cluster = cluster
        self._resources = Resources(elbv2, ec2, cluster)
        self._recorder = Recorder(client, "service")
        self._services = client.cache(SERVICES)
        self._pods = client.cache(PODS)
        #: By Service: the target group of each of its ports.
        self._target_groups: dict[Key, dict[int, str]] = {}
        #: The uids of Services whose own resources are gone, while their finalizer isn't yet.
        self._released: set[str] = set()
        self.controller = Controller(self._reconcile, max(_LONGEST_RETRY * settings.pace, 1.0))
        self.targets = Controller(self._reconcile_targets)
        self._services.listeners.append(self._service_changed)
        self._pods.listeners.append(self._pod_changed)

    def _service_changed(self, before: Object | None, after: Object | None) -> None:
        if after and (model.is_ours(after) or model.is_held(after)) and (not before or _differ(before, after)):
            self.controller.enqueue(key_of(after))

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        for pod in filter(None, (before, after)):
            for service in self._services.within(pod["metadata"]["namespace"]):
                if key_of(service) in self._target_groups and is_behind(pod, service):
                    self.targets.enqueue(key_of(service))

    # The load balancer.

    async def _reconcile(self, key: Key) -> float | None:
        service = self._services.get(key)
        if service is None:
            return None
        if is_ending(service) or not model.is_ours(service):
            if model.is_held(service):
                await self._clean_up(service)
            return None
        if not self._cluster["kubernetesNetworkConfig"]["elasticLoadBalancing"]["enabled"]:
            return _LOOK_AGAIN
        scheme, subnet_ids = await self._try(service, "Build", self._resources.plan, service)
        await self._hold(service)
        deploy = self._resources.deploy
        name, self._target_groups[key] = await self._try(service, "Deploy", deploy, service, scheme, subnet_ids)
        self.targets.enqueue(key)
        ports = [{"port": port["port"], "protocol": port["protocol"]} for port in service["spec"]["ports"]]
        await self._write_status(service, [{"hostname": name.lower(), "ports": ports}])
        await self._recorder.normal(service, "SuccessfullyReconciled", "Successfully reconciled")
        return None

    async def _clean_up(self, service: Object) -> None:
        await self._try(service, "Build", model.check_deletion, service)
        await self._try(service, "Deploy", self._resources.delete, service)
        self._target_groups.pop(key_of(service), None)
        self._released.add(service["metadata"]["uid"])
        held = {each["metadata"]["uid"] for each in self._services.objects.values() if model.is_held(each)}
        if held <= self._released:
            await self._try(service, "Deploy", self._resources.delete_shared)
        await self._write_status(service, [])
        left = [each for each in service["metadata"]["finalizers"] if each != model.FINALIZER]
        await self._patch(service, {"metadata": {"finalizers": left or None}})
        self._released.discard(service["metadata"]["uid"])

    async def _try(self, service: Object, step: str, do: Callable[..., Any], *arguments: Any) -> Any:
        """Do one step in a thread. When it fails, the Service's events say why, and its turn comes again."""
        try:
            return await asyncio.to_thread(do, *arguments)
        except (model.BuildError, ClientError) as error:
            message = f"Failed {step.lower()} model due to {_text(error)}"
            await self._recorder.warning(service, f"Failed{step}Model", message)
            raise Retry(message) from error

    async def _hold(self, service: Object) -> None:
        if not model.is_held(service):
            finalizers = [*service["metadata"].get("finalizers", []), model.FINALIZER]
            version = service["metadata"]["resourceVersion"]
            await self._patch(service, {"metadata": {"finalizers": finalizers, "resourceVersion": version}})

    async def _write_status(self, service: Object, ingress: list[Object]) -> None:
        known = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
        if _without_modes(known) != ingress:
            await self._patch(service, {"status": {"loadBalancer": {"ingress": ingress or None}}}, "status")

    async def _patch(self, service: Object, change: Object, subresource: str = "") -> None:
        try:
            await self._client.patch(SERVICES, key_of(service), change, subresource)
        except ApiError as error:
            if error.code != 404:
                raise

    # The targets.

    async def _reconcile_targets(self, key: Key) -> None:
        service = self._services.get(key)
        if service is None:
            return
        pods = [pod for pod in self._pods.within(key[0]) if is_behind(pod, service)]
        serving = [pod for pod in pods if is_ready(pod) and not is_ending(pod)]
        for port in service["spec"]["ports"]:
            if arn := self._target_groups.get(key, {}).get(port["port"]):
                wanted = {(pod["status"]["podIP"], number) for pod in serving if (number := target_port(pod, port))}
                try:
                    await asyncio.to_thread(self._register, arn, wanted)
                except ClientError as error:
                    raise Retry(error_text(error)) from error

    def _register(self, arn: str, wanted: set[_Target]) -> None:
        """Have just these targets in the group; those that drain are on their way out already."""
        health = self._elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        known = {
            (each["Target"]["Id"], each["Target"]["Port"])
            for each in health
            if each["TargetHealth"]["State"] != "draining"
        }
        if gone := known - wanted:
            self._elbv2.deregister_targets(TargetGroupArn=arn, Targets=_targets(gone))
        if new := wanted - known:
            self._elbv2.register_targets(TargetGroupArn=arn, Targets=_targets(new))


def _targets(targets: set[_Target]) -> list[dict[str, Any]]:
    return [{"Id": address, "Port": port} for address, port in sorted(targets)]


def _differ(before: Object, after: Object) -> bool:
    """Whether a change concerns the load balancer. The status doesn't count."""
    return (
        before["spec"] != after["spec"]
        or before["metadata"].get("annotations") != after["metadata"].get("annotations")
        or is_ending(before) != is_ending(after)
    )


def _without_modes(ingress: list[Object]) -> list[Object]:
    """The status without the API server's additions."""
    return [{name: each[name] for name in ("hostname", "ports") if name in each} for each in ingress]


def _text(error: Exception) -> str:
    return error_text(error) if isinstance(error, ClientError) else str(error)
