# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC links of both versions: their states, and where a request goes through one."""

from __future__ import annotations

import dataclasses
import time
from typing import TypeVar

from lab.aws.apigateway.common import Item

#: Seconds without traffic after which a link becomes INACTIVE: 60 days, at any pace.
IDLE = 60 * 24 * 3600.0


@dataclasses.dataclass
class Link:
    """A VPC link of either version. Its status follows from the time since it was made or deleted."""

    info: Item
    failure: str
    ready_at: float
    gone_at: float | None = dataclasses.field(default=None, kw_only=True)

    @property
    def status(self) -> str:
        if self.gone_at is not None:
            return "DELETING"
        if time.monotonic() < self.ready_at:
            return "PENDING"
        return "FAILED" if self.failure else "AVAILABLE"


class VpcLink(Link):
    """A link V1, of one load balancer."""

    #: The ID of the endpoint service that binds it; empty where there is none.
    endpoint_service = ""

    @property
    def target_arn(self) -> str:
        return str(self.info["targetArns"][0])

    def target_of(self, integration: Item) -> str | None:
        """Where a request goes now: to its own load balancer. An integration for a link V2 doesn't fit it."""
        return self.target_arn if self.status == "AVAILABLE" and "integrationTarget" not in integration else None

    @property
    def holds_target(self) -> bool:
        """Whether the load balancer is bound by this link, so that it can be neither deleted nor linked again."""
        return not self.failure

    def describe(self) -> Item:
        messages = {"AVAILABLE": "Your vpc link is ready for use", "FAILED": self.failure}
        description = {**self.info, "status": self.status}
        if description["status"] in messages:
            description["statusMessage"] = messages[description["status"]]
        return description


@dataclasses.dataclass
class VpcLinkV2(Link):
    """A link V2, which also becomes inactive when it isn't used."""

    #: Seconds that its network interfaces take.
    provisioning: float

    def __post_init__(self) -> None:
        self.used_at = self.ready_at

    @property
    def status(self) -> str:
        status = super().status
        idle = status == "AVAILABLE" and time.monotonic() - self.used_at >= IDLE
        return "INACTIVE" if idle else status

    def target_of(self, integration: Item) -> str | None:
        """Where a request goes now. A request to an INACTIVE link fails, and starts making its network interfaces
        again.
        """
        status = self.status
        if status == "INACTIVE":
            self.ready_at = self.used_at = time.monotonic() + self.provisioning
        elif status == "AVAILABLE":
            self.used_at = time.monotonic()
            return integration.get("integrationTarget")
        return None

    def describe(self) -> Item:
        messages = {"AVAILABLE": "VPC link is ready to route traffic", "FAILED": self.failure}
        status = self.status
        return {**self.info, "VpcLinkStatus": status, "VpcLinkStatusMessage": messages.get(status, "")}


AnyLink = TypeVar("AnyLink", bound=Link)


def forget_deleted(links: dict[str, AnyLink]) -> None:
    """Drop the links whose deletion has ended."""
    for identifier, link in list(links.items()):
        if link.gone_at is not None and time.monotonic() >= link.gone_at:
            links.pop(identifier, None)
