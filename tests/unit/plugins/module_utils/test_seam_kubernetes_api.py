# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls of the Kubernetes API, over HTTP: requests, tokens, answers and refusals."""

from __future__ import annotations

import itertools
import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import (
    WATCH_LENGTH,
    KubernetesApi,
    KubernetesError,
)
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import pod, service


class ApiServer(ThreadingHTTPServer):
    """Gives ``answer`` (status, lines) to every request, and keeps the requests."""

    answer: tuple[int, list[t.Any]] = (200, [])
    headers: t.ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = t.cast(ApiServer, self.server)
        parts = urlsplit(self.path)
        server.requests.append((parts.path, dict(parse_qsl(parts.query)), self.headers["Authorization"]))
        status, lines = server.answer
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write("\n".join(json.dumps(line) for line in lines).encode() + b"\n")

    def log_message(self, *_: t.Any) -> None:
        pass


@pytest.fixture
def server() -> t.Iterator[ApiServer]:
    with ApiServer() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def api(server: ApiServer) -> KubernetesApi:
    numbers = itertools.count(1)
    return KubernetesApi(server.url, "ca.pem", lambda: f"token-{next(numbers)}", "petstore")


def failure(code: int, message: str) -> dict[str, t.Any]:
    return {"kind": "Status", "status": "Failure", "message": message, "reason": "Reason", "code": code}


def a_list(*items: dict[str, t.Any]) -> tuple[int, list[t.Any]]:
    return 200, [{"kind": "List", "metadata": {"resourceVersion": "7"}, "items": items}]


def test_a_list_gives_raw_objects_and_the_version_to_watch_from(server: ApiServer, api: KubernetesApi) -> None:
    server.answer = a_list(service(hostname="petstore.example"))
    [item], version = api.list("Service", field_selector="metadata.name=vpclink")
    assert version == "7"
    assert item["spec"]["loadBalancerClass"] == "eks.amazonaws.com/nlb"
    assert item["spec"]["ports"] == [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]
    assert item["status"]["loadBalancer"]["ingress"] == [{"hostname": "petstore.example"}]
    [(path, query, _token)] = server.requests
    assert path == "/api/v1/namespaces/petstore/services"
    assert query == {"fieldSelector": "metadata.name=vpclink"}


def test_a_path_gives_what_the_api_server_has_there(server: ApiServer, api: KubernetesApi) -> None:
    server.answer = (200, [{"kind": "APIResourceList"}])
    assert api.get("/api/v1") == {"kind": "APIResourceList"}
    assert [path for path, _query, _token in server.requests] == ["/api/v1"]


def test_every_call_has_a_token_of_its_own(server: ApiServer, api: KubernetesApi) -> None:
    server.answer = a_list()
    api.list("Pod", label_selector="app=petstore")
    api.list("Event")
    assert [token for _path, _query, token in server.requests] == ["Bearer token-1", "Bearer token-2"]


def test_a_watch_gives_changes_and_ends_with_the_answer(server: ApiServer, api: KubernetesApi) -> None:
    server.answer = (200, [{"type": "ADDED", "object": pod(1)}, {"type": "DELETED", "object": pod(2)}])
    changes = list(api.watch("Pod", "7", label_selector="app=petstore"))
    assert changes == [("ADDED", pod(1)), ("DELETED", pod(2))]
    [(path, query, _token)] = server.requests
    assert path == "/api/v1/namespaces/petstore/pods"
    assert query["watch"].lower() == "true"
    assert query["resourceVersion"] == "7"
    assert query["timeoutSeconds"] == str(WATCH_LENGTH)


def test_a_version_that_is_too_old_is_an_error(server: ApiServer, api: KubernetesApi) -> None:
    server.answer = (200, [{"type": "ERROR", "object": failure(410, "too old resource version")}])
    with pytest.raises(KubernetesError, match="410"):
        list(api.watch("Pod", "1"))


@pytest.mark.parametrize(("status", "denied"), [(401, True), (403, True), (500, False)])
def test_a_refusal_is_in_the_api_servers_words(
    server: ApiServer, api: KubernetesApi, status: int, denied: bool
) -> None:
    server.answer = (status, [failure(status, "services is forbidden")])
    for call in (lambda: api.list("Service"), lambda: list(api.watch("Service", "1"))):
        with pytest.raises(KubernetesError, match="services is forbidden") as caught:
            call()
        assert caught.value.denied == denied


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("Fri, 31 Jan 2026 12:00:00 GMT", 0.0), (None, 0.0)])
def test_a_refusal_says_when_to_come_back(
    server: ApiServer, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch, value: str | None, seconds: float
) -> None:
    monkeypatch.setattr(server, "headers", {"Retry-After": value} if value else {}, raising=False)
    server.answer = (429, [failure(429, "Too many requests, please try again later.")])
    with pytest.raises(KubernetesError, match="Too many requests") as caught:
        api.list("Service")
    assert caught.value.retry_after == seconds


def test_a_refusal_without_words_is_its_status(server: ApiServer, api: KubernetesApi) -> None:
    server.answer = (503, ["not a status"])
    with pytest.raises(KubernetesError, match="503 Service Unavailable"):
        api.list("Service")


def test_nobody_answers(server: ApiServer) -> None:
    unused = KubernetesApi("http://127.0.0.1:1", "ca.pem", lambda: "token", "petstore")
    with pytest.raises(KubernetesError, match="refused"):
        unused.list("Service")


def test_without_a_token_there_is_no_call(server: ApiServer) -> None:
    def mint() -> str:
        raise AnsibleAWSError(message="Failed to sign an EKS token")

    with pytest.raises(KubernetesError, match="sign an EKS token"):
        KubernetesApi(server.url, "ca.pem", mint, "petstore").list("Service")
    assert server.requests == []
