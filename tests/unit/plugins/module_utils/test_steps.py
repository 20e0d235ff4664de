# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applying a module's plan, starting again after a lost race, and ending."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, SeveralError
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Step, apply, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Timeline, Verdict, WaitError
from botocore.exceptions import ClientError, ConnectionClosedError

LOST = ConnectionClosedError(endpoint_url="https://apigateway.example")
STEP = Step("CreateStage", "v1")


def refusal(code: str, text: str = "refused") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": text}}, "Operation")


class Ended(Exception):
    """A module's end: by exit or failure, and its result."""

    def __init__(self, how: str, result: dict[str, Any]) -> None:
        super().__init__(how)
        self.how = how
        self.result = result


class Module:
    def exit_json(self, **result: Any) -> None:
        raise Ended("ok", result)

    def fail_json(self, **result: Any) -> None:
        raise Ended("failed", result)

    def fail_json_aws(self, exception: Exception, **result: Any) -> None:
        raise Ended("failed by AWS", {"exception": exception, **result})


def ended(run: Any) -> Ended:
    with pytest.raises(Ended) as caught:
        run_module(Module(), run)
    return caught.value


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    return made


def test_results_are_snake_case_but_for_the_users_keys_and_have_no_bodies() -> None:
    request = {
        "clusterName": "c",
        "tags": {"myTag": "x"},
        "variables": {"vpcLinkId": "l"},
        "patchOperations": [{"op": "replace", "path": "/variables/nlbHost", "value": "h"}],
        "body": b"{}",
    }
    assert report([Step("UpdateStage", "v1", request)]) == {
        "changed": True,
        "actions": [
            {
                "action": "UpdateStage",
                "subject": "v1",
                "request": {
                    "cluster_name": "c",
                    "tags": {"myTag": "x"},
                    "variables": {"vpcLinkId": "l"},
                    "patch_operations": [{"op": "replace", "path": "/variables/nlbHost", "value": "h"}],
                },
            }
        ],
    }
    assert report([]) == {"changed": False, "actions": []}


def test_an_error_lists_the_steps_done_so_far() -> None:
    made: list[str] = []

    def fail(_step: Step) -> None:
        raise SeamError(message="no", hint="h")

    def run(_module: Any, started: list[Step]) -> dict[str, Any]:
        apply(
            [STEP, Step("Fail", "x"), STEP], {"CreateStage": lambda step: made.append(str(step)), "Fail": fail}, started
        )
        return {}

    end = ended(run)
    assert made == ["CreateStage v1"]
    assert (end.how, end.result) == ("failed", {"msg": "no", "hint": "h", **report([STEP, Step("Fail", "x")])})


def test_a_step_that_aws_refused_is_no_change() -> None:
    update = Step("VpcConfigUpdate", "petstore", operation="UpdateClusterConfig")
    error = ClientError({"Error": {"Code": "InvalidParameterException", "Message": "no"}}, "UpdateClusterConfig")

    def refuse(_step: Step) -> None:
        raise SeamError(message="Failed to update", exception=error)

    def run(_module: Any, started: list[Step]) -> dict[str, Any]:
        apply([update], {"UpdateClusterConfig": refuse}, started)
        return {}

    assert (ended(run).result["changed"], ended(run).result["actions"]) == (False, [])


def test_a_failed_call_ends_with_the_answer_of_aws() -> None:
    error = refusal("BadRequestException")

    def run(_module: Any, started: list[Step]) -> dict[str, Any]:
        raise SeamError(message="Failed to look", exception=error)

    end = ended(run)
    assert (end.how, end.result["exception"], end.result["msg"]) == ("failed by AWS", error, "Failed to look")


def test_a_wait_in_vain_ends_with_its_timeline() -> None:
    timeline = Timeline()
    timeline.add("the API", 0, Verdict.waiting("503", "the backend is not available"))

    def run(_module: Any, started: list[Step]) -> dict[str, Any]:
        verdicts = {"the API": Verdict.waiting("503", "the backend is not available")}
        raise WaitError(verdicts, timeline, 9, timed_out=True)

    end = ended(run)
    assert end.how == "failed" and end.result["timeline"] == timeline.entries
    assert end.result["msg"].startswith("Timed out after 9 s waiting for the API")


def losing(times: int, error: SeamError, begun: bool = True) -> Any:
    """A run that fails so many times, having begun a step or not."""
    runs: list[int] = []

    def run(_module: Any, started: list[Step]) -> dict[str, Any]:
        runs.append(1)
        if begun:
            started.append(STEP)
        if len(runs) <= times:
            raise error
        return {"runs": len(runs), **report([])}

    return run


def failed(exception: Exception | None) -> SeamError:
    return SeamError(message="Failed to create stage", exception=exception)


@pytest.mark.parametrize("lost", [0, 1, 5])
def test_a_lost_answer_lets_a_run_begin_again(lost: int, pauses: list[float]) -> None:
    end = ended(losing(lost, failed(LOST)))
    assert end.result == {"runs": lost + 1, **report([STEP] * (lost + 1))}
    assert pauses == []


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize(
    "error",
    [
        failed(refusal("ConflictException")),
        failed(refusal("ResourceInUseException", "is already in use on this cluster")),
        SeveralError(message="There are 2 stages"),
    ],
    ids=["conflict", "in use", "several"],
)
def test_another_run_lets_a_run_begin_again_after_a_pause(times: int, error: SeamError, pauses: list[float]) -> None:
    assert ended(losing(times, error)).result["runs"] == times + 1
    assert len(pauses) == times and all(0 <= pause <= 3 for pause in pauses)


@pytest.mark.parametrize(
    "run",
    [
        losing(6, failed(LOST)),
        losing(1, failed(refusal("BadRequestException"))),
        losing(1, failed(refusal("ResourceInUseException", "Cluster has nodegroups attached"))),
        losing(1, failed(None)),
        losing(1, failed(LOST), begun=False),
    ],
    ids=["again and again", "another error", "used by another", "refused by us", "before anything was changed"],
)
def test_other_failures_stay_failures(run: Any) -> None:
    assert ended(run).how.startswith("failed")
