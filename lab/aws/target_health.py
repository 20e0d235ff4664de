# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health of a load balancer's targets, in ELBv2's own words. The data plane finds it, the control plane shows it."""

from __future__ import annotations

import dataclasses

#: One target of one target group: group ARN, IP address, port.
TargetKey = tuple[str, str, int]


@dataclasses.dataclass(frozen=True)
class Health:
    """A target's health, in ELBv2's own words."""

    state: str
    reason: str | None = None
    description: str | None = None


# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
REGISTERING = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = Health("healthy")
FAILED = Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_IN_USE = Health(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
NOT_REGISTERED = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
