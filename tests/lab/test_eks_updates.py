# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's updates: one kind a call, one at a time, and the effect of each."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running_lab import ACCOUNT, RunningLab, eventually

ON: dict[str, Any] = {
    "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
    "storageConfig": {"blockStorage": {"enabled": True}},
}
OFF: dict[str, Any] = {
    "computeConfig": {"enabled": False},
    "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": False}},
    "storageConfig": {"blockStorage": {"enabled": False}},
}


@pytest.fixture(scope="module")
def cluster(lab: RunningLab) -> str:
    """A cluster of an older version, with Auto Mode."""
    lab.create_cluster("petstore", version="1.34")
    return "petstore"


@pytest.fixture(scope="module")
def plain(lab: RunningLab) -> str:
    """A cluster without Auto Mode, with the SDK's defaults."""
    eks = lab.client("eks")
    role = lab.role("plain-cluster", "eks.amazonaws.com")
    eks.create_cluster(name="plain", roleArn=role, resourcesVpcConfig={"subnetIds": lab.subnets()[:2]})
    eventually(lambda: eks.describe_cluster(name="plain")["cluster"]["status"], lambda it: it == "ACTIVE")
    return "plain"


def update(lab: RunningLab, cluster: str, kind: str, **request: Any) -> dict[str, Any]:
    """Update, wait, and return the cluster."""
    eks = lab.client("eks")
    started = eks.update_cluster_config(name=cluster, **request)["update"]
    assert (started["status"], started["type"]) == ("InProgress", kind)
    assert lab.finish_update(cluster, started)["status"] == "Successful"
    shown: dict[str, Any] = eks.describe_cluster(name=cluster)["cluster"]
    assert shown["status"] == "ACTIVE"
    return shown


