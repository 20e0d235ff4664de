# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a cluster: its steps, their order and their requests."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.cluster import Cluster, Settings
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.cluster_plan import plan
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_eks import (
    CLUSTER_ROLE,
    NODE_ROLE,
    auto_mode,
    make_cluster,
)

ON = {
    "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
    "storageConfig": {"blockStorage": {"enabled": True}},
}
OFF = {
    "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": False}},
    "storageConfig": {"blockStorage": {"enabled": False}},
}
PRIVATE = {"endpointPublicAccess": False, "endpointPrivateAccess": True}


def steps(
    cluster: dict[str, t.Any] | None, options: dict[str, t.Any] | None, purge_tags: bool = True
) -> list[tuple[str, dict[str, t.Any]]]:
    """Actions and requests for a module's options (None: no cluster)."""
    unset = dict.fromkeys(field.name for field in dataclasses.fields(Settings))
    desired = None if options is None else Settings.of_options({**unset, **options})
    tags = Tags((options or {}).get("tags"), purge_tags)
    planned = plan("petstore", Cluster.of(cluster) if cluster else None, desired, tags)
    assert {step.subject for step in planned} <= {"petstore"}
    return [(step.action, json.loads(json.dumps(step.request))) for step in planned]


def with_vpc(**changes: t.Any) -> dict[str, t.Any]:
    return make_cluster(resourcesVpcConfig={**make_cluster()["resourcesVpcConfig"], **changes})


