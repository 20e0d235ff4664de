# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of playbooks with libraries already loaded and templates compiled, in half of the CPU time. README.md says how.

Users don't run playbooks so. SEAM_PLAIN=1 in the environment has tests run them as users do.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ansible_server

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
COLLECTIONS = CHECKOUT / ".venv/collections"

#: Ends the servers of this process's runs when it ends.
_SERVERS = contextlib.ExitStack()
atexit.register(_SERVERS.close)


def plain() -> bool:
    """Whether playbooks are to be run without all of this."""
    return os.environ.get("SEAM_PLAIN") == "1"


def python_path() -> str:
    """The PYTHONPATH that makes programs start sooner; empty for a plain run."""
    return "" if plain() else str(HERE)


def settings(project: Path) -> dict[str, str]:
    """Environment variables for all runs in a project's folder."""
    return {
        "ANSIBLE_CONFIG": str(project / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        # Without the checkout's collections: Ansible looks along Python's path too.
        "PYTHONPATH": python_path(),
    }


@contextlib.contextmanager
def modules(collections: Path = COLLECTIONS, environment: dict[str, str] | None = None) -> Iterator[dict[str, str]]:
    """Environment variables that have a run's modules executed by a server.

    The server has ``environment`` in its own, and loads modules from ``collections``.
    """
    if plain():
        yield {}
        return
    path = os.pathsep.join([str(HERE), str(collections)])
    with _server("modules", {"PYTHONPATH": path, **(environment or {})}) as address:
        yield {
            "ANSIBLE_STRATEGY": "accelerated",
            "ANSIBLE_STRATEGY_PLUGINS": str(HERE),
            "MODULE_SERVER": address,
            # With pipelining, Ansible hands the connection a module instead of a file's path.
            "ANSIBLE_PIPELINING": "true",
        }


def modules_for_all() -> dict[str, str]:
    """The same for all runs of this process."""
    return {} if plain() else _modules()


def run_playbook(arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run ansible-playbook in the checkout, with its settings in the environment. Returns the exit code and the output."""
    text = json.dumps(arguments).encode()
    request = ansible_server.Request(ansible_server.PLAYBOOK, text, environment, str(CHECKOUT))
    code, output, errors = ansible_server.execute(_playbooks(), request)
    return code, (output + errors).decode()


@contextlib.contextmanager
def _server(what: str, environment: dict[str, str]) -> Iterator[str]:
    """A server of modules or of ansible-playbook, with this in its environment, and the path of its socket."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/socket"
        process = subprocess.Popen(
            [sys.executable, "-m", "ansible_server", address, what],
            cwd=CHECKOUT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin and process.stdout
        with process:
            assert process.stdout.readline() == b"serving\n"
            yield address
            process.stdin.close()


@functools.cache
def _modules() -> dict[str, str]:
    return _SERVERS.enter_context(modules())


@functools.cache
def _playbooks() -> str:
    """The socket of a server of ansible-playbook, which has loaded the settings of the checkout's runs."""
    return _SERVERS.enter_context(_server(ansible_server.PLAYBOOK, {**settings(CHECKOUT), **_modules()}))
