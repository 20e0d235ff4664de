# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which clients ask for objects: whole, their metadata alone (PartialObjectMetadata), or as a Table.

https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

from __future__ import annotations

from aiohttp import web

from lab.kubernetes.embedded.kubectl import tables
from lab.kubernetes.embedded.resources import Object, Resource

_META = "meta.k8s.io/v1"


class Representation:
    """The form in which one request wants one resource."""

    def __init__(self, request: web.Request, resource: Resource) -> None:
        self._resource = resource
        self._include = tables.wanted(request)
        self._metadata_only = "as=PartialObjectMetadata" in request.headers.get("Accept", "").partition(",")[0]

    def one(self, item: Object, columns: bool = True) -> Object:
        """``columns``: whether a table defines its columns (in a watch only the first one does)."""
        if self._include:
            metadata = {"resourceVersion": item["metadata"]["resourceVersion"]}
            return tables.table(self._resource, [item], metadata, self._include, columns)
        return _metadata_of(item) if self._metadata_only else item

    def bookmark(self, item: Object, columns: bool) -> Object:
        """A watch's event with a resource version alone."""
        if self._include:
            return tables.table(self._resource, [], item["metadata"], self._include, columns)
        return self.one(item)

    def many(self, items: list[Object], metadata: Object) -> Object:
        if self._include:
            return tables.table(self._resource, items, metadata, self._include)
        if self._metadata_only:
            shown = [_metadata_of(each) for each in items]
            return {"kind": "PartialObjectMetadataList", "apiVersion": _META, "metadata": metadata, "items": shown}
        # Items of built-in kinds don't name their kind.
        hidden = () if self._resource.custom else ("kind", "apiVersion")
        return {
            "kind": f"{self._resource.kind}List",
            "apiVersion": self._resource.api_version,
            "metadata": metadata,
            "items": [{name: value for name, value in each.items() if name not in hidden} for each in items],
        }


def _metadata_of(item: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": item["metadata"]}
