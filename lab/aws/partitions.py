# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's partitions: a region is in one, and an account has its identities, and its ARNs their beginning, from it.

https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import IAMBackend, iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from lab.settings import ACCOUNT

#: The end of host names.
_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}


def of(region: str) -> str:
    """The partition of a region: aws, aws-cn, aws-us-gov."""
    return str(get_partition(region))


def suffix(region: str) -> str:
    """The end of AWS's host names in a region."""
    return _SUFFIXES.get(of(region), "amazonaws.com")


def arn(region: str, service: str, resource: str) -> str:
    """The ARN of the account's resource in a region."""
    return f"arn:{of(region)}:{service}:{region}:{ACCOUNT}:{resource}"


def iam_arn(region: str, resource: str) -> str:
    """The ARN of an identity of the account, which is in no region."""
    return f"arn:{of(region)}:iam::{ACCOUNT}:{resource}"


def iam(region: str) -> IAMBackend:
    """The account's IAM, as seen from a region."""
    return iam_backends[ACCOUNT][of(region)]


def sts(region: str) -> Any:
    """The account's STS, as seen from a region."""
    return sts_backends[ACCOUNT][of(region)]
