# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's clusters: creation, refusals and deletion."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running_lab import ACCOUNT, RunningLab, eventually


def refusal(operation: Any, **params: Any) -> tuple[str, str]:
    """The code and text with which AWS refuses the call."""
    with pytest.raises(ClientError) as caught:
        operation(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def request_of(lab: RunningLab) -> dict[str, Any]:
    """A request that would be granted, to be spoilt."""
    return lab.auto_mode_request("spoilt")


def test_a_cluster_is_creating_first_and_then_active_with_an_api(lab: RunningLab) -> None:
    eks = lab.client("eks")
    created = eks.create_cluster(**lab.auto_mode_request("shop", tags={"team": "infra"}))["cluster"]
    assert created["status"] == "CREATING"
    assert "endpoint" not in created
    cluster = eventually(lambda: eks.describe_cluster(name="shop")["cluster"], lambda it: it["status"] == "ACTIVE")
    authority = base64.b64decode(cluster["certificateAuthority"]["data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with urllib.request.urlopen(f"{cluster['endpoint']}/version", context=context) as answer:
        assert b'"minor"' in answer.read()
    assert cluster["computeConfig"]["nodePools"] == ["general-purpose", "system"]
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["upgradePolicy"] == {"supportType": "EXTENDED"}
    assert cluster["tags"] == {"team": "infra"}


def test_eks_makes_a_security_group_for_the_cluster(lab: RunningLab) -> None:
    cluster = lab.create_cluster("grouped")
    vpc = cluster["resourcesVpcConfig"]
    (group,) = lab.client("ec2").describe_security_groups(GroupIds=[vpc["clusterSecurityGroupId"]])["SecurityGroups"]
    assert group["VpcId"] == vpc["vpcId"]
    assert group["GroupName"].startswith("eks-cluster-sg-grouped-")
    tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
    assert tags["kubernetes.io/cluster/grouped"] == "owned"
    assert tags["Name"] == group["GroupName"]


def test_built_in_node_pools_bring_their_role_s_access_entry(lab: RunningLab) -> None:
    lab.create_cluster("pooled")
    eks, role = lab.client("eks"), f"arn:aws:iam::{ACCOUNT}:role/pooled-node"
    assert eks.list_access_entries(clusterName="pooled")["accessEntries"] == [role]
    assert eks.describe_access_entry(clusterName="pooled", principalArn=role)["accessEntry"]["type"] == "EC2"
    policies = eks.list_associated_access_policies(clusterName="pooled", principalArn=role)["associatedAccessPolicies"]
    assert [policy["policyArn"].rpartition("/")[2] for policy in policies] == ["AmazonEKSAutoNodePolicy"]


def test_the_node_role_is_held_for_some_time_after_its_cluster(tmp_path: Path) -> None:
    """https://github.com/aws/containers-roadmap/issues/2531"""
    with RunningLab.running(tmp_path, "--pace", "0.7") as lab:
        lab.create_cluster("held")
        eks, iam = lab.client("eks"), lab.client("iam")
        eks.delete_cluster(name="held")
        eventually(lambda: eks.list_clusters()["clusters"], lambda it: it == [])
        assert refusal(iam.delete_role, RoleName="held-node") == (
            "DeleteConflict",
            "Cannot delete entity, must remove roles from instance profile first.",
        )
        (profile,) = iam.list_instance_profiles_for_role(RoleName="held-node")["InstanceProfiles"]
        assert profile["InstanceProfileName"].startswith("eks-us-west-2-held-")
        eventually(lambda: iam.list_instance_profiles()["InstanceProfiles"], lambda it: it == [])
        iam.delete_role(RoleName="held-node")


def test_zonal_shift_is_shown_where_it_was_set(lab: RunningLab) -> None:
    assert "zonalShiftConfig" not in lab.create_cluster("unshifted")
    update = lab.client("eks").update_cluster_config(name="unshifted", zonalShiftConfig={"enabled": False})["update"]
    lab.finish_update("unshifted", update)
    assert lab.client("eks").describe_cluster(name="unshifted")["cluster"]["zonalShiftConfig"] == {"enabled": False}


@pytest.mark.parametrize(
    ("cidrs", "text"),
    [
        (["10.0.0.0/8", "8.8.8.8/32"], "The following CIDRs are not allowed in publicAccessCidrs: [10.0.0.0/8]"),
        (["203.0.113.0/24"], "The following CIDRs are not allowed in publicAccessCidrs: [203.0.113.0/24]"),
        (["2001:db8::/32"], "The following CIDRs are invalid in publicAccessCidrs: [2001:db8::/32]"),
    ],
)
def test_the_public_endpoint_is_for_addresses_of_the_internet(
    lab: RunningLab, request_of: dict[str, Any], cidrs: list[str], text: str
) -> None:
    vpc = {**request_of["resourcesVpcConfig"], "publicAccessCidrs": cidrs}
    request = {**request_of, "resourcesVpcConfig": vpc}
    assert refusal(lab.client("eks").create_cluster, **request) == ("InvalidParameterException", text)


@pytest.mark.parametrize("tags", [{"aws:team": "infra"}, {"AWS:team": "infra"}, {"team": "infra*"}, {"te(am": "infra"}])
def test_tags_that_eks_refuses(lab: RunningLab, request_of: dict[str, Any], tags: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html#tag-restrictions"""
    eks = lab.client("eks")
    assert refusal(eks.create_cluster, **{**request_of, "tags": tags})[0] == "InvalidParameterException"
    cluster = f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/any"
    assert refusal(eks.tag_resource, resourceArn=cluster, tags=tags)[0] == "BadRequestException"


def test_auto_mode_may_come_without_node_pools(lab: RunningLab) -> None:
    cluster = lab.create_cluster("byo", computeConfig={"enabled": True})
    assert cluster["computeConfig"] == {"enabled": True, "nodePools": []}


@pytest.mark.parametrize("left_out", ["computeConfig", "kubernetesNetworkConfig", "storageConfig"])
def test_auto_mode_is_all_or_nothing(lab: RunningLab, request_of: dict[str, Any], left_out: str) -> None:
    request = {key: value for key, value in request_of.items() if key != left_out}
    assert refusal(lab.client("eks").create_cluster, **request) == (
        "InvalidParameterException",
        "For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig, "
        "and blockStorage are all either fully enabled or fully disabled.",
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"computeConfig": {"enabled": True, "nodeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/spoilt-node"}},
            "When Compute Config nodeRoleArn is not null or empty, nodePool value(s) must be provided.",
        ),
        (
            {"computeConfig": {"enabled": True, "nodePools": ["system"]}},
            "When Compute Config nodeRoleArn is null or empty, nodePool list cannot be populated.",
        ),
        (
            {"accessConfig": {"authenticationMode": "CONFIG_MAP"}},
            "When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of "
            "API_AND_CONFIG_MAP or API",
        ),
        (
            {"bootstrapSelfManagedAddons": True},
            "When EKS Auto Mode is enabled, bootstrapSelfManagedAddons must be set to false",
        ),
        ({"version": "1.36.0"}, "unsupported Kubernetes version 1.36.0"),
        ({"version": "1.19"}, "unsupported Kubernetes version 1.19"),
        (
            {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
            f"Role with arn: arn:aws:iam::{ACCOUNT}:role/nobody, could not be assumed because it does not exist or the "
            "trusted entity is not correct",
        ),
        (
            {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/spoilt-node"},
            f"Role with arn: arn:aws:iam::{ACCOUNT}:role/spoilt-node, could not be assumed because it does not exist "
            "or the trusted entity is not correct",
        ),
    ],
)
def test_a_request_that_eks_documents_as_wrong_is_refused_in_its_words(
    lab: RunningLab, request_of: dict[str, Any], changes: dict[str, Any], text: str
) -> None:
    code, message = refusal(lab.client("eks").create_cluster, **{**request_of, **changes})
    assert (code, message) == ("InvalidParameterException", text)
    assert "spoilt" not in lab.client("eks").list_clusters()["clusters"]


def test_subnets_must_be_in_two_zones(lab: RunningLab, request_of: dict[str, Any]) -> None:
    request = {**request_of, "resourcesVpcConfig": {"subnetIds": lab.subnets()[:1]}}
    code, message = refusal(lab.client("eks").create_cluster, **request)
    assert (code, message) == ("InvalidParameterException", "Subnets specified must be in at least two different AZs")


def test_subnets_must_exist(lab: RunningLab, request_of: dict[str, Any]) -> None:
    request = {**request_of, "resourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}}
    code, message = refusal(lab.client("eks").create_cluster, **request)
    assert code == "InvalidParameterException"
    assert message.startswith("The subnet ID 'subnet-1' does not exist")


def test_zones_without_room_are_refused(lab: RunningLab, request_of: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html"""
    ec2 = lab.client("ec2", region_name="us-east-1")
    subnets = {subnet["AvailabilityZoneId"]: subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]}
    request = {**request_of, "resourcesVpcConfig": {"subnetIds": [subnets["use1-az3"], subnets["use1-az1"]]}}
    eks = lab.client("eks", region_name="us-east-1")
    assert refusal(eks.create_cluster, **request)[0] == "UnsupportedAvailabilityZoneException"


def test_names_are_unique(lab: RunningLab) -> None:
    lab.create_cluster("twice")
    request = {**lab.auto_mode_request("again"), "name": "twice"}
    assert refusal(lab.client("eks").create_cluster, **request) == (
        "ResourceInUseException",
        "Cluster already exists with name: twice",
    )


def test_the_same_token_asks_for_the_same_cluster(lab: RunningLab) -> None:
    request = lab.auto_mode_request("retried", clientRequestToken="token-1")
    eks = lab.client("eks")
    first = eks.create_cluster(**request)["cluster"]
    assert eks.create_cluster(**request)["cluster"]["arn"] == first["arn"]


def test_a_deleted_cluster_is_deleting_first_and_then_gone_with_its_group(lab: RunningLab) -> None:
    group = lab.create_cluster("gone")["resourcesVpcConfig"]["clusterSecurityGroupId"]
    eks = lab.client("eks")
    assert eks.delete_cluster(name="gone")["cluster"]["status"] == "DELETING"
    eventually(lambda: eks.list_clusters()["clusters"], lambda names: "gone" not in names)
    assert refusal(eks.describe_cluster, name="gone") == (
        "ResourceNotFoundException",
        "No cluster found for name: gone.",
    )
    assert refusal(lab.client("ec2").describe_security_groups, GroupIds=[group])[0] == "InvalidGroup.NotFound"


def test_load_balancers_go_with_their_cluster_but_for_one_that_a_link_holds(lab: RunningLab) -> None:
    lab.create_cluster("balanced")
    elbv2, gateway = lab.client("elbv2"), lab.client("apigateway")
    tags = [{"Key": "eks:eks-cluster-name", "Value": "balanced"}]

    def make(name: str, **tagged: Any) -> str:
        made = elbv2.create_load_balancer(Name=name, Type="network", Scheme="internal", Subnets=lab.subnets(), **tagged)
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    make("unlinked", Tags=tags)
    linked, foreign = make("linked", Tags=tags), make("foreign")
    gateway.create_vpc_link(name="held", targetArns=[linked])
    lab.client("eks").delete_cluster(name="balanced")
    eventually(lambda: lab.client("eks").list_clusters()["clusters"], lambda names: "balanced" not in names)
    left = {each["LoadBalancerArn"] for each in elbv2.describe_load_balancers()["LoadBalancers"]}
    assert left == {linked, foreign}


def test_a_protected_cluster_can_t_be_deleted(lab: RunningLab) -> None:
    lab.create_cluster("kept", deletionProtection=True)
    assert refusal(lab.client("eks").delete_cluster, name="kept")[0] == "InvalidRequestException"


def test_a_name_is_free_again_after_deletion(lab: RunningLab) -> None:
    eks = lab.client("eks")
    request = lab.auto_mode_request("phoenix")
    for _ in range(2):
        eks.create_cluster(**request)
        eks.delete_cluster(name="phoenix")
        eventually(lambda: eks.list_clusters()["clusters"], lambda names: "phoenix" not in names)


def test_the_default_network_has_a_way_to_the_internet(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    (table,) = ec2.describe_route_tables()["RouteTables"]
    assert vpc["IsDefault"] and vpc["CidrBlock"] == "172.31.0.0/16"
    assert len(lab.subnets()) > 2
    routes = {route["DestinationCidrBlock"]: route["GatewayId"] for route in table["Routes"]}
    assert routes["0.0.0.0/0"].startswith("igw-")


def test_versions_say_how_they_are_supported(lab: RunningLab) -> None:
    versions = lab.client("eks").describe_cluster_versions()["clusterVersions"]
    standard = [each["clusterVersion"] for each in versions if each["versionStatus"] == "STANDARD_SUPPORT"]
    assert standard == ["1.36", "1.35", "1.34"]
    assert [each["clusterVersion"] for each in versions if each["defaultVersion"]] == ["1.36"]
    (old,) = lab.client("eks").describe_cluster_versions(clusterVersions=["1.33"])["clusterVersions"]
    assert old["versionStatus"] == "EXTENDED_SUPPORT"


def test_what_the_lab_does_not_cover_says_so(lab: RunningLab) -> None:
    code, message = refusal(lab.client("eks").list_nodegroups, clusterName="shop")
    assert (code, message) == ("NotImplemented", "The lab doesn't cover eks:ListNodegroups")
