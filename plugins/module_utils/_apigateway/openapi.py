# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenAPI documents as API Gateway's REST APIs take them: their parts, and why one is refused. Calls nothing of AWS.

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
METHOD_AUTH = "x-amazon-apigateway-auth"
#: AWS's two spellings of what a VPC link V2 sends requests to: the table of the extension's properties has the first, an
#: example has the second. Only the first is known to work, from public deployments.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-private-integration.html
TARGET_KEYS = ("integrationTarget", "integration-target")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", ANY)
#: Resources in one API, of which each segment of a path is one, and the root.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
RESOURCES = 300

# A path parameter is a whole segment; it is greedy with a plus sign.
_SEGMENT = re.compile(r"\{[\w.:-]+\+?\}|[\w.,:-]+", re.ASCII)
_PARAMETER = re.compile(r"\{([^}+]+)\+?\}")
#: A document's fields, each with the name and kind of its value; ``*`` is any name.
_SHAPES: tuple[tuple[str, type], ...] = (
    ("components", dict),
    ("components/*", dict),
    ("components/*/*", dict),
    ("definitions", dict),
    ("definitions/*", dict),
    ("securityDefinitions", dict),
    ("securityDefinitions/*", dict),
    ("security", list),
    ("security/*", dict),
    ("servers", list),
    ("servers/*", dict),
    ("consumes", list),
    ("produces", list),
    ("x-amazon-apigateway-binary-media-types", list),
    ("paths/*", dict),
    ("paths/*/parameters", list),
    ("paths/*/parameters/*", dict),
    *((f"paths/*/{method}", dict) for method in METHODS),
)
_OPERATION_SHAPES: tuple[tuple[str, type], ...] = (
    ("parameters", list),
    ("parameters/*", dict),
    ("security", list),
    ("security/*", dict),
    ("consumes", list),
    ("produces", list),
    ("requestBody", dict),
    ("requestBody/content", dict),
    ("requestBody/content/*", dict),
    ("responses", dict),
    ("responses/*", dict),
    ("responses/*/content", dict),
    ("responses/*/content/*", dict),
    (METHOD_AUTH, dict),
    (INTEGRATION, dict),
    (f"{INTEGRATION}/requestParameters", dict),
    (f"{INTEGRATION}/requestTemplates", dict),
    (f"{INTEGRATION}/responses", dict),
)


class OpenApiError(ValueError):
    """A document that API Gateway can't take, said in one sentence for each fault."""

    def __init__(self, *faults: str) -> None:
        several = f"{len(faults)} faults:\n" + "\n".join(f"- {fault}" for fault in faults)
        super().__init__(several if len(faults) > 1 else faults[0])


@dataclass
class Findings:
    """The findings on the way from a document to its definition, in sentences."""

    #: Why API Gateway can't take the document.
    faults: list[str] = field(default_factory=list)
    #: The document's parts missing in the definition: the loss, and where.
    losses: dict[str, list[str]] = field(default_factory=dict)
    #: Where requests of the document's own integrations went, and go now.
    replaced: list[str] = field(default_factory=list)
    #: Names of the stage variables that the document uses besides those of the backends.
    stage_variables: list[str] = field(default_factory=list)

    def lose(self, what: str, where: str) -> None:
        places = self.losses.setdefault(what, [])
        if where not in places:
            places.append(where)

    def check(self) -> None:
        """Raise :class:`OpenApiError` with all faults, if there are any."""
        if self.faults:
            raise OpenApiError(*self.faults)


def check_document(document: t.Any, resource_quota: int = RESOURCES) -> None:
    """Raise :class:`OpenApiError` with all that keeps the document from becoming a REST API."""
    check_head(document, ("3.0",))
    findings = Findings()
    findings.faults += shape_faults(document)
    findings.check()
    findings.faults += path_faults(document, resource_quota) + schema_faults(document)
    findings.check()


def check_head(document: t.Any, versions: t.Collection[str]) -> None:
    """Raise :class:`OpenApiError` unless it is a document with paths, of Swagger 2.0 or one of OpenAPI's versions."""
    if not isinstance(document, t.Mapping):
        raise OpenApiError(f"the OpenAPI document must be a mapping, not {type(document).__name__}")
    _check_version(document, versions)
    info = document.get("info")
    for key in ("title", "version"):
        if not isinstance(info, t.Mapping) or not str(info.get(key) or ""):
            raise OpenApiError(f"the OpenAPI document has no info.{key}")
    paths = document.get("paths")
    if not isinstance(paths, t.Mapping) or not paths:
        raise OpenApiError("the OpenAPI document has no paths")


def _check_version(document: t.Mapping[str, t.Any], versions: t.Collection[str]) -> None:
    swagger, openapi = document.get("swagger"), document.get("openapi")
    if swagger is None and openapi is None:
        raise OpenApiError("the document is not OpenAPI: it has neither a 'swagger' nor an 'openapi' key")
    if swagger is not None and str(swagger) != "2.0":
        raise OpenApiError(f"Swagger {swagger} is not supported by API Gateway, only 2.0")
    if openapi is not None and not re.fullmatch(rf"({'|'.join(versions)})(\.\d+)?", str(openapi)):
        raise OpenApiError(f"OpenAPI {openapi} can't be imported by API Gateway, only {' and '.join(versions)}")


def shape_faults(document: t.Mapping[str, t.Any]) -> list[str]:
    """One sentence for each part that isn't OpenAPI's mapping or list."""
    found = [fault for shape in _SHAPES for fault in _misshapen(document, "#", *shape)]
    if not found:
        for path, key, operation in operations(document):
            place = f"#/paths/{escaped(path)}/{key}"
            found += [fault for shape in _OPERATION_SHAPES for fault in _misshapen(operation, place, *shape)]
    return found


