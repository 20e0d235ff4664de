# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures between the teams: the wait says why, and who has to act. The next run finishes the job.

The tests of this module build on each other: one cluster whose subnets nobody tagged, mended step by step. Its tokens
end sooner than the waits, which make new ones; an AWS session that has ended is said to have.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.token import mint_token
from ansible_collections.seam.eks_auto.plugins.module_utils._seam import kubernetes_api
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes import Watcher
from botocore.config import Config

from tests.running_lab import LIMIT, eventually

from .conftest import TRIED_AND_MOVED, Lab

FOUNDATION = "playbooks/infra/foundation.yml"
WORKLOAD = "playbooks/k8s/workload.yml"
API = "playbooks/infra/api.yml"

#: Seconds for which a token is good here: longer than one task needs on a busy machine.
LIFETIME = 10
#: Seconds after which a wait here gives up: longer than two tokens are good.
PATIENCE = 22
MISSING_IMAGE = {"petstore_workload_image": "example.com/missing:1", "petstore_workload_wait_timeout": PATIENCE}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab.running(tmp_path_factory.mktemp("lab"), "--token-lifetime", str(LIFETIME)) as lab:
        yield lab


def seconds_between(first: dict[str, Any], last: dict[str, Any]) -> float:
    times = [datetime.datetime.fromisoformat(each["stageTimestamp"]) for each in (first, last)]
    return (times[1] - times[0]).total_seconds()


#: A subnet with this tag is no other cluster's.
CLAIM = {"Key": "kubernetes.io/cluster/other", "Value": "owned"}


def hand_over_subnets(lab: Lab) -> None:
    """As somebody might by hand: give the subnets' tag, by which load balancers find them, to another cluster."""
    ec2 = lab.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    ec2.delete_tags(Resources=subnets, Tags=[{"Key": "kubernetes.io/role/internal-elb"}])
    ec2.create_tags(Resources=subnets, Tags=[CLAIM])


def test_without_subnets_the_wait_ends_early_with_the_controllers_words(lab: Lab) -> None:
    assert lab.playbook(FOUNDATION).returncode == 0
    hand_over_subnets(lab)
    started = time.monotonic()
    run = lab.playbook(WORKLOAD, "--extra-vars", "petstore_workload_wait_timeout=300")
    assert run.returncode != 0
    assert time.monotonic() - started < 150
    for words in ("unable to resolve at least one subnet", "Owner: infra", "role vpc_tagging"):
        assert words in run.output


def test_infra_mends_the_tag_and_the_workload_comes_up(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    ec2.delete_tags(Resources=[each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]], Tags=[CLAIM])
    mended = lab.playbook(FOUNDATION)
    assert mended.returncode == 0, mended.output
    assert mended.changed_tasks == ["seam.eks_auto.vpc_tagging : tag | Tags that load balancers are found by present"]
    run = lab.playbook(WORKLOAD)
    assert run.returncode == 0, run.output


def test_pods_that_never_get_ready_are_named_with_reason_and_owner(lab: Lab) -> None:
    before = len(lab.asked_of_kubernetes("seam-k8s"))
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps({**MISSING_IMAGE, "seam_namespace": "never"}))
    assert run.returncode != 0
    for words in (f"Timed out after {PATIENCE} s", "ImagePullBackOff", "[NoReadyPods]", "Owner: k8s"):
        assert words in run.output

    def asked() -> list[dict[str, Any]]:
        return lab.asked_of_kubernetes("seam-k8s")[before:]

    # None was refused, though the wait outlived its first token. The last is the end of a watch, when the API server has seen it.
    eventually(lambda: seconds_between(asked()[0], asked()[-1]) > LIFETIME)
    assert {each["responseStatus"]["code"] for each in asked()} <= {200, 201, 404}


def test_an_update_that_never_comes_up_says_why_and_the_old_pods_go_on_serving(lab: Lab) -> None:
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps(MISSING_IMAGE))
    assert run.returncode != 0
    # The kubelet reports a failed pull and a wait before the next one in turn; both name the image.
    for words in (
        f"did not finish in {PATIENCE} s",
        r"Pods that are not ready: [^;]*pull[^;]*example.com/missing:1",
        "Owner: k8s",
    ):
        assert re.search(words, run.output), run.output
    turns = run.output.count("TASK [seam.eks_auto.petstore_workload : wait_for_rollout | Wait for the Deployment]")
    assert turns > 1, run.output
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
    eventually(lambda: foreign["id"] not in [link["id"] for link in apigateway.get_vpc_links()["items"]])
    run = lab.playbook(API)
    assert run.returncode == 0, run.output
    assert [link["status"] for link in apigateway.get_vpc_links()["items"]] == ["AVAILABLE"]


