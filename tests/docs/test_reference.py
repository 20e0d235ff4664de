# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`ansible-doc` documents every plugin and role in full, and the roles' defaults and READMEs agree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir())
#: A plugin or role with its documentation: of the plugin itself, or of one of the role's entry points.
Documented = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def documentation() -> dict[str, dict[str, Any]]:
    """What `ansible-doc` has of this collection, by kind of plugin and name."""
    command = [str(Path(sys.executable).parent / "ansible-doc"), "--metadata-dump", "seam.eks_auto"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}
    run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, Any]] = json.loads(run.stdout)["all"]
    return found


@pytest.fixture(scope="module")
def plugins(documentation: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    kinds = ("callback", "filter", "lookup", "module")
    return {f"{name} {kind}": plugin for kind in kinds for name, plugin in documentation[kind].items()}


@pytest.fixture(scope="module")
def everything(documentation: dict[str, dict[str, Any]], plugins: dict[str, dict[str, Any]]) -> list[Documented]:
    roles = documentation["role"].items()
    return [
        *((name, plugin["doc"]) for name, plugin in plugins.items()),
        *((f"{name} role, {point}", doc) for name, role in roles for point, doc in role["entry_points"].items()),
    ]


def options(of: dict[str, Any], key: str, inner: str, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Options or return values with those within them, by path."""
    for name, option in (of.get(key) or {}).items():
        yield f"{path}.{name}", option
        yield from options(option, inner, inner, f"{path}.{name}")


def all_options(everything: list[Documented]) -> list[tuple[str, dict[str, Any]]]:
    return [
        found
        for name, doc in everything
        for found in options(doc, "options", "options" if "role," in name else "suboptions", name)
    ]


def text(described: dict[str, Any]) -> str:
    found = described.get("description", "")
    return found if isinstance(found, str) else " ".join(found)


def test_every_plugin_and_role_is_there(documentation: dict[str, dict[str, Any]]) -> None:
    files = [path for path in (CHECKOUT / "plugins").glob("*/*.py") if not path.name.startswith("_")]
    for kind, folder in (("module", "modules"), ("filter", "filter"), ("lookup", "lookup"), ("callback", "callback")):
        expected = {f"seam.eks_auto.{path.stem}" for path in files if path.parent.name == folder}
        assert set(documentation[kind]) == expected
    assert set(documentation["role"]) == {f"seam.eks_auto.{name}" for name in ROLES}


def test_each_says_what_it_is_and_since_when(everything: list[Documented]) -> None:
    for key in ("short_description", "description", "author", "version_added"):
        assert [name for name, doc in everything if not doc.get(key)] == [], key


def test_each_option_is_described_and_has_a_type(everything: list[Documented]) -> None:
    found = all_options(everything)
    assert len(found) > 200
    assert [path for path, option in found if not text(option).endswith((".", ")")) or "type" not in option] == []


def test_each_span_of_time_has_its_unit(everything: list[Documented]) -> None:
    spans = [(path, option) for path, option in all_options(everything) if re.search(r"(timeout|seconds|sleep)$", path)]
    assert len(spans) >= 10
    assert [path for path, option in spans if "second" not in text(option).lower()] == []


def test_each_plugin_has_examples_and_return_values(plugins: dict[str, dict[str, Any]]) -> None:
    # Callbacks are enabled, not called, and return nothing.
    called = {name: plugin for name, plugin in plugins.items() if not name.endswith("callback")}
    assert [name for name, plugin in called.items() if not plugin["examples"]] == []
    for name, plugin in called.items():
        values = list(options(plugin, "return", "contains", name))
        assert values, name
        assert [path for path, value in values if not text(value) or "type" not in value] == []


def test_each_module_declares_its_attributes(documentation: dict[str, dict[str, Any]]) -> None:
    for name, module in documentation["module"].items():
        # check_input asks nothing of AWS, and is an action alone.
        kind = "action" if name.endswith("check_input") else "action_group"
        assert set(module["doc"]["attributes"]) == {kind, "check_mode", "diff_mode", "idempotent"}, name


def test_each_says_where_awss_rules_are_from_and_what_its_errors_mean(everything: list[Documented]) -> None:
    for name, doc in everything:
        # The filter subnet_plan has no errors of its own, a preflight those of its role's main entry point, and drift
        # reports others'.
        if name.endswith("callback") or "preflight" in name or "drift" in name:
            continue
        sources = [entry.get("link", entry.get("ref", "")) for entry in doc.get("seealso", [])]
        assert any(source.startswith(("https://docs.aws.amazon.com", "https://github.com/")) for source in sources), (
            name
        )
        assert "subnet_plan" in name or any(source.endswith("guide_troubleshooting") for source in sources), name


def test_each_role_has_an_example(documentation: dict[str, dict[str, Any]]) -> None:
    for name, role in documentation["role"].items():
        (play,) = yaml.safe_load(role["entry_points"]["main"]["examples"])
        assert play["roles"][0]["role"] == name
        # Every variable of the example exists, and required ones are set.
        known = role["entry_points"]["main"]["options"]
        given = set(play["roles"][0]["vars"])
        assert given <= set(known)
        assert {option for option, spec in known.items() if spec.get("required")} <= given


def options_of(role: str) -> dict[str, Any]:
    """The options of all of a role's entry points, which share its defaults and its README."""
    specs = yaml.safe_load((CHECKOUT / f"roles/{role}/meta/argument_specs.yml").read_text())
    return {name: option for point in specs["argument_specs"].values() for name, option in point["options"].items()}


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_what_the_argument_spec_says(role: str) -> None:
    spec = options_of(role)
    file = (CHECKOUT / f"roles/{role}/defaults/main.yml").read_text()
    defaults = yaml.safe_load(file)
    assert set(defaults) <= set(spec)
    for name, option in spec.items():
        if option.get("required"):
            assert name not in defaults
        if "default" in option:
            assert defaults[name] == option["default"]
        # Variables without a default are there as comments.
        assert name in file


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_has_each_variable(role: str) -> None:
    readme = (CHECKOUT / f"roles/{role}/README.md").read_text()
    rows = re.findall(rf"^\| `({role}_\w+)` \|", readme, re.MULTILINE)
    assert sorted(rows) == sorted(options_of(role))
