# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing breaks the other team by accident: a dangerous change is refused first, then made in the right order.

The tests of this module build on each other: a second contract is joined to the site's API, and leaves it again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import CHECKOUT, Lab

FOUNDATION = "playbooks/infra/foundation.yml"
WORKLOAD = "playbooks/k8s/workload.yml"
API = "playbooks/infra/api.yml"
NEXT_SERVICE = "playbooks/k8s/next_service.yml"
SWITCH = "playbooks/infra/switch.yml"

SHOP = {"seam_namespace": "shop"}
BACKENDS: dict[str, Any] = {
    "apigw_vpclink_backends": [
        {"namespace": "petstore", "service": "vpclink", "base_path": "/api/v3"},
        {"namespace": "shop", "service": "vpclink", "base_path": "/api/v3", "path_prefix": "/user"},
    ]
}
API_ABSENT = {"apigw_vpclink_state": "absent"}
WORKLOAD_ABSENT = {"petstore_workload_state": "absent"}
CLUSTER_ABSENT = {"eks_auto_cluster_state": "absent"}
REPLACE = {"petstore_workload_allow_replacement": True}
WRONG = {"seam_namespace": "wrong"}

OURS = {"app.kubernetes.io/managed-by": "seam.eks_auto"}

check_mode_or_not = pytest.mark.parametrize("mode", [["--check"], []], ids=["check mode", "run"])


@pytest.fixture(scope="module")
def lab(site: Lab) -> Lab:
    return site


def play(lab: Lab, playbook: str, variables: dict[str, Any]) -> int:
    """Run a playbook that has to succeed. Returns the number of tasks that changed something."""
    run = lab.playbook(playbook, "--extra-vars", json.dumps(variables))
    assert run.returncode == 0, run.output
    return run.changed


def services(lab: Lab) -> Any:
    """All Services, with the versions that a change of any kind would count up."""
    return json.loads(lab.kubectl("get", "services", "--all-namespaces", "-o", "json").stdout)["items"]


@pytest.mark.parametrize("own", [True, False], ids=["the petstore's document", "another"])
def test_requests_that_write_are_sent_to_the_petstore_alone(lab: Lab, tmp_path: Path, own: bool) -> None:
    petstore = CHECKOUT / "roles/apigw_vpclink/files/petstore-apigateway-export.json"
    another = tmp_path / "another.json"
    another.write_text(petstore.read_text())
    definition = petstore if own else another
    run = lab.playbook(API, "--check", "--extra-vars", json.dumps({"apigw_vpclink_definition_file": str(definition)}))
    assert run.returncode == 0, run.output
    assert ("call | Send the requests" in run.output) == own


def assert_refused(lab: Lab, playbook: str, variables: dict[str, Any], mode: list[str], *says: str) -> None:
    calls, objects = lab.mutating_calls(), services(lab)
    run = lab.playbook(playbook, *mode, "--extra-vars", json.dumps(variables))
    assert run.returncode != 0, run.output
    words = " ".join(run.output.split())
    for each in says:
        assert each in words, run.output
    assert run.changed == 0, run.changed_tasks
    assert lab.mutating_calls() == calls
    assert services(lab) == objects


def link_to(lab: Lab, name: str) -> str:
    """The id of the VPC link of that name."""
    (found,) = [link["id"] for link in lab.client("apigateway").get_vpc_links()["items"] if link["name"] == name]
    return str(found)


def test_two_contracts_are_joined_to_one_api(lab: Lab) -> None:
    play(lab, WORKLOAD, SHOP)
    play(lab, API, BACKENDS)
    apigateway = lab.client("apigateway")
    (api,) = apigateway.get_rest_apis()["items"]
    (stage,) = apigateway.get_stages(restApiId=api["id"])["item"]
    assert stage["variables"]["vpcLinkId"] == link_to(lab, "petstore-petstore-vpclink")
    assert stage["variables"]["vpcLinkId2"] == link_to(lab, "petstore-shop-vpclink")
    resources = apigateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    (user,) = [resource for resource in resources if resource["path"] == "/user"]
    assert user["resourceMethods"]["POST"]["methodIntegration"]["connectionId"] == "${stageVariables.vpcLinkId2}"


