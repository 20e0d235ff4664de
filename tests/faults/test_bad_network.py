# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three calls in ten are throttled, refused, cut off or slow, at AWS and at Kubernetes, and site.yml finishes all the same.

The generator is seeded; which calls it hits depends on their order alone.
"""

from __future__ import annotations

import json
import time
from collections import Counter

from lab import faults
from lab.faults import Fault
from tests.integration import account
from tests.integration.conftest import Lab

#: A share of all calls each: with both kinds of 429, three in ten altogether.
FAULTS = [
    Fault("throttle", rate=0.12, seed=1),
    Fault("unavailable", rate=0.07, seed=2),
    Fault("reset", rate=0.04, seed=3),
    Fault("reset", rate=0.03, seed=4, after=True),
    Fault("slow", rate=0.07, seed=5, seconds=0.5),
]
#: How much longer a run may take. AWS's own clients wait up to 20 s before an attempt.
FACTOR = 4


def change(lab: Lab, rate_limit: int, replicas: int) -> float:
    """Seconds that site.yml takes for changes in both teams' parts."""
    variables = {
        "apigw_vpclink_throttle": {"rate_limit": rate_limit, "burst_limit": 100},
        "petstore_workload_replicas": replicas,
    }
    started = time.monotonic()
    run = lab.playbook("playbooks/site.yml", "--extra-vars", json.dumps(variables))
    assert run.returncode == 0, run.output
    return time.monotonic() - started


def test_site_yml_converges(site: Lab) -> None:
    found = account.state(site)
    undisturbed = change(site, 40, 3)
    for fault in FAULTS:
        faults.add(site.folder, fault)
    try:
        disturbed = change(site, 50, 2)
    finally:
        faults.clear(site.folder)
    kinds = Counter(json.loads(line)["kind"] for line in faults.injected(site.folder))
    shown = ", ".join(f"{kind} {number}" for kind, number in sorted(kinds.items()))
    print(f"bad network: {shown}; {disturbed:.0f} s instead of {undisturbed:.0f} s")
    assert set(kinds) == {"throttle", "unavailable", "reset", "slow"}
    assert account.differences(account.state(site), found) == {}
    assert disturbed < FACTOR * undisturbed
