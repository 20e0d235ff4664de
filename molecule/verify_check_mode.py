# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode changed nothing, and predicted the changes of the next run. For all scenarios."""

from __future__ import annotations

import datetime
import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest

Run = dict[str, Any]

#: Other accounts don't list their calls at once.
LAB = None if os.environ.get("SEAM_INVENTORY") else Path(os.environ["SEAM_LAB_FOLDER"])

#: A cluster that isn't there yet can't be asked, so a task of its own makes this prediction.
STANDS_FOR = {"apply | Predict what the API server can't be asked about yet": "apply | Apply the manifests"}
#: Auto Mode's own calls to AWS, independent of the collection.
AUTO_MODE = "/eks-auto-mode"


def last_check_run() -> list[tuple[Run, Run]]:
    """The last run in check mode and the run that followed it, of converge.yml."""
    lines = Path(os.environ["SEAM_EKS_AUTO_TIMELINE_FILE"]).read_text().splitlines()
    runs = [run for run in map(json.loads, lines) if run["playbook"] == "converge.yml"]
    checks = [(check, run) for check, run in itertools.pairwise(runs) if check["check_mode"]]
    return checks[-1:]


def changed(run: Run) -> list[tuple[str, str]]:
    """The tasks that changed something (or would), with their hosts, in order."""
    tasks = [(each["task"].rpartition(" : ")[2], each["host"]) for phase in run["phases"] for each in phase["changed"]]
    return [(STANDS_FOR.get(task, task), host) for task, host in tasks]


def between(check: Run, converge: Run, log: Path, time: str) -> list[Run]:
    """The part of a lab's log from one run's start to the other's."""
    start, end = (datetime.datetime.fromisoformat(run["started"]) for run in (check, converge))
    entries = map(json.loads, log.read_text().splitlines())
    return [entry for entry in entries if start <= datetime.datetime.fromisoformat(entry[time]) < end]


@pytest.mark.parametrize(("check", "converge"), last_check_run())
def test_check_mode_predicted_what_changed(check: Run, converge: Run) -> None:
    assert changed(check) == changed(converge) != []


@pytest.mark.parametrize(("check", "converge"), last_check_run() if LAB else [])
def test_check_mode_changed_nothing(check: Run, converge: Run) -> None:
    assert LAB
    calls = between(check, converge, LAB / "calls.jsonl", "time")
    assert calls, "the lab saw no call at all"
    changing = [call for call in calls if call["mutating"] and not call["caller"].endswith(AUTO_MODE)]
    assert [f"{call['service']}:{call['operation']}" for call in changing] == []
    for log in LAB.glob("clusters/*/*/audit.jsonl"):
        requests = between(check, converge, log, "stageTimestamp")
        changing = [
            each for each in requests if each["verb"] in ("create", "update", "patch", "delete", "deletecollection")
        ]
        assert [each["requestURI"] for each in changing if "dryRun=All" not in each["requestURI"]] == []
