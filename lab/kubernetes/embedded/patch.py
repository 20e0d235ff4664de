# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three older kinds of patches: JSON (RFC 6902), JSON merge (RFC 7396), and Kubernetes' strategic merge."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch

from lab.kubernetes.embedded import decode, errors
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import ANY, Type

_DIRECTIVES = ("$patch", "$retainKeys")
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def json_patch(item: Object, operations: Any) -> Object:
    """Raises 400 when it is no list of operations, 422 when one can't be done."""
    if not isinstance(operations, list):
        what = "[]handlers.jsonPatchOp"
        raise errors.bad_request(f"error decoding patch: {decode.cannot_unmarshal(operations, what)}")
    try:
        patched: Object = jsonpatch.apply_patch(item, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        text = "the server rejected our request due to an error in our request"
        raise errors.StatusError(422, "Invalid", text) from error
    return patched


def merge_object(item: Object, patch: Any) -> Object:
    """A merge patch of a whole object. Raises 400 when the patch is none."""
    _check_map(patch)
    merged: Object = merge_patch(item, patch)
    return merged


def _check_map(patch: Any) -> None:
    if not isinstance(patch, dict):
        what = "map[string]interface {}"
        raise errors.bad_request(f"error decoding patch: {decode.cannot_unmarshal(patch, what)}")


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


def strategic_merge(kind: Type, item: Object, patch: Any) -> Object:
    """As a merge patch, but lists with a merge key are merged by it, and ``$`` directives are followed. Raises 400.

    https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
    """
    _check_map(patch)
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
    _follow_list_directives(kind, merged, patch, item)
    return merged


def _merge_field(kind: Type, current: Any, value: Any) -> Any:
    if isinstance(value, dict) and "replace" not in kind.strategies:
        return strategic_merge(kind, current if isinstance(current, dict) else {}, value)
    if isinstance(value, list) and "merge" in kind.strategies:
        current = current or []
        merged = _merge_lists(kind, current, value)
        return _ordered(kind, merged, value, current) if kind.merge_key else merged
    return value


def _merge_lists(kind: Type, current: list[Any], patch: list[Any]) -> list[Any]:
    if not kind.merge_key:
        return current + [each for each in patch if each not in current]
    if any(isinstance(each, dict) and each.get("$patch") == "replace" for each in patch):
        return [each for each in patch if "$patch" not in each]
    merged = list(current)
    for each in patch:
        _check_map(each)
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


def _follow_list_directives(kind: Type, merged: Object, patch: Object, item: Object) -> None:
    for directive, value in patch.items():
        if directive.startswith(_DELETE_PRIMITIVES):
            name = directive.removeprefix(_DELETE_PRIMITIVES)
            merged[name] = [each for each in merged.get(name, []) if each not in value]
        elif directive.startswith(_ORDER):
            name = directive.removeprefix(_ORDER)
            if name in merged:
                merged[name] = _ordered(kind.field(name), merged[name], value, item.get(name) or [])


def _ordered(kind: Type, items: list[Any], order: list[Any], before: list[Any]) -> list[Any]:
    """In the given order. An item that it doesn't name stands where its place before that item's was known, else behind.

    ``order`` holds the items of the patch, or those of its $setElementOrder; ``before`` is the list without the patch.
    """
    key = kind.merge_key

    def name(item: Any) -> Any:
        return item.get(key) if key else item

    wanted, known = [name(each) for each in order], [name(each) for each in before]
    named = sorted((each for each in items if name(each) in wanted), key=lambda each: wanted.index(name(each)))
    merged = []
    for other in (each for each in items if name(each) not in wanted):
        while named and not _stood_before(known, name(other), name(named[0])):
            merged.append(named.pop(0))
        merged.append(other)
    return merged + named


def _stood_before(known: list[Any], one: Any, other: Any) -> bool:
    return one in known and other in known and known.index(one) < known.index(other)


def as_go(value: Any) -> str:
    """A value as Go's fmt prints it (%+v), which is how a strategic merge patch is shown."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{as_go(value[name])}' for name in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(as_go, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "<nil>"}[value]
    return str(value)
