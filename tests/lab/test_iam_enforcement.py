# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM in the lab, as boto3 and the AWS CLI meet it: each service refuses in its own form, with AWS's words."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running_lab import ACCOUNT, RunningLab

#: A boto3 client of a role that a statement was put on.
Clients = Callable[..., Any]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with RunningLab.running(tmp_path_factory.mktemp("lab")) as lab:
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


def trusted(lab: RunningLab, name: str, *statements: dict[str, Any]) -> str:
    """A role with these statements in its trust policy; returns its ARN."""
    document = {"Version": "2012-10-17", "Statement": [{"Action": "sts:AssumeRole", **each} for each in statements]}
    role = lab.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]
    return str(role["Arn"])


ASSUME = {"Action": "sts:AssumeRole", "Resource": "*"}


def test_a_role_lets_nobody_become_it_whom_it_does_not_trust(lab: RunningLab, as_role: Clients) -> None:
    service = trusted(lab, "for-eks", {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}})
    sts = as_role("sts", ASSUME)
    for arn in (service, f"arn:aws:iam::{ACCOUNT}:role/missing"):
        code, message, _ = refusal(sts.assume_role, RoleArn=arn, RoleSessionName="test")
        assert code == "AccessDenied"
        assert message.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {arn}")


def test_whom_a_role_names_needs_no_policy_of_its_own_and_a_denial_counts(lab: RunningLab, as_role: Clients) -> None:
    named, denied = as_role("sts"), as_role("sts", {"Effect": "Deny", **ASSUME})
    arns = [each.get_caller_identity()["Arn"].split("/")[1] for each in (named, denied)]
    principals = [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in arns]
    role = trusted(lab, "names-both", {"Effect": "Allow", "Principal": {"AWS": principals}})
    assert named.assume_role(RoleArn=role, RoleSessionName="test")["AssumedRoleUser"]["Arn"].endswith(
        "/names-both/test"
    )
    _, message, _ = refusal(denied.assume_role, RoleArn=role, RoleSessionName="test")
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_a_trust_policy_has_conditions_and_denials(lab: RunningLab, as_role: Clients) -> None:
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    role = trusted(lab, "asks", {"Effect": "Allow", "Principal": root, "Condition": condition})
    shut = trusted(lab, "shut", {"Effect": "Allow", "Principal": root}, {"Effect": "Deny", "Principal": "*"})
    sts = as_role("sts", ASSUME)
    assert refusal(sts.assume_role, RoleArn=role, RoleSessionName="test")[0] == "AccessDenied"
    assert sts.assume_role(RoleArn=role, RoleSessionName="test", ExternalId="secret")["Credentials"]
    assert refusal(sts.assume_role, RoleArn=shut, RoleSessionName="test")[0] == "AccessDenied"


