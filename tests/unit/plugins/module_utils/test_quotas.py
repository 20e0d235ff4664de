# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A full quota is reported at once, however patient boto3 is set. Real clients, of an endpoint that always refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import boto3
import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api as apigateway
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError
from ansible_collections.seam.eks_auto.plugins.module_utils._eks import api as eks
from botocore.config import Config


class Endpoint(ThreadingHTTPServer):
    """Answers every call with one error, and counts them. After ``refusals`` calls it answers well."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.code, self.status, self.refusals = "", 429, 1000
        self.calls = 0


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        endpoint = cast(Endpoint, self.server)
        endpoint.calls += 1
        refused = endpoint.calls <= endpoint.refusals
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"message": "no more"} if refused else {"id": "made"}).encode()
        self.send_response(endpoint.status if refused else 200)
        if refused:
            self.send_header("x-amzn-ErrorType", endpoint.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = answer

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """As the playbooks set it, boto3 tries eight times."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "8")
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with Endpoint() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


class Module:
    """Gives clients as AnsibleAWSModule does."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.url = f"http://127.0.0.1:{endpoint.server_port}"

    def client(self, service: str, config: dict[str, Any] | None = None) -> Any:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        settings = Config(**(config or {}))
        return boto3.client(service, endpoint_url=self.url, region_name="us-west-2", config=settings, **keys)


CREATIONS: list[tuple[str, int, Callable[[Module], object]]] = [
    ("LimitExceededException", 429, lambda module: apigateway.create_rest_api(Client(module), name="petstore")),
    ("LimitExceededException", 429, lambda module: apigateway.put_rest_api(Client(module), "abc", body=b"{}")),
    (
        "ResourceLimitExceededException",
        400,
        lambda module: eks.create_access_entry(module.client("eks"), "petstore", "arn:aws:iam::1:role/team", {}),
    ),
]


@pytest.mark.parametrize(
    ("code", "status", "create"), CREATIONS, ids=["CreateRestApi", "PutRestApi", "CreateAccessEntry"]
)
def test_a_full_quota_takes_one_call(
    endpoint: Endpoint, code: str, status: int, create: Callable[[Module], object]
) -> None:
    endpoint.code, endpoint.status = code, status
    with pytest.raises(SeamError, match="is full, free one or have it raised"):
        create(Module(endpoint))
    assert endpoint.calls == 1


@pytest.mark.parametrize(
    "create", [create for _code, _status, create in CREATIONS[:2]], ids=["CreateRestApi", "PutRestApi"]
)
def test_too_many_calls_are_still_waited_out(endpoint: Endpoint, create: Callable[[Module], object]) -> None:
    endpoint.code, endpoint.refusals = "TooManyRequestsException", 10
    create(Module(endpoint))
    assert endpoint.calls == 11
