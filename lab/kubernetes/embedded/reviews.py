# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about users and permissions: TokenReview, SubjectAccessReview and the likes."""

from __future__ import annotations

from typing import Any, Protocol

from lab.kubernetes.auth import AUTHENTICATED, Attributes, Decision, User
from lab.kubernetes.embedded.registry import now
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.target import Target


class Authority(Protocol):
    """Who can answer them."""

    async def user_of(self, token: str) -> User | None: ...

    def decide(self, user: User, wanted: Attributes) -> Decision: ...


async def answer(target: Target, review: Object, asker: User, authority: Authority) -> Object:
    """The review that was sent, with its status."""
    kind, spec = target.resource.kind, review.get("spec") or {}
    if kind == "TokenReview":
        status = await _token(spec, authority)
    elif kind == "SelfSubjectReview":
        status = {"userInfo": _user_info(asker)}
    else:
        user = asker if kind == "SelfSubjectAccessReview" else _subject(spec)
        decision = authority.decide(user, _attributes(spec))
        status = {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}
    metadata = {"creationTimestamp": now(), **review.get("metadata", {})}
    made = {"kind": kind, "apiVersion": target.resource.api_version, "metadata": metadata, "status": status}
    return {**made, "spec": spec} if spec else made


async def _token(spec: Object, authority: Authority) -> Object:
    user = await authority.user_of(spec.get("token", ""))
    if user is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": _user_info(user)}


def _user_info(user: User) -> Object:
    groups = [
        *user.groups,
        *(() if AUTHENTICATED in user.groups or "unauthenticated" in str(user.groups) else (AUTHENTICATED,)),
    ]
    info: dict[str, Any] = {"username": user.name, "groups": groups}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = {name: list(values) for name, values in user.extra.items()}
    return info


def _subject(spec: Object) -> User:
    return User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()))


def _attributes(spec: Object) -> Attributes:
    if paths := spec.get("nonResourceAttributes"):
        return Attributes(paths.get("verb", ""), path=paths.get("path", ""))
    wanted = spec.get("resourceAttributes") or {}
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(**{name: wanted.get(name, "") for name in names})
