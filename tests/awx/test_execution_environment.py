# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of an execution environment for this collection.

ansible-builder writes the build's instructions, and lists the packages that its collections ask for. No image is built,
so nothing here proves that the base image and the registries have those packages.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DEFINITION = CHECKOUT / "extensions/patterns/eks_auto_api/exec_env/execution-environment.yml"
DEPENDENCIES = ("amazon.aws", "kubernetes.core")


def run(*command: str | Path, cwd: Path = CHECKOUT) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context that ansible-builder makes."""
    folder = tmp_path_factory.mktemp("context")
    run(
        BIN / "ansible-builder",
        *("create", "--file", DEFINITION, "--context", folder, "--output-filename", "Containerfile"),
    )
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections as the image gets it: ours as it is built, and those that it depends on."""
    folder = tmp_path_factory.mktemp("collections")
    run(BIN / "ansible-galaxy", "collection", "build", "--output-path", folder)
    (archive,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(archive, folder / "ansible_collections/seam/eks_auto")
    for name in DEPENDENCIES:
        path = Path("ansible_collections", *name.split("."))
        (folder / path).parent.mkdir()
        (folder / path).symlink_to(CHECKOUT / ".venv/collections" / path)
    return folder


def test_context_asks_for_the_collection_of_this_version(context: Path) -> None:
    version = read(CHECKOUT / "galaxy.yml")["version"]
    assert read(context / "_build/requirements.yml") == {
        "collections": [{"name": "seam.eks_auto", "version": version}],
    }


def test_context_asks_for_an_ansible_core_that_the_collection_supports(context: Path) -> None:
    asked = re.search(
        r'ANSIBLE_INSTALL_REFS="ansible-core~=([\d.]+) ansible-runner"', (context / "Containerfile").read_text()
    )
    assert asked
    assert SpecifierSet(read(CHECKOUT / "meta/runtime.yml")["requires_ansible"]).contains(asked[1])


def test_context_has_nothing_of_the_checkout(context: Path) -> None:
    """Neither the lab nor the tests: the image gets the built collection."""
    files = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    own = {name for name in files if not name.startswith("_build/scripts/")}
    assert own == {"Containerfile", "_build/requirements.yml", "_build/exclude-bindep.txt"}


def test_collection_brings_its_two_dependencies_and_what_awx_needs(built: Path) -> None:
    own = built / "ansible_collections/seam/eks_auto"
    assert set(read(own / "MANIFEST.json")["collection_info"]["dependencies"]) == set(DEPENDENCIES)
    for path in (
        "meta/execution-environment.yml",
        "requirements.txt",
        "extensions/patterns/eks_auto_api/meta/pattern.json",
        "extensions/patterns/eks_auto_api/exec_env/execution-environment.yml",
        "playbooks/awx/configure.yml",
    ):
        assert (own / path).is_file(), path
    for path in ("lab", "tests", "molecule", "tools", ".venv"):
        assert not (own / path).exists(), path


def test_image_gets_the_python_packages_of_the_collections_and_no_aws_cli(context: Path, built: Path) -> None:
    """As the image's build does it: the lists of all collections, less what the definition excludes."""
    pip, system = built / "pip.txt", built / "bindep.txt"
    exclude = f"--exclude-bindep-reqs={context / '_build/exclude-bindep.txt'}"
    run(BIN / "ansible-builder", "introspect", built, exclude, f"--write-pip={pip}", f"--write-bindep={system}")
    lines = pip.read_text().splitlines()
    found = {re.match(r"[\w-]+", line)[0] for line in lines}  # type: ignore[index]  # each line begins with a name
    assert found == {"boto3", "botocore", "jsonpatch", "kubernetes", "requests-oauthlib"}
    own = {line.partition("  #")[0] for line in lines if line.endswith("from collection seam.eks_auto")}
    assert own == {line for line in (CHECKOUT / "requirements.txt").read_text().splitlines() if line[0] != "#"}
    # amazon.aws's are for its own tests; bindep leaves them out unless asked for the profile "test".
    assert all("[test " in line for line in system.read_text().splitlines())
