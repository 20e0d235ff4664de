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
VERSION = {"eks_auto_cluster_version": "1.35"}
LINKS_V2 = {**VERSION, "apigw_vpclink_version": "2"}


def run_twice_at_once(lab: Lab, playbook: str, variables: dict[str, str]) -> None:
    started = time.monotonic()
    arguments = (f"playbooks/{playbook}.yml", "--extra-vars", json.dumps(variables))
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: lab.playbook(*arguments), range(2)))
    assert [run.returncode for run in runs] == [0, 0], runs[0].output + runs[1].output
    links = f"links V{variables.get('apigw_vpclink_version', '1')}"
    print(f"figures: two runs at once: {playbook}.yml, {links}: both finished, {time.monotonic() - started:.0f} s")


@pytest.mark.parametrize("playbook", ["infra/foundation", "k8s/workload", "infra/api"])
def test_both_finish(lab: Lab, playbook: str) -> None:
    run_twice_at_once(lab, playbook, VERSION)


def test_after_one_more_all_is_as_one_run_leaves_it(lab: Lab, site: Lab) -> None:
    again = lab.playbook("playbooks/infra/api.yml")
    assert again.returncode == 0, again.output
    assert account.differences(account.state(lab), account.state(site)) == {}


@pytest.mark.parametrize("playbook", ["infra/foundation", "infra/api"])
def test_both_finish_with_links_v2(lab: Lab, playbook: str) -> None:
    run_twice_at_once(lab, playbook, LINKS_V2)


def test_after_one_more_there_is_one_link_v2(lab: Lab) -> None:
    again = lab.playbook("playbooks/infra/api.yml", "--extra-vars", json.dumps(LINKS_V2))
    assert again.returncode == 0, again.output
    found = account.state(lab)
    assert {kind: len(found[kind]) for kind in ("links", "links V2", "APIs", "usage plans", "API keys")} == {
        "links": 0,
        "links V2": 1,
        "APIs": 1,
        "usage plans": 1,
        "API keys": 1,
    }
