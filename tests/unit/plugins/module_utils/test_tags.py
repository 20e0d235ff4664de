# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options tags and purge_tags, which work alike in every module."""

from __future__ import annotations

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Step
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags

OWN = {"seam.eks_auto/api": "petstore"}
CURRENT = {**OWN, "aws:stack": "s", "team": "infra", "cost": "1"}


@pytest.mark.parametrize(
    ("tags", "after"),
    [
        (Tags(None, True, OWN), CURRENT),
        (Tags({}, True, OWN), {**OWN, "aws:stack": "s"}),
        (Tags({"team": "k8s"}, True, OWN), {**OWN, "aws:stack": "s", "team": "k8s"}),
        (Tags({"team": "k8s"}, False, OWN), {**CURRENT, "team": "k8s"}),
        (Tags(None, True, {"new": "owner"}), {**CURRENT, "new": "owner"}),
    ],
    ids=["unset leaves all", "empty purges all", "purge", "no purge", "ownership is set even so"],
)
def test_the_tags_that_a_resource_has_afterwards(tags: Tags, after: dict[str, str]) -> None:
    assert tags.after(CURRENT) == after
    made = dict(CURRENT)
    for step in tags.steps("/restapis/abc", CURRENT):
        assert step.subject == "/restapis/abc"
        made.update(step.request.get("tags", {}))
        for key in step.request.get("tagKeys", []):
            del made[key]
    assert made == after and tags.steps("/restapis/abc", after) == []


def test_tags_are_set_before_others_are_removed() -> None:
    assert Tags({"b": "2"}).steps("arn", {"c": "3", "a": "1"}) == [
        Step("TagResource", "arn", {"tags": {"b": "2"}}),
        Step("UntagResource", "arn", {"tagKeys": ["a", "c"]}),
    ]


def test_values_are_text_and_ownership_wins() -> None:
    params = {"tags": {"cost": 12, **dict.fromkeys(OWN, "other")}, "purge_tags": False, "ownership_tags": OWN}
    tags = Tags.of(params)
    assert tags == Tags({"cost": "12", **dict.fromkeys(OWN, "other")}, False, OWN)
    assert tags.at_creation == {"cost": "12", **OWN}
    assert Tags.of({"tags": None, "purge_tags": True}) == Tags()
