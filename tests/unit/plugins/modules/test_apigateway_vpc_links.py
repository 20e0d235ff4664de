# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigateway_vpc_links: the plan's branches, and main()'s calls to AWS."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
import yaml
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import Link
from ansible_collections.seam.eks_auto.plugins.module_utils._core import wait as _wait
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags
from ansible_collections.seam.eks_auto.plugins.modules import apigateway_vpc_links as module
from ansible_collections.seam.eks_auto.plugins.modules.apigateway_vpc_links import Desired, Wanted
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import (
    FakeApiGateway,
    Item,
    Runner,
    refusal,
    told,
)

OWNER = {"seam": "petstore/petstore/vpclink"}
SHOP = {"seam": "petstore/shop/vpclink"}
API = {"api": "petstore"}
NLB, OTHER = "arn:nlb/1", "arn:nlb/2"

LINK = Link("1", "l1", "petstore", "AVAILABLE", OWNER, target_arns=(NLB,))
LINK_V2 = Link(
    "2", "v2", "petstore", "AVAILABLE", OWNER, subnet_ids=("s1", "s2"), security_group_ids=("g1",), created_date=1
)
V1 = Wanted("1", "petstore", Tags(ownership=OWNER), target_arn=NLB)
V2 = Wanted("2", "petstore", Tags(ownership=OWNER), subnet_ids=("s2", "s1"), security_group_ids=("g1",))


def link(link_id: str = "l1", status: str = "AVAILABLE", target: str = NLB, **more: t.Any) -> Link:
    return replace(LINK, id=link_id, status=status, target_arns=(target,), **more)


def link_v2(link_id: str = "v2", status: str = "AVAILABLE", **more: t.Any) -> Link:
    return replace(LINK_V2, id=link_id, status=status, **more)


def planned(links: list[Link], *wanted: Wanted, named: t.Container[str] = (), **desired: t.Any) -> list[str]:
    return [str(step) for step in module.plan(links, Desired(wanted or (V1,), **desired), named).steps]


PURGE: Item = {"purge_superseded": True}
ABSENT: Item = {"present": False}
MORE_TAGS = Tags({"team": "infra"}, ownership=OWNER)


