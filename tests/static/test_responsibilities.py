# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/responsibilities.md agrees with playbooks, roles and policies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures("once_for_these_files")
def test_the_page_is_not_stale() -> None:
    page = CHECKOUT / "docs/responsibilities.md"
    written = subprocess.run(
        [sys.executable, "-c", "from tools.responsibilities import document; print(document(), end='')"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert page.read_text() == written.stdout, "Run python tools/responsibilities.py"
