# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure functions between what users write, what API Gateway says, and what modules return."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags
from ansible_collections.amazon.aws.plugins.module_utils.transformation import (
    boto3_resource_to_ansible_dict,
)

from .common import AnsibleApiGatewayError, Item, Step, only, owned  # noqa: F401

# Ownership


def ownership(params: Item) -> tuple[dict[str, str], dict[str, str]]:
    """The ownership tags, and all tags to set, out of a module's ``ownership_tags`` and ``tags``."""
    ownership_tags = {key: str(value) for key, value in params["ownership_tags"].items()}
    if not ownership_tags:
        raise AnsibleApiGatewayError(message="ownership_tags must hold at least one tag")
    tags = {key: str(value) for key, value in (params["tags"] or {}).items()}
    return ownership_tags, {**tags, **ownership_tags}


def tag_steps(path: str, current: Item, tags: dict[str, str]) -> list[Step]:
    """Tags to set on an existing resource; other tags are left alone."""
    missing, _unset = compare_aws_tags(current.get("tags", {}), tags, purge_tags=False)
    return [Step("TagResource", path, {"path": path, "tags": missing})] if missing else []


def replace(path: str, value: t.Any) -> Item:
    """A patch operation; API Gateway takes all values as text."""
    return {"op": "replace", "path": path, "value": str(value)}


def differing(current: Item, desired: Item) -> Item:
    """What is desired (None: leave as it is) and not so yet."""
    return {key: value for key, value in desired.items() if value is not None and value != current.get(key)}


# Results


def as_result(resource: Item | None) -> Item | None:
    """A resource as modules return it: snake_case, with the user's own keys (tags, variables) as they are."""
    if resource is None:
        return None
    visible = {key: value for key, value in resource.items() if key not in ("ResponseMetadata", "value", "warnings")}
    return t.cast(
        Item,
        boto3_resource_to_ansible_dict(
            visible, transform_tags=False, force_tags=False, ignore_list=["tags", "variables"]
        ),
    )
