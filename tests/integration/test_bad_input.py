# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input ends in one clear error that names the variable, before anything is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Lab

FOUNDATION = "playbooks/infra/foundation.yml"
WORKLOAD = "playbooks/k8s/workload.yml"
API = "playbooks/infra/api.yml"

ROLE = "arn:aws:iam::123456789012:role/team-a"


def entry(principal: str = ROLE, **policy: Any) -> dict[str, Any]:
    return {"principal_arn": principal, "policies": [{"policy": "AmazonEKSEditPolicy", **policy}]}


CASES: list[tuple[str, dict[str, Any], str]] = [
    (FOUNDATION, {"seam_cluster": "-petstore"}, "eks_auto_cluster_name"),
    (FOUNDATION, {"eks_auto_cluster_version": "1.36.0"}, "eks_auto_cluster_version"),
    (FOUNDATION, {"eks_auto_cluster_version": "latest"}, "eks_auto_cluster_version"),
    (FOUNDATION, {"eks_auto_cluster_node_pools": ["gpu"]}, "eks_auto_cluster_node_pools"),
    (FOUNDATION, {"vpc_tagging_zones": ["us-west-2a"]}, "vpc_tagging_zones"),
    (FOUNDATION, {"vpc_tagging_zones": ["us-west-2a", "us-west-2z"]}, "vpc_tagging_zones"),
    (FOUNDATION, {"vpc_tagging_subnet_ids": ["subnet-0123456789abcdef0"]}, "vpc_tagging_subnet_ids"),
    (FOUNDATION, {"vpc_tagging_vpc_id": "vpc-0123456789abcdef0"}, "vpc_tagging_vpc_id"),
    (FOUNDATION, {"vpc_tagging_nat_gateway": True, "vpc_tagging_private": False}, "vpc_tagging_nat_gateway"),
    (FOUNDATION, {"vpc_tagging_nat_gateway": True, "vpc_tagging_zones": []}, "vpc_tagging_nat_gateway"),
    (FOUNDATION, {"vpc_tagging_state": "gone"}, "vpc_tagging_state"),
    *(
        (FOUNDATION, {"eks_auto_cluster_access_entries": entries}, says)
        for entries, says in (
            ([entry("arn:aws:sts::123456789012:assumed-role/team-a/alice")], "does not take the ARN of an STS session"),
            ([entry(), entry()], "must be the ARN of an IAM role or user"),
            ([entry("team")], "eks_auto_cluster_access_entries"),
            ([entry(policy="AmazonEKSNoPolicy")], "there is no access policy AmazonEKSNoPolicy"),
            ([entry(scope="namespace")], "has scope namespace, so it needs namespaces"),
            ([entry(namespaces=["petstore"])], "has scope cluster, so it takes no namespaces"),
        )
    ),
    (WORKLOAD, {"seam_namespace": "Pet_Store"}, "petstore_workload_namespace"),
    (WORKLOAD, {"seam_service": "-link"}, "petstore_workload_load_balancer_service"),
    (WORKLOAD, {"seam_service": "petstore"}, "petstore_workload_load_balancer_service"),
    (WORKLOAD, {"petstore_workload_image": ""}, "petstore_workload_image"),
    (WORKLOAD, {"petstore_workload_replicas": 0}, "petstore_workload_replicas"),
    (WORKLOAD, {"petstore_workload_container_port": 70000}, "petstore_workload_container_port"),
    (WORKLOAD, {"petstore_workload_target_port": 80}, "petstore_workload_target_port"),
    (API, {"apigw_vpclink_definition_file": "/nowhere.json"}, "apigw_vpclink_definition_file"),
    (API, {"apigw_vpclink_stage_name": "pro d"}, "apigw_vpclink_stage_name"),
    (API, {"apigw_vpclink_throttle": {"rate_limit": 0, "burst_limit": 1}}, "apigw_vpclink_throttle"),
    (API, {"apigw_vpclink_quota": {"limit": 1, "period": "YEAR"}}, "apigw_vpclink_quota"),
    (API, {"apigw_vpclink_backends": []}, "apigw_vpclink_backends"),
    (API, {"apigw_vpclink_version": "3"}, "apigw_vpclink_version"),
    (API, {"apigw_vpclink_version": "2", "apigw_vpclink_subnet_ids": []}, "apigw_vpclink_subnet_ids: version 2 needs"),
    (
        API,
        {"apigw_vpclink_version": "2", "apigw_vpclink_subnet_ids": ["subnet-0"]},
        "apigw_vpclink_subnet_ids: of subnet-0 this account and region has none",
    ),
    (
        FOUNDATION,
        {"apigw_vpclink_version": "2", "apigw_vpclink_security_group_ids": ["default"]},
        "apigw_vpclink_security_group_ids",
    ),
]


