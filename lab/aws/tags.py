# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's rules for tags: none of its own keys, and in most services certain characters only.

https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

_NUMBERED_KEY = re.compile(r"(?:TagSpecification\.\d+\.)?Tags?(?:\.member)?\.\d+\.Key")


def reserved(tags: Mapping[str, str]) -> str | None:
    """The first key that begins as AWS's own do."""
    return next((key for key in tags if key.lower().startswith("aws:")), None)


def first_with_forbidden_character(texts: Iterable[str]) -> str | None:
    """The first text with other characters than letters, numbers, spaces and _ . : / = + - @."""
    return next((text for text in texts if not all(map(_fits, text))), None)


def _fits(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNZ" or character in "_.:/=+-@"


def in_query(values: Mapping[str, str]) -> dict[str, str]:
    """All tags in a request of the query protocol."""
    keys = [name for name in values if _NUMBERED_KEY.fullmatch(name)]
    return {values[name]: values.get(name.removesuffix("Key") + "Value", "") for name in keys}


def refusal(service: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Error code and text with which EC2 or IAM refuses a request for its tags. moto looks at IAM's keys itself."""
    tags = in_query(values)
    if service == "ec2" and reserved(tags):
        # https://github.com/jcjorel/ec2-spot-converter/issues/13
        return "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"
    if service == "iam" and (key := reserved(tags)):
        return "InvalidInput", f"The tag key {key} is reserved."
    if service == "iam" and (text := first_with_forbidden_character(tags.values())):
        pattern = r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*"
        where = f"Value '{text}' at 'tags.X.member.value' failed to satisfy constraint"
        return "ValidationError", f"1 validation error detected: {where}: {pattern}"
    return None
