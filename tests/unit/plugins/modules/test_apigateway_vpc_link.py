# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigateway_vpc_link: the plan's branches, and what main() does to AWS."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils import _wait
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import AnsibleApiGatewayError
from ansible_collections.seam.eks_auto.plugins.modules import apigateway_vpc_link as module
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import (
    FakeApiGateway,
    Item,
    Runner,
    refusal,
    told,
)

OWNER = {"seam": "petstore/petstore/vpclink"}
NLB, OTHER = "arn:nlb/1", "arn:nlb/2"
OPTIONS: Item = {"name": "petstore", "ownership_tags": OWNER, "target_arn": NLB}


def link(link_id: str = "l1", status: str = "AVAILABLE", target: str = NLB, **more: t.Any) -> Item:
    return {"id": link_id, "name": "petstore", "status": status, "targetArns": [target], "tags": dict(OWNER), **more}


def planned(*links: Item, **options: t.Any) -> list[str]:
    desired = {
        "state": "present",
        "name": "petstore",
        "description": None,
        "target_arn": NLB,
        "tags": OWNER,
        "purge_superseded": False,
    }
    return [str(step) for step in module.plan(list(links), {**desired, **options})]


@pytest.mark.parametrize(
    ("links", "options", "expected"),
    [
        ([], {}, ["CreateVpcLink petstore"]),
        ([link()], {}, []),
        ([link(status="PENDING")], {}, []),
        ([link(status="FAILED")], {}, ["DeleteVpcLink l1", "CreateVpcLink petstore"]),
        ([link(status="DELETING")], {}, ["CreateVpcLink petstore"]),
        ([link(target=OTHER)], {}, ["CreateVpcLink petstore"]),
        ([link(), link("l2", target=OTHER)], {}, []),
        ([link(), link("l2", target=OTHER)], {"purge_superseded": True}, ["DeleteVpcLink l2"]),
        ([link(), link("l2", "FAILED", OTHER)], {"purge_superseded": True}, ["DeleteVpcLink l2"]),
        ([link(), link("l2", "DELETING", OTHER)], {"purge_superseded": True}, []),
        ([link()], {"name": "pets", "description": "All pets"}, ["UpdateVpcLink l1"]),
        ([link()], {"tags": {**OWNER, "team": "infra"}}, ["TagResource /vpclinks/l1"]),
        ([], {"state": "absent"}, []),
        (
            [link(), link("l2", "DELETING"), link("l3", target=OTHER)],
            {"state": "absent"},
            ["DeleteVpcLink l1", "DeleteVpcLink l3"],
        ),
    ],
)
def test_plan(links: list[Item], options: Item, expected: list[str]) -> None:
    assert planned(*links, **options) == expected


def test_new_link_waits_until_load_balancer_is_free() -> None:
    links = [link("l1", "DELETING"), link("l2", "FAILED"), link("l3", "DELETING", OTHER)]
    desired: Item = {
        "state": "present",
        "name": "p",
        "description": None,
        "target_arn": NLB,
        "tags": {},
        "purge_superseded": False,
    }
    assert module.plan(links, desired)[-1].arguments == {"before": ["l1", "l2"]}


def test_two_links_for_one_target_are_named() -> None:
    with pytest.raises(AnsibleApiGatewayError, match="2 VPC links with the same ownership tags: l1, l2"):
        planned(link("l2"), link("l1"))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeApiGateway:
    monkeypatch.setattr(_wait.threading.Event, "wait", lambda self, timeout=None: False)
    return FakeApiGateway()


