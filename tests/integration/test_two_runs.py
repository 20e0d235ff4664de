# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs at once that make an API both finish, and there is one of it. ``make faults`` does so with every playbook."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from . import account
from .conftest import Lab

API = "playbooks/infra/api.yml"
#: A second API before the same load balancer.
SECOND = {"apigw_vpclink_name": "second"}


def test_an_api_that_two_runs_make_is_there_once(site: Lab) -> None:
    found = account.state(site)
    arguments = (API, "--extra-vars", json.dumps(SECOND))
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: site.playbook(*arguments), range(2)))
    assert [run.returncode for run in runs] == [0, 0], runs[0].output + runs[1].output
    made = account.state(site)
    more = {kind: len(made[kind]) - len(found[kind]) for kind in made if made[kind] != found[kind]}
    assert more == {"APIs": 1, "usage plans": 1, "API keys": 1}
    gone = site.playbook(API, "--extra-vars", json.dumps({**SECOND, "apigw_vpclink_state": "absent"}))
    assert gone.returncode == 0, gone.output
    assert account.differences(account.state(site), found) == {}
