# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each team has a role with its own policies and a trust that isn't open to anyone; afterwards nothing of it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

POLICIES = {
    "molecule-infra": {
        "molecule-infra-network",
        "molecule-infra-foundation",
        "molecule-infra-api",
        "molecule-infra-orphans",
    },
    "molecule-k8s": {"molecule-k8s-workload"},
}


@pytest.mark.parametrize("role", POLICIES)
def test_present(aws: Callable[[str], Any], role: str) -> None:
    iam = aws("iam")
    account = aws("sts").get_caller_identity()["Account"]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert {policy["PolicyName"] for policy in attached} == POLICIES[role]
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
    (statement,) = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    trusted = statement["Principal"]["AWS"]
    assert ([trusted] if isinstance(trusted, str) else trusted) == [f"arn:aws:iam::{account}:root"]


@pytest.mark.parametrize("role", POLICIES)
def test_absent(aws: Callable[[str], Any], role: str) -> None:
    iam = aws("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=role)
    pages = iam.get_paginator("list_policies").paginate(Scope="Local")
    left = {policy["PolicyName"] for page in pages for policy in page["Policies"]}
    assert left & POLICIES[role] == set()
