# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes' own schemas, as a graph of types that validation, defaulting, patching and applying walk along.

They are those that the package kubernetes-validate ships for each Kubernetes version: the API server's OpenAPI
document with its x-kubernetes-* extensions. Only what the served kinds reach is kept.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import kubernetes_validate

_SCALARS = {"string", "integer", "number", "boolean"}
#: Keys of list items that may be left out, since they have a default.
KEY_DEFAULTS = {"protocol": "TCP"}


@dataclasses.dataclass(eq=False)
class Type:
    """The type of a value. ``shape`` is struct, map, list, string, integer, number, boolean or any.

    Server-side apply goes by ``list_type`` (atomic, set, map) and ``keys``, strategic merge patches by ``merge_key``
    and ``strategies``.
    """

    name: str = ""
    shape: str = "any"
    format: str = ""
    fields: dict[str, Type] = dataclasses.field(default_factory=dict)
    required: tuple[str, ...] = ()
    items: Type | None = None
    atomic: bool = False
    list_type: str = "atomic"
    keys: tuple[str, ...] = ()
    merge_key: str = ""
    strategies: tuple[str, ...] = ()
    #: Only CustomResourceDefinitions set the following.
    custom: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    #: Whether fields that the schema doesn't name are kept.
    preserves: bool = False

    def field(self, name: str) -> Type:
        """The type of a struct's field or a map's value; of an unknown one, anything."""
        if self.shape == "map":
            return self.items or ANY
        return self.fields.get(name, ANY)

    @property
    def short_name(self) -> str:
        return self.name.rpartition(".")[2]


ANY = Type()
INT_OR_STRING = Type(shape="int-or-string", name="io.k8s.apimachinery.pkg.util.intstr.IntOrString")
QUANTITY = Type(shape="quantity", name="io.k8s.apimachinery.pkg.api.resource.Quantity")
_SPECIAL = {each.name: each for each in (INT_OR_STRING, QUANTITY)}


def load_definitions(version: str) -> dict[str, Any]:
    """All definitions of a Kubernetes minor version such as "1.36". Raises ValueError when there are none."""
    folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / f"v{version}.0-local"
    try:
        text = (folder / "_definitions.json").read_text()
    except FileNotFoundError as error:
        raise ValueError(f"kubernetes-validate has no schemas for Kubernetes {version}") from error
    definitions: dict[str, Any] = json.loads(text)["$defs"]
    return definitions


class Schemas:
    """The types of one Kubernetes version, by the names of their definitions."""

    def __init__(self, version: str, roots: list[str]) -> None:
        """``roots`` name the definitions to keep, with all that they refer to."""
        self._definitions = load_definitions(version)
        self._types: dict[str, Type] = dict(_SPECIAL)
        for root in roots:
            self._definition(root)
        del self._definitions

    def type(self, definition: str) -> Type:
        return self._types[definition]

    def add(self, definition: str, made: Type) -> None:
        """Keep a type that Kubernetes doesn't ship."""
        self._types[definition] = made

    def _definition(self, name: str) -> Type:
        if name not in self._types:
            # Known before it is filled: types may refer to themselves.
            made = self._types[name] = Type(name=name)
            self._fill(made, self._definitions[name])
        return self._types[name]

    def _compile(self, schema: dict[str, Any]) -> Type:
        reference = schema.get("$ref")
        if reference is None:
            made = Type()
            self._fill(made, schema)
            return made
        target = self._definition(reference.removeprefix("#/$defs/"))
        if "x-kubernetes-map-type" not in schema and "x-kubernetes-patch-strategy" not in schema:
            return target
        atomic = schema["x-kubernetes-map-type"] == "atomic" if "x-kubernetes-map-type" in schema else target.atomic
        return dataclasses.replace(target, atomic=atomic, strategies=_strategies(schema))

    def _fill(self, made: Type, schema: dict[str, Any]) -> None:
        kind = _without_null(schema.get("type"))
        made.format = schema.get("format", "")
        made.atomic = schema.get("x-kubernetes-map-type") == "atomic"
        made.strategies = _strategies(schema)
        if kind == "array":
            made.shape = "list"
            made.items = self._compile(schema["items"])
            made.list_type = schema.get("x-kubernetes-list-type", "atomic")
            made.keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
            made.merge_key = schema.get("x-kubernetes-patch-merge-key", "")
        elif "properties" in schema:
            made.shape = "struct"
            made.required = tuple(schema.get("required", ()))
            made.fields.update({name: self._compile(field) for name, field in schema["properties"].items()})
        elif "additionalProperties" in schema:
            made.shape = "map"
            made.items = self._compile(schema["additionalProperties"])
        elif kind in _SCALARS:
            made.shape = kind
        elif kind == "object" and not made.name.endswith(("FieldsV1", "RawExtension")):
            made.shape = "struct"


def _without_null(kind: str | list[str] | None) -> str:
    if isinstance(kind, list):
        return next(each for each in kind if each != "null")
    return kind or ""


def _strategies(schema: dict[str, Any]) -> tuple[str, ...]:
    return tuple(filter(None, schema.get("x-kubernetes-patch-strategy", "").split(",")))
