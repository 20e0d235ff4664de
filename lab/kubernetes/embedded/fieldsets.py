# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of an object, by path: server-side apply reasons about these.

A path is a tuple of elements spelled as in metadata.managedFields: ``f:name`` (a field), ``k:{"name":"web"}`` (an
item of a list by its keys), ``v:"text"`` (an item of a set). The rules are those of sigs.k8s.io/structured-merge-diff.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import ANY, KEY_DEFAULTS, Type

Path = tuple[str, ...]

#: Stands for the mere presence of a list's item or a map's key.
_PRESENT = None

#: The server itself sets these; nobody owns them.
_UNOWNED = {("f:apiVersion",), ("f:kind",), ("f:metadata",)} | {
    ("f:metadata", f"f:{name}")
    for name in (
        "name",
        "namespace",
        "creationTimestamp",
        "uid",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
    )
}


def flatten(kind: Type, item: Object) -> dict[Path, Any]:
    """Every path that somebody can own, with the value there."""
    return {path: value for path, value in _walk(kind, item, ()) if path not in _UNOWNED and path[:2] not in _UNOWNED}


def _walk(kind: Type, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and kind.shape in ("struct", "map") and not kind.atomic:
        for name, each in value.items():
            if kind.shape == "map" and isinstance(each, (dict, list)) and each:
                yield (*path, f"f:{name}"), _PRESENT
            yield from _walk(kind.field(name), each, (*path, f"f:{name}"))
    elif isinstance(value, list) and kind.shape == "list" and kind.list_type != "atomic":
        for each in value:
            element = (*path, list_element(kind, each))
            yield element, _PRESENT
            if kind.list_type == "map":
                yield from (
                    (inner, leaf) for inner, leaf in _walk(kind.items or ANY, each, element) if inner != element
                )
    else:
        yield path, value


def duplicates(kind: Type, value: Any, path: Path = ()) -> str:
    """The complaint about the first list with two items of the same key; empty when there is none."""
    found = _duplicate_elements(kind, value, path)
    return next(found, "")


def _duplicate_elements(kind: Type, value: Any, path: Path) -> Iterator[str]:
    if isinstance(value, dict) and kind.shape in ("struct", "map") and not kind.atomic:
        for name, each in value.items():
            yield from _duplicate_elements(kind.field(name), each, (*path, f"f:{name}"))
    elif isinstance(value, list) and kind.shape == "list" and kind.list_type != "atomic":
        seen: set[str] = set()
        for each in value:
            element = list_element(kind, each)
            if element in seen:
                yield f"{display(path)}: duplicate entries for key {display((element,))}"
            seen.add(element)
            yield from _duplicate_elements(kind.items or ANY, each, (*path, element))


def list_element(kind: Type, item: Any) -> str:
    """The element of a path for an item of a list."""
    if kind.list_type == "set":
        return f"v:{_compact(item)}"
    keys = {key: item.get(key, KEY_DEFAULTS.get(key)) for key in sorted(kind.keys)}
    return f"k:{_compact({key: value for key, value in keys.items() if value is not None})}"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def merge(kind: Type, live: Any, applied: Any) -> Any:
    """``live`` with the applied value laid over it."""
    if isinstance(live, dict) and isinstance(applied, dict) and kind.shape in ("struct", "map") and not kind.atomic:
        merged = dict(live)
        for name, value in applied.items():
            merged[name] = merge(kind.field(name), live[name], value) if name in live else value
        return merged
    if isinstance(live, list) and isinstance(applied, list) and kind.list_type != "atomic":
        return _merge_lists(kind, live, applied)
    return applied


def _merge_lists(kind: Type, live: list[Any], applied: list[Any]) -> list[Any]:
    """The applied order. An item that only ``live`` has keeps its place before its successor."""
    waiting = {list_element(kind, item): item for item in live}
    named = {list_element(kind, item) for item in applied}
    merged = []
    for item in applied:
        while waiting and next(iter(waiting)) not in named:
            merged.append(waiting.pop(next(iter(waiting))))
        element = list_element(kind, item)
        merged.append(merge(kind.items or ANY, waiting.pop(element), item) if element in waiting else item)
    return merged + list(waiting.values())


def remove(kind: Type, value: Any, path: Path) -> Any:
    """The value with a path removed."""
    element, rest = path[0], path[1:]
    if isinstance(value, dict):
        name = element[2:]
        if name not in value:
            return value
        if rest:
            return {**value, name: remove(kind.field(name), value[name], rest)}
        return {each: inner for each, inner in value.items() if each != name}
    if isinstance(value, list):
        kept = [item for item in value if rest or list_element(kind, item) != element]
        return [
            remove(kind.items or ANY, item, rest) if rest and list_element(kind, item) == element else item
            for item in kept
        ]
    return value


def closure(paths: Iterable[Path]) -> set[Path]:
    """The paths with all those that lead to them."""
    return {path[:length] for path in paths for length in range(1, len(path) + 1)}


def encode(paths: Iterable[Path]) -> Object:
    """The paths as ``fieldsV1``: nested objects, with "." for an owned path that has owned paths below it."""
    owned = set(paths)
    tree: Object = {}
    for path in sorted(owned):
        node = tree
        for length, element in enumerate(path, 1):
            node = node.setdefault(element, {})
            if path[:length] in owned and length < len(path):
                node.setdefault(".", {})
    return tree


def decode(tree: Object) -> set[Path]:
    """Out of ``fieldsV1``."""
    return set(_decode(tree, ()))


def _decode(tree: Object, path: Path) -> Iterator[Path]:
    for element, inner in tree.items():
        if element == ".":
            yield path
        elif inner:
            yield from _decode(inner, (*path, element))
        else:
            yield (*path, element)


def display(path: Path) -> str:
    """A path as messages show it: ``.spec.ports[port=80,protocol="TCP"].name``."""
    text = ""
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += f"[{','.join(f'{key}={_compact(value)}' for key, value in json.loads(rest).items())}]"
        else:
            text += f"[{rest}]" if kind == "i" else f"[={rest}]"
    return text


def display_index(kind: Type, item: Object, path: str) -> str:
    """A path that counts items (``spec.ports[0].name``), as messages about applied objects show it."""
    shown: list[str] = []
    value: Any = item
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        if name:
            shown.append(f"f:{name}")
            kind = kind.field(name)
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)]
            named = kind.list_type == "set" or (kind.list_type == "map" and isinstance(value, dict))
            shown.append(list_element(kind, value) if named else f"i:{index}")
            kind = kind.items or ANY
    return display(tuple(shown))
