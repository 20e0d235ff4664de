# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other people have in an account: made by its administrator, described in full, compared by id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.integration.conftest import Lab, Run
from tests.running_lab import K8S_ROLE, RunningLab, eventually

#: Kind of resource → its id → all that AWS says of it.
Described = dict[str, dict[str, Any]]

#: What AWS counts or notes by itself.
_COUNTED = {"AvailableIpAddressCount", "RoleLastUsed", "ResponseMetadata"}


def play(lab: Lab, playbook: str, variables: dict[str, Any]) -> Run:
    return lab.playbook(playbook, "--extra-vars", json.dumps(variables))


def make_beside(lab: RunningLab) -> None:
    """One of each kind that the playbooks make: under their own names where AWS lets two have the same, else under others.

    None has a tag of this collection, but for those that another cluster of it has.
    """
    ec2, gateway = lab.client("ec2"), lab.client("apigateway")
    others = [{"Key": "seam.eks_auto/private-subnets-of", "Value": "shop"}]
    named = [{"Key": "Name", "Value": "petstore"}]
    first, second, third, _ = lab.subnets()
    ec2.create_tags(Resources=[first, third], Tags=[{"Key": "kubernetes.io/role/internal-elb", "Value": "1"}])
    ec2.create_tags(Resources=[second], Tags=[{"Key": "team", "Value": "network"}])
    vpc = ec2.describe_subnets(SubnetIds=[first])["Subnets"][0]["VpcId"]

    for tags in (named, others):
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=_tagged("route-table", tags))["RouteTable"]
    ec2.associate_route_table(RouteTableId=table["RouteTableId"], SubnetId=third)
    for tags in (named, others):
        address = ec2.allocate_address(Domain="vpc", TagSpecifications=_tagged("elastic-ip", tags))
    ec2.create_nat_gateway(
        SubnetId=third, AllocationId=address["AllocationId"], TagSpecifications=_tagged("natgateway", others)
    )
    group = ec2.create_security_group(GroupName="petstore", Description="The shop's", VpcId=vpc)["GroupId"]

    cluster = lab.create_cluster("shop")["name"]
    lab.client("eks").create_access_entry(clusterName=cluster, principalArn=K8S_ROLE)
    link = _link(lab, "petstore-petstore-vpclink")
    lab.client("apigatewayv2").create_vpc_link(Name="petstore", SubnetIds=[first, second], SecurityGroupIds=[group])

    private = {"connectionType": "VPC_LINK", "connectionId": link, "uri": "http://shop.example.com/"}
    integration = {"type": "http_proxy", "httpMethod": "GET", **private}
    get = {"x-amazon-apigateway-integration": integration, "security": [{"api_key": []}]}
    document = {
        "swagger": "2.0",
        "info": {"title": "petstore", "description": "The shop's", "version": "1"},
        "securityDefinitions": {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}},
        "paths": {"/": {"get": get}},
    }
    api = gateway.import_rest_api(body=json.dumps(document).encode())["id"]
    gateway.create_deployment(restApiId=api, stageName="prod")
    plan = gateway.create_usage_plan(name="petstore", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    key = gateway.create_api_key(name="petstore", enabled=True)["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")


def describe(lab: RunningLab) -> Described:
    """All of the account's resources of the playbooks' kinds, except the teams' own roles."""
    found = {**_ec2(lab), **_iam(lab), **_eks(lab), **_elb(lab), **_api_gateway(lab)}
    return {kind: {each: _without_counts(of) for each, of in objects.items()} for kind, objects in found.items()}


def changes(before: Described, after: Described) -> dict[str, Any]:
    """What was before and is gone or another since, by kind and id. A subnet may get tags, and lose none that it had."""
    changed = {}
    for kind, objects in before.items():
        for each, description in objects.items():
            now = after[kind].get(each)
            if kind == "subnets" and now:
                now = {**now, "Tags": [tag for tag in now["Tags"] if tag in description["Tags"]]}
            if now != description:
                changed[f"{kind} {each}"] = {"before": description, "after": now}
    return changed


def _tagged(resource: str, tags: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"ResourceType": resource, "Tags": tags}]