def test_a_second_run_changes_nothing(lab: Lab) -> None:
    assert play(lab, API, BACKENDS) == 0


def test_check_mode_of_a_whole_teardown_knows_the_order_of_deletions(lab: Lab) -> None:
    before = lab.mutating_calls()
    run = lab.playbook("playbooks/teardown.yml", "--check", "--extra-vars", json.dumps(BACKENDS))
    assert run.returncode == 0, run.output
    assert lab.mutating_calls() == before


@check_mode_or_not
def test_a_service_whose_load_balancer_a_link_holds_is_not_removed(lab: Lab, mode: list[str]) -> None:
    link = link_to(lab, "petstore-petstore-vpclink")
    held = f"VPC link {link} (petstore-petstore-vpclink, AVAILABLE) holds the load balancer of Service petstore/vpclink"
    order = "playbooks/infra/api.yml with apigw_vpclink_state=absent"
    assert_refused(lab, WORKLOAD, WORKLOAD_ABSENT, mode, held, "Owner: infra", order)


def test_neither_is_a_namespace_with_such_a_service_of_another_name(lab: Lab) -> None:
    variables = {**WORKLOAD_ABSENT, "seam_service": "another"}
    assert_refused(lab, WORKLOAD, variables, [], "holds the load balancer of Service petstore/vpclink")


def test_of_two_apis_that_share_a_link_one_goes_alone(lab: Lab) -> None:
    """The link stays for the other one, which is told."""
    second = {"apigw_vpclink_name": "second"}
    play(lab, API, second)
    assert sorted(each["name"] for each in lab.client("apigateway").get_rest_apis()["items"]) == ["petstore", "second"]
    link, links = link_to(lab, "petstore-petstore-vpclink"), lab.client("apigateway").get_vpc_links()["items"]
    variables = json.dumps({**second, **API_ABSENT})
    predicted, gone, again = (lab.playbook(API, *mode, "--extra-vars", variables) for mode in (["--check"], [], []))
    stays = (
        f"VPC link {link} (petstore-petstore-vpclink) stays, as it is still used by stage prod of REST API petstore ("
    )
    for run in (predicted, gone, again):
        assert run.returncode == 0, run.output
        assert stays in " ".join(run.output.split()), run.output
    assert predicted.changed_tasks == gone.changed_tasks
    assert [task.partition(" | ")[2][:15] for task in gone.changed_tasks] == ["The usage plan ", "The API with it"]
    assert again.changed == 0, again.changed_tasks
    assert [each["name"] for each in lab.client("apigateway").get_rest_apis()["items"]] == ["petstore"]
    assert lab.client("apigateway").get_vpc_links()["items"] == links


def test_check_mode_of_a_teardown_knows_that_such_a_link_holds_the_load_balancer(lab: Lab) -> None:
    held = f"VPC link {link_to(lab, 'petstore-petstore-vpclink')} (petstore-petstore-vpclink, AVAILABLE) holds"
    assert_refused(lab, "playbooks/teardown.yml", {"apigw_vpclink_name": "second"}, ["--check"], held, "Owner: infra")


@check_mode_or_not
def test_a_cluster_with_load_balancers_is_not_removed(lab: Lab, mode: list[str]) -> None:
    says = ["EKS cluster petstore still has load balancers", "(Service petstore/vpclink)", "(Service shop/vpclink)"]
    assert_refused(lab, FOUNDATION, CLUSTER_ABSENT, mode, *says, "Owner: k8s")


