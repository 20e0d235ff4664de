# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on command, as clients meet them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.watch
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ConnectionError
from kubernetes_cluster import Cluster
from kubernetes_cluster import running as running_kubernetes

from lab import faults
from lab.faults import Fault, Faults
from tests.running_lab import RunningLab

LIMIT = 60


@pytest.fixture(scope="module")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with RunningLab.running(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def lab(running_lab: RunningLab) -> Iterator[RunningLab]:
    yield running_lab
    faults.clear(running_lab.folder)


def fault(lab: RunningLab, *arguments: str) -> str:
    command = [sys.executable, "-m", "lab", "fault", "--folder", str(lab.folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]).stdout


def client(lab: RunningLab, service: str) -> Any:
    """One that tries once."""
    return lab.client(service, config=Config(retries={"max_attempts": 0}, read_timeout=LIMIT))


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("eks", "list_clusters", "ThrottlingException", 429),
        ("apigateway", "get_rest_apis", "TooManyRequestsException", 429),
        ("ec2", "describe_vpcs", "RequestLimitExceeded", 503),
        ("elbv2", "describe_load_balancers", "Throttling", 400),
        ("iam", "list_roles", "Throttling", 400),
    ],
)
def test_each_service_throttles_in_its_own_words(
    lab: RunningLab, service: str, operation: str, code: str, status: int
) -> None:
    fault(lab, "throttle", "--count", "1")
    call = getattr(client(lab, service), operation)
    with pytest.raises(ClientError) as refused:
        call()
    response = refused.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    call()


def test_clients_try_again_when_throttled(lab: RunningLab) -> None:
    fault(lab, "throttle", "--count", "2")
    assert lab.client("ec2", config=Config(retries={"mode": "standard", "max_attempts": 3})).describe_vpcs()["Vpcs"]


def test_a_fault_hits_what_it_names(lab: RunningLab) -> None:
    fault(lab, "unavailable", "--service", "ec2", "--mutating", "--skip", "1", "--count", "1")
    ec2 = client(lab, "ec2")
    ec2.describe_vpcs()
    subnet = lab.subnets()[0]

    def tag(key: str) -> None:
        ec2.create_tags(Resources=[subnet], Tags=[{"Key": key, "Value": ""}])

    tag("first")
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        tag("second")
    tag("third")
    listed = [json.loads(line) for line in fault(lab, "list").splitlines()]
    assert [(each["kind"], each["operation"]) for each in listed][-1] == ("unavailable", "CreateTags")


def test_a_spared_request_is_let_through_however_often_it_comes(lab: RunningLab) -> None:
    ec2, subnet = client(lab, "ec2"), lab.subnets()[0]

    def tag(key: str) -> None:
        ec2.create_tags(Resources=[subnet], Tags=[{"Key": key, "Value": ""}])

    def refused(key: str) -> None:
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            tag(key)

    faults.add(lab.folder, Fault("unavailable", mutating=True))
    refused("first")
    listed = json.loads(faults.injected(lab.folder)[-1])
    faults.clear(lab.folder)
    faults.add(lab.folder, Fault("unavailable", mutating=True, spared=(listed["request"],)))
    tag("first")
    tag("first")
    refused("second")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'{"clientRequestToken": "1", "name": "a"}', b'{"clientRequestToken": "2", "name": "a"}'),
        (b"Action=CreateNatGateway&ClientToken=1&SubnetId=a", b"Action=CreateNatGateway&ClientToken=2&SubnetId=a"),
    ],
)
def test_a_request_is_the_same_with_another_idempotency_token(first: bytes, second: bytes) -> None:
    assert faults.fingerprint("POST", "/", first) == faults.fingerprint("POST", "/", second)
    assert faults.fingerprint("POST", "/", first) != faults.fingerprint("POST", "/", first.replace(b"a", b"b"))


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("eks", "list_clusters", "ServiceUnavailableException"),
        ("apigateway", "get_rest_apis", "ServiceUnavailableException"),
        ("elbv2", "describe_load_balancers", "ServiceUnavailable"),
    ],
)
def test_each_service_is_unavailable_in_its_own_words(lab: RunningLab, service: str, operation: str, code: str) -> None:
    fault(lab, "unavailable", "--count", "1")
    with pytest.raises(ClientError) as refused:
        getattr(client(lab, service), operation)()
    response = refused.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, 503)


