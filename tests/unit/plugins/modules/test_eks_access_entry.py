# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eks_access_entry, run as Ansible runs it, against a fake EKS: changes, refusals and results."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.modules import eks_access_entry
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_eks import (
    ACCOUNT,
    FakeEks,
    Refusal,
    Runner,
    make_cluster,
    make_entry,
    policy_arn,
)

TEAM = f"arn:aws:iam::{ACCOUNT}:role/team"
OPTIONS: dict[str, t.Any] = {"cluster_name": "petstore", "principal_arn": TEAM}
EDIT = {"policy": "AmazonEKSEditPolicy", "scope": "namespace", "namespaces": ["orders", "carts"]}
VIEW = {"policy": "AmazonEKSViewPolicy"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(eks_access_entry, monkeypatch, capsys)


@pytest.fixture
def eks() -> FakeEks:
    """A cluster with an entry for the team, which may edit two namespaces and view the rest."""
    eks = FakeEks(make_cluster())
    eks.entries[TEAM] = make_entry(TEAM, kubernetesGroups=["orders"], tags={"team": "k8s"})
    eks.associations[TEAM] = {
        policy_arn("AmazonEKSEditPolicy"): {
            "policyArn": policy_arn("AmazonEKSEditPolicy"),
            "accessScope": {"type": "namespace", "namespaces": ["orders", "carts"]},
        },
        policy_arn("AmazonEKSViewPolicy"): {
            "policyArn": policy_arn("AmazonEKSViewPolicy"),
            "accessScope": {"type": "cluster", "namespaces": []},
        },
    }
    return eks


def actions(result: dict[str, t.Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_cluster_on_config_map_has_no_entries_yet(run: Runner, state: str) -> None:
    """eks_cluster changes its mode before the entries are made, and asking comes before that."""
    eks = FakeEks(make_cluster())
    mode = (
        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
    )
    eks.first["DescribeAccessEntry"] = [Refusal("InvalidRequestException", mode)]
    result = run(eks, **OPTIONS, state=state, check=True)
    assert not result["failed"]
    assert actions(result) == (["CreateAccessEntry"] if state == "present" else [])


def test_creates_an_entry_with_its_policies(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    result = run(
        eks, **OPTIONS, username="team", kubernetes_groups=["b", "a"], policies=[EDIT, VIEW], tags={"team": "k8s"}
    )
    assert actions(result) == ["CreateAccessEntry", "AssociateAccessPolicy", "AssociateAccessPolicy"]
    principal = {"clusterName": "petstore", "principalArn": TEAM}
    assert [request for _, request in eks.mutations] == [
        {**principal, "username": "team", "kubernetesGroups": ["a", "b"], "tags": {"team": "k8s"}},
        {
            **principal,
            "policyArn": policy_arn("AmazonEKSEditPolicy"),
            "accessScope": {"type": "namespace", "namespaces": ["carts", "orders"]},
        },
        {**principal, "policyArn": policy_arn("AmazonEKSViewPolicy"), "accessScope": {"type": "cluster"}},
    ]
    entry = result["access_entry"]
    assert entry["principal_arn"] == TEAM and entry["tags"] == {"team": "k8s"}
    assert [policy["policy_arn"] for policy in entry["policies"]] == [
        policy_arn("AmazonEKSEditPolicy"),
        policy_arn("AmazonEKSViewPolicy"),
    ]


def test_what_is_right_stays(run: Runner, eks: FakeEks) -> None:
    result = run(
        eks, **OPTIONS, type="STANDARD", kubernetes_groups=["orders"], policies=[VIEW, EDIT], tags={"team": "k8s"}
    )
    assert not result["changed"] and eks.mutations == []


def test_unset_options_leave_everything_as_it_is(run: Runner, eks: FakeEks) -> None:
    assert not run(eks, **OPTIONS)["changed"]
    assert "ListAccessPolicies" not in [operation for operation, _ in eks.calls]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"username": "lead"},
            [("UpdateAccessEntry", {"username": "lead", "kubernetesGroups": ["orders"]})],
        ),
        (
            {"kubernetes_groups": []},
            [("UpdateAccessEntry", {"username": "team:{{SessionName}}", "kubernetesGroups": []})],
        ),
        (
            {"policies": [{**EDIT, "namespaces": ["orders"]}, VIEW]},
            [
                (
                    "AssociateAccessPolicy",
                    {
                        "policyArn": policy_arn("AmazonEKSEditPolicy"),
                        "accessScope": {"type": "namespace", "namespaces": ["orders"]},
                    },
                )
            ],
        ),
        (
            {"policies": [{"policy": policy_arn("AmazonEKSClusterAdminPolicy")}, VIEW]},
            [
                (
                    "AssociateAccessPolicy",
                    {"policyArn": policy_arn("AmazonEKSClusterAdminPolicy"), "accessScope": {"type": "cluster"}},
                ),
                ("DisassociateAccessPolicy", {"policyArn": policy_arn("AmazonEKSEditPolicy")}),
            ],
        ),
        ({"policies": [VIEW], "purge_policies": False}, []),
        (
            {"policies": []},
            [
                ("DisassociateAccessPolicy", {"policyArn": policy_arn("AmazonEKSEditPolicy")}),
                ("DisassociateAccessPolicy", {"policyArn": policy_arn("AmazonEKSViewPolicy")}),
            ],
        ),
        (
            {"tags": {"owner": "k8s"}},
            [
                ("TagResource", {"tags": {"owner": "k8s"}}),
                ("UntagResource", {"tagKeys": ["team"]}),
            ],
        ),
        ({"tags": {}, "purge_tags": False}, []),
        ({"state": "absent"}, [("DeleteAccessEntry", {})]),
    ],
)
def test_converges_as_predicted(
    run: Runner, eks: FakeEks, options: dict[str, t.Any], expected: list[tuple[str, dict[str, t.Any]]]
) -> None:
    predicted = run(eks, check=True, **OPTIONS, **options)
    assert eks.mutations == []
    result = run(eks, **OPTIONS, **options)
    assert result["changed"] == predicted["changed"] == bool(expected)
    assert result["actions"] == predicted["actions"] and result["diff"] == predicted["diff"]
    target = {"clusterName", "principalArn", "resourceArn"}
    made = [
        (operation, {key: value for key, value in request.items() if key not in target})
        for operation, request in eks.mutations
    ]
    assert made == expected
    assert not run(eks, **OPTIONS, **options)["changed"]


