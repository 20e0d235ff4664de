# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options ``tags`` and ``purge_tags``, which mean the same in every module, and the same as in amazon.aws. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags

from .steps import Step


@dataclass(frozen=True)
class Tags:
    """The tags that a resource shall have.

    ``given`` are the user's; None leaves all as they are. By ``ownership`` the module finds the resource again.
    ``purge`` says whether other tags are removed. Ownership tags and AWS's own (``aws:``) never are.
    """

    given: dict[str, str] | None = None
    purge: bool = True
    ownership: dict[str, str] = field(default_factory=dict)

    #: As modules take them.
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "tags": {"type": "dict", "aliases": ["resource_tags"]},
        "purge_tags": {"type": "bool", "default": True},
    }

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Tags:
        """Out of a module's options ``tags``, ``purge_tags`` and, where it has it, ``ownership_tags``."""
        return cls(_text(params["tags"]), params["purge_tags"], _text(params.get("ownership_tags")) or {})

    @property
    def at_creation(self) -> dict[str, str]:
        """The tags of a resource that is only being made."""
        return {**(self.given or {}), **self.ownership}

    def owns(self, current: t.Mapping[str, str]) -> bool:
        """Whether a resource that has ``current`` tags is ours."""
        return self.ownership.items() <= current.items()

    def after(self, current: t.Mapping[str, str]) -> dict[str, str]:
        """The tags of a resource that has ``current`` ones, once :meth:`steps` are done."""
        changed, removed = self._compare(current)
        return {key: value for key, value in {**current, **changed}.items() if key not in removed}

    def steps(self, subject: str, current: t.Mapping[str, str]) -> list[Step]:
        """The changes to ``subject``, whose tags are ``current``."""
        changed, removed = self._compare(current)
        steps = []
        if changed:
            steps.append(Step("TagResource", subject, {"tags": dict(sorted(changed.items()))}))
        if removed:
            steps.append(Step("UntagResource", subject, {"tagKeys": sorted(removed)}))
        return steps

    def _compare(self, current: t.Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """The tags to set, and the keys to remove."""
        purge = self.purge and self.given is not None
        changed, removed = compare_aws_tags(dict(current), self.at_creation, purge_tags=purge)
        return changed, removed


def _text(tags: t.Mapping[str, t.Any] | None) -> dict[str, str] | None:
    """Tags as AWS keeps them: all values are text."""
    return None if tags is None else {key: str(value) for key, value in tags.items()}
