# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An accelerated run says the same as a plain one. Its modules get the same input and end the same way."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client
from pathlib import Path

import ansible_server
import pytest
from ansible_server import Request

from tests import accelerator
from tests.running_lab import eventually

from .conftest import Lab, Run

#: These differ between any two runs: moments, durations, and whether and how often a wait was reported.
VOLATILE = re.compile(
    r"^  …  .*\n|^ {10,}[\d.]+ s  .*\n|^ +[\d.]+(?= s  )"
    r"|(?<=seconds: )[\d.]+|(?<=latency_ms: )\d+|(?<=deadline: )[\d.]+|(?<=session: )\d+",
    re.MULTILINE,
)
THROTTLE = json.dumps({"apigw_vpclink_throttle": {"rate_limit": 1000, "burst_limit": 2000}})
#: One task, whose result is the environment of its module.
SHOW_ENVIRONMENT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: env
"""
Twice = Callable[..., tuple[Run, Run]]


@pytest.fixture
def twice(site: Lab, monkeypatch: pytest.MonkeyPatch) -> Twice:
    """Runs a playbook accelerated, then plain, and shows the result of each task."""

    def run(playbook: str, *arguments: str) -> tuple[Run, Run]:
        monkeypatch.delenv("SEAM_PLAIN", raising=False)
        accelerated = site.playbook(playbook, "-v", *arguments)
        monkeypatch.setenv("SEAM_PLAIN", "1")
        return accelerated, site.playbook(playbook, "-v", *arguments)

    return run


def lines(run: Run) -> list[str]:
    return VOLATILE.sub("", run.output).splitlines()


@pytest.mark.parametrize(
    ("playbook", "arguments", "code"),
    [
        ("site.yml", [], 0),
        ("playbooks/infra/api.yml", ["--check", "--diff", "--extra-vars", THROTTLE], 0),
        ("playbooks/k8s/workload.yml", ["--extra-vars", "seam_region=eu-central-1"], 2),
    ],
    ids=["nothing to do", "something to do, in check mode", "a module refuses"],
)
def test_both_say_the_same(twice: Twice, playbook: str, arguments: list[str], code: int) -> None:
    accelerated, plain = twice(playbook, *arguments)
    assert plain.returncode == code, plain.output
    assert accelerated.returncode == code, accelerated.output
    assert lines(accelerated) == lines(plain)


def test_a_plain_run_has_nothing_of_the_accelerator(twice: Twice, tmp_path: Path) -> None:
    playbook = tmp_path / "environment.yml"
    playbook.write_text(SHOW_ENVIRONMENT)
    accelerated, plain = twice(str(playbook))
    assert (accelerated.returncode, plain.returncode) == (0, 0), accelerated.output + plain.output
    assert str(accelerator.HERE) in accelerated.output
    assert str(accelerator.HERE) not in plain.output
    assert "MODULE_SERVER" not in plain.output


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with accelerator.modules() as environment:
        yield environment["MODULE_SERVER"]


def shell(folder: Path, script: str) -> Request:
    """A request for Ansible's command module, to run a shell's script."""
    arguments = {"ANSIBLE_MODULE_ARGS": {"argv": ["sh", "-c", script], "_ansible_keep_remote_files": False}}
    environment = {"PATH": os.environ["PATH"], "GREETING": "hello"}
    return Request("ansible.modules.command", json.dumps(arguments).encode(), environment, str(folder))


def test_it_has_its_arguments_environment_and_folder(address: str, tmp_path: Path) -> None:
    code, output, _errors = ansible_server.execute(address, shell(tmp_path, "echo $GREETING $UNKNOWN; pwd"))
    assert (code, json.loads(output)["stdout"]) == (0, f"hello\n{tmp_path}")


def test_its_failure_is_its_exit_code_and_its_result(address: str, tmp_path: Path) -> None:
    code, output, _errors = ansible_server.execute(address, shell(tmp_path, "exit 7"))
    result = json.loads(output)
    assert (code, result["failed"], result["rc"]) == (1, True, 7)


def test_each_is_a_process_of_its_own(address: str, tmp_path: Path) -> None:
    requests = [shell(tmp_path, "echo $PPID") for _time in range(2)]
    first, second = (json.loads(ansible_server.execute(address, each)[1])["stdout"] for each in requests)
    assert first != second


def test_it_ends_with_the_process_that_asked_for_it_and_ends_its_own_children(address: str, tmp_path: Path) -> None:
    request = shell(tmp_path, "echo $PPID $$ > pids; exec sleep 600")
    written = tmp_path / "pids"
    with Client(address) as connection:
        connection.send(tuple(request))
        eventually(lambda: written.exists() and written.read_text().endswith("\n"))
    processes = [Path("/proc", pid) for pid in written.read_text().split()]
    eventually(lambda: not any(process.exists() for process in processes))
