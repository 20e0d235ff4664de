# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the rules about input of a role's variables, all in one go, where the playbook runs."""

from __future__ import annotations

import re
import typing as t
from difflib import get_close_matches
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import RULES, objections

COLLECTION = Path(__file__).resolve().parents[2]
#: Prefixes of the playbooks' variables.
PLAYBOOK_PREFIXES = ("seam", "orphans")
_WANTED = {"list": list | tuple, "dict": t.Mapping}


def unknown_variables(folder: Path, prefix: str, variables: t.Iterable[str], whose: str, listed: str) -> list[str]:
    """A sentence for each unknown variable whose name begins with a prefix and an underscore.

    Known is what the files of the folder name. ``whose`` they are and where they are ``listed`` goes into the sentence.
    """
    mine = [name for name in sorted(variables) if name.startswith(f"{prefix}_")]
    if not mine:
        return []
    files = (path for path in folder.rglob("*") if path.suffix in (".yml", ".j2"))
    known = {name for path in files for name in re.findall(rf"\b{prefix}_\w+", path.read_text(encoding="utf-8"))}
    return [_unknown(name, known, whose, listed) for name in mine if name not in known]


def _unknown(name: str, known: set[str], whose: str, listed: str) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"{name}: {whose} no such variable. " + (f"Did you mean {close[0]}?" if close else f"{listed} lists them.")


def misfits(values: t.Mapping[str, t.Any], types: t.Mapping[str, str]) -> list[str]:
    """A sentence for each null, and for each text in the place of a list or a mapping.

    Ansible would take the text apart at its commas for its own check, and hand it on to the role as it is.
    """
    found = []
    for name, value in values.items():
        wanted = types.get(name, "str")
        if value is None:
            found.append(f"{name}: is null. Give it a value, or leave it out.")
        elif wanted in _WANTED and not isinstance(value, _WANTED[wanted]):
            what = "a list" if wanted == "list" else "a mapping"
            found.append(
                f"{name}: {value!r} is not {what}. As an extra variable, {what} is JSON: -e '{{\"{name}\": ...}}'."
            )
    return found


class ActionModule(ActionBase):
    """See plugins/modules/check_input.py."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _checked, arguments = self.validate_argument_spec(
            {
                "rules": {"type": "dict", "required": True},
                "required": {"type": "list", "elements": "str", "default": []},
            }
        )
        rules = arguments["rules"]
        variables = task_vars or {}
        types = self._types(variables)
        asked = [*rules, *(name for name in types if name not in rules)]
        values = {name: self._templar.template(variables[name]) for name in asked if name in variables}
        missing = [
            f"{name}: is not set. Set it in group_vars/all.yml, as inventories/example does."
            for name in arguments["required"]
            if name not in variables
        ]
        unsound = misfits(values, types)
        misfit = {each.partition(":")[0] for each in unsound}
        sound = {name: value for name, value in values.items() if name not in misfit}
        try:
            found = [*self._unknown(variables), *missing, *unsound, *objections(sound, rules)]
        except KeyError as error:
            raise AnsibleActionFail(f"rules: there is no rule {error}, only {', '.join(RULES)}") from error
        if found:
            result |= {"failed": True, "msg": "\n".join(found)}
        return result | {"changed": False}

    def _unknown(self, variables: t.Mapping[str, t.Any]) -> list[str]:
        if "role_path" in variables:
            role = Path(variables["role_path"])
            return unknown_variables(role, role.name, variables, "the role has", "Its README")
        return [
            sentence
            for prefix in PLAYBOOK_PREFIXES
            for sentence in unknown_variables(
                COLLECTION / "playbooks", prefix, variables, "the playbooks have", "inventories/example"
            )
        ]

    def _types(self, variables: t.Mapping[str, t.Any]) -> dict[str, str]:
        """The type of each of the role's variables, by all of its argument specs."""
        path = Path(variables.get("role_path", "")) / "meta/argument_specs.yml"
        if "role_path" not in variables or not path.exists():
            return {}
        specs = self._loader.load_from_file(str(path))["argument_specs"].values()
        return {name: option.get("type", "str") for spec in specs for name, option in spec.get("options", {}).items()}
