# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments, ReplicaSets and PodDisruptionBudgets."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.validation import forms


def replica_set(item: Object) -> Iterator[Cause]:
    spec = item["spec"]
    yield from forms.not_negative(spec, ("replicas", "minReadySeconds"), "spec.")
    yield from _selector(spec)
    yield from _template(spec.get("template", {}))


def deployment(item: Object) -> Iterator[Cause]:
    yield from replica_set(item)
    spec = item["spec"]
    yield from forms.not_negative(spec, ("revisionHistoryLimit", "progressDeadlineSeconds"), "spec.")
    if spec["progressDeadlineSeconds"] <= spec.get("minReadySeconds", 0):
        text = "must be greater than minReadySeconds"
        yield errors.invalid_value("spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"], text)
    yield from _strategy(spec["strategy"])


def _selector(spec: Object) -> Iterator[Cause]:
    selector = spec.get("selector")
    if selector is None:
        yield errors.required("spec.selector")
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield errors.invalid_value("spec.selector", selector, "empty selector is invalid for deployment")
        return
    labels = spec.get("template", {}).get("metadata", {}).get("labels", {})
    if not selector.get("matchLabels", {}).items() <= labels.items():
        text = "`selector` does not match template `labels`"
        yield errors.invalid_value("spec.template.metadata.labels", labels or None, text)


def _template(template: Object) -> Iterator[Cause]:
    """Pods that are kept running are always started again, and have no end."""
    spec = template.get("spec", {})
    if spec.get("restartPolicy", "Always") in ("OnFailure", "Never"):
        yield errors.unsupported("spec.template.spec.restartPolicy", spec["restartPolicy"], ["Always"])
    if "activeDeadlineSeconds" in spec:
        text = "activeDeadlineSeconds in ReplicaSet is not Supported"
        yield errors.forbidden_value("spec.template.spec.activeDeadlineSeconds", text)


def _strategy(strategy: Object) -> Iterator[Cause]:
    rolling, path = strategy.get("rollingUpdate"), "spec.strategy.rollingUpdate"
    if strategy.get("type") == "Recreate":
        if rolling is not None:
            yield errors.forbidden_value(path, "may not be specified when strategy `type` is 'Recreate'")
        return
    if rolling is None:
        return
    surge, unavailable = rolling["maxSurge"], rolling["maxUnavailable"]
    yield from forms.number_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from forms.number_or_percent(surge, f"{path}.maxSurge")
    if _is_zero(surge) and _is_zero(unavailable):
        yield errors.invalid_value(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    yield from forms.at_most_100_percent(unavailable, f"{path}.maxUnavailable")


def _is_zero(value: int | str) -> bool:
    return value == 0 or forms.percent(value) == 0


def fixed_selector(item: Object, before: Object) -> Iterator[Cause]:
    selector = item["spec"].get("selector")
    if selector != before["spec"].get("selector"):
        yield errors.invalid_value("spec.selector", selector, "field is immutable")


def disruption_budget(item: Object) -> Iterator[Cause]:
    spec = item.get("spec", {})
    if {"minAvailable", "maxUnavailable"} <= spec.keys():
        yield errors.invalid_value("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for name in ("minAvailable", "maxUnavailable"):
        if name in spec:
            yield from forms.number_or_percent(spec[name], f"spec.{name}")
            yield from forms.at_most_100_percent(spec[name], f"spec.{name}")
