# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the calls that look at a load balancer, and which of them a wait sits out."""

from __future__ import annotations

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.errors import AWSErrorHandler
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

#: ELBv2's ways to say "too fast", beside those that AWSRetry knows.
THROTTLING = ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"]

#: Seconds at most, because a wait asks again anyway.
RETRY = AWSRetry.jittered_backoff(retries=4, delay=0.5, max_delay=4, catch_extra_error_codes=THROTTLING)


class AnsibleNlbError(AnsibleAWSError):
    """A call that failed (with botocore's ``exception``), or options that contradict each other."""

    @property
    def transient(self) -> bool:
        """Whether it may well be gone when asked again: throttling, a fault of AWS's, a connection that broke."""
        from botocore.exceptions import ConnectionError, HTTPClientError

        if isinstance(self.exception, (ConnectionError, HTTPClientError)):
            return True
        response = getattr(self.exception, "response", {})
        throttled = response.get("Error", {}).get("Code") in THROTTLING
        return throttled or response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500

    @property
    def in_use(self) -> bool:
        """Whether AWS refuses to delete something because something else still uses it."""
        response = getattr(self.exception, "response", {})
        return response.get("Error", {}).get("Code") in ("ResourceInUse", "DependencyViolation")

    def __str__(self) -> str:
        return f"{self.message}: {self.exception}" if self.exception else str(self.message)


class NlbErrorHandler(AWSErrorHandler):
    """Turns botocore's exceptions into :class:`AnsibleNlbError`; knows how ELBv2 and EC2 say "missing"."""

    _CUSTOM_EXCEPTION = AnsibleNlbError

    @classmethod
    def _is_missing(cls) -> t.Any:
        return is_boto3_error_code(
            ["LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound", "InvalidGroup.NotFound"]
        )
