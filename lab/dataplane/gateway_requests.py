# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns a request to API Gateway into the one to the backend: parameters, URL and headers.

Pure functions over a deployed snapshot that raise the refusals; `lab/dataplane/gateway.py` does the network's part.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from multidict import CIMultiDict, MultiMapping

from lab.aws.apigateway import stage_variables
from lab.aws.apigateway.common import Deployment, Item
from lab.aws.apigateway.links import VpcLink, VpcLinkV2
from lab.dataplane.gateway_refusals import Refusal, internal
from lab.dataplane.gateway_routes import Route

#: The link of an ID, of either version, if there is one.
FindLink = Callable[[str], VpcLink | VpcLinkV2 | None]
#: (host, port) on this machine of a listener, by load balancer ARN and listener port; None if there is none.
Address = Callable[[str, int], tuple[str, int] | None]

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
#: Characters that need no encoding in a path: RFC 3986's pchar, and the slashes of a greedy parameter.
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
class Outgoing:
    """The request to the backend."""

    method: str
    url: str
    headers: CIMultiDict[str]
    body: bytes


def check_parameters(deployment: Deployment, route: Route, incoming: Incoming) -> None:
    """Refuse a request that lacks required parameters, if the method's validator checks parameters."""
    validator = deployment.validators.get(route.method.get("requestValidatorId", ""), {})
    if not validator.get("validateRequestParameters"):
        return
    declared = route.method.get("requestParameters", {})
    missing = [name for name, needed in declared.items() if needed and not _value(name, route, incoming)]
    if missing:
        names = ", ".join(name.split(".", 3)[3] for name in missing)
        raise Refusal(400, f"Missing required request parameters: [{names}]")


def check_body(integration: Item, incoming: Incoming) -> None:
    """Refuse a body that a non-proxy integration has no template for, if it says so.

    No template is evaluated, except one that only sets the path for a link V2.
    """
    if integration["type"] not in ("HTTP", "HTTP_PROXY"):
        raise internal()
    if integration["type"] == "HTTP_PROXY" or not incoming.body:
        return
    templates = integration.get("requestTemplates", {})
    media_type = incoming.headers.get("Content-Type", "application/json").partition(";")[0]
    if media_type in templates:
        _check_template(templates[media_type])
        return
    behaviour = integration["passthroughBehavior"]
    if behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and templates):
        raise Refusal(415, "Unsupported Media Type")


def outgoing(route: Route, incoming: Incoming, binary_media_types: Iterable[str]) -> Outgoing:
    """The request to the backend. Refused when a stage variable or a path parameter of its URL is missing."""
    integration = route.method["methodIntegration"]
    url = stage_variables.resolve(integration["uri"], incoming.stage.get("variables", {}))
    mapped = _mapped(route, incoming)
    if url is None:
        raise internal()
    for name, value in mapped["path"].items():
        url = url.replace("{" + name + "}", quote(value, safe=_SAFE))
    if "{" in url:
        raise internal()
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


def locate(integration: Item, url: str, incoming: Incoming, find_link: FindLink, address: Address) -> str:
    """Where the request goes on this machine. Through a VPC link, the URL's host has no effect, and its port chooses
    the listener.

    Refused when there is no such link, when it isn't ready, or when its load balancer has no such listener.
    """
    if integration.get("connectionType") != "VPC_LINK":
        return url
    variables = incoming.stage.get("variables", {})
    link = find_link(stage_variables.resolve(integration["connectionId"], variables) or "")
    target = link.target_of(integration) if link else None
    if target is None:
        raise internal()
    parts = urlsplit(url)
    if isinstance(link, VpcLinkV2):
        parts = parts._replace(path=_path_through_v2(integration, incoming, parts.path))
    listener = address(target, parts.port or {"http": 80, "https": 443}[parts.scheme])
    if listener is None:
        raise internal()
    return parts._replace(netloc=f"{listener[0]}:{listener[1]}").geturl()


def response_headers(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """The backend's headers as the caller gets them from a proxy integration."""
    answer: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if name.lower() in _REMAPPED_OF_RESPONSE:
            answer.add(f"x-amzn-Remapped-{name}", value)
        elif name.lower() not in _DROPPED_OF_RESPONSE:
            answer.add(name, value)
    return answer


def mapped_response(integration: Item, status: int, headers: CIMultiDict[str]) -> tuple[int, CIMultiDict[str]]:
    """Status and headers by a non-proxy integration's responses. Refused when none of them is for this status."""
    responses = list(integration.get("integrationResponses", {}).values())
    chosen = [r for r in responses if "selectionPattern" in r and re.fullmatch(r["selectionPattern"], str(status))]
    default = [r for r in responses if "selectionPattern" not in r]
    if not chosen and not default:
        raise internal()
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


#: The evaluated part of the Velocity Template Language: an encoded path parameter set as a variable, and the path.
_SET_PARAMETER = re.compile(
    r"""#set\(\$(\w+) = \$util\.urlEncode\(\$input\.params\('([^']+)'\)\)"""
    r"""\.replaceAll\("\[\+\]", "%20"\)(\.replaceAll\("%2F", "/"\))?\)"""
)
_SET_PATH = re.compile(r"""#set\(\$context\.requestOverride\.path = "([^"#]*)"\)""")


def _check_template(template: str) -> None:
    """Refuse a mapping template unless it only passes the body on unchanged and sets the path."""
    *sets, body = template.splitlines() or [""]
    known = all(_SET_PARAMETER.fullmatch(line) or _SET_PATH.fullmatch(line) for line in sets)
    if body != "$input.body" or not known:
        raise internal()


def _path_through_v2(integration: Item, incoming: Incoming, path: str) -> str:
    """The path that a backend gets through a link V2: with the stage, unless a mapping template overrides it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
    """
    media_type = incoming.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    template = integration.get("requestTemplates", {}).get(media_type)
    if template is not None:
        _check_template(template)
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
    """The value of a mapping expression in this request."""
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
