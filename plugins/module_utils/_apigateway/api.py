# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of API Gateway a function. Retries are inside, error handling outside, the body only speaks boto3."""

from __future__ import annotations

import typing as t

from .._core.ownership import Item
from .client import RETRY, ApiGatewayErrorHandler

_handles = ApiGatewayErrorHandler.common_error_handler
_handles_missing = ApiGatewayErrorHandler.list_error_handler
_handles_deletion = ApiGatewayErrorHandler.deletion_error_handler
_handles_quota = ApiGatewayErrorHandler.quota_error_handler


def _all_items(client: t.Any, operation: str, **arguments: t.Any) -> list[Item]:
    pages = client.get_paginator(operation).paginate(**arguments, PaginationConfig={"PageSize": 500})
    return t.cast(list[Item], pages.build_full_result().get("items", []))


def resource_arn(client: t.Any, path: str) -> str:
    """ARN of an API Gateway resource; ``path`` as in the API, for example ``/restapis/abc``."""
    return f"arn:{client.meta.partition}:apigateway:{client.meta.region_name}::{path}"


@_handles("tag API Gateway resource")
@RETRY
def tag_resource(client: t.Any, path: str, tags: dict[str, str]) -> None:
    client.tag_resource(resourceArn=resource_arn(client, path), tags=tags)


@_handles("untag API Gateway resource")
@RETRY
def untag_resource(client: t.Any, path: str, keys: list[str]) -> None:
    client.untag_resource(resourceArn=resource_arn(client, path), tagKeys=keys)


# VPC links V1


@_handles("list VPC links")
@RETRY
def get_vpc_links(client: t.Any) -> list[Item]:
    return _all_items(client, "get_vpc_links")


@_handles_quota("create VPC link", quota="VPC links in this region (20 unless raised)")
@RETRY
def create_vpc_link(client: t.Any, **arguments: t.Any) -> Item:
    return t.cast(Item, client.create_vpc_link(**arguments))


@_handles("update VPC link")
@RETRY
def update_vpc_link(client: t.Any, link_id: str, patch: list[Item]) -> Item:
    return t.cast(Item, client.update_vpc_link(vpcLinkId=link_id, patchOperations=patch))


@_handles_deletion("delete VPC link")
@RETRY
def delete_vpc_link(client: t.Any, link_id: str) -> None:
    client.delete_vpc_link(vpcLinkId=link_id)


# VPC links V2: another API, for the same purpose


@_handles("list VPC links V2")
@RETRY
def get_vpc_links_v2(client: t.Any) -> list[Item]:
    answer = client.get_vpc_links(MaxResults="500")
    links: list[Item] = answer["Items"]
    while token := answer.get("NextToken"):
        answer = client.get_vpc_links(MaxResults="500", NextToken=token)
        links = links + answer["Items"]
    return links


@_handles_quota("create VPC link V2", quota="VPC links V2 in this region (10 unless raised)")
@RETRY
def create_vpc_link_v2(client: t.Any, **arguments: t.Any) -> Item:
    return t.cast(Item, client.create_vpc_link(**arguments))


@_handles("update VPC link V2")
@RETRY
def update_vpc_link_v2(client: t.Any, link_id: str, **arguments: t.Any) -> Item:
    """Only the name can change."""
    return t.cast(Item, client.update_vpc_link(VpcLinkId=link_id, **arguments))


@_handles_deletion("delete VPC link V2")
@RETRY
def delete_vpc_link_v2(client: t.Any, link_id: str) -> None:
    client.delete_vpc_link(VpcLinkId=link_id)


@_handles("tag VPC link V2")
@RETRY
def tag_resource_v2(client: t.Any, path: str, tags: dict[str, str]) -> None:
    client.tag_resource(ResourceArn=resource_arn(client, path), Tags=tags)


@_handles("untag VPC link V2")
@RETRY
def untag_resource_v2(client: t.Any, path: str, keys: list[str]) -> None:
    client.untag_resource(ResourceArn=resource_arn(client, path), TagKeys=keys)


# REST APIs


@_handles("list REST APIs")
@RETRY
def get_rest_apis(client: t.Any) -> list[Item]:
    return _all_items(client, "get_rest_apis")


@_handles_quota("create REST API", quota="REST APIs in this region (600 regional ones unless raised)")
@RETRY
def create_rest_api(client: t.Any, **arguments: t.Any) -> Item:
    return t.cast(Item, client.create_rest_api(**arguments))


@_handles_quota("import the definition", quota="resources in an API (300 unless raised)")
@RETRY
def put_rest_api(client: t.Any, api_id: str, **arguments: t.Any) -> Item:
    """Import a definition; the answer's ``warnings`` say what AWS left out."""
    return t.cast(Item, client.put_rest_api(restApiId=api_id, **arguments))


@_handles("update REST API")
@RETRY
def update_rest_api(client: t.Any, api_id: str, patch: list[Item]) -> Item:
    return t.cast(Item, client.update_rest_api(restApiId=api_id, patchOperations=patch))


@_handles_deletion("delete REST API")
@RETRY
def delete_rest_api(client: t.Any, api_id: str) -> None:
    client.delete_rest_api(restApiId=api_id)


@_handles("list resources of REST API")
@RETRY
def get_resources(client: t.Any, api_id: str) -> list[Item]:
    """All resources of the API, with their methods and integrations."""
    return _all_items(client, "get_resources", restApiId=api_id, embed=["methods"])


