# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The imported part of a definition, API Gateway's stored form of it, and whether the two agree. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from .._core.ownership import Item
from .importable import BINARY_TYPES, ENDPOINT
from .openapi import (
    INTEGRATION,
    RESOURCES,
    TARGET_KEYS,
    Findings,
    Node,
    check_document,
    operation_name,
    operations,
    security_schemes,
)
from .security import API_KEY, AUTHORIZER, IAM, asked_by, asked_of, counted, kept_security

POLICY = "x-amazon-apigateway-policy"


def check_definition(definition: t.Any, resource_quota: int = RESOURCES) -> None:
    """Raise :class:`OpenApiError` with all that keeps the definition from being imported and deployed as it says."""
    check_document(definition, resource_quota)
    findings = Findings()
    lacking = [
        operation_name(path, key) for path, key, operation in operations(definition) if INTEGRATION not in operation
    ]
    if lacking:
        findings.faults.append(
            f"without {INTEGRATION} no operation can be deployed: it is missing in {', '.join(lacking)}"
        )
    kept_security(definition, (), findings)
    if definition.get("security"):
        findings.faults.append("API Gateway ignores root-level security: write it into the operations that it is for")
    findings.check()


def import_body(definition: Node, name: str, description: str | None) -> bytes:
    """What PutRestApi gets: an import overwrites the API's name and description with the document's."""
    info = {**definition["info"], "title": name}
    if description is not None:
        info["description"] = description
    return _canonical({**definition, "info": info})


def with_policy(body: bytes, policy: str | None) -> bytes:
    """The body with the resource policy that an API has. An import would take away one that the definition lacks."""
    document = json.loads(body) if policy else {}
    if not policy or POLICY in document:
        return body
    return _canonical({**document, POLICY: _policy(policy)})


