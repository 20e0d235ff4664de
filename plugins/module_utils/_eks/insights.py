# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's upgrade insights on an upgrade: pure, from the answers of DescribeInsight.

https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html
"""

from __future__ import annotations

import typing as t

from .cluster_plan import minor

Insight = dict[str, t.Any]


class Readiness(t.NamedTuple):
    """Insights that are not passing, in their own words. Those in ``blocking`` stand in the way."""

    blocking: list[str]
    warnings: list[str]


def concerns(insight: Insight, version: str) -> bool:
    """Whether an insight is about an upgrade to ``version``. EKS looks ahead, to later versions as well."""
    about = insight.get("kubernetesVersion")
    return about is None or minor(about) <= minor(version)


def readiness(insights: t.Iterable[Insight], version: str) -> Readiness:
    """The insights about an upgrade to ``version``. Only ERROR stands in the way: with others EKS itself goes on."""
    found = [insight for insight in insights if concerns(insight, version)]
    return Readiness(
        blocking=[_text(insight) for insight in found if _status(insight) == "ERROR"],
        warnings=[_text(insight) for insight in found if _status(insight) in ("WARNING", "UNKNOWN")],
    )


def _status(insight: Insight) -> str:
    return insight.get("insightStatus", {}).get("status", "UNKNOWN")


def _text(insight: Insight) -> str:
    """Name, status, reason, recommendation, and what it was found at."""
    reason = insight.get("insightStatus", {}).get("reason")
    resources = [each.get("kubernetesResourceUri") or each.get("arn") for each in insight.get("resources", [])]
    found_at = f"Found at: {', '.join(filter(None, resources))}" if any(resources) else None
    sentences = filter(None, [reason, insight.get("recommendation"), found_at])
    return f"{insight['name']} ({_status(insight)}): {' '.join(sentences)}".rstrip(": ")
