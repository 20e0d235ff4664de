# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is imported of a definition, what API Gateway has stored of it, and whether the two agree. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from .common import Item
from .openapi import (
    INTEGRATION,
    TARGET_KEYS,
    Node,
    method_name,
    operations,
)
from .security import API_KEY, AUTHORIZER, IAM, asked_of


def import_body(definition: Node, name: str, description: str | None) -> bytes:
    """What PutRestApi gets: an import overwrites the API's name and description with the document's."""
    info = {**definition["info"], "title": name}
    if description is not None:
        info["description"] = description
    return _canonical({**definition, "info": info})


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


def live_digest(rest_api: Item, methods: dict[str, dict[str, Item]], models: list[Item]) -> str:
    """Digest of what API Gateway has stored of a definition.

    How an import is stored isn't documented to the last field (schemas that are written inline even get random
    names), so what an import became is remembered by its digest, and an edit by hand seen by comparing with it.
    """
    schemas = {model["name"]: model.get("schema") for model in models}
    return digest(_canonical([rest_api["name"], rest_api.get("description") or "", methods, schemas]))


class Fingerprint(t.NamedTuple):
    """What a deployment was made from, kept in its description: the imported body, and what AWS stored of it."""

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
        result[f"{method_name(key)} {path}"] = _outline(asked_of(definition, operation), integration)
    return result


def outline_of_live(methods: dict[str, dict[str, Item]]) -> dict[str, Item]:
    """The same out of :func:`live_methods`."""
    return {
        f"{name} {path}": _outline(_asked_of_live(method), method["methodIntegration"])
        for path, by_name in methods.items()
        for name, method in by_name.items()
    }


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
    authorization = {"authorization": name for name in sorted(asked - {API_KEY})}
    return {"apiKeyRequired": API_KEY in asked, **authorization, **shown}


def lost_targets(expected: dict[str, Item], stored: dict[str, Item]) -> list[str]:
    """The methods whose integration target isn't stored as the definition has it, which a VPC link V2 can't do without."""
    return [
        name
        for name, method in expected.items()
        if method.get("integrationTarget") != stored.get(name, {}).get("integrationTarget")
    ]


def opened(expected: dict[str, Item], stored: dict[str, Item]) -> list[str]:
    """The methods that don't ask for the API key, the authorizer or IAM that the definition has."""
    return [
        name
        for name, method in expected.items()
        if name in stored
        and (
            method["apiKeyRequired"] > stored[name]["apiKeyRequired"]
            or method.get("authorization") not in (None, stored[name].get("authorization"))
        )
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
