# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's answers as modules return them. Pure."""

from __future__ import annotations

import datetime
import typing as t

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

#: Mappings whose keys are the user's own.
_USERS_KEYS = ("tags", "variables", "stageVariableOverrides")
# Parts of the answer and not of the resource, and a secret: an API key's value.
_HIDDEN = ("ResponseMetadata", "warnings", "value")


def to_result(resource: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """A resource: keys in snake_case, dates as text, the user's own keys (tags, variables) as they are. Empty for None."""
    return snake_case({key: value for key, value in (resource or {}).items() if key not in _HIDDEN})


def snake_case(value: t.Any) -> t.Any:
    """The same with keys in snake_case, at any depth."""
    if isinstance(value, t.Mapping):
        return {_name(key): each if key in _USERS_KEYS else snake_case(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [snake_case(each) for each in value]
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def snake_case_keys(resource: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The same with its own keys in snake_case, and what they hold as it is."""
    return {_name(key): value for key, value in resource.items()}


def _name(key: str) -> str:
    return str(next(iter(camel_dict_to_snake_dict({key: None}))))
