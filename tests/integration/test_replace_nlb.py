# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another load balancer in the place of the one that serves, while the API is called 50 times a second.

The tests of this module build on each other: step by step as far as the switch, and all of it back by one command.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from .conftest import TRIED_AND_MOVED, Lab, Run
from .load import LIMITS, load_of

REPLACE = "playbooks/replace_nlb.yml"
NEXT_SERVICE = "playbooks/k8s/next_service.yml"
CANARY = "playbooks/infra/canary.yml"
API = "playbooks/infra/api.yml"
WORKLOAD = "playbooks/k8s/workload.yml"
SWITCH = "playbooks/infra/switch.yml"
REMOVE_LINK = "playbooks/infra/remove_link.yml"
REMOVE_SERVICE = "playbooks/k8s/remove_service.yml"

#: The way back: the two names have changed places.
BACK = {"seam_service": "vpclink2", "seam_next_service": "vpclink"}
PERCENT = 20


@pytest.fixture(scope="module")
def lab(site: Lab) -> Iterator[Lab]:
    limit(site, "1000", "2000")
    yield site
    limit(site, "50", "100")


def limit(lab: Lab, rate: str, burst: str) -> None:
    """Set how many requests the usage plan lets through."""
    client = lab.client("apigateway")
    (plan,) = client.get_usage_plans()["items"]
    values = {"/throttle/rateLimit": rate, "/throttle/burstLimit": burst}
    patch = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    client.update_usage_plan(usagePlanId=plan["id"], patchOperations=patch)


def play(lab: Lab, *playbooks: str, **variables: Any) -> Run:
    return lab.playbook(*playbooks, "--extra-vars", json.dumps({**LIMITS, **variables}))


def under_load(lab: Lab, what: str, *playbooks: str, **variables: Any) -> Run:
    """Run playbooks while the API is called; no request may be lost."""
    with load_of(lab) as load:
        run = play(lab, *playbooks, **variables)
    assert run.returncode == 0, run.output
    print(f"figures: {what}: {load}")
    load.assert_lost_none()
    return run


def stage(lab: Lab) -> dict[str, Any]:
    client = lab.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    (found,) = client.get_stages(restApiId=api["id"])["item"]
    return {"api": api["id"], **found}


def links(lab: Lab) -> dict[str, str]:
    """The ID of each link, by the Service of its contract."""
    found = lab.client("apigateway").get_vpc_links()["items"]
    return {link["tags"]["seam.eks_auto/contract"].rpartition("/")[2]: link["id"] for link in found}


def services(lab: Lab) -> set[str]:
    found = json.loads(lab.kubectl("get", "services", "--namespace=petstore", "--output=json").stdout)["items"]
    return {each["metadata"]["name"] for each in found if each["spec"]["type"] == "LoadBalancer"}


def calls(lab: Lab) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (lab.folder / "calls.jsonl").read_text().splitlines()]


def who_asked_kubernetes(lab: Lab) -> set[str]:
    return {each["user"]["username"].split("/")[1] for each in lab.asked_of_kubernetes()}


@pytest.mark.parametrize(
    ("playbook", "variables", "says"),
    [
        (REPLACE, {"seam_next_service": "vpclink"}, "seam_next_service: vpclink is the Service that serves now"),
        (REMOVE_LINK, {}, "is still used by stage prod of REST API petstore"),
        (REMOVE_SERVICE, {}, "infra points the API at another Service (playbooks/infra/switch.yml)"),
    ],
)
def test_what_would_break_the_api_is_refused(lab: Lab, playbook: str, variables: dict[str, Any], says: str) -> None:
    before = lab.mutating_calls()
    run = play(lab, playbook, **variables)
    assert run.returncode != 0
    assert says in " ".join(run.output.split())
    assert (lab.mutating_calls(), services(lab)) == (before, {"vpclink"})


