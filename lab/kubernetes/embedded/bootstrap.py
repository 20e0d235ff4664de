# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a new cluster."""

from __future__ import annotations

from lab.kubernetes.embedded.options import WriteOptions
from lab.kubernetes.embedded.registry import Registry
from lab.kubernetes.embedded.resources import NAMESPACE, SERVICE
from lab.kubernetes.embedded.services import CLUSTER_IPS

NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def fill(registry: Registry) -> None:
    """Make the namespaces, and the Service of the API server itself."""
    options = WriteOptions(manager="kube-apiserver")
    for name in NAMESPACES:
        registry.create(NAMESPACE, "", {"metadata": {"name": name}}, options)
    spec = {
        "clusterIP": str(CLUSTER_IPS[1]),
        "ports": [{"name": "https", "port": 443, "targetPort": 443}],
    }
    labels = {"component": "apiserver", "provider": "kubernetes"}
    registry.create(SERVICE, "default", {"metadata": {"name": "kubernetes", "labels": labels}, "spec": spec}, options)
