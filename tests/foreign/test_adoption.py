# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody else made becomes ours when its owner says so: by its tag alone, and the next ordinary run does the rest.

The tests of this module build on each other.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.foreign import foreign_objects
from tests.foreign.foreign_objects import Described, play
from tests.integration.conftest import Lab
from tests.running_lab import eventually

ADOPT = "playbooks/bootstrap/adopt.yml"
DRIFT = "playbooks/infra/drift.yml"
FOUNDATION = "playbooks/infra/foundation.yml"
API = "playbooks/infra/api.yml"

OF_CLUSTER = {"seam.eks_auto/cluster": "petstore"}
OF_API = {"seam.eks_auto/api": "petstore"}
OF_CONTRACT = {"seam.eks_auto/contract": "petstore/petstore/vpclink"}
CLUSTER = [
    {"kind": "cluster", "id": "petstore"},
    {"kind": "iam_role", "id": "petstore-cluster"},
    {"kind": "iam_role", "id": "petstore-node"},
]
SHOP = "arn:aws:iam::123456789012:role/team-shop"
#: As infra's variables have the entries once the team of the shop is let in.
ENTRIES = {
    "eks_auto_cluster_access_entries": [
        {
            "principal_arn": "arn:aws:iam::123456789012:role/seam-k8s",
            "policies": [{"policy": "AmazonEKSClusterAdminPolicy"}],
        },
        {"principal_arn": SHOP, "policies": [{"policy": "AmazonEKSViewPolicy"}]},
    ]
}


def tags(of: dict[str, Any]) -> dict[str, str]:
    """Whatever spelling a service has for them."""
    found = of.get("tags", of.get("Tags", {}))
    return found if isinstance(found, dict) else {tag["Key"]: tag["Value"] for tag in found}


def without_tags(of: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in of.items() if key.lower() != "tags"}


def marked(before: Described, after: Described) -> dict[str, dict[str, str]]:
    """The tags that each resource got. Nothing else has changed."""
    got = {}
    for kind, objects in before.items():
        assert objects.keys() == after[kind].keys()
        for each, of in objects.items():
            now = after[kind][each]
            assert without_tags(now) == without_tags(of)
            if tags(now) != tags(of):
                got[each] = dict(tags(now).items() - tags(of).items())
    return got


@pytest.fixture(scope="module")
def cluster(lab: Lab) -> Lab:
    """An account with somebody's cluster on CONFIG_MAP, without Auto Mode, under the name and with the roles that are ours."""
    off = {"enabled": False}
    lab.create_cluster(
        "petstore",
        computeConfig=off,
        kubernetesNetworkConfig={"elasticLoadBalancing": off},
        storageConfig={"blockStorage": off},
        accessConfig={"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": False},
    )
    return lab


def refused(lab: Lab, adopt: list[dict[str, str]], *says: str) -> None:
    before = foreign_objects.describe(lab)
    run = play(lab, ADOPT, {"seam_adopt": adopt})
    assert run.returncode != 0, run.output
    words = " ".join(run.output.split())
    assert all(each in words for each in ("Nothing is adopted", *says)), run.output
    assert foreign_objects.describe(lab) == before


def test_one_refused_resource_stops_the_whole_adoption(cluster: Lab) -> None:
    iam = cluster.client("iam")
    holder = "services.k8s.aws/controller-version"
    iam.tag_role(RoleName="petstore-cluster", Tags=[{"Key": "seam.eks_auto/cluster", "Value": "shop"}])
    iam.tag_role(RoleName="petstore-node", Tags=[{"Key": holder, "Value": "iam-1.5.0"}])
    refused(
        cluster,
        [*CLUSTER, {"kind": "rest_api", "id": "nobody"}],
        "IAM role petstore-cluster has the tag seam.eks_auto/cluster=shop",
        "IAM role petstore-node belongs to a controller in Kubernetes (iam-1.5.0)",
        "There is no REST API nobody",
    )
    iam.untag_role(RoleName="petstore-cluster", TagKeys=["seam.eks_auto/cluster"])
    iam.untag_role(RoleName="petstore-node", TagKeys=[holder])


def test_cluster_and_roles_get_their_tag_and_nothing_else(cluster: Lab) -> None:
    before, named = foreign_objects.describe(cluster), {"seam_adopt": CLUSTER}
    checked = cluster.playbook(ADOPT, "--check", "--extra-vars", json.dumps(named))
    assert checked.changed == 1, checked.output
    assert foreign_objects.describe(cluster) == before
    run = play(cluster, ADOPT, named)
    assert run.returncode == 0, run.output
    after = foreign_objects.describe(cluster)
    assert marked(before, after) == dict.fromkeys(("petstore", "petstore-cluster", "petstore-node"), OF_CLUSTER)
    assert play(cluster, ADOPT, named).changed == 0


def test_infra_sees_what_the_next_run_changes_of_the_cluster(cluster: Lab) -> None:
    before = foreign_objects.describe(cluster)
    run = play(cluster, DRIFT, {"seam_drift_fails": False})
    assert run.returncode == 0, run.output
    assert "EKS cluster petstore: auto_mode is false, and should be true. Owner: infra." in run.output, run.output
    assert foreign_objects.describe(cluster) == before


