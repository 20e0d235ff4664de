# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module finds what it made, where names aren't unique and creating has no idempotency token: by ownership tags."""

from __future__ import annotations

import typing as t

from .errors import SeveralError

#: A resource as AWS shows it, with ``id`` and ``tags``.
Item = dict[str, t.Any]


def owned(items: t.Iterable[Item], ownership_tags: t.Mapping[str, str]) -> list[Item]:
    """The items that carry all of the ownership tags."""
    return [item for item in items if ownership_tags.items() <= item.get("tags", {}).items()]


def only(kind: str, items: list[Item]) -> Item | None:
    """The one item, or None. Two of one owner must be sorted out by hand: raises :class:`.errors.SeveralError`."""
    if len(items) > 1:
        ids = ", ".join(sorted(item["id"] for item in items))
        raise SeveralError(
            message=f"There are {len(items)} {kind}s with the same ownership tags: {ids}. Remove all but one."
        )
    return items[0] if items else None


def make_room(kind: str, found: t.Iterable[Item], made: str, delete: t.Callable[[], object]) -> None:
    """Take back what was made, if another run has made the same meanwhile.

    If two runs look, find nothing and create, at least one sees both afterwards. ``found`` are all that carry the
    ownership tags now, ``made`` is the ID of one's own. If there are others, raises :class:`.errors.SeveralError`, and the
    run begins again.
    """
    others = ", ".join(sorted(each["id"] for each in found if each["id"] != made))
    if others:
        delete()
        raise SeveralError(
            message=f"Another run made {kind} {others} at the same time. Run this again when the other has ended."
        )
