# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the docs site into a folder: reference and guides by antsibull-docs, the rest of docs/ as it is, then Sphinx.

    python tools/docs_site.py docs/build        # the site is docs/build/html/index.html

Needs no network. A warning is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ENVIRONMENT = CHECKOUT / ".venv/docs/bin"
BLOB = "https://github.com/seam-eks-auto/seam.eks_auto/blob/main/"


def run(*command: str | Path) -> None:
    # antsibull-docs calls the ansible-doc that the tests use.
    environment = {
        **os.environ,
        "PATH": f"{ENVIRONMENT}:{CHECKOUT / '.venv/bin'}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".venv/collections"),
    }
    subprocess.run([ENVIRONMENT / command[0], *command[1:]], cwd=CHECKOUT, env=environment, check=True)


def moved(page: str) -> str:
    """A page of docs/ with its links as they are in the site. The site has only docs/ and the guides."""
    page = page.replace("](docsite/rst/", "](reference/docsite/").replace("](docsite/", f"]({BLOB}docs/docsite/")
    return page.replace("](../", f"]({BLOB}")


def build(folder: Path) -> Path:
    """The site's folder."""
    source = folder.resolve() / "source"
    shutil.rmtree(source, ignore_errors=True)
    reference = source / "reference"
    reference.mkdir(parents=True, mode=0o755)
    for path in (CHECKOUT / "docs").iterdir():
        if path.suffix in {".md", ".py", ".rst", ".svg"}:
            (source / path.name).write_text(moved(path.read_text()))
    run("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error",
        "--no-add-antsibull-docs-version", "--dest-dir", reference, "seam.eks_auto")  # fmt: skip
    site = folder.resolve() / "html"
    run("sphinx-build", "-W", "--keep-going", "--quiet", "--fresh-env", source, site)
    return site


if __name__ == "__main__":
    print(f"{build(Path(sys.argv[1]))}/index.html")
