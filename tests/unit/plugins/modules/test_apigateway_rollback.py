# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigateway_rollback: what a stage is put back on, and when it can't be."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.modules import apigateway_rollback as module
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import (
    FakeApiGateway,
    Item,
    Runner,
    told,
)

OWNER = {"seam": "petstore"}
OPTIONS: Item = {"ownership_tags": OWNER, "stage_name": "prod"}
BEFORE = 'before: deployment old variables {"gone": "1", "vpcLinkId": "link1"}'


@pytest.fixture
def fake() -> FakeApiGateway:
    """A stage that was moved from one deployment and link to others, all of which are there."""
    fake = FakeApiGateway()
    fake.apis = {"api": {"id": "api", "name": "petstore", "tags": OWNER}}
    fake.deployments = {name: {"id": name} for name in ("old", "new")}
    fake.links = {name: {"id": name, "name": name, "status": "AVAILABLE"} for name in ("link1", "link2")}
    variables = {"vpcLinkId": "link2", "more": "2"}
    stage = {"stageName": "prod", "deploymentId": "new", "variables": variables, "description": BEFORE}
    fake.stages = {"prod": stage, "other": {"stageName": "other", "deploymentId": "new"}}
    return fake


@pytest.fixture
def run(fake: FakeApiGateway, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(module.main, fake, capsys)


def test_deployment_and_variables_by_one_call(fake: FakeApiGateway, run: Runner) -> None:
    predicted = run(check=True, **OPTIONS).result
    assert fake.changes == []
    result = run(**OPTIONS).result
    assert fake.changes == ["update_stage"]
    assert told(result) == told(predicted) == ["UpdateStage prod"]
    assert result["diff"] == predicted["diff"]
    assert result["diff"]["after"] == {
        "deployment_id": "old",
        "variables": {"gone": "1", "vpcLinkId": "link1"},
        "canary": {},
    }
    assert (result["stage"]["deployment_id"], result["stage"]["variables"]) == (
        "old",
        {"gone": "1", "vpcLinkId": "link1"},
    )


def test_twice_is_once(fake: FakeApiGateway, run: Runner) -> None:
    run(**OPTIONS)
    again = run(**OPTIONS).result
    assert (again["changed"], fake.changes) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"]


def test_a_canary_ends_and_its_stage_stays(fake: FakeApiGateway, run: Runner) -> None:
    fake.stages["prod"]["canarySettings"] = {"deploymentId": "old", "percentTraffic": 10.0}
    result = run(**OPTIONS).result
    assert (result["stage"]["deployment_id"], "canary_settings" in result["stage"]) == ("new", False)
    assert result["diff"]["after"] == {**result["diff"]["before"], "canary": {}}


def remove_link(fake: FakeApiGateway) -> None:
    del fake.links["link1"]


def fail_link(fake: FakeApiGateway) -> None:
    fake.links["link1"]["status"] = "FAILED"


def remove_deployment(fake: FakeApiGateway) -> None:
    del fake.deployments["old"]


def describe_by_hand(fake: FakeApiGateway) -> None:
    fake.stages["prod"]["description"] = "Production"


def remove_stage(fake: FakeApiGateway) -> None:
    del fake.stages["prod"]


def disown(fake: FakeApiGateway) -> None:
    fake.apis["api"]["tags"] = {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_link, "VPC link link1, which stage prod used before, is gone."),
        (fail_link, "VPC link link1, which stage prod used before, is gone."),
        (remove_deployment, "Deployment old, which stage prod served before, is gone."),
        (describe_by_hand, "It is not known what stage prod served before"),
        (remove_stage, "stage_name: REST API api has no stage prod"),
        (disown, "ownership_tags: no REST API carries"),
    ],
)
def test_there_is_no_way_back(
    fake: FakeApiGateway, run: Runner, change: t.Callable[[FakeApiGateway], None], message: str
) -> None:
    change(fake)
    refused = run(**OPTIONS)
    assert refused.failed
    assert message in refused.result["msg"]
    assert fake.changes == []


@pytest.mark.parametrize(("option", "value"), [("stage_name", "pr\u00f6d"), ("ownership_tags", {})])
def test_bad_options(fake: FakeApiGateway, run: Runner, option: str, value: t.Any) -> None:
    refused = run(**{**OPTIONS, option: value})
    assert refused.result["msg"].startswith(f"{option}: ")
    assert fake.calls == []
