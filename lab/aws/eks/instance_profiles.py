# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The instance profile that Auto Mode makes for the nodes of built-in node pools. It outlives the cluster.

For some minutes it still holds the node role: https://github.com/aws/containers-roadmap/issues/2531
"""

from __future__ import annotations

import secrets

from lab.aws import partitions
from lab.aws.eks.cluster import Cluster


def follow_node_role(cluster: Cluster) -> None:
    """Make the profile, if there is a node role and none yet."""
    iam = partitions.iam(cluster.region)
    arn = cluster.info["computeConfig"].get("nodeRoleArn")
    role = next((role.name for role in iam.roles.values() if role.arn == arn), None)
    if role and not _of(cluster):
        name = f"{_prefix(cluster)}{secrets.randbelow(10**20):020}"
        iam.create_instance_profile(name, "/", [role], [])


def remove(cluster: Cluster) -> None:
    """Remove whatever is left of it."""
    iam = partitions.iam(cluster.region)
    for name in _of(cluster):
        del iam.instance_profiles[name]


def _of(cluster: Cluster) -> list[str]:
    own = (name.removeprefix(_prefix(cluster)) for name in partitions.iam(cluster.region).instance_profiles)
    return [_prefix(cluster) + number for number in own if number.isdecimal()]


def _prefix(cluster: Cluster) -> str:
    return f"eks-{cluster.region}-{cluster.name}-"
