# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""drift.yml sees manual changes, and the ordinary playbooks mend them with these calls and no others.

The tests of this module build on each other: more and more drifts, until site.yml mends them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Lab, Run

FOUNDATION, API, WORKLOAD = ("playbooks/infra/foundation.yml", "playbooks/infra/api.yml", "playbooks/k8s/workload.yml")
POLICIES = "arn:aws:eks::aws:cluster-access-policy"
ADMIN_POLICY, VIEW_POLICY = f"{POLICIES}/AmazonEKSClusterAdminPolicy", f"{POLICIES}/AmazonEKSViewPolicy"
ANNOTATION = "service.beta.kubernetes.io/aws-load-balancer-healthcheck-path"
#: One of those that infra may let in.
READER = "team-reader"
ON, OFF = {"enabled": True}, {"enabled": False}

#: Injected drifts, and the findings about them.
COUNTS: dict[str, int] = {"injected": 0, "seen": 0}

Item = dict[str, Any]


class Hand:
    """Somebody with all rights, and a console."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        names = ("ec2", "iam", "eks", "apigateway", "elbv2")
        self.ec2, self.iam, self.eks, self.apigateway, self.elbv2 = (lab.client(name) for name in names)
        (self.api,) = (api["id"] for api in self.apigateway.get_rest_apis()["items"])
        (self.link,) = self.apigateway.get_vpc_links()["items"]
        (self.balancer,) = self.elbv2.describe_load_balancers()["LoadBalancers"]
        self.reader = self.iam.create_role(RoleName=READER, AssumeRolePolicyDocument=trust("ec2"))["Role"]["Arn"]
        (self.k8s,) = self.eks.list_access_entries(clusterName="petstore")["accessEntries"][-1:]

    def update_cluster(self, **settings: Any) -> None:
        update = self.eks.update_cluster_config(name="petstore", **settings)["update"]
        while update["status"] == "InProgress":
            update = self.eks.describe_update(name="petstore", updateId=update["id"])["update"]
        assert update["status"] == "Successful", update

    def replace(self, path: str, value: str) -> None:
        patch = [{"op": "replace", "path": path, "value": value}]
        self.apigateway.update_stage(restApiId=self.api, stageName="prod", patchOperations=patch)

    def kubectl(self, *arguments: str) -> None:
        run = self.lab.kubectl("--namespace=petstore", *arguments)
        assert run.returncode == 0, run.stderr


def trust(*services: str) -> str:
    principal = {"Service": [f"{service}.amazonaws.com" for service in services]}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def lab(site: Lab) -> Lab:
    return site


@pytest.fixture(scope="module")
def hand(lab: Lab) -> Iterator[Hand]:
    hand = Hand(lab)
    yield hand
    if hand.reader in hand.eks.list_access_entries(clusterName="petstore")["accessEntries"]:
        hand.eks.delete_access_entry(clusterName="petstore", principalArn=hand.reader)
    hand.iam.delete_role(RoleName=READER)
    for deployment in hand.apigateway.get_deployments(restApiId=hand.api)["items"]:
        if deployment.get("description") == "by hand":
            hand.apigateway.delete_deployment(restApiId=hand.api, deploymentId=deployment["id"])


@pytest.fixture(scope="module")
def variables(hand: Hand) -> str:
    """Like the inventory, plus an entry that somebody has removed."""
    admin = {"principal_arn": hand.k8s, "policies": [{"policy": "AmazonEKSClusterAdminPolicy", "scope": "cluster"}]}
    view = {"principal_arn": hand.reader, "policies": [{"policy": "AmazonEKSViewPolicy", "scope": "cluster"}]}
    return json.dumps({"eks_auto_cluster_access_entries": [admin, view], "apigw_vpclink_drain_seconds": 0})


@pytest.fixture(scope="module")
def search(lab: Lab, variables: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs a search for drift, which must change nothing; returns the run and its report."""
    report = tmp_path_factory.mktemp("drift") / "report.json"

    def run(playbook: str) -> tuple[Run, list[Item]]:
        before, patched = lab.mutating_calls(), changes_in_kubernetes(lab)
        finished = lab.playbook(playbook, "--extra-vars", variables, "--extra-vars", f"seam_drift_report={report}")
        assert (lab.mutating_calls(), changes_in_kubernetes(lab)) == (before, patched), finished.output
        found: list[Item] = json.loads(report.read_text())["drift"]
        # Each in one line at the end.
        assert all(each["message"] in finished.output for each in found), finished.output
        return finished, found

    return run


