# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: backends of an API -> the VPC links that they need."""

from __future__ import annotations

import typing as t

from ansible_collections.seam.eks_auto.plugins.module_utils._seam.backends import Values, vpc_links


def api_links(backends: list[Values], name: str, version: str = "1") -> list[Values]:
    """See api_links.yml."""
    return vpc_links(backends, name, str(version))


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"api_links": api_links}
