# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every session of noxfile.py but those that `make versions` runs, which take many minutes.

Sessions for a Python that this machine doesn't have aren't defined there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
#: It is for CI systems, and checks nothing.
NO_CHECK = "matrix-generator"


def nox(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        [BIN / "nox", *arguments], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )


SESSIONS = [each["session"] for each in json.loads(nox("--list", "--json").stdout) if "release" not in each["tags"]]


@pytest.mark.usefixtures("once_for_these_files")
@pytest.mark.parametrize("session", [each for each in SESSIONS if each != NO_CHECK])
def test_session(session: str) -> None:
    run = nox("--session", session)
    output = run.stdout + run.stderr
    assert run.returncode == 0, output
    if session == "build-import-check":
        # galaxy-importer takes a collection in spite of these.
        assert "Importer processing completed successfully" in output
        assert re.findall(r"^\s*(?:ERROR|WARNING): .*", output, flags=re.MULTILINE) == []
