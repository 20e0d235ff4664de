# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access entries: EKS's checks, and the permissions they give in the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tests.running_lab import ACCOUNT, K8S_ROLE, RunningLab, eventually

POLICIES = "arn:aws:eks::aws:cluster-access-policy"
CLUSTER_SCOPE = {"type": "cluster"}


@pytest.fixture(scope="module")
def cluster(lab: RunningLab) -> str:
    lab.create_cluster("petstore")
    return "petstore"


@pytest.fixture
def entry(lab: RunningLab, cluster: str) -> Any:
    """The k8s team's access entry, without policies."""
    eks = lab.client("eks")
    yield eks.create_access_entry(clusterName=cluster, principalArn=K8S_ROLE)["accessEntry"]
    eks.delete_access_entry(clusterName=cluster, principalArn=K8S_ROLE)


def refusal(lab: RunningLab, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        getattr(lab.client("eks"), operation)(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def associate(lab: RunningLab, policy: str, scope: dict[str, Any]) -> None:
    lab.client("eks").associate_access_policy(
        clusterName="petstore", principalArn=K8S_ROLE, policyArn=f"{POLICIES}/{policy}", accessScope=scope
    )


def test_an_entry_names_users_by_their_session(entry: dict[str, Any]) -> None:
    assert entry["type"] == "STANDARD"
    assert entry["username"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/seam-k8s/{{{{SessionName}}}}"
    assert f":access-entry/petstore/role/{ACCOUNT}/seam-k8s/" in entry["accessEntryArn"]


def test_an_entry_is_unique(lab: RunningLab, entry: dict[str, Any]) -> None:
    assert refusal(lab, "create_access_entry", clusterName="petstore", principalArn=K8S_ROLE) == (
        "ResourceInUseException",
        "The specified access entry resource is already in use on this cluster.",
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"principalArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/seam-infra/lab"},
            "The principalArn parameter format is not valid",
        ),
        (
            {"principalArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
            "The specified principalArn is invalid: invalid principal.",
        ),
        (
            {"kubernetesGroups": ["system:masters"]},
            "The kubernetes group name system:masters is invalid, it cannot start with system:",
        ),
        ({"username": "system:admin"}, "The username must not begin with system:"),
    ],
)
def test_what_an_entry_may_not_be(lab: RunningLab, cluster: str, changes: dict[str, Any], text: str) -> None:
    request = {"clusterName": cluster, "principalArn": f"arn:aws:iam::{ACCOUNT}:role/seam-infra", **changes}
    assert refusal(lab, "create_access_entry", **request) == ("InvalidParameterException", text)


def test_an_entry_is_updated_tagged_and_missed(lab: RunningLab, entry: dict[str, Any]) -> None:
    eks, names = lab.client("eks"), {"clusterName": "petstore", "principalArn": K8S_ROLE}
    assert eks.update_access_entry(**names, kubernetesGroups=["viewers"])["accessEntry"]["kubernetesGroups"] == [
        "viewers"
    ]
    eks.tag_resource(resourceArn=entry["accessEntryArn"], tags={"team": "k8s"})
    assert eks.describe_access_entry(**names)["accessEntry"]["tags"] == {"team": "k8s"}
    missing = {**names, "principalArn": f"arn:aws:iam::{ACCOUNT}:role/seam-infra"}
    assert refusal(lab, "describe_access_entry", **missing) == (
        "ResourceNotFoundException",
        "The specified principalArn could not be found. You can view your available access entries with "
        "'list-access-entries'.",
    )


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (
            {"policyArn": f"{POLICIES}/AmazonEKSEditPolicy", "accessScope": {"type": "namespace"}},
            "At least 1 namespace must be provided if the type is set as namespace",
        ),
        ({"policyArn": f"{POLICIES}/Nothing", "accessScope": CLUSTER_SCOPE}, None),
    ],
)
def test_what_an_association_may_not_be(
    lab: RunningLab, entry: dict[str, Any], params: dict[str, Any], text: str | None
) -> None:
    code, message = refusal(lab, "associate_access_policy", clusterName="petstore", principalArn=K8S_ROLE, **params)
    assert code == "InvalidParameterException"
    assert text is None or message == text


def test_nodes_entries_take_the_nodes_policy_only(lab: RunningLab, cluster: str) -> None:
    params = {"clusterName": cluster, "principalArn": f"arn:aws:iam::{ACCOUNT}:role/petstore-node"}
    policy = f"{POLICIES}/AmazonEKSViewPolicy"
    _, message = refusal(lab, "associate_access_policy", **params, policyArn=policy, accessScope=CLUSTER_SCOPE)
    assert message == 'This operation can only be performed on Access Entries with a type of "STANDARD"'


def test_without_api_mode_there_are_no_entries(lab: RunningLab) -> None:
    role = lab.role("old-cluster", "eks.amazonaws.com")
    lab.client("eks").create_cluster(name="old", roleArn=role, resourcesVpcConfig={"subnetIds": lab.subnets()[:2]})
    _, message = refusal(lab, "list_access_entries", clusterName="old")
    assert message == (
        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
    )


