# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kubernetes.core against a cluster's API server, as ansible-playbook runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_cluster
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "lb", "namespace": "made"},
    "spec": {
        "type": "LoadBalancer",
        "loadBalancerClass": "eks.amazonaws.com/nlb",
        "selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": "http"}],
    },
}
OTHER_CLASS = {**SERVICE, "spec": {**SERVICE["spec"], "loadBalancerClass": "other.example/nlb"}}
APPLY = {"apply": True, "server_side_apply": {"field_manager": "seam"}}


def k8s(result: str, definition: Any, **options: Any) -> dict[str, Any]:
    """A task whose result is kept under this name."""
    return {"kubernetes.core.k8s": {"definition": definition, **options}, "register": result}


TASKS: list[dict[str, Any]] = [
    k8s("namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}}),
    {**k8s("planned", SERVICE, **APPLY), "check_mode": True},
    {"kubernetes.core.k8s_info": {"kind": "Service", "namespace": "made"}, "register": "before"},
    k8s("applied", SERVICE, **APPLY),
    k8s("applied_again", SERVICE, **APPLY),
    k8s("merged", SERVICE),
    {**k8s("refused", OTHER_CLASS), "check_mode": True, "ignore_errors": True},
    k8s("removed", SERVICE, state="absent", wait=True, wait_timeout=20),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tasks' results, by their names in ``register``."""
    folder = tmp_path_factory.mktemp("ansible")
    names = [task["register"] for task in TASKS]
    collected = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
    with kubernetes_cluster.running(folder) as cluster:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/kubernetes.core.k8s": {"kubeconfig": cluster.kubeconfig()}},
            "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
            "tasks": [*TASKS, {"ansible.builtin.copy": {"content": collected, "dest": str(folder / "results.json")}}],
        }
        (folder / "play.yml").write_text(json.dumps([play]))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", "localhost,", str(folder / "play.yml")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def test_a_plan_changes_nothing(results: dict[str, Any]) -> None:
    assert results["planned"]["changed"]
    assert results["planned"]["result"]["spec"]["internalTrafficPolicy"] == "Cluster"
    assert results["before"]["resources"] == []


def test_what_is_there_is_left_alone(results: dict[str, Any]) -> None:
    assert results["applied"]["changed"]
    assert not results["applied_again"]["changed"]
    assert not results["merged"]["changed"]


def test_a_plan_is_refused_as_the_change_would_be(results: dict[str, Any]) -> None:
    assert results["refused"]["failed"]
    assert "may not change once set" in results["refused"]["msg"]


def test_removal_is_waited_for(results: dict[str, Any]) -> None:
    assert results["removed"]["changed"]
