# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables may come as text: from INI inventories, `-e name=value`, and text questions of AWX's surveys.

A number or a truth value is then taken right wherever it is used: by the option of a module, which has a type, or by a filter.
Text where a list or a mapping is wanted is refused by the role's first task (the action check_input).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
ROLES = sorted((CHECKOUT / "roles").iterdir())
SPECS = {role.name: yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"] for role in ROLES}
TYPED = [
    (role, name)
    for role, specs in SPECS.items()
    for name in sorted(
        {
            n
            for spec in specs.values()
            for n, option in spec.get("options", {}).items()
            if option["type"] in ("bool", "int", "float")
        }
    )
]
FILES = [
    path
    for folder in (*(role / part for role in ROLES for part in ("tasks", "vars", "templates")), CHECKOUT / "playbooks")
    for path in sorted(folder.rglob("*"))
    if path.suffix in (".yml", ".j2")
]


def uses(name: str) -> list[str]:
    """Each place where a variable stands in an expression, with what follows. Alone in braces it is handed on as it is.

    Keys and messages have a colon behind it.
    """
    found = []
    for path in FILES:
        text = re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE)
        text = re.sub(rf"\{{\{{ {name}( \| default\(omit(, true)?\))? \}}\}}", "", text)
        found += re.findall(rf"\b{name}\b(?![:=])[^\n]{{0,40}}", text)
    return found


@pytest.mark.parametrize(("role", "name"), TYPED)
def test_a_number_or_truth_value_may_be_text(role: str, name: str) -> None:
    assert [use for use in uses(name) if not re.match(rf"{name} \| (bool|int|float)\b", use)] == [], role


def test_these_variables_are_found() -> None:
    assert len(TYPED) > 20
    assert any(uses(name) for _role, name in TYPED)


@pytest.mark.parametrize("role", SPECS)
def test_every_role_refuses_text_for_lists_and_mappings_first(role: str) -> None:
    """Directly, or in the first file that its main entry point includes."""
    tasks = CHECKOUT / "roles" / role / "tasks"

    def first_check(name: str) -> bool:
        for task in yaml.safe_load((tasks / name).read_text()):
            if "seam.eks_auto.check_input" in task:
                return True
            included = task.get("ansible.builtin.include_tasks")
            if included:
                return first_check(included)
        return False

    assert first_check("main.yml")
