# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdicts of policy documents, after IAM's evaluation logic."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.aws.iam.policy import Context, Decision, Permission, UnknownOperator, decide

CLUSTER = "arn:aws:eks:us-west-2:123456789012:cluster/petstore"


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "eks:DescribeCluster", "Resource": "*", **elements}


def decided(*statements: dict[str, Any], context: Context | None = None) -> Decision:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return decide([document], Permission("eks:DescribeCluster", CLUSTER, context or {}))


def without(element: str, **elements: Any) -> dict[str, Any]:
    return {name: value for name, value in statement(**elements).items() if name != element}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], Decision.NOT_ALLOWED),
        ([statement()], Decision.ALLOWED),
        ([statement(), statement("Deny")], Decision.DENIED),
        ([statement("Deny"), statement()], Decision.DENIED),
        ([statement(Action=["ec2:*", "eks:Describe*"])], Decision.ALLOWED),
        ([statement(Action="EKS:describecluster")], Decision.ALLOWED),
        ([statement(Action="eks:DescribeClusters")], Decision.NOT_ALLOWED),
        ([statement(Action="eks:DescribeCluste?")], Decision.ALLOWED),
        ([statement(Resource=CLUSTER)], Decision.ALLOWED),
        ([statement(Resource=CLUSTER.upper())], Decision.NOT_ALLOWED),
        ([statement(Resource=f"{CLUSTER}-2")], Decision.NOT_ALLOWED),
        ([statement(Resource="arn:aws:eks:*:*:cluster/pet*")], Decision.ALLOWED),
        ([without("Action", NotAction="eks:*")], Decision.NOT_ALLOWED),
        ([without("Action", NotAction="iam:*")], Decision.ALLOWED),
        ([without("Resource", NotResource=CLUSTER)], Decision.NOT_ALLOWED),
        ([without("Resource", NotResource=f"{CLUSTER}-2")], Decision.ALLOWED),
    ],
)
def test_effect_action_and_resource(given: list[dict[str, Any]], expected: Decision) -> None:
    assert decided(*given) is expected


@pytest.mark.parametrize(
    ("operator", "values", "given", "holds"),
    [
        ("StringEquals", "infra", ("infra",), True),
        ("StringEquals", ["k8s", "infra"], ("infra",), True),
        ("StringEquals", "Infra", ("infra",), False),
        ("StringEquals", "inf*", ("infra",), False),
        ("StringEquals", "infra", None, False),
        ("StringEqualsIfExists", "infra", None, True),
        ("StringEqualsIfExists", "infra", ("k8s",), False),
        ("StringNotEquals", "infra", ("k8s",), True),
        ("StringNotEquals", ["k8s", "infra"], ("k8s",), False),
        ("StringNotEquals", "infra", None, True),
        ("StringLike", "inf*", ("infra",), True),
        ("StringNotLike", "inf*", ("infra",), False),
        ("StringEqualsIgnoreCase", "INFRA", ("infra",), True),
        ("ArnLike", "arn:aws:iam::aws:policy/AmazonEKS*", ("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",), True),
        ("ArnEquals", "arn:aws:iam::aws:policy/Other", ("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",), False),
        ("ArnNotEquals", "arn:aws:iam::1:role/infra", ("arn:aws:iam::1:role/k8s",), True),
        ("Bool", "false", ("false",), True),
        ("Bool", False, ("true",), False),
        ("Null", "true", None, True),
        ("Null", "true", ("infra",), False),
        ("Null", "false", ("infra",), True),
        ("ForAllValues:StringLike", ["a*", "b"], ("a1", "b"), True),
        ("ForAllValues:StringLike", ["a*"], ("a1", "b"), False),
        ("ForAllValues:StringLike", ["a*"], None, True),
        ("ForAnyValue:StringEquals", ["b"], ("a", "b"), True),
        ("ForAnyValue:StringEquals", ["b"], ("a",), False),
        ("ForAnyValue:StringEquals", ["b"], None, False),
        ("ForAnyValue:StringNotEquals", ["b"], None, False),
        ("ForAllValues:StringNotEquals", ["b"], None, True),
    ],
)
def test_conditions(operator: str, values: Any, given: tuple[str, ...] | None, holds: bool) -> None:
    context = {} if given is None else {"aws:requesttag/team": given}
    found = decided(statement(Condition={operator: {"aws:RequestTag/team": values}}), context=context)
    assert found is (Decision.ALLOWED if holds else Decision.NOT_ALLOWED)


def test_all_conditions_must_hold() -> None:
    condition = {"StringEquals": {"a:one": "1", "a:two": "2"}}
    assert decided(statement(Condition=condition), context={"a:one": ("1",), "a:two": ("2",)}) is Decision.ALLOWED
    assert decided(statement(Condition=condition), context={"a:one": ("1",)}) is Decision.NOT_ALLOWED


def test_policy_variables() -> None:
    mine = statement(Resource="arn:aws:eks:us-west-2:123456789012:cluster/${aws:PrincipalTag/eks:eks-cluster-name}")
    key = "aws:principaltag/eks:eks-cluster-name"
    assert decided(mine, context={key: ("petstore",)}) is Decision.ALLOWED
    assert decided(mine, context={key: ("other",)}) is Decision.NOT_ALLOWED
    # A value is no pattern, and a key missing from the request matches nothing.
    assert decided(mine, context={key: ("*",)}) is Decision.NOT_ALLOWED
    assert decided(mine) is Decision.NOT_ALLOWED


@pytest.mark.parametrize("operator", ["DateLessThan", "DateLessThanIfExists", "ForSomeValues:StringEquals"])
def test_an_operator_that_is_not_known_is_not_guessed(operator: str) -> None:
    with pytest.raises(UnknownOperator, match=operator):
        decided(statement(Condition={operator: {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}))


def test_several_documents_count_together() -> None:
    allow, deny = ({"Version": "2012-10-17", "Statement": statement(effect)} for effect in ("Allow", "Deny"))
    wanted = Permission("eks:DescribeCluster", CLUSTER)
    assert decide([json.dumps(allow)], wanted) is Decision.ALLOWED
    assert decide([json.dumps(allow), json.dumps(deny)], wanted) is Decision.DENIED
