# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts on EKS's answers."""

from __future__ import annotations

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.waiters import (
    ROLE_PROPAGATION,
    judge_refusal,
    judge_status,
    judge_updates,
)


@pytest.mark.parametrize("status", ["CREATING", "PENDING", "UPDATING", "DELETING"])
@pytest.mark.parametrize("present", [True, False])
def test_what_passes_is_waited_for(status: str, present: bool) -> None:
    verdict = judge_status({"status": status}, present)
    assert verdict and (verdict.state, verdict.reason) == ("waiting", status)


@pytest.mark.parametrize("present", [True, False])
def test_an_active_or_missing_cluster_can_be_worked_on(present: bool) -> None:
    assert judge_status({"status": "ACTIVE"}, present) is None
    assert judge_status(None, present) is None


def test_a_failed_cluster_can_only_be_deleted() -> None:
    assert judge_status({"status": "FAILED"}, present=False) is None
    verdict = judge_status({"status": "FAILED"}, present=True)
    assert verdict and verdict.state == "failed" and verdict.owner == "infra"
    assert "AWS gives no health issue" in verdict.message


def test_health_issues_are_reported_in_full() -> None:
    issues = [
        {"code": "VpcNotFound", "message": "No VPC."},
        {"code": "Other", "message": "x", "resourceIds": ["a", "b"]},
    ]
    verdict = judge_status({"status": "FAILED", "health": {"issues": issues}}, present=True)
    assert verdict and verdict.message.endswith("VpcNotFound: No VPC.; Other: x a b")


def test_any_update_in_progress_is_waited_for() -> None:
    updates = [
        {"id": "1", "type": "LoggingUpdate", "status": "Successful"},
        {"id": "2", "type": "VersionUpdate", "status": "InProgress"},
    ]
    verdict = judge_updates(updates, ours=set())
    assert verdict and (verdict.state, verdict.reason) == ("waiting", "VersionUpdate")


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_only_our_failed_updates_end_the_wait(status: str) -> None:
    update = {"id": "1", "type": "LoggingUpdate", "status": status}
    assert judge_updates([update], ours={"2"}) is None
    verdict = judge_updates([update], ours={"1"})
    assert verdict and verdict.state == "failed"
    assert verdict.message == f"Update LoggingUpdate 1 is {status}: AWS gives no error."


def test_our_successful_update_is_nothing_in_the_way() -> None:
    assert judge_updates([{"id": "1", "type": "LoggingUpdate", "status": "Successful"}], ours={"1"}) is None
    assert judge_updates([], ours=set()) is None


BUSY = "Cannot LoggingUpdate because cluster petstore currently has update 1 in progress"
ROLE = (
    "Role with arn: arn:aws:iam::123456789012:role/petstore-cluster, could not be assumed because it does not exist or the trusted "
    "entity is not correct"
)
# One names its role in words that aren't known; one has known words, and names none.
NODE = "nodeRoleArn petstore-node is not valid"
POLICIES = (
    "The provided role doesn't have the Amazon EKS Managed Policies associated with it. Please ensure the policies"
)
ROLES = ["arn:aws:iam::123456789012:role/petstore-cluster", "arn:aws:iam::123456789012:role/path/petstore-node"]


@pytest.mark.parametrize(
    ("code", "message", "creating", "roles", "seconds", "waits"),
    [
        ("ResourceInUseException", BUSY, False, [], 0, True),
        ("ResourceInUseException", BUSY, False, [], 10_000, True),
        ("ResourceInUseException", "Cluster has nodegroups attached", False, [], 0, False),
        ("ResourceInUseException", "Cluster already exists with name: petstore", True, ROLES, 0, True),
        ("InvalidParameterException", ROLE, True, ROLES, 0, True),
        ("InvalidParameterException", NODE, True, ROLES, 0, True),
        ("InvalidParameterException", NODE, False, ROLES, 119, True),
        ("InvalidParameterException", NODE, True, ROLES, ROLE_PROPAGATION, False),
        ("InvalidParameterException", POLICIES, True, ROLES, 0, True),
        ("InvalidParameterException", POLICIES, False, [], 0, False),
        ("InvalidParameterException", ROLE, False, [], 0, False),
        ("InvalidParameterException", "The subnet ID 'subnet-a' does not exist", True, ROLES, 0, False),
        ("AccessDeniedException", "no role x", True, ROLES, 0, False),
        ("", "", False, [], 0, False),
    ],
)
def test_refusals(code: str, message: str, creating: bool, roles: list[str], seconds: float, waits: bool) -> None:
    verdict = judge_refusal(code, message, creating=creating, roles=roles, seconds=seconds)
    assert (verdict is not None) == waits
    if verdict:
        assert verdict.state == "waiting" and message in verdict.message
