# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running lab for each test module that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running_lab import RunningLab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with RunningLab.running(tmp_path_factory.mktemp("lab")) as started:
        yield started
