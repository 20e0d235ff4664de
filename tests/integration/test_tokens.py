# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that outlive their credentials: EKS tokens are made anew, an AWS session that has ended is said to have."""

from __future__ import annotations

import base64
import datetime
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.token import mint_token
from ansible_collections.seam.eks_auto.plugins.module_utils._nlb import kubernetes_api
from ansible_collections.seam.eks_auto.plugins.module_utils._nlb.kubernetes import Watcher

from .conftest import CHECKOUT, Lab

#: Seconds for which a token is good here: longer than one task needs on a busy machine, shorter than any wait below.
LIFETIME = 10
#: Seconds for anything to come that has to come: never reached when all is well.
LIMIT = 60


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose load balancers take longer than its tokens last."""
    folder = tmp_path_factory.mktemp("lab")
    command = [sys.executable, "-m", "lab"]
    options = ["--folder", str(folder), "--pace", "2.5", "--token-lifetime", str(LIFETIME)]
    subprocess.run([*command, "up", *options], cwd=CHECKOUT, check=True)
    try:
        yield Lab(folder)
    finally:
        subprocess.run([*command, "down", "--folder", str(folder)], cwd=CHECKOUT, check=True)


def requests(lab: Lab) -> list[dict[str, Any]]:
    """What the API server of the cluster was asked by the k8s team, from its audit log."""
    log = lab.folder / "clusters" / lab.facts["region"] / "petstore" / "audit.jsonl"
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [each for each in events if "assumed-role/seam-k8s/" in each["user"].get("username", "")]


def seconds_between(first: dict[str, Any], last: dict[str, Any]) -> float:
    times = [datetime.datetime.fromisoformat(each["stageTimestamp"]) for each in (first, last)]
    return (times[1] - times[0]).total_seconds()


def test_a_workload_comes_up_while_tokens_end(lab: Lab) -> None:
    foundation = lab.playbook("playbooks/infra/foundation.yml")
    assert foundation.returncode == 0, foundation.output
    run = lab.playbook("playbooks/k8s/workload.yml")
    assert run.returncode == 0, run.output
    asked = requests(lab)
    # Each was let in, also after the first token had ended.
    assert {each["responseStatus"]["code"] for each in asked} <= {200, 201, 404}
    assert seconds_between(asked[0], asked[-1]) > LIFETIME


def test_a_watch_goes_on_with_a_new_token(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server ends watches now and then; here every two seconds, so that one ends after its token has."""
    monkeypatch.setattr(kubernetes_api, "WATCH_LENGTH", 2)
    cluster = lab.client("eks", "k8s").describe_cluster(name="petstore")["cluster"]
    authority = tmp_path / "ca.pem"
    authority.write_bytes(base64.b64decode(cluster["certificateAuthority"]["data"]))
    sts, tokens = lab.client("sts", "k8s"), []

    def mint() -> str:
        tokens.append(mint_token(sts, "petstore"))
        return tokens[-1]

    def is_refused(token: str) -> bool:
        with_first = kubernetes_api.KubernetesApi(cluster["endpoint"], str(authority), lambda: token, "default")
        try:
            with_first.list("Pod")
        except kubernetes_api.KubernetesError as error:
            return error.denied
        return False

    before = len(requests(lab))
    wake = threading.Event()
    api = kubernetes_api.KubernetesApi(cluster["endpoint"], str(authority), mint, "default")
    watcher = Watcher(api, "Service", {}, wake, time.monotonic)
    watcher.look()
    watcher.start()
    try:
        deadline = time.monotonic() + LIMIT
        while not is_refused(tokens[0]):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        wake.clear()
        made = lab.kubectl("create", "service", "clusterip", "late", "--tcp=80")
        assert made.returncode == 0, made.stderr
        assert wake.wait(LIMIT)
        assert "late" in [each["metadata"]["name"] for each in watcher.objects]
    finally:
        watcher.stop()
    watches = [each for each in requests(lab)[before:] if each["verb"] == "watch"]
    assert len(watches) > 1
    assert {each["responseStatus"]["code"] for each in watches} == {200}
    assert watcher.problem is None


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
