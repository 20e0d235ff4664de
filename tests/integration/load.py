# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to the site's API, at a steady rate, with an account of the answers."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from .conftest import Lab

RATE = 50
#: More than the load needs.
LIMITS = {"apigw_vpclink_throttle": {"rate_limit": 1000, "burst_limit": 2000}}


class Load:
    """Calls a URL at a steady rate from the beginning of a ``with`` block to its end."""

    def __init__(self, url: str, key: str) -> None:
        self.url = urlsplit(url)
        self.key = key
        self.failed: list[str] = []
        self.sent = 0
        self.seconds = 0.0
        #: Seconds from the beginning to the first answer that was as it should be.
        self.first_served: float | None = None
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send_all)

    def __enter__(self) -> Load:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._started

    def __str__(self) -> str:
        rate = self.sent / self.seconds
        return f"{self.sent} requests in {self.seconds:.0f} s ({rate:.0f}/s), {len(self.failed)} failed"

    def assert_lost_none(self) -> None:
        assert self.failed == []
        assert self.sent >= RATE * self.seconds * 0.8

    def _send_all(self) -> None:
        with ThreadPoolExecutor(RATE) as pool:
            answers: list[Future[None]] = []
            while not self._ended.wait(max(0.0, self._started + self.sent / RATE - time.monotonic())):
                answers.append(pool.submit(self.send))
                self.sent += 1
        for answer in answers:
            answer.result()

    def send(self) -> None:
        connection = http.client.HTTPConnection(self.url.netloc, timeout=30)
        try:
            connection.request("GET", self.url.path, headers={"x-api-key": self.key})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                self.failed.append(f"{response.status} {body.decode()}")
            elif self.first_served is None:
                self.first_served = time.monotonic() - self._started
        except OSError as error:
            self.failed.append(repr(error))
        finally:
            connection.close()


def load_of(lab: Lab) -> Load:
    """The load on the API of the lab's site, which is to be begun by a ``with`` statement."""
    client = lab.client("apigateway")
    (api,) = (each for each in client.get_rest_apis()["items"] if each["name"] == "petstore")
    (key,) = client.get_api_keys(nameQuery="petstore", includeValues=True)["items"]
    return Load(f"{lab.facts['execute_api_url']}/{api['id']}/prod/", key["value"])
