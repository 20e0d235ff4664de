# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed loses nothing: the next one finishes, and nothing exists twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

from .conftest import BIN, CHECKOUT, Lab

#: Each run is killed as soon as AWS has answered this call, before anybody could note the answer.
KILLED_AFTER = ["CreateCluster", "CreateVpcLink", "CreateRestApi", "CreateDeployment"]


def seen(lab: Lab, operation: str) -> bool:
    lines = (lab.folder / "calls.jsonl").read_text().splitlines()
    return any(json.loads(line)["operation"] == operation for line in lines)


def run_and_kill(lab: Lab, operation: str) -> None:
    """Run site.yml, and kill it with all its processes once the call is in the lab's log."""
    run = subprocess.Popen(
        [BIN / "ansible-playbook", "-i", str(CHECKOUT / "inventories/lab"), "site.yml"],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "SEAM_LAB_FOLDER": str(lab.folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not seen(lab, operation):
        assert run.poll() is None, f"site.yml ended before {operation}"
        assert time.monotonic() < deadline, f"{operation} was never called"
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def test_killed_at_any_of_these_points_the_next_run_finishes_the_job(lab: Lab) -> None:
    for operation in KILLED_AFTER:
        run_and_kill(lab, operation)
    last = lab.playbook("site.yml")
    assert last.returncode == 0, last.output

    assert lab.client("eks").list_clusters()["clusters"] == ["petstore"]
    assert len(lab.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 1
    apigateway = lab.client("apigateway")
    (api,) = apigateway.get_rest_apis()["items"]
    assert len(apigateway.get_vpc_links()["items"]) == 1
    assert len(apigateway.get_stages(restApiId=api["id"])["item"]) == 1
    assert len(apigateway.get_usage_plans()["items"]) == 1
    assert len(apigateway.get_api_keys()["items"]) == 1
    tables = lab.client("ec2").describe_route_tables(
        Filters=[{"Name": "tag:seam.eks_auto/private-subnets-of", "Values": ["petstore"]}]
    )["RouteTables"]
    assert len(tables) == 1
