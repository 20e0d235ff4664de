# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigateway_vpc_link: the plan's branches, and what main() does to AWS."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import AnsibleApiGatewayError
from ansible_collections.seam.eks_auto.plugins.module_utils._core import wait as _wait
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
    shown: Item = {"id": link_id, "name": "petstore", "status": status, "tags": dict(OWNER), "version": "1"}
    return {**shown, "targetArns": [target], **more}


def link_v2(link_id: str = "v2", status: str = "AVAILABLE", **more: t.Any) -> Item:
    shown: Item = {"id": link_id, "name": "petstore", "status": status, "tags": dict(OWNER), "version": "2"}
    return {**shown, "subnetIds": ["s1", "s2"], "securityGroupIds": ["g1"], "createdDate": 1, **more}


#: What both versions are asked for.
DESIRED: Item = {
    "state": "present",
    "name": "petstore",
    "description": None,
    "version": "1",
    "target_arn": NLB,
    "subnet_ids": None,
    "security_group_ids": None,
    "tags": OWNER,
    "purge_superseded": False,
}
V2: Item = {"version": "2", "target_arn": None, "subnet_ids": ["s2", "s1"], "security_group_ids": ["g1"]}


def planned(*links: Item, **options: t.Any) -> list[str]:
    return [str(step) for step in module.plan(list(links), {**DESIRED, **options})]


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
        # V2.
        ([], V2, ["CreateVpcLink petstore"]),
        ([link_v2()], V2, []),
        ([link_v2(status="PENDING")], V2, []),
        ([link_v2(status="DELETING")], V2, ["CreateVpcLink petstore"]),
        ([link_v2(status="FAILED")], V2, ["DeleteVpcLink v2", "CreateVpcLink petstore"]),
        ([link_v2(subnetIds=["s1"])], V2, ["CreateVpcLink petstore"]),
        ([link_v2(securityGroupIds=[])], V2, ["CreateVpcLink petstore"]),
        ([link_v2(name="old")], V2, ["UpdateVpcLink v2"]),
        ([link_v2()], {**V2, "description": "A link V2 has none"}, []),
        ([link_v2()], {**V2, "tags": {**OWNER, "team": "infra"}}, ["TagResource /vpclinks/v2"]),
        # Without traffic: another takes its place, and it goes when it is no longer named.
        ([link_v2(status="INACTIVE")], V2, ["CreateVpcLink petstore"]),
        ([link_v2("new"), link_v2(status="INACTIVE")], {**V2, "purge_superseded": True}, ["DeleteVpcLink v2"]),
        ([link_v2(status="INACTIVE")], {"state": "absent"}, ["DeleteVpcLink v2"]),
        # A request woke it up meanwhile.
        ([link_v2("new", createdDate=2), link_v2()], V2, []),
        ([link_v2("new", createdDate=2), link_v2()], {**V2, "purge_superseded": True}, ["DeleteVpcLink v2"]),
        # From one version to the other, and back.
        ([link()], V2, ["CreateVpcLink petstore"]),
        ([link(), link_v2()], {**V2, "purge_superseded": True}, ["DeleteVpcLink l1"]),
        ([link_v2()], {}, ["CreateVpcLink petstore"]),
        ([link(), link_v2()], {"purge_superseded": True}, ["DeleteVpcLink v2"]),
        ([link(), link_v2()], {"state": "absent"}, ["DeleteVpcLink l1", "DeleteVpcLink v2"]),
    ],
)
def test_plan(links: list[Item], options: Item, expected: list[str]) -> None:
    assert planned(*links, **options) == expected


def test_new_link_waits_until_load_balancer_is_free() -> None:
    links = [link("l1", "DELETING"), link("l2", "FAILED"), link("l3", "DELETING", OTHER)]
    assert module.plan(links, DESIRED)[-1].arguments == {"before": links[:2]}
    assert module.plan([link_v2(status="DELETING")], {**DESIRED, **V2})[-1].arguments == {"before": []}


