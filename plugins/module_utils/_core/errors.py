# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception that ends a module of this collection, and how to raise it."""

from __future__ import annotations

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError


class SeamError(AnsibleAWSError):
    """A refusal of ours (``message`` alone) or a failed call (with botocore's ``exception``)."""


def require(condition: object, message: str) -> None:
    """Raise :class:`SeamError` with the message unless the condition holds."""
    if not condition:
        raise SeamError(message=message)
