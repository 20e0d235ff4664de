# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wait as the user sees it, on a terminal and in a file. No lab is needed."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import BIN, CHECKOUT

#: A module that waits for some seconds on one host, and not at all on the other.
MODULE = """
import time
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Pace, Verdict, wait

module = AnsibleModule({"seconds": {"type": "float"}})
ready = time.monotonic() + module.params["seconds"]

def judge(now):
    return Verdict.done("ACTIVE", "It is there.") if now >= ready else Verdict.waiting("CREATING", "It is being made.")

wait(time.monotonic, judge, subject="the thing", timeout=60, pace=Pace(fastest=0.1, growth=1.0), usual="a moment")
module.exit_json(changed=module.params["seconds"] > 0)
"""
PLAYBOOK = """
- name: Things
  hosts: all
  gather_facts: false
  tasks:
    - name: Make the thing
      slow:
        seconds: "{{ seconds }}"
"""
INVENTORY = """
all:
  hosts:
    quick: {seconds: 0.0}
    slow: {seconds: 5.0}
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
ERASE = "\r\x1b[2K"


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "slow.py").write_text(MODULE)
    (tmp_path / "things.yml").write_text(PLAYBOOK)
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    return [str(BIN / "ansible-playbook"), "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "things.yml")]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "AWX_ISOLATED_DATA_DIR")}
    return {
        **kept,
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "SEAM_EKS_AUTO_TIMELINE_FILE": str(tmp_path / "timeline.jsonl"),
        **more,
    }


def on_a_terminal(command: list[str], environment: dict[str, str]) -> str:
    """All that was written to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs, cwd=CHECKOUT) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                written += os.read(ours, 65536)
            except OSError:  # The other end is closed.
                break
        os.close(ours)
        assert process.wait() == 0, written.decode()
    return written.decode().replace("\r\n", "\n")


def test_a_terminal_has_one_line_that_is_kept_current(command: list[str], tmp_path: Path) -> None:
    written = on_a_terminal(command, environment(tmp_path, TERM="xterm", COLUMNS="80"))
    seconds = re.findall(
        re.escape(ERASE) + r"  … +(\d+) s  the thing: It is being made\. \(usually a moment\)", written
    )
    assert len(set(seconds)) >= 3
    # The text that stays on the screen: of each line the part after its last erasure.
    screen = [line.rpartition(ERASE)[2] for line in written.split("\n")]
    assert [line for line in screen if "being made" in line] == []
    assert len([line for line in screen if re.fullmatch(r"  … +[56] s  the thing: It is there\. .*", line)]) == 1
    assert {"ok: [quick]", "changed: [slow]"} <= set(screen)
    assert screen.index("ok: [quick]") < screen.index("changed: [slow]")
    assert any(line.startswith("TIMELINE") for line in screen)


def test_a_file_has_a_line_now_and_then(command: list[str], tmp_path: Path) -> None:
    quiet = environment(tmp_path, TERM="xterm", SEAM_EKS_AUTO_QUIET_SECONDS="1")
    run = subprocess.run(command, env=quiet, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, check=True)
    assert "\x1b" not in run.stdout
    lines = re.findall(r"^  … +(\d+) s  the thing: (.*)$", run.stdout, re.MULTILINE)
    assert lines[0][1] == "It is being made. (usually a moment)"
    assert [text for _, text in lines[1:-1]] == ["It is being made. (unchanged; usually a moment)"] * 2
    assert lines[-1][1] == "It is there. (usually a moment)"
    (phase,) = json.loads((tmp_path / "timeline.jsonl").read_text())["phases"]
    assert phase["changed"] == [{"task": "Make the thing", "host": "slow"}]
    assert phase["waits"][-1]["message"] == "It is there."
