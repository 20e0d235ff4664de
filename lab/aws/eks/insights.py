# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's operations on insights. They are read from insights.json in the lab's folder, to rehearse an upgrade.

https://docs.aws.amazon.com/eks/latest/APIReference/API_ListInsights.html and API_Insight.html
"""

from __future__ import annotations

import json

from lab.aws.eks.clusters import Clusters
from lab.aws.eks.common import Item, not_found, page
from lab.aws.service import Call

#: The fields of an insight in ListInsights.
_SUMMARY = ("id", "name", "category", "kubernetesVersion", "description", "insightStatus")


class Insights(Clusters):
    """The part of EKS that reports insights about a cluster."""

    def list_insights(self, call: Call) -> Item:
        self.find_cluster(call.params["clusterName"])
        wanted = call.params.get("filter", {})
        found = [
            {key: insight[key] for key in _SUMMARY if key in insight}
            for insight in self._insights()
            if insight["category"] in wanted.get("categories", [insight["category"]])
            and insight.get("kubernetesVersion") in wanted.get("kubernetesVersions", [insight.get("kubernetesVersion")])
            and insight["insightStatus"]["status"] in wanted.get("statuses", [insight["insightStatus"]["status"]])
        ]
        return page(call, "insights", found)

    def describe_insight(self, call: Call) -> Item:
        self.find_cluster(call.params["clusterName"])
        for insight in self._insights():
            if insight["id"] == call.params["id"]:
                return {"insight": insight}
        raise not_found(f"No insight found for ID: {call.params['id']}")

    def _insights(self) -> list[Item]:
        path = self.settings.folder / "insights.json"
        found: list[Item] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        return found
