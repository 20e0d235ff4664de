# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests in another user's name ("kubectl --as"): the headers, and the permissions that their sender needs.

https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Iterator

from multidict import CIMultiDictProxy

from lab.kubernetes import auth
from lab.kubernetes.auth import Attributes, User
from lab.kubernetes.embedded import errors

_USER, _GROUP, _UID = "Impersonate-User", "Impersonate-Group", "Impersonate-Uid"
_EXTRA = "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who sends a request, and as whom they act (None: as themselves)."""

    sender: User
    impersonated: User | None = None

    @property
    def user(self) -> User:
        """The user whom the rules apply to, and whom the request counts for."""
        return self.impersonated or self.sender


def wanted(headers: CIMultiDictProxy[str]) -> User | None:
    """The user to act as; None when nobody else is named. Raises 400 for headers that name no user."""
    name, uid = headers.get(_USER, ""), headers.get(_UID, "")
    groups = tuple(headers.getall(_GROUP, ()))
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA):
            key = urllib.parse.unquote(header.lower().removeprefix(_EXTRA))
            extra[key] = (*extra.get(key, ()), value)
    if name:
        return User(name, uid, groups or _groups_of(name), extra)
    if groups or uid or extra:
        raise errors.bad_request("requested impersonation without impersonating a user")
    return None


def permissions(user: User, headers: CIMultiDictProxy[str]) -> Iterator[Attributes]:
    """The permissions needed to act as this user, in the order of the checks."""
    if account := _service_account(user.name):
        yield Attributes("impersonate", resource="serviceaccounts", namespace=account[0], name=account[1])
    else:
        yield Attributes("impersonate", resource="users", name=user.name)
    for group in headers.getall(_GROUP, ()):
        yield Attributes("impersonate", resource="groups", name=group)
    for key, values in user.extra.items():
        for value in values:
            yield Attributes("impersonate", _AUTHENTICATION, "userextras", key, name=value)
    if user.uid:
        yield Attributes("impersonate", _AUTHENTICATION, "uids", name=user.uid)


def _service_account(name: str) -> tuple[str, str] | None:
    namespace, _, account = name.removeprefix(_SERVICE_ACCOUNT).partition(":")
    return (namespace, account) if name.startswith(_SERVICE_ACCOUNT) and namespace and account else None


def _groups_of(name: str) -> tuple[str, ...]:
    """With no groups named, a service account has its own, and so does the anonymous user."""
    if account := _service_account(name):
        return "system:serviceaccounts", f"system:serviceaccounts:{account[0]}"
    return auth.ANONYMOUS.groups if name == auth.ANONYMOUS.name else ()
