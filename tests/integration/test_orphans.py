# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orphans are listed. Named ones are deleted, and nothing else.

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
    """Leftovers of Auto Mode and this collection: a load balancer held by a link, its target group and security group."""

    def __init__(self, lab: Lab, cluster: str, service: str, **more: str) -> None:
        elbv2, ec2 = lab.client("elbv2"), lab.client("ec2")
        name = f"k8s-{cluster}-{service.rpartition('/')[2]}"
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

    def remove(self, lab: Lab) -> None:
        """Delete it all as the account's administrator. The link may be gone."""
        rest, elbv2 = lab.client("apigateway"), lab.client("elbv2")
        if self.link in [each["id"] for each in rest.get_vpc_links()["items"]]:
            rest.delete_vpc_link(vpcLinkId=self.link)
        elbv2.delete_load_balancer(LoadBalancerArn=self.balancer)
        elbv2.delete_target_group(TargetGroupArn=self.targets)
        lab.client("ec2").delete_security_group(GroupId=self.group)


class Left(NamedTuple):
    """Leftovers of a cluster and of a Service of the site's cluster, and resources of somebody else's controller.

    ``early`` is a link V2 whose API is still to be made.
    """

    cluster: Leftovers
    service: Leftovers
    foreign: Leftovers
    early: str


@pytest.fixture(scope="module")
def left(lab: Lab) -> Left:
    return Left(
        Leftovers(lab, "gone", "shop/web"),
        Leftovers(lab, "petstore", "petstore/old"),
        Leftovers(lab, "other", "shop/web", **{"elbv2.k8s.aws/cluster": "other"}),
        link_v2(lab, "early"),
    )


def link_v2(lab: Lab, api: str) -> str:
    (subnet, *_) = lab.client("ec2").describe_subnets()["Subnets"]
    made = lab.client("apigatewayv2").create_vpc_link(
        Name="early", SubnetIds=[subnet["SubnetId"]], Tags={"seam.eks_auto/api": api}
    )
    return str(made["VpcLinkId"])


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def run(
    lab: Lab, tmp_path: Path, delete: list[str] | None = None, *arguments: str, **more: str
) -> tuple[Run, list[dict[str, Any]]]:
    """The playbook's run, and its report."""
    report = tmp_path / "orphans.json"
    variables = {"orphans_delete": delete or [], "orphans_report": str(report), **more}
    done = lab.playbook(ORPHANS, *arguments, "--extra-vars", json.dumps(variables))
    return done, json.loads(report.read_text()) if report.exists() else []


@pytest.fixture
def several(tmp_path: Path) -> str:
    """An inventory with k8s hosts in two namespaces of one cluster, one of a deleted cluster, and one that fails. A
    fourth reported earlier, for a cluster of the same name elsewhere.
    """
    own = {"petstore_workload_create_namespace": False}
    abroad = {"cluster": "petstore", "names": ["default/kubernetes"]}
    hosts: dict[str, Any] = {
        # The default namespace has always a Service.
        "k8s-runner": {**own, "seam_namespace": "default"},
        "of-petstore": {**own, "seam_namespace": "petstore"},
        "of-gone": {"seam_cluster": "gone"},
        "stranger": {"lab_identity": "infra"},
        "abroad": {"seam_region": "eu-north-1", "petstore_workload_found_services": abroad},
    }
    path = tmp_path / "several.yml"
    path.write_text(json.dumps({"k8s": {"hosts": hosts}}))
    return str(path)


def test_leftovers_are_listed_with_owner_age_and_holders(lab: Lab, left: Left, several: str, tmp_path: Path) -> None:
    """Each k8s host reports its namespace. Another namespace is unknown, and nothing in it counts as gone."""
    untold = Leftovers(lab, "petstore", "untold/web")
    before = len(lab.mutating_calls())
    done, found = run(lab, tmp_path, None, "--inventory", several, "--limit", "!abroad", "--check")
    assert "stranger                   : ok=0" in done.output, done.output
    assert lab.mutating_calls()[before:] == []
    by_id = {each["id"]: each for each in found}
    # The link is ours by its tag, whatever its load balancer's tags say.
    links = {left.foreign.link, left.early, untold.link}
    assert set(by_id) == {*left.cluster.ids, *left.service.ids, *links}
    assert [each["kind"] for each in found[:6]] == ["VPC link"] * 5 + ["load balancer"]
    link, balancer = by_id[left.cluster.link], by_id[left.cluster.balancer]
    assert (link["owner"], link["reason"]) == ("infra", "there is no EKS cluster gone")
    assert (balancer["owner"], balancer["age_days"], balancer["held_by"]) == ("k8s", 0, [left.cluster.link])
    assert by_id[left.service.balancer]["reason"] == "cluster petstore has no Service petstore/old"
    assert by_id[left.cluster.group]["held_by"] == [left.cluster.balancer]
    assert by_id[untold.link]["reason"].startswith("no stage of a REST API uses it")
    untold.remove(lab)


def test_what_is_foreign_or_still_there_or_held_is_refused_before_anything_is_deleted(
    lab: Lab, left: Left, tmp_path: Path
) -> None:
    mine = [
        each["LoadBalancerArn"]
        for each in lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
        if "-petstore-vpclink-" in each["LoadBalancerName"]
    ]
    before = len(lab.mutating_calls())
    named = [left.cluster.link, left.foreign.balancer, left.service.balancer, left.early, *mine]
    done, _ = run(lab, tmp_path, named, apigw_vpclink_name="early")
    assert done.returncode != 0
    words = " ".join(done.output.split())
    assert "Nothing is deleted, as not all that is named may be." in words
    assert (
        f"load balancer {left.foreign.balancer} (k8s-other-web) is not ours: it lacks the tags of Auto Mode and of this "
        "collection, or others tagged it too."
    ) in words
    assert f"{left.service.balancer} (k8s-petstore-old) is held by {left.service.link}. Name that as well" in words
    assert "is no orphan: Service petstore/vpclink of cluster petstore is there" in words
    assert (
        f"VPC link {left.early} (early) is unused, but no orphan: the REST API early may be still to be made. "
        "playbooks/infra/remove_link.yml removes it."
    ) in words
    assert lab.mutating_calls()[before:] == []


def test_what_somebody_else_holds_is_refused_at_once(lab: Lab, tmp_path: Path) -> None:
    held = Leftovers(lab, "gone", "shop/held")
    lab.client("apigateway").delete_vpc_link(vpcLinkId=held.link)
    ec2 = lab.client("ec2")
    service = ec2.create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[held.balancer])
    refused = lab.run_module("eks_auto_orphans", delete=held.ids[1:])
    assert "Stopped after 0 s waiting for load balancer" in refused["msg"]
    assert (
        f"Load balancer '{held.balancer}' cannot be deleted because it is currently associated with another service"
        in refused["msg"]
    )
    assert [each["action"] for each in refused["actions"]] == ["DeleteLoadBalancer"]
    ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[service["ServiceConfiguration"]["ServiceId"]])
    held.remove(lab)


def test_named_orphans_are_deleted_in_an_order_that_aws_allows(lab: Lab, left: Left, tmp_path: Path) -> None:
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
    assert {each["id"] for each in found} == {left.foreign.link, left.early}


def test_the_site_is_left_as_it_was(lab: Lab, left: Left) -> None:
    lab.client("apigatewayv2").delete_vpc_link(VpcLinkId=left.early)
    left.foreign.remove(lab)
    assert len(lab.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 1