def test_a_failed_link_that_the_stage_names_is_replaced_first_and_removed_then(lab: Lab) -> None:
    apigateway = lab.client("apigateway")
    (link,) = apigateway.get_vpc_links()["items"]
    # A load balancer takes one link.
    failed = apigateway.create_vpc_link(name="second", targetArns=link["targetArns"], tags=link["tags"])["id"]
    assert apigateway.get_vpc_link(vpcLinkId=failed)["status"] == "FAILED"
    (api,) = apigateway.get_rest_apis()["items"]
    patch = [{"op": "replace", "path": "/variables/vpcLinkId", "value": failed}]
    apigateway.update_stage(restApiId=api["id"], stageName="prod", patchOperations=patch)
    apigateway.delete_vpc_link(vpcLinkId=link["id"])
    before = len(lab.mutating_calls())
    run = lab.playbook(API)
    assert run.returncode == 0, run.output
    changes = ["apigateway:CreateVpcLink", *TRIED_AND_MOVED, "apigateway:DeleteVpcLink"]
    assert lab.mutating_calls()[before:] == changes
    assert [each["status"] for each in apigateway.get_vpc_links()["items"]] == ["AVAILABLE"]


def test_a_recreated_load_balancer_gets_a_new_link_and_the_old_one_goes(lab: Lab) -> None:
    """The Service is made again: another load balancer, another name, the same contract."""
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


def test_a_watch_goes_on_with_a_new_token(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server ends watches now and then; here every two seconds, so that one ends after its token has."""
    monkeypatch.setattr(kubernetes_api, "WATCH_LENGTH", 2)
    cluster = lab.client("eks", "k8s").describe_cluster(name="petstore")["cluster"]
    authority = tmp_path / "ca.pem"
    authority.write_bytes(base64.b64decode(cluster["certificateAuthority"]["data"]))
    sts, tokens = lab.client("sts", "k8s"), []

    def mint() -> str:
        tokens.append(mint_token(sts, "petstore"))
        return tokens[-1]

    def is_refused(token: str) -> bool:
        with_first = kubernetes_api.KubernetesApi(cluster["endpoint"], str(authority), lambda: token, "default")
        try:
            with_first.list("Pod")
        except kubernetes_api.KubernetesError as error:
            return error.denied
        return False

    before = len(lab.asked_of_kubernetes("seam-k8s"))
    wake = threading.Event()
    api = kubernetes_api.KubernetesApi(cluster["endpoint"], str(authority), mint, "default")
    watcher = Watcher(api, "Service", {}, wake.set, time.monotonic)
    watcher.look()
    watcher.start()
    try:
        eventually(lambda: is_refused(tokens[0]))
        wake.clear()
        made = lab.kubectl("create", "service", "clusterip", "late", "--tcp=80")
        assert made.returncode == 0, made.stderr
        assert wake.wait(LIMIT)
        assert "late" in [each["metadata"]["name"] for each in watcher.objects]
    finally:
        watcher.stop()
    watches = [each for each in lab.asked_of_kubernetes("seam-k8s")[before:] if each["verb"] == "watch"]
    assert len(watches) > 1
    assert {each["responseStatus"]["code"] for each in watches} == {200}
    assert watcher.problem is None


def test_a_session_that_has_ended_is_one_clear_error(lab: Lab) -> None:
    # AWS gives no session of less than 15 minutes; the lab does, to a client that doesn't check.
    sts = lab.client("sts", config=Config(parameter_validation=False))
    role = f"arn:aws:iam::{lab.facts['account']}:role/seam-infra"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="short", DurationSeconds=1)["Credentials"]
    auth = {
        "access_key": keys["AccessKeyId"],
        "secret_key": keys["SecretAccessKey"],
        "session_token": keys["SessionToken"],
        "region": lab.facts["region"],
        "endpoint_url": lab.facts["aws_endpoint_url"],
    }
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], auth["region"])
    client = session.client("sts", endpoint_url=auth["endpoint_url"])

    def has_ended() -> bool:
        try:
            client.get_caller_identity()
        except client.exceptions.ClientError as error:
            return bool(error.response["Error"]["Code"] == "ExpiredToken")
        return False

    eventually(has_ended)
    run = lab.playbook("playbooks/infra/api.yml", "--extra-vars", json.dumps({"aws_auth": auth}))
    assert run.returncode != 0
    output = " ".join(run.output.split())
    assert "The security token included in the request is expired. Give the hosts of the group infra" in output
    assert "Traceback" not in output
