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

from .importable import make_importable
from .openapi import (
    INTEGRATION,
    RESOURCES,
    TARGET_KEYS,
    Findings,
    Node,
    OpenApiError,
    check_head,
    method_name,
    operation_name,
    operations,
    path_faults,
    path_parameters,
    schema_faults,
    shape_faults,
)
from .reading import plain
from .references import follow
from .security import keep_security
from .version_3_1 import to_3_0

#: A parameter in a path at the backend. A stage variable stands in braces after a dollar.
_BACKEND_PARAMETER = re.compile(r"(?<!\$)\{([^}+]+)\+?\}")
#: In a URI, a mapping expression, or a template: https://docs.aws.amazon.com/apigateway/latest/developerguide/stage-variables.html
_VARIABLE = re.compile(r"""stageVariables(?:\.get\(['"]|\[['"]|\.)(\w+)""")


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
        """A backend out of a user's mapping; raises :class:`OpenApiError` with the mistake."""
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

    def path_of(self, uri: t.Any, path: str) -> str:
        """Where a path of the API is at the backend: base path and path, or what the integration's own URI says.

        The base path comes before the URI's path too, unless that begins so already.
        """
        base = self.base_path.rstrip("/")
        own = re.fullmatch(r"https?://[^/]+(/.*)?", str(uri))
        if own is None:
            return base + path
        path = own[1] or "/"
        return path if path == base or path.startswith(f"{base}/") else base + path

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


@dataclass(frozen=True)
class Wishes:
    """A user's options for the way from a document to its definition. ``of`` raises :class:`OpenApiError`."""

    #: Of which the longest prefix wins.
    backends: list[Backend]
    #: Paths of the API whose path at the backend is another than base path plus path.
    paths: dict[str, str]
    #: Operations, such as ``GET /pets``, that may get more open than the document says.
    open_operations: frozenset[str] = frozenset()
    resource_quota: int = RESOURCES
    v2: V2 = V2()

    @classmethod
    def of(
        cls,
        backends: t.Any,
        paths: t.Any = None,
        open_operations: t.Any = (),
        resource_quota: t.Any = RESOURCES,
        v2: V2 = V2(),
    ) -> Wishes:
        if not isinstance(open_operations, list | tuple) or not all(isinstance(name, str) for name in open_operations):
            raise OpenApiError("open_operations must be a list of operations, such as GET /pets")
        if isinstance(resource_quota, bool) or not re.fullmatch(r"[1-9]\d*", str(resource_quota)):
            raise OpenApiError(f"resource_quota must be a number above 0, not '{resource_quota}'")
        return cls(_backends(backends), _overrides(paths), frozenset(open_operations), int(resource_quota), v2)


def integrate(document: t.Any, wishes: Wishes) -> tuple[Node, Findings]:
    """The document with VPC link integrations, as ImportRestApi takes it, and what was changed on the way.

    Raises :class:`OpenApiError` with all that is wrong. The document isn't changed.
    """
    result = plain(document)
    check_head(result, ("3.0", "3.1"))
    findings = Findings()
    result = follow(result, findings)
    if misshapen := shape_faults(result):
        raise OpenApiError(*findings.faults, *misshapen)
    to_3_0(result, findings)
    findings.faults += path_faults(result, wishes.resource_quota) + schema_faults(result)
    keep_security(result, wishes.open_operations, findings)
    findings.check()
    make_importable(result, findings)
    own_paths = _serve_without_slash(result, findings)
    for path, key, operation in operations(result):
        _integrate(result, own_paths[path], path, key, operation, wishes, findings)
    findings.check()
    findings.faults += _unused(result, wishes)
    findings.check()
    of_backends = _VARIABLE.findall(" ".join(f"{each.host} {each.connection_id}" for each in wishes.backends))
    findings.stage_variables = sorted({*_variables_in(result, False)} - {*of_backends})
    return result, findings


def _unused(document: Node, wishes: Wishes) -> list[str]:
    """One sentence for each given path or backend that no path of the document takes."""
    paths = [path for path in document["paths"] if not path.startswith("x-")]
    # The root is there in every API.
    known = {"", *(path.rstrip("/") for path in paths)}
    return [
        *(
            f"paths names '{path}', which is no path of the document"
            for path in wishes.paths
            if path.rstrip("/") not in known
        ),
        *(
            f"a backend has the path_prefix '{backend.path_prefix}', and no path of the document is below it"
            for backend in wishes.backends
            if not any(backend.covers(path) for path in paths)
        ),
    ]


def _serve_without_slash(document: Node, findings: Findings) -> dict[str, str]:
    """API Gateway's paths don't end in a slash. Returns the document's own path for each."""
    own = {path.rstrip("/") or "/": path for path in document["paths"] if not path.startswith("x-")}
    for path, before in own.items():
        if path != before:
            findings.lose("paths are served without the slash at their end", before)
    document["paths"] = {path: document["paths"][before] for path, before in own.items()}
    return own


