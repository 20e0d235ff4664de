# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""playbooks/awx/configure.yml with awx.awx's own modules, against a stand-in for AWX.

Proved: the modules' calls, the objects they leave, and no change in a second run. A real AWX 24.6.1 was tried by hand,
with its roles; docs/awx.md says how far. The stand-in answers as that one did. The tests build on each other.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import accelerator

from .stand_in import TOKEN, StandIn, running

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
VARIABLES = (
    "awx_image=registry.example/eks_auto:1",
    "awx_inventory_url=https://git.example/i",
    "awx_inventory_path=hosts.yml",
)


@pytest.fixture(scope="module")
def awx() -> Iterator[tuple[StandIn, str]]:
    with running(CHECKOUT) as found:
        yield found


def configure(url: str, *variables: str) -> subprocess.CompletedProcess[str]:
    extra = [word for variable in variables for word in ("--extra-vars", variable)]
    return subprocess.run(
        [BIN / "ansible-playbook", "--inventory", "inventories/example", "seam.eks_auto.awx.configure", *extra],
        cwd=CHECKOUT,
        env={
            **os.environ,
            **accelerator.settings(CHECKOUT),
            **accelerator.modules_for_all(),
            "CONTROLLER_HOST": url,
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
            # The stand-in speaks HTTP; without this each request reads the machine's certificates all the same.
            "CONTROLLER_VERIFY_SSL": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_variable_is_named_before_anything_is_sent(awx: tuple[StandIn, str]) -> None:
    run = configure(awx[1], *VARIABLES[:2])
    assert run.returncode != 0
    assert "awx_inventory_path: name the inventory's file in that repository" in run.stdout
    assert awx[0].changes == []


def test_a_project_that_did_not_come_ends_the_run_before_there_is_a_template(awx: tuple[StandIn, str]) -> None:
    awx[0].reachable = False
    run = configure(awx[1], *VARIABLES)
    awx[0].reachable = True
    assert run.returncode != 0
    assert "Project update failed" in run.stdout
    assert not awx[0].objects["job_templates"]


def test_next_run_gets_the_playbooks_again_and_makes_it_all(awx: tuple[StandIn, str]) -> None:
    run = configure(awx[1], *VARIABLES)
    assert run.returncode == 0, run.stdout + run.stderr
    made = {kind: len(found) for kind, found in awx[0].objects.items() if found}
    assert made == {
        "organizations": 1,
        "execution_environments": 1,
        "projects": 2,
        "inventories": 1,
        "inventory_sources": 1,
        "teams": 2,
        "credential_types": 1,
        "credentials": 2,
        "job_templates": 17,
        "workflow_job_templates": 4,
        "workflow_job_template_nodes": 22,
        "workflow_approval_templates": 6,
    }


def test_project_is_this_version_of_the_collection(awx: tuple[StandIn, str]) -> None:
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())
    project = awx[0].named("projects", "EKS API")
    assert (project["scm_url"], project["scm_branch"]) == (galaxy["repository"], galaxy["version"])


@pytest.mark.parametrize("team", ["infra", "k8s"])
def test_each_team_launches_its_own_templates_alone(awx: tuple[StandIn, str], team: str) -> None:
    number = awx[0].named("teams", team)["id"]
    held = {
        awx[0].roles[role]
        for (kind, role, _), teams in awx[0].associated.items()
        if kind == "roles" and number in teams
    }
    own = {each["name"] for each in awx[0].objects["job_templates"].values() if f"/ {team} /" in each["name"]}
    approves = {
        "infra": {"EKS API / Deploy", "EKS API / Replace load balancer"},
        "k8s": {"EKS API / Remove", "EKS API / Upgrade"},
    }[team]
    assert len(own) == {"infra": 11, "k8s": 6}[team]
    rights = {f"execute of {name}" for name in own} | {f"approval of {name}" for name in approves}
    assert held == rights | {f"admin of EKS API / {team}"}


def test_each_template_runs_with_its_teams_credential_and_nobody_chooses_another(awx: tuple[StandIn, str]) -> None:
    for number, template in awx[0].objects["job_templates"].items():
        credentials = awx[0].names("credentials", awx[0].associated["job_templates", number, "credentials"])
        assert credentials == [" / ".join(template["name"].split(" / ")[:2])]
        assert not template["ask_credential_on_launch"]
        assert not template["ask_inventory_on_launch"]


@pytest.mark.parametrize(
    ("workflow", "order"),
    [
        (
            "EKS API / Deploy",
            [
                "EKS API / infra / Foundation",
                "EKS API / k8s / Workload",
                "Join the API to the load balancer",
                "EKS API / infra / API",
            ],
        ),
        (
            "EKS API / Remove",
            [
                "EKS API / infra / Remove API",
                "Remove the workload",
                "EKS API / k8s / Remove workload",
                "EKS API / infra / Remove foundation",
            ],
        ),
    ],
)
def test_workflow_goes_through_the_approval(awx: tuple[StandIn, str], workflow: str, order: list[str]) -> None:
    number = awx[0].named("workflow_job_templates", workflow)["id"]
    nodes = {
        each["id"]: awx[0].associated["workflow_job_template_nodes", each["id"], "success_nodes"]
        for each in awx[0].objects["workflow_job_template_nodes"].values()
        if each["workflow_job_template"] == number
    }
    (at,) = set(nodes) - {after for each in nodes.values() for after in each}
    found = []
    for _ in nodes:
        template = awx[0].objects["workflow_job_template_nodes"][at]["unified_job_template"]
        found.append(awx[0].kind("unified_job_templates")[template]["name"])
        (at,) = nodes[at] or [0]
    assert found == order


def test_credential_type_reaches_awx_with_its_templates_unrendered(awx: tuple[StandIn, str]) -> None:
    injectors = awx[0].named("credential_types", "EKS API team")["injectors"]
    assert injectors["env"] == {"AWS_CONFIG_FILE": "{{ tower.filename }}"}
    assert "role_arn = {{ role_arn }}" in injectors["file"]["template"]


def test_second_run_changes_nothing_and_leaves_the_teams_keys(awx: tuple[StandIn, str]) -> None:
    awx[0].named("credentials", "EKS API / infra")["inputs"] = {"secret_key": "$encrypted$"}
    before, calls = copy.deepcopy(awx[0].objects), len(awx[0].changes)
    run = configure(awx[1], *VARIABLES)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "changed=0" in run.stdout
    # The playbooks are got again, and are the same.
    assert awx[0].changes[calls:] == [f"POST {awx[0].named('projects', 'EKS API')['url']}update/"]
    assert awx[0].objects == before


def test_another_organization_is_refused_before_anything_is_changed(awx: tuple[StandIn, str]) -> None:
    awx[0].make("organizations", {"name": "Other"})
    before, calls = copy.deepcopy(awx[0].objects), len(awx[0].changes)
    run = configure(awx[1], *VARIABLES, "awx_organization=Other")
    assert run.returncode != 0
    assert "Cannot change the organization of an execution environment" in run.stdout
    assert len(awx[0].changes) == calls + 1
    assert awx[0].objects == before
