# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust policies: whom a role lets become it. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import enum
from typing import Any

from lab.aws.iam.policy import Context, as_list, conditions_hold, statements


class Trust(enum.Enum):
    """A trust policy's verdict on a caller of its own account."""

    NONE = "none"
    #: The account is trusted, so the caller's own policies decide.
    ACCOUNT = "account"
    #: The caller is named. That is enough, unless its own policies deny it.
    CALLER = "caller"


def judge(document: str, account: str, caller_arns: tuple[str, ...], context: Context) -> Trust:
    """``caller_arns`` are all that stand for the caller: the session's and its role's."""
    found = Trust.NONE
    for statement in statements(document):
        if not {"sts:AssumeRole", "sts:*", "*"} & set(as_list(statement["Action"])):
            continue
        trust = _of_principal(statement["Principal"], account, caller_arns)
        if trust is Trust.NONE or not conditions_hold(statement, context):
            continue
        if statement["Effect"] == "Deny":
            return Trust.NONE
        found = Trust.CALLER if Trust.CALLER in (found, trust) else trust
    return found


def _of_principal(principal: Any, account: str, caller_arns: tuple[str, ...]) -> Trust:
    named = as_list(principal) if isinstance(principal, str) else as_list(principal.get("AWS", []))
    if {"*", *caller_arns} & set(named):
        return Trust.CALLER
    if any(each == account or each.endswith(f":iam::{account}:root") for each in named):
        return Trust.ACCOUNT
    return Trust.NONE
