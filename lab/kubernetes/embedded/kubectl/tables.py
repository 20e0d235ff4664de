# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as tables, the way that "kubectl get" asks for them: the columns that the real server prints."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web

from lab.kubernetes.embedded.resources import (
    CONFIG_MAP,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    EVENT,
    NAMESPACE,
    NODE,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    Object,
    PrinterColumn,
    Resource,
)

#: ``.name``, ``[0]`` or ``[?(@.type=="Ready")]``.
_JSON_PATH = re.compile(r"""\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\[\?\(@\.(\w+)\s*==\s*["'](.*?)["']\)\]""")


def wanted(request: web.Request) -> str:
    """The part of each object in a table's rows (includeObject); empty when no table is asked for."""
    first = request.headers.get("Accept", "").partition(",")[0]
    if "as=Table" not in first or "v=v1;" not in f"{first};":
        return ""
    return request.query.get("includeObject", "Metadata")


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a kind's table; ``wide`` ones are shown by ``-o wide`` only."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    wide: bool = False


def table(resource: Resource, items: list[Object], metadata: Object, include: str, columns: bool = True) -> Object:
    """Items as a Table. Later events of a watch carry no column definitions."""
    known = _COLUMNS.get(resource) or _custom_columns(resource)
    body: Object = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    body["columnDefinitions"] = [_definition(column) for column in known] if columns else None
    body["rows"] = [_row(item, known, include) for item in items]
    return body


def _definition(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": "",
        "priority": 1 if column.wide else 0,
    }


def _row(item: Object, columns: tuple[Column, ...], include: str) -> Object:
    row: Object = {"cells": [column.cell(item) for column in columns]}
    if include != "None":
        row["object"] = item if include == "Object" else _metadata_of(item)
    return row


