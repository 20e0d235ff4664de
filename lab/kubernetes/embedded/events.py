# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events exist once and are served twice: as core/v1 (in which they are kept) and as events.k8s.io/v1."""

from __future__ import annotations

from lab.kubernetes.embedded import resources
from lab.kubernetes.embedded.resources import Object, Resource

_CORE = resources.find("Event")
_NEW_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_OLD_NAMES = {new: old for old, new in _NEW_NAMES.items()}


def _is_new(resource: Resource) -> bool:
    return resource.group == "events.k8s.io"


def storage_resource(resource: Resource) -> Resource:
    """The resource in whose form objects are kept."""
    return _CORE if _is_new(resource) else resource


def shown(resource: Resource, item: Object) -> Object:
    """A kept object in the form of the resource that is asked for."""
    if not _is_new(resource):
        return item
    return {**{_NEW_NAMES.get(name, name): value for name, value in item.items()}, "apiVersion": resource.api_version}


def stored(resource: Resource, item: Object) -> Object:
    """An object that was sent, in the form in which it is kept."""
    if not _is_new(resource):
        return item
    return {**{_OLD_NAMES.get(name, name): value for name, value in item.items()}, "apiVersion": _CORE.api_version}
