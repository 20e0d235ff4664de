# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Auto Mode's compute: adds nodes when pods need them, one in each zone, and schedules pods to them."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections.abc import Mapping
from typing import Any

from lab.controllers.client import NODES, PODS, ApiError, Key, KubeClient, Object, key_of
from lab.controllers.controller import Controller, Retry
from lab.controllers.events import Recorder, now
from lab.controllers.objects import controller_of, is_active, is_ending, labels_of

ZONE = "topology.kubernetes.io/zone"
#: A node of the built-in node pool (set-builtin-node-pools.html: amd64, on demand).
_LABELS = {
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "node.kubernetes.io/instance-type": "c6a.large",
    "karpenter.sh/nodepool": "general-purpose",
    "karpenter.sh/capacity-type": "on-demand",
    "eks.amazonaws.com/compute-type": "auto",
    "eks.amazonaws.com/nodeclass": "default",
}
_CAPACITY = {"cpu": "2", "memory": "3919456Ki", "pods": "27", "ephemeral-storage": "81854Mi"}


class Scheduler:
    """Binds pods to nodes, spread over the zones of the cluster's subnets, and makes the nodes."""

    def __init__(self, client: KubeClient, ec2: Any, cluster: Mapping[str, Any]) -> None:
        """``ec2`` is a boto3 client; ``cluster`` is as DescribeCluster shows it, and changes."""
        self._client = client
        self._ec2 = ec2
        self._cluster = cluster
        self._nodes = client.cache(NODES)
        self._pods = client.cache(PODS)
        self._recorder = Recorder(client, "default-scheduler")
        # A pod counts in its zone before the next one is scheduled.
        self._lock = asyncio.Lock()
        self.controller = Controller(self._reconcile)
        self.controller.follow(self._pods)

    async def subnets(self, zone: str = "") -> list[Object]:
        """The cluster's subnets, of one zone or all."""
        ids = self._cluster["resourcesVpcConfig"]["subnetIds"]
        found = await asyncio.to_thread(self._ec2.describe_subnets, SubnetIds=ids)
        return [each for each in found["Subnets"] if zone in ("", each["AvailabilityZone"])]

    async def _reconcile(self, key: Key) -> None:
        async with self._lock:
            pod = self._pods.get(key)
            if pod is None or pod["spec"].get("nodeName") or is_ending(pod):
                return
            await self._check_node_pool(pod)
            node = await self._node_for(pod)
            await self._bind(pod, node)

    async def _check_node_pool(self, pod: Object) -> None:
        compute = self._cluster.get("computeConfig") or {}
        if not compute.get("enabled") or "general-purpose" not in (compute.get("nodePools") or []):
            await self._refuse(pod, "no nodes available to schedule pods")

    async def _node_for(self, pod: Object) -> Object:
        region_zones = sorted({subnet["AvailabilityZone"] for subnet in await self.subnets()})
        selector = pod["spec"].get("nodeSelector", {}).items()
        zones = [zone for zone in region_zones if selector <= _labels(zone).items()]
        if not zones:
            count = len(self._nodes.objects)
            message = f"0/{count} nodes are available: {count} node(s) didn't match Pod's node affinity/selector."
            await self._refuse(pod, message)
        zone = min(zones, key=lambda each: self._load(each, pod))
        nodes = [node for node in self._nodes.objects.values() if labels_of(node).get(ZONE) == zone]
        # One that is cordoned takes no pods, and Auto Mode makes another.
        open_nodes = [node for node in nodes if not node["spec"].get("unschedulable")]
        return open_nodes[0] if open_nodes else await self._add_node(zone)

    async def _add_node(self, zone: str) -> Object:
        name = f"i-0{secrets.token_hex(8)}"
        metadata = {"name": name, "labels": {**_labels(zone), "kubernetes.io/hostname": name}}
        made = await self._client.create(NODES, {"metadata": metadata, "spec": {"providerID": f"aws:///{zone}/{name}"}})
        return await self._client.patch(NODES, key_of(made), {"status": _node_status(name)}, "status")

    def _load(self, zone: str, pod: Object) -> tuple[int, int]:
        """The number of pods in a zone: of the same owner, and of all."""
        names = {node["metadata"]["name"] for node in self._nodes.objects.values() if labels_of(node).get(ZONE) == zone}
        pods = [
            each for each in self._pods.objects.values() if each["spec"].get("nodeName") in names and is_active(each)
        ]
        owner = (controller_of(pod) or {}).get("uid")
        return sum((controller_of(each) or {}).get("uid") == owner for each in pods), len(pods)

    async def _bind(self, pod: Object, node: Object) -> None:
        metadata, name = pod["metadata"], node["metadata"]["name"]
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": name},
        }
        try:
            await self._client.request("POST", PODS.path(*key_of(pod), "binding"), binding)
            await self._client.get(PODS, key_of(pod))
        except ApiError as error:
            if error.code != 404:
                raise
            return
        where = f"{metadata['namespace']}/{metadata['name']}"
        await self._recorder.normal(pod, "Scheduled", f"Successfully assigned {where} to {name}")

    async def _refuse(self, pod: Object, message: str) -> None:
        await self._recorder.warning(pod, "FailedScheduling", message)
        raise Retry(message)


class Addresses:
    """Gives pods addresses out of subnets. Shared by all clusters of a lab, since they share its VPC."""

    #: Addresses at the start of a subnet, left free for other AWS resources.
    _FIRST = 16

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def take(self, subnets: list[Object]) -> str:
        """A free address of one of the subnets. Raises Retry when there is none.

        It is the next one after the last, so that a pod doesn't get an address just given up by another.
        """
        for subnet in subnets:
            network = ipaddress.ip_network(subnet["CidrBlock"])
            # The last address of a subnet is AWS's.
            count = network.num_addresses - 1 - self._FIRST
            start = self._last.get(subnet["SubnetId"], -1) + 1
            for number in range(start, start + count):
                address = str(network[self._FIRST + number % count])
                if address not in self._taken:
                    self._taken.add(address)
                    self._last[subnet["SubnetId"]] = number % count
                    return address
        raise Retry("No subnet of the zone has a free address")

    def give_back(self, address: str) -> None:
        self._taken.discard(address)


def _labels(zone: str) -> dict[str, str]:
    return {**_LABELS, ZONE: zone, "topology.kubernetes.io/region": zone[:-1]}


def _node_status(name: str) -> Object:
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": now(),
        "lastTransitionTime": now(),
    }
    return {
        "capacity": _CAPACITY,
        "allocatable": _CAPACITY,
        "conditions": [ready],
        "addresses": [{"type": "Hostname", "address": name}],
    }
