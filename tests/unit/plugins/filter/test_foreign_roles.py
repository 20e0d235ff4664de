# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose IAM roles are, by tag and, as version 1.0.0 left them, by description."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.seam.eks_auto.plugins.filter.foreign_roles import FilterModule

foreign_roles = FilterModule().filters()["foreign_roles"]

OURS: list[dict[str, t.Any]] = [
    {"tags": {"seam.eks_auto/cluster": "petstore", "team": "infra"}},
    {"tags": {"team": "infra"}, "description": "EKS Auto Mode cluster petstore"},
    {"description": "Nodes of EKS Auto Mode cluster petstore"},
]
FOREIGN: list[dict[str, t.Any]] = [
    {"tags": {}},
    {"tags": {"team": "shop"}, "description": "The shop's"},
    {"tags": {"seam.eks_auto/cluster": "shop"}, "description": "EKS Auto Mode cluster petstore"},
    {"description": "EKS Auto Mode cluster shop"},
]


@pytest.mark.parametrize("role", OURS)
def test_of_the_cluster(role: dict[str, t.Any]) -> None:
    assert foreign_roles([{"role_name": "petstore-node", **role}], "petstore") == []


@pytest.mark.parametrize("role", FOREIGN)
def test_of_somebody_else(role: dict[str, t.Any]) -> None:
    assert foreign_roles([{"role_name": "petstore-node", **role}], "petstore") == ["petstore-node"]


def test_the_names_are_in_order() -> None:
    assert foreign_roles([{"role_name": "b"}, {"role_name": "a"}, {"role_name": "c", **OURS[0]}], "petstore") == [
        "a",
        "b",
    ]
