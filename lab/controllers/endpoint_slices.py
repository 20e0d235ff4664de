# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EndpointSlices: where the pods behind each Service are."""

from __future__ import annotations

from lab.controllers.client import ENDPOINT_SLICES, PODS, SERVICES, Key, KubeClient, Object, key_of
from lab.controllers.controller import Controller
from lab.controllers.objects import is_ending, is_ready, labels_of, owned, owner_reference

_MANAGER = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}


class EndpointSlices:
    """The controller: one slice for each Service with a selector (the real one splits beyond 100 pods)."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._slices = client.cache(ENDPOINT_SLICES)
        self._services = client.cache(SERVICES)
        self._pods = client.cache(PODS)
        self.controller = Controller(self._reconcile)
        self.controller.follow(self._services)
        self._pods.listeners.append(self._pod_changed)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        for pod in filter(None, (before, after)):
            for service in self._services.within(pod["metadata"]["namespace"]):
                if is_behind(pod, service):
                    self.controller.enqueue(key_of(service))

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(key)
        if service is None or is_ending(service) or not service["spec"].get("selector"):
            return
        pods = [pod for pod in self._pods.within(key[0]) if is_behind(pod, service) and _has_address(pod)]
        wanted = {"ports": _ports(service, pods), "endpoints": [_endpoint(pod) for pod in pods]}
        labels = {**labels_of(service), "kubernetes.io/service-name": key[1], **_MANAGER}
        known = next(iter(owned(self._slices.within(key[0]), service)), None)
        if known is None:
            metadata = {
                "generateName": f"{key[1]}-",
                "namespace": key[0],
                "labels": labels,
                "ownerReferences": [owner_reference(service)],
            }
            await self._client.create(ENDPOINT_SLICES, {"metadata": metadata, "addressType": "IPv4", **wanted})
        elif labels_of(known) != labels or any((known.get(name) or []) != value for name, value in wanted.items()):
            await self._client.patch(ENDPOINT_SLICES, key_of(known), {"metadata": {"labels": labels}, **wanted})


def is_behind(pod: Object, service: Object) -> bool:
    """Whether the Service selects the pod."""
    selector = service["spec"].get("selector")
    return bool(selector) and selector.items() <= labels_of(pod).items()


def target_port(pod: Object, port: Object) -> int | None:
    """The port of the pod that a Service's port leads to; None if it is named and the pod has no such name."""
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    named = (each for container in pod["spec"]["containers"] for each in container.get("ports", []))
    return next((each["containerPort"] for each in named if each.get("name") == wanted), None)


def _has_address(pod: Object) -> bool:
    status = pod.get("status", {})
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _ports(service: Object, pods: list[Object]) -> list[Object]:
    found = []
    for port in service["spec"]["ports"]:
        numbers = [number for pod in pods if (number := target_port(pod, port))]
        if isinstance(port.get("targetPort"), int) or numbers:
            number = numbers[0] if numbers else port["targetPort"]
            found.append({"name": port.get("name", ""), "port": number, "protocol": port["protocol"]})
    return found


def _endpoint(pod: Object) -> Object:
    ready = is_ready(pod)
    labels = {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready and not is_ending(pod), "serving": ready, "terminating": is_ending(pod)},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {**labels, "uid": pod["metadata"]["uid"]},
    }
