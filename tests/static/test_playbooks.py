# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody works with the other team's identity: every play begins with the check of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
#: Whose plays run as somebody else: an administrator of the account, of AWX.
OTHERS = ("awx", "bootstrap")
PLAYS = [
    pytest.param(path, play, id=f"{path.stem}: {play['name']}")
    for path in sorted(PLAYBOOKS.rglob("*.yml"))
    if path.parent.name not in (*OTHERS, "tasks")
    for play in yaml.safe_load(path.read_text())
    if "ansible.builtin.import_playbook" not in play
]


@pytest.mark.parametrize(("playbook", "play"), PLAYS)
def test_the_first_task_checks_the_identity(playbook: Path, play: dict[str, Any]) -> None:
    first = (play.get("pre_tasks") or play["tasks"])[0]
    assert (playbook.parent / first["ansible.builtin.import_tasks"]).resolve() == PLAYBOOKS / "tasks/identity.yml"
    if play["hosts"] in ("infra", "k8s"):
        assert first["vars"] == {"seam_team": play["hosts"]}


def test_plays_are_found() -> None:
    assert len(PLAYS) >= 9
