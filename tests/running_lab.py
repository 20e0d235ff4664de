# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab that a test starts as a user does, and helpers for frequent questions and resources."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from lab.folder import aws_environment
from lab.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
ACCOUNT = "123456789012"
K8S_ROLE = f"arn:aws:iam::{ACCOUNT}:role/seam-k8s"
#: Seconds to wait for anything that must come: never reached when all is well.
LIMIT = 60
_ONCE = Config(retries={"total_max_attempts": 1})


def lab(command: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m lab``."""
    return subprocess.run(
        [sys.executable, "-m", "lab", command, "--folder", str(folder), *arguments],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@dataclasses.dataclass
class RunningLab:
    """A running lab, by its folder."""

    folder: Path

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder: Path, *arguments: str) -> Iterator[Self]:
        """A lab in which nothing takes longer than it must, unless an argument says so."""
        started = lab("up", folder, "--pace", "0", *arguments)
        assert started.returncode == 0, started.stdout
        try:
            yield cls(folder)
        finally:
            ended = lab("down", folder)
        assert ended.returncode == 0, ended.stdout

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / "lab.json").read_text())
        return facts

    def client(self, service: str, identity: str = "admin", **changes: Any) -> Any:
        """A boto3 client of one of the lab's identities (admin, infra or k8s), which tries each call once."""
        facts = self.facts
        credentials = facts["credentials"][identity]
        options = {
            "region_name": facts["region"],
            "endpoint_url": facts["aws_endpoint_url"],
            "aws_access_key_id": credentials["access_key"],
            "aws_secret_access_key": credentials["secret_key"],
            "aws_session_token": credentials["session_token"],
            "config": _ONCE,
        }
        return boto3.client(service, **{**options, **changes})

    def environment(self, identity: str) -> dict[str, str]:
        """What AWS's tools read to work in the lab as one of its identities."""
        return aws_environment(Settings.from_json(self.facts), self.facts["credentials"][identity])

    def run(self, *command: str, identity: str = "infra") -> subprocess.CompletedProcess[str]:
        """Run a command as a user does who sourced the lab's ``env``, and maybe became another of its identities."""
        another = [f"{key}={value}" for key, value in self.environment(identity).items()]
        return subprocess.run(
            ["bash", "-c", '. "$0" && exec env "$@"', str(self.folder / "env"), *another, *command],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[dict[str, Any]]:
        """All calls to AWS so far, as the lab lists them."""
        return [json.loads(line) for line in (self.folder / "calls.jsonl").read_text().splitlines()]

    def role(self, name: str, service: str) -> str:
        """Make a role that a service may assume; returns its ARN."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                }
            ],
        }
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        return str(role["Arn"])

    def subnets(self) -> list[str]:
        """One subnet of the default VPC in each zone, by zone."""
        subnets = self.client("ec2").describe_subnets()["Subnets"]
        return [subnet["SubnetId"] for subnet in sorted(subnets, key=lambda subnet: subnet["AvailabilityZone"])]

    def auto_mode_request(self, name: str, **changes: Any) -> dict[str, Any]:
        """A complete request for a cluster with Auto Mode, roles included."""
        return {
            "name": name,
            "version": "1.36",
            "roleArn": self.role(f"{name}-cluster", "eks.amazonaws.com"),
            "resourcesVpcConfig": {"subnetIds": self.subnets()[:2], "endpointPrivateAccess": True},
            "computeConfig": {
                "enabled": True,
                "nodeRoleArn": self.role(f"{name}-node", "ec2.amazonaws.com"),
                "nodePools": ["general-purpose", "system"],
            },
            "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": True}},
            "storageConfig": {"blockStorage": {"enabled": True}},
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
            "bootstrapSelfManagedAddons": False,
            **changes,
        }

    def create_cluster(self, name: str, **changes: Any) -> dict[str, Any]:
        """Make a cluster and wait until it is ACTIVE."""
        eks = self.client("eks")
        eks.create_cluster(**self.auto_mode_request(name, **changes))
        return eventually(lambda: eks.describe_cluster(name=name)["cluster"], lambda it: it["status"] == "ACTIVE")

    def finish_update(self, cluster: str, update: dict[str, Any]) -> dict[str, Any]:
        """Wait until an update has ended."""
        eks = self.client("eks")
        return eventually(
            lambda: eks.describe_update(name=cluster, updateId=update["id"])["update"],
            lambda it: it["status"] != "InProgress",
        )


def eventually(look: Callable[[], Any], enough: Callable[[Any], bool] = bool) -> Any:
    """The observation once it is enough; fails with the last one."""
    deadline = time.monotonic() + LIMIT
    while not enough(seen := look()):
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.02)
    return seen
