# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of a lab's account and clusters, without the parts that always differ between two accounts."""

from __future__ import annotations

import json
import re
from typing import Any

from .conftest import Lab

State = dict[str, Any]

#: Fields that AWS and Kubernetes make up or count, at any depth.
_MADE_UP = {
    "arn", "createdAt", "createdDate", "CreateDate", "CreatedTime", "CreatedDate", "lastUpdatedDate", "modifiedAt",
    "certificateAuthority", "endpoint", "identity", "ResponseMetadata", "RoleId", "RoleLastUsed", "OwnerId",
    "creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "clusterIP", "clusterIPs", "nodePort",
    "healthCheckNodePort", "status", "accessEntryArn", "associatedAt", "value", "LoadBalancerArn", "TargetGroupArn",
    "LoadBalancerArns", "ListenerArn", "RouteTableAssociationId", "RouteTableId", "NatGatewayId", "GroupId", "id",
    "parentId", "cacheNamespace", "VpcLinkId", "rootResourceId", "deployment.kubernetes.io/revision", "clientRequestToken",
}  # fmt: skip

#: Names with a made-up end: of EC2's resources, security groups, load balancers (also in their ARNs), models in an
#: imported API.
_NAME = re.compile(
    r"\b((?:rtb|nat|sg|eipalloc|igw|vpc)-|eks-cluster-sg-\w+-|k8s-\w+-\w+-|MODEL)[0-9a-f]+(?:/[0-9a-f]+)?\b"
)


def state(lab: Lab) -> State:
    """The account's resources by kind, each in an order of its own."""
    found = {**_ec2(lab), **_iam(lab), **_eks(lab), **_elb(lab), **_api_gateway(lab)}
    found["kubernetes"] = _kubernetes(lab) if found["clusters"] else []
    # Whoever names a subnet means its zone.
    zones = {each["SubnetId"]: each["AvailabilityZone"] for each in lab.client("ec2").describe_subnets()["Subnets"]}
    return {kind: _sorted(_without_made_up(resources, zones)) for kind, resources in found.items()}


def differences(found: State, wanted: State) -> State:
    """The surplus and the missing resources, by kind."""
    return {
        kind: {
            "too much": [each for each in found[kind] if each not in wanted[kind]],
            "too little": [each for each in wanted[kind] if each not in found[kind]],
            "numbers": (len(found[kind]), len(wanted[kind])),
        }
        for kind in wanted
        if found[kind] != wanted[kind]
    }


def _ec2(lab: Lab) -> State:
    ec2 = lab.client("ec2")
    tables = ec2.describe_route_tables()["RouteTables"]
    return {
        "subnets": [
            {"SubnetId": each["SubnetId"], "Tags": each.get("Tags", [])} for each in ec2.describe_subnets()["Subnets"]
        ],
        "route tables": [
            {**each, "Associations": sorted(x.get("SubnetId", "main") for x in each["Associations"])} for each in tables
        ],
        "security groups": ec2.describe_security_groups()["SecurityGroups"],
        # Not their zone: any of the public subnets will do.
        "NAT gateways": [
            {"Tags": each["Tags"], "State": each["State"], "addresses": len(each["NatGatewayAddresses"])}
            for each in ec2.describe_nat_gateways()["NatGateways"]
            if each["State"] != "deleted"
        ],
        "addresses": [
            {"Tags": each["Tags"], "used": "AssociationId" in each} for each in ec2.describe_addresses()["Addresses"]
        ],
    }


def _iam(lab: Lab) -> State:
    iam = lab.client("iam")
    roles = [role for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("petstore-")]
    for role in roles:
        attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        role["AttachedPolicies"] = attached
        role["Tags"] = iam.list_role_tags(RoleName=role["RoleName"])["Tags"]
    return {"roles": roles}


def _eks(lab: Lab) -> State:
    eks, clusters, entries = lab.client("eks"), [], []
    for name in eks.list_clusters()["clusters"]:
        cluster = eks.describe_cluster(name=name)["cluster"]
        # Every cluster has its own.
        cluster["resourcesVpcConfig"].pop("clusterSecurityGroupId", None)
        clusters.append({**cluster, "state": cluster["status"]})
        for principal in eks.list_access_entries(clusterName=name)["accessEntries"]:
            entry = eks.describe_access_entry(clusterName=name, principalArn=principal)["accessEntry"]
            policies = eks.list_associated_access_policies(clusterName=name, principalArn=principal)
            entries.append({**entry, "policies": policies["associatedAccessPolicies"]})
    return {"clusters": clusters, "access entries": entries}


