# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks in an account and region for possible orphans, and for their possible owners."""

from __future__ import annotations

import typing as t

from .._apigateway import api as apigateway
from .._apigateway.links import Link, LinkApis, users
from .._eks.api import list_clusters
from . import api
from .contract import API_TAG, CONTRACT_TAG
from .orphans import LINK, LOAD_BALANCER, SECURITY_GROUP, TARGET_GROUP, Known, Resource, Told

Item = dict[str, t.Any]


class Clients(t.NamedTuple):
    """boto3's clients, and ``links`` for both APIs of VPC links."""

    elbv2: t.Any
    ec2: t.Any
    eks: t.Any
    rest: t.Any
    links: LinkApis


def look(clients: Clients, told: t.Iterable[Told], awaited_apis: t.Iterable[str]) -> tuple[list[Resource], Known]:
    """All possible orphans, and their possible owners.

    ``told`` and ``awaited_apis`` are what AWS can't show. Raises :class:`.._core.errors.SeamError`.
    """
    links = clients.links.find()
    balancers = api.describe_load_balancers(clients.elbv2)
    groups = api.describe_target_groups(clients.elbv2)
    arns = [each["LoadBalancerArn"] for each in balancers] + [each["TargetGroupArn"] for each in groups]
    tags = api.describe_tags(clients.elbv2, arns)
    rest_apis = apigateway.get_rest_apis(clients.rest)
    found = [
        *_links(clients.rest, [link for link in links if not link.going], rest_apis),
        *(_load_balancer(each, tags, links) for each in balancers),
        *(_target_group(each, tags) for each in groups),
        *(_security_group(each, balancers, links) for each in api.describe_security_groups(clients.ec2)),
    ]
    known = Known(
        clusters=frozenset(list_clusters(clients.eks)),
        apis=frozenset(each["tags"][API_TAG] for each in rest_apis if API_TAG in each.get("tags", {})),
        told=tuple(told),
        awaited_apis=frozenset(awaited_apis),
        going=frozenset(link.id for link in links if link.going),
    )
    return found, known


def _links(client: t.Any, links: list[Link], rest_apis: list[Item]) -> list[Resource]:
    ours = any(link.tags.keys() & {CONTRACT_TAG, API_TAG} for link in links)
    stages = [(each, stage) for each in rest_apis if ours for stage in apigateway.get_stages(client, each["id"])]
    return [
        Resource(
            LINK,
            link.id,
            link.name,
            link.tags,
            link.created_date,
            stages=tuple(users(link, stages)),
            version=link.version,
        )
        for link in links
    ]


def _load_balancer(item: Item, tags: dict[str, dict[str, str]], links: list[Link]) -> Resource:
    arn = item["LoadBalancerArn"]
    holding = tuple(link.id for link in links if arn in link.target_arns)
    return Resource(LOAD_BALANCER, arn, item["LoadBalancerName"], tags.get(arn, {}), item["CreatedTime"], holding)


def _target_group(item: Item, tags: dict[str, dict[str, str]]) -> Resource:
    arn = item["TargetGroupArn"]
    return Resource(
        TARGET_GROUP, arn, item["TargetGroupName"], tags.get(arn, {}), held_by=tuple(item.get("LoadBalancerArns", ()))
    )


def _security_group(item: Item, balancers: list[Item], links: list[Link]) -> Resource:
    group = item["GroupId"]
    holding = [each["LoadBalancerArn"] for each in balancers if group in each.get("SecurityGroups", ())]
    holding += [link.id for link in links if group in link.security_group_ids]
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
    return Resource(SECURITY_GROUP, group, item["GroupName"], tags, held_by=tuple(holding))
