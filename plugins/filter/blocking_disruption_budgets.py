# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: PodDisruptionBudgets -> those that have pods and let none of them go, in words. Pure."""

from __future__ import annotations

import typing as t


def blocking_disruption_budgets(budgets: list[dict[str, t.Any]]) -> list[str]:
    """See blocking_disruption_budgets.yml."""
    return [_words(each) for each in budgets if _blocks(each.get("status") or {})]


def _blocks(status: dict[str, t.Any]) -> bool:
    return status.get("expectedPods", 0) > 0 and status.get("disruptionsAllowed", 0) == 0


def _words(budget: dict[str, t.Any]) -> str:
    metadata, status = budget["metadata"], budget["status"]
    return (
        f"PodDisruptionBudget {metadata['namespace']}/{metadata['name']} ({status['currentHealthy']} of "
        f"{status['expectedPods']} pods healthy, {status['desiredHealthy']} needed)"
    )


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"blocking_disruption_budgets": blocking_disruption_budgets}
