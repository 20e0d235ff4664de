# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each job template, run as AWX runs it: by ansible-runner, out of a private data directory.

The inventory is the example's, exported as AWX keeps it; extra variables are the survey's defaults; credentials come
from the credential type's injectors alone. AWX's own work before and after is not here: its database, its permissions,
the image (ansible-runner runs in the tests' own environment). The first job of each team finds nothing loaded
(tests/accelerator). The tests build on each other, in the order of the two workflows.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import sandbox

from tests import accelerator

from .conftest import BIN, CHECKOUT, Lab

PATTERN = CHECKOUT / "extensions/patterns/eks_auto_api"
TEMPLATES = {
    each["name"]: each
    for each in json.loads((PATTERN / "meta/pattern.json").read_text())["aap_resources"]["controller_job_templates"]
}
CONTROLLER = yaml.safe_load((PATTERN / "meta/controller.yml").read_text())
#: Answers to surveys. With the defaults, these jobs would do nothing or take long.
TYPED: dict[str, dict[str, Any]] = {
    "EKS API / infra / Canary": {"apigw_vpclink_canary_percent": 20.0, "apigw_vpclink_canary_seconds": 0},
    "EKS API / infra / Remove link": {"apigw_vpclink_drain_seconds": 1},
}
#: Templates that change nothing.
READING = {
    "EKS API / infra / Drift",
    "EKS API / k8s / Drift",
    "EKS API / k8s / Disruption budgets",
    "EKS API / infra / Upgrade preflight",
    "EKS API / infra / Orphans",
}
#: The first of each team start with nothing loaded.
FIRST = ("EKS API / infra / Foundation", "EKS API / k8s / Workload")
TEAMS = {name: each["team"] for each in CONTROLLER["templates"] for name in each["names"]}


class Unsafe(str):
    """A text that somebody typed into a survey: AWX tags it, so that Ansible never takes it for a template."""


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


def survey_answers(template: str) -> dict[str, Any]:
    """The survey's answers, as a rule its defaults, in the types in which AWX hands them on."""
    questions = TEMPLATES[template].get("survey", {}).get("spec", [])
    answers = {x["variable"]: x["default"] for x in questions} | TYPED.get(template, {})
    return {name: Unsafe(answer) if isinstance(answer, str) else answer for name, answer in answers.items()}


def inject(inputs: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment that the credential type injects, as AWX renders it, including its file."""
    injectors = CONTROLLER["credential_type"]["injectors"]
    jinja = sandbox.ImmutableSandboxedEnvironment()
    path = folder / "credential"
    path.write_text(jinja.from_string(injectors["file"]["template"]).render(inputs))
    path.chmod(0o600)
    namespace = {**inputs, "tower": {"filename": str(path)}}
    return {name: jinja.from_string(template).render(namespace) for name, template in injectors["env"].items()}


class Controller:
    """A job's needs from AWX: the inventory, and each team's credential."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.account, self.region = lab.facts["account"], lab.facts["region"]
        self.inventory = self._inventory("vpclink", "vpclink2")
        self.credentials = {team: self._credential(team) for team in ("infra", "k8s")}

    def exchange_services(self) -> None:
        """The change to the inventory after a replacement."""
        self.inventory = self._inventory("vpclink2", "vpclink")

    def _inventory(self, service: str, next_service: str) -> str:
        """The example's, filled in for the lab, without profiles, and exported as AWX keeps it."""
        copy = self.folder / service
        shutil.copytree(CHECKOUT / "inventories/example", copy)
        changes: dict[str, dict[str, Any]] = {
            "all": {
                "seam_service": service,
                "seam_next_service": next_service,
                "seam_region": self.region,
                "seam_identities": {team: f"arn:aws:iam::{self.account}:role/seam-{team}" for team in ("infra", "k8s")},
            },
            "infra": {
                "aws_auth": {"region": "{{ seam_region }}"},
                "vpc_tagging_nat_gateway": False,
                "eks_auto_cluster_deletion_protection": False,
                "apigw_vpclink_url_format": self.lab.facts["execute_api_url"] + "/{api_id}/{stage}",
            },
            "k8s": {"aws_auth": {"region": "{{ seam_region }}"}},
        }
        for group, variables in changes.items():
            path = copy / f"group_vars/{group}.yml"
            path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | variables))
        export = [str(BIN / "ansible-inventory"), "--inventory", str(copy / "hosts.yml"), "--list", "--export"]
        return subprocess.run(export, check=True, capture_output=True, text=True, cwd=self.folder).stdout

    def _credential(self, team: str) -> dict[str, str]:
        """A team's entries: its role, and the keys of a user who may do nothing but assume it."""
        iam, user = self.lab.client("iam"), f"awx-{team}"
        role = f"arn:aws:iam::{self.account}:role/seam-{team}"
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
        iam.create_user(UserName=user)
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=user, PolicyName="assume", PolicyDocument=document)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return {
            "role_arn": role,
            "access_key": key["AccessKeyId"],
            "secret_key": key["SecretAccessKey"],
            "region": self.region,
        }

    def launch(self, template: str, credential: str | None = None) -> Job:
        """Runs a template with its team's credential, or with another's."""
        data = self.folder / "jobs" / template.replace(" / ", "-").replace(" ", "-") / (credential or TEAMS[template])
        for name in ("env", "inventory", "project"):
            (data / name).mkdir(parents=True)
        # The project is a checkout of the collection's repository; the collection itself is in the image.
        shutil.copy(CHECKOUT / "ansible.cfg", data / "project")
        for folder in ("extensions", "playbooks"):
            shutil.copytree(CHECKOUT / folder, data / "project" / folder)
        hosts = data / "inventory/hosts"
        hosts.write_text(f"#!/usr/bin/env python3\nprint({self.inventory!r})\n")
        hosts.chmod(0o700)
        environment = {
            **inject(self.credentials[credential or TEAMS[template]], data / "env"),
            "AWS_ENDPOINT_URL": self.lab.facts["aws_endpoint_url"],
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".venv/collections"),
        }
        (data / "env/envvars").write_text(yaml.safe_dump(environment))
        (data / "env/extravars").write_text(yaml.safe_dump(survey_answers(template)))
        playbook = f"extensions/patterns/eks_auto_api/playbooks/{TEMPLATES[template]['playbook']}"
        run = subprocess.run(
            [BIN / "ansible-runner", "run", data, "--playbook", playbook, "--ident", "job"],
            env={
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "HOME": str(data),
                **(
                    {}
                    if template in FIRST
                    else {"PYTHONPATH": accelerator.python_path(), **accelerator.modules_for_all()}
                ),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return Job(data / "artifacts/job", run.returncode)


class Job:
    """What a job leaves."""

    def __init__(self, artifacts: Path, returncode: int) -> None:
        self.artifacts, self.returncode = artifacts, returncode
        found = [json.loads(path.read_text()) for path in artifacts.glob("job_events/*.json")]
        self.events = sorted(found, key=lambda event: event["counter"])

    @property
    def output(self) -> str:
        return (self.artifacts / "stdout").read_text()

    @property
    def ended(self) -> tuple[int, str, str]:
        """ansible-runner's own exit code, the playbook's, and the status."""
        return self.returncode, (self.artifacts / "rc").read_text(), (self.artifacts / "status").read_text()

    @property
    def stats(self) -> dict[str, dict[str, int]]:
        (event,) = (event for event in self.events if event["event"] == "playbook_on_stats")
        stats: dict[str, dict[str, int]] = event["event_data"]
        return stats

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each["event_data"] for each in self.events if each["event"] == event]


@pytest.fixture(scope="module")
def awx(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    return Controller(lab, tmp_path_factory.mktemp("awx"))


def test_other_teams_credential_ends_in_the_first_task(awx: Controller, lab: Lab) -> None:
    job = awx.launch("EKS API / infra / Foundation", credential="k8s")
    assert job.ended == (2, "2", "failed"), job.output
    (failure,) = job.of("runner_on_failed")
    assert len(job.of("playbook_on_task_start")) == 1
    assert failure["res"]["msg"].startswith(
        f"These credentials are arn:aws:sts::{awx.account}:assumed-role/seam-k8s/awx; "
        f"expected is arn:aws:iam::{awx.account}:role/seam-infra. Give the hosts of the group infra the credentials of that role"
    )
    assert lab.mutating_calls() == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_does_its_work(awx: Controller, lab: Lab, template: str) -> None:
    job = awx.launch(template)
    assert job.ended == (0, "0", "successful"), job.output
    host = f"{TEAMS[template]}-runner"
    assert set(job.stats["processed"]) == {host}
    assert bool(job.stats["changed"].get(host)) is (template not in READING)
    assert job.stats["failures"] == job.stats["dark"] == {}
    # No key is in the output or files that AWX keeps.
    for path in (path for path in job.artifacts.rglob("*") if path.is_file()):
        assert awx.credentials[TEAMS[template]]["secret_key"] not in path.read_text(errors="replace")
    if template == "EKS API / k8s / Remove Service":
        awx.exchange_services()


def test_each_team_worked_in_the_session_that_boto3_made(lab: Lab) -> None:
    calls = [json.loads(line) for line in (lab.folder / "calls.jsonl").read_text().splitlines()]
    changing = {
        call["caller"].rpartition(":")[2]
        for call in calls
        if call["mutating"] and any(f"/seam-{team}/" in call["caller"] for team in ("infra", "k8s"))
    }
    assert changing == {"assumed-role/seam-infra/awx"}
    assumed = {call["caller"].rpartition(":")[2] for call in calls if call["operation"] == "AssumeRole"}
    assert {"user/awx-infra", "user/awx-k8s"} <= assumed


def test_removal_left_nothing(lab: Lab) -> None:
    assert lab.client("eks").list_clusters()["clusters"] == []
    assert lab.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert lab.client("apigateway").get_rest_apis()["items"] == []
    assert lab.client("apigateway").get_vpc_links()["items"] == []
