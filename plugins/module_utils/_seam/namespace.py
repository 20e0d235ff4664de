# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a namespace and their owners: we, somebody else, or Kubernetes and Auto Mode themselves."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .contract import OWN_LABEL
from .kubernetes_api import KubernetesError

Resource = dict[str, t.Any]

_MANAGED_BY = "app.kubernetes.io/managed-by"

# By what other tools mark their objects:
# https://helm.sh/docs/chart_best_practices/labels/, https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/,
# https://fluxcd.io/flux/components/kustomize/kustomizations/
_HOLDERS = {
    "meta.helm.sh/release-name": "the Helm release",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
}

# Kinds that the control plane derives from others; nobody loses anything with them.
_DERIVED = ("Endpoints", "EndpointSlice", "Event", "Lease")
# What every namespace gets: https://kubernetes.io/docs/concepts/configuration/configmap/ and .../service-accounts/
_OF_EACH_NAMESPACE = (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"))
# Auto Mode's controller labels its TargetGroupBindings with the Service that they are for.
_AUTO_MODE = "service.eks.amazonaws.com/"
_TOKEN = "kubernetes.io/service-account.name"


class Api(t.Protocol):
    """What is needed of :class:`.kubernetes_api.KubernetesApi`."""

    def get(self, path: str, **query: str) -> Resource: ...


@dataclass(frozen=True)
class Kind:
    """A kind of objects in namespaces, as the API server's discovery tells of it."""

    api_version: str
    name: str
    plural: str

    def path(self, namespace: str | None) -> str:
        """Where its objects are, of one namespace or of all."""
        root = "/api" if self.api_version == "v1" else "/apis"
        return f"{root}/{self.api_version}/{f'namespaces/{namespace}/' if namespace else ''}{self.plural}"


@dataclass(frozen=True)
class Found:
    """An object of a namespace.

    ``managers`` are those who set its fields, as Kubernetes remembers them. ``holder`` is the tool that keeps it as its own
    definition says, where it marks its objects.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    ours: bool
    managers: tuple[str, ...]
    holder: str | None

    @classmethod
    def of(cls, kind: Kind, item: Resource) -> Found:
        metadata = item["metadata"]
        managers = {field.get("manager") or "unknown" for field in metadata.get("managedFields") or []}
        return cls(
            api_version=kind.api_version,
            kind=kind.name,
            namespace=metadata["namespace"],
            name=metadata["name"],
            ours=is_ours(item),
            managers=tuple(sorted(managers)),
            holder=_holder(metadata),
        )


def _holder(metadata: Resource) -> str | None:
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    known = (f"{tool} ({marks[key]})" for key, tool in _HOLDERS.items() if key in marks)
    manager = marks.get(_MANAGED_BY)
    return next(known, None) or (manager if manager != OWN_LABEL[_MANAGED_BY] else None)


def is_ours(item: Resource) -> bool:
    """Whether an object carries our label."""
    return OWN_LABEL.items() <= (item["metadata"].get("labels") or {}).items()


def kinds(api: Api, wanted: t.Collection[tuple[str, str]] | None = None) -> list[Kind]:
    """The kinds of objects in namespaces that can be listed and deleted, or those ``wanted`` (API version, kind) of them.

    Raises :class:`.kubernetes_api.KubernetesError`.
    """
    found = []
    for api_version in dict.fromkeys(version for version, _kind in wanted) if wanted else _api_versions(api):
        answer = api.get(f"{'/api' if api_version == 'v1' else '/apis'}/{api_version}")
        found += [
            Kind(api_version, each["kind"], each["name"])
            for each in answer["resources"]
            if each["namespaced"]
            and "/" not in each["name"]
            and {"list", "delete"} <= set(each["verbs"])
            and (not wanted or (api_version, each["kind"]) in wanted)
        ]
    # A kind may be served by two groups, as events are: it is one and the same.
    return list({each.name: each for each in found}.values())


def _api_versions(api: Api) -> list[str]:
    groups = api.get("/apis")["groups"]
    return ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]


def objects(api: Api, namespace: str | None, of: t.Iterable[Kind]) -> tuple[list[tuple[Kind, Resource]], list[str]]:
    """People's objects in a namespace (None: in any), and the kinds that we may not read.

    Objects that Kubernetes or Auto Mode made by itself, or for a listed object, are left out.
    Raises :class:`.kubernetes_api.KubernetesError`, but not where a single kind is denied.
    """
    seen: list[tuple[Kind, Resource]] = []
    denied = []
    for kind in of:
        if kind.name in _DERIVED:
            continue
        try:
            items = api.get(kind.path(namespace)).get("items") or []
        except KubernetesError as error:
            if not error.denied and error.status != 404:
                raise
            denied += [kind.name] if error.denied else []
            continue
        seen += [(kind, item) for item in items if not _made_by_the_platform(kind, item)]
    return seen, denied


def _made_by_the_platform(kind: Kind, item: Resource) -> bool:
    metadata = item["metadata"]
    return bool(
        metadata.get("ownerReferences")
        or (kind.name, metadata["name"]) in _OF_EACH_NAMESPACE
        or any(key.startswith(_AUTO_MODE) for key in metadata.get("labels") or {})
        or (kind.name == "Secret" and _TOKEN in (metadata.get("annotations") or {}))
    )
