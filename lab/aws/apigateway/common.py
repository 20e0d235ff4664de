# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the parts of API Gateway: refusals, identifiers, pages, patch operations, and the type of an API."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import random
import string
from collections.abc import Iterable
from typing import Any

from lab.aws import tags
from lab.aws.service import AwsError, Call
from lab.settings import ACCOUNT

Item = dict[str, Any]

VPC_LINKS = 20
STAGES = 10
RESOURCES = 300


def bad_request(message: str) -> AwsError:
    return AwsError("BadRequestException", message)


def not_found(message: str) -> AwsError:
    return AwsError("NotFoundException", message)


def conflict(message: str) -> AwsError:
    return AwsError("ConflictException", message)


def quota_reached(what: str) -> AwsError:
    """A full quota: HTTP 429, as throttling is."""
    return AwsError(
        "LimitExceededException",
        f"Maximum number of {what} has been reached. Please contact AWS if you need additional {what}.",
        429,
    )


def check_tags(given: dict[str, str]) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-restrictions.html"""
    if tags.reserved(given):
        # https://github.com/serverless/serverless/issues/9223
        raise bad_request("Invalid tag key. Tag keys cannot start with 'aws:' (case insensitive)")
    if text := tags.first_with_forbidden_character([*given, *given.values()]):
        raise bad_request(f"Invalid tag: {text}")


def new_id(length: int = 10) -> str:
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=length))


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def page(call: Call, items: Iterable[Item]) -> Item:
    """One page of a listing, ``limit`` items (25 unless given), from the opaque ``position`` on."""
    everything = list(items)
    position = call.params.get("position")
    try:
        start = int(base64.urlsafe_b64decode(position)) if position else 0
    except ValueError:
        raise bad_request("Invalid position parameter specified") from None
    end = start + min(call.params.get("limit") or 25, 500)
    answer: Item = {"items": everything[start:end]}
    if end < len(everything):
        answer["position"] = base64.urlsafe_b64encode(str(end).encode()).decode()
    return answer


def segments(path: str) -> list[str]:
    """The parts of a JSON pointer: ``/variables/x`` or, with escapes, ``/requestModels/application~1json``."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.lstrip("/").split("/")]


def patches(call: Call) -> list[tuple[str, str, str]]:
    """The patch operations of a call, as (operation, path, value)."""
    return [
        (operation["op"], operation.get("path", ""), operation.get("value", ""))
        for operation in call.params.get("patchOperations", [])
    ]


def patch_fields(target: Item, operations: list[tuple[str, str, str]], allowed: list[str]) -> None:
    """Apply operations that replace plain text fields; AWS's refusals for other paths and operations."""
    for operation, path, value in operations:
        if path not in allowed:
            choice = ", ".join(allowed)
            raise bad_request(
                f"Invalid patch path  '{path}' specified for op '{operation}'. Must be one of: [{choice}]"
            )
        if operation != "replace":
            raise bad_request(
                f"Invalid patch path  '{path}' specified for op '{operation}'. Please choose supported operations"
            )
        target[path.lstrip("/")] = value


def model_url(api_id: str) -> str:
    """The prefix of a reference from one model of an API to another; the model's name follows."""
    return f"https://apigateway.amazonaws.com/restapis/{api_id}/models/"


def boolean(value: str) -> bool:
    """A boolean in a patch operation, which carries text only."""
    return value.lower() == "true"


@dataclasses.dataclass
class Deployment:
    """A snapshot of an API: later edits don't reach it."""

    info: Item
    resources: dict[str, Item]
    validators: dict[str, Item]
    binary_media_types: list[str]

    @property
    def methods(self) -> Iterable[tuple[Item, Item]]:
        """Each (resource, method) of the snapshot."""
        return methods_of(self.resources)


@dataclasses.dataclass
class RestApi:
    """One REST API: its description as AWS returns it, and its parts by identifier or name."""

    info: Item
    resources: dict[str, Item]
    models: dict[str, Item] = dataclasses.field(default_factory=dict)
    validators: dict[str, Item] = dataclasses.field(default_factory=dict)
    authorizers: dict[str, Item] = dataclasses.field(default_factory=dict)
    gateway_responses: dict[str, Item] = dataclasses.field(default_factory=dict)
    deployments: dict[str, Deployment] = dataclasses.field(default_factory=dict)
    stages: dict[str, Item] = dataclasses.field(default_factory=dict)
    #: (link, method, resource) of deleted integrations that named a link directly. AWS still counts them as references
    #: (API Gateway developer guide, important notes).
    dangling: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)

    @property
    def id(self) -> str:
        return str(self.info["id"])


def methods_of(resources: dict[str, Item]) -> Iterable[tuple[Item, Item]]:
    """Each (resource, method) of a resource tree."""
    for resource in resources.values():
        for method in resource.get("resourceMethods", {}).values():
            yield resource, method


def find_api(apis: dict[str, RestApi], call: Call) -> RestApi:
    """The API that the call names."""
    identifier = call.params["restApiId"]
    if identifier not in apis:
        raise not_found(f"Invalid API identifier specified {ACCOUNT}:{identifier}")
    return apis[identifier]
