# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: an OpenAPI document -> the same document with VPC link integrations."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.integrations import (
    V2,
    Wishes,
    integrate,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.openapi import (
    RESOURCES,
    Findings,
    OpenApiError,
)


def integrated(
    document: t.Any,
    backends: list[t.Any] | None = None,
    paths: dict[str, str] | None = None,
    integration_target_key: str = V2.target_key,
    stage_in_path: bool = V2.stage_in_path,
    open_operations: list[str] | None = None,
    resource_quota: int = RESOURCES,
) -> tuple[dict[str, t.Any], Findings]:
    """The definition and what was found on the way; see vpc_link_integrations.yml."""
    try:
        v2 = V2(integration_target_key, stage_in_path)
        wishes = Wishes.of([{}] if backends is None else backends, paths, open_operations or [], resource_quota, v2)
        return integrate(document, wishes)
    except OpenApiError as error:
        raise AnsibleFilterError(f"vpc_link_integrations: {error}") from error


def vpc_link_integrations(document: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """See vpc_link_integrations.yml."""
    return integrated(document, **options)[0]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"vpc_link_integrations": vpc_link_integrations}
