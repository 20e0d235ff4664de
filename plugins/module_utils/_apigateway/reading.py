# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OpenAPI document that a user gave, as nothing but dicts and lists with text as keys. Pure."""

from __future__ import annotations

import typing as t

from .openapi import OpenApiError, escaped

_FREE = ("example", "examples", "default", "enum", "const", "value")
_SHOWN = 10


def plain(document: t.Any) -> t.Any:
    """A deep copy with text as keys: YAML reads ``200:`` as a number.

    Raises :class:`OpenApiError` with the places that hold nothing, such as a YAML key without a value.
    """
    empty: list[str] = []
    try:
        result = _plain(document, "#", empty)
    except RecursionError as error:
        raise OpenApiError("the OpenAPI document is nested without end, as an alias of YAML can be") from error
    if empty:
        shown = ", ".join(empty[:_SHOWN]) + (", …" if len(empty) > _SHOWN else "")
        raise OpenApiError(f"the OpenAPI document has keys without a value: {shown}")
    return result


def _plain(node: t.Any, place: str, empty: list[str] | None) -> t.Any:
    """``empty`` is None where null is a value like others."""
    if isinstance(node, t.Mapping):
        members = {_text(key): value for key, value in node.items()}
        return {
            key: _plain(value, f"{place}/{escaped(key)}", None if is_free(key, place) else empty)
            for key, value in members.items()
        }
    if isinstance(node, list | tuple):
        # Where the name of JSON's null isn't quoted in a list of types, YAML reads null itself.
        nothing = "null" if place.endswith("/type") else None
        return [
            _plain(nothing if each is None else each, f"{place}/{number}", empty) for number, each in enumerate(node)
        ]
    if node is None and empty is not None:
        empty.append(place)
    return node


def _text(key: t.Any) -> str:
    """YAML reads ``on:`` and ``no:`` as truth values."""
    return str(key).lower() if isinstance(key, bool) else str(key)


def is_free(key: str, place: str) -> bool:
    """Whether anything may stand below a key, as in examples, defaults and extensions other than AWS's."""
    named_by_user = place.endswith("/properties")
    return not named_by_user and (key in _FREE or (key.startswith("x-") and not key.startswith("x-amazon-")))
