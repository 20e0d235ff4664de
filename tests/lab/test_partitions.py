# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab in a region of another partition: identities, ARNs and names are that partition's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running_lab import ACCOUNT, RunningLab


@pytest.fixture(scope="module", params=["cn-north-1", "us-gov-west-1"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with RunningLab.running(tmp_path_factory.mktemp("lab"), "--region", request.param) as started:
        yield started


@pytest.fixture(scope="module")
def partition(lab: RunningLab) -> str:
    return {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}[lab.facts["region"]]


def test_the_environment_is_of_an_identity_in_the_partition(lab: RunningLab, partition: str) -> None:
    said = lab.run("aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert said.stdout.strip() == f"arn:{partition}:sts::{ACCOUNT}:assumed-role/seam-infra/lab", said.stderr


def test_a_team_enters_its_cluster(lab: RunningLab, partition: str) -> None:
    cluster = lab.create_cluster("abroad")
    assert cluster["arn"].startswith(f"arn:{partition}:eks:{lab.facts['region']}:{ACCOUNT}:cluster/")
    eks, team = lab.client("eks"), f"arn:{partition}:iam::{ACCOUNT}:role/seam-k8s"
    policy = f"arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert policy in [each["arn"] for each in eks.list_access_policies()["accessPolicies"]]
    eks.create_access_entry(clusterName="abroad", principalArn=team)
    scope = {"type": "cluster"}
    eks.associate_access_policy(clusterName="abroad", principalArn=team, policyArn=policy, accessScope=scope)
    asked = lab.run("kubectl", "auth", "can-i", "create", "deployments")
    assert asked.stdout.strip() == "yes", asked.stderr


def test_each_team_may_do_its_own_work_and_no_more(lab: RunningLab, partition: str) -> None:
    infra = lab.client("apigateway", "infra")
    infra.create_rest_api(name="abroad", tags={"seam.eks_auto/api": "abroad"})
    denied = lab.run("aws", "iam", "list-users")
    assert f"User: arn:{partition}:sts::{ACCOUNT}:assumed-role/seam-infra/lab is not authorized" in denied.stderr


def test_a_load_balancer_has_a_name_of_the_partition(lab: RunningLab) -> None:
    (balancer,) = lab.client("elbv2").create_load_balancer(Name="n", Type="network", Subnets=lab.subnets()[:1])[
        "LoadBalancers"
    ]
    end = {"cn-north-1": "amazonaws.com.cn", "us-gov-west-1": "amazonaws.com"}[lab.facts["region"]]
    assert balancer["DNSName"].endswith(f".elb.{lab.facts['region']}.{end}")
