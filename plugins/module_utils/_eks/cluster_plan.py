# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for a cluster: an ordered list of steps, one call each. Pure."""

from __future__ import annotations

import typing as t

from .._core.errors import require
from .._core.steps import Step
from .._core.tags import Tags
from .cluster import Cluster, Settings

# AWS goes up this ladder one rung at a time, never down
# ("Unsupported authentication mode update from CONFIG_MAP to API": https://github.com/pulumi/pulumi-eks/issues/1493).
AUTHENTICATION_MODES = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]

Request = dict[str, t.Any]
# AWS's type of an update, and what it is given.
Update = tuple[str, Request]


def plan(name: str, current: Cluster | None, desired: Settings | None, tags: Tags) -> list[Step]:
    """The changes that make ``current`` (None: no cluster) ``desired`` (None: no cluster), in order.

    The order follows AWS's rules: protection early, access entries before Auto Mode, versions before Auto Mode (needs
    1.29) and before the upgrade policy (can't be STANDARD in extended support).
    Raises :class:`.._core.errors.SeamError` for what can't be done, all of it before any change.
    """
    if desired is None:
        return _plan_deletion(name, current)
    if current is None:
        return [Step("CreateCluster", name, _creation(desired, tags))]
    goal = current.becoming(desired)
    _refuse_the_impossible(current, goal, desired)
    updates = [
        *_setting("DeletionProtectionUpdate", current, goal, "deletion_protection", _deletion_protection),
        *_authentication_updates(current, goal),
        *_version_updates(current, goal),
        *_auto_mode_updates(current, goal),
        *_setting("VpcConfigUpdate", current, goal, "subnet_ids", _subnets),
        *_setting("VpcConfigUpdate", current, goal, "security_group_ids", _security_groups),
        *_endpoint_updates(current, goal),
        *_logging_updates(current, goal),
        *_setting("UpgradePolicyUpdate", current, goal, "upgrade_policy", _upgrade_policy),
        *_setting("ZonalShiftConfigUpdate", current, goal, "zonal_shift", _zonal_shift),
    ]
    return [*tags.steps(name, current.tags), *(_step(name, *update) for update in updates)]


def _step(name: str, kind: str, request: Request) -> Step:
    operation = "UpdateClusterVersion" if kind == "VersionUpdate" else "UpdateClusterConfig"
    return Step(kind, name, request, operation)


def _plan_deletion(name: str, current: Cluster | None) -> list[Step]:
    if current is None:
        return []
    require(
        not current.deletion_protection,
        "The cluster is protected from deletion. To delete it, first run with state: present and "
        "deletion_protection: false, then with state: absent.",
    )
    return [Step("DeleteCluster", name)]


def _creation(desired: Settings, tags: Tags) -> Request:
    missing = [option for option in ("role_arn", "subnet_ids") if option not in desired.given]
    require(not missing, f"There is no such cluster yet; creating it needs {' and '.join(missing)}.")
    _require_consistent_pools(bool(desired.auto_mode), desired)
    # What EKS has for a new cluster: on and off.
    _require_an_endpoint(desired.endpoint_public_access is not False, bool(desired.endpoint_private_access))
    vpc = {
        "subnetIds": desired.subnet_ids,
        "securityGroupIds": desired.security_group_ids,
        "endpointPublicAccess": desired.endpoint_public_access,
        "endpointPrivateAccess": desired.endpoint_private_access,
        "publicAccessCidrs": desired.public_access_cidrs,
    }
    request: Request = {
        "roleArn": desired.role_arn,
        "resourcesVpcConfig": {key: value for key, value in vpc.items() if value is not None},
        # The creator gets no access by creating: access entries alone give it.
        "accessConfig": {
            "authenticationMode": desired.authentication_mode or "API",
            "bootstrapClusterCreatorAdminPermissions": False,
        },
    }
    if desired.auto_mode:
        request |= _auto_mode(True, desired.node_pools, desired.node_role_arn)
        request["bootstrapSelfManagedAddons"] = False
    if desired.logging:
        request["logging"] = {"clusterLogging": [{"types": desired.logging, "enabled": True}]}
    if tags.at_creation:
        request["tags"] = tags.at_creation
    for option, build in (
        ("version", _version),
        ("upgrade_policy", _upgrade_policy),
        ("deletion_protection", _deletion_protection),
        ("zonal_shift", _zonal_shift),
    ):
        if option in desired.given:
            request |= build(desired.given[option])
    return request


def _refuse_the_impossible(current: Cluster, goal: Cluster, desired: Settings) -> None:
    require(
        goal.role_arn == current.role_arn,
        f"role_arn: can't be changed on an existing cluster, where it is {current.role_arn}.",
    )
    stays_on = current.auto_mode and goal.auto_mode
    require(
        not (stays_on and current.node_role_arn) or goal.node_role_arn == current.node_role_arn,
        f"node_role_arn: can't be changed while Auto Mode is on, where it is {current.node_role_arn}.",
    )
    require(
        minor(goal.version) >= minor(current.version),
        f"version: the cluster has {current.version}, and there is no downgrade to {goal.version}.",
    )
    require(
        _rung(goal) >= _rung(current),
        f"authentication_mode: there is no way back from {current.authentication_mode} to {goal.authentication_mode}.",
    )
    _require_an_endpoint(goal.endpoint_public_access, goal.endpoint_private_access)
    _require_consistent_pools(goal.auto_mode, goal if stays_on else desired)


