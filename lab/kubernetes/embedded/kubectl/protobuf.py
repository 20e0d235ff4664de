# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the few objects that kubectl sends as protobuf ("create namespace", "auth can-i", "drain" and the likes).

Answers are always JSON, which every client accepts. Field numbers are those of Kubernetes' generated.proto files.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.resources import Object

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _LENGTH = 0, 2

#: Each message's fields: number, name, and behind a colon the type unless it is text; {} is a map of texts,
#: [] a list.
_MESSAGES: dict[str, dict[int, str]] = {
    "Unknown": {1: "type:TypeMeta", 2: "raw:message"},
    "TypeMeta": {1: "apiVersion", 2: "kind"},
    "ObjectMeta": {
        1: "name",
        2: "generateName",
        3: "namespace",
        5: "uid",
        6: "resourceVersion",
        11: "labels{}",
        12: "annotations{}",
        14: "finalizers[]",
    },
    "Namespace": {1: "metadata:ObjectMeta", 2: "spec:NamespaceSpec"},
    "NamespaceSpec": {1: "finalizers[]"},
    "ConfigMap": {1: "metadata:ObjectMeta", 2: "data{}", 3: "binaryData{}:bytes", 4: "immutable:bool"},
    "Secret": {1: "metadata:ObjectMeta", 2: "data{}:bytes", 3: "type", 4: "stringData{}", 5: "immutable:bool"},
    "ServiceAccount": {1: "metadata:ObjectMeta"},
    "Service": {1: "metadata:ObjectMeta", 2: "spec:ServiceSpec"},
    "ServiceSpec": {1: "ports[]:ServicePort", 2: "selector{}", 3: "clusterIP", 4: "type", 7: "sessionAffinity"},
    "ServicePort": {1: "name", 2: "protocol", 3: "port:int", 4: "targetPort:IntOrString", 5: "nodePort:int"},
    "Deployment": {1: "metadata:ObjectMeta", 2: "spec:DeploymentSpec"},
    "DeploymentSpec": {1: "replicas:int", 2: "selector:LabelSelector", 3: "template:PodTemplateSpec"},
    "LabelSelector": {1: "matchLabels{}"},
    "PodTemplateSpec": {1: "metadata:ObjectMeta", 2: "spec:PodSpec"},
    "PodSpec": {2: "containers[]:Container"},
    "Container": {1: "name", 2: "image", 3: "command[]", 4: "args[]", 6: "ports[]:ContainerPort"},
    "ContainerPort": {1: "name", 3: "containerPort:int", 4: "protocol"},
    "PodDisruptionBudget": {1: "metadata:ObjectMeta", 2: "spec:PodDisruptionBudgetSpec"},
    "PodDisruptionBudgetSpec": {
        1: "minAvailable:IntOrString",
        2: "selector:LabelSelector",
        3: "maxUnavailable:IntOrString",
    },
    "SelfSubjectAccessReview": {1: "metadata:ObjectMeta", 2: "spec:AccessReviewSpec"},
    "AccessReviewSpec": {1: "resourceAttributes:ResourceAttributes", 2: "nonResourceAttributes:NonResourceAttributes"},
    "ResourceAttributes": {
        1: "namespace",
        2: "verb",
        3: "group",
        4: "version",
        5: "resource",
        6: "subresource",
        7: "name",
    },
    "NonResourceAttributes": {1: "path", 2: "verb"},
    "SelfSubjectReview": {1: "metadata:ObjectMeta"},
    "Eviction": {1: "metadata:ObjectMeta", 2: "deleteOptions:DeleteOptions"},
    "DeleteOptions": {
        1: "gracePeriodSeconds:int",
        2: "preconditions:Preconditions",
        3: "orphanDependents:bool",
        4: "propagationPolicy",
        5: "dryRun[]",
    },
    "Preconditions": {1: "uid", 2: "resourceVersion"},
}


def decode(data: bytes) -> Object:
    """An object as JSON would have it. Raises 415 for a kind or field not listed above."""
    if not data.startswith(_MAGIC):
        raise _unsupported("without Kubernetes' envelope")
    envelope = _message("Unknown", data[len(_MAGIC) :])
    kind = envelope["type"].get("kind", "")
    if kind not in _MESSAGES:
        raise _unsupported(f"of kind {kind}")
    return {**envelope["type"], **_message(kind, envelope["raw"])}


def _unsupported(what: str) -> errors.StatusError:
    message = f"the lab reads no protobuf {what}; send it as JSON or YAML (kubectl apply does)"
    return errors.StatusError(415, "UnsupportedMediaType", message)


def _message(name: str, data: bytes) -> Object:
    result: Object = {}
    fields = _MESSAGES[name]
    for number, value in _fields(data):
        if number in fields:
            _store(result, fields[number], value)
        elif isinstance(value, bytes) and any(_leaves(value)):
            raise _unsupported(f"{name} with field {number}")
    return result


def _store(result: Object, field: str, value: int | bytes) -> None:
    name, _, holds = field.partition(":")
    if name.endswith("{}"):
        entry = dict(_fields(_bytes(value)))
        made = _value(holds, entry.get(2, b""))
        result.setdefault(name[:-2], {})[_bytes(entry[1]).decode()] = made
    elif name.endswith("[]"):
        result.setdefault(name[:-2], []).append(_value(holds, value))
    elif (made := _value(holds, value)) != "":
        result[name] = made


def _value(holds: str, value: int | bytes) -> Any:
    match holds:
        case "int":
            return value
        case "bool":
            return bool(value)
        case "message":
            return value
        case "IntOrString":
            kind, number, text = (dict(_fields(_bytes(value))).get(each) for each in (1, 2, 3))
            return _bytes(text or b"").decode() if kind else number
        case "bytes":
            return base64.b64encode(_bytes(value)).decode()
        case "":
            return _bytes(value).decode()
    return _message(holds, _bytes(value))


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _unsupported("that its schema doesn't fit")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers with their values as they are on the wire."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        value, at = _varint(data, at)
        if wire == _VARINT:
            yield number, value
        elif wire == _LENGTH:
            yield number, data[at : at + value]
            at += value
        else:
            raise _unsupported(f"with wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _leaves(value: bytes) -> Iterator[bool]:
    """Whether anything is in an unknown field: Go writes empty structs in full, with nothing but empty fields."""
    try:
        for _, inner in _fields(value):
            yield from _leaves(inner) if isinstance(inner, bytes) else [bool(inner)]
    except (IndexError, errors.StatusError):
        yield True