@pytest.fixture(scope="module")
def balancer_of_another_scheme(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """ARN of the load balancer of the role's Service, to which somebody gave another scheme: it faces the internet."""
    ec2 = lab.client("ec2")
    public = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"] if subnet["MapPublicIpOnLaunch"]]
    ec2.create_tags(Resources=public, Tags=[{"Key": "kubernetes.io/role/elb", "Value": "1"}])
    annotation = {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "vpclink", "namespace": "wrong", "annotations": annotation, "labels": OURS},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": "eks.amazonaws.com/nlb", "ports": [{"port": 80}]},
    }
    path = tmp_path_factory.mktemp("manifests") / "service.json"
    path.write_text(json.dumps(service))
    lab.kubectl("create", "namespace", "wrong")
    made = lab.kubectl("apply", "-f", str(path))
    assert made.returncode == 0, made.stderr
    condition = "--for=jsonpath={.status.loadBalancer.ingress[0].hostname}"
    shown = lab.kubectl("-n", "wrong", "wait", condition, "service/vpclink", "--timeout=60s")
    assert shown.returncode == 0, shown.stderr
    found = lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
    (arn,) = [each["LoadBalancerArn"] for each in found if each["Scheme"] == "internet-facing"]
    return str(arn)


@check_mode_or_not
def test_a_load_balancer_is_not_replaced_unasked(lab: Lab, balancer_of_another_scheme: str, mode: list[str]) -> None:
    assert balancer_of_another_scheme
    says = ["scheme internet-facing where the role has", "set petstore_workload_allow_replacement=true"]
    assert_refused(lab, WORKLOAD, WRONG, mode, *says, "Owner: k8s")


def test_nor_is_one_that_a_link_holds_even_if_asked_for(lab: Lab, balancer_of_another_scheme: str) -> None:
    apigateway = lab.client("apigateway")
    link = apigateway.create_vpc_link(name="somebody's", targetArns=[balancer_of_another_scheme])["id"]
    try:
        assert_refused(lab, WORKLOAD, {**WRONG, **REPLACE}, [], f"VPC link {link} (somebody's", "Owner: infra")
    finally:
        apigateway.delete_vpc_link(vpcLinkId=link)


def test_it_is_replaced_when_asked_for(lab: Lab, balancer_of_another_scheme: str) -> None:
    assert play(lab, WORKLOAD, {**WRONG, **REPLACE}) > 0
    found = lab.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert balancer_of_another_scheme not in [each["LoadBalancerArn"] for each in found]
    assert {each["Scheme"] for each in found} == {"internal"}
    assert play(lab, WORKLOAD, WRONG) == 0


def test_in_the_right_order_all_of_it_goes(lab: Lab) -> None:
    """Also in the middle of a replacement, after the switch, with two links and two Services for one backend."""
    follows = {name: value for name, value in BACKENDS["apigw_vpclink_backends"][1].items() if name != "service"}
    variables = {**SHOP, "apigw_vpclink_backends": [BACKENDS["apigw_vpclink_backends"][0], follows]}
    stopped = lab.playbook(NEXT_SERVICE, SWITCH, "--extra-vars", json.dumps(variables))
    assert stopped.returncode == 0, stopped.output
    apigateway, elbv2 = lab.client("apigateway"), lab.client("elbv2")
    names = ["petstore-petstore-vpclink", "petstore-shop-vpclink", "petstore-shop-vpclink2"]
    assert sorted(each["name"] for each in apigateway.get_vpc_links()["items"]) == names
    absent = {**variables, **API_ABSENT, **WORKLOAD_ABSENT, "petstore_workload_create_namespace": False}
    gone, again = (lab.playbook(API, WORKLOAD, "--extra-vars", json.dumps(absent)) for _time in range(2))
    assert (gone.returncode, again.returncode, again.changed) == (0, 0, 0), gone.output + again.output
    assert apigateway.get_vpc_links()["items"] == apigateway.get_rest_apis()["items"] == []
    assert lab.kubectl("get", "services", "--namespace=shop", "--output=name").stdout == ""
    lab.kubectl("delete", "namespace", "shop")
    play(lab, WORKLOAD, {**WRONG, **WORKLOAD_ABSENT})
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1
    play(lab, API, {})
