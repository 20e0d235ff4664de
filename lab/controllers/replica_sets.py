# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ReplicaSets: as many pods as wanted."""

from __future__ import annotations

import asyncio
import json

from lab.controllers.client import PODS, REPLICA_SETS, ApiError, Key, KubeClient, Object, key_of
from lab.controllers.controller import Controller
from lab.controllers.events import Recorder
from lab.controllers.objects import (
    controller_of,
    is_active,
    is_ending,
    is_ready,
    labels_of,
    owned,
    owner_reference,
    seconds_until_available,
)


class ReplicaSets:
    """The controller, after kube-controller-manager's (pkg/controller/replicaset)."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._replica_sets = client.cache(REPLICA_SETS)
        self._pods = client.cache(PODS)
        self._recorder = Recorder(client, "replicaset-controller")
        self.controller = Controller(self._reconcile)
        self.controller.follow(self._replica_sets)
        self._pods.listeners.append(self._pod_changed)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        pod = after or before
        owner = pod and controller_of(pod)
        if pod and owner and owner["kind"] == "ReplicaSet":
            self.controller.enqueue((pod["metadata"]["namespace"], owner["name"]))

    async def _reconcile(self, key: Key) -> float | None:
        replica_set = self._replica_sets.get(key)
        if replica_set is None:
            return None
        if not is_ending(replica_set):
            await self._scale(replica_set)
        latest = self._replica_sets.get(key)
        if latest is None or latest["metadata"]["generation"] != replica_set["metadata"]["generation"]:
            return None  # Changed meanwhile: this turn hasn't observed the new generation, the next one will.
        return await self._write_status(latest)

    def _active_pods(self, replica_set: Object) -> list[Object]:
        pods = self._pods.within(replica_set["metadata"]["namespace"])
        return [pod for pod in owned(pods, replica_set) if is_active(pod)]

    async def _scale(self, replica_set: Object) -> None:
        pods = self._active_pods(replica_set)
        missing = int(replica_set["spec"].get("replicas", 0)) - len(pods)
        if missing > 0:
            await asyncio.gather(*(self._create(replica_set) for _ in range(missing)))
        for pod in sorted(pods, key=_deletion_rank)[: max(0, -missing)]:
            await self._client.delete(PODS, pod)
            await self._recorder.normal(replica_set, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    async def _create(self, replica_set: Object) -> None:
        template = json.loads(json.dumps(replica_set["spec"]["template"]))
        pod = {
            "metadata": {
                **{
                    name: template["metadata"][name]
                    for name in ("labels", "annotations")
                    if name in template["metadata"]
                },
                "generateName": f"{replica_set['metadata']['name']}-",
                "namespace": replica_set["metadata"]["namespace"],
                "ownerReferences": [owner_reference(replica_set)],
            },
            "spec": template["spec"],
        }
        try:
            made = await self._client.create(PODS, pod)
        except ApiError as error:
            await self._recorder.warning(replica_set, "FailedCreate", f"Error creating: {error}")
            raise
        await self._recorder.normal(replica_set, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")

    async def _write_status(self, replica_set: Object) -> float | None:
        """Returns the seconds until the next ready pod counts as available."""
        pods = self._active_pods(replica_set)
        template_labels = replica_set["spec"]["template"]["metadata"].get("labels", {}).items()
        waits = [seconds_until_available(pod, replica_set["spec"].get("minReadySeconds", 0)) for pod in pods]
        status = {
            "observedGeneration": replica_set["metadata"]["generation"],
            "replicas": len(pods),
            "fullyLabeledReplicas": sum(template_labels <= labels_of(pod).items() for pod in pods) or None,
            "readyReplicas": sum(is_ready(pod) for pod in pods) or None,
            "availableReplicas": sum(wait == 0 for wait in waits) or None,
        }
        before = replica_set.get("status", {})
        if any((before.get(name) or None) != (value or None) for name, value in status.items()):
            await self._client.patch(REPLICA_SETS, key_of(replica_set), {"status": status}, "status")
        return min((wait for wait in waits if wait), default=None)


def _deletion_rank(pod: Object) -> tuple[bool, bool, bool, int]:
    """Pods with the least go first: unscheduled, not running, not ready, then the youngest."""
    status = pod.get("status", {})
    age = -int(pod["metadata"]["creationTimestamp"].translate(str.maketrans("", "", "-:TZ")))
    return bool(pod["spec"].get("nodeName")), status.get("phase") == "Running", is_ready(pod), age
