# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenAPI documents as API Gateway's REST APIs take them. Pure: nothing here changes its arguments or calls AWS.

API Gateway takes Swagger 2.0 and OpenAPI 3.0.1 with exceptions, listed under "important notes for REST APIs":
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

Node = dict[str, t.Any]

ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
#: AWS's two spellings of what a VPC link V2 sends requests to: the table of the extension's properties has the first, an
#: example has the second. Only the first is known to work, from public deployments.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-private-integration.html
TARGET_KEYS = ("integrationTarget", "integration-target")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", ANY)

# A path parameter is a whole segment; it is greedy with a plus sign.
_SEGMENT = re.compile(r"\{[\w.:-]+\+?\}|[\w.,:-]*", re.ASCII)
_PARAMETER = re.compile(r"\{([^}+]+)\+?\}")


class OpenApiError(ValueError):
    """A document that API Gateway can't take, said in one sentence for each fault."""

    def __init__(self, *faults: str) -> None:
        several = f"{len(faults)} faults:\n" + "\n".join(f"- {fault}" for fault in faults)
        super().__init__(several if len(faults) > 1 else faults[0])


@dataclass
class Findings:
    """What was found on the way from a document to its definition, one sentence each."""

    #: Why API Gateway can't take the document.
    faults: list[str] = field(default_factory=list)


def check_document(document: t.Any) -> None:
    """Raise :class:`OpenApiError` unless the document is one that can become a REST API."""
    if not isinstance(document, t.Mapping):
        raise OpenApiError(f"the OpenAPI document must be a mapping, not {type(document).__name__}")
    _check_version(document)
    info = document.get("info")
    for key in ("title", "version"):
        if not isinstance(info, t.Mapping) or not str(info.get(key) or ""):
            raise OpenApiError(f"the OpenAPI document has no info.{key}")
    paths = document.get("paths")
    if not isinstance(paths, t.Mapping) or not paths:
        raise OpenApiError("the OpenAPI document has no paths")
    for path, item in paths.items():
        _check_path(path, item)
    for name in _schemas(document):
        if not re.fullmatch(r"[A-Za-z0-9]+", str(name)):
            raise OpenApiError(
                f"the OpenAPI document has the schema '{name}': API Gateway takes letters and digits only"
            )
    if not any(True for operation in operations(document)):
        raise OpenApiError("the OpenAPI document has no operation under any of its paths")


def _check_version(document: t.Mapping[str, t.Any]) -> None:
    swagger, openapi = document.get("swagger"), document.get("openapi")
    if swagger is None and openapi is None:
        raise OpenApiError("the document is not OpenAPI: it has neither a 'swagger' nor an 'openapi' key")
    if swagger is not None and str(swagger) != "2.0":
        raise OpenApiError(f"Swagger {swagger} is not supported by API Gateway, only 2.0")
    if openapi is not None and not re.fullmatch(r"3\.0(\.\d+)?", str(openapi)):
        raise OpenApiError(f"OpenAPI {openapi} is not supported by API Gateway's REST APIs, only 3.0")


def _check_path(path: t.Any, item: t.Any) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise OpenApiError(f"the path '{path}' of the OpenAPI document doesn't start with a slash")
    if not isinstance(item, t.Mapping):
        raise OpenApiError(f"the path '{path}' of the OpenAPI document is not a mapping")
    for segment in path[1:].split("/"):
        if not _SEGMENT.fullmatch(segment):
            raise OpenApiError(
                f"the path '{path}' of the OpenAPI document has the segment '{segment}': API Gateway takes letters, "
                "digits, _ - . , : or one {parameter} that is the whole segment"
            )


def operations(document: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str, Node]]:
    """Path, key of the method (as in the document) and operation, for all methods that API Gateway knows."""
    for path, item in document["paths"].items():
        for key in METHODS:
            if isinstance(item.get(key), t.Mapping):
                yield path, key, item[key]


def method_name(key: str) -> str:
    """HTTP method of an operation's key: ``get`` is ``GET``, the any-method extension is ``ANY``."""
    return "ANY" if key == ANY else key.upper()


def path_parameters(path: str) -> list[str]:
    """Names of the parameters in a path: ``/pet/{petId}`` has ``petId``, ``/{proxy+}`` has ``proxy``."""
    return _PARAMETER.findall(path)


def security_schemes(document: t.Mapping[str, t.Any]) -> Node:
    """The document's security schemes by name, whichever version of OpenAPI it is."""
    if "swagger" in document:
        return t.cast(Node, document.get("securityDefinitions") or {})
    return t.cast(Node, (document.get("components") or {}).get("securitySchemes") or {})


def _schemas(document: t.Mapping[str, t.Any]) -> Node:
    if "swagger" in document:
        return t.cast(Node, document.get("definitions") or {})
    return t.cast(Node, (document.get("components") or {}).get("schemas") or {})


def resolve(document: t.Mapping[str, t.Any], node: t.Any) -> t.Any:
    """The node, or what it refers to within the document when it is a reference."""
    reference = node.get("$ref") if isinstance(node, t.Mapping) else None
    if not isinstance(reference, str):
        return node
    found: t.Any = document
    for key in reference.removeprefix("#/").split("/"):
        if not reference.startswith("#/") or not isinstance(found, t.Mapping) or key not in found:
            raise OpenApiError(f"the OpenAPI document has the reference '{reference}', which is not within it")
        found = found[key]
    return found
