# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's refusals, and how they become this collection's one exception."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import (
    ErrorHandler,
    NeedsCode,
    SeamError,
    require,
)
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError


def refusal(code: str, text: str = "refused", status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


class Service(ErrorHandler):
    missing_codes = ("NotFoundException",)
    missing_texts = ("No cluster found",)


def call(error: Exception) -> None:
    raise error


def caught(handler: Any, error: Exception) -> SeamError:
    with pytest.raises(SeamError) as raised:
        handler(call)(error)
    return raised.value


def test_a_refusal_of_ours() -> None:
    require(True, "unsaid")
    with pytest.raises(SeamError, match="said") as raised:
        require([], "said")
    error = raised.value
    assert error.answer == ("", "")
    assert not (error.transient or error.in_use or error.lost_answer or error.another_run)


@pytest.mark.parametrize("handler", ["common_error_handler", "list_error_handler", "deletion_error_handler"])
def test_a_code_that_botocore_asks_a_person_for_can_not_be_given(handler: str) -> None:
    error = caught(getattr(Service, handler)("look"), EOFError())
    assert isinstance(error, NeedsCode)
    assert error.message.startswith("Failed to look: the AWS profile asks for an MFA code, which a task can't give.")
    assert not error.transient


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (refusal("Throttling"), True),
        (refusal("InternalFailure", status=500), True),
        (refusal("AccessDenied", status=403), False),
        (EndpointConnectionError(endpoint_url="https://eks.example"), True),
        (ConnectTimeoutError(endpoint_url="https://eks.example"), True),
        (NoCredentialsError(), False),
    ],
)
def test_what_may_be_gone_when_asked_again(error: Exception, transient: bool) -> None:
    assert caught(ErrorHandler.common_error_handler("look"), error).transient is transient


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (refusal("AccessDenied", status=403), "Operation"),
        (refusal("Throttling"), "Operation"),
        # It may have taken effect.
        (refusal("InternalFailure", status=500), ""),
        (ConnectTimeoutError(endpoint_url="https://eks.example"), ""),
    ],
)
def test_what_aws_refused_changed_nothing(error: Exception, refused: str) -> None:
    assert caught(ErrorHandler.common_error_handler("make"), error).refused == refused


def test_what_is_in_use() -> None:
    assert caught(ErrorHandler.common_error_handler("delete"), refusal("DependencyViolation")).in_use


@pytest.mark.parametrize("error", [refusal("NotFoundException"), refusal("ClientException", "No cluster found for")])
def test_what_is_missing_each_service_says_in_its_way(error: Exception) -> None:
    assert Service.list_error_handler("look", default_value=[])(call)(error) == []
    assert Service.deletion_error_handler("delete")(call)(error) is False
    assert caught(ErrorHandler.list_error_handler("look"), error).exception is error


@pytest.mark.parametrize("code", ["LimitExceededException", "ResourceLimitExceededException"])
def test_a_full_quota_is_named(code: str) -> None:
    handler = Service.quota_error_handler("create stage", quota="stages in an API (10 unless raised)")
    full = caught(handler, refusal(code))
    assert full.message == (
        "Failed to create stage: the quota of stages in an API (10 unless raised) is full, free one or have it raised"
    )
    assert full.answer == (code, "refused")
    assert caught(handler, refusal("BadRequestException")).message == "Failed to create stage"
    assert handler(lambda: "made")() == "made"
