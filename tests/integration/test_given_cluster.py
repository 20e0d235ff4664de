# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of before access entries: its deletion protection is respected, and the foundation makes it one with Auto Mode."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Lab

NAME = "old"
#: By which it was adopted.
OWNER = {"seam.eks_auto/cluster": NAME}


@pytest.fixture(scope="module")
def old(lab: Lab) -> Lab:
    """A lab with a cluster on CONFIG_MAP that is protected from deletion."""
    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = lab.client("iam").create_role(
        RoleName=f"{NAME}-cluster",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        Tags=[{"Key": key, "Value": value} for key, value in OWNER.items()],
    )["Role"]
    eks, subnets = lab.client("eks"), lab.client("ec2").describe_subnets()["Subnets"]
    eks.create_cluster(
        name=NAME,
        roleArn=role["Arn"],
        resourcesVpcConfig={"subnetIds": [each["SubnetId"] for each in subnets]},
        accessConfig={"authenticationMode": "CONFIG_MAP"},
        deletionProtection=True,
        tags=OWNER,
    )
    eks.get_waiter("cluster_active").wait(name=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    return lab


def variables(**others: Any) -> list[str]:
    return ["--extra-vars", json.dumps({"seam_cluster": NAME, **others})]


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_a_teardown_that_the_protection_refuses_removes_nothing(old: Lab, options: list[str]) -> None:
    run = old.playbook("playbooks/teardown.yml", *variables(), *options)
    assert run.returncode != 0
    assert "The cluster is protected from deletion." in " ".join(run.output.split())
    assert old.mutating_calls() == []


def test_a_cluster_on_config_map_gets_access_entries(old: Lab) -> None:
    run = old.playbook("playbooks/infra/foundation.yml", *variables())
    assert run.returncode == 0, run.output
    eks = old.client("eks")
    assert eks.describe_cluster(name=NAME)["cluster"]["accessConfig"]["authenticationMode"] == "API_AND_CONFIG_MAP"
    assert old.facts["credentials"]["k8s"]["arn"].split("/")[1] in str(
        eks.list_access_entries(clusterName=NAME)["accessEntries"]
    )
    again = old.playbook("playbooks/infra/foundation.yml", *variables())
    assert again.returncode == 0 and again.changed == 0, again.output
