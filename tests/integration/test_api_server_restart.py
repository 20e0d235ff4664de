# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes' API server goes down in the middle of a wait, and the wait goes on when it is back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import faults
from lab.faults import Fault
from tests.running_lab import LIMIT, eventually

from .conftest import Lab, Run

#: Seconds for which the API server is down.
DOWN = 3
WORKLOAD = "playbooks/k8s/workload.yml"


def restart(lab: Lab) -> None:
    """Ask for it, and return when the API server is down."""
    before = len(faults.injected(lab.folder))
    faults.add(lab.folder, Fault("restart", seconds=DOWN))
    eventually(lambda: len(faults.injected(lab.folder)) > before)


@pytest.fixture
def lab(site: Lab) -> Iterator[Lab]:
    yield site
    faults.clear(site.folder)


@pytest.fixture
def name(lab: Lab) -> Iterator[str]:
    """The name of a Service that is made late; it is deleted with its load balancer."""
    yield "late"
    gone = lab.kubectl("-n", "petstore", "delete", "service", "late", f"--timeout={LIMIT}s")
    assert gone.returncode == 0, gone.stderr


def test_a_wait_for_a_load_balancer_goes_on(lab: Lab, name: str, tmp_path: Path) -> None:
    contract = {"cluster": "petstore", "namespace": "petstore", "service": name}
    progress = tmp_path / "progress"
    waiting = {"contracts": [contract], "wait_for": "healthy", "wait_timeout": LIMIT}
    process = lab.start_module("eks_auto_nlb_info", waiting, "k8s", progress)
    eventually(progress.exists)
    before = len(lab.asked_of_kubernetes())
    restart(lab)

    # The Service as it is, under another name, as soon as the API server takes it.
    def found() -> dict[str, Any] | None:
        got = lab.kubectl("-n", "petstore", "get", "service", "vpclink", "--output=json")
        return json.loads(got.stdout) if got.returncode == 0 else None

    service = eventually(found)
    ports = [{key: each[key] for key in ("name", "port", "targetPort")} for each in service["spec"]["ports"]]
    spec = {key: service["spec"][key] for key in ("type", "loadBalancerClass", "selector")}
    annotations = {
        key: value
        for key, value in service["metadata"]["annotations"].items()
        if key.startswith("service.beta.kubernetes.io/")
    }
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "petstore", "annotations": annotations},
        "spec": {**spec, "ports": ports},
    }
    path = tmp_path / "service.json"
    path.write_text(json.dumps(manifest))
    made = lab.kubectl("apply", "--filename", str(path))
    assert made.returncode == 0, made.stderr
    ended = process.wait(LIMIT)
    output = process.stdout.read() if process.stdout else ""
    assert ended == 0, output
    (seam,) = json.loads(output)["seams"]
    assert seam["verdict"]["state"] == "done"
    assert seam["load_balancer"]["state"] == "active"
    # It saw the Service by a watch that began after the restart.
    watched = [each["objectRef"]["resource"] for each in lab.asked_of_kubernetes()[before:] if each["verb"] == "watch"]
    assert "services" in watched


def service(lab: Lab, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return lab.kubectl("-n", "petstore", verb, "service", *arguments)


def create_ours(lab: Lab, name: str) -> None:
    """A Service that carries our label, and so is ours to delete."""
    assert service(lab, "create", "clusterip", name, "--tcp=80").returncode == 0
    assert service(lab, "label", name, "app.kubernetes.io/managed-by=seam.eks_auto").returncode == 0


def remove_service(lab: Lab, name: str, **variables: Any) -> Run:
    names = {"seam_service": name, "seam_next_service": "vpclink"}
    return lab.playbook("playbooks/k8s/remove_service.yml", "--extra-vars", json.dumps({**names, **variables}))


def test_a_deletion_is_asked_again(lab: Lab) -> None:
    create_ours(lab, "other")
    before = len(faults.injected(lab.folder))
    faults.add(lab.folder, Fault("hang", "kubernetes", "delete services", count=1))
    with ThreadPoolExecutor() as executor:
        run = executor.submit(remove_service, lab, "other")
        try:
            eventually(lambda: len(faults.injected(lab.folder)) > before)
            restart(lab)
        finally:
            faults.clear(lab.folder)
        done = run.result()
    assert done.returncode == 0, done.output
    assert 'services "other" not found' in service(lab, "get", "other").stderr


def test_one_that_was_waited_for_to_the_end_is_not(lab: Lab) -> None:
    def hold(*finalizers: str) -> bool:
        patch = json.dumps({"metadata": {"finalizers": finalizers}})
        return service(lab, "patch", "held", "--type=merge", f"--patch={patch}").returncode == 0

    create_ours(lab, "held")
    assert hold("example.com/test")
    before = len(lab.changes_asked_of_kubernetes("seam-k8s"))
    run = remove_service(lab, "held", petstore_workload_wait_timeout=2)
    asked = lab.changes_asked_of_kubernetes("seam-k8s")[before:]
    assert hold()
    assert run.returncode != 0
    assert "Timed out waiting on resource" in run.output
    assert [each["verb"] for each in asked] == ["delete"]


def test_a_rollout_goes_on(lab: Lab) -> None:
    def field(path: str) -> int:
        got = lab.kubectl("-n", "petstore", "get", "deployment", "petstore", f"--output=jsonpath={{{path}}}")
        return int(got.stdout or 0)

    def hold(fault: Fault) -> Callable[[], bool]:
        """Whether this fault has hit a call."""
        before = len(faults.injected(lab.folder))
        faults.add(lab.folder, fault)
        return lambda: len(faults.injected(lab.folder)) > before

    # The change waits until the next look at Kubernetes is due, and that look waits until the API server is down.
    changes = hold(Fault("slow", "kubernetes", "patch deployments", seconds=2, count=1))
    with ThreadPoolExecutor() as executor:
        changed = json.dumps({"petstore_workload_replicas": 3})
        run = executor.submit(lab.playbook, WORKLOAD, "--extra-vars", changed)
        try:
            eventually(changes)
            eventually(hold(Fault("hang", "kubernetes", "get deployments", count=1)))
            restart(lab)
        finally:
            faults.clear(lab.folder)
        done = run.result()
    assert done.returncode == 0, done.output
    # The run may have ended while the API server was still down.
    assert eventually(lambda: field(".status.readyReplicas")) == 3
    assert lab.playbook(WORKLOAD).returncode == 0