def test_the_creator_is_administrator_unless_told_otherwise(lab: RunningLab) -> None:
    lab.create_cluster("mine", accessConfig={"authenticationMode": "API"})
    creator = f"arn:aws:iam::{ACCOUNT}:role/seam-admin"
    policies = lab.client("eks").list_associated_access_policies(clusterName="mine", principalArn=creator)
    assert [policy["policyArn"] for policy in policies["associatedAccessPolicies"]] == [
        f"{POLICIES}/AmazonEKSClusterAdminPolicy"
    ]


# Through kubectl, with the kubeconfig that the lab writes for the k8s team.


def test_nobody_gets_in_without_an_entry(lab: RunningLab, cluster: str) -> None:
    answer = lab.run("kubectl", "--context", "petstore", "get", "namespaces")
    assert answer.returncode and "must be logged in to the server" in answer.stderr


def test_an_entry_alone_allows_nothing(lab: RunningLab, entry: dict[str, Any]) -> None:
    answer = lab.run("kubectl", "--context", "petstore", "get", "pods")
    user = f"arn:aws:sts::{ACCOUNT}:assumed-role/seam-k8s/lab"
    assert f'User "{user}" cannot list resource "pods" in API group "" in the namespace "default"' in answer.stderr


def test_an_administrator_does_everything(lab: RunningLab, entry: dict[str, Any]) -> None:
    associate(lab, "AmazonEKSClusterAdminPolicy", CLUSTER_SCOPE)
    answer = lab.run("kubectl", "--context", "petstore", "create", "namespace", "admins")
    assert answer.returncode == 0, answer.stderr


def test_an_editor_of_a_namespace_stays_in_it(lab: RunningLab, entry: dict[str, Any]) -> None:
    associate(lab, "AmazonEKSEditPolicy", {"type": "namespace", "namespaces": ["default"]})
    create = ["kubectl", "--context", "petstore", "create", "configmap", "colours", "--from-literal=a=b"]
    assert lab.run(*create).returncode == 0
    elsewhere = lab.run(*create, "--namespace", "kube-system")
    assert elsewhere.returncode and 'in the namespace "kube-system"' in elsewhere.stderr


def test_a_policy_that_is_taken_away_counts_at_once(lab: RunningLab, entry: dict[str, Any]) -> None:
    associate(lab, "AmazonEKSViewPolicy", CLUSTER_SCOPE)
    assert lab.run("kubectl", "--context", "petstore", "get", "pods").returncode == 0
    lab.client("eks").disassociate_access_policy(
        clusterName="petstore", principalArn=K8S_ROLE, policyArn=f"{POLICIES}/AmazonEKSViewPolicy"
    )
    assert lab.run("kubectl", "--context", "petstore", "get", "pods").returncode


def test_a_role_that_was_made_again_is_somebody_else(lab: RunningLab, cluster: str, tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html"""
    iam, eks = lab.client("iam"), lab.client("eks")
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
            ],
        }
    )
    role = iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    eks.create_access_entry(clusterName=cluster, principalArn=role)
    eks.associate_access_policy(
        clusterName=cluster,
        principalArn=role,
        policyArn=f"{POLICIES}/AmazonEKSClusterAdminPolicy",
        accessScope=CLUSTER_SCOPE,
    )

    def visit() -> int:
        keys = lab.client("sts", "admin").assume_role(RoleArn=role, RoleSessionName="visit")["Credentials"]
        settings = [
            f"AWS_ACCESS_KEY_ID={keys['AccessKeyId']}",
            f"AWS_SECRET_ACCESS_KEY={keys['SecretAccessKey']}",
            f"AWS_SESSION_TOKEN={keys['SessionToken']}",
        ]
        token = json.loads(lab.run("env", *settings, "aws", "eks", "get-token", "--cluster-name", cluster).stdout)
        # By a file: tests beside this one look for tokens in the command lines of all processes.
        kubeconfig = yaml.safe_load((lab.folder / "kubeconfig").read_text())
        for each in kubeconfig["users"]:
            each["user"] = {"token": token["status"]["token"]}
        visitor = tmp_path / "kubeconfig"
        visitor.write_text(yaml.safe_dump(kubeconfig))
        return lab.run("kubectl", "--kubeconfig", str(visitor), "--context", "petstore", "get", "namespaces").returncode

    assert visit() == 0
    iam.delete_role(RoleName="visitor")
    iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=trust)
    assert visit() != 0


def test_the_kubeconfig_forgets_a_deleted_cluster(lab: RunningLab) -> None:
    lab.create_cluster("shortlived")
    contexts = lambda: lab.run("kubectl", "config", "get-contexts", "-o", "name").stdout.split()  # noqa: E731
    assert "shortlived" in contexts()
    lab.client("eks").delete_cluster(name="shortlived")
    eventually(contexts, lambda names: "shortlived" not in names)
