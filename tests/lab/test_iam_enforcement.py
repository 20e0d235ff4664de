# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM in the lab, as boto3 and the AWS CLI meet it: each service refuses in its own form, with AWS's words."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from running_lab import ACCOUNT, RunningLab, running

#: A boto3 client of a role that a statement was put on.
Clients = Callable[..., Any]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="module")
def as_role(lab: RunningLab) -> Clients:
    """Make a role with these statements, and work as it."""
    numbers = itertools.count()

    def make(service: str, *statements: dict[str, Any], boundary: str | None = None) -> Any:
        iam, name = lab.client("iam"), f"tester-{next(numbers)}"
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )["Role"]
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(document))
        keys = lab.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
        return lab.client(
            service,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return make


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "wanted"),
    [
        (
            "eks",
            "describe_cluster",
            {"name": "petstore"},
            "AccessDeniedException",
            ("eks:DescribeCluster", f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/petstore"),
        ),
        (
            "apigateway",
            "get_rest_api",
            {"restApiId": "abc"},
            "AccessDeniedException",
            ("apigateway:GET", "arn:aws:apigateway:us-west-2::/restapis/abc"),
        ),
        ("ec2", "describe_vpcs", {}, "UnauthorizedOperation", ("ec2:DescribeVpcs", "*")),
        ("elbv2", "describe_load_balancers", {}, "AccessDenied", ("elasticloadbalancing:DescribeLoadBalancers", "*")),
        (
            "iam",
            "get_role",
            {"RoleName": "seam-infra"},
            "AccessDenied",
            ("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/seam-infra"),
        ),
        (
            "sts",
            "assume_role",
            {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/seam-infra", "RoleSessionName": "more"},
            "AccessDenied",
            ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/seam-infra"),
        ),
    ],
)
def test_each_service_refuses_in_its_own_form(
    as_role: Clients, service: str, operation: str, arguments: dict[str, Any], code: str, wanted: tuple[str, str]
) -> None:
    client = as_role(service)
    found, message, status = refusal(getattr(client, operation), **arguments)
    assert (found, status) == (code, 403)
    action, resource = wanted
    assert f"is not authorized to perform: {action} on resource: {resource} because no identity-based policy" in message
    assert message.startswith(
        "You are not authorized to perform this operation. " if service == "ec2" else "User: arn:"
    )


def test_everybody_may_ask_who_he_is(as_role: Clients) -> None:
    assert "/tester-" in as_role("sts").get_caller_identity()["Arn"]


def test_a_permissions_boundary_bounds(lab: RunningLab, as_role: Clients) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}],
    }
    policy = lab.client("iam").create_policy(PolicyName="bound", PolicyDocument=json.dumps(document))["Policy"]
    client = as_role("ec2", {"Action": "ec2:*", "Resource": "*"}, boundary=policy["Arn"])
    assert client.describe_vpcs()["Vpcs"]
    _, message, _ = refusal(client.describe_subnets)
    assert message.endswith("because no permissions boundary allows the ec2:DescribeSubnets action")


def test_an_explicit_deny_is_named(as_role: Clients) -> None:
    client = as_role("ec2", {"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"})
    _, message, _ = refusal(client.describe_vpcs)
    assert message.endswith("on resource: * with an explicit deny in an identity-based policy")


def test_only_some_tags_may_be_set(lab: RunningLab, as_role: Clients) -> None:
    subnet = lab.subnets()[0]
    keys = {"ForAllValues:StringLike": {"aws:TagKeys": ["ours/*"]}}
    client = as_role(
        "ec2",
        {"Action": "ec2:CreateTags", "Resource": f"arn:aws:ec2:*:{ACCOUNT}:subnet/*", "Condition": keys},
    )
    client.create_tags(Resources=[subnet], Tags=[{"Key": "ours/mark", "Value": "1"}])
    both = [{"Key": "ours/mark", "Value": "1"}, {"Key": "theirs", "Value": "1"}]
    assert refusal(client.create_tags, Resources=[subnet], Tags=both)[0] == "UnauthorizedOperation"


def test_only_some_tags_may_be_taken_away(as_role: Clients, lab: RunningLab) -> None:
    tags = {"ours/mark": "1", "theirs": "1"}
    api = lab.client("apigateway").create_rest_api(name="untagged", tags=tags)["id"]
    arn = f"arn:aws:apigateway:us-west-2::/restapis/{api}"
    keys = {"ForAllValues:StringLike": {"aws:TagKeys": ["ours/*"]}}
    client = as_role("apigateway", {"Action": "apigateway:DELETE", "Resource": "*", "Condition": keys})
    assert refusal(client.untag_resource, resourceArn=arn, tagKeys=["theirs"])[0] == "AccessDeniedException"
    client.untag_resource(resourceArn=arn, tagKeys=["ours/mark"])
    assert lab.client("apigateway").get_tags(resourceArn=arn)["tags"] == {"theirs": "1"}


def test_a_request_that_names_nothing_is_refused_as_any_other(as_role: Clients) -> None:
    """Authorization comes before validation, and must not fall over what validation would refuse."""
    entries = as_role("eks", {"Action": "eks:DescribeCluster", "Resource": "*"})
    code, message, _ = refusal(entries.describe_access_entry, clusterName="petstore", principalArn="nobody")
    assert (code, "eks:DescribeAccessEntry on resource" in message) == ("AccessDeniedException", True)
    addresses = as_role("ec2", {"Action": "ec2:DescribeVpcs", "Resource": "*"})
    assert refusal(addresses.release_address)[0] == "UnauthorizedOperation"