def _misshapen(node: t.Any, place: str, shape: str, kind: type) -> t.Iterator[str]:
    first, _slash, rest = shape.partition("/")
    for key, value in _members(node, first):
        where = f"{place}/{escaped(key)}"
        if rest:
            yield from _misshapen(value, where, rest, kind)
        elif not isinstance(value, kind):
            wanted = "mapping" if kind is dict else "list"
            yield f"the OpenAPI document has a {type(value).__name__} at {where}, which must be a {wanted}"


def _members(node: t.Any, name: str) -> t.Iterable[tuple[t.Any, t.Any]]:
    if isinstance(node, list):
        return enumerate(node) if name == "*" else ()
    if not isinstance(node, dict):
        return ()
    if name != "*":
        return [(name, node[name])] if name in node else []
    return [(key, value) for key, value in node.items() if not str(key).startswith("x-")]


def path_faults(document: t.Mapping[str, t.Any], resource_quota: int) -> list[str]:
    """One sentence for each path that API Gateway can't have, or can't have beside another."""
    paths = [str(path) for path in document["paths"] if not str(path).startswith("x-")]
    found = [fault for path in paths for fault in _faults_of(path, document["paths"][path])]
    if not found:
        found += _doubles(paths) + _siblings(paths)
    count = len({(), *(prefix for path in paths for prefix in _prefixes(path))})
    if count > resource_quota:
        found.append(
            f"the OpenAPI document makes {count} resources, one of each segment of its paths: the quota is {resource_quota}"
        )
    if not any(True for _operation in operations(document)):
        found.append("the OpenAPI document has no operation under any of its paths")
    return found


def _faults_of(path: str, item: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if not path.startswith("/"):
        yield f"the path '{path}' of the OpenAPI document doesn't start with a slash"
    if path.strip("/") in ("ping", "sping"):
        yield f"the path '{path}' is reserved by API Gateway for its health check"
    segments = _segments(path)
    for segment in segments:
        if not _SEGMENT.fullmatch(segment):
            yield (
                f"the path '{path}' of the OpenAPI document has the segment '{segment}': API Gateway takes letters, "
                "digits, _ - . , : or one {parameter} that is the whole segment"
            )
    if any(segment.endswith("+}") for segment in segments[:-1]):
        yield f"the path '{path}' goes on after a greedy parameter, which API Gateway takes at the end only"
    if "trace" in item:
        yield f"the path '{path}' has the method trace, which API Gateway doesn't know"


def _doubles(paths: list[str]) -> list[str]:
    """API Gateway's paths don't end in a slash."""
    without: dict[str, list[str]] = {}
    for path in paths:
        without.setdefault(path.rstrip("/"), []).append(path)
    return [
        f"the paths {' and '.join(map(repr, same))} are one to API Gateway"
        for same in without.values()
        if len(same) > 1
    ]


def _siblings(paths: list[str]) -> list[str]:
    """A resource has one child at most that is a parameter, whatever its name."""
    by_parent: dict[tuple[str, ...], dict[str, str]] = {}
    for path in paths:
        for prefix in _prefixes(path):
            if prefix[-1].startswith("{"):
                by_parent.setdefault(prefix[:-1], {}).setdefault(prefix[-1], path)
    return [
        f"the paths {' and '.join(map(repr, siblings.values()))} have different parameters in one place, after "
        f"'/{'/'.join(parent)}': API Gateway takes one name there"
        for parent, siblings in by_parent.items()
        if len(siblings) > 1
    ]


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []


def _prefixes(path: str) -> t.Iterator[tuple[str, ...]]:
    segments = _segments(path)
    return (tuple(segments[:length]) for length in range(1, len(segments) + 1))


def schema_faults(document: t.Mapping[str, t.Any]) -> list[str]:
    """Schemas become models."""
    return [
        f"the OpenAPI document has the schema '{name}': API Gateway takes letters and digits only"
        for name in schemas(document)
        if not re.fullmatch(r"[A-Za-z0-9]+", str(name))
    ]


def operations(document: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str, Node]]:
    """Path, key of the method (as in the document) and operation, for all methods that API Gateway knows."""
    for path, item in document["paths"].items():
        for key in METHODS:
            if isinstance(item, t.Mapping) and isinstance(item.get(key), t.Mapping):
                yield path, key, item[key]


def method_name(key: str) -> str:
    """HTTP method of an operation's key: ``get`` is ``GET``, the any-method extension is ``ANY``."""
    return "ANY" if key == ANY else key.upper()


def operation_name(path: str, key: str) -> str:
    """How an operation is called in messages and options: ``GET /pet``."""
    return f"{method_name(key)} {path}"


def escaped(key: t.Any) -> str:
    """A key as JSON pointers write it: https://www.rfc-editor.org/rfc/rfc6901"""
    return str(key).replace("~", "~0").replace("/", "~1")


def path_parameters(path: str) -> list[str]:
    """Names of the parameters in a path: ``/pet/{petId}`` has ``petId``, ``/{proxy+}`` has ``proxy``."""
    return _PARAMETER.findall(path)


def security_schemes(document: t.Mapping[str, t.Any]) -> Node:
    """The document's security schemes by name, whichever version of OpenAPI it is."""
    if "swagger" in document:
        return t.cast(Node, document.get("securityDefinitions") or {})
    return t.cast(Node, (document.get("components") or {}).get("securitySchemes") or {})


def schemas(document: t.Mapping[str, t.Any]) -> Node:
    """The document's named schemas, likewise."""
    if "swagger" in document:
        return t.cast(Node, document.get("definitions") or {})
    return t.cast(Node, (document.get("components") or {}).get("schemas") or {})
