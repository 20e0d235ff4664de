# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is shown: not at any verbosity, in no diff, log or timeline, and not in the list of processes."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from .conftest import Lab

#: What a run leaves for people and machines to read.
OUTPUTS: list[str] = []
#: The command lines of all processes that were seen during the runs.
COMMANDS: set[str] = set()
#: Values of API keys, which go when the API goes.
API_KEYS: set[str] = set()

EKS_TOKEN = re.compile(r"k8s-aws-v1\.[A-Za-z0-9_-]{16}")


@contextlib.contextmanager
def watching_processes() -> Iterator[None]:
    """Note every command line that there is, again and again."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    COMMANDS.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def run(lab: Lab, folder: Path, playbook: str, *arguments: str) -> None:
    log, timeline = folder / "ansible.log", folder / "timeline.json"
    environment = {"ANSIBLE_LOG_PATH": str(log), "SEAM_EKS_AUTO_TIMELINE_FILE": str(timeline)}
    with watching_processes():
        finished = lab.playbook(playbook, "-vvvv", "--diff", *arguments, environment=environment)
    assert finished.returncode == 0, finished.output
    OUTPUTS.append(finished.output)
    OUTPUTS.extend(path.read_text() for path in (log, timeline))


def secrets(lab: Lab) -> set[str]:
    identities = lab.facts["credentials"].values()
    return {each[name] for each in identities for name in ("secret_key", "session_token")} | API_KEYS


def test_a_whole_life_can_be_watched_at_any_verbosity(lab: Lab, tmp_path: Path) -> None:
    run(lab, tmp_path, "site.yml")
    API_KEYS.update(key["value"] for key in lab.client("apigateway").get_api_keys(includeValues=True)["items"])
    assert API_KEYS
    changes = {"apigw_vpclink_throttle": {"rate_limit": 10, "burst_limit": 20}, "petstore_workload_replicas": 3}
    run(lab, tmp_path, "site.yml", "--extra-vars", json.dumps(changes))
    run(lab, tmp_path, "site.yml", "--check")
    run(lab, tmp_path, "playbooks/teardown.yml")


def test_no_output_has_a_secret(lab: Lab) -> None:
    text = "\n".join(OUTPUTS)
    assert "module_args" in text, "nothing was shown that could have had one"
    assert [secret[:8] for secret in secrets(lab) if secret in text] == []
    assert EKS_TOKEN.findall(text) == []


def test_no_process_was_started_with_a_secret(lab: Lab) -> None:
    text = "\n".join(COMMANDS)
    assert "ansible-playbook" in text
    assert [secret[:8] for secret in secrets(lab) if secret in text] == []
    assert EKS_TOKEN.findall(text) == []


def test_the_labs_files_are_readable_by_their_owner_alone(lab: Lab) -> None:
    assert lab.folder.stat().st_mode & 0o077 == 0
    holding = [
        path
        for path in lab.folder.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets(lab))
    ]
    assert {"lab.json", "env"} <= {path.name for path in holding}
    assert [path.name for path in holding if path.stat().st_mode & 0o077] == []