def refusal(lab: RunningLab, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        getattr(lab.client("eks"), operation)(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_endpoint_access(lab: RunningLab, cluster: str) -> None:
    vpc = {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    shown = update(lab, cluster, "EndpointAccessUpdate", resourcesVpcConfig=vpc)["resourcesVpcConfig"]
    assert (shown["endpointPublicAccess"], shown["endpointPrivateAccess"]) == (False, True)
    assert refusal(lab, "update_cluster_config", name=cluster, resourcesVpcConfig=vpc) == (
        "InvalidParameterException",
        "Cluster is already at the desired configuration with endpointPrivateAccess: true , endpointPublicAccess: "
        "false, and Public Endpoint Restrictions: [0.0.0.0/0]",
    )


def test_subnets(lab: RunningLab, cluster: str) -> None:
    subnets = lab.subnets()[:3]
    shown = update(lab, cluster, "VpcConfigUpdate", resourcesVpcConfig={"subnetIds": subnets})
    assert shown["resourcesVpcConfig"]["subnetIds"] == subnets


def test_logging(lab: RunningLab, cluster: str) -> None:
    logging = {"clusterLogging": [{"types": ["audit", "api"], "enabled": True}]}
    shown = update(lab, cluster, "LoggingUpdate", logging=logging)["logging"]["clusterLogging"]
    assert {tuple(setup["types"]) for setup in shown if setup["enabled"]} == {("api", "audit")}
    assert refusal(lab, "update_cluster_config", name=cluster, logging=logging) == (
        "InvalidParameterException",
        "No changes needed for the logging config provided",
    )


def test_zonal_shift_upgrade_policy_and_protection(lab: RunningLab, cluster: str) -> None:
    assert update(lab, cluster, "ZonalShiftConfigUpdate", zonalShiftConfig={"enabled": True})["zonalShiftConfig"][
        "enabled"
    ]
    policy = {"supportType": "STANDARD"}
    assert update(lab, cluster, "UpgradePolicyUpdate", upgradePolicy=policy)["upgradePolicy"] == policy
    assert update(lab, cluster, "DeletionProtectionUpdate", deletionProtection=True)["deletionProtection"]


def test_a_call_is_for_one_kind_of_update(lab: RunningLab, cluster: str) -> None:
    request = {"zonalShiftConfig": {"enabled": False}, "deletionProtection": False}
    assert refusal(lab, "update_cluster_config", name=cluster, **request) == (
        "InvalidParameterException",
        "Only one type of update can be allowed.",
    )


def test_auto_mode_is_switched_on_after_access_entries(lab: RunningLab, plain: str) -> None:
    role = lab.role("plain-node", "ec2.amazonaws.com")
    compute = {"enabled": True, "nodePools": ["system"], "nodeRoleArn": role}
    message = refusal(lab, "update_cluster_config", name=plain, computeConfig=compute, **ON)[1]
    assert message.startswith("When EKS Auto Mode is enabled, you must use an EKS access config authentication mode")
    update(lab, plain, "AccessConfigUpdate", accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
    assert update(lab, plain, "AutoModeUpdate", computeConfig=compute, **ON)["computeConfig"] == compute
    assert role in lab.client("eks").list_access_entries(clusterName=plain)["accessEntries"]


def test_authentication_goes_one_step_at_a_time_and_never_back(lab: RunningLab, cluster: str) -> None:
    mode = {"authenticationMode": "CONFIG_MAP"}
    assert refusal(lab, "update_cluster_config", name=cluster, accessConfig=mode) == (
        "InvalidParameterException",
        "Unsupported authentication mode update from API to CONFIG_MAP",
    )


def test_auto_mode_is_switched_off_in_one_call(lab: RunningLab) -> None:
    lab.create_cluster("switched")
    half = {"computeConfig": OFF["computeConfig"], **ON}
    assert "fully enabled or fully disabled" in refusal(lab, "update_cluster_config", name="switched", **half)[1]
    shown = update(lab, "switched", "AutoModeUpdate", **OFF)
    assert shown["computeConfig"] == {"enabled": False, "nodePools": []}
    assert shown["kubernetesNetworkConfig"]["elasticLoadBalancing"] == {"enabled": False}


def test_the_node_role_stays(lab: RunningLab, cluster: str) -> None:
    other = lab.role("other-node", "ec2.amazonaws.com")
    compute = {"enabled": True, "nodePools": ["system"], "nodeRoleArn": other}
    message = refusal(lab, "update_cluster_config", name=cluster, computeConfig=compute, **ON)[1]
    assert "nodeRoleArn cannot be changed" in message
    assert f"arn:aws:iam::{ACCOUNT}:role/other-node" == other


def test_versions_go_up_one_minor_at_a_time(lab: RunningLab, cluster: str) -> None:
    for wanted in ("1.34", "1.36", "1.33"):
        assert refusal(lab, "update_cluster_version", name=cluster, version=wanted) == (
            "InvalidParameterException",
            f"Unsupported Kubernetes minor version update from 1.34 to {wanted}",
        )
    eks = lab.client("eks")
    started = eks.update_cluster_version(name=cluster, version="1.35")["update"]
    assert started["type"] == "VersionUpdate"
    lab.finish_update(cluster, started)
    assert eks.describe_cluster(name=cluster)["cluster"]["version"] == "1.35"
    assert started["id"] in eks.list_updates(name=cluster)["updateIds"]


def test_the_same_token_asks_for_the_same_update(lab: RunningLab) -> None:
    lab.create_cluster("asked")
    eks = lab.client("eks")
    request = {"name": "asked", "deletionProtection": False, "clientRequestToken": "token-1"}
    first = eks.update_cluster_config(**request)["update"]
    assert eks.update_cluster_config(**request)["update"]["id"] == first["id"]


def test_an_update_keeps_everything_but_tags_waiting(tmp_path_factory: pytest.TempPathFactory) -> None:
    """At a pace where an update takes longer than the calls made meanwhile."""
    with RunningLab.running(tmp_path_factory.mktemp("lab"), "--pace", "0.5") as lab:
        arn = lab.create_cluster("busy")["arn"]
        eks = lab.client("eks")
        running = eks.update_cluster_config(name="busy", zonalShiftConfig={"enabled": True})["update"]
        assert eks.describe_cluster(name="busy")["cluster"]["status"] == "UPDATING"
        assert refusal(lab, "update_cluster_config", name="busy", deletionProtection=True) == (
            "ResourceInUseException",
            f"Cannot DeletionProtectionUpdate because cluster busy currently has update {running['id']} in progress",
        )
        assert refusal(lab, "delete_cluster", name="busy") == (
            "ResourceInUseException",
            "Cannot delete because cluster busy currently has an update in progress",
        )
        eks.tag_resource(resourceArn=arn, tags={"team": "infra"})
        assert eks.describe_cluster(name="busy")["cluster"]["tags"] == {"team": "infra"}
        eks.untag_resource(resourceArn=arn, tagKeys=["team"])
        assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {}
        assert lab.finish_update("busy", running)["status"] == "Successful"
