# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orphans are listed; those that are named are deleted, and nothing else.

The tests of this module build on each other: the leftovers of a cluster and of a Service that never were, beside a site.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .conftest import Lab, Run

ORPHANS = "playbooks/orphans.yml"


@pytest.fixture(scope="module")
def lab(site: Lab) -> Lab:
    return site


class Leftovers:
    """What Auto Mode and this collection leave: a load balancer held by a link, its target group and security group."""

    def __init__(self, lab: Lab, cluster: str, service: str, **more: str) -> None:
        elbv2, ec2 = lab.client("elbv2"), lab.client("ec2")
        name = f"k8s-{cluster}"
        (mine, *_) = elbv2.describe_load_balancers()["LoadBalancers"]
        tags = {"eks:eks-cluster-name": cluster, "service.eks.amazonaws.com/stack": service, **more}
        resource = "service.eks.amazonaws.com/resource"
        self.group = ec2.create_security_group(
            GroupName=name,
            Description="[k8s] Managed SecurityGroup for LoadBalancer",
            VpcId=mine["VpcId"],
            TagSpecifications=[
                {"ResourceType": "security-group", "Tags": listed({**tags, resource: "ManagedLBSecurityGroup"})}
            ],
        )["GroupId"]
        self.balancer = elbv2.create_load_balancer(
            Name=name,
            Type="network",
            Scheme="internal",
            Subnets=[mine["AvailabilityZones"][0]["SubnetId"]],
            SecurityGroups=[self.group],
            Tags=listed({**tags, resource: "LoadBalancer"}),
        )["LoadBalancers"][0]["LoadBalancerArn"]
        self.targets = elbv2.create_target_group(
            Name=name,
            Protocol="TCP",
            Port=80,
            TargetType="ip",
            VpcId=mine["VpcId"],
            Tags=listed({**tags, resource: f"{service}:80"}),
        )["TargetGroups"][0]["TargetGroupArn"]
        forward: Any = [{"Type": "forward", "TargetGroupArn": self.targets}]
        elbv2.create_listener(LoadBalancerArn=self.balancer, Protocol="TCP", Port=80, DefaultActions=forward)
        self.link = lab.client("apigateway").create_vpc_link(
            name=name, targetArns=[self.balancer], tags={"seam.eks_auto/contract": f"{cluster}/{service}"}
        )["id"]

    @property
    def ids(self) -> list[str]:
        return [self.link, self.balancer, self.targets, self.group]


class Left(NamedTuple):
    """What is left of a cluster, of a Service of the site's cluster, and what somebody else's controller made."""

    cluster: Leftovers
    service: Leftovers
    foreign: Leftovers


@pytest.fixture(scope="module")
def left(lab: Lab) -> Left:
    return Left(
        Leftovers(lab, "gone", "shop/web"),
        Leftovers(lab, "petstore", "petstore/old"),
        Leftovers(lab, "other", "shop/web", **{"elbv2.k8s.aws/cluster": "other"}),
    )


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def run(lab: Lab, tmp_path: Path, delete: list[str] | None = None) -> tuple[Run, list[dict[str, Any]]]:
    """The playbook's run, and its report."""
    report = tmp_path / "orphans.json"
    variables = {"orphans_delete": delete or [], "orphans_report": str(report)}
    done = lab.playbook(ORPHANS, "--extra-vars", json.dumps(variables))
    return done, json.loads(report.read_text()) if report.exists() else []


def test_what_is_left_is_listed_with_owner_age_and_what_holds_it(lab: Lab, left: Left, tmp_path: Path) -> None:
    before = len(lab.mutating_calls())
    done, found = run(lab, tmp_path)
    assert (done.returncode, lab.mutating_calls()[before:]) == (0, []), done.output
    by_id = {each["id"]: each for each in found}
    # The link is ours by its tag, whatever its load balancer's tags say.
    assert set(by_id) == {*left.cluster.ids, *left.service.ids, left.foreign.link}
    assert [each["kind"] for each in found[:4]] == ["VPC link"] * 3 + ["load balancer"]
    link, balancer = by_id[left.cluster.link], by_id[left.cluster.balancer]
    assert (link["owner"], link["reason"]) == ("infra", "there is no EKS cluster gone")
    assert (balancer["owner"], balancer["age_days"], balancer["held_by"]) == ("k8s", 0, [left.cluster.link])
    assert by_id[left.service.balancer]["reason"] == "cluster petstore has no Service petstore/old"
    assert by_id[left.cluster.group]["held_by"] == [left.cluster.balancer]


def test_what_is_foreign_or_still_there_or_held_is_refused_before_anything_is_deleted(
    lab: Lab, left: Left, tmp_path: Path
) -> None:
    mine = [
        each["LoadBalancerArn"]
        for each in lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
        if "-petstore-vpclink-" in each["LoadBalancerName"]
    ]
    before = len(lab.mutating_calls())
    done, _ = run(lab, tmp_path, [left.cluster.link, left.foreign.balancer, left.service.balancer, *mine])
    assert done.returncode != 0
    words = " ".join(done.output.split())
    assert "Nothing is deleted, as not all that is named may be." in words
    assert (
        f"load balancer {left.foreign.balancer} (k8s-other) has not the tags of Auto Mode or of this collection"
        in words
    )
    assert f"{left.service.balancer} (k8s-petstore) is held by {left.service.link}. Name that as well" in words
    assert "is no orphan: Service petstore/vpclink of cluster petstore is there" in words
    assert lab.mutating_calls()[before:] == []


def test_what_is_named_is_deleted_in_an_order_that_aws_allows(lab: Lab, left: Left, tmp_path: Path) -> None:
    before = len(lab.mutating_calls())
    both = [*reversed(left.cluster.ids), *left.service.ids]
    done, found = run(lab, tmp_path, [*both, "sg-0123456789abcdef0"])
    assert done.returncode == 0, done.output
    assert set(both) <= {each["id"] for each in found}
    actions = [call.partition(":")[2] for call in lab.mutating_calls()[before:]]
    assert actions[::2] == ["DeleteVpcLink", "DeleteLoadBalancer", "DeleteTargetGroup", "DeleteSecurityGroup"]
    assert actions[::2] == actions[1::2]
    assert "sg-0123456789abcdef0 is no VPC link, load balancer, target group or security group" in done.output
    again, found = run(lab, tmp_path, both)
    assert (again.returncode, again.changed) == (0, 0), again.output
    assert [each["id"] for each in found] == [left.foreign.link]


def test_the_site_is_left_as_it_was(lab: Lab, left: Left) -> None:
    lab.client("apigateway").delete_vpc_link(vpcLinkId=left.foreign.link)
    elbv2 = lab.client("elbv2")
    elbv2.delete_load_balancer(LoadBalancerArn=left.foreign.balancer)
    elbv2.delete_target_group(TargetGroupArn=left.foreign.targets)
    lab.client("ec2").delete_security_group(GroupId=left.foreign.group)
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1
