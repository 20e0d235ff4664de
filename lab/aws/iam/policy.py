# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM policy documents: whether they allow an action on a resource in a context. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

#: Condition keys of a request, in lower case, with all their values.
Context = Mapping[str, tuple[str, ...]]


class Decision(enum.Enum):
    """The verdict of policies. A denial overrides any allowance."""

    ALLOWED = "allowed"
    DENIED = "denied"
    NOT_ALLOWED = "not allowed"


@dataclasses.dataclass(frozen=True)
class Permission:
    """A permission that a call needs: an action on a resource, in the context of the request."""

    action: str
    resource: str
    context: Context = dataclasses.field(default_factory=dict)


class UnknownOperator(Exception):
    """A condition that this evaluator can't judge. It refuses to guess."""


def decide(documents: Iterable[str], wanted: Permission) -> Decision:
    """The verdict of several policy documents. Raises :class:`UnknownOperator`."""
    found = Decision.NOT_ALLOWED
    for document in documents:
        for statement in statements(document):
            if _applies(statement, wanted):
                if statement["Effect"] == "Deny":
                    return Decision.DENIED
                found = Decision.ALLOWED
    return found


@functools.lru_cache(maxsize=1024)
def statements(document: str) -> tuple[Any, ...]:
    """The statements of a policy document, of which a single one need not be a list."""
    found = json.loads(document)["Statement"]
    return tuple(found) if isinstance(found, list) else (found,)


def _applies(statement: Mapping[str, Any], wanted: Permission) -> bool:
    return (
        _names(statement, "Action", wanted.action.lower(), {}, str.lower)
        and _names(statement, "Resource", wanted.resource, wanted.context, str)
        and conditions_hold(statement, wanted.context)
    )


def conditions_hold(statement: Mapping[str, Any], context: Context) -> bool:
    """Whether all conditions of a statement hold. Raises :class:`UnknownOperator`."""
    return all(
        _holds(operator, key.lower(), as_list(values), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def _names(
    statement: Mapping[str, Any], element: str, wanted: str, context: Context, fold: Callable[[str], str]
) -> bool:
    """Whether Action or Resource (or NotAction or NotResource) covers the wanted action or resource."""
    if element in statement:
        return any(_like(fold(each), wanted, context) for each in as_list(statement[element]))
    return not any(_like(fold(each), wanted, context) for each in as_list(statement[f"Not{element}"]))


def as_list(value: Any) -> list[str]:
    """The values of an element, of which a single one need not be a list."""
    values = value if isinstance(value, list) else [value]
    # JSON's booleans and numbers may stand for themselves in conditions.
    return [each if isinstance(each, str) else json.dumps(each) for each in values]


_VARIABLE = re.compile(r"\$\{([^}]+)\}")


def _pattern(text: str, context: Context, wildcards: bool = True) -> re.Pattern[str] | None:
    """The text as an expression, its policy variables filled in; None when the request has no such variable."""
    parts = []
    for index, part in enumerate(_VARIABLE.split(text)):
        if index % 2 == 0:
            quoted = re.escape(part)
            parts.append(quoted.replace(r"\*", ".*").replace(r"\?", ".") if wildcards else quoted)
        elif part in ("*", "?", "$"):
            parts.append(re.escape(part))
        elif len(values := context.get(part.lower(), ())) == 1:
            parts.append(re.escape(values[0]))
        else:
            return None
    return re.compile("".join(parts), re.DOTALL)


def _like(text: str, value: str, context: Context, wildcards: bool = True) -> bool:
    pattern = _pattern(text, context, wildcards)
    return pattern is not None and pattern.fullmatch(value) is not None


def _equals(text: str, value: str, context: Context) -> bool:
    return _like(text, value, context, wildcards=False)


def _equals_in_any_case(text: str, value: str, context: Context) -> bool:
    return _equals(text.lower(), value.lower(), context)


#: How a value of the policy is compared with one of the request.
_COMPARISONS: dict[str, Callable[[str, str, Context], bool]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_in_any_case,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": _equals_in_any_case,
}


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    """Whether one condition holds: any of the policy's values for it, over one or many values of the request's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    quantifier, _, name = operator.rpartition(":")
    given = context.get(key)
    if name == "Null":
        return as_list(given is None)[0] in [each.lower() for each in wanted]
    if_exists, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    negated = "Not" in name
    comparison = _COMPARISONS.get(name.replace("Not", "", 1))
    if comparison is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnknownOperator(operator)
    if given is None:
        # Without values, a negated operator and ForAllValues hold, any other fails.
        return if_exists or quantifier == "ForAllValues" or (negated and not quantifier)

    def matches(value: str) -> bool:
        return any(comparison(each, value, context) for each in wanted) is not negated

    return all(map(matches, given)) if quantifier == "ForAllValues" else any(map(matches, given))
