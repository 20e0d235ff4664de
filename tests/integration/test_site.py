# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job, in the order of its life: run, run again, use, tear down. (Check mode is molecule's, scenario `site`.)

The tests of this module build on each other: they are one life of one account. All of it is done as a user does it, far
from the checkout, with the collection installed from its tarball and the playbooks named in full.
"""

from __future__ import annotations

import functools
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import accelerator

from .conftest import Lab, Run

TEAMS = ("infra.foundation", "k8s.workload", "infra.api")
Playbook = Callable[..., Run]


def call(url: str, method: str, key: str | None = None, body: Any = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body is not None else None)
    if key:
        request.add_header("x-api-key", key)
    if body is not None:
        request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture(scope="module")
def as_a_user(lab: Lab, user_project: Path) -> Playbook:
    """Runs one of the collection's playbooks, from the user's folder."""

    def run(name: str, *arguments: str, **options: Any) -> Run:
        return lab.playbook(f"seam.eks_auto.{name}", *arguments, project=user_project, **options)

    return run


@pytest.fixture(scope="module")
def playbook(as_a_user: Playbook, user_project: Path) -> Iterator[Playbook]:
    """The same, sooner."""
    with accelerator.modules(user_project / "collections") as environment:
        yield functools.partial(as_a_user, environment=environment)


@pytest.fixture(scope="module")
def api(lab: Lab) -> tuple[str, str]:
    """URL of the API that site.yml made, and the value of its key."""
    client = lab.client("apigateway")
    (found,) = client.get_rest_apis()["items"]
    (key,) = client.get_api_keys(includeValues=True)["items"]
    return f"{lab.facts['execute_api_url']}/{found['id']}/prod", key["value"]


def test_in_an_empty_account_everything_is_missing(playbook: Playbook, user_project: Path) -> None:
    """The report is written where the user stands."""
    run = playbook("drift", "--extra-vars", "seam_drift_report=report.json")
    assert run.returncode != 0, run.output
    found = json.loads((user_project / "report.json").read_text())["drift"]
    assert {each["team"] for each in found} == {"infra", "k8s"}
    missing = {each["resource"] for each in found if each["before"] == "missing"}
    assert {"EKS cluster petstore", "load balancer of petstore/vpclink", "VPC links", "REST API petstore"} <= missing
    assert [each["message"] for each in found if each["before"] == "not known"] == []


def test_an_empty_account_becomes_a_served_api(playbook: Playbook, as_a_user: Playbook) -> None:
    """With links V2 the foundation would make a link, and a security group for it, before there is a load balancer."""
    predicted = playbook("site", "--check", "--extra-vars", "apigw_vpclink_version=2")
    assert predicted.returncode == 0, predicted.output
    run = as_a_user("site")
    assert run.returncode == 0, run.output
    more = (
        "seam.eks_auto.apigw_vpclink : network | A security group for the links, which lets requests out and nothing in"
    )
    stands_for = {"Predict what the API server can't be asked about yet": "Apply the manifests"}
    tasks = [
        prefix + bar + stands_for.get(task, task)
        for prefix, bar, task in (each.partition("| ") for each in predicted.changed_tasks)
    ]
    assert sorted(tasks) == sorted([*run.changed_tasks, more])


@pytest.mark.parametrize("name", TEAMS)
def test_a_second_run_by_each_team_changes_nothing(lab: Lab, playbook: Playbook, name: str) -> None:
    before = lab.mutating_calls()
    run = playbook(name)
    assert run.returncode == 0, run.output
    assert run.changed == 0, run.changed_tasks
    assert lab.mutating_calls() == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 200),
        ("PUT", "/pet", {"id": 7, "name": "Mill"}, 200),
        ("POST", "/user", {"id": 7, "username": "mill"}, 200),
        ("GET", "/user/login?username=mill&password=secret", None, 200),
        ("GET", "/store", None, 403),
    ],
)
def test_the_api_answers(api: tuple[str, str], method: str, path: str, body: Any, status: int) -> None:
    url, key = api
    assert call(url + path, method, key, body)[0] == status


def test_what_was_sent_reached_the_workload(api: tuple[str, str]) -> None:
    url, key = api
    assert json.loads(call(url + "/pet", "PUT", key, {"id": 9, "name": "Nine"})[1])["name"] == "Nine"


def test_without_the_key_the_pet_is_refused(api: tuple[str, str]) -> None:
    assert call(api[0] + "/pet", "PUT", None, {"id": 7, "name": "Mill"})[0] == 403


def test_the_load_balancer_is_what_auto_mode_makes(lab: Lab) -> None:
    client = lab.client("elbv2")
    (balancer,) = client.describe_load_balancers()["LoadBalancers"]
    assert (balancer["Scheme"], balancer["Type"], balancer["State"]["Code"]) == ("internal", "network", "active")
    (description,) = client.describe_tags(ResourceArns=[balancer["LoadBalancerArn"]])["TagDescriptions"]
    tags = {tag["Key"]: tag["Value"] for tag in description["Tags"]}
    assert tags["eks:eks-cluster-name"] == "petstore"
    assert tags["service.eks.amazonaws.com/stack"] == "petstore/vpclink"
    (group,) = client.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    health = client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    assert [(each["Target"]["Port"], each["TargetHealth"]["State"]) for each in health] == [(8080, "healthy")] * 2


def test_the_k8s_team_sees_its_workload(lab: Lab) -> None:
    run = lab.kubectl(
        "-n", "petstore", "get", "service", "vpclink", "-o", "jsonpath={.status.loadBalancer.ingress[0].hostname}"
    )
    (balancer,) = lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert run.stdout == balancer["DNSName"], run.stderr


def test_aws_refuses_what_would_break_the_seam(lab: Lab) -> None:
    elbv2 = lab.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    with pytest.raises(elbv2.exceptions.ClientError, match="currently associated with another service"):
        elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])


def test_teardown_leaves_nothing(lab: Lab, playbook: Playbook) -> None:
    """Starts in the middle of a replacement, when the way back is closed."""
    steps = ("seam.eks_auto.infra.switch", "seam.eks_auto.infra.remove_link")
    stopped = playbook("k8s.next_service", *steps)
    assert stopped.returncode == 0, stopped.output
    assert len(lab.client("elbv2").describe_load_balancers()["LoadBalancers"]) == 2
    run = playbook("teardown")
    assert run.returncode == 0, run.output
    apigateway = lab.client("apigateway")
    assert apigateway.get_rest_apis()["items"] == []
    assert apigateway.get_vpc_links()["items"] == []
    assert apigateway.get_usage_plans()["items"] == []
    assert apigateway.get_api_keys()["items"] == []
    elbv2 = lab.client("elbv2")
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert elbv2.describe_target_groups()["TargetGroups"] == []
    assert lab.client("eks").list_clusters()["clusters"] == []
    roles = lab.client("iam").list_roles()["Roles"]
    assert [role["RoleName"] for role in roles if role["RoleName"].startswith("petstore-")] == []
    ec2 = lab.client("ec2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "tag-key", "Values": ["kubernetes.io/role/internal-elb"]}])
    assert subnets["Subnets"] == []
    assert [each["GroupName"] for each in ec2.describe_security_groups()["SecurityGroups"]] == ["default"]


def test_teardown_of_nothing_changes_nothing(playbook: Playbook) -> None:
    run = playbook("teardown")
    assert run.returncode == 0, run.output
    assert run.changed == 0, run.changed_tasks