def test_each_team_does_its_steps_alone_and_only_a_share_of_the_requests_moves_first(lab: Lab) -> None:
    before = len(lab.mutating_calls())
    share = {"apigw_vpclink_canary_percent": PERCENT, "apigw_vpclink_canary_seconds": 2}
    under_load(lab, "next Service and canary", NEXT_SERVICE, CANARY, **share)
    assert lab.mutating_calls()[before:] == ["apigateway:CreateVpcLink", *TRIED_AND_MOVED]
    now = stage(lab)
    assert now["variables"]["vpcLinkId"] == links(lab)["vpclink"]
    assert now["canarySettings"]["percentTraffic"] == PERCENT
    assert now["canarySettings"]["stageVariableOverrides"]["vpcLinkId"] == links(lab)["vpclink2"]


def test_the_share_is_as_large_as_asked_for(lab: Lab) -> None:
    """Cut the canary's path for a moment: the requests that fail are its share."""
    set_canarys_link(lab, "nowhere")
    load = load_of(lab)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: load.send(), range(500)))
    set_canarys_link(lab, links(lab)["vpclink2"])
    share = 100 * len(load.failed) / 500
    print(f"figures: canary of {PERCENT} %: {share:.0f} % of 500 requests went its way")
    # Five standard deviations of 500 throws.
    assert abs(share - PERCENT) < 9


def set_canarys_link(lab: Lab, link: str) -> None:
    path = "/canarySettings/stageVariableOverrides/vpcLinkId"
    patch = [{"op": "replace", "path": path, "value": link}]
    api = stage(lab)["api"]
    lab.client("apigateway").update_stage(restApiId=api, stageName="prod", patchOperations=patch)


def test_the_switch_is_one_update_of_the_stage_once_it_was_tried(lab: Lab) -> None:
    before = len(lab.mutating_calls())
    under_load(lab, "switch", SWITCH)
    assert lab.mutating_calls()[before:] == TRIED_AND_MOVED
    now = stage(lab)
    assert now["variables"]["vpcLinkId"] == links(lab)["vpclink2"]
    assert "canarySettings" not in now


def test_one_command_takes_it_back_and_goes_on_where_it_was_stopped(lab: Lab) -> None:
    """The way back includes workload.yml and api.yml under the names that then hold. Those change nothing."""
    before = len(calls(lab))
    under_load(lab, "switch back", SWITCH, **BACK)
    run = under_load(lab, "the rest of the way back", REPLACE, **BACK)
    assert run.changed_tasks == [
        "seam.eks_auto.apigw_vpclink : remove_link | Remove it",
        "seam.eks_auto.petstore_workload : delete_service | Delete the load balancer's Service, and wait until Auto Mode "
        "has let go of it",
    ]
    assert "Set seam_service to vpclink and seam_next_service to vpclink2 in group_vars/all.yml" in run.output
    assert (set(links(lab)), services(lab)) == ({"vpclink"}, {"vpclink"})
    assert len(lab.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 1
    times = {call["operation"]: datetime.fromisoformat(call["time"]) for call in calls(lab)[before:]}
    assert (times["DeleteVpcLink"] - times["UpdateStage"]).total_seconds() >= 2


@pytest.mark.parametrize("playbook", ["site.yml", "playbooks/drift.yml", API, WORKLOAD])
def test_until_the_names_have_changed_places_a_run_says_so(lab: Lab, playbook: str) -> None:
    """And does not go back to the load balancer that served before."""
    before = lab.mutating_calls()
    run = play(lab, playbook, **BACK)
    assert run.returncode != 0
    says = "the Service vpclink has taken the place of vpclink2, and the inventory does not say so"
    assert says in " ".join(run.output.split())
    assert (lab.mutating_calls(), services(lab)) == (before, {"vpclink"})


def test_neither_team_did_the_others_work(lab: Lab) -> None:
    changing = {call["caller"] for call in calls(lab) if call["mutating"]}
    assert [each for each in changing if "/seam-k8s/" in each] == []
    assert who_asked_kubernetes(lab) == {"seam-k8s"}
