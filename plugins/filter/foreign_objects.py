# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: objects of a cluster -> those that somebody else made, in words. Pure."""

from __future__ import annotations

import typing as t
from itertools import groupby

# The namespaces in which Kubernetes and EKS keep their own: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
_OF_KUBERNETES = ("kube-node-lease", "kube-public", "kube-system")


def foreign_objects(objects: list[dict[str, t.Any]]) -> list[str]:
    """See foreign_objects.yml."""
    found = sorted((o["namespace"], o["kind"], o["name"]) for o in objects if not o["ours"] and not _is_kubernetes(o))
    return [_words(namespace, list(each)) for namespace, each in groupby(found, key=lambda entry: entry[0])]


def _is_kubernetes(each: dict[str, t.Any]) -> bool:
    """Whether the object is in one of Kubernetes' own namespaces, or is the Service of its API."""
    return each["namespace"] in _OF_KUBERNETES or (each["namespace"], each["kind"], each["name"]) == (
        "default",
        "Service",
        "kubernetes",
    )


def _words(namespace: str, entries: list[tuple[str, str, str]]) -> str:
    return f"in namespace {namespace} {', '.join(f'{kind} {name}' for _namespace, kind, name in entries)}"


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"foreign_objects": foreign_objects}
