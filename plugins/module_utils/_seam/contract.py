# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract between the teams, and the tags by which we find our resources. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

#: Marks what serves one contract: its VPC links.
CONTRACT_TAG = "seam.eks_auto/contract"
#: Marks what belongs to one API: REST API, usage plan, key, and what its links V2 need.
API_TAG = "seam.eks_auto/api"
#: Our objects in Kubernetes carry this label. Nothing without it is changed or deleted.
OWN_LABEL = {"app.kubernetes.io/managed-by": "seam.eks_auto"}
#: Marks what belongs to one cluster: itself, its IAM roles, and who may enter.
OWN_CLUSTER_TAG = "seam.eks_auto/cluster"


@dataclass(frozen=True)
class Contract:
    """All that the two teams share: three names."""

    cluster: str
    namespace: str
    service: str

    #: As modules take it.
    ARGUMENT: t.ClassVar[dict[str, t.Any]] = {
        "type": "dict",
        "options": {name: {"type": "str", "required": True} for name in ("cluster", "namespace", "service")},
    }

    @property
    def stack(self) -> str:
        """The Service as Auto Mode's tags name it."""
        return f"{self.namespace}/{self.service}"

    @property
    def tags(self) -> dict[str, str]:
        """The ownership tags of what serves this contract."""
        return {CONTRACT_TAG: f"{self.cluster}/{self.stack}"}

    @classmethod
    def of_tags(cls, tags: t.Mapping[str, str]) -> Contract | None:
        """The contract that ownership tags name, or None."""
        parts = tags.get(CONTRACT_TAG, "").split("/")
        return cls(*parts) if len(parts) == 3 else None

    def __str__(self) -> str:
        return f"{self.stack} in cluster {self.cluster}"


def api_tags(name: str) -> dict[str, str]:
    """The ownership tags of what belongs to the API of this name."""
    return {API_TAG: name}


def cluster_tags(name: str) -> dict[str, str]:
    """The ownership tags of the cluster of this name, and of what is made for it."""
    return {OWN_CLUSTER_TAG: name}
