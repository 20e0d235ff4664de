# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals, as the Status objects that Kubernetes' API answers with."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from lab.kubernetes.auth import Attributes
from lab.kubernetes.embedded.resources import Resource


class StatusError(Exception):
    """A request that is refused: the HTTP code, and the machine's and the reader's reason."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def status(self) -> dict[str, Any]:
        """The body of the answer."""
        optional = {"reason": self.reason, "details": {key: value for key, value in self.details.items() if value}}
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **{name: value for name, value in optional.items() if value},
            "code": self.code,
        }


REQUIRED = "FieldValueRequired"


@dataclasses.dataclass(frozen=True)
class Cause:
    """One error of a field. ``detail`` follows the field in messages."""

    reason: str
    field: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.detail, "field": self.field}


def required(field: str, detail: str = "") -> Cause:
    return Cause(REQUIRED, field, f"Required value: {detail}" if detail else "Required value")


def invalid_value(field: str, value: Any, detail: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {_quote(value)}: {detail}")


def duplicate(field: str, value: Any) -> Cause:
    return Cause("FieldValueDuplicate", field, f"Duplicate value: {_quote(value)}")


def forbidden_value(field: str, detail: str) -> Cause:
    return Cause("FieldValueForbidden", field, f"Forbidden: {detail}")


def too_long(field: str, most: int) -> Cause:
    return Cause("FieldValueTooLong", field, f"Too long: may not be more than {most} bytes")


def not_found_value(field: str, value: Any) -> Cause:
    return Cause("FieldValueNotFound", field, f"Not found: {_quote(value)}")


def unsupported(field: str, value: Any, supported: Sequence[str]) -> Cause:
    values = ", ".join(_quote(each) for each in supported)
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {_quote(value)}: supported values: {values}")


def _quote(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return json.dumps(value, separators=(",", ":")) if isinstance(value, (dict, list)) else str(value)


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> StatusError:
    """422: the object is understood but not allowed."""
    return _invalid(resource.group, resource.kind, name, causes)


def _invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> StatusError:
    texts = [f"{cause.field}: {cause.detail}" for cause in causes]
    what = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {"name": name, "group": group, "kind": kind, "causes": [cause.as_dict() for cause in causes]}
    qualified = f"{kind}.{group}" if group else kind
    return StatusError(422, "Invalid", f'{qualified} "{name}" is invalid: {what}', details)


def invalid_options(kind: str, causes: Sequence[Cause]) -> StatusError:
    """422: the request's own parameters, as ``kind`` of meta.k8s.io."""
    return _invalid("meta.k8s.io", kind, "", causes)


def invalid_patch(shown: str, why: str) -> StatusError:
    """422: a patch's result can't be decoded. ``shown`` is the patched object, or the patch itself."""
    return _invalid("", "", "", [invalid_value("patch", shown, why)])


def _about(resource: Resource, name: str) -> dict[str, str]:
    return {"name": name, "group": resource.group, "kind": resource.plural}


def not_found(resource: Resource, name: str) -> StatusError:
    return StatusError(404, "NotFound", f'{resource.qualified} "{name}" not found', _about(resource, name))


def no_such_path() -> StatusError:
    return StatusError(404, "NotFound", "the server could not find the requested resource")


def already_exists(resource: Resource, name: str) -> StatusError:
    message = f'{resource.qualified} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _about(resource, name))


def conflict(resource: Resource, name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return StatusError(409, "Conflict", message, _about(resource, name))


def modified(resource: Resource, name: str) -> StatusError:
    return conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def forbidden(resource: Resource, name: str, why: str) -> StatusError:
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", _about(resource, name))


def forbidden_attributes(wanted: Attributes, why: str) -> StatusError:
    """403 of the authorizer."""
    qualified = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    subject = f'{qualified} "{wanted.name}"' if wanted.name else qualified
    details = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def method_not_allowed() -> StatusError:
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def too_many_requests() -> StatusError:
    """429, as API Priority and Fairness says it; the answer's header says when to come back."""
    message = "Too many requests, please try again later."
    return StatusError(429, "TooManyRequests", message, {"retryAfterSeconds": 1})


def too_large_resource_version(asked: int, newest: int) -> StatusError:
    """504: the requested resource version doesn't exist yet."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {newest}"
    return StatusError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def expired(asked: int, oldest: int) -> StatusError:
    """410: the history doesn't reach back to the requested resource version."""
    return StatusError(410, "Expired", f"too old resource version: {asked} ({oldest})")