def test_what_only_kubernetes_has_hits_no_aws_call(lab: RunningLab) -> None:
    fault(lab, "expired")
    assert client(lab, "ec2").describe_vpcs()["Vpcs"]


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_a_connection_ends_before_or_after_the_call_took_effect(lab: RunningLab, after: bool, made: int) -> None:
    fault(lab, "reset", "--operation", "CreateRestApi", "--count", "1", *(["--after"] if after else []))
    gateway = client(lab, "apigateway")
    with pytest.raises((ConnectionClosedError, ConnectionError)):
        gateway.create_rest_api(name=f"after-{after}")
    names = [each["name"] for each in gateway.get_rest_apis()["items"]]
    assert names.count(f"after-{after}") == made


def test_a_call_hangs_until_the_faults_are_cleared(lab: RunningLab) -> None:
    fault(lab, "hang", "--operation", "CreateRestApi")
    gateway, ended = client(lab, "apigateway"), threading.Event()

    def call() -> None:
        with pytest.raises((ConnectionClosedError, ConnectionError)):
            gateway.create_rest_api(name="hung")
        ended.set()

    threading.Thread(target=call, daemon=True).start()
    deadline = time.monotonic() + LIMIT
    while not any("CreateRestApi" in line and "hang" in line for line in faults.injected(lab.folder)):
        assert not ended.wait(0.05)
        assert time.monotonic() < deadline
    fault(lab, "clear")
    assert ended.wait(LIMIT)
    assert "hung" not in [each["name"] for each in client(lab, "apigateway").get_rest_apis()["items"]]


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The lab's own API server: another can't be told to fail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KUBEBUILDER_ASSETS", raising=False)
        with running_kubernetes(tmp_path_factory.mktemp("cluster")) as cluster:
            cluster.kubectl("create", "namespace", "alices")
            yield cluster


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    yield running_cluster
    faults.clear(running_cluster.folder)


def alice(cluster: Cluster) -> Any:
    """A client of the API as a user of the lab, without retries."""
    return cluster.client("alice-token", retries=False)


@pytest.mark.parametrize(("kind", "code"), [("throttle", 429), ("unavailable", 503), ("expired", 410)])
def test_kubernetes_refuses_as_it_does(cluster: Cluster, kind: str, code: int) -> None:
    faults.add(cluster.folder, Fault(kind, "kubernetes", "list pods", count=1))
    with pytest.raises(kubernetes.client.ApiException) as refused:
        alice(cluster).list_namespaced_pod("alices")
    assert refused.value.status == code
    assert (refused.value.headers.get("Retry-After") == "1") == (code == 429)
    assert alice(cluster).list_namespaced_pod("alices").items == []


def test_the_lab_itself_is_never_hit(cluster: Cluster) -> None:
    faults.add(cluster.folder, Fault("unavailable", "kubernetes"))
    assert cluster.core.list_namespaced_pod("alices").items == []


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_kubernetes_ends_a_connection_before_or_after(cluster: Cluster, after: bool, made: int) -> None:
    faults.add(cluster.folder, Fault("reset", "kubernetes", "create configmaps", after=after, count=1))
    name = f"after-{after}".lower()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        alice(cluster).create_namespaced_config_map("alices", {"metadata": {"name": name}})
    found = [each.metadata.name for each in cluster.core.list_namespaced_config_map("alices").items]
    assert found.count(name) == made


