# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster as a plan sees it: its state, and the state that options ask for. Pure."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

Resource = dict[str, t.Any]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that ``eks_cluster`` manages besides tags, in the terms of its options. None: not asked for."""

    version: str | None = None
    role_arn: str | None = None
    auto_mode: bool | None = None
    node_pools: tuple[str, ...] | None = None
    node_role_arn: str | None = None
    subnet_ids: tuple[str, ...] | None = None
    security_group_ids: tuple[str, ...] | None = None
    endpoint_public_access: bool | None = None
    endpoint_private_access: bool | None = None
    public_access_cidrs: tuple[str, ...] | None = None
    authentication_mode: str | None = None
    logging: tuple[str, ...] | None = None
    upgrade_policy: str | None = None
    deletion_protection: bool | None = None
    zonal_shift: bool | None = None

    @classmethod
    def of_options(cls, params: t.Mapping[str, t.Any]) -> Settings:
        """Out of a module's options. The order of lists doesn't matter."""
        given: dict[str, t.Any] = {}
        for each in dataclasses.fields(Settings):
            value = params[each.name]
            given[each.name] = _ordered(value) if isinstance(value, list) else value
        return cls(**given)

    @property
    def given(self) -> dict[str, t.Any]:
        """What is asked for."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Cluster(Settings):
    """What a cluster is."""

    version: str
    role_arn: str
    auto_mode: bool
    node_pools: tuple[str, ...]
    authentication_mode: str
    logging: tuple[str, ...]
    deletion_protection: bool
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cluster: Resource) -> Cluster:
        """Out of what DescribeCluster answers."""
        vpc = cluster["resourcesVpcConfig"]
        compute = cluster.get("computeConfig") or {}
        log_setups = (cluster.get("logging") or {}).get("clusterLogging", [])
        return cls(
            version=cluster["version"],
            role_arn=cluster["roleArn"],
            auto_mode=bool(compute.get("enabled")),
            node_pools=_ordered(compute.get("nodePools", [])),
            node_role_arn=compute.get("nodeRoleArn"),
            subnet_ids=_ordered(vpc.get("subnetIds", [])),
            security_group_ids=_ordered(vpc.get("securityGroupIds", [])),
            endpoint_public_access=vpc.get("endpointPublicAccess", False),
            endpoint_private_access=vpc.get("endpointPrivateAccess", False),
            public_access_cidrs=_ordered(vpc.get("publicAccessCidrs", [])),
            # Clusters from before access entries may not show a mode.
            authentication_mode=(cluster.get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP"),
            logging=_ordered(kind for setup in log_setups if setup.get("enabled") for kind in setup.get("types", [])),
            upgrade_policy=(cluster.get("upgradePolicy") or {}).get("supportType"),
            # https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html
            deletion_protection=bool(cluster.get("deletionProtection")) and cluster["status"] != "FAILED",
            zonal_shift=bool((cluster.get("zonalShiftConfig") or {}).get("enabled")),
            tags=dict(cluster.get("tags", {})),
        )

    def becoming(self, desired: Settings) -> Cluster:
        """The cluster once it is what is asked for."""
        return dataclasses.replace(self, **desired.given)


def is_reachable(cluster: Resource | None) -> bool:
    """Whether there is a Kubernetes API to talk to. An update does not interrupt it."""
    return cluster is not None and cluster["status"] in ("ACTIVE", "UPDATING")


def _ordered(values: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