def test_what_is_made_may_be_tagged_and_only_what_is_tagged_changed(lab: RunningLab, as_role: Clients) -> None:
    (vpc,) = lab.client("ec2").describe_vpcs()["Vpcs"]
    arn = f"arn:aws:ec2:us-west-2:{ACCOUNT}"
    client = as_role(
        "ec2",
        {"Action": "ec2:CreateRouteTable", "Resource": [f"{arn}:vpc/*", f"{arn}:route-table/*"]},
        {
            "Action": "ec2:CreateTags",
            "Resource": f"{arn}:route-table/*",
            "Condition": {"StringEquals": {"ec2:CreateAction": "CreateRouteTable"}},
        },
        {
            "Action": "ec2:DeleteRouteTable",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "infra"}},
        },
    )
    tags = [{"ResourceType": "route-table", "Tags": [{"Key": "team", "Value": "infra"}]}]
    tagged = client.create_route_table(VpcId=vpc["VpcId"], TagSpecifications=tags)["RouteTable"]["RouteTableId"]
    bare = client.create_route_table(VpcId=vpc["VpcId"])["RouteTable"]["RouteTableId"]
    _, message, _ = refusal(client.delete_route_table, RouteTableId=bare)
    assert f"ec2:DeleteRouteTable on resource: {arn}:route-table/{bare} because" in message
    client.delete_route_table(RouteTableId=tagged)
    _, message, _ = refusal(client.create_tags, Resources=[bare], Tags=tags[0]["Tags"])
    assert "ec2:CreateTags" in message


def test_a_cluster_needs_the_right_to_pass_its_roles(lab: RunningLab, as_role: Clients) -> None:
    request = lab.auto_mode_request("passed")
    create = {"Action": ["eks:CreateCluster", "iam:CreateServiceLinkedRole"], "Resource": "*"}
    _, message, _ = refusal(as_role("eks", create).create_cluster, **request)
    assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/passed-cluster because" in message
    to_eks = {"StringEquals": {"iam:PassedToService": ["eks.amazonaws.com", "ec2.amazonaws.com"]}}
    client = as_role("eks", create, {"Action": "iam:PassRole", "Resource": "*", "Condition": to_eks})
    assert client.create_cluster(**request)["cluster"]["status"] == "CREATING"


def test_a_creator_who_would_be_administrator_can_be_refused(lab: RunningLab, as_role: Clients) -> None:
    nobody = {"Bool": {"eks:bootstrapClusterCreatorAdminPermissions": "false"}}
    client = as_role("eks", {"Action": "eks:CreateCluster", "Resource": "*", "Condition": nobody})
    request = lab.auto_mode_request("administered", accessConfig={"authenticationMode": "API"})
    assert "eks:CreateCluster" in refusal(client.create_cluster, **request)[1]


def test_an_api_is_known_by_its_tags(as_role: Clients) -> None:
    apis = "arn:aws:apigateway:us-west-2::/restapis"
    client = as_role(
        "apigateway",
        {
            "Action": "apigateway:POST",
            "Resource": apis,
            "Condition": {"StringEquals": {"aws:RequestTag/team": "infra"}},
        },
        {
            "Action": ["apigateway:POST", "apigateway:DELETE"],
            "Resource": f"{apis}/*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "infra"}},
        },
    )
    assert refusal(client.create_rest_api, name="bare")[0] == "AccessDeniedException"
    api = client.create_rest_api(name="tagged", tags={"team": "infra"})["id"]
    _, message, _ = refusal(client.get_rest_api, restApiId=api)
    assert f"apigateway:GET on resource: {apis}/{api} because" in message
    # What belongs to an API has its tags.
    assert refusal(client.create_deployment, restApiId=api)[0] == "BadRequestException"
    client.delete_rest_api(restApiId=api)


def test_a_link_needs_what_api_gateway_does_for_it(as_role: Clients) -> None:
    client = as_role("apigateway", {"Action": "apigateway:*", "Resource": "*"})
    balancer = f"arn:aws:elasticloadbalancing:us-west-2:{ACCOUNT}:loadbalancer/net/none/0123456789abcdef"
    _, message, _ = refusal(client.create_vpc_link, name="link", targetArns=[balancer])
    assert "elasticloadbalancing:DescribeLoadBalancers on resource: *" in message


def test_the_cli_shows_the_same_words(lab: RunningLab) -> None:
    keys = lab.facts["credentials"]["k8s"]
    answer = lab.run(
        "env",
        f"AWS_ACCESS_KEY_ID={keys['access_key']}",
        f"AWS_SECRET_ACCESS_KEY={keys['secret_key']}",
        f"AWS_SESSION_TOKEN={keys['session_token']}",
        *("aws", "eks", "delete-cluster", "--name", "petstore"),
    )
    assert answer.returncode
    assert (
        "(AccessDeniedException) when calling the DeleteCluster operation: User: "
        f"arn:aws:sts::{ACCOUNT}:assumed-role/seam-k8s/lab is not authorized to perform: eks:DeleteCluster on resource: "
        f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/petstore because no identity-based policy allows the eks:DeleteCluster "
        "action"
    ) in " ".join(answer.stderr.split())


def test_calls_are_logged_with_what_they_needed(lab: RunningLab) -> None:
    before = len(lab.calls())
    refusal(lab.client("eks", "k8s").delete_cluster, name="petstore")
    (call,) = lab.calls()[before:]
    resource = f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/petstore"
    assert call["permissions"] == [{"action": "eks:DeleteCluster", "resource": resource, "allowed": False}]
