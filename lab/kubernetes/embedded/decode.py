# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks a request's body against its schema, before any other check.

Like decoding into Go's structs in the real server, it refuses a wrong type, finds unknown fields, and drops values that
wouldn't be written back (nulls, empty lists, empty maps).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lab.kubernetes.embedded import errors, fieldsets, quantity, zeros
from lab.kubernetes.embedded.resources import Object, Resource
from lab.kubernetes.embedded.schema import Type

#: Server-side apply's names of the shapes.
_EXPECTED = {
    "struct": "map",
    "map": "map",
    "list": "list",
    "string": "string",
    "boolean": "boolean",
    "integer": "numeric (int or float)",
    "number": "numeric (int or float)",
    "int-or-string": "string or int",
    "quantity": "string or int",
}
_MISSING = object()
_ZEROS = {"string": "", "quantity": "0"}
_NOT_BASE64 = re.compile("[^A-Za-z0-9+/]")


class WrongType(Exception):
    """A value that its type can't hold."""

    def __init__(self, kind: Type, value: Any, path: str, owner: Type) -> None:
        super().__init__(path)
        self.kind = kind
        self.value = value
        self.path = path
        self.owner = owner


#: Makes the refusal of a value out of the reason that it can't be decoded.
Refuse = Callable[[str], errors.StatusError]


def refuse_body(resource: Resource) -> Refuse:
    """400, for an object that was sent whole."""
    prefix = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
    return lambda why: errors.bad_request(f"{prefix}{why}")


def decode(kind: Type, item: Object, resource: Resource, mode: str, warnings: list[str], refuse: Refuse) -> Object:
    """The object in its normal form. Refuses a wrong type, and unknown fields if ``mode`` is Strict.

    ``mode`` is fieldValidation's: with Warn, unknown fields are added to the warnings.
    """
    unknown: list[str] = []
    try:
        made = _Decoder(unknown).struct(kind, item, "")
    except WrongType as error:
        if error.kind.custom:
            raise errors.invalid(
                resource, (item.get("metadata") or {}).get("name", ""), [_custom_cause(error)]
            ) from error
        raise refuse(_unmarshal_text(error)) from error
    except ValueError as error:
        raise refuse(str(error)) from error
    texts = [f'unknown field "{path}"' for path in unknown]
    if texts and mode == "Strict":
        raise refuse(f"strict decoding error: {', '.join(texts)}")
    if mode == "Warn":
        warnings.extend(texts)
    return made


def _custom_cause(error: WrongType) -> errors.Cause:
    """The refusal of a value of another type by a custom kind's schema."""
    wanted = {"struct": "object", "map": "object", "list": "array"}.get(error.kind.shape, error.kind.shape)
    given = {"bool": "boolean", "number": "integer"}.get(_json_name(error.value), _json_name(error.value))
    return errors.invalid_value(error.path, given, f'{error.path} in body must be of type {wanted}: "{given}"')


def plain(kind: Type, item: Any) -> Object:
    """A body that is no stored object, in its normal form; unknown fields are dropped. Raises 400."""
    if not isinstance(item, dict):
        raise errors.bad_request("the object provided is unrecognized (must be of type object)")
    try:
        return _Decoder([]).struct(kind, item, "")
    except WrongType as error:
        raise errors.bad_request(_unmarshal_text(error)) from error


def cannot_unmarshal(value: Any, what: str) -> str:
    """Go's words for a value of the wrong type."""
    return f"json: cannot unmarshal {_json_name(value)} into Go value of type {what}"


def cannot_unmarshal_field(value: Any, field: str, what: str) -> str:
    return f"json: cannot unmarshal {_json_name(value)} into Go struct field {field} of type {what}"


def _unmarshal_text(error: WrongType) -> str:
    field = f"{error.owner.short_name}.{_without_indexes(error.path)}"
    return cannot_unmarshal_field(error.value, field, _go_name(error.kind))


