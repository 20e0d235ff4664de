# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The caller of a cluster's API, and the request: the terms in which an API server asks for authentication and
authorization.

They are Kubernetes' own: a user as in TokenReview, attributes as in SubjectAccessReview.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

#: Members may do everything (Kubernetes' own rule, without asking the authorizer).
MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"


@dataclasses.dataclass(frozen=True)
class User:
    """An authenticated caller."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))


@dataclasses.dataclass(frozen=True)
class Attributes:
    """A request to be authorized: a ``verb`` on a resource, or on a ``path`` that is no resource (then ``resource`` is
    empty).

    An empty ``namespace`` means all namespaces or a kind without one; an empty ``name`` all objects.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@dataclasses.dataclass(frozen=True)
class Decision:
    """Whether it is allowed; the caller sees the reason in the refusal."""

    allowed: bool
    reason: str = ""


#: The user that a bearer token stands for, or None. May block: it is called in a thread.
Authenticate = Callable[[str], User | None]
#: Pure and quick: called on the event loop.
Authorize = Callable[[User, Attributes], Decision]
