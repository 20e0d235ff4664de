# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the EKS calls: the one exception that leaves this package, and how AWS says "missing"."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code, is_boto3_error_message
from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError


class AnsibleEksError(AnsibleAWSError):
    """A refusal of ours (``message`` alone) or a failed call (with botocore's ``exception``)."""

    @property
    def answer(self) -> tuple[str, str]:
        """AWS's error code and text; both empty if AWS gave no answer."""
        error = getattr(self.exception, "response", {}).get("Error", {})
        return error.get("Code", ""), error.get("Message", "")


class EksErrorHandler(AWSErrorHandler):
    """Turns botocore's exceptions into :class:`AnsibleEksError`; knows how EKS says "missing" and "quota"."""

    _CUSTOM_EXCEPTION = AnsibleEksError

    @classmethod
    def _is_missing(cls) -> tuple[type[Exception], ...]:
        # EKS now and then answers a missing cluster with ClientException instead of ResourceNotFoundException.
        return (
            is_boto3_error_code("ResourceNotFoundException"),
            is_boto3_error_message("No cluster found for name:"),
        )

    @classmethod
    def quota_error_handler(cls, description: str) -> t.Callable[[t.Callable[..., t.Any]], t.Callable[..., t.Any]]:
        """As ``common_error_handler``, and says so when what stands in the way is a full quota of the account."""

        def wrapper(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            @cls.common_error_handler(description)
            def handler(*args: t.Any, **kwargs: t.Any) -> t.Any:
                try:
                    return function(*args, **kwargs)
                except is_boto3_error_code("ResourceLimitExceededException") as error:
                    raise AnsibleEksError(
                        message=f"Failed to {description}: a quota of this account and region is full", exception=error
                    ) from error

            return handler

        return wrapper
