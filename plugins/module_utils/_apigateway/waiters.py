# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an observation of API Gateway means for a wait. Pure: verdicts only."""

from __future__ import annotations

from .._core.wait import Verdict
from .common import Item

OWNER = "infra"


def judge_link_available(link: Item | None) -> Verdict:
    """A VPC link is made in 2 to 4 minutes, at times in more than 8; FAILED never becomes anything else."""
    if link is None:
        return Verdict.failed("Missing", "the VPC link is gone", OWNER, "run again: a new link is made")
    status = link["status"]
    seen = f"VPC link {link['id']} is {status}"
    if status == "AVAILABLE":
        return Verdict.done(status, seen)
    if status == "FAILED":
        reason = f"{seen}: {link.get('statusMessage') or 'AWS gives no reason'}"
        return Verdict.failed(
            status,
            reason,
            OWNER,
            "mend what the message says and run again: the failed link is removed, a new one made",
        )
    if status == "INACTIVE":
        return Verdict.failed(status, seen, OWNER, "run again: another link takes its place")
    if status == "DELETING":
        return Verdict.failed(status, seen, OWNER, "somebody deletes the link: run again when it is gone")
    return Verdict.waiting(status, seen, OWNER, "AWS is still making the link: run again with a longer wait_timeout")


def judge_link_settled(link: Item | None) -> Verdict:
    """A link that is PENDING can't be deleted yet."""
    if link is None:
        return Verdict.done("Missing", "the VPC link is gone")
    seen = f"VPC link {link['id']} is {link['status']}"
    if link["status"] == "PENDING":
        return Verdict.waiting("PENDING", seen, OWNER, "AWS is still making the link: run again later")
    return Verdict.done(link["status"], seen)


def judge_link_gone(link: Item | None) -> Verdict:
    """Deleting ends when AWS no longer knows the link; until then its load balancer can't be deleted."""
    if link is None:
        return Verdict.done("Missing", "the VPC link is gone")
    seen = f"VPC link {link['id']} is {link['status']}"
    return Verdict.waiting(link["status"], seen, OWNER, "AWS is still deleting the link: run again later")
