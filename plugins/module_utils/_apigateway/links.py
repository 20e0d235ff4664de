# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC links of both versions behind one interface.

V1 is one of the operations of REST APIs, V2 an operation of AWS's other API (``apigatewayv2``), which came with HTTP APIs.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from .._core.rates import TokenBucket
from .._core.results import snake_case
from .._core.wait import Timeline, Verdict, wait_for_all
from . import api

Item = dict[str, t.Any]
Version = t.Literal["1", "2"]


@dataclass(frozen=True)
class Link:
    """A VPC link. ``version`` is V(1), a link to one load balancer, or V(2), a link into subnets and groups."""

    version: Version
    id: str
    name: str
    status: str
    tags: dict[str, str] = field(default_factory=dict)
    status_message: str | None = None
    description: str | None = None
    target_arns: tuple[str, ...] = ()
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    #: AWS returns it for links V2 only.
    created_date: t.Any = None

    @classmethod
    def of_v1(cls, item: Item) -> Link:
        """From an item of API Gateway's GetVpcLinks."""
        return cls(
            version="1",
            id=item["id"],
            name=item["name"],
            status=item["status"],
            tags=item.get("tags", {}),
            status_message=item.get("statusMessage"),
            description=item.get("description"),
            target_arns=tuple(item.get("targetArns", ())),
        )

    @classmethod
    def of_v2(cls, item: Item) -> Link:
        """From an item of the other API's GetVpcLinks."""
        return cls(
            version="2",
            id=item["VpcLinkId"],
            name=item["Name"],
            status=item["VpcLinkStatus"],
            tags=item.get("Tags", {}),
            status_message=item.get("VpcLinkStatusMessage"),
            subnet_ids=tuple(item.get("SubnetIds", ())),
            security_group_ids=tuple(item.get("SecurityGroupIds", ())),
            created_date=item.get("CreatedDate"),
        )

    @property
    def going(self) -> bool:
        return self.status == "DELETING"

    @property
    def serving(self) -> bool:
        """Whether it lets requests through, or will."""
        return self.status in ("PENDING", "AVAILABLE")

    def owned(self, ownership_tags: t.Mapping[str, str]) -> bool:
        """Whether it carries all of these tags."""
        return ownership_tags.items() <= self.tags.items()

    def to_result(self) -> Item:
        """As modules return it, without what a link of its version hasn't."""
        (target_arn,) = self.target_arns or (None,)
        shown = {**asdict(self), "target_arn": target_arn}
        del shown["target_arns"]
        return t.cast(Item, snake_case({key: value for key, value in shown.items() if value not in (None, ())}))

    def __str__(self) -> str:
        return f"VPC link {self.id} ({self.name})"


class _V1:
    """Links of AWS's API for REST APIs."""

    def __init__(self, client: t.Any) -> None:
        self._client = client

    def find(self) -> list[Link]:
        return [Link.of_v1(item) for item in api.get_vpc_links(self._client)]

    def create(self, request: Item) -> Link:
        return Link.of_v1(api.create_vpc_link(self._client, **request))

    def update(self, link_id: str, request: Item) -> None:
        api.update_vpc_link(self._client, link_id, request["patchOperations"])

    def tag(self, link_id: str, tags: dict[str, str]) -> None:
        api.tag_resource(self._client, f"/vpclinks/{link_id}", tags)

    def untag(self, link_id: str, keys: list[str]) -> None:
        api.untag_resource(self._client, f"/vpclinks/{link_id}", keys)

    def delete(self, link_id: str) -> None:
        api.delete_vpc_link(self._client, link_id)


class _V2:
    """Links of AWS's other API, which lets few be made and deleted.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    """

    def __init__(self, client: t.Any) -> None:
        self._client = client
        self._creations = TokenBucket(1 / 15)
        self._deletions = TokenBucket(1 / 30)

    def find(self) -> list[Link]:
        return [Link.of_v2(item) for item in api.get_vpc_links_v2(self._client)]

    def create(self, request: Item) -> Link:
        self._creations.take()
        return Link.of_v2(api.create_vpc_link_v2(self._client, **request))

    def update(self, link_id: str, request: Item) -> None:
        api.update_vpc_link_v2(self._client, link_id, **request)

    def tag(self, link_id: str, tags: dict[str, str]) -> None:
        api.tag_resource_v2(self._client, f"/vpclinks/{link_id}", tags)

    def untag(self, link_id: str, keys: list[str]) -> None:
        api.untag_resource_v2(self._client, f"/vpclinks/{link_id}", keys)

    def delete(self, link_id: str) -> None:
        self._deletions.take()
        api.delete_vpc_link_v2(self._client, link_id)


class LinkApis:
    """AWS's two APIs for links. ``rest`` and ``v2`` are boto3's clients of them."""

    def __init__(self, rest: t.Any, v2: t.Any) -> None:
        self._by_version: dict[Version, _V1 | _V2] = {"1": _V1(rest), "2": _V2(v2)}

    def find(self, *versions: Version) -> list[Link]:
        """All links, or those of some versions."""
        found: dict[str, Link] = {}
        # Whether AWS's API for REST APIs lists links V2 too isn't documented, so V2 counts.
        for version in sorted(versions or self._by_version):
            found |= {link.id: link for link in self._by_version[version].find()}
        return list(found.values())

    def of(self, version: Version) -> _V1 | _V2:
        return self._by_version[version]

    def wait(
        self,
        links: t.Collection[Link],
        judge: t.Callable[[Link | None], Verdict],
        what: str,
        timeout: float,
        usual: str | None = None,
    ) -> Timeline:
        """Wait for links, all of a version by one call. ``judge`` gets None for one that is gone.

        ``timeout`` is in seconds. Raises :class:`.._core.wait.WaitError`.
        """
        versions = {link.version for link in links}

        def observe(_due: list[str]) -> dict[str, Link | None]:
            found = {link.id: link for link in self.find(*versions)}
            return {link.id: found.get(link.id) for link in links}

        subjects = {link.id: f"{link} {what}" for link in links}
        return wait_for_all(subjects, observe, judge, timeout=timeout, usual=usual)[1]


def users(link: Link, stages: t.Iterable[tuple[Item, Item]]) -> list[str]:
    """The stages whose variables name the link, those of a canary too, in words. ``stages`` are pairs of REST API and stage."""
    return [
        f"stage {stage['stageName']} of REST API {rest_api['name']} ({rest_api['id']})"
        for rest_api, stage in stages
        if link.id in (*stage.get("variables", {}).values(), *_canary_variables(stage).values())
    ]


def _canary_variables(stage: Item) -> dict[str, str]:
    variables: dict[str, str] = stage.get("canarySettings", {}).get("stageVariableOverrides", {})
    return variables
