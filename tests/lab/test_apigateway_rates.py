# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway's control plane keeps to its rates where a lab is told to."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from apigateway_endpoint import client_of, client_v2_of, settings
from botocore.exceptions import ClientError

from lab.aws.apigateway import ApiGateway, rates

REGIONAL = {"types": ["REGIONAL"]}


class Clock:
    """The rates' time, which only a test moves."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    return clock


@pytest.fixture(name="service")
def _service(tmp_path: Path, clock: Clock) -> ApiGateway:
    return ApiGateway(dataclasses.replace(settings(tmp_path), rates=True))


def refused(call: Any, **arguments: Any) -> bool:
    """Whether AWS says that it is one too many; other refusals count as taken."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] == "TooManyRequestsException"
    return False


def test_an_operation_has_a_rate_of_its_own(service: ApiGateway, clock: Clock) -> None:
    aws = client_of(service)
    for kind, seconds in ((REGIONAL, 3), ({"types": ["EDGE"]}, 30)):
        assert not refused(aws.create_rest_api, name="a", endpointConfiguration=kind)
        clock.now += seconds - 0.1
        assert refused(aws.create_rest_api, name="b", endpointConfiguration=kind)
        clock.now += 0.2
        assert not refused(aws.create_rest_api, name="c", endpointConfiguration=kind)


def test_links_v2_are_slower(service: ApiGateway, clock: Clock) -> None:
    aws = client_v2_of(service)
    assert not refused(aws.delete_vpc_link, VpcLinkId="none")
    clock.now += 29
    assert refused(aws.delete_vpc_link, VpcLinkId="none")
    clock.now += 2
    assert not refused(aws.delete_vpc_link, VpcLinkId="none")


def test_all_calls_together_have_a_rate(service: ApiGateway, clock: Clock) -> None:
    aws = client_of(service)
    assert [refused(aws.get_rest_apis) for _ in range(41)] == [False] * 40 + [True]
    clock.now += 1
    assert [refused(aws.get_rest_apis) for _ in range(11)] == [False] * 10 + [True]


def test_a_lab_has_no_rates_by_default(tmp_path: Path, clock: Clock) -> None:
    aws = client_of(ApiGateway(settings(tmp_path)))
    assert not any(refused(aws.create_rest_api, name="a") for _ in range(3))
