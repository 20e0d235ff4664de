# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds that the embedded API server serves. Everything that differs by kind is found through this table."""

from __future__ import annotations

import dataclasses
from typing import Any

#: A JSON object as the API has it.
Object = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Resource:
    """One served kind: its names, and what discovery says of it."""

    kind: str
    plural: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    #: Whether metadata.generation counts the changes of the specification.
    generation: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The resource as Kubernetes' messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind as the messages of refused objects name it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def definition(self) -> str:
        """The kind's name among the schemas."""
        return f"io.k8s.api.{self.group.split('.')[0] or 'core'}.{self.version}.{self.kind}"

    @property
    def storage(self) -> tuple[str, str]:
        """Where its objects are kept: events are the same objects in both of their groups."""
        return ("", "events") if self.plural == "events" else (self.group, self.plural)


_ALL = ("all",)
_RBAC = "rbac.authorization.k8s.io"

RESOURCES = (
    Resource("Namespace", "namespaces", namespaced=False, short_names=("ns",), subresources=("status", "finalize")),
    Resource("Node", "nodes", namespaced=False, short_names=("no",), subresources=("status",)),
    Resource(
        "Pod",
        "pods",
        short_names=("po",),
        categories=_ALL,
        subresources=("status", "log", "binding", "eviction"),
        generation=True,
    ),
    Resource("Service", "services", short_names=("svc",), categories=_ALL, subresources=("status",)),
    Resource("Endpoints", "endpoints", short_names=("ep",)),
    Resource("Event", "events", short_names=("ev",)),
    Resource("ConfigMap", "configmaps", short_names=("cm",)),
    Resource("Secret", "secrets"),
    Resource("ServiceAccount", "serviceaccounts", short_names=("sa",)),
    Resource(
        "Deployment",
        "deployments",
        "apps",
        short_names=("deploy",),
        categories=_ALL,
        subresources=("status", "scale"),
        generation=True,
    ),
    Resource(
        "ReplicaSet",
        "replicasets",
        "apps",
        short_names=("rs",),
        categories=_ALL,
        subresources=("status", "scale"),
        generation=True,
    ),
    Resource(
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "autoscaling",
        "v2",
        short_names=("hpa",),
        categories=_ALL,
        subresources=("status",),
    ),
    Resource("Lease", "leases", "coordination.k8s.io"),
    Resource("EndpointSlice", "endpointslices", "discovery.k8s.io", generation=True),
    Resource("Event", "events", "events.k8s.io", short_names=("ev",)),
    Resource(
        "Ingress",
        "ingresses",
        "networking.k8s.io",
        short_names=("ing",),
        subresources=("status",),
        generation=True,
    ),
    Resource("NetworkPolicy", "networkpolicies", "networking.k8s.io", short_names=("netpol",), generation=True),
    Resource(
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "policy",
        short_names=("pdb",),
        subresources=("status",),
        generation=True,
    ),
    Resource("ClusterRole", "clusterroles", _RBAC, namespaced=False),
    Resource("ClusterRoleBinding", "clusterrolebindings", _RBAC, namespaced=False),
    Resource("Role", "roles", _RBAC),
    Resource("RoleBinding", "rolebindings", _RBAC),
)

#: Questions: objects that are answered and not kept. They can only be created.
REVIEWS = (
    Resource("TokenReview", "tokenreviews", "authentication.k8s.io", namespaced=False),
    Resource("SelfSubjectReview", "selfsubjectreviews", "authentication.k8s.io", namespaced=False),
    Resource("SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io", namespaced=False),
    Resource("SubjectAccessReview", "subjectaccessreviews", "authorization.k8s.io", namespaced=False),
    Resource("LocalSubjectAccessReview", "localsubjectaccessreviews", "authorization.k8s.io"),
)


def find(kind: str, group: str = "") -> Resource:
    """The served resource of a kind."""
    return next(each for each in RESOURCES if (each.kind, each.group) == (kind, group))


#: The kinds that subresources speak, where it is not the kind itself: (group, version, kind).
SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
}
