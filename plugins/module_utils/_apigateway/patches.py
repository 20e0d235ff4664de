# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patch operations, API Gateway's way to state changes. Pure.

https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

from __future__ import annotations

import typing as t

Patch = list[dict[str, t.Any]]


def replace(path: str, value: t.Any) -> dict[str, t.Any]:
    """API Gateway takes all values as text."""
    return {"op": "replace", "path": path, "value": str(value)}


def remove(path: str) -> dict[str, t.Any]:
    return {"op": "remove", "path": path}


def replace_differing(path: str, current: t.Mapping[str, t.Any], desired: t.Mapping[str, t.Any]) -> Patch:
    """The operations for desired values (None: leave as it is) that differ, below ``path``."""
    return [
        replace(f"{path}/{key}", value)
        for key, value in desired.items()
        if value is not None and value != current.get(key)
    ]


def make_equal(path: str, current: t.Mapping[str, str], desired: t.Mapping[str, str] | None) -> Patch:
    """The operations that make a mapping just as desired; None leaves it as it is."""
    if desired is None:
        return []
    return replace_differing(path, current, desired) + [
        remove(f"{path}/{key}") for key in current if key not in desired
    ]
