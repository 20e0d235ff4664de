# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ELBv2 call a function, or EC2 call on security groups, retried while AWS throttles or stumbles.

Every function raises :class:`.._core.errors.SeamError`. Answers are AWS's own (CamelCase). Resources deleted before the
call are left out of the answer: load balancers come and go while one looks.
"""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from .._core.errors import THROTTLING, ErrorHandler

Resource = dict[str, t.Any]

#: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
ARNS_PER_CALL = 20

# Seconds at most, because a wait asks again anyway.
RETRY = AWSRetry.jittered_backoff(retries=4, delay=0.5, max_delay=4, catch_extra_error_codes=THROTTLING)


class NlbErrorHandler(ErrorHandler):
    """Knows how ELBv2 and EC2 say "missing"."""

    missing_codes = ("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound", "InvalidGroup.NotFound")


@NlbErrorHandler.common_error_handler("describe load balancers")
@RETRY
def describe_load_balancers(client: t.Any) -> list[Resource]:
    """Every load balancer of the account and region, of any type."""
    pages = client.get_paginator("describe_load_balancers").paginate()
    return t.cast(list[Resource], pages.build_full_result()["LoadBalancers"])


def describe_network_load_balancers(client: t.Any) -> list[Resource]:
    """Every network load balancer of the account and region."""
    return [item for item in describe_load_balancers(client) if item["Type"] == "network"]


def describe_tags(client: t.Any, arns: list[str]) -> dict[str, dict[str, str]]:
    """Tags by ARN."""
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(arns), ARNS_PER_CALL):
        found |= _describe_tags(client, arns[start : start + ARNS_PER_CALL])
    return found


def _describe_tags(client: t.Any, arns: list[str]) -> dict[str, dict[str, str]]:
    """As ``describe_tags``, for as many ARNs as one call takes.

    AWS refuses the whole call when one of them is gone, so halves are asked until that one is alone.
    """
    descriptions = _describe_existing_tags(client, arns)
    if descriptions is not None:
        return {item["ResourceArn"]: {tag["Key"]: tag["Value"] for tag in item["Tags"]} for item in descriptions}
    if len(arns) == 1:
        return {}
    half = len(arns) // 2
    return _describe_tags(client, arns[:half]) | _describe_tags(client, arns[half:])


@NlbErrorHandler.list_error_handler("describe the tags of load balancers")
@RETRY
def _describe_existing_tags(client: t.Any, arns: list[str]) -> list[Resource] | None:
    return t.cast(list[Resource], client.describe_tags(ResourceArns=arns)["TagDescriptions"])


@NlbErrorHandler.list_error_handler("describe listeners", default_value=[])
@RETRY
def describe_listeners(client: t.Any, load_balancer_arn: str) -> list[Resource]:
    pages = client.get_paginator("describe_listeners").paginate(LoadBalancerArn=load_balancer_arn)
    return t.cast(list[Resource], pages.build_full_result()["Listeners"])


@NlbErrorHandler.list_error_handler("describe target groups", default_value=[])
@RETRY
def describe_target_groups(client: t.Any, load_balancer_arn: str | None = None) -> list[Resource]:
    """Those of a load balancer, or all of the account and region."""
    which = {"LoadBalancerArn": load_balancer_arn} if load_balancer_arn else {}
    pages = client.get_paginator("describe_target_groups").paginate(**which)
    return t.cast(list[Resource], pages.build_full_result()["TargetGroups"])


@NlbErrorHandler.list_error_handler("describe the health of targets")
@RETRY
def describe_target_health(client: t.Any, target_group_arn: str) -> list[Resource] | None:
    """None if there is no such target group (any more)."""
    answer = client.describe_target_health(TargetGroupArn=target_group_arn)
    return t.cast(list[Resource], answer["TargetHealthDescriptions"])


@NlbErrorHandler.common_error_handler("describe security groups")
@RETRY
def describe_security_groups(client: t.Any) -> list[Resource]:
    """Every security group of the account and region."""
    pages = client.get_paginator("describe_security_groups").paginate()
    return t.cast(list[Resource], pages.build_full_result()["SecurityGroups"])


@NlbErrorHandler.common_error_handler("describe endpoint services")
@RETRY
def describe_endpoint_services(client: t.Any) -> list[Resource]:
    """Every endpoint service of the account and region; a VPC link V1 is one."""
    pages = client.get_paginator("describe_vpc_endpoint_service_configurations").paginate()
    return t.cast(list[Resource], pages.build_full_result().get("ServiceConfigurations", []))


@NlbErrorHandler.deletion_error_handler("delete the load balancer")
@RETRY
def delete_load_balancer(client: t.Any, arn: str) -> None:
    client.delete_load_balancer(LoadBalancerArn=arn)


@NlbErrorHandler.deletion_error_handler("delete the target group")
@RETRY
def delete_target_group(client: t.Any, arn: str) -> None:
    client.delete_target_group(TargetGroupArn=arn)


@NlbErrorHandler.deletion_error_handler("delete the security group")
@RETRY
def delete_security_group(client: t.Any, group_id: str) -> None:
    client.delete_security_group(GroupId=group_id)
