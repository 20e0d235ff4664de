# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CustomResourceDefinitions: the resource and the type that one describes.

Of its schema (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/) types,
defaults, enumerations, required and preserved fields count; formats, patterns, limits and rules in CEL don't.
"""

from __future__ import annotations

from typing import Any

from lab.kubernetes.embedded.resources import Object, PrinterColumn, Resource
from lab.kubernetes.embedded.schema import INT_OR_STRING, Schemas, Type

_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_AGE = PrinterColumn("Age", "date", ".metadata.creationTimestamp")


def resource(definition: Object) -> tuple[Resource, Object]:
    """The resource, and the schema of its stored version."""
    spec = definition["spec"]
    names = spec["names"]
    version = next(each for each in spec["versions"] if each["storage"])
    made = Resource(
        names["kind"],
        names["plural"],
        spec["group"],
        version["name"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames", ())),
        categories=tuple(names.get("categories", ())),
        subresources=("status",) if "status" in version.get("subresources", {}) else (),
        generation=True,
        selectable=tuple(each["jsonPath"].lstrip(".") for each in version.get("selectableFields", ())),
        custom=True,
        columns=tuple(_column(each) for each in version.get("additionalPrinterColumns", ())) or (_AGE,),
    )
    return made, version["schema"]["openAPIV3Schema"]


def _column(given: Object) -> PrinterColumn:
    return PrinterColumn(given["name"], given["type"], given["jsonPath"], given.get("priority", 0))


def compile_type(document: Object, schemas: Schemas, name: str) -> Type:
    """The type of a kind's objects; the fields of every object are as in built-in kinds."""
    made = _compile(document)
    made.name = name
    made.fields.update(apiVersion=Type(shape="string"), kind=Type(shape="string"), metadata=schemas.type(_METADATA))
    return made


def _compile(document: Object) -> Type:
    made = Type(
        custom=True,
        shape=document.get("type", "any"),
        format=document.get("format", ""),
        default=document.get("default"),
        choices=tuple(document.get("enum", ())),
        required=tuple(document.get("required", ())),
        preserves=document.get("x-kubernetes-preserve-unknown-fields", False),
        atomic=document.get("x-kubernetes-map-type") == "atomic",
    )
    if document.get("x-kubernetes-int-or-string"):
        made.shape = INT_OR_STRING.shape
    elif made.shape == "array":
        made.shape = "list"
        made.items = _compile(document["items"])
        made.list_type = document.get("x-kubernetes-list-type", "atomic")
        made.keys = tuple(document.get("x-kubernetes-list-map-keys", ()))
    elif isinstance(document.get("additionalProperties"), dict):
        made.shape = "map"
        made.items = _compile(document["additionalProperties"])
    elif made.shape == "object":
        made.shape = "struct"
        made.fields.update({name: _compile(each) for name, each in document.get("properties", {}).items()})
    return made


def openapi(resource: Resource, document: Object) -> dict[str, Any]:
    """The schema as OpenAPI documents show it: with the kind's name, and with the metadata of every object."""
    metadata = {"$ref": f"#/$defs/{_METADATA}"}
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    return {
        **document,
        "properties": {**document.get("properties", {}), "metadata": metadata},
        "x-kubernetes-group-version-kind": [kind],
    }
