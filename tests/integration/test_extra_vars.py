# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `-e name=value` gives is text, and is taken as the number or truth value that it stands for; --diff shows what differs."""

from __future__ import annotations

import pytest

from .conftest import Lab

WORKLOAD = "playbooks/k8s/workload.yml"


@pytest.mark.parametrize(
    ("playbook", "given"),
    [
        (
            WORKLOAD,
            "petstore_workload_wait_timeout=300 petstore_workload_replicas=2 petstore_workload_load_balancer_port=80 "
            "petstore_workload_create_namespace=yes petstore_workload_allow_replacement=false",
        ),
        (
            "playbooks/infra/foundation.yml",
            "vpc_tagging_private=false vpc_tagging_nat_gateway=no eks_auto_cluster_zonal_shift=false",
        ),
        (
            "playbooks/infra/api.yml",
            "apigw_vpclink_stage_in_path=true apigw_vpclink_drain_seconds=0 apigw_vpclink_version=1",
        ),
        ("playbooks/bootstrap/teams.yml", "team_identities_roles=true"),
    ],
)
def test_text_is_taken_for_what_it_stands_for(site: Lab, playbook: str, given: str) -> None:
    run = site.playbook(playbook, "--check", "--extra-vars", given)
    assert run.returncode == 0, run.output


def test_a_rollout_waits_for_as_long_as_the_text_says(site: Lab) -> None:
    run = site.playbook(WORKLOAD, "--extra-vars", "petstore_workload_wait_timeout=300")
    assert run.returncode == 0, run.output
    assert run.changed == 0


@pytest.mark.parametrize("options", [[], ["--diff"]])
def test_differences_of_the_workload_are_shown_where_they_are_asked_for(site: Lab, options: list[str]) -> None:
    run = site.playbook(WORKLOAD, "--check", *options, "--extra-vars", "petstore_workload_replicas=3")
    assert run.returncode == 0, run.output
    said = "Deployment petstore: spec.replicas is 2, and should be 3."
    assert (said in run.output) is bool(options), run.output
