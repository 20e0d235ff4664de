# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets tests load plugins by their full names, as ansible does, and builds the collection for those that ask."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.loader import init_plugin_loader

from tests import accelerator

CHECKOUT = Path(__file__).resolve().parent.parent
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [accelerator.python_path(), os.environ.get("PYTHONPATH")]))
# Where Python is told to write no bytecode, it would compile the plugins of this checkout anew for each process.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
init_plugin_loader([str(CHECKOUT / ".venv" / "collections")])


#: Tests with a time limit first, then the slowest: so the workers end at about the same time.
ORDER = ("nox", "faults", "molecule", "integration", "foreign", "awx", "static", "docs", "lab", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = CHECKOUT / "tests"
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(tests).parts[0]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have all tests but nox's sessions give way: Galaxy's importer gives up on ansible-lint after 180 seconds."""
    if "nox" not in item.path.parts and os.nice(0) == 0:
        os.nice(10)


@pytest.fixture(scope="session")
def checkout_digest() -> str:
    """A digest of every file that Git has or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True).stdout.decode().split("\0")
    digest = hashlib.sha256(sys.version.encode())
    for path in (CHECKOUT / name for name in sorted(set(names))):
        if path.is_file():
            digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture
def once_for_these_files(request: pytest.FixtureRequest, checkout_digest: str) -> Iterator[None]:
    """Skips a test that has passed before, with every file of the checkout as it is now.

    For tools that read files and do nothing else: they would say the same again.
    """
    cache = request.config.cache
    assert cache
    key = f"passed/{hashlib.sha256(request.node.nodeid.encode()).hexdigest()}"
    if cache.get(key, None) == checkout_digest:
        pytest.skip("has passed, and no file has changed since")
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        cache.set(key, checkout_digest)


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as it goes to Galaxy, built from this checkout with all that lies about in it."""
    folder = tmp_path_factory.mktemp("tarball")
    command = [str(Path(sys.executable).parent / "ansible-galaxy"), "collection", "build", "--output-path", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


#: A test's output lines for the summary begin with one of these words and a colon.
SUMMARY = ("figures", "not tried")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show the figures, and the tests left out because this machine lacks a program."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    printed = [
        line for report in reports if getattr(report, "when", "") == "call" for line in report.capstdout.splitlines()
    ]
    for word in SUMMARY:
        lines = [line.removeprefix(f"{word}: ") for line in printed if line.startswith(f"{word}: ")]
        if lines:
            terminalreporter.section(word)
            terminalreporter.write("".join(f"{line}\n" for line in lines))