def _elb(lab: Lab) -> State:
    elb = lab.client("elbv2")
    balancers = elb.describe_load_balancers()["LoadBalancers"]
    for each in balancers:
        (tags,) = elb.describe_tags(ResourceArns=[each["LoadBalancerArn"]])["TagDescriptions"]
        each["Tags"] = tags["Tags"]
        for name in ("LoadBalancerName", "DNSName", "CanonicalHostedZoneId", "SecurityGroups"):
            each.pop(name, None)
    groups = elb.describe_target_groups()["TargetGroups"]
    for each in groups:
        health = elb.describe_target_health(TargetGroupArn=each["TargetGroupArn"])["TargetHealthDescriptions"]
        each["targets"] = [(x["Target"]["Port"], x["TargetHealth"]["State"]) for x in health]
        each.pop("TargetGroupName")
    return {"load balancers": balancers, "target groups": groups}


def _api_gateway(lab: Lab) -> State:
    client, client_v2 = lab.client("apigateway"), lab.client("apigatewayv2")
    links = [{**each, "state": each["status"]} for each in client.get_vpc_links()["items"]]
    links_v2 = client_v2.get_vpc_links()["Items"]
    names = {each["id"]: each["name"] for each in links} | {each["VpcLinkId"]: each["Name"] for each in links_v2}
    hosts = {each["DNSName"] for each in lab.client("elbv2").describe_load_balancers()["LoadBalancers"]}
    apis, keys = client.get_rest_apis()["items"], client.get_api_keys(includeValues=False)["items"]
    for api in apis:
        stages = client.get_stages(restApiId=api["id"])["item"]
        resources = client.get_resources(restApiId=api["id"], embed=["methods"], limit=500)["items"]
        in_use = {stage.pop("deploymentId") for stage in stages}
        # Where a stage remembers what it served before.
        descriptions = " ".join(stage.pop("description", "") for stage in stages)
        api["resources"] = resources
        # By the names in them: ids and hosts are made up.
        for stage in stages:
            for name, value in stage.get("variables", {}).items():
                stage["variables"][name] = names.get(value, "a load balancer" if value in hosts else value)
        api["stages"] = stages
        deployments = {each["id"] for each in client.get_deployments(restApiId=api["id"])["items"]}
        api["deployments"] = sorted(
            "in use" if each in in_use else "served before" if each in descriptions else "left over"
            for each in deployments
        )
    plans = client.get_usage_plans()["items"]
    for plan in plans:
        plan["keys"] = [each["name"] for each in client.get_usage_plan_keys(usagePlanId=plan["id"])["items"]]
        plan["apiStages"] = [each["stage"] for each in plan["apiStages"]]
    for key in keys:
        key["stageKeys"] = len(key.get("stageKeys", []))
    for link in links:
        link["targetArns"] = len(link["targetArns"])
    for link in links_v2:
        link["SecurityGroupIds"] = len(link["SecurityGroupIds"])
    return {"links": links, "links V2": links_v2, "APIs": apis, "usage plans": plans, "API keys": keys}


def _kubernetes(lab: Lab) -> list[Any]:
    kinds = "namespaces,deployments,services,poddisruptionbudgets"
    shown = lab.kubectl("get", kinds, "--all-namespaces", "-o", "json")
    assert shown.returncode == 0, shown.stderr
    return list(json.loads(shown.stdout)["items"])


def _without_made_up(value: Any, zones: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _without_made_up(each, zones) for key, each in value.items() if key not in _MADE_UP}
    if isinstance(value, list):
        return [_without_made_up(each, zones) for each in value]
    if not isinstance(value, str):
        return value
    return _NAME.sub(r"\1", zones.get(value, value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in sorted(value.items())}
    if isinstance(value, list | tuple):
        return sorted((_sorted(each) for each in value), key=lambda each: json.dumps(each, default=str))
    return value
