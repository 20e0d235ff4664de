# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what: the caller's policies against what its request needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.iam.models import iam_backends

from lab.aws.iam.policy import Decision, Permission, decide
from lab.settings import ACCOUNT

#: Auto Mode itself: what it does with the cluster's role and EKS's service-linked role is AWS's own affair.
AUTO_MODE_SESSION = "eks-auto-mode"


class Denied(Exception):
    """The policies don't allow it. The text is AWS's."""

    def __init__(self, caller_arn: str, permission: Permission, reason: str) -> None:
        super().__init__(
            f"User: {caller_arn} is not authorized to perform: {permission.action} on resource: {permission.resource} "
            f"{reason}"
        )


class Authorization:
    """Judges the permissions that one call needs, and keeps what it found for the log of calls."""

    def __init__(self, caller_arn: str) -> None:
        self.caller_arn = caller_arn
        self.findings: list[dict[str, Any]] = []

    def require(self, needed: list[Permission]) -> None:
        """Raises :class:`Denied` at the first that isn't allowed."""
        if self.caller_arn.endswith(f"/{AUTO_MODE_SESSION}"):
            return
        identity, boundary = _policies(self.caller_arn)
        for permission in needed:
            reason = _objection(identity, boundary, permission)
            self.findings.append(
                {"action": permission.action, "resource": permission.resource, "allowed": reason is None}
            )
            if reason:
                raise Denied(self.caller_arn, permission, reason)


def _objection(identity: list[str], boundary: list[str] | None, wanted: Permission) -> str | None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html (the texts)"""
    for kind, documents in (("identity-based policy", identity), ("permissions boundary", boundary)):
        if documents is None:
            continue
        match decide(documents, wanted):
            case Decision.DENIED:
                return f"with an explicit deny in {'an' if kind[0] == 'i' else 'a'} {kind}"
            case Decision.NOT_ALLOWED:
                return f"because no {kind} allows the {wanted.action} action"
    return None


def _policies(caller_arn: str) -> tuple[list[str], list[str] | None]:
    """The documents on the caller's role or user, and its boundary's."""
    backend = iam_backends[ACCOUNT]["aws"]
    kind, _, rest = caller_arn.split(":", 5)[5].partition("/")
    if kind == "assumed-role":
        holder = next((role for role in backend.roles.values() if role.name == rest.partition("/")[0]), None)
        bound = holder.permissions_boundary_arn if holder else None
    else:
        holder = backend.users.get(rest.rpartition("/")[2])
        bound = None
    if holder is None:
        # A session whose role is gone has nothing left.
        return [], None
    return list(_documents(holder)), [_document(backend.managed_policies[bound])] if bound else None


def _documents(holder: Any) -> Iterator[str]:
    inline = holder.policies
    yield from inline.values() if isinstance(inline, dict) else (each["policy_document"] for each in inline)
    yield from (_document(policy) for policy in holder.managed_policies.values())


def _document(policy: Any) -> str:
    return str(next(each.document for each in policy.versions if each.version_id == policy.default_version_id))
