# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls that create something in API Gateway are sent once."""

from __future__ import annotations

from typing import Any

from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.client import Client


class Module:
    """Gives boto3 clients, and counts them."""

    def __init__(self) -> None:
        self.configurations: list[Any] = []

    def client(self, _service: str, config: Any = None) -> Any:
        self.configurations.append(config)
        return type("Boto3", (), {"create_stage": lambda _: config, "get_stages": lambda _: config})()


def test_what_creates_is_sent_once() -> None:
    module = Module()
    client = Client(module)
    assert client.get_stages() is None
    assert module.configurations == [None]
    assert client.create_stage() == client.create_stage() == {"retries": {"total_max_attempts": 1}}
    assert len(module.configurations) == 2
