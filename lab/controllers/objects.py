# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions that several controllers ask of objects: owners, selectors, pods' readiness, conditions."""

from __future__ import annotations

import datetime
import math
from typing import Any

from lab.controllers.client import Object
from lab.controllers.events import now


def controller_of(item: Object) -> Object | None:
    """The owner reference to this object's controller."""
    owners = item["metadata"].get("ownerReferences", [])
    return next((owner for owner in owners if owner.get("controller")), None)


def owned(items: list[Object], owner: Object) -> list[Object]:
    """Those of the objects that this owner manages."""
    uid = owner["metadata"]["uid"]
    return [item for item in items if (controller_of(item) or {}).get("uid") == uid]


def owner_reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector (matchLabels and matchExpressions) selects these labels."""
    plain = selector.get("matchLabels", {}).items() <= labels.items()
    return plain and all(_holds(each, labels) for each in selector.get("matchExpressions", []))


def _holds(expression: Object, labels: dict[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", [])
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def labels_of(item: Object) -> dict[str, str]:
    labels: dict[str, str] = item["metadata"].get("labels", {})
    return labels


def is_ending(item: Object) -> bool:
    return "deletionTimestamp" in item["metadata"]


def is_active(pod: Object) -> bool:
    """Neither finished nor being deleted."""
    return not is_ending(pod) and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


def condition(item: Object, kind: str) -> Object | None:
    conditions = item.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), None)


def is_ready(pod: Object) -> bool:
    return (condition(pod, "Ready") or {}).get("status") == "True"


def seconds_until_available(pod: Object, min_ready_seconds: int) -> float | None:
    """How long a pod has to stay ready until it counts as available; None when it isn't ready."""
    ready = condition(pod, "Ready")
    if not ready or ready["status"] != "True":
        return None
    return max(0.0, min_ready_seconds - seconds_since(ready["lastTransitionTime"])) if min_ready_seconds else 0.0


def seconds_since(timestamp: str) -> float:
    return (datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(timestamp)).total_seconds()


def changed_condition(item: Object, wanted: Object, *times: str) -> Object:
    """The condition to write. Of ``times``, the transition's changes with the status only."""
    before = condition(item, wanted["type"])
    stamps = {"lastTransitionTime": now(), **{name: now() for name in times}}
    if before and before["status"] == wanted["status"]:
        stamps["lastTransitionTime"] = before["lastTransitionTime"]
        if all(before.get(name) == value for name, value in wanted.items()):
            stamps = {name: before.get(name, stamp) for name, stamp in stamps.items()}
    return {**wanted, **stamps}


def resolve(value: Any, total: int, round_up: bool) -> int:
    """An absolute number, or a percentage of ``total``."""
    if isinstance(value, str) and value.endswith("%"):
        share = total * int(value.removesuffix("%")) / 100
        return math.ceil(share) if round_up else math.floor(share)
    return int(value)
