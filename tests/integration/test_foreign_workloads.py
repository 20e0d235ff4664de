# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other people's workloads in the cluster stay as they are, until their owner hands them over.

The tests of this module build on each other.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Lab, Run

WORKLOAD = "playbooks/k8s/workload.yml"
ADOPT = "playbooks/k8s/adopt.yml"
TEARDOWN = "playbooks/teardown.yml"
DRIFT = "playbooks/k8s/drift.yml"

#: Somebody's own shop, whose Service has the name of a contract.
SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {currency: EUR}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: shop
          image: swaggerapi/petstore3:unstable
          ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: shop-nlb, namespace: shop}
spec:
  type: LoadBalancer
  loadBalancerClass: eks.amazonaws.com/nlb
  selector: {app: shop}
  ports: [{port: 80, targetPort: 8080}]
"""
CONTRACT = {"seam_namespace": "shop", "seam_service": "shop-nlb"}

check_mode_or_not = pytest.mark.parametrize("mode", [["--check"], []], ids=["check mode", "run"])


@pytest.fixture(scope="module")
def lab(site: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    manifests = tmp_path_factory.mktemp("shop") / "shop.yml"
    manifests.write_text(SHOP)
    applied = site.kubectl("apply", "-f", str(manifests))
    assert applied.returncode == 0, applied.stderr
    return site


def shop(lab: Lab) -> list[dict[str, Any]]:
    """The shop's objects, without the fields that controllers write."""
    found = lab.kubectl("get", "configmaps,deployments,services", "-n", "shop", "-o", "json")
    items: list[dict[str, Any]] = json.loads(found.stdout)["items"]
    for item in items:
        for written in ("resourceVersion", "managedFields", "generation"):
            item["metadata"].pop(written, None)
        item["metadata"].get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
        item.pop("status", None)
    return items


def play(lab: Lab, playbook: str, *mode: str, **variables: Any) -> Run:
    return lab.playbook(playbook, *mode, "--extra-vars", json.dumps(variables))


def assert_refused(run: Run, *says: str) -> None:
    assert run.returncode != 0, run.output
    words = " ".join(run.output.split())
    for each in says:
        assert each in words, run.output


@check_mode_or_not
def test_a_service_of_somebody_else_is_not_taken_over(lab: Lab, mode: list[str]) -> None:
    before = shop(lab)
    run = play(lab, WORKLOAD, *mode, **CONTRACT)
    assert_refused(run, "Service shop/shop-nlb is there, and this role did not make it", "playbooks/k8s/adopt.yml")
    assert run.changed == 0, run.changed_tasks
    assert shop(lab) == before


def test_drift_says_whose_it_is_instead_of_how_to_take_it(lab: Lab) -> None:
    before = shop(lab)
    assert_refused(play(lab, DRIFT, **CONTRACT), "Service shop/shop-nlb is there, and this role did not make it")
    assert shop(lab) == before


@check_mode_or_not
def test_a_teardown_ends_before_it_begins(lab: Lab, mode: list[str]) -> None:
    before, calls = shop(lab), lab.mutating_calls()
    run = play(lab, TEARDOWN, *mode)
    assert_refused(run, "in namespace shop ConfigMap settings, Deployment shop, Service shop-nlb. Owner: k8s.")
    assert (shop(lab), lab.mutating_calls(), run.changed) == (before, calls, 0)


def test_removing_a_workload_leaves_what_is_not_ours(lab: Lab) -> None:
    before = shop(lab)
    run = play(lab, WORKLOAD, **CONTRACT, petstore_workload_state="absent")
    assert run.returncode == 0, run.output
    assert run.changed == 0, run.changed_tasks
    assert "Service shop/shop-nlb" in run.output
    assert "Namespace shop, which this role did not make" in run.output
    assert shop(lab) == before


def test_a_service_of_somebody_else_is_not_removed(lab: Lab) -> None:
    before = shop(lab)
    run = play(lab, "playbooks/k8s/remove_service.yml", **CONTRACT, seam_next_service="vpclink")
    assert_refused(run, "this role did not make Service shop/shop-nlb. Owner: k8s.")
    assert shop(lab) == before


def test_a_namespace_of_ours_stays_for_what_else_is_in_it(lab: Lab) -> None:
    assert play(lab, WORKLOAD, seam_namespace="store").returncode == 0
    assert lab.kubectl("create", "configmap", "theirs", "-n", "store").returncode == 0
    run = play(lab, WORKLOAD, seam_namespace="store", petstore_workload_state="absent")
    assert run.returncode == 0, run.output
    assert "Namespace store, in which there are ConfigMap theirs" in run.output
    left = lab.kubectl("get", "deployments,services,poddisruptionbudgets", "-n", "store", "-o", "name")
    assert left.stdout == ""
    assert lab.kubectl("get", "configmap", "theirs", "-n", "store").returncode == 0
    assert lab.kubectl("delete", "configmap", "theirs", "-n", "store").returncode == 0
    again = play(lab, WORKLOAD, seam_namespace="store", petstore_workload_state="absent")
    assert again.changed == 1, again.output
    assert lab.kubectl("get", "namespace", "store").returncode != 0


def test_what_another_tool_keeps_is_not_handed_over(lab: Lab) -> None:
    mark = "meta.helm.sh/release-name"
    assert lab.kubectl("annotate", "service", "shop-nlb", "-n", "shop", f"{mark}=shop").returncode == 0
    before = shop(lab)
    assert_refused(play(lab, ADOPT, **CONTRACT), "Service shop/shop-nlb belongs to the Helm release (shop)")
    assert shop(lab) == before
    assert lab.kubectl("annotate", "service", "shop-nlb", "-n", "shop", f"{mark}-").returncode == 0


def test_an_owner_hands_it_over_and_only_the_label_changes(lab: Lab) -> None:
    before = shop(lab)
    run = play(lab, ADOPT, **CONTRACT)
    assert run.returncode == 0, run.output
    assert "Service shop-nlb: spec.selector.app is shop, and should be petstore." in run.output
    (service,) = (each for each in before if each["kind"] == "Service")
    service["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "seam.eks_auto"}
    assert shop(lab) == before
    assert play(lab, ADOPT, **CONTRACT).changed == 0


def test_the_next_run_brings_it_to_what_the_role_says(lab: Lab) -> None:
    assert play(lab, WORKLOAD, **CONTRACT).returncode == 0
    (service,) = (each for each in shop(lab) if each["kind"] == "Service" and each["metadata"]["name"] == "shop-nlb")
    assert service["spec"]["selector"] == {"app": "petstore"}
    assert play(lab, WORKLOAD, **CONTRACT).changed == 0


def test_the_site_is_left_as_it_was_found(lab: Lab) -> None:
    assert play(lab, WORKLOAD, **CONTRACT, petstore_workload_state="absent").returncode == 0
    assert lab.kubectl("delete", "namespace", "shop").returncode == 0
