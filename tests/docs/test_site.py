# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The docs site is built without a warning, and every link and anchor in it leads somewhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools import docs_site


@functools.cache
def built(make_folder: Callable[[str], Path]) -> Path:
    return docs_site.build(make_folder("docs"))


# A fixture of the whole module would be made before the tests are skipped.
@pytest.fixture
def site(once_for_these_files: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp)


class Page(HTMLParser):
    """A page's links and anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.anchors.update(value for key in ("id", "name") if (value := values.get(key)))
        link = values.get("href") if tag == "a" else values.get("src") if tag == "img" else None
        if link:
            self.links.append(link)


def test_links_lead_somewhere(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html")}
    wrong = []
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme:
                # Elsewhere: there is no network to go and see.
                if address.scheme != "https" or "." not in address.netloc:
                    wrong.append(f"{path.relative_to(site)}: {link}")
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            known = pages[target].anchors if target in pages else set()
            if not target.is_file() or (address.fragment and unquote(address.fragment) not in known):
                wrong.append(f"{path.relative_to(site)}: {link}")
    assert not wrong


def test_each_plugin_role_and_guide_has_a_page(site: Path) -> None:
    index = Page(site / "reference/index.html").links
    checkout = docs_site.CHECKOUT
    expected = [
        *(f"{path.stem}_module.html" for path in (checkout / "plugins/modules").glob("*.py")),
        *(f"{path.stem}_{path.parent.name}.html" for path in (checkout / "plugins").glob("[cfl]*/*.py")
          if path.parent.name in {"callback", "filter", "lookup"}),
        *(f"{path.name}_role.html" for path in (checkout / "roles").iterdir()),
        *(f"docsite/{path.stem}.html" for path in (checkout / "docs/docsite/rst").iterdir()),
    ]  # fmt: skip
    assert expected
    assert set(expected) <= set(index)
