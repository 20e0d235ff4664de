# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How API Gateway is called: which calls are tried again or sent only once, and how it says "missing"."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from .._core.errors import ErrorHandler

#: API Gateway allows 10 calls a second for the whole account, and some calls only once in 30 s, so a refusal for
#: their number is retried for one to two minutes. A full quota (LimitExceededException) is not.
#: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
RETRY = AWSRetry.jittered_backoff(
    retries=14,
    delay=1,
    max_delay=20,
    catch_extra_error_codes=["ThrottlingException", "RequestLimitExceeded", "ServiceUnavailableException"],
)


class ApiGatewayErrorHandler(ErrorHandler):
    missing_codes = ("NotFoundException",)


class Client:
    """A client of one of API Gateway's two APIs. It sends each create and each import only once.

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