def changes_in_kubernetes(lab: Lab) -> list[str]:
    """The teams' requests to Kubernetes that change something; dry runs don't count."""
    return [
        f"{event['verb']} {event['requestURI']}"
        for event in lab.changes_asked_of_kubernetes("seam-k8s")
        if event["stage"] == "ResponseComplete" and "dryRun=All" not in event["requestURI"]
    ]


def assert_seen(found: list[Item], expected: list[tuple[str, str, str, str | None]]) -> None:
    """All of the expected (team, resource, setting, playbook that mends it), and nothing else."""
    seen = [(each["team"], each["resource"], each["setting"], each["playbook"]) for each in found]
    assert sorted(seen, key=str) == sorted(expected, key=str), found


def inject_first(hand: Hand) -> list[tuple[str, str, str, str | None]]:
    """Returns the expected findings."""
    names = ("seam.eks_auto/subnet-of/petstore", "seam.eks_auto/private-subnets-of")
    subnets = hand.ec2.describe_subnets(Filters=[{"Name": "tag-key", "Values": [names[0]]}])["Subnets"]
    (table,) = hand.ec2.describe_route_tables(Filters=[{"Name": "tag-key", "Values": [names[1]]}])["RouteTables"]
    subnet, role_tag = subnets[0]["SubnetId"], "kubernetes.io/role/internal-elb"
    hand.ec2.delete_tags(Resources=[subnet], Tags=[{"Key": role_tag}])
    gateway = hand.ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    everywhere = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    hand.ec2.create_route(RouteTableId=table["RouteTableId"], **everywhere)
    hand.iam.detach_role_policy(
        RoleName="petstore-cluster", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSBlockStoragePolicyV2"
    )
    hand.iam.update_assume_role_policy(RoleName="petstore-node", PolicyDocument=trust("ec2", "lambda"))
    compute = {"enabled": True, "nodePools": ["system"], "nodeRoleArn": hand.reader.replace(READER, "petstore-node")}
    network = {"elasticLoadBalancing": ON}
    hand.update_cluster(computeConfig=compute, kubernetesNetworkConfig=network, storageConfig={"blockStorage": ON})
    hand.update_cluster(resourcesVpcConfig={"endpointPublicAccess": True, "endpointPrivateAccess": False})
    entry = {"clusterName": "petstore", "principalArn": hand.k8s}
    scope = {"type": "namespace", "namespaces": ["petstore"]}
    hand.eks.associate_access_policy(**entry, policyArn=ADMIN_POLICY, accessScope=scope)
    hand.eks.associate_access_policy(**entry, policyArn=VIEW_POLICY, accessScope={"type": "cluster"})
    foundation = [
        (f"subnet {subnet}", f"tags.{role_tag}"),
        (f"route table {table['RouteTableId']}", "routes.0.0.0.0/0"),
        ("IAM role petstore-cluster", "managed_policies"),
        ("IAM role petstore-node", "trust.Statement"),
        ("EKS cluster petstore", "node_pools"),
        ("EKS cluster petstore", "endpoint_private_access"),
        (f"access entry {hand.k8s}", f"policies.{ADMIN_POLICY}.type"),
        (f"access entry {hand.k8s}", f"policies.{ADMIN_POLICY}.namespaces"),
        (f"access entry {hand.k8s}", f"policies.{VIEW_POLICY}"),
        (f"access entry {hand.reader}", ""),
    ]
    workload = inject_into_kubernetes(hand)
    return [
        *(("infra", *each, FOUNDATION) for each in foundation),
        *(("infra", *each, API) for each in inject_into_the_api(hand)),
        *(("k8s", *each, WORKLOAD) for each in workload),
        ("k8s", "Service vpclink", "spec.loadBalancerSourceRanges", None),
    ]


