# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway's own answers instead of the backend's.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from __future__ import annotations

_ERROR_TYPES = {
    "Forbidden": "ForbiddenException",
    "Missing Authentication Token": "MissingAuthenticationTokenException",
    "Too Many Requests": "TooManyRequestsException",
    "Limit Exceeded": "LimitExceededException",
    "Unauthorized": "UnauthorizedException",
    "Unsupported Media Type": "UnsupportedMediaTypeException",
}


class Refusal(Exception):
    """The answer: its HTTP status, and the message in its body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def error_type(self) -> str:
        kind = "InternalServerErrorException" if self.status >= 500 else "BadRequestException"
        return _ERROR_TYPES.get(self.message, kind)


def unknown() -> Refusal:
    """Nothing is deployed there."""
    return Refusal(403, "Missing Authentication Token")


def internal() -> Refusal:
    """The deployed configuration can't be carried out."""
    return Refusal(500, "Internal server error")
