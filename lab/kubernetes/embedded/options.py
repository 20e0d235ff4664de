# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client's options for a write or a deletion: CreateOptions, UpdateOptions, PatchOptions and DeleteOptions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from lab.kubernetes.embedded import bodies, decode, errors
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import Type

APPLY = "application/apply-patch+yaml"
_KINDS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_POLICIES = ("Foreground", "Background", "Orphan")
#: The words that Go's strconv.ParseBool reads.
_BOOLEANS = {**dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True)}
_BOOLEANS.update(dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False))
_LONGEST_MANAGER = 128


@dataclasses.dataclass(frozen=True)
class WriteOptions:
    """Options of a creation or a change. ``validation`` is Strict, Warn or Ignore; warnings are added to ``warnings``."""

    manager: str = "unknown"
    dry_run: bool = False
    validation: str = "Warn"
    force: bool = False
    warnings: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class DeleteOptions:
    """Options of a deletion. ``policy`` is Foreground, Background, Orphan, or empty to go by the object itself.

    ``grace_period`` is in seconds, None for the object's own. ``uid`` and ``resource_version`` are preconditions.
    """

    dry_run: bool = False
    policy: str = ""
    grace_period: int | None = None
    uid: str | None = None
    resource_version: str | None = None


def flag(request: web.Request, name: str) -> bool:
    """A parameter that is true or false. One that can't be read counts as true, as in the real server."""
    return name in request.query and _BOOLEANS.get(request.query[name], True)


def integer(request: web.Request, name: str) -> int | None:
    """A parameter that is a number; None without it. Raises 400."""
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def for_writing(request: web.Request, verb: str) -> WriteOptions:
    """Raises 422 for options that aren't known. Whoever reads (as a subresource) has none."""
    if verb not in _KINDS:
        return WriteOptions()
    query = request.query
    dry_run, validation = query.getall("dryRun", []), query.get("fieldValidation", "")
    manager = query.get("fieldManager", "")
    causes = [*_dry_run(dry_run), *_manager(manager)]
    if validation not in _VALIDATIONS:
        causes.append(errors.unsupported("fieldValidation", validation, _VALIDATIONS))
    if verb == "patch":
        causes += _patch(request, manager)
    if causes:
        raise errors.invalid_options(_KINDS[verb], causes)
    agent = request.headers.get("User-Agent", "unknown").partition("/")[0]
    return WriteOptions(manager or agent, bool(dry_run), validation or "Warn", flag(request, "force"))


def _patch(request: web.Request, manager: str) -> Iterator[Cause]:
    if request.content_type == APPLY:
        if not manager:
            yield errors.required("fieldManager", "is required for apply patch")
    elif "force" in request.query:
        yield errors.forbidden_value("force", "may not be specified for non-apply patch")


def _manager(manager: str) -> Iterator[Cause]:
    if len(manager.encode()) > _LONGEST_MANAGER:
        yield errors.too_long("fieldManager", _LONGEST_MANAGER)
    for position, character in enumerate(manager):
        if not character.isprintable():
            code = f"U+{ord(character):04X}"
            yield errors.invalid_value("fieldManager", manager, f"invalid character {code} (at position {position})")
            return


def _dry_run(values: list[str]) -> Iterator[Cause]:
    if set(values) - {"All"}:
        yield errors.unsupported("dryRun", values, ["All"])


async def for_deleting(request: web.Request, kind: Type) -> DeleteOptions:
    """Out of the body, which is a DeleteOptions (``kind``) or empty, or else out of the query. Raises 400 or 422."""
    if await request.read():
        return from_object(decode.plain(kind, await bodies.read(request)))
    given: Object = {"dryRun": request.query.getall("dryRun", [])}
    if policy := request.query.get("propagationPolicy"):
        given["propagationPolicy"] = policy
    if (seconds := integer(request, "gracePeriodSeconds")) is not None:
        given["gracePeriodSeconds"] = seconds
    if "orphanDependents" in request.query:
        given["orphanDependents"] = flag(request, "orphanDependents")
    return from_object(given)


def from_object(given: Object) -> DeleteOptions:
    """Raises 422."""
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    causes = list(_dry_run(given.get("dryRun", [])))
    if policy is not None and orphan is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        causes.append(errors.invalid_value("propagationPolicy", policy, detail))
    if policy is not None and policy not in _POLICIES:
        causes.append(errors.unsupported("propagationPolicy", policy, (*_POLICIES, "nil")))
    if causes:
        raise errors.invalid_options("DeleteOptions", causes)
    if orphan is not None:
        policy = "Orphan" if orphan else "Background"
    seconds: int | None = given.get("gracePeriodSeconds")
    preconditions: dict[str, Any] = given.get("preconditions", {})
    return DeleteOptions(
        bool(given.get("dryRun")),
        policy or "",
        # A negative number counts as one second.
        1 if seconds is not None and seconds < 0 else seconds,
        preconditions.get("uid"),
        preconditions.get("resourceVersion"),
    )