def _require_an_endpoint(public: bool | None, private: bool | None) -> None:
    require(
        public or private,
        "endpoint_public_access and endpoint_private_access: the cluster needs at least one of the two.",
    )


def _require_consistent_pools(auto_mode: bool, asked: Settings) -> None:
    """Built-in node pools and the role of their nodes come together, and with Auto Mode only."""
    pools, role = asked.node_pools, asked.node_role_arn
    require(auto_mode or not pools, "node_pools: built-in node pools exist in Auto Mode only; set auto_mode: true.")
    if auto_mode:
        require(role or not pools, "node_role_arn: the built-in node_pools need it.")
        require(
            pools is not None or not role, "node_pools: needed along with node_role_arn (an empty list means none)."
        )


def _setting(
    kind: str, current: Cluster, goal: Cluster, name: str, build: t.Callable[[t.Any], Request]
) -> list[Update]:
    """One update if this one setting differs."""
    value = getattr(goal, name)
    return [] if value == getattr(current, name) else [(kind, build(value))]


def _version(version: str) -> Request:
    return {"version": version}


def _deletion_protection(enabled: bool) -> Request:
    return {"deletionProtection": enabled}


def _zonal_shift(enabled: bool) -> Request:
    return {"zonalShiftConfig": {"enabled": enabled}}


def _upgrade_policy(support_type: str) -> Request:
    return {"upgradePolicy": {"supportType": support_type}}


def _subnets(ids: tuple[str, ...]) -> Request:
    return {"resourcesVpcConfig": {"subnetIds": ids}}


def _security_groups(ids: tuple[str, ...]) -> Request:
    return {"resourcesVpcConfig": {"securityGroupIds": ids}}


def _authentication_updates(current: Cluster, goal: Cluster) -> list[Update]:
    # Auto Mode's nodes join through access entries.
    lowest = 1 if goal.auto_mode else 0
    rungs = range(_rung(current) + 1, max(_rung(goal), lowest) + 1)
    return [
        ("AccessConfigUpdate", {"accessConfig": {"authenticationMode": AUTHENTICATION_MODES[rung]}}) for rung in rungs
    ]


def _version_updates(current: Cluster, goal: Cluster) -> list[Update]:
    major, first = minor(current.version)
    last = minor(goal.version)[1]
    return [("VersionUpdate", _version(f"{major}.{number}")) for number in range(first + 1, last + 1)]


def _auto_mode_updates(current: Cluster, goal: Cluster) -> list[Update]:
    if goal.auto_mode and goal.node_pools != current.node_pools:
        return [("AutoModeUpdate", _auto_mode(True, goal.node_pools, goal.node_role_arn))]
    if goal.auto_mode != current.auto_mode:
        return [("AutoModeUpdate", _auto_mode(goal.auto_mode))]
    return []


def _auto_mode(enabled: bool, pools: tuple[str, ...] | None = None, node_role: str | None = None) -> Request:
    """Auto Mode's part of a request: always all three switches, and node pools together with their role.

    https://docs.aws.amazon.com/eks/latest/userguide/auto-enable-existing.html and set-builtin-node-pools.html
    """
    compute: Request = {"enabled": enabled}
    if pools is not None:
        compute["nodePools"] = pools
    if pools:
        compute["nodeRoleArn"] = node_role
    return {
        "computeConfig": compute,
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": enabled}},
        "storageConfig": {"blockStorage": {"enabled": enabled}},
    }


def _endpoint_updates(current: Cluster, goal: Cluster) -> list[Update]:
    names = ["endpoint_public_access", "endpoint_private_access"]
    if goal.endpoint_public_access:
        names.append("public_access_cidrs")
    if all(getattr(goal, name) == getattr(current, name) for name in names):
        return []
    access: Request = {
        "endpointPublicAccess": goal.endpoint_public_access,
        "endpointPrivateAccess": goal.endpoint_private_access,
    }
    if goal.endpoint_public_access and goal.public_access_cidrs:
        access["publicAccessCidrs"] = goal.public_access_cidrs
    return [("EndpointAccessUpdate", {"resourcesVpcConfig": access})]


def _logging_updates(current: Cluster, goal: Cluster) -> list[Update]:
    wanted, seen = set(goal.logging), set(current.logging)
    setups = [
        {"types": sorted(types), "enabled": enabled}
        for types, enabled in ((wanted - seen, True), (seen - wanted, False))
        if types
    ]
    return [("LoggingUpdate", {"logging": {"clusterLogging": setups}})] if setups else []


def minor(version: str) -> tuple[int, int]:
    """A version such as 1.36, to compare."""
    major, minor = version.split(".")
    return int(major), int(minor)


def _rung(cluster: Cluster) -> int:
    return AUTHENTICATION_MODES.index(cluster.authentication_mode)
