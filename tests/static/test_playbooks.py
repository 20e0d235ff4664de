# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody works with the other team's identity: every play of a team is the one in playbooks/shared/team.yml, with its
check.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
SHARED = PLAYBOOKS / "shared"
TEAM = SHARED / "team.yml"
#: The team of the playbooks in each folder; an administrator of an AWX is none.
TEAMS = {"infra": "infra", "k8s": "k8s", "bootstrap": "admin"}
#: All playbooks except the teams' play itself and the one for AWX.
IMPORTED = [
    pytest.param(path, entry, id=f"{path.relative_to(PLAYBOOKS)}: {entry['name']}")
    for path in sorted(
        [*PLAYBOOKS.glob("*.yml"), *(each for team in TEAMS for each in PLAYBOOKS.glob(f"{team}/*.yml"))]
    )
    for entry in yaml.safe_load(path.read_text())
]


def test_the_play_of_a_team_checks_its_identity_first() -> None:
    (play,) = yaml.safe_load(TEAM.read_text())
    check = play["tasks"][0]["seam.eks_auto.check_identity"]
    assert "seam_identities[seam_team]" in check["expected_principal_arn"]
    assert check["expected_region"] == "{{ seam_region }}"
    assert play["hosts"].startswith("{{ seam_team ")


@pytest.mark.parametrize(("playbook", "entry"), IMPORTED)
def test_a_playbook_has_no_play_of_its_own(playbook: Path, entry: dict[str, Any]) -> None:
    imported = (playbook.parent / entry["ansible.builtin.import_playbook"]).resolve()
    assert imported.exists()
    if playbook.parent == PLAYBOOKS:
        assert imported.parent.name in TEAMS
    else:
        assert imported == TEAM
        assert entry["vars"]["seam_team"] == TEAMS[playbook.parent.name]
        assert entry["vars"]["seam_play"] == entry["name"]


@pytest.mark.parametrize(("playbook", "entry"), IMPORTED)
def test_steps_are_there(playbook: Path, entry: dict[str, Any]) -> None:
    for step in entry.get("vars", {}).get("seam_steps", []):
        assert step.get("tasks") or step.get("role")
        assert (SHARED / step.get("tasks", "role.yml")).exists()
        if "role" in step:
            assert (PLAYBOOKS.parent / f"roles/{step['role']}/tasks/{step.get('tasks_from', 'main')}.yml").exists()


@pytest.mark.parametrize("once", ["check_identity:", "AWS_MAX_ATTEMPTS:", "module_defaults:"])
def test_what_all_plays_need_is_said_once(once: str) -> None:
    said = [path for path in sorted(PLAYBOOKS.rglob("*.yml")) for line in path.read_text().splitlines() if once in line]
    assert said == [TEAM]


def test_playbooks_are_found() -> None:
    assert len(IMPORTED) >= 30
