# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container image swaggerapi/petstore3 as one small process.

Routes, statuses and texts are swagger-petstore's (https://github.com/swagger-api/swagger-petstore, its controllers and
data): the user interface at /, everything else under /api/v3, and Jetty's 404 elsewhere. Data are in memory, so
replicas diverge and a restart resets them, as in the real one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, Any]
Item = dict[str, Any]

SPECIES = {"Cat": (2, "Cats"), "Dog": (1, "Dogs"), "Lion": (4, "Lions"), "Rabbit": (3, "Rabbits")}
SEED = [
    ("Cat 1", 1, "available"),
    ("Cat 2", 2, "available"),
    ("Cat 3", 3, "pending"),
    ("Dog 1", 1, "available"),
    ("Dog 2", 2, "sold"),
    ("Dog 3", 3, "pending"),
    ("Lion 1", 1, "available"),
    ("Lion 2", 2, "available"),
    ("Lion 3", 3, "available"),
    ("Rabbit 1", 3, "available"),
]
ORDERS = [(1, 100, "placed"), (2, 50, "approved"), (3, 50, "delivered")]
USERS = 10
USER_INTERFACE = b"<!DOCTYPE html><html><head><title>Swagger UI</title></head><body>Swagger Petstore</body></html>"


def seed_pet(number: int, name: str, first_tag: int, status: str) -> Item:
    category_id, category = SPECIES[name.split()[0]]
    tags = [{"id": index, "name": f"tag{first_tag + index - 1}"} for index in (1, 2)]
    return {
        "id": number,
        "category": {"id": category_id, "name": category},
        "name": name,
        "photoUrls": ["url1", "url2"],
        "tags": tags,
        "status": status,
    }


def seed_order(number: int, quantity: int, status: str) -> Item:
    shipped = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime())
    return {"id": number, "petId": 1, "quantity": quantity, "shipDate": shipped, "status": status, "complete": True}


def seed_user(number: int) -> Item:
    return {
        "id": number,
        "username": f"user{number}",
        "firstName": f"first name {number}",
        "lastName": f"last name {number}",
        "email": f"email{number}@test.com",
        "password": "XXXXXXXXXXX",
        "phone": "123-456-7890",
        "userStatus": (number - 1) % 3 + 1,
    }


class Petstore:
    """The store's data and operations; each operation answers (status, body)."""

    def __init__(self) -> None:
        self.pets = {number: seed_pet(number, *pet) for number, pet in enumerate(SEED, 1)}
        self.orders = {number: seed_order(number, quantity, status) for number, quantity, status in ORDERS}
        self.users = {f"user{number}": seed_user(number) for number in range(1, USERS + 1)}

    def add_pet(self, body: Any, **_: Any) -> Answer:
        if not isinstance(body, dict):
            return 400, "No Pet provided. Try again?"
        self.pets[body.get("id", 0)] = body
        return 200, body

    def update_pet(self, body: Any, **_: Any) -> Answer:
        if not isinstance(body, dict):
            return 400, "No Pet provided. Try again?"
        if body.get("id", 0) not in self.pets:
            return 404, "Pet not found"
        return self.add_pet(body)

    def pets_by_status(self, query: dict[str, list[str]], **_: Any) -> Answer:
        if "status" not in query:
            return 400, "No status provided. Try again?"
        wanted = query["status"][0].split(",")
        return 200, [pet for pet in list(self.pets.values()) if pet.get("status") in wanted]

    def pets_by_tags(self, query: dict[str, list[str]], **_: Any) -> Answer:
        if "tags" not in query:
            return 400, "No tags provided. Try again?"
        wanted = {tag for value in query["tags"] for tag in value.split(",")}
        return 200, [p for p in list(self.pets.values()) if wanted & {tag["name"] for tag in p.get("tags", [])}]

    def get_pet(self, name: str, **_: Any) -> Answer:
        return self._found(self.pets.get(int(name)), "Pet not found")

    def update_pet_with_form(self, name: str, query: dict[str, list[str]], **_: Any) -> Answer:
        if "name" not in query:
            return 400, "No Name provided. Try again?"
        pet = self.pets.get(int(name))
        if pet:
            pet.update(name=query["name"][0], status=query.get("status", [None])[0])
        return self._found(pet, "Pet not found")

    def delete_pet(self, name: str, **_: Any) -> Answer:
        self.pets.pop(int(name), None)
        return 200, "Pet deleted"

    def upload_file(self, name: str, raw: bytes, **_: Any) -> Answer:
        pet = self.pets.get(int(name))
        if not raw:
            return 400, "No file uploaded"
        if pet:
            pet.setdefault("photoUrls", []).append(f"/tmp/{name}-{len(raw)}")
        return self._found(pet, "Pet not found")

    def inventory(self, **_: Any) -> Answer:
        counts: dict[str, int] = {}
        for order in list(self.orders.values()):
            counts[str(order.get("status"))] = counts.get(str(order.get("status")), 0) + int(order.get("quantity", 0))
        return 200, counts

    def place_order(self, body: Any, **_: Any) -> Answer:
        if not isinstance(body, dict):
            return 400, "No Order provided. Try again?"
        self.orders[body.get("id", 0)] = body
        return 200, body

    def get_order(self, name: str, **_: Any) -> Answer:
        return self._found(self.orders.get(int(name)), "Order not found")

    def delete_order(self, name: str, **_: Any) -> Answer:
        self.orders.pop(int(name), None)
        return 200, None

    def create_user(self, body: Any, **_: Any) -> Answer:
        if not isinstance(body, dict):
            return 400, "No User provided. Try again?"
        self.users[str(body.get("username"))] = body
        return 200, body

    def create_users(self, body: Any, **_: Any) -> Answer:
        if not isinstance(body, list) or not body:
            return 400, "No User provided. Try again?"
        self.users.update({str(user.get("username")): user for user in body})
        return 200, body

    def login(self, **_: Any) -> Answer:
        return 200, f"Logged in user session: {time.time_ns()}"

    def logout(self, **_: Any) -> Answer:
        return 200, "User logged out"

    def get_user(self, name: str, **_: Any) -> Answer:
        return self._found(self.users.get(name), "User not found")

    def update_user(self, name: str, body: Any, **_: Any) -> Answer:
        if not isinstance(body, dict):
            return 400, "No User provided. Try again?"
        if name not in self.users:
            return 404, "User not found"
        del self.users[name]
        return self.create_user(body)

    def delete_user(self, name: str, **_: Any) -> Answer:
        self.users.pop(name, None)
        return 200, None

    @staticmethod
    def _found(item: Item | None, otherwise: str) -> Answer:
        return (200, item) if item else (404, otherwise)


