# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""metadata.managedFields, and server-side apply, which is decided by them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from lab.kubernetes.embedded import errors, fieldsets
from lab.kubernetes.embedded.errors import StatusError
from lab.kubernetes.embedded.fieldsets import Path
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import Type

#: Every object has these, if empty, and nobody owns them.
_ALWAYS_THERE: set[Path] = {
    ("f:metadata",),
    ("f:spec",),
    ("f:spec", "f:containers"),
    ("f:spec", "f:strategy"),
    ("f:spec", "f:template"),
    ("f:spec", "f:template", "f:metadata"),
    ("f:spec", "f:template", "f:spec"),
    ("f:spec", "f:template", "f:spec", "f:containers"),
    ("f:status",),
}


@dataclasses.dataclass(frozen=True)
class Manager:
    """Who owns fields, and by which operation."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def describe(self) -> str:
        """As conflicts name it."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        if self.operation == "Update":
            text += f" using {self.api_version}"
        return text


def is_reset(item: Any) -> bool:
    """Whether a client that sends this object wants nobody to own anything.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#clearing-managedfields
    """
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return isinstance(metadata, dict) and metadata.get("managedFields") in ([], [{}])


class Managers:
    """The managers of one object, each with its fields and the time of its last change."""

    def __init__(self, entries: list[Object]) -> None:
        self._fields: dict[Manager, set[Path]] = {}
        self._times: dict[Manager, str] = {}
        for entry in entries:
            manager = Manager(
                entry.get("manager", ""), entry["operation"], entry["apiVersion"], entry.get("subresource", "")
            )
            self._fields[manager] = fieldsets.decode(entry.get("fieldsV1") or {})
            self._times[manager] = entry.get("time", "")

    def __bool__(self) -> bool:
        return bool(self._fields)

    def of(self, manager: Manager) -> set[Path]:
        return self._fields.get(manager, set())

    def others(self, manager: Manager) -> dict[Manager, set[Path]]:
        return {each: fields for each, fields in self._fields.items() if each != manager}

    def set(self, manager: Manager, fields: set[Path], time: str) -> None:
        if fields != self.of(manager):
            self._fields[manager] = fields
            self._times[manager] = time

    def drop(self, paths: Iterable[Path], besides: Manager) -> None:
        """Take these paths from every manager except ``besides``."""
        gone = set(paths)
        for manager, fields in self.others(besides).items():
            self._fields[manager] = fields - gone

    def entries(self) -> list[Object]:
        """As metadata.managedFields has them: applied ones first, then by time."""
        order = sorted(
            self._fields, key=lambda each: (each.operation != "Apply", self._times[each], each.name, each.subresource)
        )
        return [
            {
                "manager": manager.name,
                "operation": manager.operation,
                "apiVersion": manager.api_version,
                "time": self._times[manager],
                "fieldsType": "FieldsV1",
                "fieldsV1": fieldsets.encode(self._fields[manager]),
                **({"subresource": manager.subresource} if manager.subresource else {}),
            }
            for manager in order
            if self._fields[manager]
        ]


def record(
    kind: Type, before: Object | None, after: Object, manager: Manager, time: str, applied: Object | None = None
) -> None:
    """Note in ``after`` the fields that the manager owns now: the applied ones or, without apply, the changed ones.

    Others lose the fields it changed.
    """
    old = _flatten(kind, before, manager) if before else {}
    new = _flatten(kind, after, manager)
    changed = _changed(old, new)
    managers = _managers_before(before, after, manager)
    after["metadata"].pop("managedFields", None)
    if before is not None and applied is None and not managers:
        # Managers are noted only from the first apply on.
        return
    managers.drop(changed | (old.keys() - new.keys()), besides=manager)
    if applied is None:
        there = fieldsets.closure(new)
        made = there - fieldsets.closure(old) - _ALWAYS_THERE
        managers.set(manager, (managers.of(manager) & there) | changed | made, time)
    else:
        if before is not None and not before["metadata"].get("managedFields"):
            nobody = Manager("before-first-apply", "Update", manager.api_version)
            managers.set(nobody, old.keys() | (fieldsets.closure(old) - _ALWAYS_THERE), time)
        managers.set(manager, set(_flatten(kind, applied, manager)), time)
    if entries := managers.entries():
        after["metadata"]["managedFields"] = entries


def _managers_before(before: Object | None, after: Object, manager: Manager) -> Managers:
    """A client may rewrite the list itself, though not through a subresource.

    kubectl does when it goes over to server-side apply. An unreadable list counts as not sent.
    """
    known = (before or {}).get("metadata", {}).get("managedFields", [])
    sent = after["metadata"].get("managedFields")
    if sent is None or manager.subresource:
        return Managers(known)
    if all({"operation", "apiVersion", "fieldsType"} <= entry.keys() for entry in sent):
        return Managers(sent)
    return Managers(known)


def _flatten(kind: Type, item: Object, manager: Manager) -> dict[Path, Any]:
    """The paths that an operation can own: the status belongs to its subresource alone."""
    paths = fieldsets.flatten(kind, item)
    if manager.subresource == "status":
        return paths
    return {path: value for path, value in paths.items() if path[0] != "f:status"}


def _changed(old: dict[Path, Any], new: dict[Path, Any]) -> set[Path]:
    return {path for path, value in new.items() if path not in old or old[path] != value}


def apply(kind: Type, live: Object | None, applied: Object, manager: Manager, force: bool) -> Object:
    """The live object as the manager wants it: its fields set, and those it no longer applies removed if nobody else's.

    Raises 409 when it would change another manager's fields, unless forced.
    """
    if live is None:
        return applied
    managers = Managers(live["metadata"].get("managedFields", []))
    merged: Object = fieldsets.merge(kind, live, applied)
    if not force:
        _refuse_conflicts(kind, live, merged, managers, manager)
    own = set(_flatten(kind, applied, manager))
    kept = fieldsets.closure(own.union(*managers.others(manager).values()))
    for path in sorted(fieldsets.closure(managers.of(manager)) - kept, key=len):
        merged = fieldsets.remove(kind, merged, path)
    return merged


def _refuse_conflicts(kind: Type, live: Object, merged: Object, managers: Managers, manager: Manager) -> None:
    changed = _changed(_flatten(kind, live, manager), _flatten(kind, merged, manager))
    conflicts = [
        (other, path) for other, fields in managers.others(manager).items() for path in sorted(fields & changed)
    ]
    if conflicts:
        raise _conflict_error(conflicts)


def _conflict_error(conflicts: list[tuple[Manager, Path]]) -> StatusError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {manager.describe()}",
            "field": fieldsets.display(path),
        }
        for manager, path in conflicts
    ]
    if len(conflicts) == 1:
        text = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        by_manager: dict[str, list[str]] = {}
        for manager, path in conflicts:
            by_manager.setdefault(manager.describe(), []).append(f"- {fieldsets.display(path)}")
        parts = [f"conflicts with {who}:\n" + "\n".join(paths) for who, paths in sorted(by_manager.items())]
        text = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(parts)
    return errors.StatusError(409, "Conflict", text, {"causes": causes})
