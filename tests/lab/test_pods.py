# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The petstore of the lab's pods answers as swagger-petstore does, and ends when it should."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from lab.images import PROGRAM
from lab.pods.petstore import Handler, Petstore, Server

NEW = {"id": 77, "name": "Mill", "photoUrls": [], "status": "sold"}


@pytest.fixture
def connection() -> Iterator[HTTPConnection]:
    Handler.store = Petstore()
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    yield HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    server.shutdown()
    server.server_close()


def call(connection: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    connection.request(method, path, None if body is None else json.dumps(body))
    response = connection.getresponse()
    return response.status, response.read()


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "holds"),
    [
        ("GET", "/", None, 200, b"Swagger UI"),
        ("GET", "/pet", None, 404, b"404"),
        ("GET", "/api/v3/openapi.json", None, 200, b'"openapi"'),
        ("GET", "/api/v3/pet/1", None, 200, b"Cat 1"),
        ("GET", "/api/v3/pet/99", None, 404, b"Pet not found"),
        ("GET", "/api/v3/pet/findByStatus", None, 400, b"No status provided. Try again?"),
        ("GET", "/api/v3/pet/findByStatus?status=sold", None, 200, b"Dog 2"),
        ("GET", "/api/v3/pet/findByTags?tags=tag4", None, 200, b"Rabbit 1"),
        ("POST", "/api/v3/pet", NEW, 200, b"Mill"),
        ("PUT", "/api/v3/pet", {**NEW, "id": 7}, 200, b"Mill"),
        ("PUT", "/api/v3/pet", NEW, 404, b"Pet not found"),
        ("PUT", "/api/v3/pet", None, 400, b"No Pet provided. Try again?"),
        ("POST", "/api/v3/pet/1?name=Tom&status=sold", None, 200, b"Tom"),
        ("POST", "/api/v3/pet/1/uploadImage", "image", 200, b"Cat 1"),
        ("DELETE", "/api/v3/pet/1", None, 200, b"Pet deleted"),
        ("GET", "/api/v3/store/inventory", None, 200, b'"placed": 100'),
        ("GET", "/api/v3/store/order/1", None, 200, b'"quantity": 100'),
        ("GET", "/api/v3/user/user1", None, 200, b"email1@test.com"),
        ("GET", "/api/v3/user/%75ser1", None, 200, b"email1@test.com"),
        ("GET", "/api/v3/st%6Fre/order/1", None, 200, b'"quantity": 100'),
        ("GET", "/api/v3/pet/one", None, 404, b"not found"),
        ("POST", "/api/v3/user/createWithList", [{"username": "mill"}], 200, b"mill"),
        ("GET", "/api/v3/user/login?username=mill&password=x", None, 200, b"Logged in user session: "),
    ],
)
def test_it_answers_as_the_petstore_does(
    connection: HTTPConnection, method: str, path: str, body: Any, status: int, holds: bytes
) -> None:
    answered, text = call(connection, method, path, body)
    assert answered == status and holds in text


def test_it_keeps_what_it_is_given_on_one_connection(connection: HTTPConnection) -> None:
    call(connection, "POST", "/api/v3/pet", NEW)
    assert json.loads(call(connection, "GET", "/api/v3/pet/77")[1]) == NEW
    call(connection, "DELETE", "/api/v3/pet/77")
    assert call(connection, "GET", "/api/v3/pet/77")[0] == 404


def test_names_may_be_encoded(connection: HTTPConnection) -> None:
    for name, path in (("Anna Maria", "Anna%20Maria"), ("a/b", "a%2Fb"), ("50%", "50%25")):
        call(connection, "POST", "/api/v3/user", {"username": name})
        assert json.loads(call(connection, "GET", f"/api/v3/user/{path}")[1]) == {"username": name}


def test_nothing_waits_on_a_kept_connection(connection: HTTPConnection) -> None:
    """With Nagle's algorithm each answer after the first waits for the acknowledgement of its headers, 40 ms."""
    call(connection, "GET", "/api/v3/pet/1")
    began = time.monotonic()
    for _ in range(20):
        call(connection, "GET", "/api/v3/pet/1")
    assert time.monotonic() - began < 20 * 0.03


def test_its_document_names_all_nineteen_operations(connection: HTTPConnection) -> None:
    document = json.loads(call(connection, "GET", "/api/v3/openapi.json")[1])
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(document["paths"]) == 13 and len(set(names)) == 19


def test_it_ends_with_what_started_it() -> None:
    command = [sys.executable, "-I", "-S", str(PROGRAM), "--host", "127.0.0.1", "--port", "0", "--end-with-stdin"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.close()
    assert process.wait(10) == 0
