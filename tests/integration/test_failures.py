# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong between the teams: the wait says why and whose it is, and the next run finishes the job.

The tests of this module build on each other: one cluster whose subnets nobody tagged, mended step by step.
"""

from __future__ import annotations

import json
import re
import time

from .conftest import Lab

FOUNDATION = "playbooks/infra/foundation.yml"
WORKLOAD = "playbooks/k8s/workload.yml"
API = "playbooks/infra/api.yml"


def untag(lab: Lab) -> None:
    """What somebody might do by hand: the subnets lose the tag that load balancers are found by."""
    ec2 = lab.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    ec2.delete_tags(Resources=subnets, Tags=[{"Key": "kubernetes.io/role/internal-elb"}])


def test_without_tagged_subnets_the_wait_ends_early_with_the_controllers_words(lab: Lab) -> None:
    assert lab.playbook(FOUNDATION).returncode == 0
    untag(lab)
    started = time.monotonic()
    run = lab.playbook(WORKLOAD, "--extra-vars", "petstore_workload_wait_timeout=300")
    assert run.returncode != 0
    assert time.monotonic() - started < 150
    for words in ("unable to resolve at least one subnet", "Owner: infra", "role vpc_tagging"):
        assert words in run.output


def test_infra_mends_the_tag_and_the_workload_comes_up(lab: Lab) -> None:
    mended = lab.playbook(FOUNDATION)
    assert mended.returncode == 0, mended.output
    assert mended.changed_tasks == ["seam.eks_auto.vpc_tagging : tag | Tags that load balancers are found by present"]
    run = lab.playbook(WORKLOAD)
    assert run.returncode == 0, run.output


MISSING_IMAGE = {"petstore_workload_image": "example.com/missing:1", "petstore_workload_wait_timeout": 8}


def test_pods_that_never_get_ready_are_named_with_reason_and_owner(lab: Lab) -> None:
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps({**MISSING_IMAGE, "seam_namespace": "never"}))
    assert run.returncode != 0
    for words in ("Timed out after 8 s", "ImagePullBackOff", "[NoReadyPods]", "Owner: k8s"):
        assert words in run.output


def test_an_update_that_never_comes_up_says_why_and_the_old_pods_go_on_serving(lab: Lab) -> None:
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps(MISSING_IMAGE))
    assert run.returncode != 0
    # The kubelet says in turn that the pull failed and that it waits before the next one; both name the image.
    for words in (
        "did not finish in 8 s",
        r"Pods that are not ready: [^;]*pull[^;]*example.com/missing:1",
        "Owner: k8s",
    ):
        assert re.search(words, run.output), run.output
    elbv2 = lab.client("elbv2")
    groups = [each["TargetGroupArn"] for each in elbv2.describe_target_groups()["TargetGroups"]]
    health = [
        each["TargetHealth"]["State"]
        for group in groups
        for each in elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ]
    assert health == ["healthy", "healthy"]


def test_the_next_run_finishes_the_update(lab: Lab) -> None:
    run = lab.playbook(WORKLOAD)
    assert run.returncode == 0, run.output
    gone = lab.kubectl("delete", "namespace", "never", "--timeout=60s")
    assert gone.returncode == 0, gone.stderr


def test_a_failed_link_is_removed_and_made_anew(lab: Lab) -> None:
    elbv2 = lab.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    apigateway = lab.client("apigateway")
    # Somebody else's link holds the load balancer, so ours ends FAILED.
    foreign = apigateway.create_vpc_link(name="foreign", targetArns=[balancer["LoadBalancerArn"]])
    failed = lab.playbook(API)
    assert failed.returncode != 0
    assert "already associated with another VPC Endpoint Service" in failed.output
    apigateway.delete_vpc_link(vpcLinkId=foreign["id"])
    deadline = time.monotonic() + 30
    while any(link["id"] == foreign["id"] for link in apigateway.get_vpc_links()["items"]):
        assert time.monotonic() < deadline, "The foreign link is never gone"
        time.sleep(0.1)
    run = lab.playbook(API)
    assert run.returncode == 0, run.output
    assert [link["status"] for link in apigateway.get_vpc_links()["items"]] == ["AVAILABLE"]


def test_a_recreated_load_balancer_gets_a_new_link_and_the_old_one_goes(lab: Lab) -> None:
    """The Service is made anew: another load balancer, another name, the same contract."""
    apigateway = lab.client("apigateway")
    (old,) = apigateway.get_vpc_links()["items"]
    # The k8s team replaces its Service under a second name first, since AWS keeps a linked load balancer.
    deployment_count = len(apigateway.get_deployments(restApiId=apigateway.get_rest_apis()["items"][0]["id"])["items"])
    second = json.dumps({"seam_service": "vpclink-b"})
    assert lab.playbook(WORKLOAD, "--extra-vars", second).returncode == 0
    run = lab.playbook(API, "--extra-vars", second)
    assert run.returncode == 0, run.output
    (api,) = apigateway.get_rest_apis()["items"]
    (stage,) = apigateway.get_stages(restApiId=api["id"])["item"]
    assert stage["variables"]["vpcLinkId"] != old["id"]
    # Pointing the stage at another link is no deployment.
    assert len(apigateway.get_deployments(restApiId=api["id"])["items"]) == deployment_count
    back = lab.playbook(API)
    assert back.returncode == 0, back.output
