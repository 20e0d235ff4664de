# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of EKS's access policies, from AWS's tables, and how an association's scope narrows them.

Source: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html. Each rule below is a row there.
AWS publishes AmazonEKSAutoNodePolicy's permissions in prose only, so it is known by name and has no rules here.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable

from lab.kubernetes.auth import Attributes, Decision


@dataclasses.dataclass(frozen=True)
class Rule:
    """Verbs on resources of one API group ("*": any), or on paths that are no resources."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    paths: tuple[str, ...] = ()

    def allows(self, wanted: Attributes) -> bool:
        if not _has(self.verbs, wanted.verb):
            return False
        if not wanted.resource:
            return _has(self.paths, wanted.path)
        resource = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
        return self.group in ("*", wanted.group) and _has(self.resources, resource)


def _has(known: tuple[str, ...], wanted: str) -> bool:
    return "*" in known or wanted in known


def _rule(group: str, resources: str, verbs: tuple[str, ...]) -> Rule:
    return Rule(group, tuple(resources.split()), verbs)


_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")

_VIEW = (
    _rule(
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets"
        " replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
        _READ,
    ),
    _rule("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", _READ),
    _rule("batch", "cronjobs cronjobs/status jobs jobs/status", _READ),
    _rule("discovery.k8s.io", "endpointslices", _READ),
    _rule(
        "extensions",
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status"
        " networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
        _READ,
    ),
    _rule("networking.k8s.io", "ingresses ingresses/status networkpolicies", _READ),
    _rule("policy", "poddisruptionbudgets poddisruptionbudgets/status", _READ),
    _rule(
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers"
        " replicationcontrollers/scale serviceaccounts services services/status",
        _READ,
    ),
    _rule(
        "",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status"
        " resourcequotas resourcequotas/status",
        _READ,
    ),
    _rule("", "namespaces", _READ),
)

_EDIT = (
    *_VIEW,
    _rule(
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets"
        " statefulsets/scale",
        _WRITE,
    ),
    _rule("autoscaling", "horizontalpodautoscalers", _WRITE),
    _rule("batch", "cronjobs jobs", _WRITE),
    _rule(
        "extensions",
        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets"
        " replicasets/scale replicationcontrollers/scale",
        _WRITE,
    ),
    _rule("networking.k8s.io", "ingresses networkpolicies", _WRITE),
    _rule("policy", "poddisruptionbudgets", _WRITE),
    _rule("", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", _READ),
    _rule("", "serviceaccounts", ("impersonate",)),
    _rule("", "pods pods/attach pods/exec pods/portforward pods/proxy", _WRITE),
    _rule(
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets"
        " serviceaccounts services services/proxy",
        _WRITE,
    ),
)

_ADMIN = (
    *_EDIT,
    _rule("authorization.k8s.io", "localsubjectaccessreviews", ("create",)),
    _rule("rbac.authorization.k8s.io", "rolebindings roles", (*_WRITE, *_READ)),
)

POLICIES: dict[str, tuple[Rule, ...]] = {
    "AmazonEKSClusterAdminPolicy": (Rule("*", ("*",), ("*",), paths=("*",)),),
    "AmazonEKSAdminPolicy": _ADMIN,
    "AmazonEKSAdminViewPolicy": (Rule("*", ("*",), _READ),),
    "AmazonEKSEditPolicy": _EDIT,
    "AmazonEKSViewPolicy": _VIEW,
    "AmazonEKSAutoNodePolicy": (),
}


@dataclasses.dataclass(frozen=True)
class Association:
    """An access policy (its name or ARN) given to somebody, for the whole cluster or for namespaces.

    ``namespaces`` may hold wildcards; None means cluster scope.
    """

    policy: str
    namespaces: tuple[str, ...] | None = None

    def allows(self, wanted: Attributes) -> bool:
        rules = POLICIES[self.policy.rpartition("/")[2]]
        return self._in_scope(wanted.namespace) and any(rule.allows(wanted) for rule in rules)

    def _in_scope(self, namespace: str) -> bool:
        if self.namespaces is None:
            return True
        return bool(namespace) and any(fnmatch.fnmatchcase(namespace, each) for each in self.namespaces)


def authorize(associations: Iterable[Association], wanted: Attributes) -> Decision:
    """Allowed if any association allows it: access policies have no deny rules."""
    return Decision(any(association.allows(wanted) for association in associations))
