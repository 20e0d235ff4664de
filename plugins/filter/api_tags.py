# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: an API's name -> the tags by which modules find their resources of it; see api_tags.yml."""

from __future__ import annotations

import typing as t

from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import api_tags


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"api_tags": api_tags}