def test_the_next_run_makes_it_what_infra_says(cluster: Lab) -> None:
    run = play(cluster, FOUNDATION, {})
    assert run.returncode == 0, run.output
    shown = cluster.client("eks").describe_cluster(name="petstore")["cluster"]
    assert shown["accessConfig"]["authenticationMode"] == "API_AND_CONFIG_MAP"
    assert shown["computeConfig"]["enabled"] is True
    again = play(cluster, FOUNDATION, {})
    assert (again.returncode, again.changed_tasks) == (0, []), again.output


def test_an_access_entry_is_refused_until_it_is_adopted(cluster: Lab) -> None:
    cluster.role("team-shop", "ec2.amazonaws.com")
    cluster.client("eks").create_access_entry(clusterName="petstore", principalArn=SHOP)
    assert f"The access entry of {SHOP}" in play(cluster, FOUNDATION, ENTRIES).output
    before = foreign_objects.describe(cluster)
    run = play(cluster, ADOPT, {"seam_adopt": [{"kind": "access_entry", "id": SHOP}]})
    assert run.returncode == 0, run.output
    assert marked(before, foreign_objects.describe(cluster)) == {f"petstore {SHOP}": OF_CLUSTER}
    converged = play(cluster, FOUNDATION, ENTRIES)
    assert (converged.returncode, converged.changed) == (0, 1), converged.output
    assert play(cluster, FOUNDATION, ENTRIES).changed == 0


def test_the_entry_that_eks_made_is_not_ours_to_take(cluster: Lab) -> None:
    node = "arn:aws:iam::123456789012:role/petstore-node"
    refused(cluster, [{"kind": "access_entry", "id": node}], f"The access entry of {node} is EKS's own.")


@pytest.fixture(scope="module")
def served(cluster: Lab) -> dict[str, str]:
    """An API that somebody made in front of the workload, with all that belongs to it, by kind."""
    assert play(cluster, "playbooks/k8s/workload.yml", {}).returncode == 0
    elb, gateway = cluster.client("elbv2"), cluster.client("apigateway")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    link = gateway.create_vpc_link(name="by hand", targetArns=[balancer["LoadBalancerArn"]])["id"]
    eventually(lambda: gateway.get_vpc_link(vpcLinkId=link)["status"], lambda status: status == "AVAILABLE")
    uri = f"http://{balancer['DNSName']}/"
    integration = {
        "type": "http_proxy",
        "httpMethod": "GET",
        "connectionType": "VPC_LINK",
        "connectionId": link,
        "uri": uri,
    }
    document = {
        "swagger": "2.0",
        "info": {"title": "by hand", "version": "1"},
        "paths": {"/": {"get": {"x-amazon-apigateway-integration": integration}}},
    }
    api = gateway.import_rest_api(body=json.dumps(document).encode())["id"]
    gateway.create_deployment(restApiId=api, stageName="prod")
    plan = gateway.create_usage_plan(name="by hand", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    key = gateway.create_api_key(name="by hand", enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    return {"vpc_link": link, "rest_api": api, "usage_plan": plan, "api_key": key}


def test_an_api_gets_its_tags_and_nothing_else(cluster: Lab, served: dict[str, str]) -> None:
    before = foreign_objects.describe(cluster)
    # The link by its load balancer, the key by its name.
    (target,) = cluster.client("apigateway").get_vpc_link(vpcLinkId=served["vpc_link"])["targetArns"]
    named = [{"kind": kind, "id": id_} for kind, id_ in {**served, "vpc_link": target, "api_key": "by hand"}.items()]
    run = play(cluster, ADOPT, {"seam_adopt": named})
    assert run.returncode == 0, run.output
    assert marked(before, foreign_objects.describe(cluster)) == {
        id_: OF_CONTRACT if kind == "vpc_link" else OF_API for kind, id_ in served.items()
    }
    shown = play(cluster, DRIFT, {"seam_drift_fails": False})
    assert "REST API petstore: " in shown.output and "usage plan petstore: " in shown.output, shown.output


def test_the_next_run_makes_it_what_the_definition_says(cluster: Lab, served: dict[str, str]) -> None:
    run = play(cluster, API, {})
    assert run.returncode == 0, run.output
    gateway = cluster.client("apigateway")
    assert [each["id"] for each in gateway.get_rest_apis()["items"]] == [served["rest_api"]]
    assert [each["id"] for each in gateway.get_vpc_links()["items"]] == [served["vpc_link"]]
    assert [each["id"] for each in gateway.get_api_keys()["items"]] == [served["api_key"]]
    again = play(cluster, API, {})
    assert (again.returncode, again.changed_tasks) == (0, []), again.output


def test_teardown_removes_adopted_resources(cluster: Lab, served: dict[str, str]) -> None:
    run = play(cluster, "playbooks/teardown.yml", {})
    assert run.returncode == 0, run.output
    left = foreign_objects.describe(cluster)
    kinds = ("clusters", "APIs", "usage plans", "API keys", "links", "load balancers")
    assert not any(left[kind] for kind in kinds), left
    assert list(left["roles"]) == ["team-shop"]
