# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that outlive their credentials: EKS tokens are made anew, an AWS session that has ended is said to have."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from .conftest import CHECKOUT, Lab

#: Seconds for which a token is good here: longer than one task needs on a busy machine, shorter than any wait below.
LIFETIME = 12


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose load balancers take longer than its tokens last."""
    folder = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-m", "lab"]
    options = ["--folder", str(folder), "--pace", "4", "--token-lifetime", str(LIFETIME)]
    subprocess.run([*command, "up", *options], cwd=CHECKOUT, check=True)
    try:
        yield Lab(folder)
    finally:
        subprocess.run([*command, "down", "--folder", str(folder)], cwd=CHECKOUT, check=True)


def test_a_workload_comes_up_while_tokens_end(lab: Lab) -> None:
    foundation = lab.playbook("playbooks/infra/foundation.yml")
    assert foundation.returncode == 0, foundation.output
    started = time.monotonic()
    run = lab.playbook("playbooks/k8s/workload.yml")
    assert run.returncode == 0, run.output
    assert time.monotonic() - started > 2 * LIFETIME


def test_the_wait_for_a_rollout_outlives_its_token(lab: Lab) -> None:
    variables = {"petstore_workload_image": "example.com/missing:1", "petstore_workload_wait_timeout": 3 * LIFETIME}
    run = lab.playbook("playbooks/k8s/workload.yml", "--extra-vars", json.dumps(variables))
    assert run.returncode != 0
    turns = run.output.count("TASK [seam.eks_auto.petstore_workload : wait_for_rollout | Wait for the Deployment]")
    assert turns > 1, run.output
    assert f"did not finish in {3 * LIFETIME} s" in " ".join(run.output.split())


def test_a_session_that_has_ended_is_one_clear_error(lab: Lab) -> None:
    # AWS gives no session of less than 15 minutes; the lab does, to a client that doesn't check.
    sts = lab.client("sts", parameter_validation=False)
    role = f"arn:aws:iam::{lab.facts['account']}:role/seam-infra"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="short", DurationSeconds=1)["Credentials"]
    auth = {
        "access_key": keys["AccessKeyId"],
        "secret_key": keys["SecretAccessKey"],
        "session_token": keys["SessionToken"],
        "region": lab.facts["region"],
        "endpoint_url": lab.facts["aws_endpoint_url"],
    }
    # The run begins later than the session ends: Ansible alone takes longer to start.
    run = lab.playbook("playbooks/infra/api.yml", "--extra-vars", json.dumps({"aws_auth": auth}))
    assert run.returncode != 0
    output = " ".join(run.output.split())
    assert "The security token included in the request is expired. Give the hosts of the group infra" in output
    assert "Traceback" not in output
