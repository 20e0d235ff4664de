# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lays out the development environment's collections: amazon.aws, kubernetes.core, and this checkout as seam.eks_auto.

The two dependencies, and awx.awx for playbooks/awx, come out of the PyPI package `ansible`, which carries them: no Galaxy
server is needed, and one pinned version names all. Only their files are unpacked, since the whole package has 38,000.

Usage: install_collections.py FOLDER [VERSION], a version of `ansible`
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSION = "12.3.0"
COLLECTIONS = tuple(f"ansible_collections/{name}/" for name in ("amazon/aws", "kubernetes/core", "awx/awx"))
CHECKOUT = Path(__file__).resolve().parent.parent


def main(folder: Path, version: str = VERSION) -> None:
    with tempfile.TemporaryDirectory() as download:
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*pip, "download", "--no-deps", "--only-binary", ":all:", "--dest", download, f"ansible=={version}"],
            check=True,
        )
        (wheel,) = Path(download).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith(COLLECTIONS)]
            archive.extractall(folder, names)
    own = folder / "ansible_collections" / "seam" / "eks_auto"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.unlink(missing_ok=True)
    own.symlink_to(CHECKOUT)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
