# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API whose stage points at one link, and a key to call it with; afterwards none of it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

NAME = "molecule-api"


def ours(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["name"].startswith(NAME)]


def test_present(aws: Callable[[str], Any]) -> None:
    apigateway, elbv2 = aws("apigateway"), aws("elbv2")
    (api,) = ours(apigateway.get_rest_apis()["items"])
    (link,) = ours(apigateway.get_vpc_links()["items"])
    (plan,) = ours(apigateway.get_usage_plans()["items"])
    (key,) = ours(apigateway.get_api_keys()["items"])
    (balancer,) = elbv2.describe_load_balancers(LoadBalancerArns=link["targetArns"])["LoadBalancers"]
    (stage,) = apigateway.get_stages(restApiId=api["id"])["item"]
    assert link["status"] == "AVAILABLE"
    assert stage["variables"]["vpcLinkId"] == link["id"]
    assert stage["variables"]["nlbHost"] == balancer["DNSName"]
    assert [(each["apiId"], each["stage"]) for each in plan["apiStages"]] == [(api["id"], stage["stageName"])]
    assert [each["id"] for each in apigateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]] == [key["id"]]


def test_absent(aws: Callable[[str], Any]) -> None:
    apigateway = aws("apigateway")
    assert ours(apigateway.get_rest_apis()["items"]) == []
    assert ours(apigateway.get_vpc_links()["items"]) == []
    assert ours(apigateway.get_usage_plans()["items"]) == []
    assert ours(apigateway.get_api_keys()["items"]) == []
