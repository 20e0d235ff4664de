# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift, from the results of the roles' modules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.filter.drift import FilterModule

drift = FilterModule().filters()["drift"]


def changed(before: Any, after: Any, **more: Any) -> dict[str, Any]:
    return {"changed": True, "diff": {"before": before, "after": after}, **more}


def settings(result: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(each["setting"], each["before"], each["after"]) for each in drift(result, "it")]


@pytest.mark.parametrize(
    "result",
    [{}, {"changed": False, "skipped": True}, {"results": []}, {**changed({"a": 1}, {"a": 2}), "changed": False}],
)
def test_what_would_not_change_has_not_drifted(result: dict[str, Any]) -> None:
    assert drift(result, "it") == []


def test_each_setting_is_one_entry() -> None:
    before = {"quota": {"limit": 5, "period": "DAY"}, "stages": ["a"], "old": 1, "name": "n"}
    after = {"quota": {"limit": 9, "period": "DAY"}, "stages": ["b"], "name": "n"}
    assert settings(changed(before, after)) == [("old", 1, None), ("quota.limit", 5, 9), ("stages", ["a"], ["b"])]


def test_it_is_said_in_a_sentence() -> None:
    (entry,) = drift(changed({"a": None, "b": 1}, {"a": "x", "b": 1}), "plan")
    assert entry["message"] == "plan: a is nothing, and should be x."
    (entry,) = drift(changed({"a": True}, {"a": ["x"]}), "plan")
    assert entry["message"] == 'plan: a is true, and should be ["x"].'


def test_what_is_not_there_is_one_entry() -> None:
    (entry,) = drift(changed({}, {"a": 1, "b": 2}, name="l"), "link {name}")
    assert (entry["resource"], entry["setting"]) == ("link l", "")
    assert entry["message"] == "link l is missing, and should be there."


def test_what_amazons_modules_would_make_is_missing() -> None:
    assert settings({"changed": True, "item": {"name": "petstore-node"}}) == [("", "missing", "there")]


def test_calls_show_changes_missing_from_the_diff() -> None:
    actions = [{"action": "DeleteVpcLink", "subject": "l1"}, {"action": "TagResource"}]
    assert settings(changed({"id": 1}, {"id": 2}, actions=actions)) == [
        ("", "as it is", "DeleteVpcLink l1, TagResource")
    ]
    assert settings({"changed": True}) == [("", "as it is", "changed")]


def test_of_a_loop_each_is_named() -> None:
    loop = {"results": [changed({"a": 1}, {"a": 2}, item={"name": name}) for name in "xy"]}
    assert [each["resource"] for each in drift(loop, "role {item[name]}")] == ["role x", "role y"]


def test_of_kubernetes_each_object_is_named_and_its_version_is_left_out() -> None:
    before = {"metadata": {"generation": 1, "labels": {"a": "b"}}}
    after = {"metadata": {"generation": 2, "labels": {"a": "c"}}}
    single = changed(before, after, result={"kind": "Service", "metadata": {"name": "s"}})
    (entry,) = drift({"changed": True, "result": {"results": [single]}}, "{result[kind]} {result[metadata][name]}")
    assert (entry["resource"], entry["setting"]) == ("Service s", "metadata.labels.a")


def test_tags() -> None:
    assert settings({"changed": True, "tags": {"a": "1"}, "added_tags": {"b": "2"}}) == [("tags.b", None, "2")]


def test_a_role_may_have_more_policies_but_no_other_trust() -> None:
    policies = [{"policy_name": "A"}, {"policy_name": "Own"}]
    role = {"attached_policies": policies, "assume_role_policy_document": {"Statement": []}}
    item = {"policies": ["B", "A"], "trust": {"Statement": [1]}}
    assert settings({"changed": True, "iam_role": role, "item": item}) == [
        ("managed_policies", ["A"], ["A", "B"]),
        ("trust.Statement", [], [1]),
    ]


def test_a_route_table_that_would_be_made_is_missing() -> None:
    result = {"changed": True, "route_table": {"tags": {}}, "item": {"routes": [], "subnets": ["a"]}}
    assert settings(result) == [("", "missing", "there")]


def test_a_route_table() -> None:
    routes = [
        {"destination_cidr_block": "10.0.0.0/16", "gateway_id": "local"},
        {"destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1"},
        {"destination_ipv6_cidr_block": "::/0", "gateway_id": "igw-1"},
    ]
    table = {"routes": routes, "associations": [{"subnet_id": "b"}, {"main": True}]}
    item = {"routes": [{"dest": "0.0.0.0/0", "gateway_id": "nat-1"}], "subnets": ["b", "a"]}
    assert settings({"changed": True, "route_table": table, "item": item}) == [
        ("routes.0.0.0.0/0", "igw-1", "nat-1"),
        ("routes.::/0", "igw-1", None),
        ("subnets", ["b"], ["a", "b"]),
    ]
