# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PodDisruptionBudgets: how many of the selected pods may be evicted now."""

from __future__ import annotations

from lab.controllers.client import DISRUPTION_BUDGETS, PODS, Key, KubeClient, Object, key_of
from lab.controllers.controller import Controller
from lab.controllers.objects import changed_condition, is_active, is_ready, labels_of, resolve, selects


class DisruptionBudgets:
    """The controller. A pod without an owner counts as one that is expected, as it has none to ask."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._budgets = client.cache(DISRUPTION_BUDGETS)
        self._pods = client.cache(PODS)
        self.controller = Controller(self._reconcile)
        self.controller.follow(self._budgets)
        self._pods.listeners.append(self._pod_changed)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        for pod in filter(None, (before, after)):
            for budget in self._budgets.within(pod["metadata"]["namespace"]):
                if selects(budget["spec"].get("selector", {}), labels_of(pod)):
                    self.controller.enqueue(key_of(budget))

    async def _reconcile(self, key: Key) -> None:
        budget = self._budgets.get(key)
        if budget is None:
            return
        selector = budget["spec"].get("selector", {})
        pods = [pod for pod in self._pods.within(key[0]) if selects(selector, labels_of(pod)) and is_active(pod)]
        status = _status(budget, len(pods), sum(map(is_ready, pods)))
        before = budget.get("status", {})
        if any(before.get(name) != value for name, value in status.items()):
            await self._client.patch(DISRUPTION_BUDGETS, key, {"status": status}, "status")


def _status(budget: Object, expected: int, healthy: int) -> Object:
    spec = budget["spec"]
    if "minAvailable" in spec:
        desired = resolve(spec["minAvailable"], expected, round_up=True)
    else:
        desired = expected - resolve(spec.get("maxUnavailable", 0), expected, round_up=True)
    allowed = max(0, healthy - max(0, desired)) if expected else 0
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "observedGeneration": budget["metadata"]["generation"],
    }
    return {
        "observedGeneration": budget["metadata"]["generation"],
        "expectedPods": expected,
        "currentHealthy": healthy,
        "desiredHealthy": max(0, desired),
        "disruptionsAllowed": allowed,
        "conditions": [changed_condition(budget, condition)],
    }
