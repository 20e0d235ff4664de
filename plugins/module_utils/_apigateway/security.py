# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OpenAPI document's demands on callers, as far as API Gateway supports them.

No operation gets more open than it says.

API Gateway knows API keys in the header ``x-api-key``, authorizers of its own, and IAM; it ignores root-level ``security``:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

import typing as t

from .openapi import METHOD_AUTH, Findings, Node, operation_name, operations, security_schemes

#: What API Gateway can ask of a caller.
API_KEY, AUTHORIZER, IAM = "api_key", "authorizer", "iam"

_AUTHORIZER = "x-amazon-apigateway-authorizer"
_AUTH_TYPE = "x-amazon-apigateway-authtype"


def asked_by(scheme: t.Any) -> str | None:
    """What API Gateway asks for by a security scheme: API_KEY, AUTHORIZER, IAM, or None when it can't check it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-key-usage-plan-oas.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
    """
    if not isinstance(scheme, t.Mapping):
        return None
    if str(scheme.get(_AUTH_TYPE)).lower() == "awssigv4":
        return IAM
    if isinstance(scheme.get(_AUTHORIZER), t.Mapping):
        return AUTHORIZER
    # A type without an authorizer names one that isn't there.
    return API_KEY if _AUTH_TYPE not in scheme and _is_api_key(scheme) else None


def _is_api_key(scheme: t.Mapping[str, t.Any]) -> bool:
    place = (scheme.get("type"), scheme.get("in"), str(scheme.get("name")).lower())
    return place == ("apiKey", "header", "x-api-key")


def asked_of(definition: t.Mapping[str, t.Any], operation: Node) -> set[str]:
    """API Gateway's demands on the callers of one operation: all of its own ``security``."""
    schemes = security_schemes(definition)
    named = {name for requirement in operation.get("security") or [] for name in requirement}
    asked = {asked_by(schemes.get(name)) for name in named}
    if _asks_for_iam(operation):
        asked.add(IAM)
    return {what for what in asked if what}


def _asks_for_iam(operation: Node) -> bool:
    return str(operation.get(METHOD_AUTH, {}).get("type")).upper() == "AWS_IAM"


def security_summary(definition: t.Mapping[str, t.Any]) -> dict[str, int]:
    """How many operations ask for an API key, an authorizer, IAM, or nothing. Some ask for two of them."""
    return counted(asked_of(definition, operation) for _path, _key, operation in operations(definition))


def counted(asked: t.Iterable[set[str]]) -> dict[str, int]:
    """How often each is asked for, by what each operation asks for."""
    counts = {API_KEY: 0, AUTHORIZER: 0, IAM: 0, "open": 0}
    for each in asked:
        for what in each or {"open"}:
            counts[what] += 1
    return counts


def keep_security(document: Node, open_operations: t.Collection[str], findings: Findings) -> None:
    """Write each operation's ``security`` as API Gateway can ask it, and take out the rest, the document's own with it.

    An operation that would get more open is a fault, unless ``open_operations`` lists it (``GET /pets``).
    """
    kept = kept_security(document, open_operations, findings)
    document.pop("security", None)
    for path, key, operation in operations(document):
        operation.pop("security", None)
        if METHOD_AUTH in operation and not _asks_for_iam(operation):
            del operation[METHOD_AUTH]
        if security := kept[operation_name(path, key)]:
            operation["security"] = security
    _write_schemes(security_schemes(document))


def kept_security(
    document: t.Mapping[str, t.Any], open_operations: t.Collection[str], findings: Findings
) -> dict[str, list[Node]]:
    """What each operation's ``security`` becomes; empty where everybody is let in. See :func:`keep_security`."""
    schemes = security_schemes(document)
    result: dict[str, list[Node]] = {}
    refused: dict[str, list[str]] = {}
    needless = set(open_operations)
    for path, key, operation in operations(document):
        name = operation_name(path, key)
        wanted = operation.get("security", document.get("security", []))
        # An empty alternative, or none at all, is the document's own will.
        result[name] = _supported(wanted, schemes) if all(wanted) else []
        if wanted and all(wanted) and not result[name]:
            needless.discard(name)
            if name not in open_operations:
                refused.setdefault(_unsupported(wanted, schemes), []).append(name)
            result[name] = _supported([_supported_part(requirement, schemes) for requirement in wanted], schemes)
    for why, names in refused.items():
        findings.faults.append(
            f"API Gateway can't check {why}, by which the document secures {', '.join(names)}: give the scheme an "
            f"{_AUTHORIZER}, or list the operations in open_operations to serve them without it"
        )
    for name in sorted(needless):
        findings.faults.append(
            f"open_operations names '{name}', which is no operation of the document that would get more open"
        )
    return result


def _supported(requirements: list[Node], schemes: Node) -> list[Node]:
    """The alternatives that API Gateway can ask for. It asks for all that are named, but for one authorizer only."""
    kept: list[Node] = []
    chosen: set[str] = set()
    for requirement in requirements:
        authorizers = {name for name in requirement if asked_by(schemes.get(name)) in (AUTHORIZER, IAM)}
        if requirement and all(asked_by(schemes.get(name)) for name in requirement) and len(chosen | authorizers) < 2:
            kept.append(requirement)
            chosen |= authorizers
    return kept


def _supported_part(requirement: Node, schemes: Node) -> Node:
    """Of schemes asked for together, those that API Gateway can combine."""
    part: Node = {}
    for name, scopes in requirement.items():
        if _supported([{**part, name: scopes}], schemes):
            part[name] = scopes
    return part


def _unsupported(requirements: list[Node], schemes: Node) -> str:
    """In words, why none of the alternatives can be kept."""
    names = dict.fromkeys(name for requirement in requirements for name in requirement)
    unknown = [f"{name} ({_kind(schemes.get(name))})" for name in names if not asked_by(schemes.get(name))]
    return " and ".join(unknown or [f"{name} (a second authorizer)" for name in list(names)[1:]])


def _kind(scheme: t.Any) -> str:
    if not isinstance(scheme, t.Mapping):
        return "not a scheme of the document"
    if _AUTH_TYPE in scheme:
        return "an authorizer that the document doesn't describe"
    kind = str(scheme.get("type"))
    if kind == "apiKey":
        return f"a key in the {scheme.get('in')} {scheme.get('name')}, not in the header x-api-key"
    return f"{kind} {scheme['scheme']}" if "scheme" in scheme else kind


def _write_schemes(schemes: Node) -> None:
    """Only type apiKey is imported. Lambda authorizers and Cognito are written as that too."""
    for name, scheme in list(schemes.items()):
        asked = asked_by(scheme)
        if not asked:
            del schemes[name]
        elif asked == API_KEY:
            schemes[name] = {**scheme, "name": "x-api-key"}
        elif scheme.get("type") != "apiKey":
            extensions = {key: value for key, value in scheme.items() if key.startswith("x-")}
            schemes[name] = {"type": "apiKey", "name": "Authorization", "in": "header", **extensions}
