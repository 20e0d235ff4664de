# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the parts of EKS: its refusals, pages, and the times and identifiers it gives."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from lab.aws.service import AwsError, Call

Item = dict[str, Any]


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def invalid_request(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)


def in_use(message: str) -> AwsError:
    return AwsError("ResourceInUseException", message)


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message)


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def page(call: Call, name: str, items: Sequence[Any]) -> Item:
    """One page of a listing under ``name``: ``maxResults`` items (100 unless given) from ``nextToken`` on."""
    try:
        start = int(call.params.get("nextToken") or 0)
    except ValueError:
        raise invalid("The nextToken is invalid.") from None
    end = start + call.params.get("maxResults", 100)
    answer: Item = {name: list(items[start:end])}
    if end < len(items):
        answer["nextToken"] = str(end)
    return answer
