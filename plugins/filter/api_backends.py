# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the backends that a user wrote -> each with its contract, its integration and its load balancer."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.module_utils._core import checks
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.backends import Values, full_backends
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract


def api_backends(
    backends: list[Values], contract: dict[str, str], seams: t.Sequence[Values] = (), version: str = "1"
) -> list[Values]:
    """See api_backends.yml."""
    if wrong := checks.contract(contract) or checks.backends(backends):
        raise AnsibleFilterError(f"api_backends: {wrong}")
    return full_backends(backends, Contract(**contract), seams, str(version))


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"api_backends": api_backends}