@pytest.mark.parametrize(
    ("cluster", "desired", "expected"),
    [
        pytest.param(make_cluster(), {}, [], id="unset options leave everything as it is"),
        pytest.param(make_cluster(), None, [("DeleteCluster", {})], id="delete"),
        pytest.param(None, None, [], id="delete what is not there"),
        pytest.param(
            make_cluster(),
            {"auto_mode": True, "node_pools": ["system"], "node_role_arn": NODE_ROLE},
            [
                (
                    "AutoModeUpdate",
                    {"computeConfig": {"enabled": True, "nodePools": ["system"], "nodeRoleArn": NODE_ROLE}, **ON},
                )
            ],
            id="Auto Mode on with pools",
        ),
        pytest.param(
            make_cluster(),
            {"auto_mode": True},
            [("AutoModeUpdate", {"computeConfig": {"enabled": True}, **ON})],
            id="Auto Mode on without pools",
        ),
        pytest.param(
            make_cluster(),
            {"auto_mode": True, "node_pools": [], "node_role_arn": NODE_ROLE},
            [("AutoModeUpdate", {"computeConfig": {"enabled": True}, **ON})],
            id="Auto Mode on, explicitly without pools: the role is of no use to AWS",
        ),
        pytest.param(
            make_cluster(**auto_mode(["system"])),
            {"auto_mode": False},
            [("AutoModeUpdate", {"computeConfig": {"enabled": False}, **OFF})],
            id="Auto Mode off",
        ),
        pytest.param(
            make_cluster(**auto_mode(["system"])),
            {"node_pools": ["general-purpose", "system"]},
            [
                (
                    "AutoModeUpdate",
                    {
                        "computeConfig": {
                            "enabled": True,
                            "nodePools": ["general-purpose", "system"],
                            "nodeRoleArn": NODE_ROLE,
                        },
                        **ON,
                    },
                )
            ],
            id="another pool, the role as it is",
        ),
        pytest.param(
            make_cluster(**auto_mode(["system"])),
            {"node_pools": []},
            [("AutoModeUpdate", {"computeConfig": {"enabled": True, "nodePools": []}, **ON})],
            id="no built-in pools any more",
        ),
        pytest.param(
            make_cluster(**auto_mode([])),
            {"auto_mode": True, "node_pools": ["system"], "node_role_arn": NODE_ROLE},
            [
                (
                    "AutoModeUpdate",
                    {"computeConfig": {"enabled": True, "nodePools": ["system"], "nodeRoleArn": NODE_ROLE}, **ON},
                )
            ],
            id="first built-in pools of a cluster with Auto Mode",
        ),
        pytest.param(
            make_cluster(accessConfig={"authenticationMode": "CONFIG_MAP"}),
            {"authentication_mode": "API"},
            [
                ("AccessConfigUpdate", {"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}}),
                ("AccessConfigUpdate", {"accessConfig": {"authenticationMode": "API"}}),
            ],
            id="authentication mode, one rung at a time",
        ),
        pytest.param(
            make_cluster(),
            {"version": "1.36"},
            [("VersionUpdate", {"version": "1.35"}), ("VersionUpdate", {"version": "1.36"})],
            id="version, one minor at a time",
        ),
        pytest.param(
            make_cluster(),
            {
                "endpoint_public_access": False,
                "endpoint_private_access": True,
                "public_access_cidrs": ["203.0.113.0/24"],
            },
            [("EndpointAccessUpdate", {"resourcesVpcConfig": PRIVATE})],
            id="private endpoint: the CIDRs of the public one don't matter",
        ),
        pytest.param(
            with_vpc(**PRIVATE),
            {"public_access_cidrs": ["203.0.113.0/24"]},
            [],
            id="CIDRs have no effect while there is no public endpoint",
        ),
        pytest.param(
            with_vpc(**PRIVATE, publicAccessCidrs=[]),
            {"endpoint_public_access": True},
            [
                (
                    "EndpointAccessUpdate",
                    {"resourcesVpcConfig": {"endpointPublicAccess": True, "endpointPrivateAccess": True}},
                )
            ],
            id="public endpoint again, with AWS's default CIDRs",
        ),
        pytest.param(
            make_cluster(),
            {"public_access_cidrs": ["203.0.113.0/24"]},
            [
                (
                    "EndpointAccessUpdate",
                    {
                        "resourcesVpcConfig": {
                            "endpointPublicAccess": True,
                            "endpointPrivateAccess": False,
                            "publicAccessCidrs": ["203.0.113.0/24"],
                        }
                    },
                )
            ],
            id="CIDRs alone",
        ),
        pytest.param(
            make_cluster(),
            {"subnet_ids": ["subnet-a", "subnet-c"], "security_group_ids": ["sg-1"]},
            [
                ("VpcConfigUpdate", {"resourcesVpcConfig": {"subnetIds": ["subnet-a", "subnet-c"]}}),
                ("VpcConfigUpdate", {"resourcesVpcConfig": {"securityGroupIds": ["sg-1"]}}),
            ],
            id="subnets and security groups are updates of their own",
        ),
        pytest.param(
            make_cluster(logging={"clusterLogging": [{"types": ["audit", "scheduler"], "enabled": True}]}),
            {"logging": ["api", "audit"]},
            [
                (
                    "LoggingUpdate",
                    {
                        "logging": {
                            "clusterLogging": [
                                {"types": ["api"], "enabled": True},
                                {"types": ["scheduler"], "enabled": False},
                            ]
                        }
                    },
                )
            ],
            id="logging on and off in one update",
        ),
        pytest.param(
            make_cluster(tags={"a": "1", "b": "2"}),
            {"tags": {"b": "3"}},
            [("TagResource", {"tags": {"b": "3"}}), ("UntagResource", {"tagKeys": ["a"]})],
            id="tags",
        ),
    ],
)
def test_plan(cluster: dict[str, t.Any] | None, desired: dict[str, t.Any] | None, expected: list[t.Any]) -> None:
    assert steps(cluster, desired) == expected


def test_order_of_everything_at_once() -> None:
    desired = {
        "tags": {"team": "infra"},
        "zonal_shift": True,
        "upgrade_policy": "STANDARD",
        "logging": ["api"],
        "endpoint_private_access": True,
        "security_group_ids": ["sg-1"],
        "subnet_ids": ["subnet-a", "subnet-c"],
        "auto_mode": True,
        "version": "1.36",
        "deletion_protection": True,
    }
    old = make_cluster(version="1.35", accessConfig={"authenticationMode": "CONFIG_MAP"})
    assert [action for action, _ in steps(old, desired)] == [
        "TagResource",
        "DeletionProtectionUpdate",
        "AccessConfigUpdate",
        "VersionUpdate",
        "AutoModeUpdate",
        "VpcConfigUpdate",
        "VpcConfigUpdate",
        "EndpointAccessUpdate",
        "LoggingUpdate",
        "UpgradePolicyUpdate",
        "ZonalShiftConfigUpdate",
    ]


def test_tags_are_kept_without_purge() -> None:
    assert steps(make_cluster(tags={"a": "1"}), {"tags": {}}, purge_tags=False) == []


def test_a_new_cluster_gets_every_option_in_one_call() -> None:
    [(action, request)] = steps(
        None,
        {
            "version": "1.36",
            "role_arn": CLUSTER_ROLE,
            "subnet_ids": ["subnet-a", "subnet-b"],
            "security_group_ids": ["sg-1"],
            "endpoint_public_access": True,
            "endpoint_private_access": True,
            "public_access_cidrs": ["203.0.113.0/24"],
            "authentication_mode": "API_AND_CONFIG_MAP",
            "logging": ["api"],
            "upgrade_policy": "STANDARD",
            "deletion_protection": True,
            "zonal_shift": True,
            "tags": {},
        },
    )
    assert action == "CreateCluster"
    assert request == {
        "version": "1.36",
        "roleArn": CLUSTER_ROLE,
        "resourcesVpcConfig": {
            "subnetIds": ["subnet-a", "subnet-b"],
            "securityGroupIds": ["sg-1"],
            "endpointPublicAccess": True,
            "endpointPrivateAccess": True,
            "publicAccessCidrs": ["203.0.113.0/24"],
        },
        "accessConfig": {
            "authenticationMode": "API_AND_CONFIG_MAP",
            "bootstrapClusterCreatorAdminPermissions": False,
        },
        "logging": {"clusterLogging": [{"types": ["api"], "enabled": True}]},
        "upgradePolicy": {"supportType": "STANDARD"},
        "deletionProtection": True,
        "zonalShiftConfig": {"enabled": True},
    }


NEW = {"role_arn": CLUSTER_ROLE, "subnet_ids": ["subnet-a", "subnet-b"]}


@pytest.mark.parametrize(
    ("cluster", "desired", "message"),
    [
        (None, {}, "creating it needs role_arn and subnet_ids"),
        (None, {**NEW, "node_pools": ["system"]}, "node_pools: built-in node pools exist in Auto Mode only"),
        (None, {**NEW, "auto_mode": True, "node_pools": ["system"]}, "node_role_arn: the built-in node_pools need it"),
        (None, {**NEW, "auto_mode": True, "node_role_arn": NODE_ROLE}, "node_pools: needed along with node_role_arn"),
        (None, {**NEW, "endpoint_public_access": False}, "the cluster needs at least one of the two"),
        (make_cluster(), {"node_pools": ["system"]}, "set auto_mode: true"),
        (
            make_cluster(),
            {"auto_mode": True, "node_pools": ["system"]},
            "node_role_arn: the built-in node_pools need it",
        ),
        (make_cluster(**auto_mode([])), {"node_pools": ["system"]}, "node_role_arn: the built-in node_pools need it"),
        (make_cluster(version="1.36"), {"version": "1.35"}, "no downgrade"),
        (make_cluster(deletionProtection=True), None, "deletion_protection: false"),
    ],
)
def test_refused(cluster: dict[str, t.Any] | None, desired: dict[str, t.Any] | None, message: str) -> None:
    with pytest.raises(SeamError) as refusal:
        steps(cluster, desired)
    assert message in refusal.value.message


def test_another_node_role_is_fine_once_auto_mode_is_off_or_goes_off() -> None:
    cluster = make_cluster(**auto_mode(["system"]))
    assert [action for action, _ in steps(cluster, {"auto_mode": False, "node_role_arn": f"{NODE_ROLE}-2"})] == [
        "AutoModeUpdate"
    ]
    assert steps(make_cluster(), {"node_role_arn": NODE_ROLE}) == []