def inject_into_kubernetes(hand: Hand) -> list[tuple[str, str]]:
    hand.kubectl("set", "image", "deployment/petstore", "petstore=swaggerapi/petstore3:1.0.19")
    hand.kubectl("scale", "deployment/petstore", "--replicas=1")
    hand.kubectl("annotate", "service", "vpclink", "--overwrite", f"{ANNOTATION}=/elsewhere")
    port = {"name": "http", "port": 81, "targetPort": 8080, "protocol": "TCP"}
    spec = {"selector": {"app": "other"}, "ports": [port], "loadBalancerSourceRanges": ["10.9.0.0/16"]}
    hand.kubectl("patch", "service", "vpclink", "--type=merge", f"--patch={json.dumps({'spec': spec})}")
    return [
        ("Deployment petstore", "spec.template.spec.containers"),
        ("Deployment petstore", "spec.replicas"),
        ("Service vpclink", f"metadata.annotations.{ANNOTATION}"),
        ("Service vpclink", "spec.selector.app"),
        ("Service vpclink", "spec.ports"),
    ]


def inject_into_the_api(hand: Hand) -> list[tuple[str, str]]:
    resources = hand.apigateway.get_resources(restApiId=hand.api)["items"]
    (pet,) = (each["id"] for each in resources if each["path"] == "/pet")
    patch = [{"op": "replace", "path": "/apiKeyRequired", "value": "false"}]
    hand.apigateway.update_method(restApiId=hand.api, resourceId=pet, httpMethod="PUT", patchOperations=patch)
    hand.replace("/variables/nlbHost", "elsewhere.example.com")
    (plan,) = hand.apigateway.get_usage_plans()["items"]
    (key,) = hand.apigateway.get_api_keys()["items"]
    limits = {"/throttle/rateLimit": "10", "/quota/limit": "5"}
    patch = [{"op": "replace", "path": path, "value": value} for path, value in limits.items()]
    hand.apigateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=patch)
    patch = [{"op": "replace", "path": "/enabled", "value": "false"}]
    hand.apigateway.update_api_key(apiKey=key["id"], patchOperations=patch)
    hand.apigateway.delete_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"])
    return [
        ("REST API petstore", "methods.PUT /pet.api_key_required"),
        ("REST API petstore", "stage.variables.nlbHost"),
        ("usage plan petstore", "usage_plan.throttle.rate_limit"),
        ("usage plan petstore", "usage_plan.quota.limit"),
        ("usage plan petstore", "api_key.enabled"),
        ("usage plan petstore", "api_key_in_usage_plan"),
    ]


def test_manual_changes_are_reported_with_the_team_that_mends_them(hand: Hand, search: Any) -> None:
    expected = inject_first(hand)
    run, found = search("playbooks/drift.yml")
    assert run.returncode != 0, run.output
    assert_seen(found, expected)
    COUNTS["injected"] += len(expected)
    COUNTS["seen"] += len(found)


def test_what_no_playbook_mends_is_refused_in_the_same_words(hand: Hand, lab: Lab) -> None:
    before = changes_in_kubernetes(lab)
    run = lab.playbook(WORKLOAD)
    assert (run.returncode, changes_in_kubernetes(lab)) == (2, before), run.output
    assert "loadBalancerSourceRanges of Service petstore/vpclink (10.9.0.0/16) shut out" in " ".join(run.output.split())
    hand.kubectl("patch", "service", "vpclink", "--type=merge", '--patch={"spec": {"loadBalancerSourceRanges": null}}')


