# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ConfigMaps, Secrets and Events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.validation import forms

_CONTENTS = ("data", "binaryData", "immutable")
#: Bytes.
_MOST = 1024 * 1024
#: The keys that Secrets of these types must hold.
_REQUIRED_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def config_map(item: Object) -> Iterator[Cause]:
    data, binary = item.get("data", {}), item.get("binaryData", {})
    yield from _keys(data, "data")
    yield from _keys(binary, "binaryData")
    for key in data.keys() & binary.keys():
        yield errors.invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData")
    yield from _size([*data.values(), *binary.values()])


def secret(item: Object) -> Iterator[Cause]:
    data = item.get("data", {})
    yield from _keys(data, "data")
    yield from _size(list(data.values()))
    for key in _REQUIRED_KEYS.get(item.get("type", ""), ()):
        if key not in data:
            yield errors.required(f"data[{key}]")


def _keys(data: dict[str, str], path: str) -> Iterator[Cause]:
    for key in data:
        yield from forms.form(forms.config_key, key, f"{path}[{key}]")


def _size(values: list[str]) -> Iterator[Cause]:
    if sum(len(value.encode()) for value in values) > _MOST:
        yield errors.too_long("", _MOST)


def immutable(item: Object, before: Object) -> Iterator[Cause]:
    if before.get("immutable") and _content(item) != _content(before):
        yield errors.forbidden_value("data", "field is immutable when `immutable` is set")


def secret_type(item: Object, before: Object) -> Iterator[Cause]:
    if item.get("type") != before.get("type"):
        yield errors.invalid_value("type", item.get("type"), "field is immutable")


def _content(item: Object) -> list[Any]:
    return [item.get(name) for name in _CONTENTS]


def event(item: Object) -> Iterator[Cause]:
    namespace = item.get("involvedObject", {}).get("namespace", "default")
    if namespace != item["metadata"]["namespace"]:
        yield errors.invalid_value("involvedObject.namespace", namespace, "does not match event.namespace")