@_handles("list models of REST API")
@RETRY
def get_models(client: t.Any, api_id: str) -> list[Item]:
    return _all_items(client, "get_models", restApiId=api_id)


@_handles("list gateway responses of REST API")
@RETRY
def get_gateway_responses(client: t.Any, api_id: str) -> list[Item]:
    """All kinds of responses of API Gateway's own; those that nobody changed have ``defaultResponse``."""
    return _all_items(client, "get_gateway_responses", restApiId=api_id)


@_handles("list request validators of REST API")
@RETRY
def get_request_validators(client: t.Any, api_id: str) -> list[Item]:
    return _all_items(client, "get_request_validators", restApiId=api_id)


@_handles("list authorizers of REST API")
@RETRY
def get_authorizers(client: t.Any, api_id: str) -> list[Item]:
    return _all_items(client, "get_authorizers", restApiId=api_id)


# Deployments and stages


@_handles("list deployments")
@RETRY
def get_deployments(client: t.Any, api_id: str) -> list[Item]:
    return _all_items(client, "get_deployments", restApiId=api_id)


@_handles("create deployment")
@RETRY
def create_deployment(client: t.Any, api_id: str, description: str) -> Item:
    return t.cast(Item, client.create_deployment(restApiId=api_id, description=description))


@_handles("update deployment")
@RETRY
def update_deployment(client: t.Any, api_id: str, deployment_id: str, patch: list[Item]) -> Item:
    arguments = {"restApiId": api_id, "deploymentId": deployment_id, "patchOperations": patch}
    return t.cast(Item, client.update_deployment(**arguments))


@_handles_deletion("delete deployment")
@RETRY
def delete_deployment(client: t.Any, api_id: str, deployment_id: str) -> None:
    client.delete_deployment(restApiId=api_id, deploymentId=deployment_id)


@_handles_missing("list stages", default_value=[])
@RETRY
def get_stages(client: t.Any, api_id: str) -> list[Item]:
    """All stages of the API; none when there is no such API (any more)."""
    return t.cast(list[Item], client.get_stages(restApiId=api_id).get("item", []))


@_handles_quota("create stage", quota="stages in an API (10 unless raised)")
@RETRY
def create_stage(client: t.Any, **arguments: t.Any) -> Item:
    return t.cast(Item, client.create_stage(**arguments))


@_handles("update stage")
@RETRY
def update_stage(client: t.Any, api_id: str, name: str, patch: list[Item]) -> Item:
    return t.cast(Item, client.update_stage(restApiId=api_id, stageName=name, patchOperations=patch))


@_handles_deletion("delete stage")
@RETRY
def delete_stage(client: t.Any, api_id: str, name: str) -> None:
    client.delete_stage(restApiId=api_id, stageName=name)


# Usage plans and API keys


@_handles("list usage plans")
@RETRY
def get_usage_plans(client: t.Any) -> list[Item]:
    return _all_items(client, "get_usage_plans")


@_handles_quota("create usage plan", quota="usage plans in this account and region (300 unless raised)")
@RETRY
def create_usage_plan(client: t.Any, **arguments: t.Any) -> Item:
    return t.cast(Item, client.create_usage_plan(**arguments))


@_handles("update usage plan")
@RETRY
def update_usage_plan(client: t.Any, plan_id: str, patch: list[Item]) -> Item:
    return t.cast(Item, client.update_usage_plan(usagePlanId=plan_id, patchOperations=patch))


@_handles_deletion("delete usage plan")
@RETRY
def delete_usage_plan(client: t.Any, plan_id: str) -> None:
    client.delete_usage_plan(usagePlanId=plan_id)


@_handles("list keys of usage plan")
@RETRY
def get_usage_plan_keys(client: t.Any, plan_id: str) -> list[Item]:
    return _all_items(client, "get_usage_plan_keys", usagePlanId=plan_id)


@_handles("add API key to usage plan")
@RETRY
def create_usage_plan_key(client: t.Any, plan_id: str, key_id: str, **arguments: t.Any) -> None:
    client.create_usage_plan_key(usagePlanId=plan_id, keyId=key_id, **arguments)


@_handles_deletion("take API key out of usage plan")
@RETRY
def delete_usage_plan_key(client: t.Any, plan_id: str, key_id: str) -> None:
    client.delete_usage_plan_key(usagePlanId=plan_id, keyId=key_id)


@_handles("list API keys")
@RETRY
def get_api_keys(client: t.Any) -> list[Item]:
    """All API keys, without their values."""
    return _all_items(client, "get_api_keys", includeValues=False)


@_handles("read API key")
@RETRY
def get_api_key_value(client: t.Any, key_id: str) -> str:
    """The secret itself."""
    return t.cast(str, client.get_api_key(apiKey=key_id, includeValue=True)["value"])


@_handles_quota("create API key", quota="API keys in this account and region (10000)")
@RETRY
def create_api_key(client: t.Any, **arguments: t.Any) -> Item:
    return t.cast(Item, client.create_api_key(**arguments))


@_handles("update API key")
@RETRY
def update_api_key(client: t.Any, key_id: str, patch: list[Item]) -> Item:
    return t.cast(Item, client.update_api_key(apiKey=key_id, patchOperations=patch))


@_handles_deletion("delete API key")
@RETRY
def delete_api_key(client: t.Any, key_id: str) -> None:
    client.delete_api_key(apiKey=key_id)
