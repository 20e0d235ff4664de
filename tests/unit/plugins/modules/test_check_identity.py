# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""check_identity accepts the team's credentials, and says why it refuses others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError
from ansible_collections.seam.eks_auto.plugins.modules import check_identity
from ansible_collections.seam.eks_auto.plugins.modules.check_identity import Identity, require_expected
from ansible_collections.seam.eks_auto.tests.unit.plugins.run_main import run_main
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

INFRA = "arn:aws:iam::111122223333:role/infra"
SESSION = Identity("arn:aws:sts::111122223333:assumed-role/infra/alice", "us-west-2")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (SESSION.arn, INFRA),
        # STS leaves a role's path out.
        (SESSION.arn, "arn:aws:iam::111122223333:role/teams/infra"),
        ("arn:aws:iam::111122223333:user/people/alice", "arn:aws:iam::111122223333:user/alice"),
        ("arn:aws-cn:sts::111122223333:assumed-role/infra/alice", "arn:aws-cn:iam::111122223333:role/infra"),
        (SESSION.arn, None),
    ],
)
def test_the_expected_identity_is_let_through(found: str, expected: str | None) -> None:
    require_expected(Identity(found, "us-west-2"), expected, "us-west-2")


def objection(found: Identity, expected_arn: str | None, expected_region: str | None) -> str:
    with pytest.raises(SeamError) as refused:
        require_expected(found, expected_arn, expected_region)
    return str(refused.value.message)


def test_another_role_is_refused() -> None:
    assert objection(SESSION, "arn:aws:iam::111122223333:role/k8s", None) == (
        "These credentials are arn:aws:sts::111122223333:assumed-role/infra/alice; "
        "expected is arn:aws:iam::111122223333:role/k8s."
    )


@pytest.mark.parametrize(
    "found",
    [
        "arn:aws:iam::111122223333:user/infra",
        "arn:aws:iam::111122223333:root",
        "arn:aws:sts::111122223333:federated-user/infra",
        # The name of the session is its maker's choice.
        "arn:aws:sts::111122223333:assumed-role/other/infra",
    ],
)
def test_a_name_alone_makes_no_role(found: str) -> None:
    reason = objection(Identity(found, "us-west-2"), INFRA, None)
    assert reason == f"These credentials are {found}; expected is {INFRA}."


def test_another_account_is_named() -> None:
    assert objection(SESSION, "arn:aws:iam::999999999999:role/infra", None) == (
        "These credentials are arn:aws:sts::111122223333:assumed-role/infra/alice, in account 111122223333; "
        "expected is arn:aws:iam::999999999999:role/infra, in account 999999999999."
    )


def test_another_region_is_refused() -> None:
    assert objection(SESSION, INFRA, "eu-west-1") == "The region is us-west-2; expected is eu-west-1."


def test_an_identity_that_is_neither_role_nor_user_is_named() -> None:
    assert objection(Identity("root", "us-west-2"), INFRA, None) == "root is not the ARN of an IAM role or user"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Runs the module with the given options; STS answers with the session's ARN, or with an error's code."""

    def runner(error: str = "", **options: Any) -> dict[str, Any]:
        client = boto3.client("sts", region_name="us-west-2", aws_access_key_id="a", aws_secret_access_key="b")
        stubber = Stubber(client)
        if error:
            stubber.add_client_error("get_caller_identity", error, "Who are you?")
        else:
            stubber.add_response("get_caller_identity", {"Account": "111122223333", "Arn": SESSION.arn})
        with stubber:
            return run_main(check_identity.main, lambda _service: client, capsys, **options)

    return runner


def test_returns_the_caller(run: Callable[..., dict[str, Any]]) -> None:
    result = run(expected_principal_arn=INFRA, expected_region="us-west-2")
    result.pop("invocation", None)
    assert result == {
        "failed": False,
        "warnings": [],
        "changed": False,
        "account": "111122223333",
        "arn": SESSION.arn,
        "partition": "aws",
        "region": "us-west-2",
    }


def test_a_refusal_ends_with_the_remedy(run: Callable[..., dict[str, Any]]) -> None:
    result = run(expected_region="eu-west-1", remedy="Set AWS_REGION.")
    assert result["msg"] == "The region is us-west-2; expected is eu-west-1. Set AWS_REGION."


def test_credentials_that_sts_refuses_end_in_its_words_and_the_remedy(run: Callable[..., dict[str, Any]]) -> None:
    result = run(error="ExpiredToken", remedy="Log in again.")
    assert result["msg"] == (
        "Failed to ask STS whose credentials these are: "
        "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: Who are you?. Log in again."
    )


def raising(error: Exception) -> Callable[..., Any]:
    def client(_service: str) -> Any:
        sts = boto3.client("sts", region_name="us-west-2", aws_access_key_id="a", aws_secret_access_key="b")
        sts.meta.events.register("before-sign.sts", lambda **_event: throw(error))
        return sts

    return client


def throw(error: Exception) -> None:
    raise error


def test_where_nobody_answers_the_credentials_are_not_blamed(capsys: pytest.CaptureFixture[str]) -> None:
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
    result = run_main(check_identity.main, raising(error), capsys, remedy="Log in again.")
    assert '"http://127.0.0.1:9". The credentials were not looked at.' in result["msg"]
    assert "a lab has to be started" in result["msg"]
    assert "Log in again" not in result["msg"]


def test_a_profile_that_asks_for_a_code_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """botocore reads the code from the terminal, of which a task has none."""
    result = run_main(check_identity.main, raising(EOFError()), capsys, profile="infra", remedy="Log in again.")
    assert result["msg"].startswith(
        "Failed to ask STS whose credentials these are: the AWS profile infra asks for an MFA code, which a task can't give. "
        "Get a session first"
    )
    assert "Log in again" not in result["msg"]


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("infra", "'infra' is not the ARN of an IAM role or user. Log in again."),
        ("arn:aws:iam::111122223333:root", "is not the ARN of an IAM role or user. Log in again."),
        (SESSION.arn, "is a session of a role. Give the role itself, arn:aws:iam::111122223333:role/infra"),
    ],
)
def test_what_names_no_role_or_user_is_no_expectation(
    run: Callable[..., dict[str, Any]], expected: str, words: str
) -> None:
    result = run(expected_principal_arn=expected, remedy="Log in again.")
    assert result["msg"].startswith("expected_principal_arn: ") and words in result["msg"]
