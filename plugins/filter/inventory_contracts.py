# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the variables of hosts -> the contracts that they name."""

from __future__ import annotations

import typing as t

from ansible_collections.seam.eks_auto.plugins.module_utils._seam.backends import full_backends
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract


def inventory_contracts(hosts: list[dict[str, t.Any]]) -> list[dict[str, str]]:
    """See inventory_contracts.yml."""
    found = [backend["contract"] for host in hosts for backend in _backends(host)]
    return [contract for number, contract in enumerate(found) if contract not in found[:number]]


def _backends(host: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    contract = Contract(host["seam_cluster"], host["seam_namespace"], host["seam_service"])
    return full_backends(host.get("apigw_vpclink_backends", [{}]), contract, [], "1")


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"inventory_contracts": inventory_contracts}
