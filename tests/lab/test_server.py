# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m lab`: starting, finding, emptying and ending a lab, and the files in its folder."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import running_lab
from tests.running_lab import RunningLab


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "lab"
    running_lab.lab("down", tmp_path / "lab")


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that belong to the lab in this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"SEAM_LAB={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [command for command in found if command]


def up(folder: Path, *arguments: str) -> RunningLab:
    started = running_lab.lab("up", folder, *arguments)
    assert started.returncode == 0, started.stdout
    return RunningLab(folder)


def test_a_lab_is_ready_soon_after_its_code_is_loaded(folder: Path) -> None:
    """About 3 seconds on an idle machine. Compared with loading the code, as the machine may be busy."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import lab.server"], cwd=running_lab.CHECKOUT, check=True)
    loading = time.monotonic() - began
    began = time.monotonic()
    lab = up(folder)
    assert time.monotonic() - began < 5 * loading
    assert lab.client("sts").get_caller_identity()
    assert "is up" in running_lab.lab("status", folder).stdout


def test_up_twice_is_up_once(folder: Path) -> None:
    lab = up(folder)
    pid = lab.facts["pid"]
    again = running_lab.lab("up", folder)
    assert again.returncode == 0 and "is up already" in again.stdout
    assert lab.facts["pid"] == pid
    assert len(processes_of(folder)) == 1


def test_down_leaves_no_process(folder: Path) -> None:
    up(folder, "--pace", "0").create_cluster("petstore")
    assert processes_of(folder)
    assert running_lab.lab("down", folder).returncode == 0
    assert processes_of(folder) == []
    assert running_lab.lab("status", folder).returncode == 1
    assert running_lab.lab("down", folder).returncode == 0


def listening(octet: int) -> bool:
    """Whether anything listens on an address of a pod, 127.<octet>.0.x."""
    # Hexadecimal, the last octet of the address first; 0A is LISTEN.
    table = Path("/proc/net/tcp").read_text()
    return bool(re.search(rf": [0-9A-F]{{2}}00{octet:02X}7F:1F90 [0-9A-F:]+ 0A", table))


def test_a_crashed_lab_leaves_nothing_and_can_be_started_again(folder: Path) -> None:
    lab = up(folder, "--pace", "0")
    lab.create_cluster("petstore")
    eks, octet = lab.client("eks"), lab.facts["loopback_octet"]
    names = {"clusterName": "petstore", "principalArn": running_lab.K8S_ROLE}
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    eks.create_access_entry(**names)
    eks.associate_access_policy(**names, policyArn=policy, accessScope={"type": "cluster"})
    started = lab.run("kubectl", "create", "deployment", "petstore", "--image=swaggerapi/petstore3")
    assert started.returncode == 0, started.stderr
    running_lab.eventually(lambda: listening(octet), bool)
    os.kill(lab.facts["pid"], signal.SIGKILL)
    running_lab.eventually(lambda: listening(octet), lambda it: not it)
    assert running_lab.lab("down", folder).returncode == 0
    assert processes_of(folder) == []
    assert up(folder).client("eks").list_clusters()["clusters"] == []


def test_reset_empties_the_account_on_the_same_ports(folder: Path) -> None:
    lab = up(folder, "--pace", "0", "--region", "eu-west-1")
    lab.create_cluster("petstore")
    where = ("aws_endpoint_url", "execute_api_url", "region", "pace", "loopback_octet")
    before = lab.facts
    assert running_lab.lab("reset", folder).returncode == 0
    assert {key: lab.facts[key] for key in where} == {key: before[key] for key in where}
    assert lab.client("eks").list_clusters()["clusters"] == []
    assert lab.run("kubectl", "config", "get-contexts", "-o", "name").stdout == ""


def test_two_labs_are_two_accounts(lab: RunningLab, folder: Path) -> None:
    other = up(folder)
    for what in ("aws_endpoint_url", "execute_api_url", "loopback_octet"):
        assert lab.facts[what] != other.facts[what]
    lab.role("here-only", "eks.amazonaws.com")
    names = {role["RoleName"] for role in other.client("iam").list_roles()["Roles"]}
    assert names == {"seam-admin", "seam-infra", "seam-k8s"}


def test_only_its_owner_reads_the_secrets(lab: RunningLab) -> None:
    lab.create_cluster("petstore")
    folder = lab.folder
    secret = lab.facts["credentials"]["infra"]["secret_key"]
    holding = [path for path in folder.rglob("*") if path.is_file() and secret in path.read_text(errors="replace")]
    assert {"env", "lab.json"} <= {path.name for path in holding}
    for path in (*holding, folder / "kubeconfig"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_aws_endpoint_keeps_connections(lab: RunningLab) -> None:
    connection = HTTPConnection(urlsplit(lab.facts["aws_endpoint_url"]).netloc, timeout=10)
    sockets = set()
    for body in ("Action=GetCallerIdentity", "", "Action=GetCallerIdentity"):
        connection.request("POST", "/", body=body)
        answer = connection.getresponse()
        assert answer.status == 403 and answer.read()
        sockets.add(connection.sock)
    assert len(sockets) == 1 and None not in sockets


def test_env_lets_tools_in_as_the_teams(lab: RunningLab) -> None:
    assert "assumed-role/seam-infra/lab" in lab.run("aws", "sts", "get-caller-identity").stdout
    variables = lab.run("env").stdout.splitlines()
    assert f"KUBECONFIG={lab.folder}/kubeconfig" in variables
    assert f"AWS_ENDPOINT_URL={lab.facts['aws_endpoint_url']}" in variables


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_env_can_be_undone(lab: RunningLab, shell: str) -> None:
    running_lab.lab("env", lab.folder, "PETSTORE_URL=http://x")
    script = '. "$0"; . "$0"; printenv AWS_ENDPOINT_URL PETSTORE_URL AWS_REGION; lab_off; printenv; command -v lab_off'
    mine = {"PATH": os.environ["PATH"], "AWS_REGION": "mine", "HOME": str(lab.folder)}
    command = [shell, "-c", script, str(lab.folder / "env")]
    said = subprocess.run(command, env=mine, capture_output=True, text=True, check=False).stdout.splitlines()
    assert said[:3] == [lab.facts["aws_endpoint_url"], "http://x", lab.facts["region"]]
    left = {name for name in said[3:] if name.startswith(("AWS_", "KUBECONFIG", "PETSTORE", "PATH", "lab_"))}
    assert left == {"AWS_REGION=mine", f"PATH={mine['PATH']}"}


def test_who_sourced_env_gets_on_after_a_reset(folder: Path) -> None:
    lab = up(folder, "--pace", "0")
    script = '. "$0"; "$1" -m lab reset --folder "$2" >/dev/null; aws sts get-caller-identity --query Arn'
    command = ["bash", "-c", script, str(folder / "env"), sys.executable, str(folder)]
    said = subprocess.run(command, cwd=running_lab.CHECKOUT, capture_output=True, text=True, check=False)
    assert "assumed-role/seam-infra/lab" in said.stdout, said.stderr
    assert lab.client("sts").get_caller_identity()


def test_env_takes_more_variables_and_keeps_one_of_each(lab: RunningLab) -> None:
    for value in ("first", "second; rm -rf 'x'"):
        assert running_lab.lab("env", lab.folder, f"PETSTORE_URL={value}", "OTHER=1").returncode == 0
    assert lab.run("printenv", "PETSTORE_URL").stdout == "second; rm -rf 'x'\n"
    assert (lab.folder / "env").read_text().count("OTHER=") == 1


@pytest.mark.parametrize("arguments", [["--pace", "-1"], ["--pace", "fast"], ["--port", "http"]])
def test_wrong_arguments_are_one_error(folder: Path, arguments: list[str]) -> None:
    answer = running_lab.lab("up", folder, *arguments)
    assert answer.returncode == 2
    assert f"argument {arguments[0]}" in answer.stdout
    assert "Traceback" not in answer.stdout


@pytest.mark.parametrize("image", ["mine", "mine=", "Mine=true", "a b=true"])
def test_an_image_has_a_name_and_a_command(lab: RunningLab, image: str) -> None:
    answer = running_lab.lab("image", lab.folder, image)
    assert answer.returncode == 2 and "NAME=COMMAND" in answer.stdout and "Traceback" not in answer.stdout
    assert running_lab.lab("image", lab.folder, "example.com/mine:1=exec mine --host $HOST").returncode == 0


def test_a_taken_port_is_reported(lab: RunningLab, folder: Path) -> None:
    port = lab.facts["aws_endpoint_url"].rpartition(":")[2]
    answer = running_lab.lab("up", folder, "--port", port)
    assert answer.returncode == 1
    assert answer.stdout == f"Port {port} of 127.0.0.1 is taken. Choose another with --port.\n"
    assert processes_of(folder) == []
