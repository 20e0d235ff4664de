# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quantities such as "100m" and "1Gi", in the canonical form in which Kubernetes gives them back."""

from __future__ import annotations

import decimal
import re

_PATTERN = re.compile(r"^([+-]?[0-9.]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$")
_REFUSAL = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {-3: "n", -2: "u", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T", 5: "P", 6: "E"}


def canonical(value: str | float) -> str:
    """The same amount with the largest suffix that leaves a whole number. Raises ValueError when it is no quantity."""
    number = amount(value)
    if str(value)[-1:] == "i":
        return _scaled(number, 1024, dict(enumerate(_BINARY)), 0)
    return _scaled(number, 1000, _DECIMAL, -3)


def amount(value: str | float) -> decimal.Decimal:
    """The amount as a number. Raises ValueError when it is no quantity."""
    found = None if isinstance(value, bool) else _PATTERN.match(str(value))
    if found is None:
        raise ValueError(_REFUSAL)
    try:
        number = decimal.Decimal(found[1])
    except decimal.InvalidOperation as error:
        raise ValueError(_REFUSAL) from error
    suffix = found[2] or ""
    if suffix in _BINARY[1:]:
        return number * decimal.Decimal(1024) ** _BINARY.index(suffix)
    if suffix not in _DECIMAL.values():
        return number.scaleb(int(suffix[1:]))
    return number.scaleb(3 * next(power for power, name in _DECIMAL.items() if name == suffix))


def _scaled(number: decimal.Decimal, base: int, suffixes: dict[int, str], power: int) -> str:
    number /= decimal.Decimal(base) ** power
    while power < max(suffixes) and number and number % base == 0:
        number /= base
        power += 1
    # Nothing is smaller than the smallest suffix: Kubernetes rounds up.
    whole = number.to_integral_value(decimal.ROUND_CEILING)
    return f"{whole:f}{suffixes[power] if number else ''}"
