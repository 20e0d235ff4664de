# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC links of both versions behind one interface: a link is a mapping in V1's spelling, with its ``version``.

V1 is one of the operations of REST APIs, V2 an operation of AWS's other API (``apigatewayv2``), which came with HTTP APIs.
"""

from __future__ import annotations

import typing as t

from . import api
from .common import Item


class _V1:
    """Links of AWS's API for REST APIs."""

    version = "1"

    def __init__(self, client: t.Any) -> None:
        self.client = client

    def find(self) -> list[Item]:
        return [self._marked(link) for link in api.get_vpc_links(self.client)]

    def get(self, link_id: str) -> Item | None:
        """The link as it is now, or None when there is none (any more)."""
        link = api.get_vpc_link(self.client, link_id)
        return link and self._marked(link)

    def create(self, desired: Item) -> Item:
        described = {key: desired[key] for key in ("name", "description", "tags") if desired[key] is not None}
        return self._marked(api.create_vpc_link(self.client, **described, targetArns=[desired["target_arn"]]))

    def update(self, link_id: str, patch: list[Item]) -> None:
        api.update_vpc_link(self.client, link_id, patch)

    def tag(self, path: str, tags: dict[str, str]) -> None:
        api.tag_resource(self.client, path, tags)

    def delete(self, link_id: str) -> None:
        api.delete_vpc_link(self.client, link_id)

    def _marked(self, link: Item) -> Item:
        return {**link, "version": self.version}


class _V2(_V1):
    """Links of AWS's other API."""

    version = "2"

    def find(self) -> list[Item]:
        return [self._marked(link) for link in api.get_vpc_links_v2(self.client)]

    def get(self, link_id: str) -> Item | None:
        link = api.get_vpc_link_v2(self.client, link_id)
        return link and self._marked(link)

    def create(self, desired: Item) -> Item:
        options = {key: desired[key] for key in ("name", "subnet_ids", "security_group_ids", "tags")}
        return self._marked(api.create_vpc_link_v2(self.client, **options))

    def update(self, link_id: str, patch: list[Item]) -> None:
        """Only the name can change."""
        (name,) = patch
        api.rename_vpc_link_v2(self.client, link_id, name["value"])

    def tag(self, path: str, tags: dict[str, str]) -> None:
        api.tag_resource_v2(self.client, path, tags)

    def delete(self, link_id: str) -> None:
        api.delete_vpc_link_v2(self.client, link_id)


class LinkApis:
    """AWS's two APIs for links. ``rest`` and ``v2`` are boto3's clients of them."""

    def __init__(self, rest: t.Any, v2: t.Any) -> None:
        self._by_version: dict[str, _V1] = {each.version: each for each in (_V1(rest), _V2(v2))}

    def find(self) -> list[Item]:
        """All links of both versions."""
        found = self._by_version["2"].find()
        known = {link["id"] for link in found}
        # Whether AWS's API for REST APIs lists links V2 too isn't documented.
        return [link for link in self._by_version["1"].find() if link["id"] not in known] + found

    def of(self, link: Item) -> _V1:
        """The API that has to do with a link, or with what a link shall be."""
        return self._by_version[link["version"]]


def is_at(link: Item, desired: Item) -> bool:
    """Whether a link is of the desired version, at the desired place. Neither can change: that takes another link."""
    if link["version"] != desired["version"]:
        return False
    if link["version"] == "1":
        return link["targetArns"] == [desired["target_arn"]]
    return all(
        set(link.get(has, [])) == set(desired[wants] or [])
        for has, wants in (("subnetIds", "subnet_ids"), ("securityGroupIds", "security_group_ids"))
    )


def users(link: Item, stages: list[tuple[Item, Item]]) -> list[str]:
    """The stages whose variables name the link, be it for a canary, in words, out of pairs of REST API and stage."""
    return [
        f"stage {stage['stageName']} of REST API {api['name']} ({api['id']})"
        for api, stage in stages
        if link["id"] in (*stage.get("variables", {}).values(), *_canary_variables(stage).values())
    ]


def _canary_variables(stage: Item) -> dict[str, str]:
    variables: dict[str, str] = stage.get("canarySettings", {}).get("stageVariableOverrides", {})
    return variables