@pytest.mark.parametrize(
    ("links", "wanted", "options", "expected"),
    [
        ([], V1, {}, ["CreateVpcLink petstore"]),
        ([link()], V1, {}, []),
        ([link(status="PENDING")], V1, {}, []),
        ([link(status="FAILED")], V1, {}, ["DeleteVpcLink l1", "CreateVpcLink petstore"]),
        ([link(status="DELETING")], V1, {}, ["CreateVpcLink petstore"]),
        ([link(target=OTHER)], V1, {}, ["CreateVpcLink petstore"]),
        ([link(), link("l2", target=OTHER)], V1, {}, []),
        ([link(), link("l2", target=OTHER)], V1, PURGE, ["DeleteVpcLink l2"]),
        ([link(), link("l2", "FAILED", OTHER)], V1, PURGE, ["DeleteVpcLink l2"]),
        ([link(), link("l2", "DELETING", OTHER)], V1, PURGE, []),
        ([link()], replace(V1, name="pets", description="All pets"), {}, ["UpdateVpcLink l1"]),
        ([link()], replace(V1, tags=MORE_TAGS), {}, ["TagResource l1"]),
        ([link(tags={**OWNER, "old": "x"})], replace(V1, tags=MORE_TAGS), {}, ["TagResource l1", "UntagResource l1"]),
        ([link(tags={**OWNER, "old": "x"})], replace(V1, tags=replace(MORE_TAGS, purge=False)), {}, ["TagResource l1"]),
        ([], V1, ABSENT, []),
        (
            [link(), link("l2", "DELETING"), link("l3", target=OTHER)],
            V1,
            ABSENT,
            ["DeleteVpcLink l1", "DeleteVpcLink l3"],
        ),
        # V2.
        ([], V2, {}, ["CreateVpcLink petstore"]),
        ([link_v2()], V2, {}, []),
        ([link_v2(status="PENDING")], V2, {}, []),
        ([link_v2(status="DELETING")], V2, {}, ["CreateVpcLink petstore"]),
        ([link_v2(status="FAILED")], V2, {}, ["DeleteVpcLink v2", "CreateVpcLink petstore"]),
        ([link_v2(subnet_ids=("s1",))], V2, {}, ["CreateVpcLink petstore"]),
        ([link_v2(security_group_ids=())], V2, {}, ["CreateVpcLink petstore"]),
        ([link_v2(name="old")], V2, {}, ["UpdateVpcLink v2"]),
        ([link_v2()], replace(V2, description="A link V2 has none"), {}, []),
        ([link_v2()], replace(V2, tags=MORE_TAGS), {}, ["TagResource v2"]),
        # INACTIVE without traffic: another takes its place, and it goes when nothing names it any more.
        ([link_v2(status="INACTIVE")], V2, {}, ["CreateVpcLink petstore"]),
        ([link_v2("new"), link_v2(status="INACTIVE")], V2, PURGE, ["DeleteVpcLink v2"]),
        ([link_v2(status="INACTIVE")], V1, ABSENT, ["DeleteVpcLink v2"]),
        # A request woke it up meanwhile.
        ([link_v2("new", created_date=2), link_v2()], V2, {}, []),
        ([link_v2("new", created_date=2), link_v2()], V2, PURGE, ["DeleteVpcLink v2"]),
        # From one version to the other, and back.
        ([link()], V2, {}, ["CreateVpcLink petstore"]),
        ([link(), link_v2()], V2, PURGE, ["DeleteVpcLink l1"]),
        ([link_v2()], V1, {}, ["CreateVpcLink petstore"]),
        ([link(), link_v2()], V1, PURGE, ["DeleteVpcLink v2"]),
        ([link(), link_v2()], V1, ABSENT, ["DeleteVpcLink l1", "DeleteVpcLink v2"]),
    ],
)
def test_plan_of_one_link(links: list[Link], wanted: Wanted, options: Item, expected: list[str]) -> None:
    assert planned(links, wanted, **options) == expected


def test_plan_of_many_links_makes_all_before_any_goes() -> None:
    shop = Wanted("1", "shop", Tags(ownership=SHOP), target_arn=OTHER)
    old = [link("l1", target="arn:nlb/old"), link("l2", "FAILED", OTHER, tags=SHOP)]
    assert planned(old, V1, shop, **PURGE) == [
        "DeleteVpcLink l2",
        "CreateVpcLink petstore",
        "CreateVpcLink shop",
        "DeleteVpcLink l1",
    ]


def test_a_link_of_an_api_replaces_those_of_its_load_balancers() -> None:
    old = [link("l1"), link("l2", target=OTHER, tags=SHOP)]
    one = replace(V2, tags=Tags(ownership=API))
    mine = link_v2(tags=API)
    assert planned(old, one, replaces=(OWNER, SHOP)) == ["CreateVpcLink petstore"]
    assert planned([*old, mine], one, replaces=(OWNER, SHOP), **PURGE) == ["DeleteVpcLink l1", "DeleteVpcLink l2"]
    ours = Desired((one,), (SHOP,)).ours([*old, mine])
    assert planned(ours, one, **PURGE) == ["DeleteVpcLink l2"]


@pytest.mark.parametrize(
    ("links", "options", "expected"),
    [
        # Another is made first, without waiting: the failed one holds no load balancer.
        ([link(status="FAILED")], {}, ["CreateVpcLink petstore"]),
        ([link(status="FAILED"), link("l2", "FAILED")], {}, ["DeleteVpcLink l2", "CreateVpcLink petstore"]),
        ([link(status="FAILED"), link("l2")], {}, []),
        ([link(status="FAILED"), link("l2")], PURGE, ["DeleteVpcLink l1"]),
    ],
)
def test_a_failed_link_that_a_stage_names_goes_last(links: list[Link], options: Item, expected: list[str]) -> None:
    assert planned(links, named={"l1"}, **options) == expected


def test_two_links_for_one_target_are_named() -> None:
    with pytest.raises(SeamError, match="2 VPC links with the same ownership tags: l1, l2"):
        planned([link("l2"), link("l1")])


