# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request's URL and method, in the API's terms."""

from __future__ import annotations

import dataclasses

from lab.kubernetes.auth import Attributes
from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.resources import NAMESPACE, Resource

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclasses.dataclass(frozen=True)
class Target:
    """A resource's objects (``name`` empty), one object, or its subresource, and the verb."""

    resource: Resource
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def attributes(self) -> Attributes:
        """The request as authorizers are asked about it. A namespace itself counts as being in that namespace."""
        namespace = self.name if self.resource == NAMESPACE else self.namespace
        return Attributes(self.verb, self.resource.group, self.resource.plural, self.subresource, namespace, self.name)


def parse(kinds: Kinds, method: str, path: str, watch: bool) -> Target | None:
    """None when the path is no resource's. Raises 404 for a resource that isn't served, 405 for a wrong method."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    # /namespaces/<name>/<subresource> is the namespace's, /namespaces/<name>/<resource> names objects in it.
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = kinds.find(group, version, rest[0])
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise errors.no_such_path()
    name, subresource = (*rest[1:], "", "")[:2]
    if subresource and subresource not in resource.subresources:
        raise errors.no_such_path()
    return Target(resource, _verb(method, bool(name), watch), namespace, name, subresource)


def _verb(method: str, named: bool, watch: bool) -> str:
    if method in ("GET", "HEAD"):
        return "watch" if watch else "get" if named else "list"
    if method == "DELETE":
        return "delete" if named else "deletecollection"
    if method in _VERBS:
        return _VERBS[method]
    raise errors.method_not_allowed()
