# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One EKS cluster: its description, and the work on it, one thing after another."""

from __future__ import annotations

import dataclasses
import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

from lab.aws.eks.common import Item

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where a cluster's Kubernetes API is, and the certificate of its authority (PEM)."""

    url: str
    ca_pem: str


class ClusterHost(Protocol):
    """Runs a cluster's API server and controllers. Both methods block until they are done."""

    def start(self, cluster: Cluster) -> Endpoint: ...

    def stop(self, cluster: Cluster) -> None: ...


class Worker:
    """A thread that does things in the order given, none before it is due."""

    def __init__(self) -> None:
        self._steps: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def do(self, step: Callable[[], None]) -> None:
        self._steps.put(step)

    def _work(self) -> None:
        while True:
            step = self._steps.get()
            try:
                step()
            except Exception:
                _LOG.exception("What comes next for the cluster is done all the same")


@dataclasses.dataclass
class AccessEntry:
    """``info`` as DescribeAccessEntry shows it; ``policies`` by ARN as ListAssociatedAccessPolicies shows them.

    ``principal_id`` is IAM's unique id of the principal: another one with the same ARN is somebody else.
    """

    info: Item
    principal_id: str
    policies: dict[str, Item] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Cluster:
    """``info`` as DescribeCluster shows it; ``updates`` by id; ``entries`` by principal ARN."""

    info: Item
    updates: dict[str, Item] = dataclasses.field(default_factory=dict)
    entries: dict[str, AccessEntry] = dataclasses.field(default_factory=dict)
    worker: Worker = dataclasses.field(default_factory=Worker)

    @property
    def name(self) -> str:
        return str(self.info["name"])

    @property
    def arn(self) -> str:
        return str(self.info["arn"])

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def has_auto_mode(self) -> bool:
        return bool(self.info["computeConfig"]["enabled"])

    @property
    def authentication_mode(self) -> str:
        return str(self.info["accessConfig"]["authenticationMode"])

    @property
    def update_in_progress(self) -> Item | None:
        return next((update for update in self.updates.values() if update["status"] == "InProgress"), None)
