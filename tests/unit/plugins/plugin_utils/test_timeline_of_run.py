# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeline of a run: the lines at the end, and the AWS calls that are heard."""

from __future__ import annotations

import socket

import boto3
import pytest
from ansible_collections.seam.eks_auto.plugins.plugin_utils._aws_calls import AwsCalls, parse
from ansible_collections.seam.eks_auto.plugins.plugin_utils._timeline import Phase, Run, summary, waited


def test_the_end_tells_phases_calls_and_waits() -> None:
    foundation = Phase("Foundation", 10.0)
    foundation.calls.update({("EKS", "DescribeCluster"): 9, ("EKS", "CreateCluster"): 1, ("IAM", "GetRole"): 2})
    foundation.waits += [{"subject": "EKS cluster petstore", "seconds": seconds} for seconds in (0.0, 612.4)]
    foundation.end(650.0)
    workload = Phase("Workload", 650.0)
    workload.end(652.5)
    workload.end(999.0)
    run = Run("site.yml", False, "2026-11-23T10:00:00.000+00:00", [foundation, workload])
    assert summary(run) == [
        "  640.0 s  Foundation  (AWS calls: eks 10, iam 2)",
        "             612.4 s  EKS cluster petstore",
        "    2.5 s  Workload",
    ]
    assert run.to_json()["seconds"] == 642.5
    assert run.to_json()["phases"][0]["calls"] == {
        "EKS": {"CreateCluster": 1, "DescribeCluster": 9},
        "IAM": {"GetRole": 2},
    }


def test_what_took_no_time_was_no_wait() -> None:
    assert waited([{"subject": "the link", "seconds": 0.0}]) == {}


@pytest.mark.parametrize(
    ("datagram", "call"),
    [
        (b'{"Type": "ApiCall", "Service": "EKS", "Api": "ListClusters"}', ("EKS", "ListClusters")),
        (b'{"Type": "ApiCallAttempt", "Service": "EKS", "Api": "ListClusters"}', None),
        (b'{"Type": "ApiCall"}', None),
        (b"[]", None),
        (b"\xff", None),
    ],
)
def test_only_reports_of_whole_calls_count(datagram: bytes, call: tuple[str, str] | None) -> None:
    assert parse(datagram) == call


def test_botocore_reports_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: dict[str, str] = {}
    calls = AwsCalls(environment)
    for name, value in {**environment, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        client = boto3.Session(region_name="us-west-2").client("eks", endpoint_url=endpoint)
        with pytest.raises(Exception, match="Could not connect"):
            client.list_clusters()
    assert list(calls.take()) == [("EKS", "ListClusters")]
    assert list(calls.take()) == []
    calls.close(environment)
    assert environment == {}
    assert list(calls.take()) == []


def test_monitoring_for_something_else_stays_as_it_is() -> None:
    environment = {"AWS_CSM_ENABLED": "true", "AWS_CSM_PORT": "31000"}
    calls = AwsCalls(environment)
    assert list(calls.take()) == []
    calls.close(environment)
    assert environment == {"AWS_CSM_ENABLED": "true", "AWS_CSM_PORT": "31000"}
