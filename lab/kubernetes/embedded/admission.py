# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Additions of the server to a client's object: those of admission's plugins, and the first status."""

from __future__ import annotations

import base64

from lab.kubernetes.embedded.resources import NAMESPACE, POD, SECRET, Object, Resource


def complete(resource: Resource, item: Object) -> None:
    """Complete a Secret at each write, other kinds at creation."""
    if known := _COMPLETE.get(resource):
        known(item)


def _namespace(item: Object) -> None:
    item["spec"] = {"finalizers": ["kubernetes"]}
    item["status"] = {"phase": "Active"}


def _pod(item: Object) -> None:
    """The additions of the plugins for priorities and tolerations."""
    item["spec"].update(priority=0, preemptionPolicy="PreemptLowerPriority")
    for trouble in ("not-ready", "unreachable"):
        item["spec"].setdefault("tolerations", []).append(
            {
                "key": f"node.kubernetes.io/{trouble}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
        )
    item["status"] = {"phase": "Pending", "qosClass": _quality(item["spec"])}


def _quality(spec: Object) -> str:
    """The pod's quality of service class."""
    resources = [each.get("resources", {}) for each in spec.get("containers", []) + spec.get("initContainers", [])]
    if not any(resources):
        return "BestEffort"
    limited = all({"cpu", "memory"} <= each.get("limits", {}).keys() for each in resources)
    return "Guaranteed" if limited and all(each["limits"] == each["requests"] for each in resources) else "Burstable"


def _secret(item: Object) -> None:
    texts = item.pop("stringData", {})
    if not texts:
        return
    item["data"] = {
        **item.get("data", {}),
        **{name: base64.b64encode(text.encode()).decode() for name, text in texts.items()},
    }


_COMPLETE = {NAMESPACE: _namespace, POD: _pod, SECRET: _secret}
