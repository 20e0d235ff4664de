# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables are checked where the playbook runs, all of them in one task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.seam.eks_auto.plugins.action import check_input


def check(rules: dict[str, Any], variables: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    loader = DataLoader()
    task = Task.load({"name": "check", "ansible.builtin.debug": {}})
    task.args = {"rules": rules, "required": required or []}
    task.async_val = 0
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="unused"))
    action = check_input.ActionModule(task, connection, None, loader, Templar(loader, variables=variables), None)
    result: dict[str, Any] = action.run(task_vars=variables)
    return result


def test_sound_variables_pass_and_undefined_ones_are_passed_over() -> None:
    result = check({"seam_cluster": "cluster_name", "other": "port"}, {"seam_cluster": "shop"})
    assert not result.get("failed")
    assert result["changed"] is False


def test_all_that_is_wrong_is_said_at_once() -> None:
    variables = {"name": "no name", "size": None, "port": 80}
    result = check({"name": "cluster_name", "size": "port", "port": "port"}, variables)
    assert result["failed"]
    assert result["msg"].splitlines()[0] == "size: is null. Give it a value, or leave it out."
    assert result["msg"].splitlines()[1].startswith("name: 'no name' is no name for an EKS cluster")


def test_a_roles_variables_that_it_does_not_know_are_named(tmp_path: Path) -> None:
    tasks = tmp_path / "shop/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text("- debug: {msg: '{{ shop_replicas }} {{ shop_found }}'}")
    given = {"shop_replicas": 2, "shop_found": 1, "shop_replica": 3, "shop_quite_different": 4, "store_name": "x"}
    result = check({}, {"role_path": str(tmp_path / "shop"), **given})
    assert result["msg"].splitlines() == [
        "shop_quite_different: the role has no such variable. Its README lists them.",
        "shop_replica: the role has no such variable. Did you mean shop_replicas?",
    ]


def test_variables_of_playbooks_that_there_are_not_are_named() -> None:
    given = {"seam_cluster": "shop", "seam_clutser": "shop", "orphans_delte": [], "seam_x1y2z3w4": 1, "seamless": 2}
    result = check({}, given)
    assert result["msg"].splitlines() == [
        "seam_clutser: the playbooks have no such variable. Did you mean seam_cluster?",
        "seam_x1y2z3w4: the playbooks have no such variable. inventories/example lists them.",
        "orphans_delte: the playbooks have no such variable. Did you mean orphans_delete?",
    ]


def test_what_is_required_is_set() -> None:
    assert not check({}, {"seam_cluster": "shop"}, ["seam_cluster"]).get("failed")
    result = check({"seam_cluster": "cluster_name"}, {}, ["seam_cluster"])
    assert result["msg"] == "seam_cluster: is not set. Set it in group_vars/all.yml, as inventories/example does."


def test_every_variable_of_a_role_has_its_type_and_none_is_null(tmp_path: Path) -> None:
    (tmp_path / "shop/meta").mkdir(parents=True)
    (tmp_path / "shop/meta/argument_specs.yml").write_text(
        json.dumps(
            {
                "argument_specs": {
                    "main": {"options": {"shop_zones": {"type": "list"}, "shop_tags": {"type": "dict"}}},
                    "check": {"options": {"shop_name": {"type": "str"}, "shop_size": {"type": "int"}}},
                }
            }
        )
    )
    role = {"role_path": str(tmp_path / "shop")}
    assert not check({}, {**role, "shop_zones": ["a"], "shop_tags": {}, "shop_size": "3"}).get("failed")
    result = check({"shop_zones": "zone_names"}, {**role, "shop_zones": "a,b", "shop_tags": "a=b", "shop_name": None})
    assert result["msg"].splitlines() == [
        "shop_zones: 'a,b' is not a list. As an extra variable, a list is JSON: -e '{\"shop_zones\": ...}'.",
        "shop_tags: 'a=b' is not a mapping. As an extra variable, a mapping is JSON: -e '{\"shop_tags\": ...}'.",
        "shop_name: is null. Give it a value, or leave it out.",
    ]


def test_a_rule_that_is_not_there_is_named() -> None:
    with pytest.raises(AnsibleActionFail, match="there is no rule 'cluster', only access_entries"):
        check({"name": "cluster"}, {"name": "shop"})


def test_in_a_play_variables_are_templated_before_they_are_checked(tmp_path: Path) -> None:
    task = {"seam.eks_auto.check_input": {"rules": {"full_name": "cluster_name"}}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
    play["vars"] = {"full_name": "{{ part }}-cluster", "part": "not good"}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "play.yml"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(Path(check_input.__file__).parents[5])}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "full_name: 'not good-cluster' is no name for an EKS cluster" in run.stdout
