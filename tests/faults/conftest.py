# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labs of tests/integration, for tests that take too long for every change."""

from tests.integration.conftest import lab, shared_lab, site

__all__ = ["lab", "shared_lab", "site"]
