# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module finds its own resource again, and copes with a second one made by another run."""

from __future__ import annotations

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeveralError
from ansible_collections.seam.eks_auto.plugins.module_utils._core.ownership import make_room, only, owned


def test_owned_needs_all_tags() -> None:
    items = [{"tags": {"a": "1", "b": "2", "c": "3"}}, {"tags": {"a": "1"}}, {}]
    assert owned(items, {"a": "1", "b": "2"}) == items[:1]


def test_there_is_one_or_none() -> None:
    assert only("stage", []) is None
    assert only("stage", [{"id": "a"}]) == {"id": "a"}
    with pytest.raises(SeveralError, match="There are 2 stages with the same ownership tags: a, b"):
        only("stage", [{"id": "b"}, {"id": "a"}])


def test_what_another_run_made_too_is_taken_back() -> None:
    deleted: list[str] = []
    make_room("API key", [{"id": "own"}], "own", lambda: deleted.append("own"))
    assert deleted == []
    with pytest.raises(SeveralError, match="Another run made API key other at the same time"):
        make_room("API key", [{"id": "other"}, {"id": "own"}], "own", lambda: deleted.append("own"))
    assert deleted == ["own"]
