# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kubelet of all nodes: runs scheduled pods, reports their status, and ends deleted ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lab.controllers import probes
from lab.controllers.client import NODES, PODS, ApiError, KubeClient, Object, key_of
from lab.controllers.container import Container, log_name
from lab.controllers.controller import Retry
from lab.controllers.events import Recorder, now
from lab.controllers.objects import changed_condition, is_ending, labels_of
from lab.controllers.scheduler import ZONE, Addresses, Scheduler
from lab.settings import Settings

#: Tells users the loopback address at which a pod listens.
LOOPBACK = "lab.seam/loopback"


class Kubelet:
    """Follows the pods that have a node. ``pods`` are those that it runs, by uid."""

    def __init__(self, client: KubeClient, settings: Settings, scheduler: Scheduler, addresses: Addresses) -> None:
        self._client = client
        self._settings = settings
        self._scheduler = scheduler
        self._addresses = addresses
        self._nodes = client.cache(NODES)
        self._recorder = Recorder(client, "kubelet")
        self.pods: dict[str, RunningPod] = {}
        client.cache(PODS).listeners.append(self._pod_changed)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if after is None:
            if before and (running := self.pods.get(before["metadata"]["uid"])):
                running.kill()
            return
        if not after["spec"].get("nodeName"):
            return
        uid = after["metadata"]["uid"]
        if uid not in self.pods and after.get("status", {}).get("phase") == "Pending":
            self.pods[uid] = RunningPod(self._client, self._settings, after, self._recorder)
            self.pods[uid].begin(self._take_address, self._forget)
        if is_ending(after) and uid in self.pods:
            self.pods[uid].end(after["metadata"].get("deletionGracePeriodSeconds", 0))

    async def _take_address(self, pod: Object) -> str:
        node = await self._client.get(NODES, ("", pod["spec"]["nodeName"]))
        return self._addresses.take(await self._scheduler.subnets(labels_of(node)[ZONE]))

    def _forget(self, running: RunningPod) -> None:
        if running.address:
            self._addresses.give_back(running.address)
        del self.pods[running.pod["metadata"]["uid"]]

    async def stop(self) -> None:
        """End all processes at once."""
        tasks = [running.kill() for running in list(self.pods.values())]
        await asyncio.gather(*tasks, return_exceptions=True)


class RunningPod:
    """One pod from its scheduling to its end."""

    def __init__(self, client: KubeClient, settings: Settings, pod: Object, recorder: Recorder) -> None:
        self.pod = pod
        self.address = ""
        self.containers: list[Container] = []
        self._client = client
        self._settings = settings
        self._recorder = recorder
        self._started = now()
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._publishing = asyncio.Lock()

    def begin(self, take_address: Callable[[Object], Awaitable[str]], forget: Callable[[RunningPod], None]) -> None:
        self._task = asyncio.create_task(self._run(take_address))
        self._forget = forget

    async def _run(self, take_address: Callable[[Object], Awaitable[str]]) -> None:
        while not self.address:
            try:
                self.address = await take_address(self.pod)
            except Retry as error:
                message = f"Failed to create pod sandbox: failed to assign an IP address to container: {error}"
                await self._recorder.warning(self.pod, "FailedCreatePodSandBox", message)
                await asyncio.sleep(1)
        self.containers = [
            Container(self._settings, self.pod, each, self.address, self._recorder, self.publish)
            for each in self.pod["spec"]["containers"]
        ]
        annotation = {"metadata": {"annotations": {LOOPBACK: self._settings.loopback(self.address)}}}
        await self._client.patch(PODS, key_of(self.pod), annotation)
        await self.publish()
        await asyncio.sleep(self._settings.seconds("pod"))
        async with asyncio.TaskGroup() as group:
            for container in self.containers:
                group.create_task(container.run())

    def end(self, grace: float) -> None:
        """Begin to end gracefully, within ``grace`` seconds."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace))

    def kill(self) -> asyncio.Task[None]:
        """End at once: the pod is gone, or the lab goes."""
        if self._ending is None or not self._ending.done():
            if self._ending:
                self._ending.cancel()
            self._ending = asyncio.create_task(self._stop(0))
        return self._ending

    async def _end(self, grace: float) -> None:
        try:
            async with asyncio.timeout(max(grace, 1)):
                for each in self.pod["spec"]["containers"]:
                    await self._recorder.normal(self.pod, "Killing", f"Stopping container {each['name']}")
                    if pause := each.get("lifecycle", {}).get("preStop", {}).get("sleep"):
                        await asyncio.sleep(probes.seconds(pause["seconds"], self._settings))
        except TimeoutError:
            grace = 0
        await self._stop(grace)
        try:
            await self.publish()
            await self._client.delete(PODS, self.pod, gracePeriodSeconds=0)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    async def _stop(self, grace: float) -> None:
        """End the processes before the tasks waiting for them, so that none is started again."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(container.stop(grace) for container in self.containers))
        self._forget(self)

    async def publish(self) -> None:
        """Write the pod's status as it is now."""
        async with self._publishing:
            known = self._client.cache(PODS).get(key_of(self.pod)) or self.pod
            try:
                await self._client.patch(PODS, key_of(self.pod), {"status": self._status(known)}, "status")
            except ApiError as error:
                if error.code != 404:
                    raise

    def _status(self, known: Object) -> Object:
        unready = [each.name for each in self.containers if not each.status["ready"]]
        trouble = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
        ready = {"status": "False", **trouble} if unready else {"status": "True"}
        conditions = [
            {"type": "PodReadyToStartContainers", "status": "True"},
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", **ready},
            {"type": "ContainersReady", **ready},
            {"type": "PodScheduled", "status": "True"},
        ]
        return {
            "phase": self._phase(),
            "conditions": [changed_condition(known, each) for each in conditions],
            "containerStatuses": [each.status for each in self.containers],
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": self._started,
        }

    def _phase(self) -> str:
        states = [each.status["state"] for each in self.containers]
        if not is_ending(self.pod) and self.pod["spec"].get("restartPolicy") != "Always":
            codes = [state.get("terminated", {}).get("exitCode") for state in states]
            if None not in codes:
                return "Failed" if any(codes) else "Succeeded"
        started = all("containerID" in each.status for each in self.containers)
        return "Running" if started else "Pending"


def read_log(settings: Settings, namespace: str, name: str) -> str | None:
    """The log of a pod's containers, for "kubectl logs"; None before anything has run."""
    pattern = log_name({"metadata": {"namespace": namespace, "name": name}}, "*")
    logs = sorted((settings.folder / "logs").glob(pattern))
    return "".join(log.read_text(errors="replace") for log in logs) if logs else None
