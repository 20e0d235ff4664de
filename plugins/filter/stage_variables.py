# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: backends of an API, and their VPC links -> the variables of its stage."""

from __future__ import annotations

import typing as t

from ansible_collections.seam.eks_auto.plugins.module_utils._seam import backends as pure


def stage_variables(backends: list[pure.Values], vpc_links: list[pure.Values]) -> dict[str, str]:
    """See stage_variables.yml."""
    return pure.stage_variables(backends, vpc_links)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"stage_variables": stage_variables}
