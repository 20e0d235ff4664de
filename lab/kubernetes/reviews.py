# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about users and permissions: TokenReview, SubjectAccessReview and the likes.

The embedded server answers its clients with them; for a kube-apiserver they are its webhooks.
"""

from __future__ import annotations

import asyncio
import datetime
from typing import Any, Protocol

from lab.kubernetes.auth import ANONYMOUS, AUTHENTICATED, Attributes, Authenticate, Authorize, Decision, User

KINDS = (
    "TokenReview",
    "SelfSubjectReview",
    "SelfSubjectAccessReview",
    "SubjectAccessReview",
    "LocalSubjectAccessReview",
)
_ATTRIBUTES = ("verb", "group", "resource", "subresource", "namespace", "name")


class Authority(Protocol):
    """Who can answer them."""

    async def user_of(self, token: str) -> User | None: ...

    def decide(self, user: User, wanted: Attributes) -> Decision: ...


class Webhook:
    """An authority made of the lab's two functions alone."""

    def __init__(self, authenticate: Authenticate, authorize: Authorize) -> None:
        self._authenticate = authenticate
        self._authorize = authorize

    async def user_of(self, token: str) -> User | None:
        return await asyncio.to_thread(self._authenticate, token)

    def decide(self, user: User, wanted: Attributes) -> Decision:
        return self._authorize(user, wanted)


async def answer(review: dict[str, Any], asker: User, authority: Authority) -> dict[str, Any]:
    """The review that was sent, with its status."""
    spec = review.get("spec") or {}
    match review["kind"]:
        case "TokenReview":
            status = await _token(spec, authority)
        case "SelfSubjectReview":
            status = {"userInfo": _user_info(asker)}
        case "SelfSubjectAccessReview":
            status = _access(asker, spec, authority)
        case _:
            status = _access(_subject(spec), spec, authority)
    created = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**review, "metadata": {"creationTimestamp": created, **review.get("metadata", {})}, "status": status}


async def _token(spec: dict[str, Any], authority: Authority) -> dict[str, Any]:
    user = await authority.user_of(spec.get("token", ""))
    if user is None:
        return {"authenticated": False, "user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": _user_info(user)}


def _access(user: User, spec: dict[str, Any], authority: Authority) -> dict[str, Any]:
    decision = authority.decide(user, _attributes(spec))
    return {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}


def _user_info(user: User) -> dict[str, Any]:
    groups = user.groups if {AUTHENTICATED, *ANONYMOUS.groups} & set(user.groups) else (*user.groups, AUTHENTICATED)
    info: dict[str, Any] = {"username": user.name, "groups": list(groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {name: list(values) for name, values in user.extra.items()}
    return info


def _subject(spec: dict[str, Any]) -> User:
    extra = {name: tuple(values) for name, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()), extra)


def _attributes(spec: dict[str, Any]) -> Attributes:
    if paths := spec.get("nonResourceAttributes"):
        return Attributes(paths.get("verb", ""), path=paths.get("path", ""))
    wanted = spec.get("resourceAttributes") or {}
    return Attributes(**{name: wanted.get(name, "") for name in _ATTRIBUTES})
