# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vpc_link_integrations: a document of OpenAPI 3.1, as today's frameworks write it, goes in as one of 3.0."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations import vpc_link_integrations as apply
from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations_report import vpc_link_integrations_report

Node = dict[str, t.Any]


def shop(schema: t.Any = None, **more: t.Any) -> Node:
    """A document with one schema, as FastAPI writes it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "0.1.0"},
        "paths": {
            "/orders": {
                "get": {
                    "operationId": "list_orders_orders_get",
                    "parameters": [
                        {
                            "name": "limit",
                            "in": "query",
                            "schema": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]},
                        }
                    ],
                    "responses": {"200": {"description": "Successful Response"}},
                }
            }
        },
        "components": {"schemas": {"Order": {"type": "object"} if schema is None else schema}},
        **more,
    }


def converted(schema: t.Any) -> t.Any:
    return apply(shop(schema))["components"]["schemas"]["Order"]


def losses(document: Node) -> list[str]:
    return t.cast(list[str], vpc_link_integrations_report(document)["losses"])


REFERENCE = {"$ref": "#/components/schemas/Order"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["string"]}, {"type": "string"}),
        ({"type": "null"}, {"enum": [None], "nullable": True}),
        ({"type": ["null"]}, {"enum": [None], "nullable": True}),
        ({"type": ["string", "integer"]}, {"allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}]}),
        (
            {"anyOf": [{"minLength": 2}, {"minimum": 5}], "type": ["string", "number", "null"]},
            {
                "anyOf": [{"minLength": 2}, {"minimum": 5}],
                "allOf": [{"anyOf": [{"type": "string"}, {"type": "number"}]}],
                "nullable": True,
            },
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Note"},
            {"type": "string", "title": "Note", "nullable": True},
        ),
        (
            {"anyOf": [{"title": "a", "type": "string"}, {"type": "null"}], "title": "b"},
            {"allOf": [{"title": "a", "type": "string"}], "title": "b", "nullable": True},
        ),
        ({"oneOf": [REFERENCE, {"type": "null"}]}, {"allOf": [REFERENCE], "nullable": True}),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        ({"anyOf": [{"type": "null"}]}, {"nullable": True}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ({"exclusiveMaximum": 9.5, "maximum": 10}, {"maximum": 9.5, "exclusiveMaximum": True}),
        ({"exclusiveMinimum": 0, "minimum": 1}, {"minimum": 1, "exclusiveMinimum": False}),
        ({"const": "card"}, {"enum": ["card"]}),
        ({"examples": ["a"]}, {"example": "a"}),
        ({"examples": []}, {}),
        ({**REFERENCE, "description": "The order"}, {"description": "The order", "allOf": [REFERENCE]}),
        (REFERENCE, REFERENCE),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, {"type": "string", "format": "binary"}),
        ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "byte"}),
        ({"properties": {"any": True, "type": {"const": 1}}}, {"properties": {"any": {}, "type": {"enum": [1]}}}),
        ({"items": False, "not": {"const": 1}}, {"items": {"not": {}}, "not": {"enum": [1]}}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        ({"additionalProperties": {"const": 1}}, {"additionalProperties": {"enum": [1]}}),
        (
            {"$defs": {"Line": {"const": 1}}, "items": {"$ref": "#/components/schemas/Order/$defs/Line"}},
            {"items": {"enum": [1]}},
        ),
        ({"default": {"const": 1}}, {"default": {"const": 1}}),
    ],
)
def test_schemas(schema: Node, expected: Node) -> None:
    assert converted(schema) == expected
    assert losses(shop(schema)) == []


@pytest.mark.parametrize("schema", [{"exclusiveMinimum": True, "minimum": 1}, {"type": "string", "nullable": True}])
def test_what_is_3_0_already_stays(schema: Node) -> None:
    assert converted(schema) == schema


def test_schemas_are_found_wherever_they_are() -> None:
    document = shop()
    operation = document["paths"]["/orders"]["get"]
    body: Node = {
        "content": {
            "application/json": {"schema": {"type": "object", "properties": {"note": {"type": ["string", "null"]}}}}
        }
    }
    operation |= {"requestBody": body, "responses": {"200": body}}
    body["content"]["application/json"]["example"] = {"schema": True}
    operation["parameters"].append({"name": "odd", "in": "query", "schema": "none"})
    result = apply(document)
    assert result["openapi"] == "3.0.1"
    found = result["paths"]["/orders"]["get"]
    assert found["parameters"][0]["schema"] == {
        "type": "integer",
        "minimum": 0,
        "exclusiveMinimum": True,
        "nullable": True,
    }
    for part in (found["requestBody"], found["responses"]["200"]):
        assert part["content"]["application/json"]["example"] == {"schema": True}
        assert part["content"]["application/json"]["schema"]["properties"] == {
            "note": {"type": "string", "nullable": True}
        }


def test_path_items_among_the_components_are_put_in_place() -> None:
    item = {"get": {"responses": {"200": {"description": "Well"}}}}
    document = shop(components={"pathItems": {"health": item}})
    document["paths"]["/health"] = {"$ref": "#/components/pathItems/health"}
    result = apply(document)
    assert result["paths"]["/health"]["get"]["responses"] == item["get"]["responses"]
    assert result["components"] == {}


def test_every_loss_is_reported_with_its_place() -> None:
    schema = {
        "$id": "order",
        "$comment": "x",
        "if": {"const": 1},
        "patternProperties": {"^x-": True},
        "examples": [1, 2],
    }
    document = shop(
        schema,
        jsonSchemaDialect="https://spec.openapis.org/oas/3.1/dialect/base",
        webhooks={"ordered": {"post": {}}, "paid": {"post": {}}},
    )
    document["info"]["summary"] = "Sells"
    result = apply(document)
    assert not {"jsonSchemaDialect", "webhooks"} & set(result)
    assert result["info"] == {"title": "Shop", "version": "0.1.0"}
    assert result["components"]["schemas"]["Order"] == {"example": 1}
    place = "#/components/schemas/Order"
    assert losses(document) == [
        "jsonSchemaDialect is left out: #",
        "webhooks are left out: ordered, paid",
        "the summary is left out: #/info",
        f"the keyword $comment is left out: {place}",
        f"the keyword $id is left out: {place}",
        f"the keyword if is left out: {place}",
        f"the keyword patternProperties is left out: {place}",
        f"of several examples the first is kept: {place}",
    ]


def test_3_0_is_not_changed_so() -> None:
    schema = {"type": "string", "patternProperties": {}, "examples": [1, 2]}
    document = {**shop(schema), "openapi": "3.0.3"}
    assert apply(document)["components"]["schemas"]["Order"] == schema