def _link(lab: RunningLab, name: str) -> str:
    """A link V1 to a load balancer of nobody's cluster."""
    elb, gateway = lab.client("elbv2"), lab.client("apigateway")
    balancer = elb.create_load_balancer(Name="petstore", Type="network", Scheme="internal", Subnets=lab.subnets()[:2])[
        "LoadBalancers"
    ][0]["LoadBalancerArn"]
    eventually(
        lambda: elb.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]["State"]["Code"],
        lambda code: code == "active",
    )
    link = gateway.create_vpc_link(name=name, targetArns=[balancer])["id"]
    eventually(lambda: gateway.get_vpc_link(vpcLinkId=link)["status"], lambda status: status == "AVAILABLE")
    return str(link)


def _by(key: str, objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {each[key]: each for each in objects}


def _ec2(lab: RunningLab) -> Described:
    ec2 = lab.client("ec2")
    gateways = ec2.describe_nat_gateways()["NatGateways"]
    subnets = [{**each, "Tags": each.get("Tags", [])} for each in ec2.describe_subnets()["Subnets"]]
    return {
        "subnets": _by("SubnetId", subnets),
        "route tables": _by("RouteTableId", ec2.describe_route_tables()["RouteTables"]),
        "addresses": _by("AllocationId", ec2.describe_addresses()["Addresses"]),
        "NAT gateways": _by("NatGatewayId", [each for each in gateways if each["State"] != "deleted"]),
        "security groups": _by("GroupId", ec2.describe_security_groups()["SecurityGroups"]),
    }


def _iam(lab: RunningLab) -> Described:
    iam, roles = lab.client("iam"), {}
    for name in (each["RoleName"] for each in iam.list_roles()["Roles"] if not each["RoleName"].startswith("seam-")):
        roles[name] = {
            **iam.get_role(RoleName=name)["Role"],
            "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
            "inline": iam.list_role_policies(RoleName=name)["PolicyNames"],
        }
    return {"roles": roles}


def _eks(lab: RunningLab) -> Described:
    eks, clusters, entries = lab.client("eks"), {}, {}
    for name in eks.list_clusters()["clusters"]:
        clusters[name] = eks.describe_cluster(name=name)["cluster"]
        if clusters[name]["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
            continue
        for principal in eks.list_access_entries(clusterName=name)["accessEntries"]:
            of_principal = {"clusterName": name, "principalArn": principal}
            entries[f"{name} {principal}"] = {
                **eks.describe_access_entry(**of_principal)["accessEntry"],
                "policies": eks.list_associated_access_policies(**of_principal)["associatedAccessPolicies"],
            }
    return {"clusters": clusters, "access entries": entries}


def _elb(lab: RunningLab) -> Described:
    elb = lab.client("elbv2")
    balancers = _by("LoadBalancerArn", elb.describe_load_balancers()["LoadBalancers"])
    for arn, balancer in balancers.items():
        balancer["Tags"] = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
    return {"load balancers": balancers}


def _api_gateway(lab: RunningLab) -> Described:
    gateway = lab.client("apigateway")
    apis = _by("id", gateway.get_rest_apis()["items"])
    for of_api, api in (({"restApiId": id_}, api) for id_, api in apis.items()):
        api["resources"] = gateway.get_resources(**of_api, embed=["methods"], limit=500)["items"]
        api["stages"] = gateway.get_stages(**of_api)["item"]
        api["deployments"] = gateway.get_deployments(**of_api)["items"]
    plans = _by("id", gateway.get_usage_plans()["items"])
    for id_, plan in plans.items():
        plan["keys"] = gateway.get_usage_plan_keys(usagePlanId=id_)["items"]
    return {
        "APIs": apis,
        "usage plans": plans,
        "API keys": _by("id", gateway.get_api_keys(includeValues=True)["items"]),
        "links": _by("id", gateway.get_vpc_links()["items"]),
        "links V2": _by("VpcLinkId", lab.client("apigatewayv2").get_vpc_links()["Items"]),
    }


def _without_counts(value: Any) -> Any:
    """The same, with lists in an order of their own."""
    if isinstance(value, Mapping):
        return {key: _without_counts(each) for key, each in value.items() if key not in _COUNTED}
    if isinstance(value, list):
        return sorted((_without_counts(each) for each in value), key=lambda each: json.dumps(each, default=str))
    return value