def assert_refused(lab: Lab, playbook: str, variables: dict[str, Any], name: str) -> str:
    before = lab.mutating_calls()
    run = lab.playbook(playbook, "--extra-vars", json.dumps(variables))
    assert run.returncode != 0, run.output
    assert name in " ".join(run.output.split())
    assert "Traceback" not in run.output
    assert lab.mutating_calls() == before
    return run.output


@pytest.mark.parametrize(("playbook", "variables", "name"), CASES, ids=lambda case: str(case)[:60])
def test_a_bad_variable_is_named_before_anything_is_changed(
    lab: Lab, playbook: str, variables: dict[str, Any], name: str
) -> None:
    assert_refused(lab, playbook, variables, name)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("[]", "apigw_vpclink_definition_file"),
        ('{"title": "no OpenAPI"}', "apigw_vpclink_definition_file"),
        ('{"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {}}', "apigw_vpclink_definition_file"),
        ('{"pad": "' + "x" * (6 * 1024 * 1024) + '"}', "6 MB"),
    ],
    ids=["list", "other", "no paths", "too large"],
)
def test_a_document_that_cannot_be_an_api_is_refused(lab: Lab, tmp_path: Path, document: str, says: str) -> None:
    path = tmp_path / "api.json"
    path.write_text(document)
    assert_refused(lab, API, {"apigw_vpclink_definition_file": str(path)}, says)


def test_without_credentials_there_is_one_clear_error(lab: Lab) -> None:
    auth = {"region": lab.facts["region"], "endpoint_url": lab.facts["aws_endpoint_url"]}
    environment = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    run = lab.playbook(API, "--extra-vars", json.dumps({"aws_auth": auth}), environment=environment)
    assert run.returncode != 0
    assert "redentials" in run.output
    assert "Traceback" not in run.output


def test_when_nobody_listens_there_is_one_clear_error(lab: Lab) -> None:
    auth = {**lab.facts["credentials"]["infra"], "region": "us-west-2", "endpoint_url": "http://127.0.0.1:9"}
    auth.pop("arn")
    run = lab.playbook(API, "--extra-vars", json.dumps({"aws_auth": auth}))
    assert run.returncode != 0
    assert "http://127.0.0.1:9" in run.output
    assert "Traceback" not in run.output


def test_a_cluster_that_is_not_there_is_one_clear_error(lab: Lab) -> None:
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps({"seam_cluster": "other"}))
    assert run.returncode != 0
    assert "There is no EKS cluster other in region us-west-2 of this account" in " ".join(run.output.split())
    assert "Traceback" not in run.output


def test_in_the_wrong_region_there_is_one_clear_error(lab: Lab) -> None:
    """The first task says so; where the inventory is wrong as well, IAM does."""
    auth = {**lab.facts["credentials"]["k8s"], "region": "eu-central-1", "endpoint_url": lab.facts["aws_endpoint_url"]}
    auth.pop("arn")
    says = {
        lab.facts["region"]: "The region is eu-central-1; expected is us-west-2.",
        "eu-central-1": "is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:eu-central-1:",
    }
    for expected, words in says.items():
        run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps({"aws_auth": auth, "seam_region": expected}))
        assert run.returncode != 0
        assert words in " ".join(run.output.split())
        assert "Traceback" not in run.output
