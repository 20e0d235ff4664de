# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every molecule scenario, as `molecule test -s NAME` runs it, in a lab of its own.

A lab has one VPC, whose subnets several scenarios tag: in labs of their own they can run at the same time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import accelerator

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SCENARIOS = sorted(path.parent.name for path in CHECKOUT.glob("molecule/*/converge.yml"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [BIN / "molecule", "test", "--scenario-name", scenario],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "MOLECULE_GLOB": "molecule/*/molecule.yml",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path),
            "NO_COLOR": "1",
            **accelerator.modules_for_all(),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
