# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes out of a document the parts that ImportRestApi refuses or ignores, and adds those it needs. Notes what is lost."""

from __future__ import annotations

import re
import typing as t

from .openapi import Findings, Node, operation_name, operations, schemas

ENDPOINT = "x-amazon-apigateway-endpoint-configuration"
BINARY_TYPES = "x-amazon-apigateway-binary-media-types"

#: Extensions of API Gateway's HTTP APIs, which its REST APIs don't have.
_OF_HTTP_APIS = ("x-amazon-apigateway-cors", "x-amazon-apigateway-importexport-version")
_ALWAYS_BINARY = re.compile(r"application/octet-stream|(image|audio|video|font)/.+")
_NEVER_BINARY = re.compile(r"text/.+|.*\bjson")


def make_importable(document: Node, findings: Findings) -> None:
    """Change a document of Swagger 2.0 or OpenAPI 3.0, with its references followed, for the import."""
    # Before responses lose the schemas that say it.
    _name_binary_types(document)
    _keep_endpoint(document)
    if "openapi" in document:
        document["openapi"] = "3.0.1"  # The only 3.0 release that AWS documents.
    for key in _OF_HTTP_APIS:
        if document.pop(key, None) is not None:
            findings.lose(f"{key} is left out, as it is of HTTP APIs", "#")
    for item in document["paths"].values():
        item.pop("servers", None)
    for path, key, operation in operations(document):
        name = operation_name(path, key)
        operation.pop("servers", None)
        if operation.pop("callbacks", None):
            findings.lose("callbacks are left out", name)
        operation["responses"] = _importable_responses(operation.get("responses") or {}, name, findings)


def _keep_endpoint(document: Node) -> None:
    """Servers tell of another place than where the API will be, yet one may hold the settings of its endpoint.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-endpoint-configuration.html
    """
    servers = document.pop("servers", [])
    for key in ("host", "basePath", "schemes"):
        document.pop(key, None)
    if endpoint := next((server[ENDPOINT] for server in servers if ENDPOINT in server), None):
        document["servers"] = [{"url": "/", ENDPOINT: endpoint}]


def _importable_responses(responses: Node, name: str, findings: Findings) -> Node:
    """Responses by status code only, and with models only where they are objects or named."""
    result = {}
    for status, response in responses.items():
        if not re.fullmatch(r"\d{3}", status):
            findings.lose("responses that are not for one status code are left out", name)
            continue
        response = {key: value for key, value in response.items() if key != "links"}
        if not _importable_schema(response.get("schema")):
            del response["schema"]
            findings.lose("schemas of responses that are neither objects nor named are left out", name)
        if "content" in response:
            content = {
                kind: media for kind, media in response["content"].items() if _importable_schema(media.get("schema"))
            }
            if len(content) < len(response["content"]):
                findings.lose("schemas of responses that are neither objects nor named are left out", name)
            response["content"] = content
        result[status] = response
    return result or {"200": {"description": "200 response"}}


def _importable_schema(schema: t.Any) -> bool:
    return schema is None or (isinstance(schema, dict) and ("$ref" in schema or schema.get("type") == "object"))


def _name_binary_types(document: Node) -> None:
    """API Gateway takes every body for text, and breaks those that aren't, unless it is told their types.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
    """
    named = document.get(BINARY_TYPES) or []
    found = {kind for _path, _key, operation in operations(document) for kind in _binary_types(document, operation)}
    missing = sorted(kind for kind in found - {*named} if not _NEVER_BINARY.fullmatch(kind))
    if missing and "*/*" not in named:
        document[BINARY_TYPES] = [*named, *missing]


def _binary_types(document: Node, operation: Node) -> t.Iterator[str]:
    responses = list((operation.get("responses") or {}).values())
    for body in (operation.get("requestBody") or {}, *responses):
        for kind, media in body.get("content", {}).items():
            if _ALWAYS_BINARY.fullmatch(kind) or _is_binary(document, media.get("schema")):
                yield kind
    takes, gives = (operation.get(key) or document.get(key) or [] for key in ("consumes", "produces"))
    yield from (kind for kind in (*takes, *gives) if _ALWAYS_BINARY.fullmatch(kind))
    if any(_is_binary(document, each.get("schema", each)) for each in operation.get("parameters", [])):
        yield from takes
    if any(_is_binary(document, response.get("schema")) for response in responses):
        yield from gives


def _is_binary(document: Node, schema: t.Any) -> bool:
    """Whether a body is a file, or a form with one."""
    if not isinstance(schema, dict):
        return False
    if "$ref" in schema:
        schema = schemas(document).get(schema["$ref"].rpartition("/")[2], {})
    properties = schema.get("properties")
    parts = [schema, *(properties.values() if isinstance(properties, dict) else [])]
    parts = [part for part in parts if isinstance(part, dict)]
    parts += [part["items"] for part in parts if isinstance(part.get("items"), dict)]
    return any(part.get("format") == "binary" or part.get("type") == "file" for part in parts)
