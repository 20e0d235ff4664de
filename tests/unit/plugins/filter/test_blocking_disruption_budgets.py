# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disruption budgets that would hold up the nodes' replacement."""

from __future__ import annotations

from typing import Any

from ansible_collections.seam.eks_auto.plugins.filter.blocking_disruption_budgets import FilterModule


def budget(name: str, **status: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"}, "status": status}


def test_those_that_have_pods_and_let_none_go_are_named() -> None:
    budgets = [
        budget("open", expectedPods=2, currentHealthy=2, desiredHealthy=1, disruptionsAllowed=1),
        budget("closed", expectedPods=2, currentHealthy=1, desiredHealthy=1, disruptionsAllowed=0),
        budget("empty", expectedPods=0, currentHealthy=0, desiredHealthy=0, disruptionsAllowed=0),
        {"metadata": {"name": "new", "namespace": "shop"}},
    ]
    assert FilterModule().filters()["blocking_disruption_budgets"](budgets) == [
        "PodDisruptionBudget shop/closed (1 of 2 pods healthy, 1 needed)"
    ]
