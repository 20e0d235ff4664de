# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three older kinds of patches: JSON (RFC 6902), JSON merge (RFC 7396), and Kubernetes' strategic merge."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch

from lab.kubernetes.embedded import bodies, decode, errors
from lab.kubernetes.embedded.options import APPLY
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import ANY, Type

JSON, MERGE, STRATEGIC = (f"application/{name}+json" for name in ("json-patch", "merge-patch", "strategic-merge-patch"))

_DIRECTIVES = ("$patch", "$retainKeys")
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


class Patch:
    """One patch of an object of some type: makes the patched object, and refuses it if it can't be decoded."""

    def __init__(self, content_type: str, body: Any, kind: Type) -> None:
        """Raises 415. Custom kinds have no strategic merge: their schemas say nothing of how lists would merge."""
        known = (JSON, MERGE) if kind.custom else (JSON, MERGE, STRATEGIC)
        if content_type not in known:
            supported = ", ".join((*known, APPLY))
            message = f"the body of the request was in an unknown format - accepted media types include: {supported}"
            raise errors.StatusError(415, "UnsupportedMediaType", message)
        self._content_type = content_type
        self._body = body
        self._kind = kind
        self._made: Object | None = None

    def apply(self, item: Object) -> Object:
        """Raises 400 or 422."""
        if self._content_type == STRATEGIC:
            return strategic_merge(self._kind, item, self._body)
        patch = json_patch if self._content_type == JSON else merge_patch
        self._made = patch(item, self._body)
        return self._made

    def refuse(self, why: str) -> errors.StatusError:
        """422. It shows the patched object, or else the patch itself."""
        return errors.invalid_patch(_as_go(self._body) if self._made is None else bodies.encode(self._made), why)


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


def merge_patch(item: Object, patch: Any) -> Object:
    """A null removes; anything but an object replaces. Raises 400 for a patch that is no object itself."""
    _check_map(patch)
    merged: Object = _merged(item, patch)
    return merged


def _merged(item: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(item) if isinstance(item, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def _check_map(patch: Any) -> None:
    if not isinstance(patch, dict):
        what = "map[string]interface {}"
        raise errors.bad_request(f"error decoding patch: {decode.cannot_unmarshal(patch, what)}")


def strategic_merge(kind: Type, item: Object, patch: Any) -> Object:
    """Like a merge patch, but lists with a merge key are merged by it, and ``$`` directives are followed. Raises 400.

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
    """In the given order. An item missing from it stays before the item it stood before, if known, or else goes last.

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


def _as_go(value: Any) -> str:
    """A value as Go's fmt prints it (%+v), which is how a strategic merge patch is shown."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_as_go(value[name])}' for name in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_as_go, value))}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "<nil>"}[value]
    return str(value)
