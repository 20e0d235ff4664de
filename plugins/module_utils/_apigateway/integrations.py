# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives the operations of an OpenAPI document integrations that go through a VPC link. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, fields

from .openapi import (
    INTEGRATION,
    TARGET_KEYS,
    Findings,
    Node,
    OpenApiError,
    check_document,
    method_name,
    operations,
    path_parameters,
    resolve,
)
from .security import keep_security


@dataclass(frozen=True)
class Backend:
    """Where the requests below one path prefix go. ``connection_id`` and ``host`` may be stage variables.

    The port picks the listener of the load balancer; the host becomes the Host header, and routes nothing. A link V2 sends
    requests to ``integration_target``, the ARN of a load balancer; a link V1 knows its own.
    """

    path_prefix: str = "/"
    connection_id: str = "${stageVariables.vpcLinkId}"
    host: str = "${stageVariables.nlbHost}"
    port: int = 80
    scheme: str | None = None
    base_path: str = ""
    integration_target: str | None = None

    @classmethod
    def of(cls, values: t.Any) -> Backend:
        """A backend out of what a user wrote; raises :class:`OpenApiError` naming what is wrong with it."""
        if not isinstance(values, t.Mapping):
            raise OpenApiError(f"a backend must be a mapping, not {type(values).__name__}")
        known = [option.name for option in fields(cls)]
        for name, value in values.items():
            if name not in known:
                raise OpenApiError(f"a backend has no option '{name}', only {', '.join(known)}")
            if name != "port" and not isinstance(value, str):
                raise OpenApiError(f"the {name} of a backend must be a string")
        backend = cls(**{**values, "port": _port(values.get("port", cls.port))})
        backend._check()
        return backend

    def _check(self) -> None:
        for name, value in (("path_prefix", self.path_prefix), ("base_path", self.base_path or "/")):
            if not value.startswith("/"):
                raise OpenApiError(f"the {name} '{value}' of a backend must start with a slash")
        if self.scheme not in (None, "http", "https"):
            raise OpenApiError(f"the scheme '{self.scheme}' of a backend must be http or https")
        if not self.host or not self.connection_id or re.search(r"[/\s]", self.host):
            raise OpenApiError("a backend needs a connection_id, and a host without a scheme or path")

    def covers(self, path: str) -> bool:
        """Whether a path is below the prefix, by whole segments: ``/pet`` covers ``/pet/1`` but not ``/pets``."""
        prefix = self.path_prefix.rstrip("/")
        return path == prefix or path.startswith(f"{prefix}/")

    def uri(self, path: str) -> str:
        scheme = self.scheme or ("https" if self.port == 443 else "http")
        return f"{scheme}://{self.host}:{self.port}{path}"


def _port(value: t.Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,5}", str(value)) or not 1 <= int(value) <= 65535:
        raise OpenApiError(f"the port '{value}' of a backend must be a number from 1 to 65535")
    return int(value)


@dataclass(frozen=True)
class V2:
    """What AWS's documents leave open of integrations with links V2."""

    #: How an OpenAPI document spells the integration's target.
    target_key: str = TARGET_KEYS[0]
    #: Whether the backend gets the stage in the path, unless a mapping template says which path it gets.
    stage_in_path: bool = True

    def __post_init__(self) -> None:
        if self.target_key not in TARGET_KEYS:
            raise OpenApiError(f"integration_target_key must be {' or '.join(TARGET_KEYS)}, not '{self.target_key}'")


def integrate(
    document: t.Any,
    backends: t.Any,
    backend_paths: t.Any,
    v2: V2 | None = None,
    open_operations: t.Any = (),
) -> Node:
    """The document with VPC link integrations, cleaned of what ImportRestApi refuses.

    ``backends`` is a list of mappings (see :class:`Backend`), of which the longest prefix wins. ``backend_paths``
    gives single paths of the API another path at the backend than base path plus path. ``open_operations`` lists
    the operations, as ``GET /pets``, that may get more open than the document says.
    Raises :class:`OpenApiError`.
    """
    check_document(document)
    result = t.cast(Node, _plain(document))
    candidates = _backends(backends)
    overrides = _overrides(backend_paths)
    findings = Findings()
    keep_security(result, _open_operations(open_operations), findings)
    if findings.faults:
        raise OpenApiError(*findings.faults)
    _clean(result)
    for path, key, operation in operations(result):
        integration = operation.get(INTEGRATION)
        if integration is None:
            operation[INTEGRATION] = integration = _new_integration(key)
            _declare_path_parameters(result, path, operation)
        if str(integration.get("type", "")).lower() in ("http", "http_proxy"):
            backend = _backend_of(candidates, path)
            backend_path = overrides.get(path) or backend.base_path.rstrip("/") + path
            _connect(integration, backend, path, backend_path)
            _target(result, operation, backend, backend_path, v2 or V2())
    return result


def _backends(backends: t.Any) -> list[Backend]:
    if not isinstance(backends, list) or not backends:
        raise OpenApiError("backends must be a list of at least one backend")
    result = [Backend.of(values) for values in backends]
    prefixes = [backend.path_prefix.rstrip("/") for backend in result]
    for prefix in prefixes:
        if prefixes.count(prefix) > 1:
            raise OpenApiError(f"two backends have the path_prefix '{prefix or '/'}'")
    return sorted(result, key=lambda backend: len(backend.path_prefix.rstrip("/")), reverse=True)


