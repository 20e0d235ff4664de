# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integrations: AWS's defaults and refusals, the same for import, console and patch."""

from __future__ import annotations

import re
from typing import Protocol
from urllib.parse import urlsplit

from lab.aws.apigateway.common import Item, bad_request, not_found, segments
from lab.aws.apigateway.links import VpcLink, VpcLinkV2
from lab.aws.apigateway.stage_variables import REFERENCE


class Account(Protocol):
    """The things outside an integration that its rules depend on."""

    def find_link(self, identifier: str) -> VpcLink | VpcLinkV2 | None:
        """The link of an ID, if there is one."""

    def longest_timeout(self) -> int:
        """The quota for timeouts, in milliseconds."""


#: Fields of an integration, as PutIntegration and x-amazon-apigateway-integration both name them.
FIELDS = [
    "type", "httpMethod", "uri", "connectionType", "connectionId", "credentials", "requestParameters",
    "requestTemplates", "passthroughBehavior", "contentHandling", "timeoutInMillis", "cacheNamespace",
    "cacheKeyParameters", "tlsConfig", "responseTransferMode", "integrationTarget",
]  # fmt: skip

_HTTP_TYPES = {"HTTP", "HTTP_PROXY"}
_TYPES = ["HTTP", "AWS_PROXY", "HTTP_PROXY", "MOCK", "AWS"]
#: The longest timeout of a streamed response, in milliseconds.
_STREAMED = 15 * 60 * 1000
_LOCATIONS = ["querystring", "path", "header"]
_METHOD_PARAMETER = re.compile(
    r"method\.request\.(querystring|path|header|multivaluequerystring|multivalueheader)\.(.+)"
)
_OTHER_EXPRESSIONS = re.compile(r"'.*'|stageVariables\.\w+|context\.[\w.]+|method\.request\.body(\..+)?")


def complete(fields: Item, resource: Item, method: Item, account: Account) -> Item:
    """The integration with AWS's defaults, in AWS's spelling of enumerated values.

    Raises AWS's refusals as AwsError (BadRequestException, NotFoundException for an unknown link).
    """
    integration = {name: fields[name] for name in FIELDS if fields.get(name) not in (None, {}, "")}
    for name in ("type", "passthroughBehavior", "connectionType"):
        if name in integration:
            integration[name] = str(integration[name]).upper()
    integration.setdefault("passthroughBehavior", "WHEN_NO_MATCH")
    integration.setdefault("timeoutInMillis", 29000)
    integration.setdefault("cacheNamespace", resource["id"])
    integration.setdefault("cacheKeyParameters", [])
    check(integration, method, account)
    return integration


def check(integration: Item, method: Item, account: Account) -> None:
    """Raise AWS's refusal of an invalid integration."""
    kind = integration.get("type")
    if kind not in _TYPES:
        raise bad_request(f"Invalid integration type specified. Valid options are {','.join(_TYPES)}")
    if kind != "MOCK" and not integration.get("httpMethod"):
        raise bad_request("Enumeration value for HttpMethod must be non-empty")
    if kind in _HTTP_TYPES and not _is_http_endpoint(str(integration.get("uri", ""))):
        raise bad_request("Invalid HTTP endpoint specified for URI")
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
    longest = _STREAMED if integration.get("responseTransferMode") == "STREAM" else account.longest_timeout()
    timeout = integration["timeoutInMillis"]
    if not isinstance(timeout, int) or not 50 <= timeout <= longest:
        raise bad_request(f"Timeout should be between 50 ms and {longest} ms")
    if integration.get("connectionType") == "VPC_LINK":
        _check_connection(integration, account)
    for name, expression in integration.get("requestParameters", {}).items():
        _check_mapping(name, expression, method)


def _is_http_endpoint(uri: str) -> bool:
    plain = re.sub(r"\{[\w+]+\}", "x", REFERENCE.sub("x", uri))
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    # A variable may stand for a port too, which then isn't a number yet.
    return parts.scheme in ("http", "https") and bool(re.fullmatch(r"[\w.-]+", host, re.ASCII)) and port != 0


def _check_connection(integration: Item, account: Account) -> None:
    """A stage variable may come to name a link of either version."""
    connection = integration.get("connectionId", "")
    if not connection:
        raise bad_request("ConnectionId should be set to the vpcLinkId or stage variable on connection type VPC_LINK")
    if REFERENCE.search(connection):
        return
    link = account.find_link(connection)
    if link is None:
        raise not_found("Invalid Vpc Link identifier specified")
    if isinstance(link, VpcLinkV2) and "integrationTarget" not in integration:
        # The text is public: https://github.com/hashicorp/terraform-provider-aws/issues/45230
        raise bad_request(f"IntegrationTarget is required for VpcLinkV2 {connection}")


def _check_mapping(name: str, text: str, method: Item) -> None:
    """A request parameter maps onto the backend's request from a literal or a declared parameter of the method."""
    parts = name.split(".", 3)
    if len(parts) != 4 or parts[:2] != ["integration", "request"] or parts[2] not in _LOCATIONS:
        raise _mapping_error(f"Invalid mapping expression specified: {name}")
    if not (_OTHER_EXPRESSIONS.fullmatch(text) or _METHOD_PARAMETER.fullmatch(text)):
        raise _mapping_error(f"Invalid mapping expression specified: {text}")
    if _METHOD_PARAMETER.fullmatch(text):
        declared = text.replace(".multivalue", ".")
        if declared not in method.get("requestParameters", {}):
            raise _mapping_error(f"Invalid mapping expression parameter specified: {text}")


def _mapping_error(problem: str) -> Exception:
    return bad_request(f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [{problem}]")


def patched(integration: Item, operations: list[tuple[str, str, str]]) -> Item:
    """The integration after UpdateIntegration's patch operations."""
    changed = {name: dict(value) if isinstance(value, dict) else value for name, value in integration.items()}
    for operation, path, value in operations:
        name, *rest = segments(path)
        if (name not in FIELDS and name != "httpMethod") or name == "type":
            raise bad_request(f"Invalid patch path {path}")
        if rest:
            _patch_member(changed.setdefault(name, {}), operation, "/".join(rest), value)
        elif operation == "remove":
            changed.pop(name, None)
        else:
            changed[name] = int(value) if name == "timeoutInMillis" and value.isdigit() else value
    return changed


def _patch_member(members: Item, operation: str, key: str, value: str) -> None:
    if operation == "remove":
        members.pop(key, None)
    else:
        members[key] = value == "true" if key == "insecureSkipVerification" else value
