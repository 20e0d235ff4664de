# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three calls in ten are throttled, refused, cut off or slow, at AWS and at Kubernetes, and changes arrive all the same.

The generator is seeded; which calls it hits depends on their order alone. ``make faults`` makes a whole account so.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab import faults
from lab.faults import Fault

from . import account
from .conftest import Lab

#: A share of all calls each: with both kinds of 429, three in ten altogether.
FAULTS = [
    Fault("throttle", rate=0.12, seed=1),
    Fault("unavailable", rate=0.07, seed=2),
    Fault("reset", rate=0.04, seed=3),
    Fault("reset", rate=0.03, seed=4, after=True),
    Fault("slow", rate=0.07, seed=5, seconds=0.5),
]
#: How many times longer a run may take. AWS's own clients wait up to 20 s before an attempt.
FACTOR = 4


@contextmanager
def bad_network(lab: Lab) -> Iterator[Counter[str]]:
    """Spoils the calls to a lab; afterwards, how many of each kind."""
    hits: Counter[str] = Counter()
    before = len(faults.injected(lab.folder))
    for fault in FAULTS:
        faults.add(lab.folder, fault)
    try:
        yield hits
    finally:
        faults.clear(lab.folder)
        hits.update(json.loads(line)["kind"] for line in faults.injected(lab.folder)[before:])


def run_site(lab: Lab, **variables: Any) -> float:
    """Seconds that site.yml takes."""
    started = time.monotonic()
    run = lab.playbook("playbooks/site.yml", "--extra-vars", json.dumps(variables))
    assert run.returncode == 0, run.output
    return time.monotonic() - started


def report(what: str, hits: Counter[str], disturbed: float, undisturbed: float) -> None:
    shown = ", ".join(f"{kind} {number}" for kind, number in sorted(hits.items()))
    print(f"figures: bad network, {what}: {shown}; {disturbed:.0f} s instead of {undisturbed:.0f} s")
    assert set(hits) == {"throttle", "unavailable", "reset", "slow"}
    assert disturbed < FACTOR * undisturbed


def test_changes_of_both_teams_arrive(site: Lab) -> None:
    def change(rate_limit: int, replicas: int) -> float:
        throttle = {"rate_limit": rate_limit, "burst_limit": 100}
        return run_site(site, apigw_vpclink_throttle=throttle, petstore_workload_replicas=replicas)

    found = account.state(site)
    undisturbed = change(40, 3)
    with bad_network(site) as hits:
        disturbed = change(50, 2)
    assert account.differences(account.state(site), found) == {}
    report("changes", hits, disturbed, undisturbed)
