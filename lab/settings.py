# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab's settings: its folder, ports, addresses, and how long AWS's slow steps take."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
#: Holds the lab's folder in the environment of all its processes, so that a crashed lab can still be ended.
MARK = "SEAM_LAB"

#: Seconds each slow step takes at pace 1. AWS takes minutes for most of them; the order of sizes is AWS's.
SECONDS = {
    "cluster": 6.0,
    "cluster_update": 3.0,
    "cluster_delete": 3.0,
    "instance_profile": 3.0,
    "pod": 2.0,
    "load_balancer": 4.0,
    "target": 2.0,
    "vpc_link": 5.0,
    "endpoint_service": 2.0,
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """``pace`` multiplies every duration (0: nothing takes time); ports are on 127.0.0.1.

    The lab's VPC has the addresses of AWS's default VPC, 172.31.a.b. A process on this machine answers for such an
    address at 127.<loopback_octet>.a.b, so that two labs don't meet.
    """

    folder: Path
    pace: float
    region: str
    aws_port: int
    execute_api_port: int
    loopback_octet: int
    #: Seconds for which an EKS token is good; AWS's are good for 15 minutes.
    token_lifetime: float = 900.0
    #: Seconds that an integration may take: the account's quota, which AWS raises on request.
    integration_timeout: float = 29.0
    #: Whether API Gateway's control plane keeps to AWS's rates.
    rates: bool = False
    #: The lab's own folder, where ``folder`` is a cluster's.
    parent_folder: Path | None = None

    def seconds(self, step: str) -> float:
        """How long a slow step of AWS's takes in this lab."""
        return SECONDS[step] * self.pace

    def between_checks(self, seconds: float, passed: int) -> float:
        """How long this lab waits after a health check or probe that comes every so many seconds on AWS.

        A tenth of that, and less in a faster lab. A check that has passed often is made at most once a second.
        """
        return max(seconds * self.pace / 10, 1.0 if passed > 10 else 0.1)

    def loopback(self, address: str) -> str:
        """The loopback address behind a VPC address."""
        _, _, third, fourth = address.split(".")
        return f"127.{self.loopback_octet}.{third}.{fourth}"

    def of_cluster(self, region: str, name: str) -> Settings:
        """The same lab as one EKS cluster sees it: in its region, with a folder of its own."""
        folder = self.folder / "clusters" / region / name
        return dataclasses.replace(self, region=region, folder=folder, parent_folder=self.folder)

    @property
    def lab_folder(self) -> Path:
        return self.parent_folder or self.folder

    def to_json(self) -> dict[str, Any]:
        """The settings by name, as JSON can hold them."""
        return {**dataclasses.asdict(self), "folder": str(self.folder)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from a mapping that may hold other things as well."""
        known = {field.name: values[field.name] for field in dataclasses.fields(cls) if field.name in values}
        return cls(**{**known, "folder": Path(values["folder"])})

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def execute_api_url(self) -> str:
        return f"http://127.0.0.1:{self.execute_api_port}"


def free_octet() -> int:
    """127.<octet> on which no process of anybody listens. Those below 100 are left to tests that need none but their own."""
    taken = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):
            # Addresses are in hexadecimal, the last octet first: 0100007F is 127.0.0.1.
            taken |= {int(octet, 16) for octet in re.findall(r"[0-9A-F]{4}([0-9A-F]{2})7F:", Path(table).read_text())}
    return random.choice([octet for octet in range(100, 250) if octet not in taken])


def hold_octet(octet: int) -> socket.socket:
    """Show other labs that these addresses are taken, by listening at one of them, for as long as the socket is open."""
    return socket.create_server((f"127.{octet}.255.254", 0))
