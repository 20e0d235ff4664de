# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What API Gateway makes of a request before it passes it on: route, parameters, the backend's URL and headers.

Pure functions over a deployed snapshot; `lab/dataplane/gateway.py` does the network's part.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from multidict import CIMultiDict, MultiMapping

from lab.aws.apigateway.common import Deployment, Item
from lab.aws.apigateway.vpc_links import resolve_variables

#: The developer guide's table of headers ("Important notes for REST APIs"), columns http and http_proxy.
#: Hop-by-hop headers are dropped as well: each side has a connection of its own.
_DROPPED_OF_REQUEST = {
    "content-length", "content-md5", "expect", "host", "max-forwards", "proxy-authenticate", "server", "te",
    "trailer", "transfer-encoding", "upgrade", "via", "www-authenticate", "connection", "keep-alive",
}  # fmt: skip
_DROPPED_OF_RESPONSE = {
    "content-length", "expect", "host", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding",
    "upgrade", "via",
}  # fmt: skip
_REMAPPED_OF_RESPONSE = {
    "authorization", "connection", "content-md5", "date", "max-forwards", "server", "user-agent", "www-authenticate",
}  # fmt: skip

_SIGNATURE = "AWS4-HMAC-SHA256"
#: What may stand as it is in a path: RFC 3986's pchar, and the slashes of a greedy parameter.
_SAFE = "/:@!$&'()*+,;=~-._"


@dataclasses.dataclass
class Incoming:
    """One request, as it arrived at a stage. ``path`` is within the stage, still percent-encoded."""

    api_id: str
    stage: Item
    method: str
    path: str
    query: MultiMapping[str]
    raw_query: str
    headers: CIMultiDict[str]
    body: bytes
    source_ip: str
    request_id: str
    #: Those of the resource, decoded.
    path_parameters: dict[str, str]


@dataclasses.dataclass
class Route:
    """The resource and method that a request meets, and its path parameters (decoded)."""

    resource: Item
    method: Item
    path_parameters: dict[str, str]


@dataclasses.dataclass
class Outgoing:
    """The request to the backend."""

    method: str
    url: str
    headers: CIMultiDict[str]
    body: bytes


def find_route(deployment: Deployment, http_method: str, path: str) -> Route | None:
    """The route of a request; None when nothing is deployed there.

    A path part matches its literal first, then ``{parameter}``, then ``{greedy+}``.
    """
    children: dict[str, list[Item]] = {}
    root: Item = {}
    for resource in deployment.resources.values():
        if "parentId" in resource:
            children.setdefault(resource["parentId"], []).append(resource)
        else:
            root = resource
    parts = [unquote(part) for part in path.strip("/").split("/")] if path.strip("/") else []
    found = _descend(children, root, parts, {})
    if found is None:
        return None
    resource, path_parameters = found
    methods = resource.get("resourceMethods", {})
    method = methods.get(http_method) or methods.get("ANY")
    return Route(resource, method, path_parameters) if method else None


def _descend(
    children: Mapping[str, list[Item]], resource: Item, parts: list[str], parameters: dict[str, str]
) -> tuple[Item, dict[str, str]] | None:
    if not parts:
        return (resource, parameters) if resource.get("resourceMethods") else None
    for child in sorted(children.get(resource["id"], []), key=_generality):
        name = child["pathPart"]
        if _generality(child) == 2:
            return child, {**parameters, name[1:-2]: "/".join(parts)}
        if name == parts[0] or _generality(child) == 1:
            more = {name[1:-1]: parts[0]} if name != parts[0] else {}
            found = _descend(children, child, parts[1:], parameters | more)
            if found is not None:
                return found
    return None


def _generality(resource: Item) -> int:
    part = resource["pathPart"]
    return 2 if part.endswith("+}") else int(part.startswith("{"))