def _integrate(
    document: Node, own_path: str, path: str, key: str, operation: Node, wishes: Wishes, findings: Findings
) -> None:
    """Give an operation its integration, or connect its own. One that isn't HTTP is left alone."""
    new = INTEGRATION not in operation
    integration = operation.setdefault(INTEGRATION, _new_integration(key))
    if str(integration.get("type", "")).lower() not in ("http", "http_proxy"):
        return
    name = operation_name(path, key)
    integration.setdefault("httpMethod", method_name(key))
    backend = _backend_of(wishes.backends, path, findings)
    uri = integration.get("uri")
    backend_path = wishes.paths.get(own_path) or wishes.paths.get(path) or backend.path_of(uri, own_path)
    _connect(integration, backend, backend_path)
    if not new:
        _note_replaced(findings, name, uri, integration)
        if integration.pop("payloadFormatVersion", None):
            findings.lose("payloadFormatVersion is left out, as it is of HTTP APIs", name)
    _map_path_parameters(document, path, operation, name, findings)
    _target(document, path, operation, backend, backend_path, wishes.v2)


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


def _backend_of(backends: list[Backend], path: str, findings: Findings) -> Backend:
    for backend in backends:
        if backend.covers(path):
            return backend
    fault = f"no backend covers the path '{path}': give one with the path_prefix '/'"
    if fault not in findings.faults:
        findings.faults.append(fault)
    return backends[0]


def _new_integration(key: str) -> Node:
    return {
        "type": "http_proxy",
        "httpMethod": method_name(key),
        "passthroughBehavior": "when_no_match",
        "responses": {"default": {"statusCode": "200"}},
    }


def _connect(integration: Node, backend: Backend, backend_path: str) -> None:
    integration["connectionType"] = "VPC_LINK"
    integration["connectionId"] = backend.connection_id
    integration["uri"] = backend.uri(backend_path.replace("+}", "}"))


def _note_replaced(findings: Findings, name: str, uri: t.Any, integration: Node) -> None:
    if uri != integration["uri"]:
        findings.replaced.append(f"{name}: {uri} is now {integration['uri']}, through {integration['connectionId']}")


def _map_path_parameters(document: Node, path: str, operation: Node, name: str, findings: Findings) -> None:
    """A {parameter} in the uri stays empty unless it is mapped, and a mapping may only name a declared parameter."""
    integration = operation[INTEGRATION]
    of_path = path_parameters(path)
    _declare_path_parameters(document, path, operation, of_path)
    mapping = integration.get("requestParameters", {})
    for parameter in _BACKEND_PARAMETER.findall(integration["uri"]):
        place = f"integration.request.path.{parameter}"
        if parameter in of_path:
            mapping.setdefault(place, f"method.request.path.{parameter}")
        elif place not in mapping:
            findings.faults.append(f"the path at the backend of {name} has {{{parameter}}}, to which nothing is mapped")
    if mapping:
        integration["requestParameters"] = mapping


def _target(document: Node, path: str, operation: Node, backend: Backend, backend_path: str, v2: V2) -> None:
    """Say where a link V2 sends requests. A document that was exported may hold another target."""
    integration = operation[INTEGRATION]
    for key in TARGET_KEYS:
        integration.pop(key, None)
    if backend.integration_target is None:
        return
    integration[v2.target_key] = backend.integration_target
    if v2.stage_in_path:
        override = _path_override(path, backend_path, integration.get("requestParameters", {}))
        templates = integration.setdefault("requestTemplates", {})
        for media_type in _media_types(document, operation):
            templates[media_type] = f"{override}\n{templates.get(media_type, '$input.body')}"


def _path_override(path: str, backend_path: str, mappings: dict[str, str]) -> str:
    """A mapping template that sets the whole path, without the stage.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
    Parameters come decoded, and stay within their segment of the path, unless they are greedy.
    """
    lines: list[str] = []

    def value(match: re.Match[str]) -> str:
        # A path parameter without a mapping is a fault of its own.
        source = mappings.get(f"integration.request.path.{match[1]}", "''")
        if source.startswith("'"):
            return source.strip("'")
        if not source.startswith("method.request."):
            return f"${{{source}}}"
        _method, _request, place, name = source.split(".", 3)
        slashes = """.replaceAll("%2F", "/")""" if place == "path" and f"{{{name}+}}" in path else ""
        parameter = f"$p{len(lines)}"
        lines.append(
            f"""#set({parameter} = $util.urlEncode($input.params('{name}')).replaceAll("[+]", "%20"){slashes})"""
        )
        return f"${{{parameter[1:]}}}"

    overridden = _BACKEND_PARAMETER.sub(value, backend_path.partition("?")[0])
    return "\n".join([*lines, f'#set($context.requestOverride.path = "{overridden}")'])


def _media_types(document: Node, operation: Node) -> list[str]:
    """The media types of an operation's bodies. API Gateway takes a request without a type for JSON."""
    declared = operation.get("consumes") or document.get("consumes") or []
    content = operation.get("requestBody", {}).get("content", {})
    return sorted({"application/json", *declared, *content})


def _declare_path_parameters(document: Node, path: str, operation: Node, names: list[str]) -> None:
    listed = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
    declared = {parameter.get("name") for parameter in listed if parameter.get("in") == "path"}
    for name in names:
        if name not in declared:
            kind = {"type": "string"} if "swagger" in document else {"schema": {"type": "string"}}
            operation.setdefault("parameters", []).append({"name": name, "in": "path", "required": True, **kind})


def _variables_in(node: t.Any, within: bool) -> t.Iterator[str]:
    """Names of stage variables, which only AWS's extensions use."""
    if isinstance(node, t.Mapping):
        for key, value in node.items():
            yield from _variables_in(value, within or str(key).startswith("x-amazon-apigateway-"))
    elif isinstance(node, list | tuple):
        for each in node:
            yield from _variables_in(each, within)
    elif within and isinstance(node, str):
        yield from _VARIABLE.findall(node)
