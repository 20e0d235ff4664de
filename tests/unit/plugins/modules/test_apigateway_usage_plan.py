# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigateway_usage_plan: the plan's branches, and main()'s calls to AWS."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.modules import apigateway_usage_plan as module
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import (
    FakeApiGateway,
    Item,
    Runner,
    told,
)

OWNER = {"seam": "petstore/petstore/vpclink"}
OPTIONS: Item = {
    "name": "petstore",
    "ownership_tags": OWNER,
    "api_stages": [{"api_id": "api1", "stage": "prod"}],
    "throttle": {"rate_limit": 50, "burst_limit": 100},
    "quota": {"limit": 1000, "period": "MONTH"},
}


@pytest.fixture
def fake() -> FakeApiGateway:
    return FakeApiGateway()


@pytest.fixture
def run(fake: FakeApiGateway, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(module.main, fake, capsys)


def test_creates_all_and_is_idempotent(fake: FakeApiGateway, run: Runner) -> None:
    predicted = run(check=True, **OPTIONS).result
    assert (fake.changes, predicted["changed"]) == ([], True)
    made = run(**OPTIONS).result
    expected = ["CreateUsagePlan petstore", "CreateApiKey petstore", "CreateUsagePlanKey petstore"]
    assert told(made) == told(predicted) == expected
    assert made["api_key"] == {"id": "key2", "name": "petstore", "enabled": True}
    assert made["usage_plan"]["quota"] == {"limit": 1000, "period": "MONTH", "offset": 0}
    assert made["usage_plan"]["api_stages"] == [{"api_id": "api1", "stage": "prod"}]
    assert fake.keys["key2"]["tags"] == fake.plans["plan1"]["tags"] == OWNER
    assert fake.plan_keys == {"plan1": ["key2"]}
    again = run(**OPTIONS).result
    assert (again["changed"], fake.changes) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"]


def test_key_value_never_shows(fake: FakeApiGateway, run: Runner) -> None:
    for _ in range(2):
        assert "secret-value" not in str(run(**OPTIONS).result)


def test_all_changes_of_the_plan_are_one_call(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    changed = {
        **OPTIONS,
        "description": "For pets",
        "api_stages": [{"api_id": "api2", "stage": "prod"}],
        "throttle": {"rate_limit": 0.5, "burst_limit": 100},
        "quota": {"limit": 10, "period": "WEEK", "offset": 6},
    }
    result = run(**changed).result
    assert told(result) == ["UpdateUsagePlan plan1"]
    patch = next(arguments for operation, arguments in fake.calls if operation == "update_usage_plan")[
        "patchOperations"
    ]
    assert patch == [
        {"op": "replace", "path": "/description", "value": "For pets"},
        {"op": "replace", "path": "/throttle/rateLimit", "value": "0.5"},
        {"op": "replace", "path": "/quota/limit", "value": "10"},
        {"op": "replace", "path": "/quota/period", "value": "WEEK"},
        {"op": "replace", "path": "/quota/offset", "value": "6"},
        {"op": "remove", "path": "/apiStages", "value": "api1:prod"},
        {"op": "add", "path": "/apiStages", "value": "api2:prod"},
    ]
    assert run(**changed).result["changed"] is False


def test_unset_settings_are_left(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    assert run(name="petstore", ownership_tags=OWNER).result["changed"] is False


def test_minimal_plan(fake: FakeApiGateway, run: Runner) -> None:
    run(name="petstore", ownership_tags=OWNER, api_key_name="client")
    assert fake.plans["plan1"] == {"id": "plan1", "name": "petstore", "tags": OWNER}
    assert fake.keys["key2"]["name"] == "client"


@pytest.mark.parametrize(
    ("damage", "actions"),
    [
        (lambda fake: fake.keys["key2"].update(enabled=False), ["UpdateApiKey key2"]),
        (lambda fake: fake.keys["key2"].update(name="renamed"), ["UpdateApiKey key2"]),
        (lambda fake: fake.plan_keys["plan1"].clear(), ["CreateUsagePlanKey petstore"]),
        (lambda fake: fake.plans["plan1"]["apiStages"].clear(), ["UpdateUsagePlan plan1"]),
        (lambda fake: fake.plans["plan1"].pop("throttle"), ["UpdateUsagePlan plan1"]),
        (lambda fake: fake.plans.clear(), ["CreateUsagePlan petstore", "CreateUsagePlanKey petstore"]),
        (
            lambda fake: (fake.keys.clear(), fake.plan_keys.clear()),
            ["CreateApiKey petstore", "CreateUsagePlanKey petstore"],
        ),
    ],
)
def test_mends(
    fake: FakeApiGateway, run: Runner, damage: t.Callable[[FakeApiGateway], t.Any], actions: list[str]
) -> None:
    run(**OPTIONS)
    damage(fake)
    assert told(run(**OPTIONS).result) == actions
    assert run(**OPTIONS).result["changed"] is False


def test_tags_of_both(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    result = run(**OPTIONS, tags={"team": "infra"}).result
    assert told(result) == ["TagResource /usageplans/plan1", "TagResource /apikeys/key2"]
    assert fake.keys["key2"]["tags"] == {**OWNER, "team": "infra"}


def test_other_tags_are_purged_unless_told_not_to_and_ownership_never(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS, tags={"team": "infra"})
    assert run(**OPTIONS).result["changed"] is False
    assert run(**OPTIONS, tags={}, purge_tags=False).result["changed"] is False
    result = run(**OPTIONS, tags={}).result
    assert told(result) == ["UntagResource /usageplans/plan1", "UntagResource /apikeys/key2"]
    assert fake.keys["key2"]["tags"] == fake.plans["plan1"]["tags"] == OWNER


def test_actions_have_the_request(fake: FakeApiGateway, run: Runner) -> None:
    make_plan, make_key, join = run(**OPTIONS).result["actions"]
    assert make_plan["request"]["api_stages"] == OPTIONS["api_stages"]
    assert make_plan["request"]["throttle"] == OPTIONS["throttle"]
    assert make_key["request"] == {"name": "petstore", "enabled": True, "tags": OWNER}
    assert join["request"] == {"key_type": "API_KEY"}


def test_absent_takes_apart_in_order(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    fake.keys["foreign"] = {"id": "foreign", "name": "petstore", "enabled": True}
    gone: Item = {"ownership_tags": OWNER, "state": "absent"}
    predicted = run(check=True, **gone).result
    result = run(**gone).result
    expected = ["DeleteUsagePlanKey key2", "UpdateUsagePlan plan1", "DeleteUsagePlan plan1", "DeleteApiKey key2"]
    assert told(result) == told(predicted) == expected
    assert (fake.plans, set(fake.keys)) == ({}, {"foreign"})
    assert (result["usage_plan"], result["api_key"]) == ({}, {})
    assert run(**gone).result["changed"] is False


def test_absent_after_a_half_removal(fake: FakeApiGateway, run: Runner) -> None:
    fake.keys["key2"] = {"id": "key2", "name": "petstore", "enabled": True, "tags": OWNER}
    assert told(run(ownership_tags=OWNER, state="absent").result) == ["DeleteApiKey key2"]


def test_absent_of_a_plan_without_stages(fake: FakeApiGateway, run: Runner) -> None:
    run(name="petstore", ownership_tags=OWNER)
    expected = ["DeleteUsagePlanKey key2", "DeleteUsagePlan plan1", "DeleteApiKey key2"]
    assert told(run(ownership_tags=OWNER, state="absent").result) == expected


def test_two_owned_keys_are_named(fake: FakeApiGateway, run: Runner) -> None:
    for key in ("k2", "k1"):
        fake.keys[key] = {"id": key, "name": "petstore", "enabled": True, "tags": OWNER}
    assert "2 API keys with the same ownership tags: k1, k2" in run(**OPTIONS).result["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"throttle": {"rate_limit": -1, "burst_limit": 1}}, "throttle.rate_limit: -1.0 is not a number of 0 or more."),
        ({"throttle": {"rate_limit": 1, "burst_limit": -1}}, "throttle.burst_limit: -1 is not a number of 0 or more."),
        ({"quota": {"limit": 0, "period": "DAY"}}, "quota.limit: 0 is not a number greater than 0."),
        ({"quota": {"limit": 1, "period": "DAY", "offset": 1}}, "quota.offset: 1 is not between 0 and 0."),
        ({"quota": {"limit": 1, "period": "WEEK", "offset": 7}}, "quota.offset: 7 is not between 0 and 6."),
        ({"quota": {"limit": 1, "period": "YEAR"}}, "value of period must be one of"),
        ({"ownership_tags": {}}, "ownership_tags: must hold at least one tag."),
    ],
)
def test_bad_options_end_in_one_error_before_any_call(
    fake: FakeApiGateway, run: Runner, options: Item, message: str
) -> None:
    failed = run(**{**OPTIONS, **options})
    assert failed.failed
    assert message in failed.result["msg"]
    assert fake.calls == []


@pytest.mark.parametrize("stages", [None, [{"api_id": "api1", "stage": "prod"}]])
def test_of_two_runs_at_once_one_takes_its_plan_and_key_back(
    fake: FakeApiGateway, run: Runner, monkeypatch: pytest.MonkeyPatch, stages: t.Any
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    fake.rivals = {"create_usage_plan", "create_api_key"}
    options = {key: value for key, value in OPTIONS.items() if key != "api_stages"}
    made = run(**options, **({"api_stages": stages} if stages else {})).result
    assert list(fake.plans) == [made["usage_plan"]["id"]]
    assert list(fake.keys) == [made["api_key"]["id"]]
    assert fake.plan_keys[made["usage_plan"]["id"]] == [made["api_key"]["id"]]
