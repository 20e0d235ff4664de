# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's answers as modules return them."""

from __future__ import annotations

import datetime

from ansible_collections.seam.eks_auto.plugins.module_utils._core.results import to_result


def test_keys_are_snake_case_but_for_the_users_own() -> None:
    stage = {
        "stageName": "prod",
        "variables": {"vpcLinkId": "l"},
        "canarySettings": {"percentTraffic": 10.0, "stageVariableOverrides": {"vpcLinkId": "m"}},
        "tags": {"myTag": "x"},
        "apiStages": [{"apiId": "a"}],
        "createdDate": datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC),
    }
    assert to_result(stage) == {
        "stage_name": "prod",
        "variables": {"vpcLinkId": "l"},
        "canary_settings": {"percent_traffic": 10.0, "stage_variable_overrides": {"vpcLinkId": "m"}},
        "tags": {"myTag": "x"},
        "api_stages": [{"api_id": "a"}],
        "created_date": "2026-07-01T00:00:00+00:00",
    }


def test_an_answer_hides_secrets_and_what_is_no_part_of_the_resource() -> None:
    assert to_result({"id": "k", "value": "secret", "ResponseMetadata": {}, "warnings": []}) == {"id": "k"}
    assert to_result(None) == {}
