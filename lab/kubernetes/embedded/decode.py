# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request's body must be, by its schema, before anything else is looked at.

Does what decoding into Go's structs does in the real server: refuses a wrong type, finds unknown fields, and drops what
wouldn't be written back (nulls, empty lists, empty maps).
"""

from __future__ import annotations

import dataclasses
from typing import Any

from lab.kubernetes.embedded import errors, quantity
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import Type

_GO = {"struct": "object", "map": "object", "list": "array"}
_MISSING = object()


@dataclasses.dataclass(frozen=True)
class Decoded:
    """An object in its normal form, and the paths of the fields that its schema doesn't know."""

    item: Object
    unknown: list[str]


class WrongType(Exception):
    """A value that its Go type can't hold; the message is the one of Go's decoder."""


def decode(kind: Type, item: Object) -> Decoded:
    """Raises :class:`WrongType`."""
    unknown: list[str] = []
    return Decoded(_Decoder(unknown).struct(kind, item, ""), unknown)


def check(item_kind: str, api_version: str, what: Decoded | WrongType, mode: str) -> list[str]:
    """Refuse what can't be decoded (400); return warnings for unknown fields, or refuse these too, by ``mode``.

    ``mode`` is fieldValidation's: Strict, Warn or Ignore.
    """
    version = api_version.rpartition("/")[2]
    prefix = f'{item_kind} in version "{version}" cannot be handled as a {item_kind}: '
    if isinstance(what, WrongType):
        raise errors.bad_request(f"{prefix}json: {what}")
    if not what.unknown or mode == "Ignore":
        return []
    texts = [f'unknown field "{path}"' for path in what.unknown]
    if mode == "Strict":
        raise errors.bad_request(f"{prefix}strict decoding error: {', '.join(texts)}")
    return texts


class _Decoder:
    def __init__(self, unknown: list[str]) -> None:
        self._unknown = unknown

    def struct(self, kind: Type, value: Object, path: str) -> Object:
        result: Object = {}
        for name, each in value.items():
            inner = f"{path}.{name}" if path else name
            if name not in kind.fields:
                self._unknown.append(inner)
            elif (made := self._value(kind.fields[name], each, inner, kind)) is not _MISSING:
                result[name] = made
        return result

    def _value(self, kind: Type, value: Any, path: str, owner: Type) -> Any:
        if value is None:
            return _MISSING
        if kind.shape == "any":
            return value
        if not _fits(kind, value):
            raise WrongType(
                f"cannot unmarshal {_json_name(value)} into Go struct field "
                f"{owner.short_name}.{_without_indexes(path)} of type {_go_name(kind)}"
            )
        if kind.shape == "struct":
            return self.struct(kind, value, path)
        if kind.shape == "quantity":
            return quantity.canonical(value)
        if kind.shape == "map":
            return self._map(kind, value, path, owner)
        if kind.shape == "list":
            return self._list(kind, value, path, owner)
        return value

    def _map(self, kind: Type, value: Object, path: str, owner: Type) -> Any:
        assert kind.items is not None
        # A null in a map of texts is an empty text to Go.
        made = {
            key: "" if each is None else self._value(kind.items, each, f"{path}.{key}", owner)
            for key, each in value.items()
        }
        return made or _MISSING

    def _list(self, kind: Type, value: list[Any], path: str, owner: Type) -> Any:
        assert kind.items is not None
        made = [self._value(kind.items, each, f"{path}[{index}]", owner) for index, each in enumerate(value)]
        return [each for each in made if each is not _MISSING] or _MISSING


def _fits(kind: Type, value: Any) -> bool:
    match kind.shape:
        case "struct" | "map":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "int-or-string":
            return isinstance(value, (int, str)) and not isinstance(value, bool)
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


def _json_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number" if isinstance(value, int) else f"number {value}"
    return "array" if isinstance(value, list) else "object"


def _go_name(kind: Type) -> str:
    if kind.shape == "list":
        return f"[]{_go_name(kind.items)}" if kind.items else "[]interface {}"
    if kind.shape == "map":
        return f"map[string]{_go_name(kind.items)}" if kind.items else "map[string]interface {}"
    if kind.name:
        package = kind.name.split(".")[-2]
        return f"{package}.{kind.short_name}"
    return {"integer": kind.format or "int", "boolean": "bool", "number": "float64"}.get(kind.shape, kind.shape)


def _without_indexes(path: str) -> str:
    return "".join(part.partition("]")[2] if "]" in part else part for part in path.replace("[", "\x00[").split("\x00"))
