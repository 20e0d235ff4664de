# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster's API server for tests, in a thread of its own, with clients that this project didn't write."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client
from kubernetes.dynamic import DynamicClient

from lab import kubernetes
from lab.kubernetes.api_server import ApiServer
from lab.kubernetes.auth import Attributes, Decision, User
from lab.settings import Settings

USERS = {"alice-token": User("alice", groups=("developers",))}


def authorize(user: User, wanted: Attributes) -> Decision:
    """Alice may do anything in her namespace, except with secrets."""
    return Decision(user.name == "alice" and wanted.namespace == "alices" and wanted.resource != "secrets")


@dataclasses.dataclass(frozen=True)
class Answer:
    """An API server's answer: the HTTP status, the object, and the warnings."""

    code: int
    body: Any
    warnings: list[str]

    @property
    def message(self) -> str:
        """Of a Status."""
        message: str = self.body["message"]
        return message


class Cluster:
    """A running API server, with kubectl and the Python client as the cluster's admin."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        (folder / "ca.pem").write_text(server.ca_pem)
        self._http = urllib3.PoolManager(ca_certs=str(folder / "ca.pem"), retries=False)
        self.api = self._api_client(server.admin_token)
        self.core = client.CoreV1Api(self.api)
        self.apps = client.AppsV1Api(self.api)
        self.dynamic = DynamicClient(self.api)

    def client(self, token: str, **options: Any) -> client.CoreV1Api:
        """The core API for the bearer of a token."""
        return client.CoreV1Api(self._api_client(token, **options))

    def _api_client(self, token: str, **options: Any) -> Any:
        configuration = client.Configuration()
        for name, value in options.items():
            setattr(configuration, name, value)
        configuration.host = self.server.url
        configuration.ssl_ca_cert = str(self.folder / "ca.pem")
        configuration.api_key = {"authorization": f"Bearer {token}"}
        return client.ApiClient(configuration)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request as it stands, with ``body`` as JSON unless it is bytes; the admin's unless told."""
        sent = {"Authorization": f"Bearer {token or self.server.admin_token}", "Content-Type": content_type}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        response = self._http.request(method, self.server.url + path, body=data, headers={**sent, **(headers or {})})
        return Answer(response.status, json.loads(response.data), response.headers.getlist("Warning"))

    def kubeconfig(self, token: str = "") -> str:
        """The path of a kubeconfig, the admin's unless told."""
        token = token or self.server.admin_token
        path = self.folder / f"{token}.json"
        cluster = {"server": self.server.url, "certificate-authority": str(self.folder / "ca.pem")}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path.write_text(json.dumps(document))
        return str(path)

    def run(self, *arguments: str, given: Any = None, token: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl; ``given`` goes to its standard input as JSON."""
        command = [
            str(Path(sys.executable).with_name("kubectl")),
            f"--kubeconfig={self.kubeconfig(token)}",
            f"--cache-dir={self.folder / 'cache'}",
        ]
        text = None if given is None else json.dumps(given)
        return subprocess.run(
            [*command, *arguments], input=text, capture_output=True, text=True, check=False, timeout=60
        )

    def kubectl(self, *arguments: str, given: Any = None, token: str = "") -> str:
        """The output of a kubectl that must succeed."""
        done = self.run(*arguments, given=given, token=token)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, given: Any = None, token: str = "") -> str:
        """The error output of a kubectl that must fail."""
        done = self.run(*arguments, given=given, token=token)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.kubectl(*arguments, "-o", "json"))


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """An embedded server or, with KUBEBUILDER_ASSETS set, a kube-apiserver."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def call(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(120)

    try:
        settings = Settings(folder, 0, "eu-west-1", 0, 0, loopback_octet=91)
        read_log = "{0}/{1}: ready\n".format
        server = call(kubernetes.start(settings, "test", "1.36", USERS.get, authorize, read_log))
        try:
            yield Cluster(server, folder)
        finally:
            call(server.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
