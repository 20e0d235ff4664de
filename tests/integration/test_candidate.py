# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A definition that is wrong never reaches a user: changes while the API is called 50 times a second.

The tests of this module build on each other: a bad definition, a good one, and the way back to what was served before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import CHECKOUT, Lab, Run
from .crash import walk
from .load import LIMITS, load_of

API = "playbooks/infra/api.yml"
ROLLBACK = "playbooks/infra/rollback.yml"
DRIFT = "playbooks/infra/drift.yml"
EXPORT = CHECKOUT / "roles/apigw_vpclink/files/petstore-apigateway-export.json"
CALLS = [{"path": "/"}, {"path": "/user/login", "query": {"username": "mill", "password": "secret"}}]

Item = dict[str, Any]


@pytest.fixture(scope="module")
def lab(site: Lab) -> Iterator[Lab]:
    """With the limits that the load needs; at the end all is as it was found."""
    assert site.playbook(API, "--extra-vars", json.dumps(LIMITS)).returncode == 0
    yield site
    ended = site.playbook(API)
    assert ended.returncode == 0, ended.output


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Item:
    """The petstore's definition, which sends the root to a path that the backend doesn't have."""
    return definition(tmp_path_factory, "bad", {"/": "/nowhere"})


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Item:
    return definition(tmp_path_factory, "good", {"/": "/"})


def definition(folders: pytest.TempPathFactory, name: str, paths: dict[str, str]) -> Item:
    """Variables of a run with the petstore's definition, described by a name."""
    document = json.loads(EXPORT.read_text())
    document["info"]["description"] = name
    file = folders.mktemp(name) / "definition.json"
    file.write_text(json.dumps(document))
    return {"apigw_vpclink_definition_file": str(file), "apigw_vpclink_paths": paths, "apigw_vpclink_calls": CALLS}


def play(lab: Lab, playbook: str, *arguments: str, **variables: Any) -> Run:
    """A run that waits no longer than it takes to see that an answer stays as it is."""
    waits = {"apigw_vpclink_wait_timeout": 5}
    return lab.playbook(playbook, *arguments, "--extra-vars", json.dumps({**LIMITS, **waits, **variables}))


def under_load(lab: Lab, what: str, playbook: str, **variables: Any) -> Run:
    """Run a playbook while the API is called; no request may be lost."""
    with load_of(lab) as load:
        run = play(lab, playbook, **variables)
    print(f"figures: {what}: {load}")
    load.assert_lost_none()
    return run


def stages(lab: Lab) -> dict[str, Item]:
    client = lab.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    return {each["stageName"]: each for each in client.get_stages(restApiId=api["id"])["item"]}


def stage(lab: Lab) -> Item:
    return stages(lab)["prod"]


def plan_stages(lab: Lab) -> list[str]:
    (plan,) = lab.client("apigateway").get_usage_plans()["items"]
    return [each["stage"] for each in plan["apiStages"]]


def test_a_bad_definition_costs_no_request_and_leaves_the_stage_as_it_was(lab: Lab, bad: Item) -> None:
    before = stage(lab)
    run = under_load(lab, "bad definition", API, **bad)
    assert run.returncode != 0
    said = " ".join(run.output.split())
    assert "GET / got 404 (expected 200)" in said
    assert "The stage prod serves what it did before" in said
    assert (stages(lab), plan_stages(lab)) == ({"prod": before}, ["prod"])


def test_a_good_definition_costs_no_request(lab: Lab, good: Item) -> None:
    before, calls = stage(lab), len(lab.mutating_calls())
    run = under_load(lab, "good definition", API, **good)
    assert run.returncode == 0, run.output
    assert lab.mutating_calls()[calls:] == [
        f"apigateway:{operation}"
        for operation in (
            "PutRestApi",
            "CreateDeployment",
            "CreateStage",
            "UpdateUsagePlan",
            "UpdateStage",
            "UpdateUsagePlan",
            "DeleteStage",
        )
    ]
    assert (list(stages(lab)), plan_stages(lab)) == (["prod"], ["prod"])
    assert stage(lab)["deploymentId"] != before["deploymentId"]
    again = play(lab, API, **good)
    assert (again.returncode, again.changed) == (0, 0), again.output


def test_the_way_back_is_one_call_and_costs_no_request(lab: Lab, good: Item) -> None:
    """Until the document is mended the next run would go forward again, and the search for drift says so."""
    new, calls = stage(lab), len(lab.mutating_calls())
    predicted = play(lab, ROLLBACK, "--check")
    run = under_load(lab, "rollback", ROLLBACK)
    assert run.returncode == 0, run.output
    assert predicted.changed_tasks == run.changed_tasks
    assert lab.mutating_calls()[calls:] == ["apigateway:UpdateStage"]
    old = stage(lab)
    assert new["description"].startswith(f"before: deployment {old['deploymentId']} variables")
    assert (old["deploymentId"] != new["deploymentId"], old["variables"]) == (True, new["variables"])
    again = play(lab, ROLLBACK)
    assert (again.returncode, again.changed) == (0, 0), again.output
    found = play(lab, DRIFT, **good)
    assert "stage.definition_sha256 is" in found.output


def test_forward_again_is_tried_again(lab: Lab, good: Item) -> None:
    calls = len(lab.mutating_calls())
    run = under_load(lab, "forward again", API, **good)
    assert run.returncode == 0, run.output
    assert "apigateway:CreateDeployment" not in lab.mutating_calls()[calls:]
    assert lab.mutating_calls()[calls:].count("apigateway:CreateStage") == 1


def test_a_run_that_is_killed_leaves_nothing_that_the_next_does_not_remove(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One is killed when the candidate is made, one when the stage has moved, and one when the candidate is gone."""
    killed_at = walk(lab, API, after=True, stride=3, **LIMITS, **definition(tmp_path_factory, "third", {"/": "/"}))
    assert killed_at == [f"apigateway:{each}" for each in ("CreateStage", "UpdateUsagePlan", "DeleteStage")]
    assert (set(stages(lab)), plan_stages(lab)) == ({"prod"}, ["prod"])


def test_a_kept_candidate_is_there_to_look_at_and_goes_with_the_next_run(lab: Lab, good: Item, bad: Item) -> None:
    run = play(lab, API, **bad, apigw_vpclink_keep_candidate=True)
    assert run.returncode != 0
    assert "its candidate, which stays" in " ".join(run.output.split())
    assert (set(stages(lab)), plan_stages(lab)) == ({"prod", "prod-candidate"}, ["prod", "prod-candidate"])
    assert play(lab, DRIFT, **good).returncode != 0
    mended = play(lab, API, **good)
    assert mended.returncode == 0, mended.output
    assert (set(stages(lab)), plan_stages(lab)) == ({"prod"}, ["prod"])
