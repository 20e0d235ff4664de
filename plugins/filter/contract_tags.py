# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: a contract -> the tags by which modules find their resources of it."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.module_utils._core import checks
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract


def contract_tags(contract: dict[str, str]) -> dict[str, str]:
    """See contract_tags.yml."""
    if wrong := checks.contract(contract):
        raise AnsibleFilterError(f"contract_tags: {wrong}")
    return Contract(**contract).tags


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"contract_tags": contract_tags}
