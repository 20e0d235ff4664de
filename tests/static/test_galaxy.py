# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the collection on Galaxy: everything users need, and nothing else. (tests/integration/test_site.py
runs it installed.)
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SHIPPED = re.compile(
    r"""
    (README\.md | CHANGELOG\.rst | LICENSE | requirements\.txt)$
    | (LICENSES | extensions | inventories/example | meta | playbooks | plugins | roles)/
    """,
    re.VERBOSE,
)


def shipped(path: str) -> bool:
    hidden = any(part.startswith(".") for part in Path(path).parts)
    return bool(SHIPPED.match(path)) and not hidden


def test_the_tarball_holds_what_users_need_and_nothing_else(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        built = {member.name for member in archive.getmembers() if not member.isdir()}
    # All that is or could be committed: leftovers in the checkout are in neither list.
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    known = {path for path in listed.stdout.splitlines() if (CHECKOUT / path).exists()}
    assert built - {"MANIFEST.json", "FILES.json"} == {path for path in known if shipped(path)}


def test_a_users_own_inventories_stay_out(tmp_path: Path) -> None:
    for name in ("galaxy.yml", "README.md"):
        shutil.copy(CHECKOUT / name, tmp_path)
    for name in ("example", "mine", "east", "ex", "exam", "examples"):
        (tmp_path / "inventories" / name).mkdir(parents=True)
        (tmp_path / "inventories" / name / "hosts.yml").write_text("all:\n")
    galaxy = str(Path(sys.executable).parent / "ansible-galaxy")
    subprocess.run([galaxy, "collection", "build"], cwd=tmp_path, check=True, capture_output=True)
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        inventories = [name for name in archive.getnames() if name.endswith("hosts.yml")]
    assert inventories == ["inventories/example/hosts.yml"]


def test_the_tarball_is_small(tarball: Path) -> None:
    assert tarball.stat().st_size < 300_000
