# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it takes to make one cluster another: pure, an ordered list of steps, one call each."""

from __future__ import annotations

import typing as t

from .options import require
from .transformations import Settings, Step, tag_steps

# AWS goes up this ladder one rung at a time, never down
# ("Unsupported authentication mode update from CONFIG_MAP to API": https://github.com/pulumi/pulumi-eks/issues/1493).
AUTHENTICATION_MODES = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]


def plan(current: Settings | None, desired: Settings | None, purge_tags: bool = True) -> list[Step]:
    """The changes that make ``current`` (None: no cluster) ``desired`` (None: no cluster), in order.

    The order is what AWS's rules ask for: protection early, access entries before Auto Mode, versions before Auto Mode
    (which needs 1.29) and before the upgrade policy (which can't be STANDARD in extended support).
    Raises :class:`AnsibleEksError` for what can't be done, all of it before any change.
    """
    if desired is None:
        return _plan_deletion(current)
    if current is None:
        return _plan_creation(desired)
    _refuse_the_impossible(current, desired)
    goal = {**current, **desired}
    return [
        *tag_steps(current["tags"], desired.get("tags"), purge_tags),
        *_switch("DeletionProtectionUpdate", current, goal, "deletion_protection", _deletion_protection),
        *_authentication_steps(current, goal),
        *_version_steps(current, goal),
        *_auto_mode_steps(current, goal),
        *_switch("VpcConfigUpdate", current, goal, "subnet_ids", _subnets),
        *_switch("VpcConfigUpdate", current, goal, "security_group_ids", _security_groups),
        *_endpoint_steps(current, goal),
        *_logging_steps(current, goal),
        *_switch("UpgradePolicyUpdate", current, goal, "upgrade_policy", _upgrade_policy),
        *_switch("ZonalShiftConfigUpdate", current, goal, "zonal_shift", _zonal_shift),
    ]


def _plan_deletion(current: Settings | None) -> list[Step]:
    if current is None:
        return []
    require(
        not current["deletion_protection"],
        "The cluster is protected from deletion. To delete it, first run with state: present and "
        "deletion_protection: false, then with state: absent.",
    )
    return [Step("DeleteCluster")]


def _plan_creation(desired: Settings) -> list[Step]:
    missing = [name for name in ("role_arn", "subnet_ids") if name not in desired]
    require(not missing, f"There is no such cluster yet; creating it needs {' and '.join(missing)}.")
    auto_mode = desired.get("auto_mode", False)
    _require_consistent_pools(auto_mode, desired)
    _require_an_endpoint({"endpoint_public_access": True, "endpoint_private_access": False, **desired})
    vpc = {
        "subnetIds": desired["subnet_ids"],
        "securityGroupIds": desired.get("security_group_ids"),
        "endpointPublicAccess": desired.get("endpoint_public_access"),
        "endpointPrivateAccess": desired.get("endpoint_private_access"),
        "publicAccessCidrs": desired.get("public_access_cidrs"),
    }
    request = {
        "roleArn": desired["role_arn"],
        "resourcesVpcConfig": {key: value for key, value in vpc.items() if value is not None},
        # Whoever creates the cluster has no business in it: access is given by access entries alone.
        "accessConfig": {
            "authenticationMode": desired.get("authentication_mode", "API"),
            "bootstrapClusterCreatorAdminPermissions": False,
        },
    }
    if auto_mode:
        request |= _auto_mode(True, desired.get("node_pools"), desired.get("node_role_arn"))
        request["bootstrapSelfManagedAddons"] = False
    if desired.get("logging"):
        request["logging"] = {"clusterLogging": [{"types": desired["logging"], "enabled": True}]}
    if desired.get("tags"):
        request["tags"] = desired["tags"]
    for name, build in (
        ("version", _version),
        ("upgrade_policy", _upgrade_policy),
        ("deletion_protection", _deletion_protection),
        ("zonal_shift", _zonal_shift),
    ):
        if name in desired:
            request |= build(desired[name])
    return [Step("CreateCluster", request)]


def _refuse_the_impossible(current: Settings, desired: Settings) -> None:
    goal = {**current, **desired}
    require(
        goal["role_arn"] == current["role_arn"],
        f"role_arn: can't be changed on an existing cluster, where it is {current['role_arn']}.",
    )
    require(
        not (current["auto_mode"] and goal["auto_mode"] and current["node_role_arn"])
        or goal["node_role_arn"] == current["node_role_arn"],
        f"node_role_arn: can't be changed while Auto Mode is on, where it is {current['node_role_arn']}.",
    )
    require(
        minor(goal["version"]) >= minor(current["version"]),
        f"version: the cluster has {current['version']}, and there is no downgrade to {goal['version']}.",
    )
    require(
        _rung(goal) >= _rung(current),
        f"authentication_mode: there is no way back from {current['authentication_mode']} "
        f"to {goal['authentication_mode']}.",
    )
    _require_an_endpoint(goal)
    stays_on = current["auto_mode"] and goal["auto_mode"]
    _require_consistent_pools(goal["auto_mode"], goal if stays_on else desired)


