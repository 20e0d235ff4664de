# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception that ends a module of this collection, how to raise it, and how AWS's refusals become it."""

from __future__ import annotations

import functools
import typing as t
from contextlib import suppress

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code, is_boto3_error_message
from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError

# AnsibleAWSModule says so if it is missing.
with suppress(ImportError):
    from botocore.exceptions import ConnectionError, HTTPClientError

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

#: AWS's ways to say "too fast", beside those that AWSRetry knows.
THROTTLING = ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"]
#: AWS's ways to say "quota full". No retry helps.
FULL_QUOTA = ["LimitExceededException", "ResourceLimitExceededException"]


class SeamError(AnsibleAWSError):
    """A refusal of ours (``message`` alone) or a failed call (with botocore's ``exception``).

    Other keyword arguments are returned by the module along with the message.
    """

    @property
    def answer(self) -> tuple[str, str]:
        """AWS's error code and text; both empty if AWS gave no answer."""
        error = self._response.get("Error", {})
        return error.get("Code", ""), error.get("Message", "")

    @property
    def refused(self) -> str:
        """AWS's name of the call if AWS refused it for good, so that it changed nothing; else empty."""
        return getattr(self.exception, "operation_name", "") if self.answer[0] and self._status < 500 else ""

    @property
    def lost_answer(self) -> bool:
        """Whether the call was sent and its answer never came, so that it may have taken effect."""
        return isinstance(self.exception, HTTPClientError)

    @property
    def transient(self) -> bool:
        """Whether it may well be gone when asked again: throttling, a fault of AWS's, a connection that broke."""
        if isinstance(self.exception, ConnectionError | HTTPClientError):
            return True
        return self.answer[0] in THROTTLING or self._status >= 500

    @property
    def in_use(self) -> bool:
        """Whether AWS refuses to delete something because something else still uses it."""
        return self.answer[0] in ("ResourceInUse", "DependencyViolation")

    @property
    def another_run(self) -> bool:
        """Whether somebody else makes or changes the same at the same time."""
        code, text = self.answer
        return code == "ConflictException" or (code == "ResourceInUseException" and "already" in text)

    @property
    def _status(self) -> int:
        return t.cast(int, self._response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))

    @property
    def _response(self) -> dict[str, t.Any]:
        return getattr(self.exception, "response", None) or {}


class SeveralError(SeamError):
    """There are several where there must be one. It passes when another run has just made the same."""

    another_run = True


class NeedsCode(SeamError):
    """A profile asks for an MFA code: botocore wanted to read one from the terminal, and a task has none."""


def require(condition: object, message: str) -> None:
    """Raise :class:`SeamError` with the message unless the condition holds."""
    if not condition:
        raise SeamError(message=message)


class ErrorHandler(AWSErrorHandler):
    """Decorators that turn botocore's exceptions into :class:`SeamError`. A subclass says how its service says "missing"."""

    _CUSTOM_EXCEPTION = SeamError

    #: Error codes, and parts of error texts, of a resource that isn't there.
    missing_codes: t.ClassVar[tuple[str, ...]] = ()
    missing_texts: t.ClassVar[tuple[str, ...]] = ()

    @classmethod
    def _is_missing(cls) -> tuple[type[Exception], ...]:
        return (is_boto3_error_code(cls.missing_codes), *(is_boto3_error_message(text) for text in cls.missing_texts))

    @classmethod
    def common_error_handler(cls, description: str) -> t.Callable[[F], F]:
        """As amazon.aws's, which is the base of all others; also for credentials behind a prompt of botocore's."""
        of_aws = super().common_error_handler(description)

        def wrapper(function: F) -> F:
            handled = of_aws(function)

            @functools.wraps(function)
            def handler(*args: t.Any, **kwargs: t.Any) -> t.Any:
                try:
                    return handled(*args, **kwargs)
                except EOFError as error:
                    raise NeedsCode(
                        message=f"Failed to {description}: the AWS profile asks for an MFA code, which a task can't give. Get "
                        "a session first, with aws sts get-session-token or aws configure export-credentials, and give the play "
                        "its credentials in AWS_* or aws_auth"
                    ) from error

            return t.cast(F, handler)

        return wrapper

    @classmethod
    def quota_error_handler(cls, description: str, quota: str) -> t.Callable[[F], F]:
        """As ``common_error_handler``, and names the quota if AWS refuses because it is full."""

        def wrapper(function: F) -> F:
            @functools.wraps(function)
            @cls.common_error_handler(description)
            def handler(*args: t.Any, **kwargs: t.Any) -> t.Any:
                try:
                    return function(*args, **kwargs)
                except is_boto3_error_code(FULL_QUOTA) as error:
                    message = f"Failed to {description}: the quota of {quota} is full, free one or have it raised"
                    raise SeamError(message=message, exception=error) from error

            return t.cast(F, handler)

        return wrapper
