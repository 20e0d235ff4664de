# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Further teams: one with a namespace of its own, and one that may only look.

The tests of this module build on each other: into the site's cluster infra lets two more teams.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import BIN, Lab

FOUNDATION = "playbooks/infra/foundation.yml"
WORKLOAD = "playbooks/k8s/workload.yml"


@pytest.fixture(scope="module")
def lab(site: Lab) -> Iterator[Lab]:
    yield site
    eks, iam = site.client("eks"), site.client("iam")
    for role in ("team-shop", "team-support"):
        eks.delete_access_entry(clusterName="petstore", principalArn=arn(site, role))
        iam.detach_role_policy(RoleName=role, PolicyArn=policy_arn(site))
        iam.delete_role(RoleName=role)
    site.kubectl("delete", "namespace", "shop", "--timeout=60s")


def arn(lab: Lab, role: str) -> str:
    return f"arn:aws:iam::{lab.facts['account']}:role/{role}"


def policy_arn(lab: Lab) -> str:
    return f"arn:aws:iam::{lab.facts['account']}:policy/seam-k8s-workload"


def make_team(lab: Lab, role: str) -> dict[str, str]:
    """A role with the k8s team's policy; returns the keys of a session of it."""
    iam = lab.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{lab.facts['account']}:root"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(document))
    iam.attach_role_policy(RoleName=role, PolicyArn=policy_arn(lab))
    session = lab.client("sts").assume_role(RoleArn=arn(lab, role), RoleSessionName="test")["Credentials"]
    return {
        "access_key": session["AccessKeyId"],
        "secret_key": session["SecretAccessKey"],
        "session_token": session["SessionToken"],
    }


@pytest.fixture(scope="module")
def shop(lab: Lab) -> dict[str, str]:
    return make_team(lab, "team-shop")


@pytest.fixture(scope="module")
def support(lab: Lab) -> dict[str, str]:
    return make_team(lab, "team-support")


def work_as(lab: Lab, role: str, keys: dict[str, str], namespace: str, **more: Any) -> dict[str, Any]:
    """The variables of another team's inventory."""
    return {
        "aws_auth": {**keys, "region": lab.facts["region"], "endpoint_url": lab.facts["aws_endpoint_url"]},
        "seam_identities": {"infra": arn(lab, "seam-infra"), "k8s": arn(lab, role)},
        "seam_namespace": namespace,
        "petstore_workload_create_namespace": False,
        **more,
    }


def kubectl_as(lab: Lab, keys: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """kubectl with the k8s team's kubeconfig, its keys replaced."""
    text = (lab.folder / "kubeconfig").read_text()
    for name, value in keys.items():
        text = text.replace(lab.facts["credentials"]["k8s"][name], value)
    config = folder / "kubeconfig"
    config.write_text(text)
    return subprocess.run(
        [BIN / "kubectl", "--kubeconfig", str(config), *arguments],
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_infra_lets_three_teams_in(lab: Lab, shop: dict[str, str], support: dict[str, str]) -> None:
    own = [{"policy": "AmazonEKSEditPolicy", "scope": "namespace", "namespaces": ["shop"]}]
    entries = [
        {"principal_arn": arn(lab, "seam-k8s"), "policies": [{"policy": "AmazonEKSClusterAdminPolicy"}]},
        {"principal_arn": arn(lab, "team-shop"), "policies": own},
        {"principal_arn": arn(lab, "team-support"), "policies": [{"policy": "AmazonEKSViewPolicy"}]},
    ]
    run = lab.playbook(FOUNDATION, "--extra-vars", json.dumps({"eks_auto_cluster_access_entries": entries}))
    assert run.returncode == 0, run.output
    made = lab.kubectl("create", "namespace", "shop")
    assert made.returncode == 0, made.stderr


def test_a_team_runs_its_workload_in_its_own_namespace(lab: Lab, shop: dict[str, str]) -> None:
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps(work_as(lab, "team-shop", shop, "shop")))
    assert run.returncode == 0, run.output
    again = lab.playbook(WORKLOAD, "--extra-vars", json.dumps(work_as(lab, "team-shop", shop, "shop")))
    assert again.returncode == 0, again.output
    assert again.changed == 0


def test_and_in_no_other(lab: Lab, shop: dict[str, str]) -> None:
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps(work_as(lab, "team-shop", shop, "default")))
    assert run.returncode != 0
    words = " ".join(run.output.split())
    assert "see no Deployment, PodDisruptionBudget, Service in namespace default. Owner: infra." in words
    assert "deployment" not in lab.kubectl("-n", "default", "get", "deployments", "-o", "name").stdout


def test_support_may_look_and_touch_nothing(lab: Lab, support: dict[str, str], tmp_path: Path) -> None:
    seen = kubectl_as(lab, support, tmp_path, "-n", "shop", "get", "deployments", "-o", "name")
    assert seen.stdout == "deployment.apps/petstore\n", seen.stderr
    for verb, answer in (("list", "yes"), ("delete", "no"), ("create", "no")):
        assert (
            kubectl_as(lab, support, tmp_path, "-n", "shop", "auth", "can-i", verb, "services").stdout.strip() == answer
        )
    refused = kubectl_as(lab, support, tmp_path, "-n", "shop", "delete", "service", "vpclink")
    assert 'cannot delete resource "services" in API group "" in the namespace "shop"' in refused.stderr


def test_what_kubernetes_refuses_is_asked_once(lab: Lab, support: dict[str, str]) -> None:
    before = len(lab.changes_asked_of_kubernetes("team-support"))
    variables = work_as(lab, "team-support", support, "shop", petstore_workload_replicas=3)
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps(variables))
    assert run.returncode != 0
    assert 'cannot patch resource "deployments" in API group "apps" in the namespace "shop"' in run.output.replace(
        "\\", ""
    )
    (tried,) = lab.changes_asked_of_kubernetes("team-support")[before:]
    assert (tried["verb"], tried["objectRef"]["resource"]) == ("patch", "deployments")


def test_the_team_takes_its_workload_away_and_leaves_the_namespace(lab: Lab, shop: dict[str, str]) -> None:
    variables = work_as(lab, "team-shop", shop, "shop", petstore_workload_state="absent")
    run = lab.playbook(WORKLOAD, "--extra-vars", json.dumps(variables))
    assert run.returncode == 0, run.output
    assert lab.kubectl("get", "namespace", "shop", "-o", "name").stdout == "namespace/shop\n"
    assert lab.kubectl("-n", "shop", "get", "deployments,services", "-o", "name").stdout == ""
    assert len(lab.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 1
