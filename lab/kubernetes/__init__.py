# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes side of the lab: one API server for each EKS cluster."""

from __future__ import annotations

import os

from lab.faults import Faults
from lab.kubernetes.api_server import ApiServer, ReadLog
from lab.kubernetes.auth import Authenticate, Authorize
from lab.settings import Settings

__all__ = ["ApiServer", "start"]


async def start(
    settings: Settings,
    cluster_name: str,
    version: str,
    authenticate: Authenticate,
    authorize: Authorize,
    read_log: ReadLog | None = None,
    faults: Faults | None = None,
) -> ApiServer:
    """Start the API server of a cluster of the given Kubernetes version (such as "1.36").

    With KUBEBUILDER_ASSETS set (the envtest convention) it is the kube-apiserver and etcd in that folder, else the
    lab's own. ``read_log`` serves "kubectl logs", ``faults`` hit requests (both in the lab's own server only). Its files
    are in the settings' folder, among them the audit log.
    """
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        from lab.kubernetes import external

        return await external.start(settings, cluster_name, assets, authenticate, authorize)
    from lab.kubernetes import embedded

    return await embedded.start(settings.folder, cluster_name, version, authenticate, authorize, read_log, faults)
