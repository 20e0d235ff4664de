# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an object must be beyond its schema, with Kubernetes' own words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lab.kubernetes.embedded import errors, quantity
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    NAMESPACE,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    Object,
    Resource,
)
from lab.kubernetes.embedded.schema import Type

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_NOT_NEGATIVE = "must be greater than or equal to 0"
_PORT_TEXT = "must be between 1 and 65535, inclusive"

#: How the objects of a kind may be called: a pattern, the greatest length, and what is said otherwise.
_NAMES: dict[Resource, tuple[str, int, str]] = {
    NAMESPACE: (_LABEL, 63, _LABEL_TEXT),
    SERVICE: (_LABEL, 63, _LABEL_TEXT),
}
_OTHER_NAMES = (_SUBDOMAIN, 253, _SUBDOMAIN_TEXT)

_POD_UPDATES = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")

#: One field whose value must not change: (resource, path, what is said of it).
_IMMUTABLE = (
    (DEPLOYMENT, "spec.selector", "field is immutable"),
    (REPLICA_SET, "spec.selector", "field is immutable"),
    (SECRET, "type", "field is immutable"),
    (ENDPOINT_SLICE, "addressType", "field is immutable"),
)

#: The values that a field of a type may have.
_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "ServiceSpec": {
        "type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
        "sessionAffinity": ("ClientIP", "None"),
        "externalTrafficPolicy": ("Cluster", "Local"),
        "internalTrafficPolicy": ("Cluster", "Local"),
    },
    "ServicePort": {"protocol": ("SCTP", "TCP", "UDP")},
    "ContainerPort": {"protocol": ("SCTP", "TCP", "UDP")},
    "Container": {
        "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
        "terminationMessagePolicy": ("FallbackToLogsOnError", "File"),
    },
    "PodSpec": {"restartPolicy": ("Always", "OnFailure", "Never")},
    "DeploymentStrategy": {"type": ("Recreate", "RollingUpdate")},
    "TopologySpreadConstraint": {"whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway")},
    "HTTPGetAction": {"scheme": ("HTTP", "HTTPS")},
}


def check(resource: Resource, kind: Type, item: Object, before: Object | None) -> None:
    """Raise 422 with everything that is wrong."""
    causes = [*_metadata(resource, item), *_schema(kind, {k: v for k, v in item.items() if k != "status"}, "")]
    for rule in _RULES.get(resource, ()):
        causes += rule(item)
    if before is not None:
        causes += _changes(resource, item, before)
    if causes:
        causes.sort(key=lambda cause: cause.field)
        raise errors.invalid(resource, item["metadata"]["name"], causes)


def _metadata(resource: Resource, item: Object) -> Iterator[Cause]:
    metadata = item["metadata"]
    pattern, longest, text = _NAMES.get(resource, _OTHER_NAMES)
    name = metadata["name"]
    if not re.fullmatch(pattern, name):
        yield errors.invalid_value("metadata.name", name, text)
    if len(name) > longest:
        yield errors.invalid_value("metadata.name", name, f"must be no more than {longest} characters")
    yield from _labels(metadata.get("labels"), "metadata.labels")


