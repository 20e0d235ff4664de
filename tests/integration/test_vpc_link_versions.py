# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From VPC links V1 to V2 and back, while the API is called 50 times a second.

The tests of this module build on each other: one API that moves.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import Lab, Run

API = "playbooks/infra/api.yml"
RATE = 50
#: More than the load needs.
LIMITS = {"apigw_vpclink_throttle": {"rate_limit": 1000, "burst_limit": 2000}}


class Load:
    """Calls a URL at a steady rate from the beginning of a ``with`` block to its end."""

    def __init__(self, url: str, key: str) -> None:
        self.url = urlsplit(url)
        self.key = key
        self.failed: list[str] = []
        self.sent = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send_all)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        self._thread.join()

    def _send_all(self) -> None:
        started = time.monotonic()
        with ThreadPoolExecutor(RATE) as pool:
            answers: list[Future[None]] = []
            while not self._ended.wait(max(0.0, started + self.sent / RATE - time.monotonic())):
                answers.append(pool.submit(self._send))
                self.sent += 1
        for answer in answers:
            answer.result()

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self.url.netloc, timeout=30)
        try:
            connection.request("GET", self.url.path, headers={"x-api-key": self.key})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                self.failed.append(f"{response.status} {body.decode()}")
        except OSError as error:
            self.failed.append(repr(error))
        finally:
            connection.close()


@pytest.fixture(scope="module")
def lab(site: Lab) -> Iterator[Lab]:
    yield site
    as_before = site.playbook(API)
    assert as_before.returncode == 0, as_before.output


@pytest.fixture(scope="module")
def load(lab: Lab) -> Any:
    """Makes the load on the site's API."""
    run = serve(lab, "1")
    assert run.returncode == 0, run.output
    client = lab.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    (key,) = client.get_api_keys(includeValues=True)["items"]
    return lambda: Load(f"{lab.facts['execute_api_url']}/{api['id']}/prod/", key["value"])


def serve(lab: Lab, version: str, **variables: Any) -> Run:
    return lab.playbook(API, "--extra-vars", json.dumps({**LIMITS, "apigw_vpclink_version": version, **variables}))


def links(lab: Lab) -> dict[str, list[str]]:
    """The status of all links, by version."""
    return {
        "1": [link["status"] for link in lab.client("apigateway").get_vpc_links()["items"]],
        "2": [link["VpcLinkStatus"] for link in lab.client("apigatewayv2").get_vpc_links()["Items"]],
    }


def changes_of_the_api(calls: list[str]) -> list[str]:
    return [call for call in calls if "Stage" in call or "VpcLink" in call]


def assert_moves(lab: Lab, load: Any, version: str, operations: list[str]) -> None:
    before = len(lab.mutating_calls())
    started = time.monotonic()
    with load() as under_way:
        run = serve(lab, version)
    assert run.returncode == 0, run.output
    seconds = time.monotonic() - started
    print(
        f"to links V{version}: {under_way.sent} requests in {seconds:.0f} s "
        f"({under_way.sent / seconds:.0f}/s), {len(under_way.failed)} failed"
    )
    assert under_way.failed == []
    assert under_way.sent >= RATE * seconds * 0.8
    assert changes_of_the_api(lab.mutating_calls()[before:]) == operations


def test_to_links_v2_no_request_is_lost(lab: Lab, load: Any) -> None:
    operations = ["apigatewayv2:CreateVpcLink", "apigateway:UpdateStage", "apigateway:DeleteVpcLink"]
    assert_moves(lab, load, "2", operations)
    assert links(lab) == {"1": [], "2": ["AVAILABLE"]}


def test_integrations_name_the_load_balancer_which_nothing_holds_any_more(lab: Lab) -> None:
    apigateway = lab.client("apigateway")
    (balancer,) = lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
    (api,) = apigateway.get_rest_apis()["items"]
    resources = apigateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    targets = {
        method["methodIntegration"].get("integrationTarget")
        for resource in resources
        for method in resource.get("resourceMethods", {}).values()
    }
    assert targets == {balancer["LoadBalancerArn"]}


def test_a_second_run_changes_nothing(lab: Lab) -> None:
    run = serve(lab, "2")
    assert (run.returncode, run.changed) == (0, 0), run.output


def test_back_to_links_v1_no_request_is_lost(lab: Lab, load: Any) -> None:
    operations = ["apigateway:CreateVpcLink", "apigateway:UpdateStage", "apigatewayv2:DeleteVpcLink"]
    assert_moves(lab, load, "1", operations)
    assert links(lab) == {"1": ["AVAILABLE"], "2": []}


def test_if_aws_puts_the_stage_into_the_path_the_call_at_the_end_says_what_to_set(lab: Lab) -> None:
    run = serve(lab, "2", apigw_vpclink_stage_in_path=False, apigw_vpclink_wait_timeout=3)
    assert run.returncode != 0
    words = " ".join(run.output.split())
    assert "got 404 (expected 200)" in words
    assert "Here the other is true, so set apigw_vpclink_stage_in_path: True" in words
    # The old link is still there for the way back.
    assert links(lab) == {"1": ["AVAILABLE"], "2": ["AVAILABLE"]}
