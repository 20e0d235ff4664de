# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks that need an environment of their own. It is made once, kept in .nox, and used again.

antsibull-nox.toml sets the checks that antsibull-nox has. Not its ansible-test sessions: they run in containers alone, on
all of the checkout, which holds much that is no part of the collection. `make test` runs every session named here, but those of
`make versions`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import antsibull_nox
import nox
import yaml

CHECKOUT = Path(__file__).resolve().parent
CONSTRAINTS = CHECKOUT / "tests/nox/constraints.txt"
COLLECTIONS = CHECKOUT / ".venv/collections/ansible_collections"

OLDEST_CORE = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text())["requires_ansible"].removeprefix(">=")
#: ansible-core for each Python: the oldest that we support, and the newest there is. (The newest for Python 3.11 is the
#: one in .venv, where the whole test suite runs.)
CORES = {"3.11": OLDEST_CORE, "3.12": "2.21.5", "3.13": "2.21.5"}
#: What `make versions` runs, and `make test` doesn't.
RELEASE = "release"
#: The collections of these versions of `ansible`, each with a Python: the oldest that galaxy.yml allows, those of today, and
#: the newest.
RELEASES = {"12.0.0": "3.11", "14.5.0": "3.12", "15.0.0a3": "3.13"}

nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
os.environ["UV_CONSTRAINT"] = str(CONSTRAINTS)
# A session sees its own installation, not the Makefile's settings for the development environment.
for name in ("ANSIBLE_CONFIG", "PYTHONPATH"):
    os.environ.pop(name, None)

antsibull_nox.load_antsibull_nox_toml()


def python(version: str) -> str | None:
    """The interpreter of that version, on the path or among pyenv's. (pyenv's shims on the path may lead nowhere.)"""
    command = f"python{version}"
    on_path = [Path(folder) / command for folder in os.get_exec_path()]
    pyenvs = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/{command}")
    for candidate in [*on_path, *pyenvs]:
        if (
            candidate.exists()
            and subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0
        ):
            return str(candidate)
    return None


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test sanity, without an ignore file, on the collection as it goes to Galaxy."""
    session.install("ansible-core")
    # ansible-test makes its environments below $HOME, with a pip that it downloads from a host of its own unless this
    # script is there. Python brings a pip.
    home = Path(session.virtualenv.location).resolve() / "home"
    bootstrap = home / ".ansible/test/cache/get_pip_24_2.py"
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.write_text("import ensurepip\n\nensurepip.bootstrap()\n")
    # Within the checkout ansible-test would ask Git. Git ignores .nox, so it would check nothing.
    with tempfile.TemporaryDirectory() as folder:
        session.chdir(lay_out_collection(session, Path(folder)))
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        session.run("ansible-test", "sanity", "--local", "--python", version, *session.posargs, env={"HOME": str(home)})
        session.chdir(CHECKOUT)


@nox.session
def changelog(session: nox.Session) -> None:
    """The changelog's fragments are sound, and CHANGELOG.rst says what changelogs/changelog.yaml says."""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", "lint")
    session.run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml")
    generated = Path(session.create_tmp()) / "CHANGELOG.rst"
    session.run("antsibull-changelog", "generate", "--output", str(generated))
    if generated.read_text() != (CHECKOUT / "CHANGELOG.rst").read_text():
        session.error("CHANGELOG.rst is stale: run `antsibull-changelog generate`")


def lay_out_collection(session: nox.Session, folder: Path) -> Path:
    """The collection as Galaxy gets it, beside the two that it needs, where ansible-test wants to find it."""
    collection = folder / "ansible_collections/seam/eks_auto"
    (collection / "tests").mkdir(parents=True)
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), silent=True)
    shutil.unpack_archive(next(folder.glob("*.tar.gz")), collection)
    shutil.copy(CHECKOUT / "tests/config.yml", collection / "tests")
    for namespace in ("amazon", "kubernetes"):
        (collection.parent.parent / namespace).symlink_to(COLLECTIONS / namespace)
    return collection


def install(session: nox.Session, core: str, pinned: Path, *packages: str) -> None:
    """Packages as they are pinned, and another ansible-core."""
    pins = pinned.read_text().splitlines()
    constraints = Path(session.create_tmp()).resolve() / "constraints.txt"
    constraints.write_text("\n".join(pin for pin in pins if not pin.startswith("ansible-core==")))
    session.install(*packages, f"ansible-core=={core}", env={"UV_CONSTRAINT": str(constraints)})


def lay_out_checkout(session: nox.Session) -> Path:
    """The checkout as Git has it or would take it, with the session's environment as its own."""
    folder = Path(session.create_tmp()).resolve() / "checkout"
    shutil.rmtree(folder, ignore_errors=True)
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    (folder / ".venv").symlink_to(Path(session.virtualenv.location).resolve())
    return folder


def add_release(release: str, interpreter: str, core: str) -> None:
    @nox.session(name=f"ansible-{release}", python=interpreter, default=False, tags=[RELEASE])
    def ansible(session: nox.Session) -> None:
        packages = ["--requirement", "lab/requirements.txt", "pytest", "pytest-cov", "pip"]
        install(session, core, CHECKOUT / "constraints.txt", *packages)
        session.chdir(lay_out_checkout(session))
        collections = Path(session.virtualenv.location).resolve() / "collections"
        shutil.rmtree(collections, ignore_errors=True)
        session.run("python", "tools/install_collections.py", str(collections), release)
        tests = session.posargs or ["tests/unit", "tests/integration/test_site.py", "tests/integration/test_drift.py"]
        session.run("python", "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *tests)

    ansible.__doc__ = (
        f"Unit tests, the main job and drift with the collections of ansible {release}, ansible-core {core}."
    )


def add_units(version: str, interpreter: str, core: str) -> None:
    @nox.session(name=f"units-{version}-{core}", python=interpreter)
    def units(session: nox.Session) -> None:
        install(session, core, CONSTRAINTS, "--requirement", "requirements.txt", "pytest-cov")
        data = {"COVERAGE_FILE": str(Path(session.create_tmp()).resolve() / "coverage")}
        # What they cover is the same on each, and counting it takes half as long again.
        cover = ["--cov"] if version == next(iter(CORES)) else []
        session.run("pytest", "--quiet", "-p", "no:cacheprovider", "tests/unit", *cover, *session.posargs, env=data)

    units.__doc__ = f"The unit tests on Python {version} with ansible-core {core}."


for version, core in CORES.items():
    if interpreter := python(version):
        add_units(version, interpreter, core)

for release, version in RELEASES.items():
    if interpreter := python(version):
        add_release(release, interpreter, CORES[version])
