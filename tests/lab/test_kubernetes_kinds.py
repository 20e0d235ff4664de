# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The embedded API server serves a kind that it is given as a CustomResourceDefinition, and no other."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import kubernetes_cluster
import pytest
from kubernetes.client import ApiException
from kubernetes_cluster import Cluster

from lab.kubernetes.embedded import EmbeddedServer

DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "kennels.pets.example"},
    "spec": {
        "group": "pets.example",
        "scope": "Namespaced",
        "names": {"kind": "Kennel", "plural": "kennels", "singular": "kennel", "shortNames": ["ken"]},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                    {
                        "name": "Ready",
                        "type": "string",
                        "jsonPath": ".status.conditions[?(@.type=='Ready')].status",
                    },
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "apiVersion": {"type": "string"},
                            "kind": {"type": "string"},
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "description": "How many dogs find a place."},
                                    "color": {"type": "string", "default": "red", "enum": ["red", "green"]},
                                    "doors": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {"name": {"type": "string"}, "wide": {"type": "boolean"}},
                                        },
                                    },
                                },
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with kubernetes_cluster.running(tmp_path_factory.mktemp("kinds")) as started:
        if not isinstance(started.server, EmbeddedServer):
            pytest.skip("a kube-apiserver has custom kinds by itself")
        started.server.kinds.define(DEFINITION)
        started.core.create_namespace({"metadata": {"name": "dogs"}})
        yield started


@pytest.fixture
def kennels(cluster: Cluster) -> Any:
    return cluster.dynamic.resources.get(api_version="pets.example/v1beta1", kind="Kennel")


def kennel(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "pets.example/v1beta1", "kind": "Kennel", "metadata": {"name": name}, "spec": spec}


def test_it_is_written_read_and_watched(kennels: Any) -> None:
    made = kennels.create(body=kennel("first", size=2, doors=[], motto=""), namespace="dogs").to_dict()
    # Defaults are filled in, unknown fields are dropped, and nothing else is.
    assert made["spec"] == {"size": 2, "color": "red", "doors": []}
    merge = "application/merge-patch+json"
    changed = kennels.patch(body={"spec": {"size": 3}}, name="first", namespace="dogs", content_type=merge)
    assert (changed.spec.size, changed.metadata.generation) == (3, 2)
    assert [each.spec.size for each in kennels.get(namespace="dogs").items] == [3]
    kennels.delete(name="first", namespace="dogs")
    events = itertools.islice(
        kennels.watch(namespace="dogs", resource_version=made["metadata"]["resourceVersion"], timeout=10), 2
    )
    assert [event["type"] for event in events] == ["MODIFIED", "DELETED"]


def test_its_schema_is_kept_to(cluster: Cluster, kennels: Any) -> None:
    with pytest.raises(ApiException) as refused:
        kennels.create(body=kennel("odd", color="blue"), namespace="dogs")
    message = json.loads(refused.value.body)["message"]
    assert 'Kennel.pets.example "odd" is invalid' in message
    assert "spec.size: Required value" in message
    assert 'spec.color: Unsupported value: "blue": supported values: "red", "green"' in message
    with pytest.raises(ApiException) as refused:
        kennels.create(body=kennel("odd", size="two"), namespace="dogs")
    assert refused.value.status == 422
    assert 'spec.size in body must be of type integer: "string"' in json.loads(refused.value.body)["message"]
    text = cluster.refused("create", "-n", "dogs", "-f", "-", given=kennel("odd", size=1, tail=2))
    assert 'unknown field "spec.tail"' in text


def test_it_is_applied_by_several(kennels: Any) -> None:
    for manager, door in (("builder", "front"), ("owner", "back")):
        applied = kennels.server_side_apply(
            body=kennel("shared", size=1, doors=[{"name": door}]), namespace="dogs", field_manager=manager
        )
    assert [each.name for each in applied.spec.doors] == ["front", "back"]


def test_it_has_no_strategic_merge_patch(kennels: Any) -> None:
    kennels.create(body=kennel("plain", size=1), namespace="dogs")
    strategic = "application/strategic-merge-patch+json"
    with pytest.raises(ApiException) as refused:
        kennels.patch(body={"spec": {"size": 2}}, name="plain", namespace="dogs", content_type=strategic)
    assert refused.value.status == 415


def test_kubectl_knows_it(cluster: Cluster) -> None:
    assert "kennel.pets.example/known created" in cluster.kubectl(
        "apply", "-n", "dogs", "-f", "-", given=kennel("known", size=4)
    )
    assert "unchanged" in cluster.kubectl("apply", "-n", "dogs", "-f", "-", given=kennel("known", size=4))
    status = '{"status": {"conditions": [{"type": "Slept", "status": "No"}, {"type": "Ready", "status": "True"}]}}'
    cluster.kubectl("patch", "-n", "dogs", "ken", "known", "--subresource=status", "--type=merge", "-p", status)
    headings, row = cluster.kubectl("get", "-n", "dogs", "ken", "known").splitlines()
    assert headings.split() == ["NAME", "SIZE", "READY"]
    assert row.split() == ["known", "4", "True"]
    assert "How many dogs find a place." in cluster.kubectl("explain", "kennel.spec.size")


def test_what_empties_a_namespace_finds_it(cluster: Cluster) -> None:
    kinds = cluster.kubectl("api-resources", "--namespaced", "--verbs=list,delete", "-o", "name").split()
    assert "kennels.pets.example" in kinds


def test_rules_of_a_built_in_kind_are_its_own(cluster: Cluster) -> None:
    other = json.loads(json.dumps(DEFINITION).replace("Kennel", "Service").replace("kennel", "service"))
    assert isinstance(cluster.server, EmbeddedServer)
    cluster.server.kinds.define(other)
    body = {**kennel("no-ports", size=1), "kind": "Service"}
    services = cluster.dynamic.resources.get(api_version="pets.example/v1beta1", kind="Service")
    assert services.create(body=body, namespace="dogs").spec.size == 1