def missing_parameters(deployment: Deployment, route: Route, incoming: Incoming) -> list[str]:
    """Required parameters that the request lacks, if the method has a validator that looks at parameters."""
    validator = deployment.validators.get(route.method.get("requestValidatorId", ""), {})
    if not validator.get("validateRequestParameters"):
        return []
    declared = route.method.get("requestParameters", {})
    required = [name for name, needed in declared.items() if needed]
    return [name.split(".", 3)[3] for name in required if not _value(name, route, incoming)]


def outgoing(route: Route, incoming: Incoming, binary_media_types: Iterable[str]) -> Outgoing | None:
    """The request to the backend; None when a stage variable or a path parameter of its URL is missing."""
    integration = route.method["methodIntegration"]
    url = resolve_variables(integration["uri"], incoming.stage.get("variables", {}))
    mapped = _mapped(route, incoming)
    if url is None:
        return None
    for name, value in mapped["path"].items():
        url = url.replace("{" + name + "}", quote(value, safe=_SAFE))
    if "{" in url:
        return None
    proxy = integration["type"] == "HTTP_PROXY"
    query = [incoming.raw_query] if proxy and incoming.raw_query else []
    query += [f"{quote(name)}={quote(value)}" for name, value in mapped["querystring"].items()]
    if query:
        url += ("&" if "?" in url else "?") + "&".join(query)
    method = integration["httpMethod"]
    return Outgoing(
        incoming.method if method == "ANY" else method,
        url,
        _request_headers(incoming, mapped["header"], url, proxy),
        _text_or_binary(incoming, binary_media_types),
    )


