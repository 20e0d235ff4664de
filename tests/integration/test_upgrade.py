# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Kubernetes upgrade, guarded by disruption budgets, upgrade insights and calls of the API.

The tests of this module build on each other: each objection to the site's upgrade is made and taken back.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Lab, Run

UPGRADE = "playbooks/upgrade.yml"


def play(lab: Lab, playbook: str, version: str, **variables: Any) -> Run:
    return lab.playbook(playbook, "--extra-vars", json.dumps({"eks_auto_cluster_version": version, **variables}))


@pytest.fixture(scope="module")
def lab(site: Lab) -> Lab:
    return site


def assert_refused(lab: Lab, version: str, *says: str) -> None:
    before = lab.mutating_calls()
    refused = play(lab, UPGRADE, version)
    assert refused.returncode != 0
    words = " ".join(refused.output.split())
    for each in says:
        assert each in words, refused.output
    assert lab.mutating_calls() == before


def tell(lab: Lab, status: str) -> None:
    """Let EKS have found out something about the cluster."""
    insight = {
        "id": "1",
        "name": "Deprecated APIs removed in Kubernetes v1.36",
        "category": "UPGRADE_READINESS",
        "kubernetesVersion": "1.36",
        "insightStatus": {"status": status, "reason": "Deprecated API usage detected within last 30 days."},
        "recommendation": "Update manifests and API clients.",
    }
    (lab.folder / "insights.json").write_text(json.dumps([insight]))


def test_a_budget_that_lets_no_pod_go_stops_it(lab: Lab) -> None:
    patch = json.dumps({"spec": {"maxUnavailable": 0}})
    changed = lab.kubectl("-n", "petstore", "patch", "poddisruptionbudget", "petstore", "--type=merge", "-p", patch)
    assert changed.returncode == 0, changed.stderr
    condition = "--for=jsonpath={.status.disruptionsAllowed}=0"
    seen = lab.kubectl("-n", "petstore", "wait", condition, "poddisruptionbudget/petstore", "--timeout=30s")
    assert seen.returncode == 0, seen.stderr
    closed = "PodDisruptionBudget petstore/petstore (2 of 2 pods healthy, 2 needed)"
    assert_refused(lab, "1.36", f"No pod may be disrupted of {closed}", "Owner: k8s")
    mended = lab.playbook("playbooks/k8s/workload.yml")
    assert mended.changed_tasks == ["seam.eks_auto.petstore_workload : apply | Apply the manifests"], mended.output


def test_two_versions_at_once_are_refused(lab: Lab) -> None:
    assert_refused(lab, "1.37", "eks_auto_cluster_version: the cluster has 1.35", 'Set "1.36" first')


def test_a_failing_insight_stops_it_with_its_own_text(lab: Lab) -> None:
    tell(lab, "ERROR")
    assert_refused(
        lab,
        "1.36",
        "Deprecated APIs removed in Kubernetes v1.36 (ERROR): Deprecated API usage detected within last 30 days. "
        "Update manifests and API clients.",
    )


def test_a_warning_is_shown_and_the_cluster_goes_to_the_next_version(lab: Lab) -> None:
    tell(lab, "WARNING")
    before = len(lab.mutating_calls())
    run = play(lab, UPGRADE, "1.36")
    assert run.returncode == 0, run.output
    assert "Deprecated APIs removed in Kubernetes v1.36 (WARNING)" in " ".join(run.output.split())
    assert run.output.count("call | Send the requests") == 2
    assert lab.mutating_calls()[before:] == ["eks:UpdateClusterVersion"]
    assert lab.client("eks").describe_cluster(name="petstore")["cluster"]["version"] == "1.36"


def test_a_cluster_that_is_there_already_is_not_in_the_way(lab: Lab) -> None:
    run = play(lab, "playbooks/infra/upgrade_preflight.yml", "1.36")
    assert (run.returncode, run.changed) == (0, 0), run.output
    assert "EKS cluster petstore has 1.36 already" in run.output
