# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs inside a cluster of the lab: Auto Mode's controllers and nodes, and the workload controllers.

They are plain clients of the Kubernetes API, the lab's own as well as a real one, and of AWS's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from lab.controllers import client as kinds
from lab.controllers.client import KubeClient
from lab.controllers.controller import Controller
from lab.controllers.deployments import Deployments
from lab.controllers.disruption_budgets import DisruptionBudgets
from lab.controllers.endpoint_slices import EndpointSlices
from lab.controllers.garbage_collector import GarbageCollector
from lab.controllers.kubelet import Kubelet
from lab.controllers.load_balancer.controller import LoadBalancers
from lab.controllers.namespaces import Namespaces
from lab.controllers.replica_sets import ReplicaSets
from lab.controllers.scheduler import Addresses, Scheduler
from lab.kubernetes.api_server import ApiServer
from lab.settings import Settings

_OWNERS_AND_OWNED = (
    kinds.DEPLOYMENTS,
    kinds.REPLICA_SETS,
    kinds.PODS,
    kinds.SERVICES,
    kinds.ENDPOINT_SLICES,
    kinds.DISRUPTION_BUDGETS,
)
_FOLLOWED = (*_OWNERS_AND_OWNED, kinds.NODES, kinds.NAMESPACES)


async def run(
    server: ApiServer,
    clients: Callable[[str], Any],
    settings: Settings,
    cluster: Mapping[str, Any],
    addresses: Addresses,
) -> None:
    """Run all controllers of one cluster until cancelled; then its pods end.

    ``clients`` gives boto3 clients by service (ec2, elbv2), with the credentials of the cluster's role. ``cluster`` is
    DescribeCluster's answer about it, and is read anew each time. ``addresses`` is the same for all clusters of a lab.
    Where there is a kube-controller-manager, its work is left to it.
    """
    async with contextlib.AsyncExitStack() as stack:
        client = KubeClient(server.url, server.ca_pem, server.admin_token)
        stack.push_async_callback(client.close)
        # Making a boto3 client takes a while.
        ec2, elbv2 = [await asyncio.to_thread(clients, name) for name in ("ec2", "elbv2")]
        scheduler = Scheduler(client, ec2, cluster)
        kubelet = Kubelet(client, settings, scheduler, addresses)
        load_balancers = LoadBalancers(client, elbv2, ec2, settings, cluster)
        controllers = [scheduler.controller, load_balancers.controller, load_balancers.targets]
        if not server.has_controller_manager:
            controllers += _workload_controllers(client)
        stack.push_async_callback(kubelet.stop)
        for controller in controllers:
            stack.push_async_callback(controller.stop)
        async with asyncio.TaskGroup() as group:
            for resource in _FOLLOWED:
                group.create_task(client.follow(resource))


def _workload_controllers(client: KubeClient) -> list[Controller]:
    return [
        Deployments(client).controller,
        ReplicaSets(client).controller,
        EndpointSlices(client).controller,
        DisruptionBudgets(client).controller,
        Namespaces(client, _OWNERS_AND_OWNED).controller,
        *GarbageCollector(client, _OWNERS_AND_OWNED).controllers.values(),
    ]
