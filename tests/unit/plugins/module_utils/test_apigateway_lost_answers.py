# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of API Gateway that may have taken effect: what creates is sent once, and looked for before it is sent again."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.common import (
    AnsibleApiGatewayError,
    Client,
    SeveralError,
    Step,
    make_room,
    run_until_settled,
)
from botocore.exceptions import ClientError, ConnectionClosedError

LOST = ConnectionClosedError(endpoint_url="https://apigateway.example")


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


def losing(answers: int, error: Exception = LOST, begun: bool = True) -> Any:
    """A run whose first calls have no answer, or fail."""
    runs: list[int] = []

    def run(_module: Any, _client: Any, started: list[Step]) -> dict[str, Any]:
        runs.append(1)
        if begun:
            started.append(Step("CreateStage", "v1"))
        if len(runs) <= answers:
            raise AnsibleApiGatewayError(message="Failed to create stage", exception=error)
        return {"runs": len(runs)}

    return run


@pytest.mark.parametrize("lost", [0, 1, 5])
def test_a_lost_answer_lets_a_run_begin_again(lost: int) -> None:
    assert run_until_settled(losing(lost), None, None, []) == {"runs": lost + 1}


CONFLICT = ClientError({"Error": {"Code": "ConflictException", "Message": "Stage already exists"}}, "CreateStage")


@pytest.mark.parametrize("in_the_way", [0, 1, 5])
def test_another_run_lets_a_run_begin_again_after_a_pause(in_the_way: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    assert run_until_settled(losing(in_the_way, CONFLICT), None, None, []) == {"runs": in_the_way + 1}
    assert len(pauses) == in_the_way and all(0 <= pause <= 3 for pause in pauses)


def test_what_another_run_made_too_is_taken_back() -> None:
    deleted: list[str] = []
    make_room("API key", [{"id": "own"}], "own", lambda: deleted.append("own"))
    assert deleted == []
    with pytest.raises(SeveralError, match="Another run made API key other at the same time"):
        make_room("API key", [{"id": "other"}, {"id": "own"}], "own", lambda: deleted.append("own"))
    assert deleted == ["own"]


@pytest.mark.parametrize(
    "run",
    [losing(6), losing(1, ValueError()), losing(1, begun=False)],
    ids=["again and again", "another error", "before anything was changed"],
)
def test_other_failures_stay_failures(run: Any) -> None:
    with pytest.raises(AnsibleApiGatewayError):
        run_until_settled(run, None, None, [])
