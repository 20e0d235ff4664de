# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the deployed resource and method for a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from urllib.parse import unquote

from lab.aws.apigateway.common import Deployment, Item
from lab.dataplane.gateway_refusals import unknown


@dataclasses.dataclass
class Route:
    """The resource and method that a request meets, and its path parameters (decoded)."""

    resource: Item
    method: Item
    path_parameters: dict[str, str]


def find_route(deployment: Deployment, http_method: str, path: str) -> Route:
    """The route of a request. Raises :class:`Refusal` when nothing is deployed there.

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
        raise unknown()
    resource, path_parameters = found
    methods = resource.get("resourceMethods", {})
    method = methods.get(http_method) or methods.get("ANY")
    if method is None:
        raise unknown()
    return Route(resource, method, path_parameters)


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
