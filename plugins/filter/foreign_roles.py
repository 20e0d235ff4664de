# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: IAM roles -> the names of those that were not made for a cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import OWN_CLUSTER_TAG

# Version 1.0.0 did not tag its roles. It described them so, and named the cluster after it.
CLUSTER_DESCRIPTION = "EKS Auto Mode cluster"
NODE_DESCRIPTION = "Nodes of EKS Auto Mode cluster"


def foreign_roles(roles: list[dict[str, t.Any]], cluster_name: str) -> list[str]:
    """See foreign_roles.yml."""
    return sorted(role["role_name"] for role in roles if not _is_own(role, cluster_name))


def _is_own(role: dict[str, t.Any], cluster_name: str) -> bool:
    owner = role.get("tags", {}).get(OWN_CLUSTER_TAG)
    if owner is not None:
        return owner == cluster_name
    what, _space, of_cluster = role.get("description", "").rpartition(" ")
    return what in (CLUSTER_DESCRIPTION, NODE_DESCRIPTION) and of_cluster == cluster_name


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"foreign_roles": foreign_roles}
