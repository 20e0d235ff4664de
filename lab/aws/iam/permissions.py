# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The permissions that a request needs: actions, their resources, and their condition keys.

After the Service Authorization Reference (https://docs.aws.amazon.com/service-authorization/latest/reference/), for the
operations that the collection and its modules call. Any other operation is an action of its own name on "*".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from moto.core.request import Request
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from lab.aws import partitions
from lab.aws.apigateway import ApiGateway, ApiGatewayV2
from lab.aws.apigateway.importing import has_policy
from lab.aws.eks import Eks
from lab.aws.iam.policy import Context, Permission
from lab.settings import ACCOUNT

Tags = Mapping[str, str]


def _context(
    request_tags: Tags | None = None,
    resource_tags: Tags | None = None,
    removed_tags: Iterable[str] | None = None,
    **more: str,
) -> Context:
    """Condition keys. ``removed_tags`` are the keys of an untagging; ``more`` is spelled with __ for the colon."""
    found: dict[str, tuple[str, ...]] = {name.replace("__", ":").lower(): (value,) for name, value in more.items()}
    if request_tags:
        found["aws:tagkeys"] = tuple(request_tags)
        found.update({f"aws:requesttag/{key}".lower(): (value,) for key, value in request_tags.items()})
    if removed_tags:
        found["aws:tagkeys"] = tuple(removed_tags)
    found.update({f"aws:resourcetag/{key}".lower(): (value,) for key, value in (resource_tags or {}).items()})
    return found


# EC2.

#: The resource of an id, by its prefix.
_EC2_KINDS = {
    "eipalloc": "elastic-ip",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "rtb": "route-table",
    "sg": "security-group",
    "subnet": "subnet",
    "vpc": "vpc",
}
#: By operation: the kind of resource it makes, and the parameters with the ids of others that it needs.
_EC2_CREATES = {
    "AllocateAddress": ("elastic-ip", ()),
    "CreateNatGateway": ("natgateway", ("SubnetId", "AllocationId")),
    "CreateRouteTable": ("route-table", ("VpcId",)),
    "CreateSecurityGroup": ("security-group", ("VpcId",)),
}
_EC2_CHANGES = {
    "AssociateRouteTable": ("RouteTableId", "SubnetId"),
    "CreateRoute": ("RouteTableId",),
    "DeleteNatGateway": ("NatGatewayId",),
    "DeleteRoute": ("RouteTableId",),
    "DeleteRouteTable": ("RouteTableId",),
    "DeleteSecurityGroup": ("GroupId",),
    "ReleaseAddress": ("AllocationId",),
    "ReplaceRoute": ("RouteTableId",),
}


class Ec2:
    """The EC2 API's requests in one region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.backend = ec2_backends[ACCOUNT][region]

    def needs(self, action: str, values: Mapping[str, str]) -> Iterator[Permission]:
        if action in ("CreateTags", "DeleteTags"):
            tags = _numbered_tags(values, "Tag")
            for identifier in _numbered(values, "ResourceId"):
                yield self._on(action, identifier, _context(tags, self._tags(identifier)))
        elif action in _EC2_CREATES:
            kind, names = _EC2_CREATES[action]
            tags = _specified_tags(values, kind)
            yield Permission(f"ec2:{action}", self._arn(f"{kind}/*"), _context(tags))
            yield from (self._on(action, values[name]) for name in names if name in values)
            if tags:
                yield Permission("ec2:CreateTags", self._arn(f"{kind}/*"), _context(tags, ec2__CreateAction=action))
        elif action == "DisassociateRouteTable":
            found = list(self._associated(values["AssociationId"]))
            yield from (self._on(action, identifier) for identifier in found or ["rtb-unknown"])
        elif action in _EC2_CHANGES:
            named = [values[name] for name in _EC2_CHANGES[action] if name in values]
            yield from (self._on(action, identifier) for identifier in named or ["unnamed"])
        else:
            yield Permission(f"ec2:{action}", "*")

    def _on(self, action: str, identifier: str, context: Context | None = None) -> Permission:
        kind = _EC2_KINDS.get(identifier.partition("-")[0], "*")
        return Permission(
            f"ec2:{action}",
            self._arn(f"{kind}/{identifier}"),
            _context(resource_tags=self._tags(identifier)) if context is None else context,
        )

    def _arn(self, resource: str) -> str:
        return partitions.arn(self.region, "ec2", resource)

    def _tags(self, identifier: str) -> Tags:
        found: Tags = self.backend.tags.get(identifier, {})
        return found

    def _associated(self, association: str) -> Iterator[str]:
        """The route table and the subnet of an association."""
        for table in self.backend.route_tables.values():
            for each in table.associations:
                if each["RouteTableAssociationId"] == association:
                    yield table.id
                    if subnet := each.get("SubnetId"):
                        yield subnet


def _numbered(values: Mapping[str, str], name: str) -> list[str]:
    """The members of a list of the query protocol: Name.1, Name.2."""
    pattern = re.compile(rf"{re.escape(name)}\.\d+")
    return [value for key, value in values.items() if pattern.fullmatch(key)]


def _numbered_tags(values: Mapping[str, str], name: str) -> dict[str, str]:
    pattern = re.compile(rf"{re.escape(name)}\.(\d+)\.Key")
    found = [(match[1], value) for key, value in values.items() if (match := pattern.fullmatch(key))]
    return {key: values.get(f"{name}.{number}.Value", "") for number, key in found}


def _specified_tags(values: Mapping[str, str], kind: str) -> dict[str, str]:
    """The tags that the request specifies for a kind of resource, among those for others."""
    pattern = re.compile(r"(TagSpecification\.\d+)\.ResourceType")
    found: dict[str, str] = {}
    for key, value in values.items():
        if (match := pattern.fullmatch(key)) and value == kind:
            found |= _numbered_tags(values, f"{match[1]}.Tag")
    return found


# IAM and STS.


#: By operation: the further action that it needs when tags are given.
_IAM_TAGGING = {"CreatePolicy": "iam:TagPolicy", "CreateRole": "iam:TagRole"}


def _iam_needs(region: str, action: str, values: Mapping[str, str]) -> Iterator[Permission]:
    policy = values.get("PolicyArn")
    resource = policy or "*"
    context = {"iam:policyarn": (policy,)} if policy else {}
    tags = _numbered_tags(values, "Tags.member")
    if name := values.get("InstanceProfileName"):
        resource = partitions.iam_arn(region, f"instance-profile{values.get('Path', '/')}{name}")
    elif name := values.get("RoleName"):
        roles = partitions.iam(region).roles.values()
        path = next((role.path for role in roles if role.name == name), values.get("Path", "/"))
        resource = partitions.iam_arn(region, f"role{path}{name}")
    elif name := values.get("PolicyName"):
        resource = partitions.iam_arn(region, f"policy{values.get('Path', '/')}{name}")
    yield Permission(f"iam:{action}", resource, {**context, **_context(tags)})
    if tags and action in _IAM_TAGGING:
        yield Permission(_IAM_TAGGING[action], resource, _context(tags))


def _sts_needs(action: str, values: Mapping[str, str]) -> list[Permission]:
    """GetCallerIdentity needs nothing: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    if action == "GetCallerIdentity":
        return []
    context = {f"sts:{name}".lower(): (values[name],) for name in ("ExternalId", "RoleSessionName") if name in values}
    return [Permission(f"sts:{action}", values.get("RoleArn", "*"), context)]


# ELB.

#: By deletion: the parameter that names the resource.
_ELB_DELETES = {"DeleteLoadBalancer": "LoadBalancerArn", "DeleteTargetGroup": "TargetGroupArn"}


def _elb_needs(region: str, action: str, values: Mapping[str, str]) -> Iterator[Permission]:
    """On the resource, by its tags:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/load-balancer-authentication-access-control.html
    """
    arn = values.get(_ELB_DELETES.get(action, ""), "*")
    tags = elbv2_backends[ACCOUNT][region].tagging_service.get_tag_dict_for_resource(arn)
    yield Permission(f"elasticloadbalancing:{action}", arn, _context(resource_tags=tags))


# EKS.

_ACCESS_ENTRY_ACTIONS = (
    "AssociateAccessPolicy",
    "DeleteAccessEntry",
    "DescribeAccessEntry",
    "DisassociateAccessPolicy",
    "ListAssociatedAccessPolicies",
    "UpdateAccessEntry",
)
#: Roles that a request passes, each with the service it passes them to.
_PASSED_ROLES = {"roleArn": "eks.amazonaws.com", "nodeRoleArn": "ec2.amazonaws.com"}


def _eks_needs(service: Eks, action: str, params: Mapping[str, Any]) -> Iterator[Permission]:
    here = f"arn:{partitions.of(service.region)}:eks:{service.region}:{ACCOUNT}"
    name = params.get("clusterName") or params.get("name")
    principal = params.get("principalArn")
    tags = params.get("tags") or {}
    if "resourceArn" in params:
        yield Permission(f"eks:{action}", params["resourceArn"], _context(tags, removed_tags=params.get("tagKeys")))
    elif action in _ACCESS_ENTRY_ACTIONS:
        entry = f"{here}:{_entry_of(name, principal)}"
        context = _context(eks__principalArn=str(principal))
        if policy := params.get("policyArn"):
            context = {**context, "eks:policyarn": (str(policy),)}
        yield Permission(f"eks:{action}", entry, context)
    elif not name:
        yield Permission(f"eks:{action}", "*")
    else:
        yield Permission(f"eks:{action}", f"{here}:cluster/{name}", _eks_context(action, params, tags))
        if tags:
            tagged = _entry_of(name, principal) if action == "CreateAccessEntry" else f"cluster/{name}"
            yield Permission("eks:TagResource", f"{here}:{tagged}", _context(tags))
        if node_role := (params.get("computeConfig") or {}).get("nodeRoleArn"):
            # The entry that EKS makes for the nodes of built-in node pools.
            nodes = _context(eks__principalArn=node_role, eks__accessEntryType="EC2")
            yield Permission("eks:CreateAccessEntry", f"{here}:cluster/{name}", nodes)
    yield from _passed(params)
    yield from _passed(params.get("computeConfig") or {})
    if action == "CreateCluster":
        # The lab's account never has the role: https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles-eks.html
        path = "aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
        context = _context(iam__AWSServiceName="eks.amazonaws.com")
        yield Permission("iam:CreateServiceLinkedRole", partitions.iam_arn(service.region, f"role/{path}"), context)


def _entry_of(cluster: str | None, principal: str | None) -> str:
    """An access entry, as far as the caller can know it: role or user, its account and its name lead to it, then its own id."""
    *_, account, resource = ("::::" + str(principal)).rsplit(":", 2)
    kind, _, rest = resource.partition("/")
    return f"access-entry/{cluster}/{kind}/{account}/{rest.rpartition('/')[2]}/*"


def _eks_context(action: str, params: Mapping[str, Any], tags: Tags) -> Context:
    if action == "CreateCluster":
        # True by default: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessConfigRequest.html
        admin = (params.get("accessConfig") or {}).get("bootstrapClusterCreatorAdminPermissions", True)
        return _context(tags, eks__bootstrapClusterCreatorAdminPermissions=json.dumps(admin))
    if principal := params.get("principalArn"):
        return _context(tags, eks__principalArn=principal, eks__accessEntryType=params.get("type", "STANDARD"))
    return _context(tags)


def _passed(params: Mapping[str, Any]) -> Iterator[Permission]:
    for name, to in _PASSED_ROLES.items():
        if arn := params.get(name):
            yield Permission("iam:PassRole", arn, _context(iam__PassedToService=to))


# API Gateway: its actions are HTTP's methods, its resources the paths.

#: API Gateway's own calls to EC2 and ELB, in the name of whoever makes or deletes a link V1.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/grant-permissions-to-create-vpclink.html
_LINK_NEEDS = {
    "POST": (
        "elasticloadbalancing:DescribeLoadBalancers",
        "ec2:CreateVpcEndpointServiceConfiguration",
        "ec2:DescribeVpcEndpointServiceConfigurations",
        "ec2:ModifyVpcEndpointServicePermissions",
    ),
    "DELETE": ("ec2:DeleteVpcEndpointServiceConfigurations",),
}


def _apigateway_needs(service: ApiGateway, method: str, path: str, params: Mapping[str, Any]) -> Iterator[Permission]:
    here = f"arn:{partitions.of(service.region)}:apigateway:{service.region}::"
    kind = path.strip("/").partition("/")[0]
    if kind == "tags":
        # Resources with tags define no condition key for the tags they have.
        tagged = unquote(path).removeprefix("/tags/")
        context = _context(params.get("tags"), removed_tags=params.get("tagKeys"))
        yield Permission(f"apigateway:{method}", f"{here}/tags/{quote(tagged, safe='')}", context)
        if method != "GET":
            yield _on_tagged(service, tagged)
        return
    tags = params.get("tags")
    context = _context(tags, _tags_at(service, path))
    yield Permission(f"apigateway:{method}", f"{here}{path}", context)
    if "policy" in params or has_policy(params.get("body", b"")):
        yield Permission("apigateway:UpdateRestApiPolicy", f"{here}{path}", context)
    if tags and method == "POST":
        yield _tagging(here, path, tags)


def _on_tagged(service: ApiGateway, arn: str) -> Permission:
    """Changing tags also needs permission to change the tagged resource.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html#allow-tagging
    """
    path = arn.partition("::")[2]
    return Permission("apigateway:PATCH", arn, _context(resource_tags=_tags_at(service, path)))


def _tagging(here: str, path: str, tags: Tags) -> Permission:
    """Tags given at creation need permission on any id, since the id isn't known yet. Seen in AWS's own refusals:
    https://github.com/mattclay/aws-terminator/pull/284
    """
    return Permission("apigateway:PUT", f"{here}/tags/{quote(f'{here}{path}/*', safe='*')}", _context(tags))


def _vpc_link_needs(method: str) -> Iterator[Permission]:
    """The further permissions for a link V1."""
    yield from (Permission(action, "*") for action in _LINK_NEEDS.get(method, ()))


def _apigatewayv2_needs(
    service: ApiGatewayV2, method: str, path: str, params: Mapping[str, Any]
) -> Iterator[Permission]:
    """Links V2 are the same resources to IAM as links V1, but for their tags and what API Gateway does for their sake.

    AWS's refusals name tags with the version: https://github.com/hashicorp/terraform-provider-aws/issues/20634. Setting
    them takes three methods (Service Authorization Reference, operations of API Gateway Management V2).
    """
    here = f"arn:{partitions.of(service.region)}:apigateway:{service.region}::"
    if path.startswith("/v2/tags/"):
        arn = unquote(path).removeprefix("/v2/tags/").replace("::/vpclinks/", "::/v2/vpclinks/")
        context = _context(params.get("Tags"), removed_tags=params.get("TagKeys"))
        for each in ("PATCH", "POST", "PUT") if method == "POST" else (method,):
            yield Permission(f"apigateway:{each}", f"{here}/tags/{quote(arn, safe='')}", context)
        if method != "GET":
            yield _on_tagged(service.rest, arn.replace("::/v2/", "::/"))
        return
    tags, resource = params.get("Tags"), path.removeprefix("/v2")
    yield Permission(f"apigateway:{method}", f"{here}{resource}", _context(tags, _tags_at(service.rest, resource)))
    if tags and method == "POST":
        yield _tagging(here, path, tags)
    if (method, path) == ("POST", "/v2/vpclinks"):
        # The lab's account never has the role:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/using-service-linked-roles.html
        role = "aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway"
        context = _context(iam__AWSServiceName="ops.apigateway.amazonaws.com")
        yield Permission("iam:CreateServiceLinkedRole", partitions.iam_arn(service.region, f"role/{role}"), context)


def _tags_at(service: ApiGateway, path: str) -> Tags:
    """The tags that count for a path: an API's and a usage plan's hold for everything below them.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html
    """
    kind, identifier = [*path.strip("/").split("/"), "", ""][:2]
    collections: dict[str, Mapping[str, Any]] = {
        "restapis": service.apis,
        "vpclinks": {**service.links, **service.links_v2},
        "usageplans": service.plans,
        "apikeys": service.keys,
    }
    found = collections.get(kind, {}).get(identifier)
    if found is None:
        return {}
    info = found if isinstance(found, dict) else found.info
    tags: Tags = info.get("tags") or info.get("Tags", {})
    return tags


# All of them.

#: The prefix of a service's actions, where it isn't the name that its requests are signed for.
_PREFIXES = {"tagging": "tag"}


def needs(name: str, region: str, operation: str, request: Request, service: Any) -> list[Permission]:
    """The permissions that a request to the named service needs. ``service`` is the lab's own, None for moto's."""
    values: Mapping[str, str] = request.values
    found: Iterable[Permission]
    match name:
        case "ec2":
            found = Ec2(region).needs(operation, values)
        case "elasticloadbalancing":
            found = _elb_needs(region, operation, values)
        case "iam":
            found = _iam_needs(region, operation, values)
        case "sts":
            found = _sts_needs(operation, values)
        case "eks":
            found = _eks_needs(service, operation, service.parameters(request))
        case "apigateway":
            found = _apigateway_needs(service, request.method, request.path, service.parameters(request))
            if request.path.startswith("/vpclinks"):
                found = [*found, *_vpc_link_needs(request.method)]
        case "apigatewayv2":
            found = _apigatewayv2_needs(service, request.method, request.path, service.parameters(request))
        case _:
            found = [Permission(f"{_PREFIXES.get(name, name)}:{operation}", "*")]
    return list(found)