@pytest.mark.parametrize(
    ("links", "options", "expected"),
    [
        # Another is made first, without waiting: what failed holds no load balancer.
        ([link(status="FAILED")], {}, ["CreateVpcLink petstore"]),
        ([link(status="FAILED"), link("l2", "FAILED")], {}, ["DeleteVpcLink l2", "CreateVpcLink petstore"]),
        ([link(status="FAILED"), link("l2")], {}, []),
        ([link(status="FAILED"), link("l2")], {"purge_superseded": True}, ["DeleteVpcLink l1"]),
    ],
)
def test_a_failed_link_that_a_stage_names_goes_last(links: list[Item], options: Item, expected: list[str]) -> None:
    steps = module.plan(links, {**DESIRED, **options}, named={"l1"})
    assert [str(step) for step in steps] == expected
    waited = [old["id"] for step in steps for old in step.arguments.get("before", [])]
    assert "l1" not in waited


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
    assert ("create_vpc_link", {"name": "petstore", "tags": OWNER, "targetArns": [NLB]}) in fake.calls
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
    assert result["diff"]["after"] == {
        k: result["vpc_link"][k] for k in ("id", "name", "status", "version", "target_arn", "tags")
    }


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
def test_a_link_that_a_canary_uses_is_not_removed_either(fake: FakeApiGateway, run: Runner) -> None:
    fake.stages["prod"] = {
        "stageName": "prod",
        "variables": {"vpcLinkId": "other"},
        "canarySettings": {"stageVariableOverrides": {"vpcLinkId": "l1"}},
    }
    assert (
        "VPC link l1 (petstore) is still used by stage prod" in run(ownership_tags=OWNER, state="absent").result["msg"]
    )


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize(("ignored", "failed"), [({"of": "petstore"}, False), ({"of": "shop"}, True), ({}, True)])
def test_an_api_that_lets_go_by_itself_does_not_stand_in_the_way(run: Runner, ignored: Item, failed: bool) -> None:
    assert run(ownership_tags=OWNER, state="absent", ignored_api_tags=ignored, check=True).failed is failed


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    "options", [{"state": "absent"}, {"name": "petstore", "target_arn": NLB, "purge_superseded": True}]
)
def test_a_link_that_another_api_uses_stays_if_asked_for(
    fake: FakeApiGateway, run: Runner, options: Item, check: bool
) -> None:
    ran = run(check=check, ownership_tags=OWNER, keep_used=True, ignored_api_tags={"of": "shop"}, **options)
    gone = ["DeleteVpcLink l1"] if "state" in options else []
    assert (told(ran.result), set(fake.links)) == (gone, {"l2"} if gone and not check else {"l1", "l2"})
    assert [each["id"] for each in ran.result["used"]] == ["l2"]
    assert ran.result["superseded"] == []
    assert ran.warnings == ["VPC link l2 (petstore) stays, as it is still used by stage prod of REST API pets (a1)"]


@pytest.mark.usefixtures("stages")
def test_what_another_api_uses_is_not_told_where_nothing_is_to_be_removed(run: Runner) -> None:
    ran = run(**OPTIONS, keep_used=True)
    assert (ran.result["superseded"], ran.result["used"], ran.warnings) == ([], [], [])


@pytest.mark.usefixtures("stages")
def test_nothing_is_shown_to_go_where_all_that_is_there_stays(fake: FakeApiGateway, run: Runner) -> None:
    del fake.links["l1"]
    result = run(ownership_tags=OWNER, state="absent", keep_used=True).result
    assert (result["changed"], result["diff"]) == (False, {"before": {}, "after": {}})


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("letting_go", [{"of": "petstore"}, {"of": "shop"}])
def test_a_failed_link_that_a_stage_names_goes_when_its_stages_let_go(
    fake: FakeApiGateway, run: Runner, letting_go: Item
) -> None:
    fake.links = {"l2": link("l2", "FAILED")}
    more: Item = {"keep_used": True, "ignored_api_tags": letting_go, "wait_timeout": 1}
    made = run(**OPTIONS, **more).result
    mine = letting_go == {"of": "petstore"}
    assert told(made) == ["CreateVpcLink petstore"]
    assert [old["id"] for old in made["superseded"]] == (["l2"] if mine else [])
    purged = run(**OPTIONS, **more, purge_superseded=True).result
    assert told(purged) == (["DeleteVpcLink l2"] if mine else [])


def test_a_link_that_says_that_it_is_another_apis_is_not_touched(fake: FakeApiGateway, run: Runner) -> None:
    mine = run(**OPTIONS_V2, tags={"of": "petstore"}).result["vpc_link"]["id"]
    theirs = {**fake.v2.links[mine], "VpcLinkId": "theirs", "SecurityGroupIds": ["g2"], "Tags": {**OWNER, "of": "shop"}}
    fake.v2.links["theirs"] = theirs
    found = run(**OPTIONS_V2, keep_used=True, ignored_api_tags={"of": "petstore"}).result
    assert (found["changed"], found["superseded"], found["security_groups_in_use"]) == (False, [], ["g1", "g2"])
    removed = [
        run(
            check=check, ownership_tags=OWNER, ignored_api_tags={"of": "petstore"}, keep_used=True, state="absent"
        ).result
        for check in (True, False)
    ]
    assert [told(each) for each in removed] == [[f"DeleteVpcLink {mine}"]] * 2
    assert [each["security_groups_in_use"] for each in removed] == [["g2"]] * 2
    assert list(fake.v2.links) == ["theirs"]


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


OPTIONS_V2: Item = {**OPTIONS, **V2, "target_arn": None}


def test_a_link_v2_is_made_at_its_place_and_is_idempotent(fake: FakeApiGateway, run: Runner) -> None:
    predicted = run(check=True, **OPTIONS_V2).result
    assert (fake.changes, predicted["diff"]["after"]["subnet_ids"]) == ([], ["s2", "s1"])
    made = run(**OPTIONS_V2).result
    assert told(made) == told(predicted) == ["CreateVpcLink petstore"]
    place = {"SubnetIds": ["s2", "s1"], "SecurityGroupIds": ["g1"]}
    assert ("create_vpc_link_v2", {"Name": "petstore", "Tags": OWNER, **place}) in fake.calls
    shown = {key: made["vpc_link"][key] for key in ("id", "status", "version", "subnet_ids", "security_group_ids")}
    assert shown == {
        "id": "v2-1",
        "status": "AVAILABLE",
        "version": "2",
        "subnet_ids": ["s2", "s1"],
        "security_group_ids": ["g1"],
    }
    again = run(**OPTIONS_V2).result
    assert (again["changed"], fake.changes) == (False, [])