def response_headers(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """The backend's headers as the caller gets them from a proxy integration."""
    answer: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if name.lower() in _REMAPPED_OF_RESPONSE:
            answer.add(f"x-amzn-Remapped-{name}", value)
        elif name.lower() not in _DROPPED_OF_RESPONSE:
            answer.add(name, value)
    return answer


def mapped_response(integration: Item, status: int, headers: CIMultiDict[str]) -> tuple[int, CIMultiDict[str]] | None:
    """Status and headers by a non-proxy integration's responses; None when none of them is for this status."""
    responses = list(integration.get("integrationResponses", {}).values())
    chosen = [r for r in responses if "selectionPattern" in r and re.fullmatch(r["selectionPattern"], str(status))]
    default = [r for r in responses if "selectionPattern" not in r]
    if not chosen and not default:
        return None
    response = (chosen or default)[0]
    answer: CIMultiDict[str] = CIMultiDict()
    if "Content-Type" in headers:
        answer["Content-Type"] = headers["Content-Type"]
    for target, expression in response.get("responseParameters", {}).items():
        source = expression.removeprefix("integration.response.header.")
        value = expression[1:-1] if expression.startswith("'") else headers.get(source)
        if value is not None:
            answer[target.removeprefix("method.response.header.")] = value
    return int(response["statusCode"]), answer


def _mapped(route: Route, incoming: Incoming) -> dict[str, dict[str, str]]:
    """Values of ``integration.request.<location>.<name>``, by location and name."""
    mapped: dict[str, dict[str, str]] = {"header": {}, "querystring": {}, "path": {}}
    for target, expression in route.method["methodIntegration"].get("requestParameters", {}).items():
        _, _, location, name = target.split(".", 3)
        value = _value(expression, route, incoming)
        if value is not None:
            mapped[location][name] = value
    return mapped


#: What is evaluated of the Velocity Template Language: a path parameter, encoded, set as a variable; and the path.
_SET_PARAMETER = re.compile(
    r"""#set\(\$(\w+) = \$util\.urlEncode\(\$input\.params\('([^']+)'\)\)"""
    r"""\.replaceAll\("\[\+\]", "%20"\)(\.replaceAll\("%2F", "/"\))?\)"""
)
_SET_PATH = re.compile(r"""#set\(\$context\.requestOverride\.path = "([^"#]*)"\)""")


def overrides_path_only(template: str) -> bool:
    """Whether a mapping template passes the body on as it is, and :func:`path_through_v2` knows all the rest of it."""
    *sets, body = template.splitlines() or [""]
    return body == "$input.body" and all(_SET_PARAMETER.fullmatch(line) or _SET_PATH.fullmatch(line) for line in sets)


def path_through_v2(integration: Item, incoming: Incoming, path: str) -> str | None:
    """The path that a backend gets through a link V2: with the stage, unless a mapping template overrides it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
    None when the template holds anything that isn't evaluated here.
    """
    media_type = incoming.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    template = integration.get("requestTemplates", {}).get(media_type)
    if template is not None and not overrides_path_only(template):
        return None
    variables: dict[str, str] = {}
    sent = f"/{incoming.stage['stageName']}{path}"
    for line in (template or "").splitlines():
        if found := _SET_PARAMETER.fullmatch(line):
            safe = "/" if found[3] else ""
            variables[found[1]] = quote(incoming.path_parameters.get(found[2], ""), safe=safe)
        elif found := _SET_PATH.fullmatch(line):
            sent = re.sub(r"\$\{(\w+)\}", lambda match: variables.get(match[1], match[0]), found[1])
    return sent


def _value(expression: str, route: Route, incoming: Incoming) -> str | None:
    """What a mapping expression stands for in this request."""
    if expression.startswith("'"):
        return expression[1:-1]
    kind, _, rest = expression.partition(".")
    if kind == "stageVariables":
        return _text(incoming.stage.get("variables", {}).get(rest))
    if kind == "context":
        return _text(_context(route, incoming).get(rest))
    location, _, name = rest.removeprefix("request.").partition(".")
    sources: dict[str, Mapping[str, Any]] = {
        "path": route.path_parameters,
        "querystring": incoming.query,
        "header": incoming.headers,
    }
    return _text(sources.get(location.removeprefix("multivalue"), {}).get(name))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _context(route: Route, incoming: Incoming) -> dict[str, str]:
    return {
        "apiId": incoming.api_id,
        "httpMethod": incoming.method,
        "identity.sourceIp": incoming.source_ip,
        "path": f"/{incoming.stage['stageName']}{incoming.path}",
        "requestId": incoming.request_id,
        "resourceId": route.resource["id"],
        "resourcePath": route.resource["path"],
        "stage": incoming.stage["stageName"],
    }


def _request_headers(incoming: Incoming, mapped: dict[str, str], url: str, proxy: bool) -> CIMultiDict[str]:
    headers: CIMultiDict[str] = CIMultiDict()
    if proxy:
        for name, value in incoming.headers.items():
            signed = name.lower() == "authorization" and value.startswith(_SIGNATURE)
            if name.lower() not in _DROPPED_OF_REQUEST | {"content-encoding"} and not signed:
                headers.add(name, value)
        came_from = ", ".join(filter(None, [incoming.headers.get("X-Forwarded-For"), incoming.source_ip]))
        headers["X-Forwarded-For"] = came_from
        headers["X-Forwarded-Proto"] = "https"
        headers["X-Forwarded-Port"] = "443"
    else:
        headers["Accept"] = "application/json"
        if "Content-Type" in incoming.headers:
            headers["Content-Type"] = incoming.headers["Content-Type"]
    headers.setdefault("User-Agent", f"AmazonAPIGateway_{incoming.api_id}")
    headers["X-Amzn-Apigateway-Api-Id"] = incoming.api_id
    headers.update({name: value for name, value in mapped.items() if name.lower() not in _DROPPED_OF_REQUEST})
    headers["Host"] = urlsplit(url).netloc
    return headers


def _text_or_binary(incoming: Incoming, binary_media_types: Iterable[str]) -> bytes:
    """The body: text in UTF-8, unless its media type is one of the API's binary ones."""
    media_type = incoming.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    for binary in binary_media_types:
        kind, _, subtype = binary.lower().partition("/")
        if kind in ("*", media_type.partition("/")[0]) and subtype in ("*", media_type.partition("/")[2]):
            return incoming.body
    return incoming.body.decode(errors="replace").encode()
