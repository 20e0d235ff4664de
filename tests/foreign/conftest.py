# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab for each test module, for clients and objects that are not this collection's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with an empty account."""
    with Lab.running(tmp_path_factory.mktemp("foreign")) as lab:
        yield lab
