# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How soon eks_auto_nlb_info notices the moment at which the last target turns healthy."""

from __future__ import annotations

import json
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running_lab import eventually

from .conftest import Lab

CONTRACT = {"cluster": "petstore", "namespace": "petstore", "service": "vpclink"}
ROUNDS = 20
TARGET = ("172.31.0.99", 8080)


@contextmanager
def listening(address: tuple[str, int]) -> Iterator[None]:
    """A target that passes a TCP health check."""
    with socket.create_server(address, reuse_port=False, backlog=64):
        yield


@pytest.fixture
def group(lab: Lab) -> str:
    """ARN of the target group of a load balancer that carries Auto Mode's tags, with one registered target."""
    elbv2 = lab.client("elbv2")
    subnet = lab.client("ec2").describe_subnets()["Subnets"][0]
    tags = {
        "eks:eks-cluster-name": "petstore",
        "service.eks.amazonaws.com/stack": "petstore/vpclink",
        "service.eks.amazonaws.com/resource": "LoadBalancer",
    }
    (balancer,) = elbv2.create_load_balancer(
        Name="latency",
        Subnets=[subnet["SubnetId"]],
        Type="network",
        Scheme="internal",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )["LoadBalancers"]
    (made,) = elbv2.create_target_group(
        Name="latency", Protocol="TCP", Port=80, VpcId=subnet["VpcId"], TargetType="ip", HealthyThresholdCount=3
    )["TargetGroups"]
    arn: str = made["TargetGroupArn"]
    elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="TCP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )
    elbv2.register_targets(TargetGroupArn=arn, Targets=[{"Id": TARGET[0], "Port": TARGET[1]}])
    return arn


def is_unhealthy(lab: Lab, group: str) -> bool:
    (found,) = lab.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return bool(found["TargetHealth"]["State"] == "unhealthy")


def turned_healthy(lab: Lab) -> float:
    """When the lab's data plane last turned the target healthy."""
    entries = [json.loads(line) for line in (lab.folder / "health.jsonl").read_text().splitlines()]
    times: list[float] = [entry["time"] for entry in entries if entry["state"] == "healthy"]
    return times[-1]


def delay(lab: Lab, group: str, progress: Path) -> float:
    """Seconds from the target turning healthy to the end of the module's process."""
    eventually(lambda: is_unhealthy(lab, group))
    arguments = {"contracts": [CONTRACT], "observe": ["aws"], "wait_for": "healthy", "wait_timeout": 60}
    process = lab.start_module("eks_auto_nlb_info", arguments, "infra", progress)
    while not progress.exists():
        assert process.poll() is None, process.stdout and process.stdout.read()
        time.sleep(0.05)
    address = f"127.{lab.facts['loopback_octet']}.0.99"
    with listening((address, TARGET[1])):
        assert process.wait(timeout=60) == 0, process.stdout and process.stdout.read()
        ended = time.time()
    return ended - turned_healthy(lab)


def test_the_wait_ends_within_a_second_of_the_last_target_turning_healthy(lab: Lab, group: str, tmp_path: Path) -> None:
    delays = [delay(lab, group, tmp_path / str(number)) for number in range(ROUNDS)]
    print(f"figures: median of {ROUNDS}: {statistics.median(delays):.2f} s, longest {max(delays):.2f} s")
    assert statistics.median(delays) < 1.0, delays
