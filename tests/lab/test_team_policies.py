# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletions that infra's policies allow, by the tags of the resource."""

from __future__ import annotations

import pytest

from lab.aws.account import policy_document
from lab.aws.iam.policy import Decision, Permission, decide
from lab.settings import ACCOUNT

REGION = "us-west-2"
#: The managed policies' quota: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST = 6144
GROUP = ("ec2:DeleteSecurityGroup", f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-1")
TARGETS = (
    "elasticloadbalancing:DeleteTargetGroup",
    f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/k8s-web/1",
)
BALANCER = (
    "elasticloadbalancing:DeleteLoadBalancer",
    f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/k8s-web/1",
)

CLUSTER = {"eks:eks-cluster-name": "petstore"}
OF_SERVICE = {**CLUSTER, "service.eks.amazonaws.com/resource": "LoadBalancer"}
OF_API = {"seam.eks_auto/api": "petstore"}
BY_CONTROLLER = {"elbv2.k8s.aws/cluster": "petstore"}
BY_CLOUDFORMATION = {"aws:cloudformation:stack-name": "network"}


@pytest.mark.parametrize("what", [GROUP, TARGETS, BALANCER])
@pytest.mark.parametrize(
    ("tags", "allowed"),
    [
        (OF_SERVICE, True),
        ({**CLUSTER, "ingress.eks.amazonaws.com/resource": "LoadBalancer"}, True),
        ({**CLUSTER, "gateway.eks.amazonaws.com.alb/resource": "LoadBalancer"}, True),
        ({**CLUSTER, "gateway.eks.amazonaws.com.nlb/resource": "LoadBalancer"}, True),
        ({}, False),
        (CLUSTER, False),
        ({**OF_SERVICE, "eks:eks-cluster-name": "other"}, False),
        ({**OF_SERVICE, **BY_CONTROLLER}, False),
        ({**OF_SERVICE, **BY_CLOUDFORMATION}, False),
    ],
)
def test_infra_deletes_what_auto_mode_made_for_the_cluster(
    what: tuple[str, str], tags: dict[str, str], allowed: bool
) -> None:
    assert decided(*what, tags) is allowed


@pytest.mark.parametrize(
    ("tags", "allowed"),
    [
        (OF_API, True),
        ({"seam.eks_auto/api": "other"}, False),
        ({**OF_API, **BY_CONTROLLER}, False),
        ({**OF_API, **BY_CLOUDFORMATION}, False),
    ],
)
def test_infra_deletes_security_groups_of_the_api_that_is_its(tags: dict[str, str], allowed: bool) -> None:
    assert decided(*GROUP, tags) is allowed


def decided(action: str, resource: str, tags: dict[str, str]) -> bool:
    """Whether all of infra's policies together allow it."""
    documents = [policy_document(REGION, "infra", each, "petstore", "petstore") for each in ("api", "orphans")]
    context = {f"aws:resourcetag/{key}": (value,) for key, value in tags.items()}
    return decide(documents, Permission(action, resource, context)) is Decision.ALLOWED


@pytest.mark.parametrize("playbook", ["network", "foundation", "api", "orphans"])
def test_iam_takes_the_policy(playbook: str) -> None:
    assert len("".join(policy_document(REGION, "infra", playbook, "c" * 100, "a" * 100).split())) <= LONGEST


NODES, TEAM = f"arn:aws:iam::{ACCOUNT}:role/petstore-node", f"arn:aws:iam::{ACCOUNT}:role/seam-k8s"


@pytest.mark.parametrize(
    ("principal", "kind", "allowed"),
    [
        (NODES, "EC2", True),
        (NODES, "STANDARD", False),
        (TEAM, "STANDARD", True),
        (TEAM, "EC2", False),
        (f"arn:aws:iam::{ACCOUNT}:role/petstore-cluster", "EC2", False),
        (f"arn:aws:iam::{ACCOUNT}:role/seam-infra", "EC2", False),
    ],
)
def test_infra_lets_in_nodes_as_nodes_and_others_as_users(principal: str, kind: str, allowed: bool) -> None:
    document = policy_document(REGION, "infra", "foundation", "petstore")
    context = {"eks:principalarn": (principal,), "eks:accessentrytype": (kind,)}
    wanted = Permission("eks:CreateAccessEntry", f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/petstore", context)
    assert (decide([document], wanted) is Decision.ALLOWED) is allowed
