# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows the references of an OpenAPI document, so that it says all in place. Pure but for the findings it adds to.

API Gateway follows none but those to named schemas, which become its models.
"""

from __future__ import annotations

import typing as t
from urllib.parse import unquote

from .openapi import Findings, Node, escaped
from .reading import is_free

#: Where named schemas are; references to them stay.
_SCHEMAS = ("#/components/schemas/", "#/definitions/")


def follow(document: Node, findings: Findings) -> Node:
    """The document with its references resolved; one that leads nowhere is a fault.

    Components that only references named are left out: parameters, responses and the like.
    """
    references = _References(document)
    result = {key: value for key, value in document.items() if key not in ("parameters", "responses", "components")}
    components = document.get("components")
    if isinstance(components, dict):
        result["components"] = {key: components[key] for key in ("schemas", "securitySchemes") if key in components}
    elif components is not None:
        result["components"] = components
    result = references.followed(result, "#", ())
    for reference, places in references.lost.items():
        findings.faults.append(
            f"the OpenAPI document has the reference '{reference}', which is not within it, at {', '.join(places)}"
        )
    for reference in references.endless:
        findings.faults.append(f"the OpenAPI document has the reference '{reference}', which leads to itself")
    return t.cast(Node, result)


class _References:
    def __init__(self, document: Node) -> None:
        self.document = document
        self.lost: dict[str, list[str]] = {}
        self.endless: dict[str, None] = {}

    def followed(self, node: t.Any, place: str, through: tuple[str, ...]) -> t.Any:
        """``through`` are the references that led here."""
        if isinstance(node, list):
            return [self.followed(each, f"{place}/{number}", through) for number, each in enumerate(node)]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._target(node, reference, place, through)
        return {
            key: value if is_free(key, place) else self.followed(value, f"{place}/{escaped(key)}", through)
            for key, value in node.items()
        }

    def _target(self, node: Node, reference: str, place: str, through: tuple[str, ...]) -> t.Any:
        target = self.named(reference)
        if target is None:
            self.lost.setdefault(reference, []).append(place)
            return {}
        if _is_named_schema(reference):
            return node
        if reference in through:
            self.endless[reference] = None
            return {}
        beside = {key: value for key, value in node.items() if key != "$ref"}
        whole = {**target, **beside} if isinstance(target, dict) else target
        return self.followed(whole, place, (*through, reference))

    def named(self, reference: str, through: tuple[str, ...] = ()) -> t.Any:
        """The target of a JSON pointer within the document, or None: https://www.rfc-editor.org/rfc/rfc6901"""
        if not reference.startswith("#/") or reference in through:
            return None
        found: t.Any = self.document
        for part in unquote(reference[2:]).split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key not in found and "$ref" in found:
                found = self.named(str(found["$ref"]), (*through, reference))
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict) and key in found:
                found = found[key]
            else:
                return None
        return found


def _is_named_schema(reference: str) -> bool:
    return any(reference.startswith(place) and "/" not in reference.removeprefix(place) for place in _SCHEMAS)
