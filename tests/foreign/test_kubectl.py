# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A day of the k8s team with kubectl, by the kubeconfig that the lab writes: one life of one workload, in this order.

How the API server answers kubectl in detail is in tests/lab/test_kubernetes_clients.py.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.foreign.conftest import Lab
from tests.running_lab import BIN, K8S_ROLE

WORKLOAD = Path(__file__).parent / "terraform/workload.yml"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy"
CLUSTER_ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


class Team:
    """The k8s team, in namespace petstore of the cluster."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.lab.run("kubectl", "--namespace", "petstore", *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that doesn't end by itself."""
        return subprocess.Popen(
            [str(BIN / "kubectl"), "--namespace", "petstore", *arguments],
            env={
                "HOME": str(self.lab.folder),
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "KUBECONFIG": str(self.lab.folder / "kubeconfig"),
            },
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def kubectl(lab: Lab) -> Team:
    eks, of_team = lab.client("eks"), {"clusterName": "petstore", "principalArn": K8S_ROLE}
    tag = {"Key": "kubernetes.io/role/internal-elb", "Value": "1"}
    lab.client("ec2").create_tags(Resources=lab.subnets()[:2], Tags=[tag])
    lab.create_cluster("petstore")
    eks.create_access_entry(**of_team)
    eks.associate_access_policy(**of_team, policyArn=CLUSTER_ADMIN, accessScope={"type": "cluster"})
    return Team(lab)


def edited(folder: Path, old: str, new: str) -> str:
    """The workload's manifests with one text for another, as a file."""
    text = WORKLOAD.read_text()
    assert old in text
    changed = folder / "workload.yml"
    changed.write_text(text.replace(old, new))
    return str(changed)


def test_apply_says_what_it_did(kubectl: Team) -> None:
    assert [line.split()[-1] for line in kubectl("apply", "-f", str(WORKLOAD)).splitlines()] == ["created"] * 3
    assert [line.split()[-1] for line in kubectl("apply", "-f", str(WORKLOAD)).splitlines()] == ["unchanged"] * 3


def test_the_rollout_and_the_load_balancer_are_waited_for(kubectl: Team) -> None:
    address = "{.status.loadBalancer.ingress[0].hostname}"
    said = kubectl("rollout", "status", "deployment/petstore", "--timeout=60s")
    assert said.endswith('deployment "petstore" successfully rolled out\n')
    assert "condition met" in kubectl("wait", "deployment/petstore", "--for=condition=Available", "--timeout=60s")
    assert "condition met" in kubectl("wait", "service/vpclink", f"--for=jsonpath={address}", "--timeout=60s")
    assert kubectl("get", "service", "vpclink", "-o", f"jsonpath={address}").endswith(".elb.us-west-2.amazonaws.com")


def test_diff_shows_what_apply_would_change(kubectl: Team, tmp_path: Path) -> None:
    assert kubectl("diff", "-f", str(WORKLOAD)) == ""
    done = kubectl.run("diff", "-f", edited(tmp_path, "replicas: 2", "replicas: 3"))
    assert done.returncode == 1
    assert "-  replicas: 2\n+  replicas: 3" in done.stdout
    assert kubectl("get", "deployment", "petstore", "-o", "jsonpath={.spec.replicas}") == "2"


def test_apply_at_the_server_needs_force_against_another_manager(kubectl: Team, tmp_path: Path) -> None:
    three = edited(tmp_path, "replicas: 2", "replicas: 3")
    at_server = ("apply", "--server-side", "--field-manager=gitops", "-f", three)
    assert 'conflict with "kubectl-client-side-apply"' in kubectl.refused(*at_server)
    kubectl(*at_server, "--force-conflicts")
    assert kubectl("get", "deployment", "petstore", "-o", "jsonpath={.spec.replicas}") == "3"
    kubectl("scale", "deployment/petstore", "--replicas=2")
    kubectl("rollout", "status", "deployment/petstore", "--timeout=60s")


def test_a_bad_rollout_is_undone(kubectl: Team, tmp_path: Path) -> None:
    kubectl("set", "env", "deployment/petstore", "LEVEL=debug")
    kubectl("rollout", "status", "deployment/petstore", "--timeout=60s")
    assert len(kubectl("rollout", "history", "deployment/petstore").strip().splitlines()) == 4
    assert "rolled back" in kubectl("rollout", "undo", "deployment/petstore")
    kubectl("rollout", "status", "deployment/petstore", "--timeout=60s")
    assert kubectl("get", "deployment", "petstore", "-o", "jsonpath={.spec.template.spec.containers[0].env}") == ""
    assert "restarted" in kubectl("rollout", "restart", "deployment/petstore")
    kubectl("rollout", "status", "deployment/petstore", "--timeout=60s")


def test_get_describe_events_and_logs_tell_of_what_runs(kubectl: Team) -> None:
    pods = kubectl("get", "pods", "-l", "app=petstore", "--no-headers").splitlines()
    assert [line.split()[1:3] for line in pods if "Terminating" not in line] == [["1/1", "Running"]] * 2
    assert "SuccessfullyReconciled" in kubectl("describe", "service", "vpclink")
    assert "ScalingReplicaSet" in kubectl("describe", "deployment", "petstore")
    assert "SuccessfullyReconciled" in kubectl("events", "--for", "service/vpclink")
    assert kubectl("logs", "deployment/petstore")
    assert "Ready" in kubectl("get", "nodes")


def test_get_watches(kubectl: Team) -> None:
    watch = kubectl.start("get", "service", "vpclink", "--watch", "--no-headers", "--output-watch-events")
    assert watch.stdout
    seen = [watch.stdout.readline().split()[:2]]
    kubectl("label", "service", "vpclink", "tier=front")
    seen.append(watch.stdout.readline().split()[:2])
    watch.terminate()
    watch.communicate()
    assert seen == [["ADDED", "vpclink"], ["MODIFIED", "vpclink"]]


def test_what_the_team_may_do_it_can_ask(kubectl: Team, lab: Lab) -> None:
    assert kubectl("auth", "can-i", "delete", "services") == "yes\n"
    assert "seam-k8s" in kubectl("auth", "whoami")
    eks, of_team = lab.client("eks"), {"clusterName": "petstore", "principalArn": K8S_ROLE}
    eks.disassociate_access_policy(**of_team, policyArn=CLUSTER_ADMIN)
    scope = {"type": "namespace", "namespaces": ["petstore"]}
    eks.associate_access_policy(**of_team, policyArn=ADMIN, accessScope=scope)
    assert kubectl("auth", "can-i", "delete", "services") == "yes\n"
    done = kubectl.run("auth", "can-i", "delete", "services", "--namespace", "default")
    assert (done.returncode, done.stdout) == (1, "no\n")
    assert "Forbidden" in kubectl.refused("get", "services", "--namespace", "default")
    eks.associate_access_policy(**of_team, policyArn=CLUSTER_ADMIN, accessScope={"type": "cluster"})


def test_a_node_is_drained_and_the_pods_run_elsewhere(kubectl: Team) -> None:
    pods = json.loads(kubectl("get", "pods", "-l", "app=petstore", "-o", "json"))["items"]
    node = pods[0]["spec"]["nodeName"]
    kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
    kubectl("rollout", "status", "deployment/petstore", "--timeout=60s")
    now = json.loads(kubectl("get", "pods", "-l", "app=petstore", "-o", "json"))["items"]
    assert node not in {pod["spec"]["nodeName"] for pod in now if "deletionTimestamp" not in pod["metadata"]}
    assert "uncordoned" in kubectl("uncordon", node)


def test_delete_asks_first_and_then_waits(kubectl: Team) -> None:
    tried = kubectl("delete", "--dry-run=server", "-f", str(WORKLOAD))
    assert tried.count("(server dry run)") == 3
    assert kubectl("get", "service", "vpclink", "-o", "name") == "service/vpclink\n"
    kubectl("delete", "-f", str(WORKLOAD), "--timeout=60s")
    assert "NotFound" in kubectl.refused("get", "namespace", "petstore")
    assert kubectl.lab.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
