# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links in Markdown lead somewhere: to files and headings of this repository, also where they name it on GitHub.

Other addresses are only read, since a test has no network.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools.docs_site import BLOB, CHECKOUT

LISTED = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
FILES = subprocess.run(LISTED, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
PAGES = sorted(CHECKOUT / name for name in FILES if name.endswith(".md"))


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_right(page: Path, link: str) -> bool:
    address = urlsplit(link)
    if link.startswith(BLOB):
        target = CHECKOUT / urlsplit(link.removeprefix(BLOB)).path
    elif address.scheme:
        return address.scheme == "https" and "." in address.netloc and " " not in link
    else:
        target = (page.parent / address.path).resolve() if address.path else page
    if not target.exists():
        return False
    return not address.fragment or target.suffix != ".md" or address.fragment in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not is_right(page, link)] == []


def test_all_pages_are_read() -> None:
    assert len(PAGES) > 8
    assert sum(len(list(links(page))) for page in PAGES) > 50


def test_files_named_to_contributors_exist() -> None:
    """Files and names in the worked examples."""
    named = set(re.findall(r"`([^`\s]+)`", (CHECKOUT / "docs/contributing.md").read_text()))
    # Git lists no output of `make docs`, and a release deletes its fragments.
    paths = {name for name in named if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", name)} - {
        "changelogs/fragments",
        "docs/build",
    }
    names = {name for name in named if re.fullmatch(r"[A-Za-z]\w+", name)}
    code = "\n".join(
        (CHECKOUT / name).read_text() for name in FILES if re.match(r"(lab|plugins|roles|tests/integration)/", name)
    )
    assert [path for path in sorted(paths) if not any(f"/{path}/" in f"/{name}/" for name in FILES)] == []
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", code)] == []


def test_the_readme_has_the_sections_that_certification_asks_for() -> None:
    """https://docs.ansible.com/projects/partner-certification-requirements/readmes/"""
    headings = re.findall(r"^## (.+)$", (CHECKOUT / "README.md").read_text(), re.MULTILINE)
    asked = (
        "Description",
        "Requirements",
        "Installation",
        "Use Cases",
        "Testing",
        "Contributing",
        "Support",
        "Release Notes and Roadmap",
        "Related Information",
        "License Information",
    )
    assert [heading for heading in headings if heading in asked] == list(asked)
