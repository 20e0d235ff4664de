# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that the tests' server runs gets what Ansible would give it, and ends as it would."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path

import ansible_server
import pytest
from ansible_server import Request

from . import preloaded
from .conftest import until


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with preloaded.modules() as environment:
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


def test_it_ends_with_who_asked_for_it_and_takes_with_it_what_it_started(address: str, tmp_path: Path) -> None:
    request = shell(tmp_path, "echo $PPID $$ > pids; exec sleep 600")
    written = tmp_path / "pids"
    with Client(address) as connection:
        connection.send(tuple(request))
        until(lambda: written.exists() and written.read_text().endswith("\n"))
    processes = [Path("/proc", pid) for pid in written.read_text().split()]
    until(lambda: not any(process.exists() for process in processes))
