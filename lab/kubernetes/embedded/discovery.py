# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery, which clients ask for first: versions, health, and the list of resources."""

from __future__ import annotations

import platform
from typing import Any

from aiohttp import web

from lab.kubernetes.embedded import bodies, errors
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.kubectl.openapi import OpenApi
from lab.kubernetes.embedded.resources import REVIEWS, SUBRESOURCE_KINDS, Resource

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_SUBRESOURCE_VERBS = {
    "status": ["get", "patch", "update"],
    "scale": ["get", "patch", "update"],
    "log": ["get"],
    "binding": ["create"],
    "eviction": ["create"],
    "finalize": ["update"],
}
_HEALTH = ("/healthz", "/livez", "/readyz")
_AGGREGATED = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Discovery:
    """Serves every path that is no resource."""

    def __init__(self, kinds: Kinds, openapi: OpenApi) -> None:
        self._kinds = kinds
        self._openapi = openapi

    def answer(self, request: web.Request) -> web.Response:
        """Raises 404."""
        path = request.path.rstrip("/")
        if path.startswith(_HEALTH):
            return web.Response(text="ok")
        if path == "/version":
            return bodies.answer(self._version_info())
        if path == "/openapi/v2":
            return self._openapi.v2_answer()
        if path.startswith("/openapi/v3"):
            return self._openapi.answer(path.removeprefix("/openapi/v3").strip("/"))
        if path in ("/api", "/apis") and "apidiscovery" in request.headers.get("Accept", ""):
            body = self._aggregated(core=path == "/api")
            return web.Response(text=bodies.encode(body), headers={"Content-Type": f"application/json;{_AGGREGATED}"})
        document = self._document([part for part in path.split("/") if part])
        if document is None:
            raise errors.no_such_path()
        return bodies.answer(document)

    def _document(self, parts: list[str]) -> dict[str, Any] | None:
        groups = self._kinds.groups()
        match parts:
            case ["api"]:
                return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
            case ["apis"]:
                named = [_group(group) for name, group in groups.items() if name]
                return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}
            case ["apis", name] if name in groups:
                return {"kind": "APIGroup", "apiVersion": "v1", **_group(groups[name])}
            case ["api", "v1"]:
                return _resource_list(groups[""])
            case ["apis", name, version] if any(each.version == version for each in groups.get(name, ())):
                return _resource_list(groups[name])
        return None

    def _version_info(self) -> dict[str, str]:
        major, minor = self._kinds.version.split(".")
        return {
            "major": major,
            "minor": minor,
            "gitVersion": f"v{self._kinds.version}.0-eks-lab",
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "",
            "platform": f"linux/{platform.machine()}",
        }

    def _aggregated(self, core: bool) -> dict[str, Any]:
        items = []
        for name, resources in self._kinds.groups().items():
            if core == (not name):
                version = resources[0].version
                entries = [_aggregated_resource(each) for each in resources]
                items.append(
                    {
                        "metadata": {"name": name} if name else {},
                        "versions": [{"version": version, "resources": entries, "freshness": "Current"}],
                    }
                )
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": items,
        }


def _group(resources: list[Resource]) -> dict[str, Any]:
    name, version = resources[0].group, resources[0].version
    entry = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def _resource_list(resources: list[Resource]) -> dict[str, Any]:
    entries = []
    for each in resources:
        entry = {
            "name": each.plural,
            "singularName": each.kind.lower(),
            "namespaced": each.namespaced,
            "kind": each.kind,
            "verbs": ["create"] if each in REVIEWS else _VERBS,
        }
        if each.short_names:
            entry["shortNames"] = list(each.short_names)
        if each.categories:
            entry["categories"] = list(each.categories)
        entries.append(entry)
        for name in each.subresources:
            entries.append(_subresource(each, name))
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": resources[0].api_version,
        "resources": entries,
    }


def _subresource(resource: Resource, name: str) -> dict[str, Any]:
    group, version, kind = SUBRESOURCE_KINDS.get(name, (resource.group, resource.version, resource.kind))
    entry = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": kind,
        "verbs": _SUBRESOURCE_VERBS[name],
    }
    if name in SUBRESOURCE_KINDS and group != resource.group:
        entry.update(group=group, version=version)
    return entry


def _aggregated_resource(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {"group": resource.group, "version": resource.version, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.kind.lower(),
        "verbs": ["create"] if resource in REVIEWS else _VERBS,
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": name,
                "responseKind": dict(
                    zip(
                        ("group", "version", "kind"),
                        SUBRESOURCE_KINDS.get(name, (resource.group, resource.version, resource.kind)),
                        strict=True,
                    )
                ),
                "verbs": _SUBRESOURCE_VERBS[name],
            }
            for name in resource.subresources
        ]
    return entry
