# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authorization: the caller's policies against the permissions that its request needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from lab.aws import partitions
from lab.aws.iam.policy import Context, Decision, Permission, decide
from lab.aws.iam.trust import Trust, judge
from lab.settings import ACCOUNT

#: Access keys of AWS's own sessions, which are always allowed: Auto Mode's with the cluster's role and EKS's
#: service-linked role.
AWS_SESSIONS: set[str] = set()


class Denied(Exception):
    """The policies don't allow it. The text is AWS's."""

    def __init__(self, caller_arn: str, permission: Permission, reason: str) -> None:
        what = f"perform: {permission.action} on resource: {permission.resource}"
        super().__init__(f"User: {caller_arn} is not authorized to {what} {reason}".rstrip())


@dataclasses.dataclass(frozen=True)
class _Caller:
    """A role or user with its policies. ``arns`` are all that stand for it: the session's and the role's."""

    arns: tuple[str, ...]
    identity: list[str]
    boundary: list[str] | None
    context: Context


class Authorization:
    """Judges the permissions that one call needs, and keeps the verdicts for the log of calls."""

    def __init__(self, caller_arn: str, access_key: str = "") -> None:
        self.caller_arn = caller_arn
        self.access_key = access_key
        self.findings: list[dict[str, Any]] = []

    def require(self, needed: list[Permission], region: str) -> None:
        """Raises :class:`Denied` at the first that isn't allowed."""
        if self.access_key in AWS_SESSIONS:
            return
        caller = _caller(self.caller_arn, region)
        for permission in needed:
            wanted = dataclasses.replace(permission, context={**caller.context, **permission.context})
            reason = _objection(caller, wanted, region)
            self.findings.append({"action": wanted.action, "resource": wanted.resource, "allowed": reason is None})
            if reason is not None:
                raise Denied(self.caller_arn, wanted, reason)


def _objection(caller: _Caller, wanted: Permission, region: str) -> str | None:
    """Why the permission is denied, or None.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html (the texts)
    """
    trust = _trust(caller, wanted, region) if wanted.action == "sts:AssumeRole" else Trust.ACCOUNT
    if trust is Trust.NONE:
        return ""
    for kind, documents in (("identity-based policy", caller.identity), ("permissions boundary", caller.boundary)):
        if documents is None:
            continue
        match decide(documents, wanted):
            case Decision.DENIED:
                return f"with an explicit deny in {'an' if kind[0] == 'i' else 'a'} {kind}"
            case Decision.NOT_ALLOWED if trust is not Trust.CALLER:
                return f"because no {kind} allows the {wanted.action} action"
    return None


def _trust(caller: _Caller, wanted: Permission, region: str) -> Trust:
    """A missing role trusts nobody."""
    for role in partitions.iam(region).roles.values():
        if role.arn == wanted.resource:
            return judge(role.assume_role_policy_document, ACCOUNT, caller.arns, wanted.context)
    return Trust.NONE


def _caller(arn: str, region: str) -> _Caller:
    """The documents on the caller's role or user, its boundary's, and the condition keys that are its own.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    backend = partitions.iam(region)
    kind, _, rest = arn.split(":", 5)[5].partition("/")
    if kind == "assumed-role":
        holder = next((role for role in backend.roles.values() if role.name == rest.partition("/")[0]), None)
        bound = holder.permissions_boundary_arn if holder else None
    else:
        holder = backend.users.get(rest.rpartition("/")[2])
        bound = None
    if holder is None:
        # A session whose role is gone has nothing left.
        return _Caller((arn,), [], None, {})
    context = {"aws:principalarn": (holder.arn,), "aws:principalaccount": (ACCOUNT,), "aws:requestedregion": (region,)}
    boundary = [_document(backend.managed_policies[bound])] if bound else None
    return _Caller((arn, holder.arn), list(_documents(holder)), boundary, context)


def _documents(holder: Any) -> Iterator[str]:
    inline = holder.policies
    yield from inline.values() if isinstance(inline, dict) else (each["policy_document"] for each in inline)
    yield from (_document(policy) for policy in holder.managed_policies.values())


def _document(policy: Any) -> str:
    return str(next(each.document for each in policy.versions if each.version_id == policy.default_version_id))
