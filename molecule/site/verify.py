# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API reaches the pods, and only with the key. Afterwards nothing of the landscape is left."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

NAME = "molecule-site"
PET = {"id": 7, "name": "Mill", "photoUrls": [], "tags": []}


def put_pet(url: str, key: str | None) -> tuple[int, bytes]:
    request = urllib.request.Request(f"{url}/pet", json.dumps(PET).encode(), {"content-type": "application/json"})
    request.method = "PUT"
    if key:
        request.add_header("x-api-key", key)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def ours(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["name"].startswith(NAME)]


def test_present(aws: Callable[[str], Any], lab: dict[str, Any]) -> None:
    apigateway = aws("apigateway")
    (api,) = ours(apigateway.get_rest_apis()["items"])
    (key,) = ours(apigateway.get_api_keys(includeValues=True)["items"])
    (stage,) = apigateway.get_stages(restApiId=api["id"])["item"]
    host = f"https://{api['id']}.execute-api.{apigateway.meta.region_name}.amazonaws.com"
    url = f"{lab['execute_api_url']}/{api['id']}" if lab else host
    status, body = put_pet(f"{url}/{stage['stageName']}", key["value"])
    assert (status, {name: json.loads(body).get(name) for name in ("id", "name")}) == (200, {"id": 7, "name": "Mill"})
    assert put_pet(f"{url}/{stage['stageName']}", None)[0] == 403


def test_absent(aws: Callable[[str], Any]) -> None:
    apigateway, eks, ec2, iam = aws("apigateway"), aws("eks"), aws("ec2"), aws("iam")
    assert ours(apigateway.get_rest_apis()["items"]) == []
    assert ours(apigateway.get_vpc_links()["items"]) == []
    assert ours(apigateway.get_usage_plans()["items"]) == []
    assert ours(apigateway.get_api_keys()["items"]) == []
    filters = [{"Key": "eks:eks-cluster-name", "Values": [NAME]}]
    left = aws("resourcegroupstaggingapi").get_resources(TagFilters=filters)["ResourceTagMappingList"]
    assert [each["ResourceARN"] for each in left] == []
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_cluster(name=NAME)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=f"{NAME}-cluster")
    tagged = [{"Name": "tag-key", "Values": [f"seam.eks_auto/subnet-of/{NAME}"]}]
    assert ec2.describe_subnets(Filters=tagged)["Subnets"] == []
