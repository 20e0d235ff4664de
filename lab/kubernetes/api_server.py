# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface that both of the lab's API servers have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

#: The file with the API server's audit events, one a line.
AUDIT_LOG = "audit.jsonl"

#: The log of a pod (namespace, name), or None when it has none yet.
ReadLog = Callable[[str, str], str | None]


class ApiServer(Protocol):
    """A running API server. The admin token belongs to the lab's own controllers (group system:masters)."""

    url: str
    ca_pem: str
    admin_token: str
    #: True when a kube-controller-manager runs beside it, so that nobody else must do its work.
    has_controller_manager: bool

    async def stop(self) -> None: ...
