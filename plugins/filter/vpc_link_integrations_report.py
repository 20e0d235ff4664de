# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: an OpenAPI document -> the changes on its way to VPC link integrations, and the demands on callers."""

from __future__ import annotations

import typing as t

from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations import (
    integrated,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.security import (
    security_summary,
)


def vpc_link_integrations_report(document: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """See vpc_link_integrations_report.yml."""
    definition, findings = integrated(document, **options)
    return {
        "losses": [f"{what}: {', '.join(places)}" for what, places in findings.losses.items()],
        "replaced": findings.replaced,
        "security": security_summary(definition),
        "stage_variables": findings.stage_variables,
    }


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"vpc_link_integrations_report": vpc_link_integrations_report}
