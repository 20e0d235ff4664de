# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rule about input stands once, in ``_core/checks.py``: not again in a role or playbook, and not in two modules."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
CHECKS = CHECKOUT / "plugins/module_utils/_core/checks.py"
TASKS = sorted([*CHECKOUT.glob("roles/*/*/*.yml"), *CHECKOUT.glob("playbooks/**/*.yml")])

#: Jinja's ways to hold a value against a pattern.
PATTERN_TEST = re.compile(r"\bis (?:not )?(?:match|search|regex)\b|['\"](?:match|search|regex)['\"]")


@pytest.mark.parametrize("file", TASKS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_role_or_playbook_has_a_pattern_of_its_own(file: Path) -> None:
    assert PATTERN_TEST.findall(file.read_text()) == []


def patterns(file: Path) -> list[str]:
    """The regular expressions in a file that describe a name."""
    texts = (node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant))
    return [text for text in texts if isinstance(text, str) and re.search(r"\[[^]]+\]\{\d*,\d+\}", text)]


def test_no_pattern_of_a_name_stands_twice() -> None:
    found = Counter(pattern for file in CHECKOUT.glob("plugins/**/*.py") for pattern in patterns(file))
    assert [pattern for pattern, times in found.items() if times > 1] == []


def test_patterns_of_names_stand_among_the_rules() -> None:
    assert len(patterns(CHECKS)) > 8
    elsewhere = {file.name for file in CHECKOUT.glob("plugins/**/*.py") if file != CHECKS and patterns(file)}
    assert elsewhere == set()
