# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three older kinds of patches: JSON (RFC 6902), JSON merge (RFC 7396), and Kubernetes' strategic merge."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import ANY, Type

_DIRECTIVES = ("$patch", "$retainKeys")
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def json_patch(item: Object, operations: Any) -> Object:
    """Raises 400 when it is no list of operations, 422 when one can't be done."""
    if not isinstance(operations, list):
        raise errors.bad_request("error decoding patch: json: cannot unmarshal object into a list of operations")
    try:
        patched: Object = jsonpatch.apply_patch(item, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        text = "the server rejected our request due to an error in our request"
        raise errors.StatusError(422, "Invalid", text) from error
    return patched


def merge_patch(item: Any, patch: Any) -> Any:
    """A null removes; anything but an object replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(item) if isinstance(item, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def strategic_merge(kind: Type, item: Object, patch: Object) -> Object:
    """As a merge patch, but lists with a merge key are merged by it, and ``$`` directives are followed.

    https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
    """
    if patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    merged = copy.copy(item)
    if "$retainKeys" in patch:
        merged = {name: value for name, value in merged.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name in _DIRECTIVES or name.startswith((_DELETE_PRIMITIVES, _ORDER)):
            continue
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge_field(kind.field(name), merged.get(name), value)
    _follow_list_directives(kind, merged, patch)
    return merged


def _merge_field(kind: Type, current: Any, value: Any) -> Any:
    if isinstance(value, dict) and "replace" not in kind.strategies:
        return strategic_merge(kind, current if isinstance(current, dict) else {}, value)
    if isinstance(value, list) and "merge" in kind.strategies:
        return _merge_lists(kind, current or [], value)
    return value


def _merge_lists(kind: Type, current: list[Any], patch: list[Any]) -> list[Any]:
    if not kind.merge_key:
        return current + [each for each in patch if each not in current]
    if any(isinstance(each, dict) and each.get("$patch") == "replace" for each in patch):
        return [each for each in patch if "$patch" not in each]
    merged = list(current)
    for each in patch:
        key = each.get(kind.merge_key)
        if key is None:
            raise errors.bad_request(f"map: {each} does not contain declared merge key: {kind.merge_key}")
        at = next((index for index, old in enumerate(merged) if old.get(kind.merge_key) == key), None)
        if each.get("$patch") == "delete":
            merged = [old for old in merged if old.get(kind.merge_key) != key]
        elif at is None:
            merged.append(strategic_merge(kind.items or ANY, {}, each))
        else:
            merged[at] = strategic_merge(kind.items or ANY, merged[at], each)
    return merged


def _follow_list_directives(kind: Type, merged: Object, patch: Object) -> None:
    for directive, value in patch.items():
        if directive.startswith(_DELETE_PRIMITIVES):
            name = directive.removeprefix(_DELETE_PRIMITIVES)
            merged[name] = [each for each in merged.get(name, []) if each not in value]
        elif directive.startswith(_ORDER):
            name = directive.removeprefix(_ORDER)
            if name in merged:
                merged[name] = _ordered(kind.field(name), merged[name], value)


def _ordered(kind: Type, items: list[Any], order: list[Any]) -> list[Any]:
    """In the given order; items that it doesn't name stay behind the one that they followed."""
    key = kind.merge_key
    places = {each[key] if key else each: place for place, each in enumerate(order)}
    keyed, place = [], -1
    for item in items:
        place = places.get(item[key] if key else item, place)
        keyed.append((place, item))
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]
