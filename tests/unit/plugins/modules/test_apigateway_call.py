# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigateway_call: its requests, its patience, and its explanations of answers."""

from __future__ import annotations

import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core import wait as _wait
from ansible_collections.seam.eks_auto.plugins.modules import apigateway_call as module
from ansible_collections.seam.eks_auto.plugins.modules.apigateway_call import Response, explain, judge
from ansible_collections.seam.eks_auto.tests.unit.plugins.modules.apigateway_fake import (
    FakeApiGateway,
    Item,
    Runner,
    refusal,
)


class Stage(ThreadingHTTPServer):
    """Gives the ``answers`` for "METHOD path" in order, the last one forever; remembers the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[tuple[int, str]]] = {}
        self.requests: list[Item] = []
        self.url = f"http://127.0.0.1:{self.server_port}/prod"


class Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        stage = t.cast(Stage, self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        stage.requests.append(
            {
                "line": f"{self.command} {self.path}",
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": body,
            }
        )
        queue = stage.answers.get(f"{self.command} {self.path.partition('?')[0]}", [(200, "ok")])
        status, text = queue.pop(0) if len(queue) > 1 else queue[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *args: t.Any) -> None:
        pass


@pytest.fixture
def stage() -> t.Iterator[Stage]:
    with Stage() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(_wait, "threading", FastThreading)
    fake = FakeApiGateway()
    fake.keys["key1"] = {"id": "key1", "name": "petstore", "enabled": True}
    return Runner(module.main, fake, capsys)


class FastThreading:
    """Pauses between attempts take no time."""

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return False


def test_sends_the_requests_with_the_key(stage: Stage, run: Runner) -> None:
    requests = [
        {"path": "/"},
        {
            "method": "PUT",
            "path": "/pet",
            "body": {"id": 7, "name": "Mill"},
            "query": {"a": "b c"},
            "headers": {"x-n": 1},
        },
        {"method": "POST", "path": "/text", "body": "plain"},
    ]
    result = run(url=stage.url + "/", api_key_id="key1", requests=requests).result
    assert [request["line"] for request in stage.requests] == ["GET /prod/", "PUT /prod/pet?a=b+c", "POST /prod/text"]
    assert all(request["headers"]["x-api-key"] == "secret-value" for request in stage.requests)
    assert json.loads(stage.requests[1]["body"]) == {"id": 7, "name": "Mill"}
    assert stage.requests[1]["headers"]["content-type"] == "application/json"
    assert stage.requests[1]["headers"]["x-n"] == "1"
    assert stage.requests[2]["body"] == "plain"
    assert [(r["method"], r["path"], r["status"], r["body"]) for r in result["responses"]][1] == (
        "PUT",
        "/pet",
        200,
        "ok",
    )
    assert all(isinstance(response["latency_ms"], int) for response in result["responses"])
    assert (result["changed"], run.fake.changes) == (False, [])


def test_the_key_never_shows(stage: Stage, run: Runner) -> None:
    stage.answers["GET /prod/"] = [(200, "you sent secret-value")]
    assert "secret-value" not in json.dumps(run(url=stage.url, api_key_id="key1", requests=[{}]).result)
    stage.answers["GET /prod/"] = [(403, "secret-value is bad")]
    failed = run(url=stage.url, api_key_id="key1", requests=[{}], wait_timeout=0)
    assert failed.failed
    assert "secret-value" not in json.dumps(failed.result)


def test_unknown_key(stage: Stage, run: Runner) -> None:
    run.fake.refusals["get_api_key"] = [refusal("NotFoundException", "Invalid API Key identifier specified")]
    failed = run(url=stage.url, api_key_id="key9", requests=[{}])
    assert failed.failed
    assert "Failed to read API key: " in failed.result["msg"]
    assert "Invalid API Key identifier specified" in failed.result["msg"]
    assert stage.requests == []


def test_no_key_asks_nothing_of_aws(stage: Stage, run: Runner) -> None:
    run(url=stage.url, requests=[{}])
    assert run.fake.calls == []
    assert "x-api-key" not in stage.requests[0]["headers"]


def test_repeats_what_is_not_live_yet_and_nothing_else(stage: Stage, run: Runner) -> None:
    stage.answers["GET /prod/pet"] = [(403, "Forbidden"), (500, "Internal server error"), (200, "[]")]
    result = run(url=stage.url, requests=[{"method": "PUT", "path": "/pet"}, {"path": "/pet"}, {}]).result
    assert [request["line"] for request in stage.requests] == [
        "PUT /prod/pet",
        "GET /prod/pet",
        "GET /prod/pet",
        "GET /prod/pet",
        "GET /prod/",
    ]
    assert [entry["reason"] for entry in result["timeline"]] == ["403", "500", "Answered"]


def test_an_expected_error_is_fine(stage: Stage, run: Runner) -> None:
    stage.answers["GET /prod/pet/0"] = [(404, "Pet not found")]
    assert run(url=stage.url, requests=[{"path": "/pet/0", "status": 404}]).result["responses"][0]["status"] == 404


def test_gives_up_with_an_explanation(stage: Stage, run: Runner) -> None:
    stage.answers["GET /prod/pet"] = [(403, '{"message":"Missing Authentication Token"}')]
    failed = run(url=stage.url, requests=[{"path": "/pet"}], wait_timeout=0)
    assert failed.failed
    assert "GET /pet got 403 (expected 200)" in failed.result["msg"]
    assert "doesn't know this path and method" in failed.result["msg"]


def test_nothing_there(run: Runner) -> None:
    failed = run(url="http://127.0.0.1:9/prod", requests=[{}], wait_timeout=0)
    assert failed.failed
    assert "nothing answers at this URL" in failed.result["msg"]


def test_check_mode_sends_nothing(stage: Stage, run: Runner) -> None:
    result = run(check=True, url=stage.url, api_key_id="key1", requests=[{}]).result
    assert (result["responses"], stage.requests, run.fake.calls) == ([], [], [])


def response(status: int | None, body: str = "", error_type: str = "") -> Response:
    return Response("GET", "/pet", status, 5, body, error_type)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (response(403, '{"message":"Forbidden"}'), "refuses the API key"),
        (response(403, '{"message":"Missing Authentication Token"}'), "doesn't know this path and method"),
        (response(403, "User is not authorized"), "refuses the caller"),
        (response(404, "<html>"), "backend doesn't know the path"),
        (response(429, '{"message":"Too Many Requests"}'), "rate limit"),
        (response(429, '{"message":"Limit Exceeded"}'), "quota of the usage plan is used up"),
        (response(500, '{"message":"Internal server error"}'), "can't reach the backend"),
        (response(502), "couldn't use the backend's answer"),
        (response(503), "not available"),
        (response(504, '{"message":"Endpoint request timed out"}'), "didn't answer in time"),
        (response(None, "Connection refused"), "nothing answers"),
        (response(418), "an answer of the backend"),
    ],
)
def test_explains(answer: Response, meaning: str) -> None:
    assert meaning in explain(answer)[0]


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([response(200), response(201)], "done"),
        ([response(200)], "waiting"),
        ([response(200), response(200)], "waiting"),
        ([response(500)], "waiting"),
        ([response(429, '{"message":"Too Many Requests"}')], "waiting"),
        ([response(429, '{"message":"Limit Exceeded"}')], "failed"),
    ],
)
def test_judges(answers: list[Response], state: str) -> None:
    assert judge(answers, [200, 201]).state == state