def _labels(labels: dict[str, str] | None, path: str) -> Iterator[Cause]:
    for key, value in (labels or {}).items():
        if not re.fullmatch(rf"({_SUBDOMAIN}/)?{_QUALIFIED}", key):
            yield errors.invalid_value(
                path,
                key,
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
                "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
                "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            )
        if len(value) > 63:
            yield errors.invalid_value(path, value, "must be no more than 63 characters")
        elif value and not re.fullmatch(_QUALIFIED, value):
            yield errors.invalid_value(path, value, _LABEL_VALUE_TEXT)


def _schema(kind: Type, value: Any, path: str) -> Iterator[Cause]:
    """Required fields, choices and the rules of single types, all the way down."""
    if isinstance(value, list) and kind.items is not None:
        yield from _keys(kind, value, path)
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
    for name, choices in _CHOICES.get(kind.short_name, {}).items():
        if value.get(name, choices[0]) not in choices:
            yield errors.unsupported(f"{path}{name}", value[name], choices)
    if rule := _TYPE_RULES.get(kind.short_name):
        yield from rule(value, path)


def _keys(kind: Type, items: list[Any], path: str) -> Iterator[Cause]:
    """Items that are told apart by name must have different ones."""
    if kind.merge_key != "name":
        return
    seen = set()
    for index, each in enumerate(items):
        name = each.get("name")
        if name in seen:
            yield errors.duplicate(f"{path}[{index}].name", name)
        seen.add(name)


def _port(value: Any) -> bool:
    return isinstance(value, int) and 1 <= value <= 65535


def _service_port(item: Object, path: str) -> Iterator[Cause]:
    if "port" in item and not _port(item["port"]):
        yield errors.invalid_value(f"{path}port", item["port"], _PORT_TEXT)
    if isinstance(item.get("targetPort"), int) and not _port(item["targetPort"]):
        yield errors.invalid_value(f"{path}targetPort", item["targetPort"], _PORT_TEXT)


def _container_port(item: Object, path: str) -> Iterator[Cause]:
    if "containerPort" in item and not _port(item["containerPort"]):
        yield errors.invalid_value(f"{path}containerPort", item["containerPort"], _PORT_TEXT)


def _container(item: Object, path: str) -> Iterator[Cause]:
    if not item.get("image"):
        yield errors.required(f"{path}image")
    if item.get("name") and not re.fullmatch(_LABEL, item["name"]):
        yield errors.invalid_value(f"{path}name", item["name"], _LABEL_TEXT)
    resources = item.get("resources", {})
    for name, limit in resources.get("limits", {}).items():
        request = resources.get("requests", {}).get(name)
        if request is not None and quantity.amount(request) > quantity.amount(limit):
            yield errors.invalid_value(
                f"{path}resources.requests", request, f"must be less than or equal to {name} limit of {limit}"
            )


def _probe(item: Object, path: str) -> Iterator[Cause]:
    if not item.keys() & {"httpGet", "tcpSocket", "exec", "grpc"}:
        yield errors.required(path.rstrip("."), "must specify a handler type")


def _pod_spec(item: Object, path: str) -> Iterator[Cause]:
    volumes = {volume.get("name") for volume in item.get("volumes", ())}
    for index, container in enumerate(item.get("containers", ())):
        for at, mount in enumerate(container.get("volumeMounts", ())):
            if mount.get("name") not in volumes:
                field = f"{path}containers[{index}].volumeMounts[{at}].name"
                yield Cause("FieldValueNotFound", field, f'Not found: "{mount.get("name")}"')


def _replicas(item: Object, path: str) -> Iterator[Cause]:
    if item.get("replicas", 0) < 0:
        yield errors.invalid_value(f"{path}replicas", item["replicas"], _NOT_NEGATIVE)


def _deployment_spec(item: Object, path: str) -> Iterator[Cause]:
    yield from _replicas(item, path)
    if item["progressDeadlineSeconds"] <= item.get("minReadySeconds", 0):
        yield errors.invalid_value(
            f"{path}progressDeadlineSeconds", item["progressDeadlineSeconds"], "must be greater than minReadySeconds"
        )
    strategy = item.get("strategy", {})
    if strategy.get("type") == "Recreate" and "rollingUpdate" in strategy:
        yield errors.forbidden_value(
            f"{path}strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
        )


def _budget_spec(item: Object, path: str) -> Iterator[Cause]:
    if {"minAvailable", "maxUnavailable"} <= item.keys():
        yield errors.invalid_value(path.rstrip("."), item, "minAvailable and maxUnavailable cannot be both set")


def _service_spec(item: Object, path: str) -> Iterator[Cause]:
    yield from _labels(item.get("selector"), f"{path}selector")
    seen = set()
    for index, port in enumerate(item.get("ports", ())):
        key = (port.get("port"), port.get("protocol"))
        if key in seen:
            yield errors.duplicate(f"{path}ports[{index}]", port)
        seen.add(key)


def _pod_metadata(item: Object, path: str) -> Iterator[Cause]:
    yield from _labels(item.get("metadata", {}).get("labels"), f"{path}metadata.labels")


_TYPE_RULES: dict[str, Callable[[Object, str], Iterable[Cause]]] = {
    "ServicePort": _service_port,
    "ServiceSpec": _service_spec,
    "ContainerPort": _container_port,
    "Container": _container,
    "Probe": _probe,
    "PodSpec": _pod_spec,
    "PodTemplateSpec": _pod_metadata,
    "DeploymentSpec": _deployment_spec,
    "ReplicaSetSpec": _replicas,
    "PodDisruptionBudgetSpec": _budget_spec,
}


def _selects_its_pods(item: Object) -> Iterator[Cause]:
    spec = item.get("spec", {})
    wanted = spec.get("selector", {}).get("matchLabels", {})
    labels = spec.get("template", {}).get("metadata", {}).get("labels", {})
    if "selector" not in spec or not wanted.items() <= labels.items():
        yield errors.invalid_value(
            "spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`"
        )


def _service(item: Object) -> Iterator[Cause]:
    spec = item.get("spec", {})
    ports = spec.get("ports", [])
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield errors.required("spec.ports")
    if len(ports) > 1:
        for index, port in enumerate(ports):
            if not port.get("name"):
                yield errors.required(f"spec.ports[{index}].name")
            elif port["name"] in [other.get("name") for other in ports[:index]]:
                yield errors.duplicate(f"spec.ports[{index}].name", port["name"])
    if "loadBalancerClass" in spec and spec.get("type") != "LoadBalancer":
        yield errors.forbidden_value("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'")


def _event(item: Object) -> Iterator[Cause]:
    namespace = item["involvedObject"].get("namespace", "default")
    if namespace != item["metadata"]["namespace"]:
        yield errors.invalid_value("involvedObject.namespace", namespace, "does not match event.namespace")


_RULES: dict[Resource, tuple[Callable[[Object], Iterable[Cause]], ...]] = {
    DEPLOYMENT: (_selects_its_pods,),
    REPLICA_SET: (_selects_its_pods,),
    SERVICE: (_service,),
    EVENT: (_event,),
}


def _changes(resource: Resource, item: Object, before: Object) -> Iterator[Cause]:
    """What must stay as it was."""
    for each, path, text in _IMMUTABLE:
        if each == resource and _at(item, path) != _at(before, path):
            yield errors.invalid_value(path, _at(item, path), text)
    if resource == POD and _fixed(item["spec"]) != _fixed(before["spec"]):
        yield errors.forbidden_value("spec", _POD_UPDATES)
    if resource == SERVICE:
        yield from _service_changes(item["spec"], before["spec"])
    if before.get("immutable") and _content(item) != _content(before):
        yield errors.forbidden_value("data", "field is immutable when `immutable` is set")
    if "deletionTimestamp" in before["metadata"]:
        new = [
            each
            for each in item["metadata"].get("finalizers", [])
            if each not in before["metadata"].get("finalizers", [])
        ]
        if new:
            quoted = ", ".join(f'"{each}"' for each in new)
            yield errors.forbidden_value(
                "metadata.finalizers",
                "no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{quoted}}}",
            )


def _content(item: Object) -> list[Any]:
    """What a ConfigMap or Secret keeps when it is immutable."""
    return [item.get(name) for name in ("data", "binaryData", "immutable")]


def _fixed(spec: Object) -> Object:
    """What of a pod's specification can't be changed."""
    fixed = {name: value for name, value in spec.items() if name not in _CHANGEABLE}
    for name in ("containers", "initContainers"):
        fixed[name] = [{**container, "image": ""} for container in spec.get(name, ())]
    return fixed


def _service_changes(spec: Object, before: Object) -> Iterator[Cause]:
    stays_balanced = spec.get("type") == before.get("type") == "LoadBalancer"
    if stays_balanced and spec.get("loadBalancerClass") != before.get("loadBalancerClass"):
        yield errors.invalid_value("spec.loadBalancerClass", spec.get("loadBalancerClass"), "may not change once set")
    if "ExternalName" not in (spec.get("type"), before.get("type")) and spec.get("clusterIP") != before.get(
        "clusterIP"
    ):
        yield errors.invalid_value("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set")


def _at(item: Object, path: str) -> Any:
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
