# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds that one server serves, with their types. A CustomResourceDefinition adds one."""

from __future__ import annotations

from typing import Any

from lab.kubernetes.embedded import custom, schema
from lab.kubernetes.embedded.resources import BUILT_IN, REVIEWS, Object, Resource
from lab.kubernetes.embedded.schema import Schemas, Type

_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"


class Kinds:
    """Ask here at each request which kinds are served: one may be added at any time."""

    def __init__(self, version: str) -> None:
        """The built-in kinds of a Kubernetes minor version such as "1.36". Raises ValueError when it has no schemas."""
        self.version = version
        self._schemas = Schemas(version, [*(each.definition for each in BUILT_IN), _DELETE_OPTIONS])
        self._resources = {(each.group, each.version, each.plural): each for each in (*BUILT_IN, *REVIEWS)}
        self._custom_definitions: dict[str, Any] = {}

    def define(self, definition: Object) -> Resource:
        """Serve the kind of a CustomResourceDefinition (apiextensions.k8s.io/v1), in the version that is stored."""
        resource, document = custom.resource(definition)
        self._schemas.add(resource.definition, custom.compile_type(document, self._schemas, resource.definition))
        self._custom_definitions[resource.definition] = custom.openapi(resource, document)
        self._resources[resource.group, resource.version, resource.plural] = resource
        return resource

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of a URL; None when it isn't served."""
        return self._resources.get((group, version, plural))

    def groups(self) -> dict[str, list[Resource]]:
        """All resources, reviews among them, by API group."""
        found: dict[str, list[Resource]] = {}
        for each in self._resources.values():
            found.setdefault(each.group, []).append(each)
        return found

    def type(self, resource: Resource) -> Type:
        return self._schemas.type(resource.definition)

    @property
    def delete_options(self) -> Type:
        return self._schemas.type(_DELETE_OPTIONS)

    def definitions(self) -> dict[str, Any]:
        """The schemas of all kinds, as OpenAPI has them. They are read again at each call: few clients ask."""
        return {**schema.load_definitions(self.version), **self._custom_definitions}