def _require_an_endpoint(goal: Settings) -> None:
    require(
        goal["endpoint_public_access"] or goal["endpoint_private_access"],
        "endpoint_public_access and endpoint_private_access: the cluster needs at least one of the two.",
    )


def _require_consistent_pools(auto_mode: bool, given: Settings) -> None:
    """Built-in node pools and the role of their nodes come together, and with Auto Mode only."""
    pools, role = given.get("node_pools"), given.get("node_role_arn")
    require(auto_mode or not pools, "node_pools: built-in node pools exist in Auto Mode only; set auto_mode: true.")
    if auto_mode:
        require(role or not pools, "node_role_arn: the built-in node_pools need it.")
        require(
            pools is not None or not role, "node_pools: needed along with node_role_arn (an empty list means none)."
        )


def _switch(
    action: str, current: Settings, goal: Settings, name: str, build: t.Callable[[t.Any], dict[str, t.Any]]
) -> list[Step]:
    """One step if this one setting differs."""
    return [] if goal[name] == current[name] else [Step(action, build(goal[name]))]


def _version(version: str) -> dict[str, t.Any]:
    return {"version": version}


def _deletion_protection(enabled: bool) -> dict[str, t.Any]:
    return {"deletionProtection": enabled}


def _zonal_shift(enabled: bool) -> dict[str, t.Any]:
    return {"zonalShiftConfig": {"enabled": enabled}}


def _upgrade_policy(support_type: str) -> dict[str, t.Any]:
    return {"upgradePolicy": {"supportType": support_type}}


def _subnets(ids: list[str]) -> dict[str, t.Any]:
    return {"resourcesVpcConfig": {"subnetIds": ids}}


def _security_groups(ids: list[str]) -> dict[str, t.Any]:
    return {"resourcesVpcConfig": {"securityGroupIds": ids}}


def _authentication_steps(current: Settings, goal: Settings) -> list[Step]:
    # Auto Mode's nodes join through access entries.
    lowest = 1 if goal["auto_mode"] else 0
    rungs = range(_rung(current) + 1, max(_rung(goal), lowest) + 1)
    return [
        Step("AccessConfigUpdate", {"accessConfig": {"authenticationMode": AUTHENTICATION_MODES[rung]}})
        for rung in rungs
    ]


def _version_steps(current: Settings, goal: Settings) -> list[Step]:
    major, first = minor(current["version"])
    last = minor(goal["version"])[1]
    return [Step("VersionUpdate", _version(f"{major}.{number}")) for number in range(first + 1, last + 1)]


def _auto_mode_steps(current: Settings, goal: Settings) -> list[Step]:
    if goal["auto_mode"] and goal["node_pools"] != current["node_pools"]:
        return [Step("AutoModeUpdate", _auto_mode(True, goal["node_pools"], goal["node_role_arn"]))]
    if goal["auto_mode"] != current["auto_mode"]:
        return [Step("AutoModeUpdate", _auto_mode(goal["auto_mode"]))]
    return []


def _auto_mode(enabled: bool, pools: list[str] | None = None, node_role: str | None = None) -> dict[str, t.Any]:
    """Auto Mode's part of a request: always all three switches, and node pools together with their role.

    https://docs.aws.amazon.com/eks/latest/userguide/auto-enable-existing.html and set-builtin-node-pools.html
    """
    compute: dict[str, t.Any] = {"enabled": enabled}
    if pools is not None:
        compute["nodePools"] = pools
    if pools:
        compute["nodeRoleArn"] = node_role
    return {
        "computeConfig": compute,
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": enabled}},
        "storageConfig": {"blockStorage": {"enabled": enabled}},
    }


def _endpoint_steps(current: Settings, goal: Settings) -> list[Step]:
    names = ["endpoint_public_access", "endpoint_private_access"]
    if goal["endpoint_public_access"]:
        names.append("public_access_cidrs")
    if all(goal[name] == current[name] for name in names):
        return []
    access = {
        "endpointPublicAccess": goal["endpoint_public_access"],
        "endpointPrivateAccess": goal["endpoint_private_access"],
    }
    if goal["endpoint_public_access"] and goal["public_access_cidrs"]:
        access["publicAccessCidrs"] = goal["public_access_cidrs"]
    return [Step("EndpointAccessUpdate", {"resourcesVpcConfig": access})]


def _logging_steps(current: Settings, goal: Settings) -> list[Step]:
    wanted, seen = set(goal["logging"]), set(current["logging"])
    setups = [
        {"types": sorted(types), "enabled": enabled}
        for types, enabled in ((wanted - seen, True), (seen - wanted, False))
        if types
    ]
    return [Step("LoggingUpdate", {"logging": {"clusterLogging": setups}})] if setups else []


def minor(version: str) -> tuple[int, int]:
    """A version such as 1.36, to compare."""
    major, minor = version.split(".")
    return int(major), int(minor)


def _rung(settings: Settings) -> int:
    return AUTHENTICATION_MODES.index(settings["authentication_mode"])
