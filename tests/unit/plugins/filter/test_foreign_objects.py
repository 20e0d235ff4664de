# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The owners whose objects would go with a cluster."""

from __future__ import annotations

from typing import Any

from ansible_collections.seam.eks_auto.plugins.filter.foreign_objects import FilterModule


def an_object(namespace: str, kind: str, name: str, ours: bool = False) -> dict[str, Any]:
    return {"namespace": namespace, "kind": kind, "name": name, "ours": ours}


def test_what_is_neither_ours_nor_of_kubernetes_is_named_by_namespace() -> None:
    objects = [
        an_object("shop", "Service", "shop"),
        an_object("petstore", "Deployment", "petstore", ours=True),
        an_object("default", "Service", "kubernetes"),
        an_object("kube-system", "ConfigMap", "settings"),
        an_object("shop", "ConfigMap", "settings"),
        an_object("default", "Pod", "debug"),
    ]
    assert FilterModule().filters()["foreign_objects"](objects) == [
        "in namespace default Pod debug",
        "in namespace shop ConfigMap settings, Service shop",
    ]