def test_diff_shows_only_what_changes(run: Runner, eks: FakeEks) -> None:
    diff = run(eks, check=True, **OPTIONS, username="lead", policies=[VIEW], purge_policies=False)["diff"]
    changed = {key for key in diff["after"] if diff["after"][key] != diff["before"][key]}
    assert changed == {"username"}


def test_deleting_what_is_not_there_changes_nothing(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    result = run(eks, **OPTIONS, state="absent")
    assert not result["changed"] and result["access_entry"] == {}


def test_check_mode_predicts_for_a_cluster_that_is_still_to_be_made(run: Runner) -> None:
    eks = FakeEks()
    result = run(eks, check=True, **OPTIONS, policies=[VIEW])
    assert actions(result) == ["CreateAccessEntry", "AssociateAccessPolicy"] and result["access_entry"] == {}


def test_without_a_cluster_aws_says_so(run: Runner) -> None:
    result = run(FakeEks(), **OPTIONS)
    assert result["failed"] and "No cluster found for name: petstore." in result["msg"]
    assert result["actions"] == []


def test_an_entry_that_somebody_made_since_we_looked_is_converged(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["CreateAccessEntry"] = [lambda: eks.entries.update({TEAM: make_entry(TEAM)})]
    result = run(eks, **OPTIONS, kubernetes_groups=["orders"], policies=[VIEW])
    assert actions(result) == ["UpdateAccessEntry", "AssociateAccessPolicy"]
    assert result["access_entry"]["kubernetes_groups"] == ["orders"]
    # A pause of at most three seconds.
    assert 0 < eks.clock.now <= 3


def test_a_new_entry_that_is_not_seen_everywhere_yet_is_waited_for(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    missing = Refusal("ResourceNotFoundException", "The specified principalArn could not be found.")
    eks.first["AssociateAccessPolicy"] = [missing] * 3
    result = run(eks, **OPTIONS, policies=[VIEW])
    assert not result["failed"] and len(result["access_entry"]["policies"]) == 1


def test_changes_made_before_a_refusal_are_reported(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["AssociateAccessPolicy"] = [Refusal("InvalidRequestException", "not for this principal")]
    result = run(eks, **OPTIONS, policies=[VIEW])
    assert result["failed"] and result["changed"] and actions(result) == ["CreateAccessEntry"]
    assert "not for this principal" in result["msg"]


@pytest.mark.parametrize("check", [False, True])
def test_the_type_cannot_be_changed(run: Runner, eks: FakeEks, check: bool) -> None:
    result = run(eks, check=check, **OPTIONS, type="EC2", username="lead")
    assert (
        result["failed"] and "type: can't be changed on an existing access entry, where it is STANDARD" in result["msg"]
    )
    assert eks.mutations == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (
            {"principal_arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/team/anna"},
            f"assumed-role/team/anna is a session of a role. Give the role itself, arn:aws:iam::{ACCOUNT}:role/team",
        ),
        ({"principal_arn": "team"}, "principal_arn: 'team'"),
        ({"cluster_name": "pet.store"}, "cluster_name: 'pet.store'"),
        ({"type": "ROOT"}, "type"),
        ({"policies": [{"policy": "AmazonEKSEditPolicy", "scope": "namespace"}]}, "so it needs namespaces"),
        ({"policies": [{**VIEW, "namespaces": ["orders"]}]}, "so it takes no namespaces"),
        (
            {"policies": [VIEW, {"policy": policy_arn("AmazonEKSViewPolicy")}]},
            "AmazonEKSViewPolicy is listed more than once",
        ),
        ({"type": "EC2_LINUX", "policies": [VIEW]}, "type: an access entry of type EC2_LINUX takes neither"),
        (
            {"type": "EC2_WINDOWS", "kubernetes_groups": ["a"]},
            "type: an access entry of type EC2_WINDOWS takes neither",
        ),
        ({"tags": {"AWS:x": "y"}}, "tags: the prefix of 'AWS:x'"),
    ],
)
def test_bad_options_end_in_one_error_before_any_call(run: Runner, options: dict[str, t.Any], named: str) -> None:
    eks = FakeEks(make_cluster())
    result = run(eks, **{**OPTIONS, **options})
    assert result["failed"] and named in result["msg"]
    assert eks.calls == []


def test_an_unknown_policy_is_refused_with_those_there_are(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    result = run(eks, **OPTIONS, policies=[{"policy": "AmazonEKSGodPolicy"}])
    assert result["failed"] and eks.mutations == []
    assert "no access policy AmazonEKSGodPolicy" in result["msg"]
    assert "AmazonEKSClusterAdminPolicy, AmazonEKSEditPolicy, AmazonEKSViewPolicy" in result["msg"]


# Whose it is.

OWNERSHIP = {"seam.eks_auto/cluster": "petstore"}


def test_an_entry_that_is_made_gets_the_ownership_tags(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    run(eks, **OPTIONS, ownership_tags=OWNERSHIP)
    assert eks.mutations[0][1]["tags"] == OWNERSHIP


@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
@pytest.mark.parametrize(
    "asked", [{"policies": [VIEW]}, {"kubernetes_groups": []}, {"state": "absent"}, {"tags": {"team": "infra"}}]
)
def test_a_foreign_entry_is_not_changed(run: Runner, eks: FakeEks, asked: dict[str, t.Any], check: bool) -> None:
    result = run(eks, check=check, **OPTIONS, **asked, ownership_tags=OWNERSHIP)
    assert result["failed"] and "it doesn't have the tag seam.eks_auto/cluster=petstore" in result["msg"]
    assert eks.mutations == []


def test_a_foreign_entry_that_is_as_asked_stays_foreign(run: Runner, eks: FakeEks) -> None:
    result = run(eks, **OPTIONS, policies=[EDIT, VIEW], ownership_tags=OWNERSHIP)
    assert result["changed"] is False
    assert result["access_entry"]["tags"] == result["diff"]["after"]["tags"] == {"team": "k8s"}


def test_our_entry_is_changed(run: Runner, eks: FakeEks) -> None:
    eks.entries[TEAM]["tags"] |= OWNERSHIP
    result = run(eks, **OPTIONS, policies=[VIEW], ownership_tags=OWNERSHIP)
    assert actions(result) == ["DisassociateAccessPolicy"]


# EKS knows a role by its unique id, not by its ARN.


def test_an_entry_older_than_its_role_is_made_anew(run: Runner, eks: FakeEks) -> None:
    eks.iam.roles[TEAM] = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    eks.entries[TEAM]["tags"]["aws:cloudformation:stack-name"] = "team"
    before = run(eks, check=True, **OPTIONS)
    assert actions(before) == [
        "DeleteAccessEntry",
        "CreateAccessEntry",
        "AssociateAccessPolicy",
        "AssociateAccessPolicy",
    ]
    assert eks.mutations == []
    assert actions(run(eks, **OPTIONS)) == actions(before)
    # The new entry has everything that the old one had, except EKS's generated name and AWS's own tags.
    (create,) = (params for operation, params in eks.mutations if operation == "CreateAccessEntry")
    assert create == {
        "clusterName": "petstore",
        "principalArn": TEAM,
        "type": "STANDARD",
        "kubernetesGroups": ["orders"],
        "tags": {"team": "k8s"},
    }


@pytest.mark.parametrize(
    "roles",
    [
        {},
        {TEAM: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)},
        # The same second: IAM's times are no finer.
        {TEAM: datetime.datetime(2026, 1, 2, 0, 0, 0, 900, tzinfo=datetime.UTC)},
        # A role of that name, and another path.
        {f"arn:aws:iam::{ACCOUNT}:role/other/team": datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)},
    ],
    ids=["unseen", "older", "same second", "another"],
)
def test_any_other_entry_stays(run: Runner, eks: FakeEks, roles: dict[str, datetime.datetime]) -> None:
    eks.iam.roles.update(roles)
    assert run(eks, **OPTIONS)["changed"] is False


def test_the_entry_of_a_user_stays_and_iam_is_not_asked_for_a_role(run: Runner) -> None:
    user = f"arn:aws:iam::{ACCOUNT}:user/alice"
    eks = FakeEks(make_cluster())
    eks.entries[user] = make_entry(user)
    # A role of the same name, made after the entry.
    eks.iam.roles[f"arn:aws:iam::{ACCOUNT}:role/alice"] = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
    assert run(eks, cluster_name="petstore", principal_arn=user)["changed"] is False


def test_a_role_that_eks_does_not_see_yet_is_waited_for(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    unseen = Refusal("InvalidParameterException", "The specified principalArn is invalid: invalid principal.")
    eks.first["CreateAccessEntry"] = [unseen, unseen]
    assert actions(run(eks, **OPTIONS)) == ["CreateAccessEntry"]
    assert [operation for operation, _ in eks.mutations] == ["CreateAccessEntry"] * 3


def test_a_principal_that_never_is_there_ends_in_eks_words(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    unseen = Refusal("InvalidParameterException", "The specified principalArn is invalid: invalid principal.")
    eks.first["CreateAccessEntry"] = [unseen] * 20
    result = run(eks, **OPTIONS)
    assert result["failed"]
    assert "invalid principal" in result["msg"]
    assert len(eks.mutations) == 6