def _metadata_of(item: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def age(timestamp: str | None) -> str:
    """The time since then, as short as Kubernetes says it."""
    if not timestamp:
        return "<unknown>"
    seconds = int((datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(timestamp)).total_seconds())
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    return f"{days}d" if days < 730 else f"{days // 365}y"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"


def at(item: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path, or the default."""
    for name in path.split("."):
        item = item.get(name) if isinstance(item, dict) else None
    return default if item is None else item


def _value(path: str, default: Any = "<none>") -> Callable[[Object], Any]:
    return lambda item: at(item, path, default)


def _labels(path: str) -> Callable[[Object], str]:
    """Equality selectors as text."""
    return lambda item: ",".join(f"{name}={value}" for name, value in sorted(at(item, path, {}).items())) or "<none>"


_NAME = Column("Name", _value("metadata.name"))
_AGE = Column("Age", lambda item: age(item["metadata"].get("creationTimestamp")))


def _pod_ready(pod: Object) -> str:
    statuses = at(pod, "status.containerStatuses", [])
    return f"{sum(bool(each.get('ready')) for each in statuses)}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Object) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    reason: str = at(pod, "status.reason") or at(pod, "status.phase", "Unknown")
    for each in reversed(at(pod, "status.containerStatuses", [])):
        state = each.get("state", {})
        if found := at(state, "waiting.reason") or at(state, "terminated.reason"):
            reason = found
    return reason


def _pod_restarts(pod: Object) -> str:
    statuses = at(pod, "status.containerStatuses", [])
    count = str(sum(each.get("restartCount", 0) for each in statuses))
    ended = [at(each, "lastState.terminated.finishedAt", "") for each in statuses]
    return f"{count} ({age(max(ended))} ago)" if count != "0" and any(ended) else count


def _external_ip(service: Object) -> str:
    kind = at(service, "spec.type")
    if kind == "ExternalName":
        return str(at(service, "spec.externalName", ""))
    given = [each.get("ip") or each.get("hostname", "") for each in at(service, "status.loadBalancer.ingress", [])]
    if addresses := given + at(service, "spec.externalIPs", []):
        return ",".join(addresses)
    return "<pending>" if kind == "LoadBalancer" else "<none>"


def _service_ports(service: Object) -> str:
    def text(port: Object) -> str:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        return f"{port['port']}{node}/{port['protocol']}"

    return ",".join(text(port) for port in at(service, "spec.ports", [])) or "<none>"


def _containers(field: str) -> Callable[[Object], str]:
    return lambda item: ",".join(each.get(field, "") for each in at(item, "spec.template.spec.containers", []))


def _node_status(node: Object) -> str:
    conditions = {each["type"]: each["status"] for each in at(node, "status.conditions", [])}
    ready = {"True": "Ready", None: "Unknown"}.get(conditions.get("Ready"), "NotReady")
    return f"{ready},SchedulingDisabled" if at(node, "spec.unschedulable") else ready


def _node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = at(node, "metadata.labels", {})
    return ",".join(sorted(name.removeprefix(prefix) for name in labels if name.startswith(prefix))) or "<none>"


def _node_address(kind: str) -> Callable[[Object], str]:
    return lambda node: next(
        (each["address"] for each in at(node, "status.addresses", []) if each["type"] == kind), "<none>"
    )


def _kernel(node: Object) -> str:
    info = at(node, "status.nodeInfo", {})
    return f"{info.get('kernelVersion', '<unknown>')} ({info.get('architecture', '')})"


def _last_seen(event: Object) -> str:
    first = event.get("firstTimestamp") or event.get("eventTime")
    return age(event.get("lastTimestamp") or at(event, "series.lastObservedTime") or first)


def _event_object(event: Object) -> str:
    about = event["involvedObject"]
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _event_source(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    return ", ".join(filter(None, (component, source.get("host", ""))))


def _slice_endpoints(item: Object) -> str:
    return _shortened([address for each in item.get("endpoints") or [] for address in each.get("addresses", [])])


def _slice_ports(item: Object) -> str:
    ports = [str(port.get("port", "*")) for port in item.get("ports") or []]
    return ",".join(ports) or "<unset>"


def _shortened(texts: list[str], most: int = 3) -> str:
    if not texts:
        return "<none>"
    return ",".join(texts[:most]) + (f" + {len(texts) - most} more..." if len(texts) > most else "")


_WORKLOAD = (
    Column("Containers", _containers("name"), wide=True),
    Column("Images", _containers("image"), wide=True),
    Column("Selector", _labels("spec.selector.matchLabels"), wide=True),
)
_COLUMNS: dict[Resource, tuple[Column, ...]] = {
    NAMESPACE: (_NAME, Column("Status", _value("status.phase")), _AGE),
    POD: (
        _NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _pod_restarts),
        _AGE,
        Column("IP", _value("status.podIP"), wide=True),
        Column("Node", _value("spec.nodeName"), wide=True),
        Column("Nominated Node", _value("status.nominatedNodeName"), wide=True),
        Column("Readiness Gates", lambda pod: "<none>", wide=True),
    ),
    SERVICE: (
        _NAME,
        Column("Type", _value("spec.type")),
        Column("Cluster-IP", _value("spec.clusterIP")),
        Column("External-IP", _external_ip),
        Column("Port(s)", _service_ports),
        _AGE,
        Column("Selector", _labels("spec.selector"), wide=True),
    ),
    DEPLOYMENT: (
        _NAME,
        Column("Ready", lambda item: f"{at(item, 'status.readyReplicas', 0)}/{at(item, 'spec.replicas', 0)}"),
        Column("Up-to-date", _value("status.updatedReplicas", 0), "integer"),
        Column("Available", _value("status.availableReplicas", 0), "integer"),
        _AGE,
        *_WORKLOAD,
    ),
    REPLICA_SET: (
        _NAME,
        Column("Desired", _value("spec.replicas", 0), "integer"),
        Column("Current", _value("status.replicas", 0), "integer"),
        Column("Ready", _value("status.readyReplicas", 0), "integer"),
        _AGE,
        *_WORKLOAD,
    ),
    NODE: (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _AGE,
        Column("Version", _value("status.nodeInfo.kubeletVersion", "")),
        Column("Internal-IP", _node_address("InternalIP"), wide=True),
        Column("External-IP", _node_address("ExternalIP"), wide=True),
        Column("OS-Image", _value("status.nodeInfo.osImage", "<unknown>"), wide=True),
        Column("Kernel-Version", _kernel, wide=True),
        Column("Container-Runtime", _value("status.nodeInfo.containerRuntimeVersion", "<unknown>"), wide=True),
    ),
    EVENT: (
        Column("Last Seen", _last_seen),
        Column("Type", _value("type", "")),
        Column("Reason", _value("reason", "")),
        Column("Object", _event_object),
        Column("Subobject", _value("involvedObject.fieldPath", ""), wide=True),
        Column("Source", _event_source, wide=True),
        Column("Message", lambda event: event.get("message", "").strip()),
        Column("First Seen", lambda event: age(event.get("firstTimestamp") or event.get("eventTime")), wide=True),
        Column("Count", _value("count", 1), wide=True),
        Column("Name", _value("metadata.name"), wide=True),
    ),
    ENDPOINT_SLICE: (
        _NAME,
        Column("AddressType", _value("addressType")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_endpoints),
        _AGE,
    ),
    DISRUPTION_BUDGET: (
        _NAME,
        Column("Min Available", _value("spec.minAvailable", "N/A")),
        Column("Max Unavailable", _value("spec.maxUnavailable", "N/A")),
        Column("Allowed Disruptions", _value("status.disruptionsAllowed", 0), "integer"),
        _AGE,
    ),
    CONFIG_MAP: (
        _NAME,
        Column("Data", lambda item: len(item.get("data", {})) + len(item.get("binaryData", {})), "integer"),
        _AGE,
    ),
    SECRET: (
        _NAME,
        Column("Type", _value("type")),
        Column("Data", lambda item: len(item.get("data", {})), "integer"),
        _AGE,
    ),
    SERVICE_ACCOUNT: (_NAME, _AGE),
}


def _custom_columns(resource: Resource) -> tuple[Column, ...]:
    return (_NAME, *(_custom_column(each) for each in resource.columns))


def _custom_column(column: PrinterColumn) -> Column:
    def cell(item: Object) -> Any:
        value = _at_json_path(item, column.json_path)
        return age(value) if column.type == "date" else value

    return Column(column.name, cell, column.type, wide=column.priority > 0)


def _at_json_path(item: Any, path: str) -> Any:
    """The part of JSONPath that printer columns use: names, indexes, and items found by one of their fields."""
    for name, at, field, wanted in _JSON_PATH.findall(path):
        if name:
            item = item.get(name) if isinstance(item, dict) else None
        elif not isinstance(item, list):
            return None
        elif field:
            item = next((each for each in item if each.get(field) == wanted), None)
        else:
            item = item[int(at)] if int(at) < len(item) else None
    return item
