# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request's body must be, by its schema, before anything else is looked at.

Does what decoding into Go's structs does in the real server: refuses a wrong type, finds unknown fields, and drops what
wouldn't be written back (nulls, empty lists, empty maps).
"""

from __future__ import annotations

from typing import Any

from lab.kubernetes.embedded import errors, fieldsets, quantity
from lab.kubernetes.embedded.resources import Object, Resource
from lab.kubernetes.embedded.schema import Type

#: What server-side apply calls the shapes.
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


class WrongType(Exception):
    """A value that its type can't hold."""

    def __init__(self, kind: Type, value: Any, path: str, owner: Type) -> None:
        super().__init__(path)
        self.kind = kind
        self.value = value
        self.path = path
        self.owner = owner


def decode(kind: Type, item: Object, resource: Resource, mode: str, warnings: list[str]) -> Object:
    """The object in its normal form. Raises 400 for a wrong type, and for unknown fields if ``mode`` is Strict.

    ``mode`` is fieldValidation's: with Warn, unknown fields are added to the warnings.
    """
    unknown: list[str] = []
    prefix = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
    try:
        made = _Decoder(unknown).struct(kind, item, "")
    except WrongType as error:
        if error.kind.custom:
            raise errors.invalid(
                resource, (item.get("metadata") or {}).get("name", ""), [_custom_cause(error)]
            ) from error
        raise errors.bad_request(
            f"{prefix}json: cannot unmarshal {_json_name(error.value)} into Go struct field "
            f"{error.owner.short_name}.{_without_indexes(error.path)} of type {_go_name(error.kind)}"
        ) from error
    except ValueError as error:
        raise errors.bad_request(f"{prefix}{error}") from error
    texts = [f'unknown field "{path}"' for path in unknown]
    if texts and mode == "Strict":
        raise errors.bad_request(f"{prefix}strict decoding error: {', '.join(texts)}")
    if mode == "Warn":
        warnings.extend(texts)
    return made


def _custom_cause(error: WrongType) -> errors.Cause:
    """What a custom kind's schema says of a value of another type."""
    wanted = {"struct": "object", "map": "object", "list": "array"}.get(error.kind.shape, error.kind.shape)
    given = {"bool": "boolean", "number": "integer"}.get(_json_name(error.value), _json_name(error.value))
    return errors.invalid_value(error.path, given, f'{error.path} in body must be of type {wanted}: "{given}"')


def decode_applied(kind: Type, item: Any, resource: Resource) -> Object:
    """The same for server-side apply, which knows no unknown fields. Raises 400, or 500 as the real server does."""
    if not isinstance(item, dict) or (item.get("apiVersion"), item.get("kind")) != (
        resource.api_version,
        resource.kind,
    ):
        raise errors.bad_request("invalid object type: /, Kind=")
    unknown: list[str] = []
    try:
        made = _Decoder(unknown).struct(kind, item, "")
        trouble = f"{fieldsets.display_index(kind, item, unknown[0])}: field not declared in schema" if unknown else ""
    except WrongType as error:
        where = fieldsets.display_index(kind, item, error.path)
        trouble = f"{where}: expected {_EXPECTED[error.kind.shape]}, got {_json_name(error.value)}"
    except ValueError as error:
        trouble = str(error)
    if trouble:
        metadata = item.get("metadata") or {}
        name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        version = resource.api_version if resource.group else f"/{resource.version}"
        message = f"failed to create typed patch object ({name}; {version}, Kind={resource.kind}): {trouble}"
        raise errors.StatusError(500, "", message)
    return made


def wrong_kind(given: tuple[str, str], resource: Resource) -> errors.StatusError:
    """400: another kind than the URL's."""
    version = given[0].rpartition("/")[2]
    package = resource.group.partition(".")[0] or "core"
    return errors.bad_request(
        f'{given[1]} in version "{version}" cannot be handled as a {resource.kind}: '
        f"converting ({version}.{given[1]}) to ({package}.{resource.kind}): unknown conversion"
    )


class _Decoder:
    def __init__(self, unknown: list[str]) -> None:
        self._unknown = unknown

    def struct(self, kind: Type, value: Object, path: str) -> Object:
        result: Object = {}
        for name, each in value.items():
            inner = f"{path}.{name}" if path else name
            if name not in kind.fields and kind.preserves:
                result[name] = each
            elif name not in kind.fields:
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
            raise WrongType(kind, value, path, owner)
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
        made = {key: "" if each is None else self._value(kind.items, each, path, owner) for key, each in value.items()}
        return made if made or kind.custom else _MISSING

    def _list(self, kind: Type, value: list[Any], path: str, owner: Type) -> Any:
        assert kind.items is not None
        made = [self._value(kind.items, each, f"{path}[{index}]", owner) for index, each in enumerate(value)]
        kept = [each for each in made if each is not _MISSING]
        return kept if kept or kind.custom else _MISSING


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
