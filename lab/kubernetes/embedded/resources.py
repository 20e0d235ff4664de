# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resources as data: the names of a kind, and its properties for the server. The built-in ones stand below.

Rules, defaults and columns of a built-in kind stand in tables by its resource or its type; a custom kind's come with
its CustomResourceDefinition.
"""

from __future__ import annotations

import dataclasses
from typing import Any

#: A JSON object as the API has it.
Object = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class PrinterColumn:
    """A column that a CustomResourceDefinition gives to the tables of its kind."""

    name: str
    type: str
    json_path: str
    priority: int = 0


@dataclasses.dataclass(frozen=True)
class Resource:
    """One served kind."""

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
    #: The fields that may be selected by, beside name and namespace.
    selectable: tuple[str, ...] = ()
    #: Whether DELETE answers with the object; otherwise it answers with a Status.
    returns_deleted: bool = False
    #: Whether PUT makes an object that isn't there.
    created_by_put: bool = False
    #: Whether a CustomResourceDefinition made it.
    custom: bool = False
    columns: tuple[PrinterColumn, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """The path of its group and version."""
        return f"apis/{self.api_version}" if self.group else f"api/{self.version}"

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
        if self.custom:
            return ".".join([*reversed(self.group.split(".")), self.version, self.kind])
        return f"io.k8s.api.{self.group.split('.')[0] or 'core'}.{self.version}.{self.kind}"


_ALL = ("all",)

NAMESPACE = Resource(
    "Namespace",
    "namespaces",
    namespaced=False,
    short_names=("ns",),
    subresources=("status", "finalize"),
    selectable=("status.phase",),
    returns_deleted=True,
)
NODE = Resource(
    "Node",
    "nodes",
    namespaced=False,
    short_names=("no",),
    subresources=("status",),
    selectable=("spec.unschedulable",),
)
POD = Resource(
    "Pod",
    "pods",
    short_names=("po",),
    categories=_ALL,
    subresources=("status", "log", "binding", "eviction"),
    generation=True,
    selectable=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    returns_deleted=True,
)
SERVICE = Resource(
    "Service",
    "services",
    short_names=("svc",),
    categories=_ALL,
    subresources=("status",),
    selectable=("spec.clusterIP", "spec.type"),
    returns_deleted=True,
    created_by_put=True,
)
EVENT = Resource(
    "Event",
    "events",
    short_names=("ev",),
    selectable=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    created_by_put=True,
)
CONFIG_MAP = Resource("ConfigMap", "configmaps", short_names=("cm",))
SECRET = Resource("Secret", "secrets", selectable=("type",))
SERVICE_ACCOUNT = Resource("ServiceAccount", "serviceaccounts", short_names=("sa",), returns_deleted=True)
DEPLOYMENT = Resource(
    "Deployment",
    "deployments",
    "apps",
    short_names=("deploy",),
    categories=_ALL,
    subresources=("status", "scale"),
    generation=True,
)
REPLICA_SET = Resource(
    "ReplicaSet",
    "replicasets",
    "apps",
    short_names=("rs",),
    categories=_ALL,
    subresources=("status", "scale"),
    generation=True,
    selectable=("status.replicas",),
)
ENDPOINT_SLICE = Resource("EndpointSlice", "endpointslices", "discovery.k8s.io", generation=True)
DISRUPTION_BUDGET = Resource(
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    "policy",
    short_names=("pdb",),
    subresources=("status",),
    generation=True,
)

BUILT_IN = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    EVENT,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    DEPLOYMENT,
    REPLICA_SET,
    ENDPOINT_SLICE,
    DISRUPTION_BUDGET,
)

#: Questions: objects that are answered and not kept. They can only be created.
REVIEWS = (
    Resource("TokenReview", "tokenreviews", "authentication.k8s.io", namespaced=False),
    Resource("SelfSubjectReview", "selfsubjectreviews", "authentication.k8s.io", namespaced=False),
    Resource("SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io", namespaced=False),
    Resource("SubjectAccessReview", "subjectaccessreviews", "authorization.k8s.io", namespaced=False),
    Resource("LocalSubjectAccessReview", "localsubjectaccessreviews", "authorization.k8s.io"),
)

#: The kinds that subresources speak, where it is not the kind itself: (group, version, kind).
SUBRESOURCE_KINDS = {
    "scale": ("autoscaling", "v1", "Scale"),
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
}
