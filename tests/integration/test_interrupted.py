# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is killed loses nothing: the next one finishes, and nothing exists twice.

``make faults`` does so at every mutating call, this test at some.
"""

from __future__ import annotations

from . import account
from .conftest import Lab
from .crash import walk

#: Every so many mutating calls of site.yml a run is killed, when the call has taken effect and before anybody knows.
STRIDE = 10


def test_killed_now_and_then_site_yml_ends_where_it_would_have(site: Lab, lab: Lab) -> None:
    killed_at = walk(lab, "site.yml", after=True, stride=STRIDE, eks_auto_cluster_version="1.35")
    print(f"figures: killed at {', '.join(killed_at)}")
    assert len(killed_at) >= 3
    assert account.differences(account.state(lab), account.state(site)) == {}
