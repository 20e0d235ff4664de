# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS CLI in the lab: what the guides type, its waiters, pages, regions, forms of output and errors."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from tests.foreign import foreign_objects
from tests.foreign.conftest import Lab
from tests.running_lab import CHECKOUT, K8S_ROLE

#: EKS finds nothing out about a cluster in the lab, as its README says.
NOT_COVERED = "aws eks start-insights-refresh"


def guides() -> list[str]:
    """Every command of the AWS CLI that a guide shows at a prompt."""
    texts = [path.read_text() for path in sorted((CHECKOUT / "docs/docsite/rst").glob("*.rst"))]
    typed = [line for text in texts for line in re.findall(r"^ *\$ (aws .*?)(?: +#.*)?$", text, re.MULTILINE)]
    return [command for command in typed if not command.startswith(NOT_COVERED)]


@pytest.fixture(scope="module")
def account(lab: Lab) -> Lab:
    """An account with a cluster `petstore`, and with a resource of every other kind."""
    foreign_objects.make_beside(lab)
    lab.create_cluster("petstore")
    lab.client("eks").create_access_entry(clusterName="petstore", principalArn=K8S_ROLE)
    return lab


def aws(lab: Lab, *arguments: str) -> str:
    done = lab.run("aws", *arguments, identity="admin")
    assert done.returncode == 0, done.stderr
    return done.stdout


def found(lab: Lab, *arguments: str) -> Any:
    return json.loads(aws(lab, *arguments))


@pytest.mark.parametrize("command", guides())
def test_what_the_guides_type(command: str, account: Lab) -> None:
    """As infra, whose credentials the lab's ``env`` sets."""
    words = shlex.split(command)
    if "--profile" in words:
        profile = words.index("--profile")
        del words[profile : profile + 2]
    done = account.run(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout


WAITERS = {
    "cluster-active": ("eks", "--name", "petstore"),
    "load-balancer-available": ("elbv2", "--names", "petstore"),
    "load-balancer-exists": ("elbv2", "--names", "petstore"),
    "nat-gateway-available": ("ec2",),
    "role-exists": ("iam", "--role-name", "petstore-cluster"),
}


@pytest.mark.parametrize("waiter", WAITERS)
def test_what_is_there_is_not_waited_for(waiter: str, account: Lab) -> None:
    service, *arguments = WAITERS[waiter]
    assert aws(account, service, "wait", waiter, *arguments) == ""


def test_a_waiter_ends_when_it_can_not_come(account: Lab) -> None:
    done = account.run("aws", "eks", "wait", "cluster-active", "--name", "nobody")
    assert done.returncode != 0
    assert "Waiter ClusterActive failed" in done.stderr


PAGES = {
    "eks list-clusters": "clusters",
    "eks list-access-entries --cluster-name petstore": "accessEntries",
    "eks list-access-policies": "accessPolicies",
    "elbv2 describe-load-balancers": "LoadBalancers",
    "iam list-attached-role-policies --role-name seam-infra": "AttachedPolicies",
    "apigateway get-vpc-links": "items",
    "apigateway get-rest-apis": "items",
    "apigateway get-usage-plans": "items",
}


@pytest.mark.parametrize("command", PAGES)
def test_pages_are_the_whole(command: str, account: Lab) -> None:
    key, words = PAGES[command], command.split()
    whole = found(account, *words)[key]
    assert whole
    assert found(account, *words, "--page-size", "1")[key] == whole


def test_a_list_goes_on_where_it_ended(account: Lab) -> None:
    first = found(account, "eks", "list-clusters", "--max-items", "1")
    rest = found(account, "eks", "list-clusters", "--starting-token", first["NextToken"])
    assert first["clusters"] + rest["clusters"] == ["petstore", "shop"]


def test_another_region_has_its_own(account: Lab) -> None:
    elsewhere = ("--region", "eu-central-1")
    assert found(account, "eks", "list-clusters", *elsewhere)["clusters"] == []
    assert found(account, "apigateway", "get-rest-apis", *elsewhere)["items"] == []
    zones = found(account, "ec2", "describe-subnets", "--query", "Subnets[].AvailabilityZone", *elsewhere)
    assert {zone[:-1] for zone in zones} == {"eu-central-1"}


SHOWN = {
    "json": '"ACTIVE"',
    "text": "ACTIVE",
    "table": "|  ACTIVE ",
}


@pytest.mark.parametrize("form", SHOWN)
def test_forms_of_output(form: str, account: Lab) -> None:
    query = ("--query", "cluster.status" if form != "table" else "[cluster.status]")
    assert SHOWN[form] in aws(account, "eks", "describe-cluster", "--name", "petstore", *query, "--output", form)


REFUSED = {
    "eks describe-cluster --name nobody": (
        "An error occurred (ResourceNotFoundException) when calling the DescribeCluster operation: "
        "No cluster found for name: nobody."
    ),
    "apigateway get-rest-api --rest-api-id nobody": (
        "An error occurred (NotFoundException) when calling the GetRestApi operation: "
        "Invalid API identifier specified 123456789012:nobody"
    ),
    "elbv2 describe-load-balancers --names nobody": (
        "An error occurred (LoadBalancerNotFound) when calling the DescribeLoadBalancers operation: "
        "Load balancers '[nobody]' not found"
    ),
}


@pytest.mark.parametrize("command", REFUSED)
def test_refusals_are_aws_own(command: str, account: Lab) -> None:
    done = account.run("aws", *command.split())
    assert done.returncode != 0
    assert REFUSED[command] in done.stderr


def test_a_kubeconfig_is_made_as_the_k8s_team_makes_one(account: Lab) -> None:
    """In a file of its own: the lab's own is there already."""
    mine = str(account.folder / "mine")
    aws(account, "eks", "update-kubeconfig", "--name", "petstore", "--kubeconfig", mine, "--alias", "store")
    done = account.run("kubectl", "--kubeconfig", mine, "config", "current-context")
    assert done.stdout == "store\n"


def test_what_waits_for_a_deletion(account: Lab) -> None:
    """The last test of this module, as it takes the cluster `shop` away."""
    account.client("eks").delete_cluster(name="shop")
    assert aws(account, "eks", "wait", "cluster-deleted", "--name", "shop") == ""
    assert found(account, "eks", "list-clusters")["clusters"] == ["petstore"]
