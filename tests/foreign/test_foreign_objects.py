# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Foreign resources in the account are never changed or deleted, even under our names.

Where AWS lets two have the same name, ours and the foreign one live side by side, from site.yml to teardown.yml. Where
it doesn't, a run ends before its first change, and says whose turn it is.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.foreign import foreign_objects
from tests.foreign.foreign_objects import Described, play
from tests.integration.conftest import Lab
from tests.running_lab import K8S_ROLE

FOUNDATION = "playbooks/infra/foundation.yml"
REMOVE_FOUNDATION = "playbooks/infra/remove_foundation.yml"
API = "playbooks/infra/api.yml"
TEARDOWN = "playbooks/teardown.yml"

NAT_GATEWAY = {"vpc_tagging_nat_gateway": True}
#: As the inventory is after a replacement.
REPLACED = {**NAT_GATEWAY, "seam_service": "vpclink2", "seam_next_service": "vpclink"}
LINKS_V2 = {**REPLACED, "apigw_vpclink_version": 2}


@pytest.fixture(scope="module")
def beside(lab: Lab) -> Described:
    """The account as it is before the first playbook."""
    foreign_objects.make_beside(lab)
    return foreign_objects.describe(lab)


#: From an empty account to an empty account. Each is run in the order of this list.
LIFE: dict[str, tuple[str, dict[str, Any]]] = {
    "site": ("site.yml", NAT_GATEWAY),
    "a second run": ("site.yml", NAT_GATEWAY),
    "drift": ("playbooks/drift.yml", NAT_GATEWAY),
    "replace": ("playbooks/replace_nlb.yml", NAT_GATEWAY),
    "from links V1 to V2": (API, LINKS_V2),
    "orphans": ("playbooks/orphans.yml", LINKS_V2),
    "teardown": (TEARDOWN, LINKS_V2),
}


@pytest.mark.parametrize(("playbook", "variables"), LIFE.values(), ids=LIFE)
def test_what_stands_beside_ours_stays_as_it_is(
    playbook: str, variables: dict[str, Any], lab: Lab, beside: Described
) -> None:
    run = play(lab, playbook, variables)
    assert run.returncode == 0, run.output
    assert foreign_objects.changes(beside, foreign_objects.describe(lab)) == {}


def test_nothing_else_is_left(lab: Lab, beside: Described) -> None:
    assert foreign_objects.describe(lab) == beside


def refused(lab: Lab, playbook: str, variables: dict[str, Any], *says: str) -> None:
    """The run ends with these words before it changes anything, foreign or not."""
    calls, before = lab.mutating_calls(), foreign_objects.describe(lab)
    run = play(lab, playbook, variables)
    assert run.returncode != 0, run.output
    words = " ".join(run.output.split())
    assert all(each in words for each in says), run.output
    assert lab.mutating_calls() == calls
    assert foreign_objects.describe(lab) == before


@pytest.mark.parametrize("kind", ["load balancers", "links", "links V2", "security groups"])
def test_what_is_not_ours_is_not_deleted_as_an_orphan(kind: str, lab: Lab, beside: Described) -> None:
    named = {"orphans_delete": sorted(beside[kind])[:1]}
    refused(lab, "playbooks/orphans.yml", named, named["orphans_delete"][0], "is not ours: it lacks the tags")


@pytest.mark.parametrize("name", ["petstore-cluster", "petstore-node"])
def test_an_iam_role_of_our_name_is_refused_and_stays(name: str, lab: Lab) -> None:
    iam = lab.client("iam")
    lab.role(name, "ec2.amazonaws.com")
    said = f"IAM role {name}: it was not made for cluster petstore, so it is not changed. Owner: infra"
    refused(lab, FOUNDATION, {}, said, "eks_auto_cluster_role_name", "playbooks/adopt.yml")
    before = foreign_objects.describe(lab)
    run = play(lab, REMOVE_FOUNDATION, {})
    assert run.returncode == 0, run.output
    assert foreign_objects.describe(lab) == before
    iam.delete_role(RoleName=name)


def test_a_security_group_of_our_name_is_refused_and_stays(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=lab.subnets()[:1])["Subnets"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="petstore-vpc-link", Description="The shop's", VpcId=vpc)["GroupId"]
    before = foreign_objects.describe(lab)
    run = play(lab, FOUNDATION, LINKS_V2)
    assert run.returncode != 0, run.output
    words = " ".join(run.output.split())
    assert f"Security group {group} (petstore-vpc-link) was not made for the REST API petstore" in words, run.output
    assert foreign_objects.changes(before, foreign_objects.describe(lab)) == {}
    removed = play(lab, TEARDOWN, LINKS_V2)
    assert removed.returncode == 0, removed.output
    assert foreign_objects.describe(lab) == before


def test_a_cluster_of_our_name_is_not_deleted(lab: Lab) -> None:
    lab.create_cluster("petstore")
    said = "EKS cluster petstore was not made here: it doesn't have the tag seam.eks_auto/cluster=petstore"
    for playbook in (TEARDOWN, REMOVE_FOUNDATION):
        refused(lab, playbook, {}, said, "Owner: infra", "playbooks/adopt.yml")


def test_an_access_entry_of_our_principal_is_refused_and_stays(lab: Lab) -> None:
    """Of the cluster that is there since the test before."""
    lab.client("eks").create_access_entry(clusterName="petstore", principalArn=K8S_ROLE, kubernetesGroups=["shop"])
    said = f"The access entry of {K8S_ROLE} in EKS cluster petstore was not made here"
    refused(lab, FOUNDATION, {}, said, "Owner: infra", "playbooks/adopt.yml")
