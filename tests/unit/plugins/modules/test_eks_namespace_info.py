# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""eks_namespace_info, run as Ansible runs it, against a fake of Kubernetes: its lists and its patience."""

from __future__ import annotations

import functools
import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import wait
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import KubernetesError
from ansible_collections.seam.eks_auto.plugins.modules import eks_namespace_info

Result = dict[str, t.Any]
OURS = {"app.kubernetes.io/managed-by": "seam.eks_auto"}


def discovered(name: str, kind: str) -> Result:
    return {"resources": [{"name": name, "kind": kind, "namespaced": True, "verbs": ["list", "delete"]}]}


def named(name: str, **more: t.Any) -> Result:
    return {"metadata": {"name": name, "namespace": "shop", "uid": name, **more.pop("metadata", {})}, **more}


class World:
    """EKS with one cluster, Kubernetes by path, and a clock that only pauses move."""

    def __init__(self) -> None:
        self.cluster: Result | None = {"name": "shop", "status": "ACTIVE"}
        spec = {"type": "LoadBalancer", "ports": [{"port": 80}], "loadBalancerSourceRanges": ["10.0.0.0/8"]}
        self.answers: dict[str, t.Any] = {
            "/apis": {"groups": [{"preferredVersion": {"groupVersion": "apps/v1"}}]},
            "/api/v1": discovered("services", "Service"),
            "/apis/apps/v1": discovered("deployments", "Deployment"),
            "/api/v1/namespaces/shop": {"metadata": {"name": "shop", "labels": OURS}},
            "/api/v1/namespaces/shop/services": {"items": [named("vpclink", spec=spec, metadata={"labels": OURS})]},
            "/apis/apps/v1/namespaces/shop/deployments": {"items": [named("shop")]},
            "/api/v1/services": {"items": [named("vpclink", spec=spec)]},
        }
        self.connected: list[str] = []
        self.now = 0.0

    def get(self, path: str, **_query: str) -> Result:
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        found: Result = answer(self.now) if callable(answer) else answer
        return found

    def connect(self, _module: t.Any, cluster: Result, namespace: str) -> World:
        self.connected.append(f"{cluster['name']}/{namespace}")
        return self

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> t.Callable[..., Result]:
    monkeypatch.setattr(AnsibleAWSModule, "client", lambda _self, _name: None)
    monkeypatch.setattr(eks_namespace_info, "describe_cluster", lambda _client, _name: world.cluster)
    monkeypatch.setattr(eks_namespace_info, "connect", world.connect)
    clock = functools.partial(wait, clock=lambda: world.now, pause=world.pause)
    monkeypatch.setattr(eks_namespace_info, "wait", clock)

    def runner(**options: t.Any) -> Result:
        arguments = {"region": "us-west-2", "cluster_name": "shop", "namespace": "shop", **options}
        with pytest.raises(SystemExit), patch_module_args({k: v for k, v in arguments.items() if v is not None}):
            eks_namespace_info.main()
        result: Result = json.loads(capsys.readouterr().out)
        return result

    return runner


def test_it_lists_objects_with_their_owners(run: t.Callable[..., Result], world: World) -> None:
    result = run()
    assert (result["changed"], result["reachable"], result["cluster_status"]) == (False, True, "ACTIVE")
    assert result["namespace"] == {"name": "shop", "ours": True, "deleting": False}
    assert [(each["kind"], each["name"], each["ours"]) for each in result["objects"]] == [
        ("Service", "vpclink", True),
        ("Deployment", "shop", False),
    ]
    (service,) = result["services"]
    assert service == {
        "name": "vpclink",
        "stack": "shop/vpclink",
        "contract": {"cluster": "shop", "namespace": "shop", "service": "vpclink"},
        "ours": True,
        "type": "LoadBalancer",
        "load_balancer_class": None,
        "ports": [{"port": 80, "target_port": 80}],
        "source_ranges": ["10.0.0.0/8"],
    }
    assert world.connected == ["shop/shop"]


def test_of_all_namespaces_only_the_wanted_kinds(run: t.Callable[..., Result]) -> None:
    result = run(namespace=None, kinds=[{"api_version": "v1", "kind": "Service"}])
    assert [each["name"] for each in result["objects"]] == ["vpclink"]
    assert result["namespace"] is None


@pytest.mark.parametrize("status", [None, "CREATING"])
def test_of_a_cluster_that_is_not_there_it_says_so(
    run: t.Callable[..., Result], world: World, status: str | None
) -> None:
    world.cluster = status and {"name": "shop", "status": status}  # type: ignore[assignment]
    result = run()
    assert (result["reachable"], result["cluster_status"], result["objects"]) == (False, status, [])
    assert world.connected == []


def test_a_namespace_that_is_not_there_has_nothing_in_it(run: t.Callable[..., Result], world: World) -> None:
    world.answers["/api/v1/namespaces/shop"] = KubernetesError("not found", status=404)
    result = run()
    assert (result["namespace"], result["namespace_denied"], result["objects"]) == (None, False, [])


def test_rights_in_a_namespace_are_enough(run: t.Callable[..., Result], world: World) -> None:
    world.answers["/api/v1/namespaces/shop"] = KubernetesError("forbidden", denied=True, status=403)
    result = run()
    assert (result["namespace"], result["namespace_denied"], len(result["objects"])) == (None, True, 2)


def test_an_access_entry_that_takes_effect_late_is_waited_for(run: t.Callable[..., Result], world: World) -> None:
    def late(now: float) -> Result:
        if now < 20:
            raise KubernetesError("Unauthorized", denied=True, status=401)
        return {"metadata": {"name": "shop"}}

    world.answers["/api/v1/namespaces/shop"] = late
    assert run()["namespace"]["ours"] is False
    assert 20 <= world.now < 30


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (KubernetesError("Unauthorized", denied=True, status=401), "refuses these credentials: Unauthorized"),
        (KubernetesError("connection refused"), "can't be asked: connection refused"),
    ],
)
def test_a_lasting_failure_is_reported_with_its_owner(
    run: t.Callable[..., Result], world: World, error: Exception, says: str
) -> None:
    world.answers["/api/v1/namespaces/shop"] = error
    result = run()
    assert result["failed"]
    assert says in result["msg"]
    assert "Owner: infra" in result["msg"]


def test_another_answer_of_the_namespace_is_a_trouble(run: t.Callable[..., Result], world: World) -> None:
    world.answers["/api/v1/namespaces/shop"] = KubernetesError("etcdserver: request timed out", status=500)
    assert "etcdserver" in run()["msg"]


def test_bad_names_are_refused_before_anything_is_asked(run: t.Callable[..., Result], world: World) -> None:
    assert "namespace: 'Shop' is no name for a namespace" in run(namespace="Shop")["msg"]
    assert world.connected == []
