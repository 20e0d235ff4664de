# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of API Gateway, the step that a plan is made of, and how a module ends."""

from __future__ import annotations

import functools
import random
import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass, field

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import (
    AnsibleAWSError,
)
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from .._core.errors import ErrorHandler, SeamError, SeveralError
from .._core.ownership import Item, make_room, only, owned  # noqa: F401
from .._core.wait import WaitError

# AnsibleAWSModule says so if it is missing.
with suppress(ImportError):
    from botocore.exceptions import HTTPClientError

# How often in a row an answer may be lost, or another run be in the way.
_BEGINNINGS = 5
# Seconds: two runs that were in each other's way should not be so again.
_LONGEST_PAUSE = 3.0

#: API Gateway allows 10 calls a second for the whole account, and some calls only once in 30 s, so a refusal for
#: their number is retried for one to two minutes. A full quota (LimitExceededException) is not: see below.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
RETRY = AWSRetry.jittered_backoff(
    retries=14,
    delay=1,
    max_delay=20,
    catch_extra_error_codes=["ThrottlingException", "RequestLimitExceeded", "ServiceUnavailableException"],
)


AnsibleApiGatewayError = SeamError


class ApiGatewayErrorHandler(ErrorHandler):
    missing_codes = ("NotFoundException",)


@dataclass(frozen=True)
class Step:
    """One AWS call that a plan asks for: ``action`` is AWS's name of it, ``subject`` the ID, or name until it has one."""

    action: str
    subject: str
    arguments: Item = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


def report(steps: list[Step]) -> Item:
    """What every module returns of its steps, the same in check mode and in a real run."""
    actions = [{"action": step.action, "subject": step.subject} for step in steps]
    return {"changed": bool(steps), "actions": actions}


class Client:
    """A client of one of API Gateway's two APIs, which sends once what creates something or imports a definition.

    Creating has no idempotency token here: when the answer is lost and boto3 sends the call again, there are two. And these
    are the calls that meet full quotas: boto3 takes LimitExceededException for throttling, and would try for a minute.
    """

    def __init__(self, module: t.Any, api: str = "apigateway") -> None:
        self._module = module
        self._api = api
        self._client = module.client(api)

    @functools.cached_property
    def _once(self) -> t.Any:
        return self._module.client(self._api, config={"retries": {"total_max_attempts": 1}})

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._once if name.startswith(("create_", "put_")) else self._client, name)


def run_until_settled(
    run: t.Callable[[t.Any, t.Any, list[Step]], Item], module: t.Any, client: t.Any, started: list[Step]
) -> Item:
    """What ``run`` returns. When an answer is lost, or another run was in the way, it begins again.

    It then looks at what is there, and goes on from there.
    """
    for _beginning in range(_BEGINNINGS):
        try:
            return run(module, client, started)
        except AnsibleAWSError as error:
            if not started:
                raise
            if _another_run(error):
                time.sleep(random.uniform(0, _LONGEST_PAUSE))
            elif not isinstance(error.exception, HTTPClientError):
                raise
    return run(module, client, started)


def _another_run(error: AnsibleAWSError) -> bool:
    """Whether somebody else changes the same at the same time."""
    # Of a lost answer it is None.
    answer = getattr(error.exception, "response", None) or {}
    code = answer.get("Error", {}).get("Code")
    return isinstance(error, SeveralError) or code == "ConflictException"


def run_module(module: t.Any, run: t.Callable[[t.Any, t.Any, list[Step]], Item]) -> None:
    """End a module with what ``run(module, client, started)`` returns, or with one clear error.

    ``run`` adds each step to ``started`` before it is carried out, so that an error tells how far the module came.
    """
    started: list[Step] = []
    try:
        result = run_until_settled(run, module, Client(module), started)
    except AnsibleAWSError as error:
        if error.exception:
            module.fail_json_aws(error.exception, msg=error.message, **report(started))
        module.fail_json(msg=error.message, **report(started))
    except WaitError as error:
        module.fail_json(msg=str(error), timeline=error.timeline.entries, **report(started))
    # What was carried out before it began again, a later look no longer asks for.
    module.exit_json(**{**result, **report(started)} if started else result)
