# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eks_cluster, run as Ansible runs it, against a fake EKS: changes, waits, refusals and results."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.seam.eks_auto.plugins.modules import eks_cluster
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_eks import (
    CLUSTER_ROLE,
    NODE_ROLE,
    PACE,
    FakeEks,
    Refusal,
    Runner,
    auto_mode,
    make_cluster,
)
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import (
    NAME,
    TAGS,
    FakeElb,
    client_error,
    load_balancer,
)
from botocore.exceptions import ConnectionClosedError

NEW: dict[str, t.Any] = {
    "name": "petstore",
    "version": "1.36",
    "role_arn": CLUSTER_ROLE,
    "auto_mode": True,
    "node_pools": ["system", "general-purpose"],
    "node_role_arn": NODE_ROLE,
    "subnet_ids": ["subnet-b", "subnet-a"],
    "tags": {"team": "infra"},
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(eks_cluster, monkeypatch, capsys)


def actions(result: dict[str, t.Any], key: str = "actions") -> list[str]:
    return [step["action"] for step in result[key]]


def operations(eks: FakeEks) -> list[str]:
    return [operation for operation, _ in eks.mutations]


# Creating


def test_creates_with_auto_mode_and_waits_until_active(run: Runner) -> None:
    eks = FakeEks()
    result = run(eks, **NEW)
    assert result["changed"] and actions(result) == ["CreateCluster"]
    assert result["cluster"]["status"] == "ACTIVE"
    assert [entry["reason"] for entry in result["timeline"]] == ["CreateCluster", "CREATING", "Settled"]
    [(operation, request)] = eks.mutations
    assert operation == "CreateCluster"
    assert request == {
        "name": "petstore",
        "version": "1.36",
        "roleArn": CLUSTER_ROLE,
        "resourcesVpcConfig": {"subnetIds": ["subnet-a", "subnet-b"]},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "computeConfig": {"enabled": True, "nodePools": ["general-purpose", "system"], "nodeRoleArn": NODE_ROLE},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
        "storageConfig": {"blockStorage": {"enabled": True}},
        "bootstrapSelfManagedAddons": False,
        "tags": {"team": "infra"},
    }


def test_second_run_only_looks_at_the_cluster(run: Runner) -> None:
    eks = FakeEks()
    run(eks, **NEW)
    eks.calls.clear()
    result = run(eks, **NEW)
    assert not result["changed"] and result["actions"] == []
    assert {operation for operation, _ in eks.calls} == {"DescribeCluster"}


@pytest.mark.parametrize("present", [False, True])
def test_check_mode_predicts_the_changes_and_makes_no_changing_call(run: Runner, present: bool) -> None:
    eks = FakeEks(make_cluster() if present else None)
    predicted = run(eks, check=True, **NEW)
    assert eks.mutations == []
    applied = run(eks, **NEW)
    assert predicted["changed"] and applied["changed"]
    assert predicted["actions"] == applied["actions"]
    assert predicted["diff"] == applied["diff"]


def test_diff_shows_only_what_changes(run: Runner) -> None:
    eks = FakeEks(make_cluster(tags={"team": "old", "keep": "1"}))
    result = run(eks, check=True, name="petstore", zonal_shift=True, tags={"team": "infra"}, purge_tags=False)
    before, after = result["diff"]["before"], result["diff"]["after"]
    assert {key: after[key] for key in after if after[key] != before[key]} == {
        "zonal_shift": True,
        "tags": {"team": "infra", "keep": "1"},
    }


def test_waits_out_a_cluster_that_is_just_being_deleted_then_creates(run: Runner) -> None:
    eks = FakeEks(make_cluster(status="DELETING"))
    eks.later(PACE, lambda: setattr(eks, "cluster", None))
    result = run(eks, **NEW)
    assert operations(eks) == ["CreateCluster"]
    assert result["cluster"]["status"] == "ACTIVE"


def test_waits_for_a_cluster_that_an_earlier_run_began(run: Runner) -> None:
    eks = FakeEks()
    run(eks, **NEW, wait=False)
    result = run(eks, **NEW)
    assert not result["changed"] and result["cluster"]["status"] == "ACTIVE"
    assert operations(eks) == ["CreateCluster"]


def test_a_cluster_that_somebody_made_since_we_looked_is_converged(run: Runner) -> None:
    eks = FakeEks()
    eks.first["CreateCluster"] = [lambda: setattr(eks, "cluster", make_cluster(version="1.35"))]
    result = run(eks, **{**NEW, "auto_mode": None, "node_pools": None, "node_role_arn": None, "tags": None})
    assert actions(result) == ["VersionUpdate"]
    assert result["cluster"]["version"] == "1.36"


def test_a_role_that_is_only_just_made_is_waited_for(run: Runner) -> None:
    eks = FakeEks()
    refusal = Refusal("InvalidParameterException", f"roleArn, {CLUSTER_ROLE}, does not exist")
    eks.first["CreateCluster"] = [refusal, refusal]
    result = run(eks, **NEW)
    assert result["cluster"]["status"] == "ACTIVE" and actions(result) == ["CreateCluster"]


def test_a_role_that_stays_wrong_ends_in_aws_own_words(run: Runner) -> None:
    eks = FakeEks()
    message = "Role could not be assumed because the trusted entity is not correct"
    eks.first["CreateCluster"] = [Refusal("InvalidParameterException", message)] * 100
    result = run(eks, **NEW)
    assert result["failed"] and message in result["msg"]
    assert 120 <= eks.clock.now < 180


def test_a_cluster_that_fails_ends_the_wait_at_once_with_its_health_issues(run: Runner) -> None:
    eks = FakeEks()
    issue = {"code": "Ec2SubnetNotFound", "message": "The subnet is gone.", "resourceIds": ["subnet-a"]}
    eks.later(PACE / 2, lambda: eks._set_cluster(status="FAILED", health={"issues": [issue]}))
    result = run(eks, **NEW)
    assert result["failed"] and result["changed"] and actions(result) == ["CreateCluster"]
    assert "Ec2SubnetNotFound: The subnet is gone. subnet-a" in result["msg"]
    assert "Owner: infra" in result["msg"]
    assert eks.clock.now < PACE


@pytest.mark.parametrize("check", [False, True])
def test_a_failed_cluster_is_refused(run: Runner, check: bool) -> None:
    eks = FakeEks(make_cluster(status="FAILED"))
    result = run(eks, check=check, **NEW)
    assert result["failed"] and "FAILED" in result["msg"] and "state: absent" in result["msg"]
    assert eks.mutations == []


def test_a_full_quota_is_told_apart_from_throttling(run: Runner) -> None:
    eks = FakeEks()
    eks.first["CreateCluster"] = [Refusal("ResourceLimitExceededException", "Limit exceeded: 100 clusters.")]
    result = run(eks, **NEW)
    assert result["failed"] and "the quota of EKS clusters in this region (100 unless raised) is full" in result["msg"]
    assert "Limit exceeded: 100 clusters." in result["msg"]
    assert operations(eks) == ["CreateCluster"]


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException", "ServerException"])
def test_throttling_and_stumbles_are_retried(run: Runner, code: str) -> None:
    eks = FakeEks(make_cluster())
    eks.first["DescribeCluster"] = [Refusal(code, "later")] * 3
    assert not run(eks, name="petstore")["failed"]


# Updating


def test_switches_auto_mode_on_an_existing_cluster(run: Runner) -> None:
    eks = FakeEks(make_cluster(accessConfig={"authenticationMode": "CONFIG_MAP"}))
    result = run(eks, name="petstore", auto_mode=True, node_pools=["system"], node_role_arn=NODE_ROLE)
    assert [request for _, request in eks.mutations] == [
        {"name": "petstore", "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}},
        {
            "name": "petstore",
            "computeConfig": {"enabled": True, "nodePools": ["system"], "nodeRoleArn": NODE_ROLE},
            "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
            "storageConfig": {"blockStorage": {"enabled": True}},
        },
    ]
    assert result["cluster"]["compute_config"]["enabled"]


def test_upgrades_one_minor_version_after_the_other(run: Runner) -> None:
    eks = FakeEks(make_cluster(version="1.34"))
    result = run(eks, name="petstore", version="1.37")
    assert [request["version"] for _, request in eks.mutations] == ["1.35", "1.36", "1.37"]
    assert result["cluster"]["version"] == "1.37"
    begun = [entry["message"] for entry in result["timeline"] if "has begun" in entry["message"]]
    assert begun == [
        "VersionUpdate has begun, 2 more to follow.",
        "VersionUpdate has begun, 1 more to follow.",
        "VersionUpdate has begun.",
    ]


def test_each_update_waits_for_the_one_before(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    run(eks, name="petstore", zonal_shift=True, deletion_protection=True, logging=["api"], upgrade_policy="STANDARD")
    assert operations(eks) == ["UpdateClusterConfig"] * 4
    assert all(update["status"] == "Successful" for update in eks.updates.values())
    assert eks.clock.now >= 4 * PACE


def test_somebody_elses_update_is_waited_out_first(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.start_update("VersionUpdate", lambda: eks._set_cluster(version="1.35"))
    result = run(eks, name="petstore", zonal_shift=True)
    assert actions(result) == ["ZonalShiftConfigUpdate"]
    assert result["timeline"][0]["message"] == "Update VersionUpdate update-1 is in progress."


def test_an_update_that_begins_between_look_and_call_is_waited_out(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["UpdateClusterConfig"] = [lambda: eks.start_update("LoggingUpdate", lambda: None)]
    result = run(eks, name="petstore", zonal_shift=True)
    assert actions(result) == ["ZonalShiftConfigUpdate"] and result["cluster"]["zonal_shift_config"]["enabled"]
    assert "currently has update update-1 in progress" in result["timeline"][0]["message"]


def test_what_somebody_else_has_done_meanwhile_is_not_done_again(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.start_update("ZonalShiftConfigUpdate", lambda: eks._set_cluster(zonalShiftConfig={"enabled": True}))
    result = run(eks, name="petstore", zonal_shift=True)
    assert not result["changed"] and eks.mutations == []


def test_a_failed_update_ends_in_aws_own_errors(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    error = {"errorCode": "SubnetNotFound", "errorMessage": "It is gone.", "resourceIds": ["subnet-a"]}

    def fail() -> None:
        update = eks.updates["update-1"]
        update.update(status="Failed", errors=[error])

    eks.later(PACE / 2, fail)
    result = run(eks, name="petstore", zonal_shift=True, logging=["api"])
    assert result["failed"] and "SubnetNotFound: It is gone. subnet-a" in result["msg"]
    assert operations(eks) == ["UpdateClusterConfig"]


def test_failed_updates_of_the_past_do_not_matter(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.start_update("LoggingUpdate", lambda: None)["status"] = "Failed"
    assert run(eks, name="petstore", zonal_shift=True)["changed"]


def test_one_deadline_for_everything(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    result = run(eks, name="petstore", version="1.37", wait_timeout=int(1.5 * PACE))
    assert result["failed"] and "Timed out after 90 s" in result["msg"]
    assert "VersionUpdate update-2 is in progress" in result["msg"]
    assert actions(result) == ["VersionUpdate", "VersionUpdate"]


def test_a_change_that_aws_does_not_show_yet_is_not_made_twice(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["TagResource"] = [lambda: eks.later(PACE, lambda: eks._set_cluster(tags={"team": "infra"}))]
    run.monkeypatch.setattr(eks, "_TagResource", lambda _params: None)
    result = run(eks, name="petstore", tags={"team": "infra"})
    assert operations(eks) == ["TagResource"]
    assert "does not show it yet" in result["timeline"][1]["message"]


def test_tags_are_set_and_purged_but_never_those_of_aws(run: Runner) -> None:
    eks = FakeEks(make_cluster(tags={"team": "old", "gone": "1", "aws:managed": "x"}))
    result = run(eks, name="petstore", tags={"team": "infra", "count": 1})
    assert result["cluster"]["tags"] == {"team": "infra", "count": "1", "aws:managed": "x"}
    assert operations(eks) == ["TagResource", "UntagResource"]


def test_the_same_update_gets_the_same_token_until_history_moves_on(run: Runner) -> None:
    def tokens(*switches: bool) -> list[str]:
        eks = FakeEks(make_cluster())
        for switch in switches:
            run(eks, name="petstore", zonal_shift=switch)
        return [params["clientRequestToken"] for operation, params in eks.calls if operation == "UpdateClusterConfig"]

    first = tokens(True)
    assert first == tokens(True)
    assert len(set(tokens(True, False, True))) == 3


def test_a_version_that_aws_refuses_ends_in_aws_own_words_and_is_no_change(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["UpdateClusterVersion"] = [Refusal("InvalidParameterException", "unsupported Kubernetes version 1.35")]
    result = run(eks, name="petstore", version="1.35")
    assert not result["changed"] and actions(result) == []
    assert result["failed"] and "unsupported Kubernetes version 1.35" in result["msg"]
    assert result["error"]["code"] == "InvalidParameterException"


def lose(eks: FakeEks) -> None:
    """Begin the update, and let its answer be lost."""
    eks.start_update("ZonalShiftConfigUpdate", lambda: eks._set_cluster(zonalShiftConfig={"enabled": True}))
    raise ConnectionClosedError(endpoint_url="https://eks.example")


def test_a_lost_answer_lets_it_look_again(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["UpdateClusterConfig"] = [lambda: lose(eks)]
    result = run(eks, name="petstore", zonal_shift=True)
    assert result["changed"] and actions(result) == ["ZonalShiftConfigUpdate"]
    assert operations(eks) == ["UpdateClusterConfig"] and result["cluster"]["zonal_shift_config"]["enabled"]


def test_the_deadline_stays_when_it_begins_again(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["UpdateClusterConfig"] = [lambda: None, lambda: lose(eks)]
    result = run(eks, name="petstore", logging=["api"], zonal_shift=True, wait_timeout=int(1.5 * PACE))
    assert result["failed"] and "ZonalShiftConfigUpdate update-2 is in progress" in result["msg"]
    assert actions(result) == ["LoggingUpdate", "ZonalShiftConfigUpdate"]
    assert eks.clock.now == 1.5 * PACE


# Without waiting


def test_without_waiting_only_the_first_update_is_started_and_the_rest_is_pending(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    result = run(eks, name="petstore", tags={"team": "infra"}, version="1.36", zonal_shift=True, wait=False)
    assert actions(result) == ["TagResource", "VersionUpdate"]
    assert actions(result, "pending") == ["VersionUpdate", "ZonalShiftConfigUpdate"]
    assert eks.clock.now == 0


def test_without_waiting_nothing_is_started_while_an_update_is_in_progress(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.start_update("VersionUpdate", lambda: None)
    result = run(eks, name="petstore", zonal_shift=True, wait=False)
    assert not result["changed"] and actions(result, "pending") == ["ZonalShiftConfigUpdate"]


def test_without_waiting_a_new_cluster_is_returned_as_it_begins(run: Runner) -> None:
    result = run(FakeEks(), **NEW, wait=False)
    assert result["cluster"]["status"] == "CREATING" and result["pending"] == []


# Deleting


# Whose it is

OWNERSHIP = {"seam.eks_auto/cluster": "petstore"}
OURS = {"tags": {**OWNERSHIP, "team": "infra"}}


def test_a_cluster_that_is_made_gets_the_ownership_tags(run: Runner) -> None:
    eks = FakeEks()
    run(eks, **NEW, ownership_tags=OWNERSHIP)
    assert eks.mutations[0][1]["tags"] == {"team": "infra", **OWNERSHIP}


def test_a_foreign_cluster_is_changed_and_stays_foreign(run: Runner) -> None:
    eks = FakeEks(make_cluster(tags={"team": "shop"}))
    result = run(eks, name="petstore", deletion_protection=True, ownership_tags=OWNERSHIP)
    assert operations(eks) == ["UpdateClusterConfig"]
    assert result["cluster"]["tags"] == {"team": "shop"}
    assert result["diff"]["after"]["tags"] == {"team": "shop"}


@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
def test_a_foreign_cluster_is_not_deleted(run: Runner, check: bool) -> None:
    eks = FakeEks(make_cluster(tags={"seam.eks_auto/cluster": "another"}))
    result = run(eks, check=check, name="petstore", state="absent", ownership_tags=OWNERSHIP, allow_load_balancers=True)
    assert result["failed"] and "it doesn't have the tag seam.eks_auto/cluster=petstore" in result["msg"]
    assert operations(eks) == []


def test_our_cluster_is_deleted(run: Runner) -> None:
    eks = FakeEks(make_cluster(**OURS))
    run(eks, name="petstore", state="absent", ownership_tags=OWNERSHIP)
    assert operations(eks) == ["DeleteCluster"]


def test_deletes_and_waits_until_it_is_gone(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    result = run(eks, name="petstore", state="absent")
    assert result["changed"] and actions(result) == ["DeleteCluster"]
    assert result["cluster"] == {} and eks.cluster is None
    assert result["diff"]["after"] == {}


def test_deleting_what_is_not_there_changes_nothing(run: Runner) -> None:
    eks = FakeEks()
    assert not run(eks, name="petstore", state="absent")["changed"]
    assert eks.mutations == []


def test_deleting_waits_for_a_deletion_that_has_begun(run: Runner) -> None:
    eks = FakeEks(make_cluster(status="DELETING"))
    eks.later(PACE, lambda: setattr(eks, "cluster", None))
    result = run(eks, name="petstore", state="absent")
    assert not result["changed"] and eks.clock.now >= PACE


def test_deleting_waits_out_an_update_in_progress(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.start_update("VersionUpdate", lambda: None)
    run(eks, name="petstore", state="absent")
    assert eks.cluster is None and eks.clock.now >= 2 * PACE


@pytest.mark.parametrize("check", [False, True])
def test_a_protected_cluster_is_not_deleted(run: Runner, check: bool) -> None:
    eks = FakeEks(make_cluster(deletionProtection=True))
    result = run(eks, check=check, name="petstore", state="absent")
    assert result["failed"] and "deletion_protection: false" in result["msg"]
    assert eks.mutations == []


@pytest.mark.parametrize("check", [False, True])
def test_a_cluster_with_load_balancers_of_auto_mode_is_not_deleted(run: Runner, check: bool) -> None:
    eks = FakeEks(make_cluster())
    eks.elb = FakeElb.healthy()
    ingress = {"eks:eks-cluster-name": "petstore", "ingress.eks.amazonaws.com/stack": "shop/front"}
    eks.elb.add(load_balancer(2, Type="application", LoadBalancerName="k8s-shop-front"), ingress)
    eks.elb.add(load_balancer(3, LoadBalancerName="another"), {**TAGS, "eks:eks-cluster-name": "another"})
    result = run(eks, check=check, name="petstore", state="absent")
    assert result["failed"] and eks.mutations == []
    for words in (f"{NAME} (Service petstore/vpclink), k8s-shop-front (Ingress shop/front).", "Owner: k8s"):
        assert words in result["msg"]


def test_it_is_deleted_all_the_same_when_asked_for(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.elb = FakeElb.healthy()
    run(eks, name="petstore", state="absent", allow_load_balancers=True)
    assert eks.cluster is None and eks.elb.calls == []


def test_the_load_balancers_of_a_cluster_that_is_gone_are_nobodys(run: Runner) -> None:
    eks = FakeEks()
    eks.elb = FakeElb.healthy()
    assert not run(eks, name="petstore", state="absent")["failed"]
    assert eks.elb.calls == []


def test_load_balancers_that_cannot_be_seen_are_one_clear_error(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.elb.errors["DescribeLoadBalancers"] = client_error("AccessDenied", 403)
    result = run(eks, name="petstore", state="absent")
    assert result["failed"] and result["msg"].startswith("Failed to describe load balancers: ")
    assert eks.mutations == []


def test_a_creation_in_progress_is_waited_out_before_deleting(run: Runner) -> None:
    eks = FakeEks()
    run(eks, **NEW, wait=False)
    run(eks, name="petstore", state="absent")
    assert eks.cluster is None and eks.clock.now >= 2 * PACE


def test_a_failed_cluster_is_deleted_even_if_protected(run: Runner) -> None:
    eks = FakeEks(make_cluster(status="FAILED", deletionProtection=True))
    assert run(eks, name="petstore", state="absent")["changed"]
    assert eks.cluster is None


def test_a_deletion_that_aws_refuses_for_good_ends_at_once(run: Runner) -> None:
    eks = FakeEks(make_cluster())
    eks.first["DeleteCluster"] = [Refusal("ResourceInUseException", "Cluster has nodegroups attached")]
    result = run(eks, name="petstore", state="absent")
    assert result["failed"] and "Cluster has nodegroups attached" in result["msg"]
    assert eks.clock.now == 0


# Refused before anything is changed


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"role_arn": f"{CLUSTER_ROLE}-2"}, "role_arn: can't be changed"),
        ({"node_role_arn": f"{NODE_ROLE}-2"}, "node_role_arn: can't be changed"),
        ({"version": "1.33"}, "version: the cluster has 1.34, and there is no downgrade to 1.33"),
        ({"authentication_mode": "API_AND_CONFIG_MAP"}, "authentication_mode: there is no way back"),
        ({"endpoint_public_access": False}, "endpoint_public_access and endpoint_private_access"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_what_an_existing_cluster_cannot_become(
    run: Runner, options: dict[str, t.Any], named: str, check: bool
) -> None:
    eks = FakeEks(make_cluster(**auto_mode(["system"])))
    result = run(eks, check=check, name="petstore", zonal_shift=True, **options)
    assert result["failed"] and named in result["msg"]
    assert eks.mutations == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"name": "-petstore"}, "name: '-petstore'"),
        ({"name": "p" * 101}, "name: 'ppp"),
        ({"name": "pet.store"}, "name: 'pet.store'"),
        ({"version": "1.36.0"}, "version: '1.36.0'"),
        ({"version": "1.3"}, "version: '1.3'"),
        ({"version": "v1.36"}, "version: 'v1.36'"),
        ({"role_arn": "petstore-cluster"}, "role_arn: 'petstore-cluster'"),
        ({"node_role_arn": "arn:aws:iam::1:role/x"}, "node_role_arn: 'arn:aws:iam::1:role/x'"),
        ({"node_pools": ["spot"]}, "node_pools"),
        ({"auto_mode": False}, "node_pools: built-in node pools exist in Auto Mode only"),
        ({"logging": ["scheduling"]}, "logging"),
        ({"subnet_ids": ["subnet-a"]}, "subnet_ids: EKS needs at least two"),
        ({"subnet_ids": ["subnet-a", "subnet-a"]}, "subnet_ids: EKS needs at least two"),
        ({"subnet_ids": ["vpc-a", "subnet-a"]}, "subnet_ids: 'vpc-a'"),
        ({"security_group_ids": ["sg-1", "default"]}, "security_group_ids: 'default'"),
        ({"security_group_ids": [f"sg-{n}" for n in range(6)]}, "security_group_ids: EKS takes at most five"),
        ({"public_access_cidrs": ["10.0.0.1/8"]}, "public_access_cidrs: '10.0.0.1/8'"),
        ({"public_access_cidrs": ["office"]}, "public_access_cidrs: 'office'"),
        ({"public_access_cidrs": ["10.0.0.0/8"]}, "public_access_cidrs: 10.0.0.0/8 is private or reserved"),
        ({"authentication_mode": "CONFIG_MAP"}, "authentication_mode"),
        ({"upgrade_policy": "NONE"}, "upgrade_policy"),
        ({"tags": {"aws:team": "x"}}, "tags: the prefix of 'aws:team'"),
        ({"wait_timeout": 0}, "wait_timeout: 0 is no time to wait"),
    ],
)
def test_bad_options_end_in_one_error_before_any_call(run: Runner, options: dict[str, t.Any], named: str) -> None:
    eks = FakeEks()
    result = run(eks, **{**NEW, **options})
    assert result["failed"] and named in result["msg"]
    assert eks.calls == []


@pytest.mark.parametrize("missing", ["role_arn", "subnet_ids"])
def test_a_new_cluster_needs_its_role_and_subnets(run: Runner, missing: str) -> None:
    eks = FakeEks()
    result = run(eks, **{**NEW, missing: None})
    assert result["failed"] and f"creating it needs {missing}" in result["msg"]
    assert eks.mutations == []


# Results


def test_results_are_snake_case_with_tags_as_they_are(run: Runner) -> None:
    eks = FakeEks(make_cluster(tags={"CostCenter": "A"}))
    cluster = run(eks, name="petstore")["cluster"]
    assert cluster["tags"] == {"CostCenter": "A"} and cluster["version"] == "1.34"
    assert cluster["resources_vpc_config"]["endpoint_public_access"] is True
    assert datetime.datetime.fromisoformat(cluster["created_at"]).year == 2026


def test_without_credentials_there_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: t.Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with patch_module_args({"name": "petstore", "region": "us-east-1"}), pytest.raises(SystemExit):
        eks_cluster.main()
    result = json.loads(capsys.readouterr().out)
    assert result["msg"] == "Failed to describe the EKS cluster: Unable to locate credentials"


# Upgrade insights


def insight(status: str, version: str | None = "1.35", **more: t.Any) -> dict[str, t.Any]:
    about = {"kubernetesVersion": version} if version else {}
    return {
        "id": f"insight-{status}-{version}",
        "name": f"Deprecated APIs removed in Kubernetes v{version}",
        "category": "UPGRADE_READINESS",
        "insightStatus": {"status": status, "reason": "Deprecated API usage detected."},
        **about,
        **more,
    }


FAILING = insight(
    "ERROR",
    recommendation="Update manifests and API clients.",
    resources=[{"kubernetesResourceUri": "/apis/policy/v1beta1/podsecuritypolicies"}, {"insightStatus": {}}],
)


@pytest.mark.parametrize("check", [True, False])
def test_a_failing_insight_stops_an_upgrade_with_its_own_text(run: Runner, check: bool) -> None:
    eks = FakeEks(make_cluster(version="1.34"))
    eks.insights = [FAILING]
    result = run(eks, check=check, name="petstore", version="1.35", tags={"team": "infra"})
    assert result["failed"] and result["msg"].startswith(
        "version: EKS's upgrade insights speak against Kubernetes 1.35. Deprecated APIs removed in Kubernetes v1.35 (ERROR): "
        "Deprecated API usage detected. Update manifests and API clients. "
        "Found at: /apis/policy/v1beta1/podsecuritypolicies\nOwner: "
    )
    assert eks.mutations == []


def test_unless_it_is_forced(run: Runner) -> None:
    eks = FakeEks(make_cluster(version="1.34"))
    eks.insights = [FAILING]
    assert not run(eks, name="petstore", version="1.35", force_upgrade=True)["failed"]
    assert eks.mutations == [("UpdateClusterVersion", {"name": "petstore", "version": "1.35", "force": True})]


def test_an_insight_about_a_later_version_stops_before_that_one(run: Runner) -> None:
    eks = FakeEks(make_cluster(version="1.34"))
    eks.insights = [insight("ERROR", "1.36")]
    result = run(eks, name="petstore", version="1.37")
    assert result["failed"] and "speak against Kubernetes 1.36" in result["msg"]
    assert [request["version"] for _, request in eks.mutations] == ["1.35"]


def test_other_insights_are_warnings(run: Runner) -> None:
    eks = FakeEks(make_cluster(version="1.34"))
    unnamed = {**insight("WARNING", None), "name": "Kubelet version skew", "insightStatus": {"status": "WARNING"}}
    eks.insights = [unnamed, insight("UNKNOWN", resources=[{"arn": "arn:a"}]), insight("WARNING", "1.36")]
    result = run(eks, name="petstore", version="1.35")
    assert not result["failed"]
    assert result["warnings"] == [
        "EKS's upgrade insights: Kubelet version skew (WARNING)",
        "EKS's upgrade insights: Deprecated APIs removed in Kubernetes v1.35 (UNKNOWN): Deprecated API usage detected. "
        "Found at: arn:a",
    ]


def test_without_an_upgrade_no_insight_is_read(run: Runner) -> None:
    eks = FakeEks(make_cluster(version="1.34"))
    eks.insights = [FAILING]
    assert not run(eks, name="petstore", version="1.34", tags={"team": "infra"})["failed"]
    assert not [operation for operation, _ in eks.calls if "Insight" in operation]
