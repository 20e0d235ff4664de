# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m lab demo`: turns an empty account into a served API.

Starts the lab, runs site.yml against it, calls the API as a user would, and suggests next steps.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import boto3

CHECKOUT = Path(__file__).resolve().parent.parent
#: The four operations of the exported document, as its users call them.
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/", None),
    ("PUT", "/pet", {"id": 1, "name": "Mill", "status": "available"}),
    ("POST", "/user", {"id": 1, "username": "mill", "email": "mill@example.com"}),
    ("GET", "/user/login?username=mill&password=secret", None),
]


@dataclasses.dataclass(frozen=True)
class Answer:
    method: str
    path: str
    status: int
    milliseconds: float


def site(folder: Path) -> list[dict[str, Any]]:
    """Run site.yml against the lab; returns the phases with their seconds."""
    timeline = folder / "timeline.jsonl"
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "SEAM_LAB_FOLDER": str(folder),
        "SEAM_EKS_AUTO_TIMELINE_FILE": str(timeline),
    }
    playbook = Path(sys.executable).parent / "ansible-playbook"
    run = subprocess.run([playbook, "-i", "inventories/lab", "site.yml"], cwd=CHECKOUT, env=environment, check=False)
    if run.returncode:
        sys.exit(
            f"site.yml failed (exit code {run.returncode}). The lab is still up: mend it and run `make demo` again."
        )
    last = timeline.read_text().splitlines()[-1]
    phases: list[dict[str, Any]] = json.loads(last)["phases"]
    return phases


def find_api(folder: Path) -> tuple[str, str]:
    """The URL of the API that site.yml made, and the value of its key."""
    lab = json.loads((folder / "lab.json").read_text())
    infra = lab["credentials"]["infra"]
    client = boto3.client(
        "apigateway",
        region_name=lab["region"],
        endpoint_url=lab["aws_endpoint_url"],
        aws_access_key_id=infra["access_key"],
        aws_secret_access_key=infra["secret_key"],
        aws_session_token=infra["session_token"],
    )
    (api,) = client.get_rest_apis()["items"]
    (stage,) = client.get_stages(restApiId=api["id"])["item"]
    (key,) = client.get_api_keys(includeValues=True)["items"]
    return f"{lab['execute_api_url']}/{api['id']}/{stage['stageName']}", key["value"]


def call(url: str, key: str, method: str, path: str, body: Any) -> Answer:
    request = urllib.request.Request(url + path, method=method, headers={"x-api-key": key})
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            response.read()
            status = response.status
    except HTTPError as error:
        status = error.code
    return Answer(method, path, status, (time.monotonic() - started) * 1000)


def report(url: str, answers: list[Answer], phases: list[dict[str, Any]]) -> str:
    lines = ["", f"The petstore answers at {url}", ""]
    lines += [f"  {a.method:<5} {a.path:<42} {a.status}  {a.milliseconds:6.0f} ms" for a in answers]
    lines += [""]
    lines += [f"  {phase['seconds']:5.1f} s  {phase['name']}" for phase in phases]
    lines += [
        "",
        "Three things to try next (the lab stays up; `make lab-down` ends it):",
        "",
        "  . .lab/env    # PATH, both teams' access, PETSTORE_URL and PETSTORE_API_KEY",
        '  curl -H "x-api-key: $PETSTORE_API_KEY" "$PETSTORE_URL/user/login?username=mill&password=secret"',
        "  kubectl -n petstore describe service vpclink    # the k8s team's view of the load balancer",
        "  ansible-playbook -i inventories/lab site.yml    # a second run changes nothing",
    ]
    return "\n".join(lines)


def run(folder: Path) -> int:
    """The demonstration against a running lab; returns the exit code, 0 if every call was answered with 200."""
    phases = site(folder)
    url, key = find_api(folder)
    answers = [call(url, key, *each) for each in CALLS]
    subprocess.run(
        [sys.executable, "-m", "lab", "env", "--folder", str(folder), f"PETSTORE_URL={url}", f"PETSTORE_API_KEY={key}"],
        cwd=CHECKOUT,
        check=True,
    )
    print(report(url, answers, phases))
    return 0 if all(answer.status == 200 for answer in answers) else 1