def _canonical(value: t.Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def live_methods(resources: list[Item]) -> dict[str, dict[str, Item]]:
    """Path -> method -> settings out of GetResources, without what is only the resource's id."""
    result: dict[str, dict[str, Item]] = {}
    for resource in resources:
        for name, method in resource.get("resourceMethods", {}).items():
            integration = dict(method.get("methodIntegration", {}))
            if integration.get("cacheNamespace") == resource["id"]:
                del integration["cacheNamespace"]
            result.setdefault(resource["path"], {})[name] = {**method, "methodIntegration": integration}
    return result


class Parts(t.NamedTuple):
    """The parts of an API that API Gateway lists beside its methods and models."""

    gateway_responses: t.Sequence[Item] = ()
    request_validators: t.Sequence[Item] = ()
    authorizers: t.Sequence[Item] = ()

    def described(self) -> Item:
        """By name, without the fields that each import sets anew, and without every API's default responses."""
        own = [response for response in self.gateway_responses if not response.get("defaultResponse")]
        return {
            "gatewayResponses": {response["responseType"]: response for response in own},
            "requestValidators": {validator["name"]: _without_id(validator) for validator in self.request_validators},
            "authorizers": {authorizer["name"]: _without_id(authorizer) for authorizer in self.authorizers},
        }


def _without_id(item: Item) -> Item:
    return {key: value for key, value in item.items() if key != "id"}


def live_digest(
    rest_api: Item,
    methods: dict[str, dict[str, Item]],
    models: list[Item],
    parts: Parts,
    definition_has_policy: bool,
) -> str:
    """Digest of what API Gateway has stored of a definition.

    AWS doesn't document each stored field of an import (inline schemas even get random names). So the digest of the
    stored import is kept, and shows an edit by hand.
    A resource policy counts when it is the definition's: any other stays, as it lets nobody in by itself.
    """
    schemas = {model["name"]: model.get("schema") for model in models}
    settings = _settings_of_api(rest_api)
    if not definition_has_policy:
        del settings["policy"]
    described = [rest_api["name"], rest_api.get("description") or "", methods, schemas, settings, parts.described()]
    return digest(_canonical(described))


class Fingerprint(t.NamedTuple):
    """A deployment's origin, kept in its description: the imported body, and AWS's stored form of it."""

    imported: str
    stored: str

    def __str__(self) -> str:
        return f"imported sha256:{self.imported} stored sha256:{self.stored}"

    @classmethod
    def of(cls, deployment: Item) -> Fingerprint | None:
        """The fingerprint in a deployment's description; None when the deployment isn't one of ours."""
        match = re.fullmatch(
            r"imported sha256:([0-9a-f]{64}) stored sha256:([0-9a-f]{64})", deployment.get("description") or ""
        )
        return cls(*match.groups()) if match else None


_SHOWN = ("type", "httpMethod", "uri", "connectionType", "connectionId", "integrationTarget", "requestParameters")


def outline_of_definition(definition: Node) -> dict[str, Item]:
    """``GET /pet`` -> the settings that decide where a request goes, as API Gateway shows them after an import."""
    result = {}
    for path, key, operation in operations(definition):
        integration = operation.get(INTEGRATION) or {}
        result[operation_name(path, key)] = _outline(asked_of(definition, operation), integration)
    return result


def outline_of_live(methods: dict[str, dict[str, Item]]) -> dict[str, Item]:
    """The same out of :func:`live_methods`."""
    return {
        f"{name} {path}": _outline(_asked_of_live(method), method["methodIntegration"])
        for path, by_name in methods.items()
        for name, method in by_name.items()
    }


def outline_security(outline: dict[str, Item]) -> dict[str, int]:
    """The number of an outline's operations that ask for an API key, an authorizer, IAM, or nothing."""
    return counted(
        {
            *([API_KEY] if method["apiKeyRequired"] else []),
            *([method["authorization"]] if "authorization" in method else []),
        }
        for method in outline.values()
    )


def _asked_of_live(method: Item) -> set[str]:
    asked = {API_KEY} if method.get("apiKeyRequired") else set()
    match method.get("authorizationType", "NONE"):
        case "NONE":
            return asked
        case "AWS_IAM":
            return asked | {IAM}
        case _:
            return asked | {AUTHORIZER}


def _outline(asked: set[str], integration: Item) -> Item:
    shown = {key: integration[key] for key in _SHOWN if integration.get(key)}
    for key in TARGET_KEYS:
        if key in integration:
            shown["integrationTarget"] = integration[key]
    for key in ("type", "httpMethod"):
        if key in shown:
            shown[key] = shown[key].upper()
    for authorization in sorted(asked - {API_KEY}):
        shown["authorization"] = authorization
    return {"apiKeyRequired": API_KEY in asked, **shown}


def settings_of_definition(definition: Node) -> Item:
    """The API's own settings: an import takes them from its definition, or resets those missing there."""
    endpoint: Item = definition.get(ENDPOINT) or next(
        (server[ENDPOINT] for server in definition.get("servers", []) if ENDPOINT in server), {}
    )
    schemes = security_schemes(definition)
    return {
        "binaryMediaTypes": sorted(definition.get(BINARY_TYPES, [])),
        "apiKeySource": definition.get("x-amazon-apigateway-api-key-source", "HEADER"),
        "minimumCompressionSize": definition.get("x-amazon-apigateway-minimum-compression-size"),
        "disableExecuteApiEndpoint": bool(endpoint.get("disableExecuteApiEndpoint")),
        "vpcEndpointIds": sorted(endpoint.get("vpcEndpointIds", [])),
        "policy": _policy(definition.get(POLICY)),
        "gatewayResponses": sorted(definition.get("x-amazon-apigateway-gateway-responses", {})),
        "requestValidators": sorted(definition.get("x-amazon-apigateway-request-validators", {})),
        "authorizers": sorted(name for name, scheme in schemes.items() if asked_by(scheme) == AUTHORIZER),
    }


def settings_of_live(rest_api: Item, parts: Parts) -> Item:
    """The same as API Gateway has stored it."""
    named = {key: sorted(items) for key, items in parts.described().items()}
    return {**_settings_of_api(rest_api), **named}


def _settings_of_api(rest_api: Item) -> Item:
    return {
        "binaryMediaTypes": sorted(rest_api.get("binaryMediaTypes", [])),
        "apiKeySource": rest_api.get("apiKeySource", "HEADER"),
        "minimumCompressionSize": rest_api.get("minimumCompressionSize"),
        "disableExecuteApiEndpoint": rest_api.get("disableExecuteApiEndpoint", False),
        "vpcEndpointIds": sorted(rest_api.get("endpointConfiguration", {}).get("vpcEndpointIds", [])),
        "policy": _policy(rest_api.get("policy")),
    }


def _policy(policy: t.Any) -> t.Any:
    """A resource policy as it is meant. API Gateway shows it as JSON with escaped quotes, and its own ARN in full."""
    if not isinstance(policy, str):
        return policy and json.loads(_own_arn(json.dumps(policy)))
    try:
        return json.loads(_own_arn(policy.replace('\\"', '"').replace("\\/", "/")))
    except ValueError:
        return policy


def _own_arn(policy: str) -> str:
    return re.sub(r"arn:[\w-]+:execute-api:[\w-]*:\d*:\w+/", "execute-api:/", policy)


def lost_targets(expected: dict[str, Item], stored: dict[str, Item]) -> list[str]:
    """The methods whose stored integration target differs from the definition's. A VPC link V2 needs it."""
    return [
        name
        for name, method in expected.items()
        if method.get("integrationTarget") != stored.get(name, {}).get("integrationTarget")
    ]


def opened(expected: dict[str, Item], stored: dict[str, Item]) -> list[str]:
    """The methods that don't ask for the definition's API key, authorizer or IAM."""
    return [
        name
        for name, method in expected.items()
        if name in stored
        and (
            method["apiKeyRequired"] > stored[name]["apiKeyRequired"]
            or method.get("authorization") not in (None, stored[name].get("authorization"))
        )
    ]


def settings_differences(expected: Item, stored: Item) -> list[str]:
    """One sentence for each setting of the API that isn't stored as the definition has it."""
    return [
        f"the API has {key} {stored[key]!r}, the definition says {value!r}"
        for key, value in expected.items()
        if value != stored[key]
    ]


def outline_differences(expected: dict[str, Item], stored: dict[str, Item]) -> list[str]:
    """One sentence for each method that isn't stored as the definition has it."""
    sentences = [f"{name} is missing" for name in expected if name not in stored]
    sentences += [f"{name} is not in the definition" for name in stored if name not in expected]
    for name in expected:
        for key in sorted({*expected[name], *stored.get(name, expected[name])}):
            wanted, found = expected[name].get(key), stored.get(name, expected[name]).get(key)
            if wanted != found:
                sentences.append(f"{name} has {key} {found!r}, the definition says {wanted!r}")
    return sentences