def test_what_is_worse_is_seen_by_the_team_alone(hand: Hand, search: Any) -> None:
    """Auto Mode off, the link deleted for one to another load balancer that is FAILED, an edit deployed, a public subnet."""
    network = {"elasticLoadBalancing": OFF}
    hand.update_cluster(computeConfig=OFF, kubernetesNetworkConfig=network, storageConfig={"blockStorage": OFF})
    zones = [zone["SubnetId"] for zone in hand.balancer["AvailabilityZones"]]
    hand.replace("/variables/vpcLinkId", "none")
    hand.apigateway.delete_vpc_link(vpcLinkId=hand.link["id"])
    other = hand.link["targetArns"][0].replace("/net/", "/net/other-")
    hand.apigateway.create_vpc_link(name=hand.link["name"], targetArns=[other], tags=hand.link["tags"])
    hand.apigateway.create_deployment(restApiId=hand.api, stageName="prod", description="by hand")
    tables = hand.ec2.describe_route_tables()["RouteTables"]
    association = next(each for table in tables for each in table["Associations"] if each.get("SubnetId") == zones[0])
    public = hand.ec2.create_route_table(VpcId=hand.balancer["VpcId"])["RouteTable"]["RouteTableId"]
    gateway = hand.ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    hand.ec2.create_route(RouteTableId=public, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    moved = {"AssociationId": association["RouteTableAssociationId"], "RouteTableId": public}
    moved_to = hand.ec2.replace_route_table_association(**moved)["NewAssociationId"]

    run, found = search("playbooks/infra/drift.yml")
    assert run.returncode != 0, run.output
    expected = {
        ("VPC and subnets of petstore", "", None),
        ("EKS cluster petstore", "auto_mode", FOUNDATION),
        ("EKS cluster petstore", "node_pools", FOUNDATION),
        ("VPC links", "petstore-petstore-vpclink.target_arn", API),
        ("VPC links", "petstore-petstore-vpclink.status", API),
        ("REST API petstore", "stage.variables.vpcLinkId", API),
        ("REST API petstore", "stage.definition_sha256", API),
    }
    assert expected <= {(each["resource"], each["setting"], each["playbook"]) for each in found}, found
    assert f"vpc_tagging_private: somebody associated {zones[0]} with a route table" in found[0]["message"]
    COUNTS["injected"] += len(expected)
    COUNTS["seen"] += len(expected)

    back = hand.ec2.replace_route_table_association(AssociationId=moved_to, RouteTableId=association["RouteTableId"])
    assert back["NewAssociationId"]
    hand.ec2.delete_route_table(RouteTableId=public)


def test_the_ordinary_playbooks_mend_all_with_these_calls(hand: Hand, variables: str, lab: Lab) -> None:
    before = len(lab.mutating_calls())
    run = lab.playbook("site.yml", "--extra-vars", variables)
    assert run.returncode == 0, run.output
    assert lab.mutating_calls()[before:] == [
        "ec2:DeleteRoute",
        "ec2:CreateTags",
        "iam:AttachRolePolicy",
        "iam:UpdateAssumeRolePolicy",
        "eks:UpdateClusterConfig",
        "eks:UpdateClusterConfig",
        "eks:AssociateAccessPolicy",
        "eks:DisassociateAccessPolicy",
        "eks:CreateAccessEntry",
        "eks:AssociateAccessPolicy",
        "apigateway:DeleteVpcLink",
        "apigateway:CreateVpcLink",
        "apigateway:PutRestApi",
        "apigateway:CreateStage",
        "apigateway:UpdateUsagePlan",
        "apigateway:UpdateUsagePlan",
        "apigateway:UpdateApiKey",
        "apigateway:CreateUsagePlanKey",
        "apigateway:UpdateStage",
        "apigateway:UpdateUsagePlan",
        "apigateway:DeleteStage",
    ]


def test_then_there_is_none(search: Any) -> None:
    run, found = search("playbooks/drift.yml")
    assert (run.returncode, found) == (0, []), run.output
    print(f"figures: drifts: {COUNTS['injected']} injected, {COUNTS['seen']} seen, all mended")
