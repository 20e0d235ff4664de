# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run may die anywhere: each playbook is killed at each of its mutating calls, run again, and ends where it would have.

Steps build on each other in two lives of an account. In one the calls are never made; in the other only their answers
are lost. ``make faults`` runs them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.integration import account
from tests.integration.conftest import Lab
from tests.integration.crash import walk


class Step(NamedTuple):
    """A playbook and its variables; those of the steps before it hold as well."""

    name: str
    playbook: str
    variables: dict[str, Any]


LIFE = [
    Step("foundation", "playbooks/infra/foundation.yml", {"vpc_tagging_nat_gateway": True}),
    Step("workload", "playbooks/k8s/workload.yml", {}),
    Step("API", "playbooks/infra/api.yml", {}),
    Step(
        "update",
        "playbooks/site.yml",
        {
            "eks_auto_cluster_tags": {"owner": "infra"},
            "eks_auto_cluster_logging": ["api"],
            "petstore_workload_replicas": 3,
            "apigw_vpclink_tags": {"owner": "infra"},
            "apigw_vpclink_throttle": {"rate_limit": 10, "burst_limit": 20},
        },
    ),
    Step("replacement", "playbooks/replace_nlb.yml", {"seam_next_service": "next", "apigw_vpclink_drain_seconds": 0}),
    Step(
        "links V2",
        "playbooks/infra/api.yml",
        {"seam_service": "next", "seam_next_service": "vpclink", "apigw_vpclink_version": "2"},
    ),
    Step("links V1", "playbooks/infra/api.yml", {"apigw_vpclink_version": "1"}),
    Step("teardown", "playbooks/teardown.yml", {}),
]
VARIABLES = [
    {name: value for step in LIFE[: number + 1] for name, value in step.variables.items()}
    for number in range(len(LIFE))
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, account.State]:
    """The account after each undisturbed step."""
    states = {}
    with Lab.running(tmp_path_factory.mktemp("undisturbed")) as lab:
        for step, variables in zip(LIFE, VARIABLES, strict=True):
            run = lab.playbook(step.playbook, "--extra-vars", json.dumps(variables))
            assert run.returncode == 0, run.output
            states[step.name] = account.state(lab)
    return states


@pytest.fixture(scope="class")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab.running(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


class OneLife:
    """One account, in which the steps follow each other."""

    #: Whether calls take effect and only their answers are lost. Otherwise they are never made.
    after: bool

    @pytest.mark.parametrize("number", range(len(LIFE)), ids=[step.name for step in LIFE])
    def test_killed_at_every_call_it_ends_where_it_would_have(
        self, lab: Lab, undisturbed: dict[str, account.State], number: int
    ) -> None:
        step, started = LIFE[number], time.monotonic()
        killed_at = walk(lab, step.playbook, after=self.after, **VARIABLES[number])
        left = account.differences(account.state(lab), undisturbed[step.name])
        when, passed = "after" if self.after else "before", "NOT passed" if left else "all passed"
        took = time.monotonic() - started
        print(f"figures: {step.name}, killed {when} each call: {len(killed_at)} points tried, {passed}, {took:.0f} s")
        assert killed_at
        assert left == {}


class TestBeforeEachCall(OneLife):
    after = False


class TestAfterEachCall(OneLife):
    after = True
