# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for an object beyond its schema, with Kubernetes' own words for each violation.

The rules are those of Kubernetes' pkg/apis/*/validation, in a file for each group of kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import (
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    EVENT,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    Object,
    Resource,
)
from lab.kubernetes.embedded.schema import Type
from lab.kubernetes.embedded.validation import contents, metadata, pods, services, workloads

_CORE = "io.k8s.api.core.v1."

#: The values that a field of a type may have.
_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    _CORE + "ServiceSpec": {
        "type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        "sessionAffinity": ("ClientIP", "None"),
        "externalTrafficPolicy": ("Cluster", "Local"),
        "internalTrafficPolicy": ("Cluster", "Local"),
    },
    _CORE + "ServicePort": {"protocol": ("SCTP", "TCP", "UDP")},
    _CORE + "ContainerPort": {"protocol": ("SCTP", "TCP", "UDP")},
    _CORE + "Container": {
        "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
        "terminationMessagePolicy": ("FallbackToLogsOnError", "File"),
    },
    _CORE + "PodSpec": {
        "restartPolicy": ("Always", "OnFailure", "Never"),
        "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    },
    _CORE + "TopologySpreadConstraint": {"whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway")},
    _CORE + "HTTPGetAction": {"scheme": ("HTTP", "HTTPS")},
    "io.k8s.api.apps.v1.DeploymentStrategy": {"type": ("Recreate", "RollingUpdate")},
}

#: Rules of types, wherever one stands: they get the value, and the path of its fields.
_TYPE_RULES: dict[str, Callable[[Object, str], Iterable[Cause]]] = {
    _CORE + "PodSpec": pods.spec,
    _CORE + "PodTemplateSpec": pods.template,
}
#: Rules of whole objects.
_RULES: dict[Resource, Callable[[Object], Iterable[Cause]]] = {
    CONFIG_MAP: contents.config_map,
    SECRET: contents.secret,
    EVENT: contents.event,
    DEPLOYMENT: workloads.deployment,
    REPLICA_SET: workloads.replica_set,
    DISRUPTION_BUDGET: workloads.disruption_budget,
    SERVICE: services.service,
    ENDPOINT_SLICE: services.endpoint_slice,
}
#: Immutable fields: the rules get the object and the one before it.
_CHANGES: dict[Resource, tuple[Callable[[Object, Object], Iterable[Cause]], ...]] = {
    CONFIG_MAP: (contents.immutable,),
    SECRET: (contents.secret_type, contents.immutable),
    DEPLOYMENT: (workloads.fixed_selector,),
    REPLICA_SET: (workloads.fixed_selector,),
    POD: (pods.changes,),
    SERVICE: (services.changes,),
    ENDPOINT_SLICE: (services.fixed_address_type,),
}


def check(resource: Resource, kind: Type, item: Object, before: Object | None) -> None:
    """Raise 422 with everything that is wrong. ``before`` is None for a new object."""
    causes = [*metadata.check(resource, item["metadata"], before["metadata"] if before else None)]
    causes += _schema(kind, {name: value for name, value in item.items() if name != "status"}, "")
    if rule := _RULES.get(resource):
        causes += rule(item)
    if before is not None:
        for change in _CHANGES.get(resource, ()):
            causes += change(item, before)
    _refuse(resource, item, causes)


def check_status(resource: Resource, item: Object) -> None:
    """Raise 422 for an invalid status."""
    if resource == SERVICE:
        _refuse(resource, item, list(services.status(item)))


def _refuse(resource: Resource, item: Object, causes: list[Cause]) -> None:
    if causes:
        # A rule may ask for a field that the schema requires too, and say more about it.
        said = {
            (cause.field, cause.reason, "" if cause.reason == errors.REQUIRED else cause.detail): cause
            for cause in causes
        }
        causes = sorted(said.values(), key=lambda cause: cause.field)
        raise errors.invalid(resource, item["metadata"]["name"], causes)


def warnings(resource: Resource, item: Object) -> Iterator[str]:
    """Warnings about an allowed object."""
    if resource == POD:
        yield from pods.warnings(item["spec"], "spec.")
    elif resource in (DEPLOYMENT, REPLICA_SET):
        yield from pods.warnings(item["spec"]["template"]["spec"], "spec.template.spec.")


def _schema(kind: Type, value: Any, path: str) -> Iterator[Cause]:
    """Required fields, choices and the rules of single types, all the way down."""
    if isinstance(value, list) and kind.items is not None:
        for index, each in enumerate(value):
            yield from _schema(kind.items, each, f"{path}[{index}]")
    elif kind.choices and value not in kind.choices:
        yield errors.unsupported(path, value, kind.choices)
    elif isinstance(value, dict) and kind.shape == "struct":
        inside = f"{path}." if path else ""
        yield from _struct(kind, value, inside)
        for name, each in value.items():
            yield from _schema(kind.field(name), each, f"{inside}{name}")


def _struct(kind: Type, value: Object, path: str) -> Iterator[Cause]:
    for name in kind.required:
        if value.get(name) is None or (value[name] == "" and not kind.custom):
            yield errors.required(f"{path}{name}")
    for name, choices in _CHOICES.get(kind.name, {}).items():
        if value.get(name, choices[0]) not in choices:
            yield errors.unsupported(f"{path}{name}", value[name], choices)
    if rule := _TYPE_RULES.get(kind.name):
        yield from rule(value, path)
