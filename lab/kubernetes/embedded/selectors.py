# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Label selectors and field selectors, as query parameters spell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.resources import Object, Resource

Match = Callable[[Object], bool]

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^=!\s]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s=!]*)$")
_KEY = re.compile(r"^(?P<absent>!?)\s*(?P<key>[A-Za-z0-9][-A-Za-z0-9_./]*)$")

Requirement = Callable[[Mapping[str, str]], bool]


def labels(selector: str) -> Match:
    """Raises 400 when the selector can't be read."""
    requirements = [_requirement(part.strip()) for part in re.split(r",(?![^(]*\))", selector) if part.strip()]
    return lambda item: all(met(item["metadata"].get("labels") or {}) for met in requirements)


def _requirement(text: str) -> Requirement:
    if found := _SET.match(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["operator"] == "in":
            return lambda own: own.get(key) in values
        return lambda own: own.get(key) not in values
    if found := _EQUAL.match(text):
        key, value = found["key"], found["value"]
        if found["operator"] == "!=":
            return lambda own: own.get(key) != value
        return lambda own: own.get(key) == value
    if found := _KEY.match(text):
        key, wanted = found["key"], not found["absent"]
        return lambda own: (key in own) is wanted
    raise errors.bad_request(f'unable to parse requirement: found "{text}"')


def fields(resource: Resource, selector: str) -> Match:
    """Raises 400 for a field that this kind can't be selected by."""
    tests = [_field_test(resource, selector, part.strip()) for part in selector.split(",") if part.strip()]
    return lambda item: all(test(item) for test in tests)


def _field_test(resource: Resource, selector: str, text: str) -> Match:
    found = _EQUAL.match(text)
    if found is None:
        raise errors.bad_request(f"invalid selector: '{selector}'; can't understand '{text}'")
    path, value, wanted = found["key"], found["value"], found["operator"] != "!="
    if path not in ("metadata.name", "metadata.namespace", *resource.selectable):
        if resource.selectable:
            raise errors.bad_request(f"field label not supported: {found['key']}")
        raise errors.bad_request(
            f'"{found["key"]}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        )
    return lambda item: (_field(item, path) == value) is wanted


def _field(item: Object, path: str) -> str:
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if path == "source" and isinstance(value, dict):
        value = value.get("component")
    if isinstance(value, bool) or (value is None and path in ("spec.unschedulable", "spec.hostNetwork")):
        return "true" if value else "false"
    return "" if value is None else str(value)
