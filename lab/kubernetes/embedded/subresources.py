# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations on single objects beside reading and writing them: scale, bind, evict, finalize, read the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

from aiohttp import web

from lab.kubernetes.api_server import ReadLog
from lab.kubernetes.embedded import bodies, errors
from lab.kubernetes.embedded.options import WriteOptions, from_object
from lab.kubernetes.embedded.patch import Patch
from lab.kubernetes.embedded.registry import Registry, now
from lab.kubernetes.embedded.resources import DISRUPTION_BUDGET, Object
from lab.kubernetes.embedded.schema import ANY
from lab.kubernetes.embedded.target import Target

Handler = Callable[[web.Request, Target, WriteOptions], Awaitable[web.Response]]


_TWO_BUDGETS = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


class Subresources:
    """Those that aren't simply a part of their object (as the status is)."""

    def __init__(self, registry: Registry, read_log: ReadLog | None) -> None:
        self._registry = registry
        self._read_log = read_log
        self._handlers: dict[tuple[str, str], Handler] = {
            ("get", "scale"): self._get_scale,
            ("update", "scale"): self._change_scale,
            ("patch", "scale"): self._change_scale,
            ("create", "binding"): self._bind,
            ("create", "eviction"): self._evict,
            ("update", "finalize"): self._finalize,
            ("get", "log"): self._log,
        }

    def find(self, target: Target) -> Handler | None:
        """None for the status, which is served as its object is. Raises 405 for a method that a subresource lacks."""
        if target.subresource == "status":
            return None
        handler = self._handlers.get((target.verb, target.subresource))
        if handler is None:
            raise errors.method_not_allowed()
        return handler

    async def _get_scale(self, request: web.Request, target: Target, options: WriteOptions) -> web.Response:
        return bodies.answer(_scale(self._registry.get(target.resource, target.namespace, target.name)))

    async def _change_scale(self, request: web.Request, target: Target, options: WriteOptions) -> web.Response:
        body = await bodies.read(request)

        def edit(item: Object) -> Object:
            wanted = body if target.verb == "update" else Patch(request.content_type, body, ANY).apply(_scale(item))
            item["spec"]["replicas"] = (wanted.get("spec") or {}).get("replicas", 0)
            if version := (wanted.get("metadata") or {}).get("resourceVersion"):
                item["metadata"]["resourceVersion"] = version
            return item

        made = self._registry.edit(target.resource, target.namespace, target.name, edit, options, "scale")
        return bodies.answer(_scale(made))

    async def _bind(self, request: web.Request, target: Target, options: WriteOptions) -> web.Response:
        node = (await bodies.read(request))["target"]["name"]

        def edit(pod: Object) -> Object:
            if pod["spec"].get("nodeName"):
                message = f'pod {target.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
                raise errors.conflict(dataclasses.replace(target.resource, plural="pods/binding"), target.name, message)
            pod["spec"]["nodeName"] = node
            scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now()}
            pod["status"]["conditions"] = [*pod["status"].get("conditions", ()), scheduled]
            return pod

        self._registry.edit(target.resource, target.namespace, target.name, edit, options, "binding")
        return bodies.answer(_success(), 201)

    async def _evict(self, request: web.Request, target: Target, options: WriteOptions) -> web.Response:
        """Delete a pod if its disruption budget has room for it, else 429 as the real server answers."""
        body = await bodies.read(request)
        if (body.get("metadata") or {}).get("name") != target.name:
            raise errors.bad_request("name in URL does not match name in Eviction object")
        pod = self._registry.get(target.resource, target.namespace, target.name)
        budgets = self._budgets_of(pod)
        if len(budgets) > 1:
            raise errors.StatusError(500, "", _TWO_BUDGETS)
        if budgets and not _may_go_unhealthy(pod, budgets[0]):
            status = budgets[0].get("status", {})
            if status.get("disruptionsAllowed", 0) < 1:
                raise _budget_refusal(budgets[0], status)
            self._registry.edit(
                DISRUPTION_BUDGET, target.namespace, budgets[0]["metadata"]["name"], _one_disrupted, options, "status"
            )
        deletion = from_object(body.get("deleteOptions") or {})
        if options.dry_run:
            deletion = dataclasses.replace(deletion, dry_run=True)
        self._registry.delete(target.resource, target.namespace, target.name, deletion)
        return bodies.answer(_success(), 201)

    def _budgets_of(self, pod: Object) -> list[Object]:
        """Only running pods count for a budget."""
        if pod["status"].get("phase") != "Running" or "deletionTimestamp" in pod["metadata"]:
            return []
        labels = pod["metadata"].get("labels", {}).items()
        return [
            budget
            for budget in self._registry.store.items(DISRUPTION_BUDGET, pod["metadata"]["namespace"])
            if budget["spec"].get("selector", {}).get("matchLabels", {}).items() <= labels
        ]

    async def _finalize(self, request: web.Request, target: Target, options: WriteOptions) -> web.Response:
        """Only a namespace's finalizers count; without any it goes, when it is being deleted."""
        wanted = await bodies.read(request)

        def edit(item: Object) -> Object:
            item["spec"] = {"finalizers": (wanted.get("spec") or {}).get("finalizers") or []}
            seen = wanted.get("metadata") or {}
            item["metadata"].update({name: seen[name] for name in ("uid", "resourceVersion") if seen.get(name)})
            return item

        return bodies.answer(self._registry.edit(target.resource, "", target.name, edit, options, "finalize"))

    async def _log(self, request: web.Request, target: Target, options: WriteOptions) -> web.Response:
        self._registry.get(target.resource, target.namespace, target.name)
        text = self._read_log(target.namespace, target.name) if self._read_log else None
        if text is None:
            raise errors.bad_request(f'container in pod "{target.name}" is waiting to start: ContainerCreating')
        lines = text.splitlines(keepends=True)
        if tail := request.query.get("tailLines"):
            lines = lines[-int(tail) :] if int(tail) else []
        return web.Response(text="".join(lines))


def _scale(item: Object) -> Object:
    metadata = item["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = item["spec"].get("selector", {}).get("matchLabels", {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in names},
        "spec": {"replicas": item["spec"].get("replicas", 0)},
        "status": {
            "replicas": item.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in sorted(selector.items())),
        },
    }


def _success() -> Object:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _may_go_unhealthy(pod: Object, budget: Object) -> bool:
    """Whether the budget's policy lets an unhealthy pod go."""
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
    if conditions.get("Ready") == "True":
        return False
    status = budget.get("status", {})
    always = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
    return always or status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0


def _one_disrupted(budget: Object) -> Object:
    budget["status"]["disruptionsAllowed"] -= 1
    return budget


def _budget_refusal(budget: Object, status: Object) -> errors.StatusError:
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    cause = (
        f"The disruption budget {budget['metadata']['name']} needs {status.get('desiredHealthy', 0)} healthy pods and "
        f"has {status.get('currentHealthy', 0)} currently"
    )
    return errors.StatusError(
        429, "TooManyRequests", message, {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    )
