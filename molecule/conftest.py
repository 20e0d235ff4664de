# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients for the scenarios' verify.py. They share no code with the collection.

In the lab they use the lab's administrator and its kubeconfig; elsewhere your own AWS environment and kubeconfig, with a
context named like the cluster (aws eks update-kubeconfig --name CLUSTER --alias CLUSTER).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest


def lab_folder() -> Path | None:
    """The lab's folder, unless the scenario runs in another account."""
    return None if os.environ.get("SEAM_INVENTORY") else Path(os.environ["SEAM_LAB_FOLDER"])


@pytest.fixture(scope="session")
def lab() -> dict[str, Any]:
    """The lab's own description (lab.json); empty in another account."""
    folder = lab_folder()
    facts: dict[str, Any] = json.loads((folder / "lab.json").read_text()) if folder else {}
    return facts


@pytest.fixture(scope="session")
def aws(lab: dict[str, Any]) -> Callable[[str], Any]:
    """Makes boto3's client of a service."""
    if not lab:
        return boto3.client
    admin = lab["credentials"]["admin"]
    session = boto3.Session(admin["access_key"], admin["secret_key"], admin["session_token"], lab["region"])
    return lambda service: session.client(service, endpoint_url=lab["aws_endpoint_url"])


@pytest.fixture(scope="session")
def core_v1() -> Callable[[str], Any]:
    """Makes Kubernetes' own client of a cluster, for the core API."""
    # It takes a second to load, which most scenarios can do without.
    import kubernetes

    folder = lab_folder()
    kubeconfig = str(folder / "kubeconfig") if folder else None
    return lambda cluster: kubernetes.client.CoreV1Api(
        kubernetes.config.new_client_from_config(kubeconfig, context=cluster)
    )