def test_a_session_name_makes_nobody_aws(as_role: Clients, lab: RunningLab) -> None:
    name = as_role("sts").get_caller_identity()["Arn"].split("/")[1]
    keys = lab.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="eks-auto-mode"
    )["Credentials"]
    ec2 = lab.client(
        "ec2",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    assert refusal(ec2.describe_vpcs)[0] == "UnauthorizedOperation"


def test_conditions_may_ask_where_and_as_whom(as_role: Clients) -> None:
    for key, value in (("aws:RequestedRegion", "us-west-2"), ("aws:PrincipalAccount", ACCOUNT)):
        allow = {"Action": "ec2:DescribeVpcs", "Resource": "*"}
        assert as_role("ec2", {**allow, "Condition": {"StringEquals": {key: value}}}).describe_vpcs()["Vpcs"]
        elsewhere = as_role("ec2", {**allow, "Condition": {"StringNotEquals": {key: value}}})
        assert refusal(elsewhere.describe_vpcs)[0] == "UnauthorizedOperation"


EC2 = f"arn:aws:ec2:us-west-2:{ACCOUNT}"
EKS = f"arn:aws:eks:us-west-2:{ACCOUNT}"
APIS = "arn:aws:apigateway:us-west-2::"
TAGS = [{"Key": "owner", "Value": "me"}]
CLUSTER_ROLE, NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/c-cluster", f"arn:aws:iam::{ACCOUNT}:role/c-node"
API_GATEWAY_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway"
)
LET_NODES_IN = {
    "Action": "eks:CreateAccessEntry",
    "Resource": "*",
    "Condition": {"StringEquals": {"eks:accessEntryType": "EC2"}},
}
SERVICE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "needed"),
    [
        (
            "ec2",
            "create_tags",
            {"Resources": ["subnet-1", "rtb-2"], "Tags": TAGS},
            [("ec2:CreateTags", f"{EC2}:subnet/subnet-1"), ("ec2:CreateTags", f"{EC2}:route-table/rtb-2")],
        ),
        (
            "ec2",
            "create_route_table",
            {
                "VpcId": "vpc-1",
                # Tags for another kind first: they are none of this one's.
                "TagSpecifications": [
                    {"ResourceType": "vpc", "Tags": TAGS},
                    {"ResourceType": "route-table", "Tags": TAGS},
                ],
            },
            [
                ("ec2:CreateRouteTable", f"{EC2}:route-table/*"),
                ("ec2:CreateRouteTable", f"{EC2}:vpc/vpc-1"),
                ("ec2:CreateTags", f"{EC2}:route-table/*"),
            ],
        ),
        (
            "ec2",
            "associate_route_table",
            {"RouteTableId": "rtb-1", "SubnetId": "subnet-2"},
            [
                ("ec2:AssociateRouteTable", f"{EC2}:route-table/rtb-1"),
                ("ec2:AssociateRouteTable", f"{EC2}:subnet/subnet-2"),
            ],
        ),
        (
            "eks",
            "create_cluster",
            {
                "name": "c",
                "roleArn": CLUSTER_ROLE,
                "resourcesVpcConfig": {},
                "computeConfig": {"enabled": True, "nodeRoleArn": NODE_ROLE},
                "tags": {"owner": "me"},
            },
            [
                ("eks:CreateCluster", f"{EKS}:cluster/c"),
                ("eks:TagResource", f"{EKS}:cluster/c"),
                ("eks:CreateAccessEntry", f"{EKS}:cluster/c"),
                ("iam:PassRole", CLUSTER_ROLE),
                ("iam:PassRole", NODE_ROLE),
                ("iam:CreateServiceLinkedRole", SERVICE_ROLE),
            ],
        ),
        (
            "eks",
            "create_access_entry",
            {"clusterName": "c", "principalArn": f"arn:aws:iam::{ACCOUNT}:role/p/team-a"},
            [("eks:CreateAccessEntry", f"{EKS}:cluster/c")],
        ),
        (
            "eks",
            "associate_access_policy",
            {
                "clusterName": "c",
                "principalArn": f"arn:aws:iam::{ACCOUNT}:role/p/team-a",
                "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                "accessScope": {"type": "cluster"},
            },
            [("eks:AssociateAccessPolicy", f"{EKS}:access-entry/c/role/{ACCOUNT}/team-a/*")],
        ),
        (
            "iam",
            "attach_role_policy",
            {"RoleName": "seam-infra", "PolicyArn": "arn:aws:iam::aws:policy/None"},
            [("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/seam-infra")],
        ),
        (
            "apigateway",
            "create_vpc_link",
            {
                "name": "link",
                "targetArns": [f"arn:aws:elasticloadbalancing:us-west-2:{ACCOUNT}:loadbalancer/net/none/0"],
                "tags": {"owner": "me"},
            },
            [
                ("apigateway:POST", f"{APIS}/vpclinks"),
                ("apigateway:PUT", f"{APIS}/tags/{APIS.replace(':', '%3A')}%2Fvpclinks%2F*"),
                ("elasticloadbalancing:DescribeLoadBalancers", "*"),
                ("ec2:CreateVpcEndpointServiceConfiguration", "*"),
                ("ec2:DescribeVpcEndpointServiceConfigurations", "*"),
                ("ec2:ModifyVpcEndpointServicePermissions", "*"),
            ],
        ),
        (
            "apigateway",
            "update_stage",
            {"restApiId": "abc", "stageName": "v1", "patchOperations": []},
            [("apigateway:PATCH", f"{APIS}/restapis/abc/stages/v1")],
        ),
        (
            "apigateway",
            "put_rest_api",
            {"restApiId": "abc", "body": json.dumps({"x-amazon-apigateway-policy": {}})},
            [("apigateway:PUT", f"{APIS}/restapis/abc"), ("apigateway:UpdateRestApiPolicy", f"{APIS}/restapis/abc")],
        ),
        (
            "apigateway",
            "import_rest_api",
            {"body": json.dumps({"info": {"description": "x-amazon-apigateway-policy"}})},
            [("apigateway:POST", f"{APIS}/restapis")],
        ),
        (
            "apigateway",
            "tag_resource",
            {"resourceArn": f"{APIS}/restapis/abc", "tags": {"owner": "me"}},
            [
                ("apigateway:PUT", f"{APIS}/tags/{APIS.replace(':', '%3A')}%2Frestapis%2Fabc"),
                ("apigateway:PATCH", f"{APIS}/restapis/abc"),
            ],
        ),
        (
            "apigatewayv2",
            "create_vpc_link",
            {"Name": "link", "SubnetIds": ["subnet-1"], "Tags": {"owner": "me"}},
            [
                ("apigateway:POST", f"{APIS}/vpclinks"),
                ("apigateway:PUT", f"{APIS}/tags/{APIS.replace(':', '%3A')}%2Fv2%2Fvpclinks%2F*"),
                ("iam:CreateServiceLinkedRole", API_GATEWAY_ROLE),
            ],
        ),
        (
            "apigatewayv2",
            "tag_resource",
            {"ResourceArn": f"{APIS}/vpclinks/abc", "Tags": {"owner": "me"}},
            [
                *(
                    (f"apigateway:{each}", f"{APIS}/tags/{APIS.replace(':', '%3A')}%2Fv2%2Fvpclinks%2Fabc")
                    for each in ("PATCH", "POST", "PUT")
                ),
                ("apigateway:PATCH", f"{APIS}/vpclinks/abc"),
            ],
        ),
        ("resourcegroupstaggingapi", "get_resources", {}, [("tag:GetResources", "*")]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_request_needs(
    lab: RunningLab, service: str, operation: str, arguments: dict[str, Any], needed: list[tuple[str, str]]
) -> None:
    """As the Service Authorization Reference says, whether or not the resource exists."""
    before = len(lab.calls())
    with contextlib.suppress(ClientError):
        getattr(lab.client(service), operation)(**arguments)
    (call,) = [each for each in lab.calls()[before:] if each["operation"] == operation.title().replace("_", "")]
    assert [(each["action"], each["resource"]) for each in call["permissions"]] == needed


def test_a_policy_document_comes_back_as_it_went_in(lab: RunningLab) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "apigateway:PUT", "Resource": f"{APIS}/tags/arn%3A*"}],
    }
    iam = lab.client("iam")
    arn = iam.create_policy(PolicyName="percent", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == document


def test_tags_given_with_what_is_made_are_a_permission_of_their_own(as_role: Clients) -> None:
    gateway = as_role("apigateway", {"Action": "apigateway:POST", "Resource": "*"})
    _, message, _ = refusal(gateway.create_rest_api, name="a", tags={"owner": "me"})
    tags = "tags/arn%3Aaws%3Aapigateway%3Aus-west-2%3A%3A%2Frestapis%2F*"
    assert f"apigateway:PUT on resource: arn:aws:apigateway:us-west-2::/{tags} because" in message
    iam = as_role("iam", {"Action": "iam:CreateRole", "Resource": "*"})
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    _, message, _ = refusal(
        iam.create_role, RoleName="b", AssumeRolePolicyDocument=trust, Tags=[{"Key": "a", "Value": "b"}]
    )
    assert f"iam:TagRole on resource: arn:aws:iam::{ACCOUNT}:role/b because" in message


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
    change = {"Action": "apigateway:PATCH", "Resource": arn}
    client = as_role("apigateway", change, {"Action": "apigateway:DELETE", "Resource": "*", "Condition": keys})
    assert refusal(client.untag_resource, resourceArn=arn, tagKeys=["theirs"])[0] == "AccessDeniedException"
    client.untag_resource(resourceArn=arn, tagKeys=["ours/mark"])
    assert lab.client("apigateway").get_tags(resourceArn=arn)["tags"] == {"theirs": "1"}


def test_changing_tags_needs_permission_on_the_tagged_resource(as_role: Clients, lab: RunningLab) -> None:
    api = lab.client("apigateway").create_rest_api(name="guarded")["id"]
    arn = f"arn:aws:apigateway:us-west-2::/restapis/{api}"
    client = as_role("apigateway", {"Action": "apigateway:PUT", "Resource": "arn:aws:apigateway:us-west-2::/tags/*"})
    assert (
        f"apigateway:PATCH on resource: {arn} because"
        in refusal(client.tag_resource, resourceArn=arn, tags={"a": "b"})[1]
    )


def test_a_request_that_names_nothing_is_refused_as_any_other(as_role: Clients) -> None:
    """Authorization comes before validation, and must stand a request that validation would refuse."""
    entries = as_role("eks", {"Action": "eks:DescribeCluster", "Resource": "*"})
    code, message, _ = refusal(entries.describe_access_entry, clusterName="petstore", principalArn="nobody")
    assert (code, "eks:DescribeAccessEntry on resource" in message) == ("AccessDeniedException", True)
    addresses = as_role("ec2", {"Action": "ec2:DescribeVpcs", "Resource": "*"})
    assert refusal(addresses.release_address)[0] == "UnauthorizedOperation"


def test_new_resources_may_be_tagged_and_only_tagged_ones_changed(lab: RunningLab, as_role: Clients) -> None:
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
    create = {"Action": ["eks:CreateAccessEntry", "eks:CreateCluster", "iam:CreateServiceLinkedRole"], "Resource": "*"}
    _, message, _ = refusal(as_role("eks", create).create_cluster, **request)
    assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/passed-cluster because" in message
    to_eks = {"StringEquals": {"iam:PassedToService": ["eks.amazonaws.com", "ec2.amazonaws.com"]}}
    client = as_role("eks", create, {"Action": "iam:PassRole", "Resource": "*", "Condition": to_eks})
    assert client.create_cluster(**request)["cluster"]["status"] == "CREATING"


def test_a_cluster_needs_the_right_to_let_its_nodes_in(lab: RunningLab, as_role: Clients) -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_eks.html, CreateCluster's dependent actions."""
    request = lab.auto_mode_request("entered")
    rest = {"Action": ["eks:CreateCluster", "iam:CreateServiceLinkedRole", "iam:PassRole"], "Resource": "*"}
    standard = {**LET_NODES_IN, "Condition": {"StringEquals": {"eks:accessEntryType": "STANDARD"}}}
    for statements in ([rest], [rest, standard]):
        _, message, _ = refusal(as_role("eks", *statements).create_cluster, **request)
        assert f"eks:CreateAccessEntry on resource: {EKS}:cluster/entered because" in message
    assert as_role("eks", rest, LET_NODES_IN).create_cluster(**request)["cluster"]["status"] == "CREATING"


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
        {"Action": "apigateway:PUT", "Resource": "arn:aws:apigateway:us-west-2::/tags/*"},
    )
    assert refusal(client.create_rest_api, name="bare")[0] == "AccessDeniedException"
    api = client.create_rest_api(name="tagged", tags={"team": "infra"})["id"]
    _, message, _ = refusal(client.get_rest_api, restApiId=api)
    assert f"apigateway:GET on resource: {apis}/{api} because" in message
    # An API's tags count for its parts.
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
