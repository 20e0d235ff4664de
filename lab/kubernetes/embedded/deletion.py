# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deletion marks its object, and waits for finalizers, for a pod's grace, for a namespace's content."""

from __future__ import annotations

import datetime

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.options import DeleteOptions
from lab.kubernetes.embedded.resources import NAMESPACE, POD, Object, Resource

#: The finalizers by which the garbage collector knows the propagation policy.
_COLLECTOR_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


def check_preconditions(resource: Resource, item: Object, options: DeleteOptions) -> None:
    """Raise 409 when it isn't the object that the client saw."""
    for name, wanted, label, happened in (
        ("uid", options.uid, "UID", "deleted and then recreated"),
        ("resourceVersion", options.resource_version, "ResourceVersion", "modified"),
    ):
        known = item["metadata"][name]
        if wanted not in (None, known):
            raise errors.StatusError(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {resource.qualified_kind} "{item["metadata"]["name"]}": the '
                f"{label} in the precondition ({wanted}) does not match the {label} in record ({known}). "
                f"The object might have been {happened}",
                {"name": item["metadata"]["name"], "group": resource.group, "kind": resource.kind},
            )


def mark(resource: Resource, item: Object, options: DeleteOptions) -> None:
    """Mark the object as being deleted, with the finalizers to wait for. A grace period can only be shortened."""
    metadata = item["metadata"]
    _set_finalizers(metadata, options.policy)
    grace = _grace_period(resource, item, options)
    if "deletionTimestamp" in metadata and grace >= metadata.get("deletionGracePeriodSeconds", 0):
        return
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=grace)
    metadata["deletionTimestamp"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
    if resource == NAMESPACE:
        item["status"] = {**item.get("status", {}), "phase": "Terminating"}
    else:
        metadata["deletionGracePeriodSeconds"] = grace
    if "generation" in metadata:
        metadata["generation"] += 1


def _set_finalizers(metadata: Object, policy: str) -> None:
    """A deletion's policy for the garbage collector overrides an earlier deletion's."""
    if not policy:
        return
    kept = [each for each in metadata.get("finalizers", ()) if each not in _COLLECTOR_FINALIZERS.values()]
    if finalizer := _COLLECTOR_FINALIZERS.get(policy):
        kept.append(finalizer)
    metadata.pop("finalizers", None)
    if kept:
        metadata["finalizers"] = kept


def _grace_period(resource: Resource, item: Object, options: DeleteOptions) -> int:
    """Seconds: only a pod that a kubelet runs is given time to end."""
    if resource != POD or not item["spec"].get("nodeName"):
        return 0
    if item.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    if options.grace_period is not None:
        return options.grace_period
    return int(item["spec"]["terminationGracePeriodSeconds"])


def is_done(resource: Resource, item: Object) -> bool:
    """Whether nothing holds up the object's deletion any more."""
    metadata = item["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if resource == NAMESPACE:
        return not item.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")