def decode_applied(kind: Type, item: Any, resource: Resource) -> Object:
    """The same for server-side apply, which knows no unknown fields. Raises 400, or 500 as the real server does."""
    if not isinstance(item, dict) or (item.get("apiVersion"), item.get("kind")) != (
        resource.api_version,
        resource.kind,
    ):
        raise errors.bad_request("invalid object type: /, Kind=")
    unknown: list[str] = []
    try:
        made = _Decoder(unknown, as_sent=True).struct(kind, item, "")
        trouble = f"{fieldsets.display_index(kind, item, unknown[0])}: field not declared in schema" if unknown else ""
        trouble = trouble or fieldsets.duplicates(kind, made)
    except WrongType as error:
        where = fieldsets.display_index(kind, item, error.path)
        trouble = f"{where}: expected {_EXPECTED[error.kind.shape]}, got {_json_name(error.value)}"
    except ValueError as error:
        trouble = str(error)
    if trouble:
        sent = item.get("metadata")
        metadata = sent if isinstance(sent, dict) else {}
        name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        version = resource.api_version if resource.group else f"/{resource.version}"
        message = f"failed to create typed patch object ({name}; {version}, Kind={resource.kind}): {trouble}"
        raise errors.StatusError(500, "", message)
    return made


def wrong_kind(given: tuple[str, str], resource: Resource) -> str:
    """Why an object of another kind than the URL's can't be decoded."""
    version = given[0].rpartition("/")[2]
    package = resource.group.partition(".")[0] or "core"
    return f"converting ({version}.{given[1]}) to ({package}.{resource.kind}): unknown conversion"


class _Decoder:
    """With ``as_sent``, empty values are kept: an applied one is owned."""

    def __init__(self, unknown: list[str], as_sent: bool = False) -> None:
        self._unknown = unknown
        self._as_sent = as_sent

    def struct(self, kind: Type, value: Object, path: str) -> Object:
        result: Object = {}
        for name, each in value.items():
            inner = f"{path}.{name}" if path else name
            if name not in kind.fields and kind.preserves:
                result[name] = each
            elif name not in kind.fields:
                self._unknown.append(inner)
            elif (made := self._value(kind.fields[name], each, inner, kind)) is _MISSING:
                continue
            elif self._as_sent or not zeros.is_dropped(kind, name, made):
                result[name] = made
        return result

    def _value(self, kind: Type, value: Any, path: str, owner: Type) -> Any:
        if value is None:
            return _MISSING
        if kind.shape == "any":
            return value
        if kind.shape == "quantity":
            return quantity.canonical(value)
        if not _fits(kind, value):
            raise WrongType(kind, value, path, owner)
        if kind.shape == "struct":
            return self.struct(kind, value, path)
        if kind.format == "byte":
            _check_base64(value)
        if kind.shape == "map":
            return self._map(kind, value, path, owner)
        if kind.shape == "list":
            return self._list(kind, value, path, owner)
        return value

    def _map(self, kind: Type, value: Object, path: str, owner: Type) -> Any:
        assert kind.items is not None
        # A null in a map is the zero value to Go.
        zero = _ZEROS.get(kind.items.shape, _MISSING)
        read = {
            key: zero if each is None else self._value(kind.items, each, path, owner) for key, each in value.items()
        }
        made = {key: each for key, each in read.items() if each is not _MISSING}
        return made if made or kind.custom or self._as_sent else _MISSING

    def _list(self, kind: Type, value: list[Any], path: str, owner: Type) -> Any:
        assert kind.items is not None
        made = [self._value(kind.items, each, f"{path}[{index}]", owner) for index, each in enumerate(value)]
        kept = [each for each in made if each is not _MISSING]
        return kept if kept or kind.custom or self._as_sent else _MISSING


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


def _check_base64(value: str) -> None:
    """Raises ValueError with the place of the unexpected character, as Go tells it."""
    text = value.replace("\r", "").replace("\n", "")
    wrong = _NOT_BASE64.search(text.removesuffix("=").removesuffix("="))
    if wrong or len(text) % 4:
        at = wrong.start() if wrong else len(text) - len(text) % 4
        raise ValueError(f"illegal base64 data at input byte {at}")


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
    if kind.shape == "int-or-string":
        return "int32"
    if kind.name:
        package = kind.name.split(".")[-2]
        return f"{package}.{kind.short_name}"
    return {"integer": kind.format or "int", "boolean": "bool", "number": "float64"}.get(kind.shape, kind.shape)


def _without_indexes(path: str) -> str:
    return "".join(part.partition("]")[2] if "]" in part else part for part in path.replace("[", "\x00[").split("\x00"))
