# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts on API Gateway's answers, for a wait. Pure."""

from __future__ import annotations

from .._core.wait import Verdict
from .links import Link

OWNER = "infra"


def judge_link_available(link: Link | None) -> Verdict:
    """A VPC link is made in 2 to 4 minutes, at times in more than 8; FAILED never becomes anything else."""
    if link is None:
        return Verdict.failed("Missing", "the VPC link is gone", OWNER, "run again: a new link is made")
    seen = f"VPC link {link.id} is {link.status}"
    if link.status == "AVAILABLE":
        return Verdict.done(link.status, seen)
    if link.status == "FAILED":
        return Verdict.failed(
            link.status,
            f"{seen}: {link.status_message or 'AWS gives no reason'}",
            OWNER,
            "mend what the message says and run again: the failed link is removed, a new one made",
        )
    if link.status == "INACTIVE":
        return Verdict.failed(link.status, seen, OWNER, "run again: another link takes its place")
    if link.going:
        return Verdict.failed(link.status, seen, OWNER, "somebody deletes the link: run again when it is gone")
    return Verdict.waiting(
        link.status, seen, OWNER, "AWS is still making the link: run again with a longer wait_timeout"
    )


def judge_link_settled(link: Link | None) -> Verdict:
    """A link that is PENDING can't be deleted yet."""
    if link is None:
        return Verdict.done("Missing", "the VPC link is gone")
    seen = f"VPC link {link.id} is {link.status}"
    if link.status == "PENDING":
        return Verdict.waiting("PENDING", seen, OWNER, "AWS is still making the link: run again later")
    return Verdict.done(link.status, seen)


def judge_link_gone(link: Link | None) -> Verdict:
    """Deleting ends when AWS no longer knows the link; until then its load balancer can't be deleted."""
    if link is None:
        return Verdict.done("Missing", "the VPC link is gone")
    seen = f"VPC link {link.id} is {link.status}"
    return Verdict.waiting(link.status, seen, OWNER, "AWS is still deleting the link: run again later")


def judge_released(endpoint_services: list[str]) -> Verdict:
    """A link V1 is an endpoint service, which lets go of the load balancer some time after the link is gone."""
    if not endpoint_services:
        return Verdict.done("Released", "no endpoint service has the load balancer any more")
    return Verdict.waiting(
        "EndpointService",
        f"the load balancer still belongs to endpoint service {', '.join(endpoint_services)}",
        "AWS",
        "AWS lets go of the load balancer by itself: run again later",
    )
