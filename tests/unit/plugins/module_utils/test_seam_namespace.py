# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects in a namespace, and their owners."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import KubernetesError
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.namespace import Found, Kind, kinds, objects

SERVICES = Kind("v1", "Service", "services")
DEPLOYMENTS = Kind("apps/v1", "Deployment", "deployments")


class Api:
    """Answers by path; an exception is raised."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, path: str, **query: str) -> dict[str, Any]:
        self.asked.append(path)
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found


def resource(name: str, kind: str, verbs: str = "delete list", namespaced: bool = True) -> dict[str, Any]:
    return {"name": name, "kind": kind, "namespaced": namespaced, "verbs": verbs.split()}


DISCOVERY = {
    "/apis": {
        "groups": [
            {"preferredVersion": {"groupVersion": "apps/v1"}},
            {"preferredVersion": {"groupVersion": "events.k8s.io/v1"}},
        ]
    },
    "/api/v1": {
        "resources": [
            resource("services", "Service"),
            resource("services/status", "Service"),
            resource("nodes", "Node", namespaced=False),
            resource("bindings", "Binding", verbs="create"),
            resource("events", "Event"),
        ]
    },
    "/apis/apps/v1": {"resources": [resource("deployments", "Deployment")]},
    "/apis/events.k8s.io/v1": {"resources": [resource("events", "Event")]},
}


def test_all_kinds_that_can_be_listed_and_deleted_are_found_once() -> None:
    assert [kind.name for kind in kinds(Api(DISCOVERY))] == ["Service", "Event", "Deployment"]


def test_only_the_groups_of_wanted_kinds_are_asked() -> None:
    api = Api(DISCOVERY)
    assert kinds(api, [("v1", "Service"), ("apps/v1", "Deployment")]) == [SERVICES, DEPLOYMENTS]
    assert api.asked == ["/api/v1", "/apis/apps/v1"]


def item(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", **metadata}}


@pytest.mark.parametrize(
    ("kind", "there"),
    [
        (Kind("v1", "ConfigMap", "configmaps"), item("kube-root-ca.crt")),
        (Kind("v1", "ServiceAccount", "serviceaccounts"), item("default")),
        (Kind("v1", "Secret", "secrets"), item("token", annotations={"kubernetes.io/service-account.name": "default"})),
        (Kind("v1", "Pod", "pods"), item("petstore-1", ownerReferences=[{"kind": "ReplicaSet"}])),
        (
            Kind("eks.amazonaws.com/v1", "TargetGroupBinding", "tgbs"),
            item("k8s", labels={"service.eks.amazonaws.com/stack-name": "x"}),
        ),
        (Kind("v1", "Endpoints", "endpoints"), item("vpclink")),
    ],
    ids=lambda value: value.name if isinstance(value, Kind) else "",
)
def test_what_the_platform_made_is_left_out(kind: Kind, there: dict[str, Any]) -> None:
    assert objects(Api({kind.path("shop"): {"items": [there]}}), "shop", [kind]) == ([], [])


def test_objects_are_found_and_unreadable_kinds_are_named() -> None:
    secrets, gone = Kind("v1", "Secret", "secrets"), Kind("old/v1", "Gone", "gones")
    answers = {
        "/api/v1/services": {"items": [item("vpclink")]},
        "/apis/apps/v1/deployments": {"items": None},
        "/api/v1/secrets": KubernetesError("forbidden", denied=True, status=403),
        "/apis/old/v1/gones": KubernetesError("the server could not find the requested resource", status=404),
    }
    found, denied = objects(Api(answers), None, [SERVICES, DEPLOYMENTS, secrets, gone])
    assert [(kind.name, each["metadata"]["name"]) for kind, each in found] == [("Service", "vpclink")]
    assert denied == ["Secret"]


def test_another_trouble_is_one() -> None:
    with pytest.raises(KubernetesError, match="etcd"):
        objects(Api({"/api/v1/namespaces/shop/services": KubernetesError("etcd", status=500)}), "shop", [SERVICES])


@pytest.mark.parametrize(
    ("metadata", "ours", "holder"),
    [
        ({}, False, None),
        ({"labels": {"app.kubernetes.io/managed-by": "seam.eks_auto"}}, True, None),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, False, "Helm"),
        ({"labels": {}, "annotations": {"meta.helm.sh/release-name": "shop"}}, False, "the Helm release (shop)"),
    ],
)
def test_our_label_makes_it_ours_and_marks_of_other_tools_theirs(
    metadata: dict[str, Any], ours: bool, holder: str | None
) -> None:
    managed = [{"manager": "kubectl"}, {}, {"manager": "kubectl"}]
    found = Found.of(SERVICES, item("vpclink", managedFields=managed, **metadata))
    assert (found.ours, found.holder, found.managers) == (ours, holder, ("kubectl", "unknown"))
