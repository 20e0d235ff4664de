# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes a document of OpenAPI 3.1 as OpenAPI 3.0, the newest that API Gateway imports. Each loss is noted.

The versions differ in their schemas mostly: https://spec.openapis.org/oas/v3.1.1#schema-object
"""

from __future__ import annotations

import typing as t

from .openapi import Findings, Node, escaped
from .reading import is_free

#: Keywords of JSON Schema 2020-12 that OpenAPI 3.0 has nothing like.
_UNKNOWN = (
    "$anchor", "$comment", "$dynamicAnchor", "$dynamicRef", "$id", "$schema", "$vocabulary", "contains",
    "contentSchema", "dependentRequired", "dependentSchemas", "else", "if", "maxContains", "minContains",
    "patternProperties", "prefixItems", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf")


def to_3_0(document: Node, findings: Findings) -> None:
    """Change a document of OpenAPI 3.1, whose references are followed, into one of 3.0."""
    if not str(document.get("openapi", "")).startswith("3.1"):
        return
    document["openapi"] = "3.0.1"
    if document.pop("jsonSchemaDialect", None):
        findings.lose("jsonSchemaDialect is left out", "#")
    if webhooks := document.pop("webhooks", None):
        findings.lose("webhooks are left out", ", ".join(webhooks))
    if document["info"].pop("summary", None):
        findings.lose("the summary is left out", "#/info")
    _Schemas(findings).convert(document, "#")


class _Schemas:
    """Finds the schemas of a document, and changes each in place."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def convert(self, node: t.Any, place: str) -> None:
        if isinstance(node, list):
            for number, each in enumerate(node):
                self.convert(each, f"{place}/{number}")
        elif isinstance(node, dict):
            for key, value in node.items():
                where = f"{place}/{escaped(key)}"
                if key == "schema":
                    node[key] = self.schema(value, where)
                elif where == "#/components/schemas":
                    node[key] = self.named(value, where)
                elif not is_free(key, place):
                    self.convert(value, where)

    def named(self, schemas: Node, place: str) -> Node:
        return {name: self.schema(schema, f"{place}/{escaped(name)}") for name, schema in schemas.items()}

    def schema(self, schema: t.Any, place: str) -> t.Any:
        """The schema as OpenAPI 3.0 has it."""
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        if not isinstance(schema, dict):
            return schema
        schema = {key: self._member(key, value, f"{place}/{escaped(key)}") for key, value in schema.items()}
        schema.pop("$defs", None)
        for key in _UNKNOWN:
            if key in schema:
                del schema[key]
                self.findings.lose(f"the keyword {key} is left out", place)
        for change in (_const, _exclusive, _content, _nullable, _types, _beside_reference):
            schema = change(schema)
        if isinstance(examples := schema.pop("examples", None), list) and examples:
            schema.setdefault("example", examples[0])
            if len(examples) > 1:
                self.findings.lose("of several examples the first is kept", place)
        return schema

    def _member(self, key: str, value: t.Any, place: str) -> t.Any:
        if key == "properties" and isinstance(value, dict):
            return self.named(value, place)
        if key in _SCHEMA_LISTS and isinstance(value, list):
            return [self.schema(each, f"{place}/{number}") for number, each in enumerate(value)]
        if key in ("items", "not") or (key == "additionalProperties" and isinstance(value, dict)):
            return self.schema(value, place)
        return value


def _const(schema: Node) -> Node:
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    return schema


def _exclusive(schema: Node) -> Node:
    """A limit of its own in 3.1 says in 3.0 how the other limit is meant. The narrower one holds."""
    for limit, exclusive, narrower in (
        ("minimum", "exclusiveMinimum", max),
        ("maximum", "exclusiveMaximum", min),
    ):
        value = schema.get(exclusive)
        if isinstance(value, int | float) and not isinstance(value, bool):
            other = schema.get(limit, value)
            schema[limit] = narrower(value, other)
            schema[exclusive] = schema[limit] == value
    return schema


def _content(schema: Node) -> Node:
    encoding, media_type = schema.pop("contentEncoding", None), schema.pop("contentMediaType", None)
    if encoding or media_type:
        schema.setdefault("format", "byte" if encoding else "binary")
    return schema


def _nullable(schema: Node) -> Node:
    """An alternative that is null and nothing else."""
    for key in ("anyOf", "oneOf"):
        alternatives = schema.get(key)
        if not isinstance(alternatives, list):
            continue
        others = [each for each in alternatives if each != {"nullable": True, "enum": [None]}]
        if others == alternatives:
            continue
        del schema[key]
        if len(others) > 1:
            schema[key] = others
        elif others and ("$ref" in others[0] or others[0].keys() & schema.keys()):
            schema["allOf"] = [*schema.get("allOf", []), *others]
        else:
            schema.update(*others)
        schema["nullable"] = True
    return schema


def _types(schema: Node) -> Node:
    if "type" not in schema:
        return schema
    listed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "null" in listed:
        schema["nullable"] = True
    others = [each for each in listed if each != "null"]
    if "null" in listed and not others:
        del schema["type"]
        schema["enum"] = [None]
    elif len(others) == 1:
        schema["type"] = others[0]
    else:
        del schema["type"]
        schema["allOf"] = [*schema.get("allOf", []), {"anyOf": [{"type": each} for each in others]}]
    return schema


def _beside_reference(schema: Node) -> Node:
    """3.0 ignores all beside a reference."""
    if "$ref" not in schema or len(schema) == 1:
        return schema
    reference = {"$ref": schema.pop("$ref")}
    return {**schema, "allOf": [reference, *schema.get("allOf", [])]}