def _overrides(backend_paths: t.Any) -> dict[str, str]:
    if backend_paths is not None and not isinstance(backend_paths, t.Mapping):
        raise OpenApiError("paths must be a mapping of paths of the API to paths at the backend")
    for path, backend_path in (backend_paths or {}).items():
        if not isinstance(backend_path, str) or not backend_path.startswith("/"):
            raise OpenApiError(f"paths gives '{path}' a path at the backend that doesn't start with a slash")
    return dict(backend_paths or {})


def _open_operations(listed: t.Any) -> set[str]:
    if not isinstance(listed, list | tuple) or not all(isinstance(name, str) for name in listed):
        raise OpenApiError("open_operations must be a list of operations, such as GET /pets")
    return set(listed)


def _backend_of(backends: list[Backend], path: str) -> Backend:
    for backend in backends:
        if backend.covers(path):
            return backend
    raise OpenApiError(f"no backend covers the path '{path}': give one with the path_prefix '/'")


def _new_integration(key: str) -> Node:
    return {
        "type": "http_proxy",
        "httpMethod": method_name(key),
        "passthroughBehavior": "when_no_match",
        "responses": {"default": {"statusCode": "200"}},
    }


def _connect(integration: Node, backend: Backend, path: str, backend_path: str) -> None:
    integration["connectionType"] = "VPC_LINK"
    integration["connectionId"] = backend.connection_id
    integration["uri"] = backend.uri(backend_path.replace("+}", "}"))
    # A {parameter} in the uri stays empty unless it is mapped.
    for name in path_parameters(path):
        mapping = integration.setdefault("requestParameters", {})
        mapping.setdefault(f"integration.request.path.{name}", f"method.request.path.{name}")


def _target(document: Node, operation: Node, backend: Backend, backend_path: str, v2: V2) -> None:
    """Say where a link V2 sends requests. A document that was exported may hold another target."""
    integration = operation[INTEGRATION]
    for key in TARGET_KEYS:
        integration.pop(key, None)
    if backend.integration_target is None:
        return
    integration[v2.target_key] = backend.integration_target
    if v2.stage_in_path:
        override = _path_override(backend_path)
        templates = integration.setdefault("requestTemplates", {})
        for media_type in _media_types(document, operation):
            templates[media_type] = f"{override}\n{templates.get(media_type, '$input.body')}"


def _path_override(backend_path: str) -> str:
    """A mapping template that sets the whole path, without the stage.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
    Parameters come decoded, and stay within their segment of the path.
    """
    lines = []
    for number, (name, greedy) in enumerate(re.findall(r"\{([^}+]+)(\+?)\}", backend_path)):
        value = f"""$util.urlEncode($input.params('{name}')).replaceAll("[+]", "%20")"""
        slashes = """.replaceAll("%2F", "/")""" if greedy else ""
        lines.append(f"#set($p{number} = {value}{slashes})")
        backend_path = backend_path.replace(f"{{{name}{greedy}}}", f"${{p{number}}}")
    lines.append(f'#set($context.requestOverride.path = "{backend_path}")')
    return "\n".join(lines)


def _media_types(document: Node, operation: Node) -> list[str]:
    """What an operation's bodies are. API Gateway takes a request without a type for JSON."""
    declared = operation.get("consumes") or document.get("consumes") or []
    content = resolve(document, operation.get("requestBody") or {}).get("content", {})
    return sorted({"application/json", *declared, *content})


def _declare_path_parameters(document: Node, path: str, operation: Node) -> None:
    """A mapping may only name a parameter that the method declares."""
    listed = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
    declared = {parameter.get("name") for parameter in (resolve(document, node) for node in listed)}
    for name in path_parameters(path):
        if name not in declared:
            kind = {"type": "string"} if "swagger" in document else {"schema": {"type": "string"}}
            operation.setdefault("parameters", []).append({"name": name, "in": "path", "required": True, **kind})


def _clean(document: Node) -> None:
    """Take out what would be refused, or would tell of another place than where the API will be."""
    for key in ("host", "basePath", "schemes", "servers"):
        document.pop(key, None)
    if "openapi" in document:
        document["openapi"] = "3.0.1"  # the only 3.0 release that AWS documents
    for item in document["paths"].values():
        item.pop("servers", None)
    for _path, _key, operation in operations(document):
        operation.pop("servers", None)
        operation["responses"] = _importable_responses(document, operation.get("responses") or {})


def _importable_responses(document: Node, responses: Node) -> Node:
    """Responses by status code only, and with models only where they are objects (or named models)."""
    result = {}
    for status, node in responses.items():
        if not re.fullmatch(r"\d{3}", status):
            continue
        response = dict(resolve(document, node))
        if not _importable_schema(response.get("schema")):
            del response["schema"]
        if "content" in response:
            content = {
                kind: media for kind, media in response["content"].items() if _importable_schema(media.get("schema"))
            }
            response["content"] = content
        result[status] = response
    return result or {"200": {"description": "200 response"}}


def _importable_schema(schema: Node | None) -> bool:
    return schema is None or "$ref" in schema or schema.get("type") == "object"


def _plain(node: t.Any) -> t.Any:
    """A deep copy of nothing but dicts and lists, with text as keys (YAML reads ``200:`` as a number)."""
    if isinstance(node, t.Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    return node
