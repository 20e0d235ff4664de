# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From VPC links V1 to V2 and back, while the API is called 50 times a second, and accidents to links V2 on the way.

The tests of this module build on each other: one API that moves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import faults
from lab.faults import Fault

from .conftest import TRIED_AND_MOVED, Lab, Run
from .load import LIMITS, Load, load_of

API = "playbooks/infra/api.yml"


@pytest.fixture(scope="module")
def lab(site: Lab) -> Iterator[Lab]:
    yield site
    as_before = site.playbook(API)
    assert as_before.returncode == 0, as_before.output


@pytest.fixture(scope="module")
def load(lab: Lab) -> Callable[[], Load]:
    """Makes the load on the site's API."""
    run = serve(lab, "1")
    assert run.returncode == 0, run.output
    return lambda: load_of(lab)


def serve(lab: Lab, version: str, **variables: Any) -> Run:
    return lab.playbook(API, "--extra-vars", json.dumps({**LIMITS, "apigw_vpclink_version": version, **variables}))


def links(lab: Lab) -> dict[str, list[str]]:
    """The status of all links, by version."""
    return {
        "1": [link["status"] for link in lab.client("apigateway").get_vpc_links()["items"]],
        "2": [link["VpcLinkStatus"] for link in lab.client("apigatewayv2").get_vpc_links()["Items"]],
    }


def changes_of_the_api(calls: list[str]) -> list[str]:
    return [call for call in calls if "VpcLink" in call or call in TRIED_AND_MOVED]


def assert_moves(lab: Lab, load: Callable[[], Load], version: str, operations: list[str]) -> None:
    before = len(lab.mutating_calls())
    with load() as under_way:
        run = serve(lab, version)
    assert run.returncode == 0, run.output
    print(f"figures: to links V{version}: {under_way}")
    under_way.assert_lost_none()
    assert changes_of_the_api(lab.mutating_calls()[before:]) == operations


def test_links_v2_can_be_tried_by_another_api_of_the_same_service(lab: Lab) -> None:
    assert links(lab) == {"1": ["AVAILABLE"], "2": []}
    run = serve(lab, "2", apigw_vpclink_name="trial")
    assert run.returncode == 0, run.output
    assert links(lab) == {"1": ["AVAILABLE"], "2": ["AVAILABLE"]}


def groups(lab: Lab) -> set[str]:
    """The security groups of links V2."""
    found = lab.client("ec2").describe_security_groups()["SecurityGroups"]
    return {each["GroupName"] for each in found if each["GroupName"].endswith("-vpc-link")}


def test_to_links_v2_no_request_is_lost(lab: Lab, load: Callable[[], Load]) -> None:
    operations = ["apigatewayv2:CreateVpcLink", *TRIED_AND_MOVED, "apigateway:DeleteVpcLink"]
    assert_moves(lab, load, "2", operations)
    assert links(lab) == {"1": [], "2": ["AVAILABLE", "AVAILABLE"]}
    assert groups(lab) == {"petstore-vpc-link", "trial-vpc-link"}


def test_of_two_apis_with_links_v2_one_goes_alone_with_its_link_and_security_group(lab: Lab) -> None:
    run = serve(lab, "2", apigw_vpclink_name="trial", apigw_vpclink_state="absent")
    assert run.returncode == 0, run.output
    assert (links(lab), groups(lab)) == ({"1": [], "2": ["AVAILABLE"]}, {"petstore-vpc-link"})


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


def test_a_lost_load_balancer_and_an_inactive_link_heal(lab: Lab, load: Callable[[], Load], tmp_path: Path) -> None:
    """Somebody deletes the load balancer, removes its Service without it, and makes it again; and the link became
    INACTIVE.
    """
    service = json.loads(lab.kubectl("get", "service", "vpclink", "--namespace=petstore", "--output=json").stdout)
    (lost,) = lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
    lab.client("elbv2").delete_load_balancer(LoadBalancerArn=lost["LoadBalancerArn"])
    make_anew(lab, service, tmp_path / "service.json")
    (asleep,) = lab.client("apigatewayv2").get_vpc_links()["Items"]
    faults.add(lab.folder, Fault("idle", count=1))
    before = len(lab.mutating_calls())
    with load() as under_way:
        run = serve(lab, "2")
    faults.clear(lab.folder)
    assert run.returncode == 0, run.output
    assert under_way.failed and under_way.first_served is not None
    print(
        f"figures: a lost load balancer: the API serves {under_way.first_served:.0f} s after the beginning of api.yml"
    )
    assert f"VPC link {asleep['VpcLinkId']} is INACTIVE: nothing went through it for 60 days" in run.output
    changes = ["apigatewayv2:CreateVpcLink", *TRIED_AND_MOVED, "apigatewayv2:DeleteVpcLink"]
    assert changes_of_the_api(lab.mutating_calls()[before:]) == changes
    assert links(lab) == {"1": [], "2": ["AVAILABLE"]}
    (balancer,) = lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
    (api,) = lab.client("apigateway").get_rest_apis()["items"]
    (stage,) = lab.client("apigateway").get_stages(restApiId=api["id"])["item"]
    assert stage["variables"]["nlbHost"] == balancer["DNSName"] != lost["DNSName"]


def make_anew(lab: Lab, service: dict[str, Any], path: Path) -> None:
    """Delete a Service without its load balancer (by removing the finalizer), and create it again."""
    metadata, here = service["metadata"], "--namespace=petstore"
    lab.kubectl(
        "patch", "service", metadata["name"], here, "--type=merge", '--patch={"metadata": {"finalizers": null}}'
    )
    lab.kubectl("delete", "service", metadata["name"], here)
    for key in ("uid", "resourceVersion", "finalizers"):
        del metadata[key]
    path.write_text(json.dumps({**service, "status": {}}))
    made = lab.kubectl("create", f"--filename={path}")
    assert made.returncode == 0, made.stderr


def test_back_to_links_v1_no_request_is_lost(lab: Lab, load: Callable[[], Load]) -> None:
    operations = ["apigateway:CreateVpcLink", *TRIED_AND_MOVED, "apigatewayv2:DeleteVpcLink"]
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
