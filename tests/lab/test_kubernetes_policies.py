# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The permissions of EKS's access policies: samples from AWS's tables."""

from __future__ import annotations

import pytest

from lab.kubernetes.auth import Attributes
from lab.kubernetes.policies import Association, authorize

ARN_PREFIX = "arn:aws:eks::aws:cluster-access-policy/"


def allowed(association: Association, wanted: dict[str, str]) -> bool:
    return authorize([association], Attributes(**wanted)).allowed


@pytest.mark.parametrize(
    ("policy", "wanted", "expected"),
    [
        ("AmazonEKSViewPolicy", {"verb": "get", "resource": "services", "namespace": "a"}, True),
        ("AmazonEKSViewPolicy", {"verb": "get", "resource": "pods", "subresource": "log", "namespace": "a"}, True),
        ("AmazonEKSViewPolicy", {"verb": "get", "resource": "secrets", "namespace": "a"}, False),
        ("AmazonEKSViewPolicy", {"verb": "patch", "resource": "services", "namespace": "a"}, False),
        ("AmazonEKSEditPolicy", {"verb": "patch", "resource": "services", "namespace": "a"}, True),
        ("AmazonEKSEditPolicy", {"verb": "create", "group": "apps", "resource": "deployments", "namespace": "a"}, True),
        ("AmazonEKSEditPolicy", {"verb": "get", "resource": "secrets", "namespace": "a"}, True),
        ("AmazonEKSEditPolicy", {"verb": "patch", "resource": "services", "subresource": "status"}, False),
        ("AmazonEKSEditPolicy", {"verb": "create", "resource": "namespaces"}, False),
        ("AmazonEKSEditPolicy", {"verb": "list", "resource": "nodes"}, False),
        ("AmazonEKSEditPolicy", {"verb": "get", "group": "rbac.authorization.k8s.io", "resource": "roles"}, False),
        ("AmazonEKSAdminPolicy", {"verb": "create", "group": "rbac.authorization.k8s.io", "resource": "roles"}, True),
        ("AmazonEKSAdminPolicy", {"verb": "create", "resource": "namespaces"}, False),
        ("AmazonEKSAdminViewPolicy", {"verb": "list", "resource": "secrets"}, True),
        ("AmazonEKSAdminViewPolicy", {"verb": "delete", "resource": "secrets"}, False),
        ("AmazonEKSClusterAdminPolicy", {"verb": "create", "resource": "namespaces"}, True),
        ("AmazonEKSClusterAdminPolicy", {"verb": "get", "path": "/metrics"}, True),
        ("AmazonEKSAdminViewPolicy", {"verb": "get", "path": "/metrics"}, False),
        ("AmazonEKSAutoNodePolicy", {"verb": "get", "resource": "pods"}, False),
        (f"{ARN_PREFIX}AmazonEKSClusterAdminPolicy", {"verb": "create", "resource": "namespaces"}, True),
    ],
)
def test_policies_allow_what_their_tables_say(policy: str, wanted: dict[str, str], expected: bool) -> None:
    assert allowed(Association(policy), wanted) is expected


@pytest.mark.parametrize(
    ("scope", "namespace", "expected"),
    [
        (("petstore",), "petstore", True),
        (("petstore",), "petstore-2", False),
        (("pet*",), "petstore-2", True),
        (("petstore",), "", False),
        (None, "", True),
    ],
)
def test_a_namespace_scope_allows_nothing_outside(
    scope: tuple[str, ...] | None, namespace: str, expected: bool
) -> None:
    wanted = {"verb": "get", "resource": "pods", "namespace": namespace}
    assert allowed(Association("AmazonEKSClusterAdminPolicy", scope), wanted) is expected


def test_several_associations_add_up() -> None:
    both = [Association("AmazonEKSViewPolicy"), Association("AmazonEKSEditPolicy", ("mine",))]
    assert authorize(both, Attributes("get", resource="pods", namespace="others")).allowed
    assert authorize(both, Attributes("delete", resource="pods", namespace="mine")).allowed
    assert not authorize(both, Attributes("delete", resource="pods", namespace="others")).allowed
