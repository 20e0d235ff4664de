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


def unknown_variables(role_path: str, variables: t.Iterable[str]) -> list[str]:
    """The variables that begin with a role's name and that the role doesn't know, a sentence each.

    A role knows what its own files name.
    """
    prefix = f"{Path(role_path).name}_"
    files = (path for path in Path(role_path).rglob("*") if path.suffix in (".yml", ".j2"))
    known = {name for path in files for name in re.findall(rf"\b{prefix}\w+", path.read_text(encoding="utf-8"))}
    return [_unknown(name, known) for name in sorted(variables) if name.startswith(prefix) and name not in known]


def _unknown(name: str, known: set[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"{name}: the role has no such variable. " + (
        f"Did you mean {close[0]}?" if close else "Its README lists them."
    )


class ActionModule(ActionBase):
    """See plugins/modules/check_input.py."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _checked, arguments = self.validate_argument_spec({"rules": {"type": "dict", "required": True}})
        rules = arguments["rules"]
        variables = task_vars or {}
        values = {name: self._templar.template(variables[name]) for name in rules if name in variables}
        unknown = unknown_variables(variables["role_path"], variables) if "role_path" in variables else []
        null = [f"{name}: is null. Give it a value, or leave it out." for name in values if values[name] is None]
        try:
            found = unknown + null + objections(values, rules)
        except KeyError as error:
            raise AnsibleActionFail(f"rules: there is no rule {error}, only {', '.join(RULES)}") from error
        if found:
            result |= {"failed": True, "msg": "\n".join(found)}
        return result | {"changed": False}