@pytest.fixture
def run(fake: FakeApiGateway, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(module.main, fake, capsys)


def test_creates_waits_and_is_idempotent(fake: FakeApiGateway, run: Runner) -> None:
    predicted = run(check=True, **OPTIONS).result
    assert (fake.changes, predicted["changed"], predicted["vpc_link"]) == ([], True, {})
    made = run(**OPTIONS).result
    assert told(made) == told(predicted) == ["CreateVpcLink petstore"]
    assert (made["vpc_link"]["status"], made["vpc_link"]["target_arn"]) == ("AVAILABLE", NLB)
    assert [entry["reason"] for entry in made["timeline"]] == ["PENDING", "AVAILABLE"]
    assert fake.calls[1] == ("create_vpc_link", {"name": "petstore", "tags": OWNER, "targetArns": [NLB]})
    again = run(**OPTIONS).result
    assert (again["changed"], fake.changes) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"]


def test_own_pending_link_is_waited_for(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = link(status="PENDING")
    result = run(**OPTIONS).result
    assert (result["changed"], result["vpc_link"]["status"]) == (False, "AVAILABLE")


def test_no_wait(fake: FakeApiGateway, run: Runner) -> None:
    assert run(**OPTIONS, wait=False).result["vpc_link"]["status"] == "PENDING"


def test_failed_link_is_reported_then_replaced(fake: FakeApiGateway, run: Runner) -> None:
    fake.link_statuses = ["PENDING", "FAILED"]
    failed = run(**OPTIONS)
    assert failed.failed
    assert "The link is FAILED" in failed.result["msg"]
    assert "Owner: infra" in failed.result["msg"]
    fake.link_statuses = ["PENDING", "AVAILABLE"]
    ran = run(**OPTIONS)
    mended = ran.result
    assert told(mended) == ["DeleteVpcLink link1", "CreateVpcLink petstore"]
    assert mended["vpc_link"]["id"] == "link2"
    assert ran.warnings == ["VPC link link1 had failed: The link is FAILED"]


def test_another_target_leaves_the_old_link_until_purged(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": link(target=OTHER), "foreign": {**link("foreign", target=OTHER), "tags": {}}}
    result = run(**OPTIONS).result
    assert [old["id"] for old in result["superseded"]] == ["l1"]
    result = run(**OPTIONS, purge_superseded=True).result
    assert (told(result), result["superseded"]) == (["DeleteVpcLink l1"], [])
    assert set(fake.links) == {"foreign", "link1"}


def test_name_and_tags_are_kept(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = link(name="old")
    result = run(**OPTIONS, tags={"team": "infra"}).result
    assert fake.changes == ["update_vpc_link", "tag_resource"]
    assert (result["vpc_link"]["name"], result["vpc_link"]["tags"]) == ("petstore", {**OWNER, "team": "infra"})
    assert result["diff"]["after"] == {k: result["vpc_link"][k] for k in ("id", "name", "target_arn", "tags")}


def test_link_in_use_says_what_to_do(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = link()
    text = (
        "Cannot delete vpc link. Vpc link 'l1', is referenced in [ANY:abc:prod] in format of [Method:Resource:Stage]."
    )
    fake.refusals["delete_vpc_link"] = [refusal("BadRequestException", text)]
    failed = run(ownership_tags=OWNER, state="absent")
    assert failed.failed
    assert text in failed.result["msg"]
    for words in (
        "VPC link l1 (petstore) is still used by deployed methods",
        "Owner: infra",
        "point the stage at another",
    ):
        assert words in failed.result["msg"]


@pytest.fixture
def stages(fake: FakeApiGateway) -> None:
    """Two links, one of which a stage of somebody's REST API names."""
    fake.links = {"l1": link(), "l2": link("l2", target=OTHER)}
    fake.apis = {"a1": {"id": "a1", "name": "pets", "tags": {"of": "petstore"}}}
    fake.stages = {"prod": {"stageName": "prod", "variables": {"vpcLinkId": "l2"}}, "empty": {"stageName": "empty"}}


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("options", [{"state": "absent"}, {"name": "p", "target_arn": NLB, "purge_superseded": True}])
def test_a_link_that_a_stage_names_is_not_removed(
    fake: FakeApiGateway, run: Runner, options: Item, check: bool
) -> None:
    failed = run(check=check, ownership_tags=OWNER, **options)
    assert failed.failed and fake.changes == []
    assert "VPC link l2 (petstore) is still used by stage prod of REST API pets (a1)" in failed.result["msg"]
    assert "Owner: infra" in failed.result["msg"]


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize(("ignored", "failed"), [({"of": "petstore"}, False), ({"of": "shop"}, True), ({}, True)])
def test_an_api_that_lets_go_by_itself_does_not_stand_in_the_way(run: Runner, ignored: Item, failed: bool) -> None:
    assert run(ownership_tags=OWNER, state="absent", ignored_api_tags=ignored, check=True).failed is failed


@pytest.mark.usefixtures("stages")
def test_nobody_looks_at_stages_when_no_link_is_removed(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    assert "get_rest_apis" not in [operation for operation, _ in fake.calls]


def test_absent_waits_for_all_owned_links(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {
        "l1": link(status="PENDING"),
        "l2": link("l2", "DELETING"),
        "foreign": {**link("foreign"), "tags": {}},
    }
    assert told(run(check=True, ownership_tags=OWNER, state="absent").result) == ["DeleteVpcLink l1"]
    assert fake.changes == []
    result = run(ownership_tags=OWNER, state="absent").result
    assert (result["vpc_link"], set(fake.links)) == ({}, {"foreign"})
    assert run(ownership_tags=OWNER, state="absent").result["changed"] is False


def test_absent_without_wait(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": link(), "l2": link("l2", "DELETING")}
    assert run(ownership_tags=OWNER, state="absent", wait=False).result["timeline"] == []
    assert [old["status"] for old in fake.links.values()] == ["DELETING", "DELETING"]


def test_full_quota_is_named_and_not_retried(fake: FakeApiGateway, run: Runner) -> None:
    fake.refusals["create_vpc_link"] = [refusal("LimitExceededException", "Maximum number of vpc links exceeded")]
    failed = run(**OPTIONS)
    assert failed.failed
    assert "the quota of VPC links in this region (20 unless raised) is full" in failed.result["msg"]
    assert fake.changes == ["create_vpc_link"]


def test_throttling_is_retried(fake: FakeApiGateway, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.amazon.aws.plugins.module_utils.cloud.time.sleep", lambda seconds: None)
    fake.refusals["create_vpc_link"] = [refusal("TooManyRequestsException")] * 3
    assert not run(**OPTIONS).failed
    assert fake.changes == ["create_vpc_link"] * 4


def test_other_errors_go_out_as_they_are(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = link()
    fake.refusals["delete_vpc_link"] = [refusal("BadRequestException", "no such luck")]
    assert "no such luck" in run(ownership_tags=OWNER, state="absent").result["msg"]


def test_empty_ownership_is_refused(fake: FakeApiGateway, run: Runner) -> None:
    assert "ownership_tags" in run(**{**OPTIONS, "ownership_tags": {}}).result["msg"]
    assert fake.calls == []