#: Method, path below /api/v3, the operation's name and its function.
ROUTES: list[tuple[str, str, str, Callable[..., Answer]]] = [
    ("POST", "/pet", "addPet", Petstore.add_pet),
    ("PUT", "/pet", "updatePet", Petstore.update_pet),
    ("GET", "/pet/findByStatus", "findPetsByStatus", Petstore.pets_by_status),
    ("GET", "/pet/findByTags", "findPetsByTags", Petstore.pets_by_tags),
    ("GET", "/pet/{petId}", "getPetById", Petstore.get_pet),
    ("POST", "/pet/{petId}", "updatePetWithForm", Petstore.update_pet_with_form),
    ("DELETE", "/pet/{petId}", "deletePet", Petstore.delete_pet),
    ("POST", "/pet/{petId}/uploadImage", "uploadFile", Petstore.upload_file),
    ("GET", "/store/inventory", "getInventory", Petstore.inventory),
    ("POST", "/store/order", "placeOrder", Petstore.place_order),
    ("GET", "/store/order/{orderId}", "getOrderById", Petstore.get_order),
    ("DELETE", "/store/order/{orderId}", "deleteOrder", Petstore.delete_order),
    ("POST", "/user", "createUser", Petstore.create_user),
    ("POST", "/user/createWithList", "createUsersWithListInput", Petstore.create_users),
    ("GET", "/user/login", "loginUser", Petstore.login),
    ("GET", "/user/logout", "logoutUser", Petstore.logout),
    ("GET", "/user/{username}", "getUserByName", Petstore.get_user),
    ("PUT", "/user/{username}", "updateUser", Petstore.update_user),
    ("DELETE", "/user/{username}", "deleteUser", Petstore.delete_user),
]


def match(template: str, path: str) -> list[str] | None:
    """The parameters of a path, decoded; None when it isn't the template's. Ids are numbers."""
    parameters = []
    wanted, given = template.split("/"), [unquote(segment) for segment in path.split("/")]
    if len(wanted) != len(given):
        return None
    for name, segment in zip(wanted, given, strict=True):
        if name.startswith("{"):
            if not segment or (name.endswith("Id}") and not segment.isdecimal()):
                return None
            parameters.append(segment)
        elif name != segment:
            return None
    return parameters


def document() -> Item:
    """The document at /api/v3/openapi.json: operations and their path parameters, without the schemas."""
    paths: Item = {}
    for method, path, operation_id, _ in ROUTES:
        kinds = {name: "integer" if name.endswith("Id") else "string" for name in re.findall(r"\{(\w+)\}", path)}
        paths.setdefault(path, {})[method.lower()] = {
            "operationId": operation_id,
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": kind}} for name, kind in kinds.items()
            ],
            "responses": {"200": {"description": "successful operation"}},
        }
    return {
        "openapi": "3.0.4",
        "info": {"title": "Swagger Petstore - OpenAPI 3.0", "version": "1.0.27"},
        "servers": [{"url": "/api/v3"}],
        "paths": paths,
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Jetty(9.4)"
    #: Headers and body go out one after the other, and mustn't wait for each other on a kept connection.
    disable_nagle_algorithm = True
    store: Petstore

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        if url.path == "/":
            self._send(200, "text/html", USER_INTERFACE)
        elif url.path == "/api/v3/openapi.json":
            self._send(200, "application/json", json.dumps(document()).encode())
        elif url.path.startswith("/api/v3/"):
            self._operate(url.path.removeprefix("/api/v3"), parse_qs(url.query), raw)
        else:
            self._send(404, "text/html", f"<h2>HTTP ERROR 404 Not Found</h2><p>URI: {url.path}</p>".encode())

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve

    def _operate(self, path: str, query: dict[str, list[str]], raw: bytes) -> None:
        for method, template, _, operation in ROUTES:
            found = match(template, path)
            if found is not None and method == self.command:
                status, body = operation(
                    self.store,
                    query=query,
                    raw=raw,
                    body=self._parse(raw),
                    **dict(zip(["name"], found, strict=False)),
                )
                self._send(status, "application/json", json.dumps(body).encode())
                return
        self._send(404, "application/json", b'{"code":404,"type":"unknown","message":"not found"}')

    @staticmethod
    def _parse(raw: bytes) -> Any:
        try:
            return json.loads(raw)
        except ValueError:
            return None

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    #: Connections that may wait to be accepted.
    request_queue_size = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input does")
    arguments = parser.parse_args()
    Handler.store = Petstore()
    server = Server((arguments.host, arguments.port), Handler)
    # The exit code of a Java program that SIGTERM ends.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    if arguments.end_with_stdin:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