def test_kubectl_comes_back_when_told_to(cluster: Cluster) -> None:
    faults.add(cluster.folder, Fault("throttle", "kubernetes", "list pods", count=1))
    assert "No resources found" in cluster.run("-n", "alices", "get", "pods", token="alice-token").stderr
    assert any('"list pods"' in line for line in faults.injected(cluster.folder))


def test_in_a_restart_connections_end_and_after_it_all_is_there_but_the_history(cluster: Cluster) -> None:
    core = alice(cluster)
    version = core.list_namespaced_config_map("alices").metadata.resource_version
    core.create_namespaced_config_map("alices", {"metadata": {"name": "kept"}, "data": {"a": "1"}})

    def watch() -> Iterator[Any]:
        found: Iterator[Any] = kubernetes.watch.Watch().stream(
            core.list_namespaced_config_map, "alices", resource_version=version
        )
        return found

    watching = watch()
    assert next(watching)["object"].metadata.name == "kept"
    faults.add(cluster.folder, Fault("restart", seconds=2))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        next(watching)
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        core.list_namespaced_config_map("alices")
    # kubectl finds nobody either, until the server is back.
    deadline = time.monotonic() + LIMIT
    while (got := cluster.run("-n", "alices", "get", "configmap", "kept", "--output=jsonpath={.data}")).returncode != 0:
        assert "was refused" in got.stderr
        assert time.monotonic() < deadline
    assert json.loads(got.stdout) == {"a": "1"}
    with pytest.raises(kubernetes.client.ApiException, match="too old resource version") as refused:
        next(watch())
    assert refused.value.status == 410


def test_a_restart_comes_once_to_each_server_and_hits_no_call(tmp_path: Path) -> None:
    faults.add(tmp_path, Fault("restart", seconds=3))
    found = Faults(tmp_path)
    assert found.pick("kubernetes", "list pods", mutating=False) is None
    assert found.pick("kubernetes", "patch services", mutating=True) is None
    servers: list[set[str]] = [set(), set()]
    for server in servers:
        restart = found.pick_restart(server)
        assert restart and restart.seconds == 3
        assert found.pick_restart(server) is None
    assert [json.loads(line)["kind"] for line in faults.injected(tmp_path)] == ["restart", "restart"]


def test_a_server_ignores_restarts_from_before_its_start(tmp_path: Path) -> None:
    faults.add(tmp_path, Fault("restart"))
    found = Faults(tmp_path)
    met = found.restarts()
    assert found.pick_restart(met) is None
    faults.add(tmp_path, Fault("restart"))
    assert found.pick_restart(met)


def test_calls_that_fail_do_not_restart(tmp_path: Path) -> None:
    faults.add(tmp_path, Fault("unavailable"))
    assert Faults(tmp_path).pick_restart(set()) is None


def test_chance_is_seeded(tmp_path: Path) -> None:
    """The same seed hits the same calls, and about the share that was asked for."""

    def hits(folder: str, seed: int) -> list[bool]:
        path = tmp_path / folder
        path.mkdir()
        faults.add(path, Fault("throttle", rate=0.3, seed=seed))
        found = Faults(path)
        return [found.pick("eks", "ListClusters", False) is not None for _ in range(1000)]

    first = hits("a", 7)
    assert hits("b", 7) == first
    assert hits("c", 8) != first
    assert 250 < sum(first) < 350


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["throttle", "--after"], "--after goes with reset and hang only."),
        (["throttle", "--rate", "30"], "argument --rate: must be from 0 to 1"),
        (["throttle", "--folder", "/nowhere"], "There is no lab in /nowhere."),
    ],
)
def test_what_cannot_be_is_refused(lab: RunningLab, arguments: list[str], says: str) -> None:
    command = [sys.executable, "-m", "lab", "fault", "--folder", str(lab.folder), *arguments]
    refused = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert refused.returncode != 0
    assert refused.stderr.splitlines()[-1].endswith(says)
    assert faults.read(lab.folder) == []
