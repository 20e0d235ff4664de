# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OpenAPI v3 documents, one for each group and version, from which kubectl explains, patches and validates."""

from __future__ import annotations

import hashlib
from typing import Any

from aiohttp import web

from lab.kubernetes.embedded import bodies, errors
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.resources import REVIEWS, Resource

_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation"]


_OLD_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
#: Field 1, the version of the format.
_OLD_DOCUMENT = b"\n\x032.0"


class OpenApi:
    """Documents are made on request: few clients ask."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds

    def v2_answer(self) -> web.Response:
        """An empty document of OpenAPI v2, which kubectl asks for when v3 doesn't know a kind; it takes protobuf alone."""
        return web.Response(body=_OLD_DOCUMENT, content_type=_OLD_TYPE)

    def answer(self, path: str) -> web.Response:
        """The index, or the document of one group and version. Raises 404."""
        groups = {group[0].root: group for group in self._kinds.groups().values()}
        if not path:
            paths = {
                name: {"serverRelativeURL": f"/openapi/v3/{name}?hash={self._mark(groups[name])}"} for name in groups
            }
            return bodies.answer({"paths": paths})
        if path not in groups:
            raise errors.no_such_path()
        return bodies.answer(self._document([each for each in groups[path] if each not in REVIEWS]))

    def _mark(self, resources: list[Resource]) -> str:
        """A hash, by which clients know when their cached copy is old."""
        names = [self._kinds.version, *(each.definition for each in resources)]
        return hashlib.sha256(" ".join(names).encode()).hexdigest()[:32].upper()

    def _document(self, resources: list[Resource]) -> dict[str, Any]:
        definitions = self._kinds.definitions()
        kept: dict[str, Any] = {}
        for each in resources:
            _collect(each.definition, definitions, kept)
        paths: dict[str, Any] = {}
        for each in resources:
            paths.update(_paths(each))
        return {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": f"v{self._kinds.version}.0"},
            "paths": paths,
            "components": {"schemas": kept},
        }


def _collect(name: str, definitions: dict[str, Any], kept: dict[str, Any]) -> None:
    """Take a definition and all that it refers to."""
    if name not in kept:
        kept[name] = {}
        kept[name] = _convert(definitions[name], definitions, kept)


def _convert(node: Any, definitions: dict[str, Any], kept: dict[str, Any]) -> Any:
    """Turn the package's JSON schema back into OpenAPI: types without null, and OpenAPI's references."""
    if isinstance(node, list):
        return [_convert(each, definitions, kept) for each in node]
    if not isinstance(node, dict):
        return node
    made = {}
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str):
            name = value.removeprefix("#/$defs/")
            _collect(name, definitions, kept)
            # OpenAPI 3.0 allows nothing beside a reference.
            made["allOf"] = [{"$ref": f"#/components/schemas/{name}"}]
        elif key == "type" and isinstance(value, list):
            made[key] = next(each for each in value if each != "null")
        elif key != "enum":
            made[key] = _convert(value, definitions, kept)
    return made


def _paths(resource: Resource) -> dict[str, Any]:
    place = "namespaces/{namespace}/" if resource.namespaced else ""
    base = f"/{resource.root}/{place}{resource.plural}"
    gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}

    def operation(action: str) -> dict[str, Any]:
        parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS]
        body = {"$ref": f"#/components/schemas/{resource.definition}"}
        return {
            "parameters": parameters if action in ("post", "put", "patch") else [],
            "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": body}}}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk,
        }

    return {
        base: {"get": operation("list"), "post": operation("post")},
        f"{base}/{{name}}": {method: operation(method) for method in ("get", "put", "patch", "delete")},
    }
