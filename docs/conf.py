# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx builds the docs site, see tools/docs_site.py."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

project = "seam.eks_auto"
html_title = "seam.eks_auto"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_rtd_theme"
html_show_sphinx = False
html_copy_source = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
nitpicky = True
myst_heading_anchors = 3

#: Pages of Ansible's documentation that the reference refers to. intersphinx would fetch an inventory for that.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
OTHER_COLLECTION = re.compile(
    r"ansible_collections\.(?P<folder>(?!seam\.)\w+\.\w+)\.(?P<page>\w+?)(?:__(?P<part>.+))?$"
)


def address(label: str) -> str | None:
    if match := OTHER_COLLECTION.match(label):
        part = f"#{match['part']}" if match["part"] else ""
        return f"{ANSIBLE}collections/{match['folder'].replace('.', '/')}/{match['page']}.html{part}"
    return ANSIBLE + PAGES[label] if label in PAGES else None


def resolve(app: Sphinx, environment: Any, node: pending_xref, content: nodes.TextElement) -> nodes.reference | None:
    uri = address(node["reftarget"])
    return nodes.reference("", "", content, refuri=uri) if uri else None


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", resolve)
