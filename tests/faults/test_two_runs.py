# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs at once, as two jobs or a person and a schedule start them, both finish, and nothing is there twice.

The tests of this module build on each other: one life of an account, each playbook of which is run twice at once.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration import account
from tests.integration.conftest import Lab

#: As the site was made.
VERSION = json.dumps({"eks_auto_cluster_version": "1.35"})


@pytest.mark.parametrize("playbook", ["infra/foundation", "k8s/workload", "infra/api"])
def test_both_finish(lab: Lab, playbook: str) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: lab.playbook(f"playbooks/{playbook}.yml", "--extra-vars", VERSION), range(2)))
    assert [run.returncode for run in runs] == [0, 0], runs[0].output + runs[1].output
    print(f"two runs at once: {playbook}.yml, both finished, {time.monotonic() - started:.0f} s")


def test_after_one_more_all_is_as_one_run_leaves_it(lab: Lab, site: Lab) -> None:
    again = lab.playbook("playbooks/infra/api.yml")
    assert again.returncode == 0, again.output
    assert account.differences(account.state(lab), account.state(site)) == {}
