# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kubeconfig for a cluster. Pure."""

from __future__ import annotations

import typing as t

from .._core.errors import require
from .cluster import Resource, is_reachable


def kubeconfig(cluster: Resource, token: str) -> dict[str, t.Any]:
    """A kubeconfig for a cluster as DescribeCluster shows it, its entries named by the cluster's ARN.

    kubernetes.core treats the whole kubeconfig as secret: Ansible strikes every value in it from the results of its
    modules. So it holds nothing that results are likely to hold: no bare cluster name (often a namespace's as well),
    and neither ``apiVersion: v1`` nor ``kind``. Clients need none of these.

    Raises :class:`.._core.errors.SeamError` while the cluster can't be talked to.
    """
    require(
        is_reachable(cluster),
        f"EKS cluster {cluster['name']} is {cluster['status']}, so there is no Kubernetes API to talk to. "
        "Let seam.eks_auto.eks_cluster (state: present, wait: true) finish first.",
    )
    name = cluster["arn"]
    access = {
        "server": cluster["endpoint"],
        "certificate-authority-data": cluster["certificateAuthority"]["data"],
    }
    return {
        "clusters": [{"name": name, "cluster": access}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
