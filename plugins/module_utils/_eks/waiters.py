# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts on a cluster and its updates, for the wait. Pure.

None means "nothing in the way": the cluster can be worked on.
"""

from __future__ import annotations

import typing as t

from .._core.wait import Verdict

Resource = dict[str, t.Any]

# Seconds that a new IAM role gets to be seen everywhere: IAM is eventually consistent
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html), by seconds as a rule. Terraform gives it as long.
ROLE_PROPAGATION = 120

# EKS's texts (InvalidParameterException) while a role is not seen yet, or is wrong for good: AWS does not tell the two
# apart. Those that have the role's name or ARN in them need not be known.
_ROLE_NOT_SEEN = (
    ("roleArn", "does not exist"),
    ("Error in role params",),
    ("could not be assumed because",),
    ("The provided role doesn't have the Amazon EKS Managed Policies associated with it",),
    ("IAM role's policy must include",),
)


def judge_status(cluster: Resource | None, present: bool) -> Verdict | None:
    """The verdict on a cluster's status, which is to be present or absent in the end."""
    if cluster is None or cluster["status"] == "ACTIVE":
        return None
    status = cluster["status"]
    if status != "FAILED":
        return Verdict.waiting(status, f"The cluster is {status}.")
    if not present:
        return None
    return Verdict.failed(
        status,
        f"The cluster is FAILED: {_health(cluster)}",
        owner="infra",
        fix="Mend the cause, remove the cluster (state: absent), and run again.",
    )


def judge_updates(updates: t.Iterable[Resource], ours: t.Collection[str]) -> Verdict | None:
    """The verdict on a cluster's updates; failures matter if the update (by id) is one of ours.

    AWS takes one update at a time and may show a cluster as ACTIVE while one is in progress.
    """
    for update in updates:
        name = f"{update['type']} {update['id']}"
        if update["status"] == "InProgress":
            return Verdict.waiting(update["type"], f"Update {name} is in progress.")
        if update["id"] in ours and update["status"] != "Successful":
            return Verdict.failed(
                update["type"],
                f"Update {name} is {update['status']}: {_errors(update)}",
                owner="infra",
                fix="Mend the cause and run again.",
            )
    return None


def judge_refusal(
    code: str, message: str, *, creating: bool, roles: t.Collection[str], seconds: float
) -> Verdict | None:
    """The verdict on a call that AWS refused, ``seconds`` after the first such refusal; None: it is final.

    ``roles`` are the ARNs of IAM roles that the call names.
    """
    if code == "ResourceInUseException" and (creating or "in progress" in message):
        return Verdict.waiting(code, f"AWS says: {message}")
    if code == "InvalidParameterException" and seconds < ROLE_PROPAGATION and _role_not_seen(message, roles):
        return Verdict.waiting(code, f"AWS says, as it does of roles that are only just made: {message}")
    return None


def _role_not_seen(message: str, roles: t.Collection[str]) -> bool:
    named = any(arn.rpartition("/")[2] in message for arn in roles)
    return named or (bool(roles) and any(all(part in message for part in parts) for parts in _ROLE_NOT_SEEN))


def _health(cluster: Resource) -> str:
    issues = (cluster.get("health") or {}).get("issues", [])
    return _listed(issues, "code", "message") or "AWS gives no health issue."


def _errors(update: Resource) -> str:
    return _listed(update.get("errors", []), "errorCode", "errorMessage") or "AWS gives no error."


def _listed(problems: list[Resource], code: str, message: str) -> str:
    return "; ".join(
        " ".join([f"{problem.get(code)}: {problem.get(message)}", *problem.get("resourceIds", [])])
        for problem in problems
    )