# main()


def item(of: Link, **more: t.Any) -> Item:
    """A link as API Gateway shows it."""
    shown = {
        "id": of.id,
        "name": of.name,
        "status": of.status,
        "targetArns": list(of.target_arns),
        "tags": dict(of.tags),
    }
    return {**shown, **more}


def options(*links: Item, **more: t.Any) -> Item:
    return {"links": links or [{"name": "petstore", "ownership_tags": OWNER, "target_arn": NLB}], **more}


PLACE_V2: Item = {"version": "2", "subnet_ids": ["s2", "s1"], "security_group_ids": ["g1"]}
ONE_V2: Item = {"links": [{"name": "petstore", "ownership_tags": OWNER}], **PLACE_V2}
MINE: Item = {"links": [{"ownership_tags": OWNER}], "state": "absent"}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeApiGateway:
    monkeypatch.setattr(_wait.threading.Event, "wait", lambda self, timeout=None: False)
    return FakeApiGateway()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Makes the module's pauses take no time, and lists their seconds."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.fixture
def run(fake: FakeApiGateway, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(module.main, fake, capsys)


def count(fake: FakeApiGateway, operation: str) -> int:
    return sum(called == operation for called, _ in fake.calls)


def test_creates_waits_and_is_idempotent(fake: FakeApiGateway, run: Runner) -> None:
    predicted = run(check=True, **options()).result
    assert (fake.changes, predicted["changed"], predicted["vpc_links"]) == ([], True, [{}])
    made = run(**options()).result
    assert told(made) == told(predicted) == ["CreateVpcLink petstore"]
    (link,) = made["vpc_links"]
    assert (link["status"], link["target_arn"], link["version"]) == ("AVAILABLE", NLB, "1")
    assert [(entry["subject"], entry["reason"]) for entry in made["timeline"]] == [
        ("VPC link link1 (petstore) to become available", reason) for reason in ("PENDING", "AVAILABLE")
    ]
    assert ("create_vpc_link", {"name": "petstore", "tags": OWNER, "targetArns": [NLB]}) in fake.calls
    again = run(**options()).result
    assert (again["changed"], fake.changes) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"]


def ten() -> list[Item]:
    return [
        {
            "name": f"link-{number}",
            "ownership_tags": {"seam": f"petstore/{number}/vpclink"},
            "target_arn": f"nlb/{number}",
        }
        for number in range(10)
    ]


def test_many_are_all_made_then_waited_for_together(fake: FakeApiGateway, run: Runner) -> None:
    made = run(**options(*ten())).result
    assert [link["target_arn"] for link in made["vpc_links"]] == [f"nlb/{number}" for number in range(10)]
    assert fake.changes == ["create_vpc_link"] * 10
    # Two lists to see that there are none, one for each status, two for the result.
    assert (count(fake, "get_vpc_links"), count(fake, "get_vpc_links_v2")) == (4, 2)
    assert not run(**options(*reversed(ten()))).result["changed"]
    assert [operation for operation, _ in fake.calls] == ["get_vpc_links", "get_vpc_links_v2"]


def test_many_go_together(fake: FakeApiGateway, run: Runner) -> None:
    run(**options(*ten()))
    gone = run(**options(*ten(), state="absent")).result
    assert len(told(gone)) == 10 and fake.links == {}
    assert gone["vpc_links"] == [{}] * 10
    operations = [operation for operation, _ in fake.calls if operation != "get_vpc_links_v2"]
    assert operations == [
        "get_vpc_links",
        "get_rest_apis",
        *["delete_vpc_link"] * 10,
        "get_vpc_links",
        "get_vpc_links",
        "get_endpoint_services",
        "get_vpc_links",
    ]


def test_a_link_that_is_named_twice_is_one(fake: FakeApiGateway, run: Runner) -> None:
    (one,) = options()["links"]
    first, second = run(**options(one, one)).result["vpc_links"]
    assert first == second and fake.changes == ["create_vpc_link"]
    failed = run(**options(one, {**one, "target_arn": OTHER}))
    assert "links[1]: another link with the same ownership_tags differs otherwise." in failed.result["msg"]


def test_from_links_of_load_balancers_to_one_of_the_api_and_back(
    fake: FakeApiGateway, run: Runner, slept: list[float]
) -> None:
    """Twelve backends among fifty APIs."""
    links = [
        {"name": f"l{n}", "ownership_tags": {"seam": f"petstore/{n}"}, "target_arn": f"nlb/{n}"} for n in range(12)
    ]
    old = [link["id"] for link in run(**options(*links)).result["vpc_links"]]
    fake.apis = {f"a{n}": {"id": f"a{n}", "name": "other", "tags": {}} for n in range(50)}
    fake.stages = {}
    one: Item = {
        "links": [{"name": "petstore", "ownership_tags": API}],
        "replaces": [link["ownership_tags"] for link in links],
        **PLACE_V2,
    }
    calls = 0
    moved = run(**one).result
    calls += len(fake.calls)
    assert [link["id"] for link in moved["superseded"]] == old
    purged = run(**one, purge_superseded=True, drain_seconds=29).result
    calls += len(fake.calls)
    assert (purged["superseded"], fake.links, slept) == ([], {}, [29])
    assert (count(fake, "get_rest_apis"), count(fake, "get_stages")) == (1, 50)
    assert calls <= 100
    back = run(**options(*links), replaces=[API], purge_superseded=True).result
    assert told(back)[-1] == f"DeleteVpcLink {moved['vpc_links'][0]['id']}"
    assert (len(fake.links), fake.v2.links) == (12, {})
    print(f"figures: {calls} calls from links V1 to a link V2, of 12 backends among 50 APIs")


def test_own_pending_link_is_waited_for(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = item(link(status="PENDING"))
    result = run(**options()).result
    assert (result["changed"], result["vpc_links"][0]["status"]) == (False, "AVAILABLE")


def test_no_wait(fake: FakeApiGateway, run: Runner) -> None:
    assert run(**options(), wait=False).result["vpc_links"][0]["status"] == "PENDING"


def test_failed_link_is_reported_then_replaced(fake: FakeApiGateway, run: Runner) -> None:
    fake.link_statuses = ["PENDING", "FAILED"]
    failed = run(**options())
    assert failed.failed
    assert "The link is FAILED" in failed.result["msg"]
    assert "Owner: infra" in failed.result["msg"]
    fake.link_statuses = ["PENDING", "AVAILABLE"]
    ran = run(**options())
    mended = ran.result
    assert told(mended) == ["DeleteVpcLink link1", "CreateVpcLink petstore"]
    assert mended["vpc_links"][0]["id"] == "link2"
    assert ran.warnings == ["VPC link link1 had failed: The link is FAILED"]
    operations = [operation for operation, _ in fake.calls]
    # The load balancer takes one link at a time.
    assert "get_vpc_links" in operations[operations.index("delete_vpc_link") : operations.index("create_vpc_link")]


def test_another_target_leaves_the_old_link_until_purged(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": item(link(target=OTHER)), "foreign": item(link("foreign", target=OTHER, tags={}))}
    result = run(**options()).result
    assert [old["id"] for old in result["superseded"]] == ["l1"]
    result = run(**options(), purge_superseded=True).result
    assert (told(result), result["superseded"]) == (["DeleteVpcLink l1"], [])
    assert set(fake.links) == {"foreign", "link1"}


def test_name_description_and_tags_are_kept(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = item(link(name="old", tags={**OWNER, "old": "x"}))
    (one,) = options()["links"]
    result = run(**options({**one, "description": "Pets"}), tags={"team": "infra"}).result
    assert fake.changes == ["update_vpc_link", "tag_resource", "untag_resource"]
    (kept,) = result["vpc_links"]
    assert (kept["name"], kept["description"], kept["tags"]) == ("petstore", "Pets", {**OWNER, "team": "infra"})
    assert result["diff"]["after"] == {"petstore": kept}
    assert result["actions"][0]["request"]["patch_operations"][0]["path"] == "/name"


def test_what_is_documented_of_a_link_is_returned(fake: FakeApiGateway, run: Runner) -> None:
    documented = yaml.safe_load(module.RETURN)
    first = options({"name": "p", "description": "d", "ownership_tags": OWNER, "target_arn": NLB})
    returned = {
        *run(**first).result["vpc_links"][0],
        *run(**{**ONE_V2, "links": [{"name": "v2", "ownership_tags": API}]}).result["vpc_links"][0],
        "status_message",
    }
    assert returned == set(documented["vpc_links"]["contains"])
    assert set(run(**first).result) - {"invocation", "diff", "changed"} == set(documented)


# Stages


def test_link_in_use_says_what_to_do(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = item(link())
    text = (
        "Cannot delete vpc link. Vpc link 'l1', is referenced in [ANY:abc:prod] in format of [Method:Resource:Stage]."
    )
    fake.refusals["delete_vpc_link"] = [refusal("BadRequestException", text)]
    failed = run(**MINE)
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
    """Two links; a stage of somebody's REST API names one of them."""
    fake.links = {"l1": item(link()), "l2": item(link("l2", target=OTHER))}
    fake.apis = {"a1": {"id": "a1", "name": "pets", "tags": {"of": "petstore"}}}
    fake.stages = {"prod": {"stageName": "prod", "variables": {"vpcLinkId": "l2"}}, "empty": {"stageName": "empty"}}


PURGED: Item = options(purge_superseded=True)


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("asked", [MINE, PURGED])
def test_a_link_that_a_stage_names_is_not_removed(fake: FakeApiGateway, run: Runner, asked: Item, check: bool) -> None:
    failed = run(check=check, **asked)
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
    assert "VPC link l1 (petstore) is still used by stage prod" in run(**MINE).result["msg"]


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize(("ignored", "failed"), [({"of": "petstore"}, False), ({"of": "shop"}, True), ({}, True)])
def test_an_api_that_lets_go_by_itself_does_not_stand_in_the_way(run: Runner, ignored: Item, failed: bool) -> None:
    assert run(**MINE, ignored_api_tags=ignored, check=True).failed is failed


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("asked", [MINE, PURGED])
def test_a_link_that_another_api_uses_stays_if_asked_for(
    fake: FakeApiGateway, run: Runner, asked: Item, check: bool
) -> None:
    ran = run(check=check, **asked, keep_used=True, ignored_api_tags={"of": "shop"})
    gone = ["DeleteVpcLink l1"] if "state" in asked else []
    assert (told(ran.result), set(fake.links)) == (gone, {"l2"} if gone and not check else {"l1", "l2"})
    assert [each["id"] for each in ran.result["used"]] == ["l2"]
    assert ran.result["superseded"] == []
    assert ran.warnings == ["VPC link l2 (petstore) stays, as it is still used by stage prod of REST API pets (a1)"]


@pytest.mark.usefixtures("stages")
def test_nobody_looks_at_stages_where_nothing_is_to_be_removed(fake: FakeApiGateway, run: Runner) -> None:
    ran = run(**options(), keep_used=True)
    assert ([old["id"] for old in ran.result["superseded"]], ran.result["used"], ran.warnings) == (["l2"], [], [])
    assert count(fake, "get_rest_apis") == 0


@pytest.mark.usefixtures("stages")
def test_nothing_is_shown_to_go_where_all_that_is_there_stays(fake: FakeApiGateway, run: Runner) -> None:
    del fake.links["l1"]
    result = run(**MINE, keep_used=True).result
    assert (result["changed"], result["diff"]) == (False, {"before": {}, "after": {}})


@pytest.mark.usefixtures("stages")
@pytest.mark.parametrize("letting_go", [{"of": "petstore"}, {"of": "shop"}])
def test_a_failed_link_that_a_stage_names_goes_when_its_stages_let_go(
    fake: FakeApiGateway, run: Runner, letting_go: Item
) -> None:
    fake.links = {"l2": item(link("l2", "FAILED"))}
    more: Item = {"keep_used": True, "ignored_api_tags": letting_go, "wait_timeout": 1}
    made = run(**options(), **more).result
    assert told(made) == ["CreateVpcLink petstore"]
    assert [old["id"] for old in made["superseded"]] == ["l2"]
    purged = run(**options(), **more, purge_superseded=True).result
    assert told(purged) == (["DeleteVpcLink l2"] if letting_go == {"of": "petstore"} else [])


def test_a_link_of_another_api_is_not_touched(fake: FakeApiGateway, run: Runner) -> None:
    mine = run(**ONE_V2, tags={"of": "petstore"}).result["vpc_links"][0]["id"]
    theirs = {**fake.v2.links[mine], "VpcLinkId": "theirs", "SecurityGroupIds": ["g2"], "Tags": {**OWNER, "of": "shop"}}
    fake.v2.links["theirs"] = theirs
    found = run(**ONE_V2, keep_used=True, ignored_api_tags={"of": "petstore"}).result
    assert (found["changed"], found["superseded"], found["security_groups_in_use"]) == (False, [], ["g1", "g2"])
    removed = [
        run(check=check, **MINE, ignored_api_tags={"of": "petstore"}, keep_used=True).result for check in (True, False)
    ]
    assert [told(each) for each in removed] == [[f"DeleteVpcLink {mine}"]] * 2
    assert [each["security_groups_in_use"] for each in removed] == [["g2"]] * 2
    assert list(fake.v2.links) == ["theirs"]


# Removal


def test_absent_waits_for_all_owned_links(fake: FakeApiGateway, run: Runner) -> None:
    fake.link_statuses = ["PENDING", "PENDING ", "AVAILABLE"]
    fake.links = {
        "l1": item(link(status="AVAILABLE")),
        "l2": item(link("l2", "DELETING")),
        "foreign": item(link("foreign", tags={})),
    }
    predicted = run(check=True, **MINE).result
    assert (told(predicted), fake.changes, predicted["diff"]["after"]) == (["DeleteVpcLink l1"], [], {})
    assert list(predicted["diff"]["before"]) == ["petstore"]
    fake.links["l2"] = item(link("l2", "DELETING"))
    result = run(**MINE).result
    assert (result["vpc_links"], set(fake.links)) == ([{}], {"foreign"})
    assert [entry["subject"] for entry in result["timeline"] if entry["reason"] == "Missing"] == [
        "VPC link l2 (petstore) to be gone",
        "VPC link l1 (petstore) to be gone",
    ]
    assert run(**MINE).result["changed"] is False


def test_a_pending_link_settles_before_it_goes(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": item(link(status="PENDING"))}
    result = run(**MINE).result
    assert [(entry["subject"], entry["reason"]) for entry in result["timeline"][:1]] == [
        ("VPC link l1 (petstore) to settle", "AVAILABLE")
    ]
    assert fake.links == {}


def test_absent_without_wait(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": item(link()), "l2": item(link("l2", target=OTHER))}
    result = run(**MINE, wait=False).result
    assert (result["timeline"], len(told(result)), count(fake, "get_endpoint_services")) == ([], 2, 0)


def test_it_waits_until_aws_lets_go_of_the_load_balancer(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": item(link()), "l2": item(link("l2", "FAILED", OTHER))}
    fake.endpoint_services = [{"vpce-svc-1": [NLB], "vpce-svc-2": [OTHER]}, {"vpce-svc-2": [OTHER]}]
    timeline = run(**MINE).result["timeline"]
    assert [(entry["subject"], entry["message"]) for entry in timeline[-2:]] == [
        (
            "the load balancer of VPC link l1 to be free",
            "the load balancer still belongs to endpoint service vpce-svc-1",
        ),
        (
            "the load balancer of VPC link l1 to be free",
            "no endpoint service has the load balancer any more",
        ),
    ]


def test_a_missing_permission_on_endpoint_services_is_reported(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": item(link())}
    fake.endpoint_services = [refusal("UnauthorizedOperation")]
    ran = run(**MINE)
    assert not ran.failed and "ec2:DescribeVpcEndpointServiceConfigurations" in ran.warnings[-1]
    fake.links = {"l1": item(link())}
    fake.endpoint_services = [refusal("InternalError")] * 9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _seconds: None)
        assert "Failed to describe endpoint services" in run(**MINE).result["msg"]


@pytest.mark.parametrize(("seconds", "gone"), [(29, 1), (29, 0), (0, 1)])
def test_requests_are_left_to_be_answered_only_when_a_link_goes(
    fake: FakeApiGateway, run: Runner, slept: list[float], seconds: int, gone: int
) -> None:
    fake.links = {"l1": item(link())} if gone else {}
    run(**MINE, drain_seconds=seconds)
    assert sum(slept) == seconds * gone


# Refusals


def test_full_quota_is_named_and_not_retried(fake: FakeApiGateway, run: Runner) -> None:
    fake.refusals["create_vpc_link"] = [refusal("LimitExceededException", "Maximum number of vpc links exceeded")]
    failed = run(**options())
    assert failed.failed
    assert "the quota of VPC links in this region (20 unless raised) is full" in failed.result["msg"]
    assert fake.changes == ["create_vpc_link"]


def test_throttling_is_retried(fake: FakeApiGateway, run: Runner, slept: list[float]) -> None:
    fake.refusals["create_vpc_link"] = [refusal("TooManyRequestsException")] * 3
    assert not run(**options()).failed
    assert fake.changes == ["create_vpc_link"] * 4 and len(slept) == 3


def test_other_errors_go_out_as_they_are(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = item(link())
    fake.refusals["delete_vpc_link"] = [refusal("BadRequestException", "no such luck")]
    assert "no such luck" in run(**MINE).result["msg"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (options({"name": "p", "ownership_tags": {}, "target_arn": NLB}), "links[0]: ownership_tags must hold"),
        (options({"name": "p", "ownership_tags": OWNER}), "links[0]: version 1 needs target_arn."),
        (options({"ownership_tags": OWNER}), "links[0]: version 1 needs name and target_arn."),
        ({**ONE_V2, "subnet_ids": []}, "links[0]: version 2 needs subnet_ids."),
        (
            {**ONE_V2, "subnet_ids": None, "security_group_ids": None},
            "links[0]: version 2 needs subnet_ids and security_group_ids.",
        ),
    ],
)
def test_bad_options_are_named_before_anything_is_looked_at(
    fake: FakeApiGateway, run: Runner, asked: Item, says: str
) -> None:
    assert says in run(**asked).result["msg"]
    assert fake.calls == []


# V2


def test_a_link_v2_is_made_at_its_place_and_is_idempotent(fake: FakeApiGateway, run: Runner) -> None:
    predicted = run(check=True, **ONE_V2).result
    assert (fake.changes, predicted["diff"]["after"]["petstore"]["subnet_ids"]) == ([], ["s2", "s1"])
    made = run(**ONE_V2).result
    assert told(made) == told(predicted) == ["CreateVpcLink petstore"]
    place = {"SubnetIds": ["s2", "s1"], "SecurityGroupIds": ["g1"]}
    assert ("create_vpc_link_v2", {"Name": "petstore", "Tags": OWNER, **place}) in fake.calls
    shown = {key: made["vpc_links"][0][key] for key in ("id", "status", "version", "subnet_ids", "security_group_ids")}
    assert shown == {
        "id": "v2-1",
        "status": "AVAILABLE",
        "version": "2",
        "subnet_ids": ["s2", "s1"],
        "security_group_ids": ["g1"],
    }
    again = run(**ONE_V2).result
    assert (again["changed"], fake.changes) == (False, [])


def test_links_v2_are_made_and_deleted_at_the_rates_that_aws_allows(
    fake: FakeApiGateway, run: Runner, slept: list[float]
) -> None:
    three = [{"name": f"l{n}", "ownership_tags": {"seam": str(n)}} for n in range(3)]
    run(**{**ONE_V2, "links": three})
    assert slept == pytest.approx([15, 30], abs=1)
    slept.clear()
    run(links=three, state="absent")
    assert slept == pytest.approx([30, 60], abs=1)
    assert fake.v2.links == {}


def test_name_and_tags_of_a_link_v2_are_kept(fake: FakeApiGateway, run: Runner) -> None:
    run(**ONE_V2, tags={"old": "x"})
    pets = {**ONE_V2, "links": [{"name": "pets", "ownership_tags": OWNER}]}
    result = run(**pets, tags={"team": "infra"}).result
    assert fake.changes == ["update_vpc_link_v2", "tag_resource_v2", "untag_resource_v2"]
    (kept,) = result["vpc_links"]
    assert (kept["name"], kept["tags"]) == ("pets", {**OWNER, "team": "infra"})


def test_a_link_v2_without_traffic_is_reported_and_replaced(fake: FakeApiGateway, run: Runner) -> None:
    idle = run(**ONE_V2).result["vpc_links"][0]["id"]
    fake.v2.links[idle]["VpcLinkStatus"] = "INACTIVE"
    ran = run(**ONE_V2)
    assert ran.warnings == [f"VPC link {idle} is INACTIVE: nothing went through it for 60 days"]
    assert ran.result["vpc_links"][0]["id"] != idle
    assert [old["id"] for old in ran.result["superseded"]] == [idle]


def test_absent_removes_links_of_both_versions_on_all_pages(
    fake: FakeApiGateway, run: Runner, slept: list[float]
) -> None:
    run(**options())
    run(**ONE_V2)
    run(**{**ONE_V2, "subnet_ids": ["s3"]})
    fake.v2.pages = 2
    run(**MINE)
    assert fake.links == fake.v2.links == {}


def test_a_link_that_both_apis_list_is_one_of_v2(fake: FakeApiGateway, run: Runner) -> None:
    made = run(**ONE_V2).result["vpc_links"][0]["id"]
    fake.links[made] = {"id": made, "name": "petstore", "status": "AVAILABLE", "tags": OWNER}
    assert not run(**ONE_V2).result["changed"]


# Diff


@pytest.mark.parametrize(
    ("found", "differing"),
    [
        (link(target=OTHER), {"target_arn": (OTHER, NLB)}),
        (link(status="FAILED"), {"status": ("FAILED", "AVAILABLE")}),
    ],
)
def test_diff_begins_with_the_link_whose_place_is_taken(
    fake: FakeApiGateway, run: Runner, found: Link, differing: Item
) -> None:
    fake.links["l1"] = item(found)
    diff = run(check=True, **options()).result["diff"]
    before, after = diff["before"]["petstore"], diff["after"]["petstore"]
    assert before.pop("id") == "l1"
    assert {
        key: (before.get(key), after.get(key)) for key in {*before, *after} if before.get(key) != after.get(key)
    } == differing


def test_diff_shows_purged_and_kept_links(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {
        "l1": item(link()),
        "l2": item(link("l2", target=OTHER)),
        "l3": item(link("l3", target=OTHER, name="x")),
    }
    diff = run(check=True, **options(purge_superseded=True)).result["diff"]
    assert (list(diff["before"]), list(diff["after"])) == (["petstore", "petstore (l2)", "x"], ["petstore"])


def test_diff_of_a_link_that_is_made_begins_with_nothing(fake: FakeApiGateway, run: Runner) -> None:
    fake.links["l1"] = item(link(status="DELETING"))
    assert run(check=True, **options()).result["diff"]["before"] == {}


# Two runs


def test_of_two_runs_at_once_the_one_whose_link_fails_takes_the_others(
    fake: FakeApiGateway, run: Runner, slept: list[float]
) -> None:
    fake.rivals = {"create_vpc_link"}
    fake.link_statuses = ["PENDING", "FAILED"]
    ran = run(**options())
    assert list(fake.links) == [ran.result["vpc_links"][0]["id"]]
    assert ran.result["vpc_links"][0]["id"].startswith("rival")


def test_a_link_that_was_there_and_fails_is_a_failure(fake: FakeApiGateway, run: Runner) -> None:
    fake.links = {"l1": item(link(status="PENDING"))}
    fake.link_statuses = ["PENDING", "FAILED"]
    failed = run(**options())
    assert failed.failed
    assert fake.changes == []
