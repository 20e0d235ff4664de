# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the rules about input of a role's variables, all in one go, where the playbook runs."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import RULES, objections


class ActionModule(ActionBase):
    """See plugins/modules/check_input.py."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _checked, arguments = self.validate_argument_spec({"rules": {"type": "dict", "required": True}})
        rules = arguments["rules"]
        variables = task_vars or {}
        values = {name: self._templar.template(variables[name]) for name in rules if name in variables}
        null = [f"{name}: is null. Give it a value, or leave it out." for name in values if values[name] is None]
        try:
            found = null + objections(values, rules)
        except KeyError as error:
            raise AnsibleActionFail(f"rules: there is no rule {error}, only {', '.join(RULES)}") from error
        if found:
            result |= {"failed": True, "msg": "\n".join(found)}
        return result | {"changed": False}