def test_name_and_tags_of_a_link_v2_are_kept(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS_V2)
    result = run(**{**OPTIONS_V2, "name": "pets"}, tags={"team": "infra"}).result
    assert fake.changes == ["update_vpc_link_v2", "tag_resource_v2"]
    assert (result["vpc_link"]["name"], result["vpc_link"]["tags"]) == ("pets", {**OWNER, "team": "infra"})


def test_from_one_version_to_the_other_and_back(fake: FakeApiGateway, run: Runner) -> None:
    old = run(**OPTIONS).result["vpc_link"]["id"]
    moved = run(**OPTIONS_V2).result
    assert [(each["id"], each["version"]) for each in moved["superseded"]] == [(old, "1")]
    run(**OPTIONS_V2, purge_superseded=True)
    assert (fake.links, list(fake.v2.links)) == ({}, [moved["vpc_link"]["id"]])
    back = run(**OPTIONS, purge_superseded=True).result
    assert told(back) == ["CreateVpcLink petstore", f"DeleteVpcLink {moved['vpc_link']['id']}"]
    assert (list(fake.links), fake.v2.links) == ([back["vpc_link"]["id"]], {})


def test_a_link_v2_without_traffic_is_reported_and_replaced(fake: FakeApiGateway, run: Runner) -> None:
    idle = run(**OPTIONS_V2).result["vpc_link"]["id"]
    fake.v2.links[idle]["VpcLinkStatus"] = "INACTIVE"
    ran = run(**OPTIONS_V2)
    assert ran.warnings == [f"VPC link {idle} is INACTIVE: nothing went through it for 60 days"]
    assert ran.result["vpc_link"]["id"] != idle
    assert [old["id"] for old in ran.result["superseded"]] == [idle]


def test_absent_removes_links_of_both_versions_on_all_pages(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    run(**OPTIONS_V2)
    run(**{**OPTIONS_V2, "subnet_ids": ["s3"]})
    fake.v2.pages = 2
    run(ownership_tags=OWNER, state="absent")
    assert fake.links == fake.v2.links == {}


def test_a_link_that_both_apis_list_is_one_of_v2(fake: FakeApiGateway, run: Runner) -> None:
    made = run(**OPTIONS_V2).result["vpc_link"]["id"]
    fake.links[made] = {"id": made, "name": "petstore", "status": "AVAILABLE", "tags": OWNER}
    assert not run(**OPTIONS_V2).result["changed"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"target_arn": None}, "version 1 needs target_arn"),
        ({**OPTIONS_V2, "subnet_ids": []}, "version 2 needs subnet_ids"),
        (
            {**OPTIONS_V2, "subnet_ids": None, "security_group_ids": None},
            "version 2 needs subnet_ids and security_group",
        ),
    ],
)
def test_each_version_needs_its_place(fake: FakeApiGateway, run: Runner, options: Item, says: str) -> None:
    assert says in run(**{**OPTIONS, **options}).result["msg"]
    assert fake.calls == []


@pytest.mark.parametrize(
    ("found", "differing"),
    [
        (link(target=OTHER), {"target_arn": (OTHER, NLB)}),
        (link(status="FAILED"), {"status": ("FAILED", "AVAILABLE")}),
    ],
)
def test_diff_begins_with_the_link_whose_place_is_taken(
    fake: FakeApiGateway, run: Runner, found: Item, differing: Item
) -> None:
    fake.links["l1"] = found
    diff = run(check=True, **OPTIONS).result["diff"]
    before, after = diff["before"], diff["after"]
    assert before.pop("id") == "l1"
    assert {
        key: (before.get(key), after.get(key)) for key in {*before, *after} if before.get(key) != after.get(key)
    } == differing


def test_diff_of_a_link_that_is_made_begins_with_nothing(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = link(status="DELETING")
    assert run(check=True, **OPTIONS).result["diff"]["before"] == {}


def test_of_two_runs_at_once_the_one_whose_link_fails_takes_the_others(
    fake: FakeApiGateway, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    fake.rivals = {"create_vpc_link"}
    fake.link_statuses = ["PENDING", "FAILED"]
    ran = run(**OPTIONS)
    assert list(fake.links) == [ran.result["vpc_link"]["id"]]
    assert ran.result["vpc_link"]["id"].startswith("rival")


def test_a_link_that_was_there_and_fails_is_a_failure(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": {key: value for key, value in link(status="PENDING").items() if key != "version"}}
    fake.link_statuses = ["PENDING", "FAILED"]
    failed = run(**OPTIONS)
    assert failed.failed
    assert fake.changes == []
