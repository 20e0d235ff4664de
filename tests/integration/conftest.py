# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab for each test module, and helpers to run playbooks against it and inspect the result."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import accelerator
from tests.running_lab import BIN, CHECKOUT, RunningLab
from tests.running_lab import lab as run_lab

#: The calls by which a stage moves to what is new of variables, once a candidate has answered.
TRIED_AND_MOVED = [
    f"apigateway:{operation}"
    for operation in ("CreateStage", "UpdateUsagePlan", "UpdateStage", "UpdateUsagePlan", "DeleteStage")
]


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished ansible-playbook run."""

    returncode: int
    output: str

    @property
    def changed(self) -> int:
        """The number of tasks that changed something, over all hosts."""
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.output))

    @property
    def changed_tasks(self) -> list[str]:
        """The names of the tasks that changed something (or would), in order."""
        tasks = re.split(r"^TASK \[", self.output, flags=re.MULTILINE)[1:]
        return [task.split("]")[0] for task in tasks if re.search(r"^changed: ", task, flags=re.MULTILINE)]


class Lab(RunningLab):
    """A running lab, and helpers to run things against it."""

    def playbook(
        self,
        playbook: str,
        *arguments: str,
        environment: dict[str, str] | None = None,
        project: Path = CHECKOUT,
        inventory: Path = CHECKOUT / "inventories/lab",
    ) -> Run:
        """Run a playbook as one does in a project's folder, by the project's ansible.cfg."""
        command = [str(BIN / "ansible-playbook"), "-i", str(inventory), playbook, *arguments]
        started = {
            **os.environ,
            **accelerator.settings(project),
            **(accelerator.modules_for_all() if project == CHECKOUT else {}),
            "SEAM_LAB_FOLDER": str(self.folder),
            **(environment or {}),
        }
        if project == CHECKOUT and not environment and not accelerator.plain():
            return Run(*accelerator.run_playbook(command[1:], started))
        run = subprocess.run(
            command,
            cwd=project,
            env=started,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Run(run.returncode, run.stdout)

    def _auth(self, identity: str) -> dict[str, str]:
        """The arguments by which a module works in the lab's account."""
        facts = self.facts
        credentials = {key: value for key, value in facts["credentials"][identity].items() if key != "arn"}
        return {"region": facts["region"], "endpoint_url": facts["aws_endpoint_url"], **credentials}

    def run_module(self, module: str, **arguments: Any) -> dict[str, Any]:
        """The result of one of our modules, run as infra."""
        command = [str(BIN / "ansible"), "localhost", "--module-name", f"seam.eks_auto.{module}", "--one-line"]
        done = subprocess.run(
            [*command, "--connection", "local", "--args", json.dumps({**self._auth("infra"), **arguments})],
            cwd=CHECKOUT,
            env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "SEAM_LAB_FOLDER": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert " => " in done.stdout, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout.partition(" => ")[2])
        return result

    def start_module(
        self, name: str, arguments: dict[str, Any], identity: str, progress: Path
    ) -> subprocess.Popen[str]:
        """A module of ours as Ansible runs it: a process that reads its arguments and prints its result.

        It reports its waits line by line in the file ``progress``.
        """
        program = (
            "import json, sys\n"
            "from ansible.module_utils.testing import patch_module_args\n"
            f"from ansible_collections.seam.eks_auto.plugins.modules.{name} import main\n"
            "with patch_module_args(json.load(sys.stdin)):\n"
            "    main()\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"SEAM_EKS_AUTO_PROGRESS_FILE": str(progress), "PYTHONPATH": str(CHECKOUT / ".venv/collections")},
        )
        assert process.stdin
        process.stdin.write(json.dumps({**self._auth(identity), **arguments}))
        process.stdin.close()
        return process

    def mutating_calls(self) -> list[str]:
        """All calls so far that could have changed something in AWS, by the teams: service:Operation."""
        teams = ("seam-infra", "seam-k8s")
        return [
            f"{call['service']}:{call['operation']}"
            for call in self.calls()
            if call["mutating"] and any(team in call["caller"] for team in teams)
        ]

    def asked_of_kubernetes(self, of: str = "assumed-role/seam-") -> list[dict[str, Any]]:
        """The cluster's audit events for the teams, or for other users by a part of their names."""
        log = self.folder / "clusters" / self.facts["region"] / "petstore/audit.jsonl"
        events = [json.loads(line) for line in log.read_text().splitlines()]
        return [each for each in events if of in each["user"].get("username", "")]

    def changes_asked_of_kubernetes(self, of: str) -> list[dict[str, Any]]:
        """The audit events of requests that could have changed something."""
        return [each for each in self.asked_of_kubernetes(of) if each["verb"] not in ("get", "list", "watch")]

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "kubectl", *arguments],
            env={
                **os.environ,
                "KUBECONFIG": str(self.folder / "kubeconfig"),
                "PATH": f"{BIN}:{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with an empty account."""
    with Lab.running(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab.running(tmp_path_factory.mktemp("site")) as lab:
        yield lab


@pytest.fixture(scope="module")
def site(shared_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab where site.yml has been run, for modules that leave all of it as they find it.

    It is made once for all of them, and again only after a module with a failed test, which may leave anything.
    """
    if not shared_lab.client("eks").list_clusters()["clusters"]:
        # A version below the newest, for the one module that upgrades it.
        made = shared_lab.playbook("site.yml", "--extra-vars", "eks_auto_cluster_version=1.35")
        assert made.returncode == 0, made.output
    forget_what_was_served_before(shared_lab)
    failed = request.session.testsfailed
    yield shared_lab
    if request.session.testsfailed > failed:
        reset = run_lab("reset", shared_lab.folder)
        assert reset.returncode == 0, reset.stdout


def forget_what_was_served_before(lab: Lab) -> None:
    """Delete the deployment that another module left for a way back. The next change of the stage would."""
    client = lab.client("apigateway")
    for api in client.get_rest_apis()["items"]:
        served = {stage["deploymentId"] for stage in client.get_stages(restApiId=api["id"])["item"]}
        for deployment in client.get_deployments(restApiId=api["id"])["items"]:
            if deployment["id"] not in served:
                client.delete_deployment(restApiId=api["id"], deploymentId=deployment["id"])


@pytest.fixture(scope="module")
def user_project(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder, where this collection was installed from its tarball beside the two that it needs."""
    project = tmp_path_factory.mktemp("user")
    (project / "ansible.cfg").write_text("[defaults]\ncollections_path = collections\n")
    collections = project / "collections/ansible_collections"
    for needed in ("amazon/aws", "kubernetes/core"):
        (collections / needed).parent.mkdir(parents=True)
        (collections / needed).symlink_to(CHECKOUT / ".venv/collections/ansible_collections" / needed)
    command = [str(BIN / "ansible-galaxy"), "collection", "install", "--offline", str(tarball)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(project / "ansible.cfg"), "PYTHONPATH": ""}
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    return project
