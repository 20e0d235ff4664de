# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: ownership tags -> the contract that they name."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract


def tagged_contract(tags: dict[str, str]) -> dict[str, str] | None:
    """See tagged_contract.yml."""
    contract = Contract.of_tags(tags)
    return dataclasses.asdict(contract) if contract else None


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"tagged_contract": tagged_contract}
