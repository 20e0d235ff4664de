# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on command: reads the faults that `python -m lab fault` asked for, picks the calls to hit, and lists them.

The command writes faults.json into the lab's folder, and the lab reads it before each call. The injected faults are in
faults.jsonl, an object a line.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import hashlib
import json
import random
import re
import threading
import uuid
from pathlib import Path

#: The kinds of fault.
KINDS = {
    "throttle": "refused for its rate, in the words of the service (EC2: 503, API Gateway and EKS: 429, Kubernetes: 429)",
    "unavailable": "answered with 503",
    "reset": "the connection ends without an answer",
    "slow": "answered after --seconds",
    "hang": "not answered, until the faults are cleared: then the connection ends",
    "expired": "Kubernetes' 410: the history does not reach back so far",
    "restart": "Kubernetes' API servers go down, with all connections and the history that watches need, for --seconds",
    "idle": "a call to apigatewayv2 finds all VPC links V2 INACTIVE, as after 60 days without traffic",
}
#: The kinds that can come after the call took effect.
LATE_KINDS = ("reset", "hang")
#: Kubernetes' API is called a service of this name, with operations such as "patch deployments".
KUBERNETES = "kubernetes"
#: The kinds that only one service has.
SERVICE_OF = {"expired": KUBERNETES, "restart": KUBERNETES, "idle": "apigatewayv2"}
#: The kind that hits no call, but the servers: each once, and at once.
RESTART = "restart"

#: Parameters that a client makes up anew for a repeated call, in JSON and in a form.
_TOKEN = re.compile(rb'("?[cC]lient(?:Request)?Token"?[=:] ?)[^,&}]*')

_SETTINGS, _LOG = "faults.json", "faults.jsonl"


@dataclasses.dataclass(frozen=True)
class Fault:
    """Hits calls of a service and an operation (patterns with ``*``): a share ``rate`` of them, ``count`` at most.

    With ``mutating``, only calls that may change something. With ``after``, the call takes effect before it is hit.
    ``spared`` are requests that are let through, by :func:`fingerprint`.
    """

    kind: str
    service: str = "*"
    operation: str = "*"
    mutating: bool = False
    after: bool = False
    rate: float = 1.0
    skip: int = 0
    count: int | None = None
    seconds: float = 0.0
    seed: int = 0
    spared: tuple[str, ...] = ()
    #: Tells it from an earlier one with the same settings.
    id: str = ""


class Faults:
    """The faults of one lab, as the lab sees them. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _SETTINGS
        self._log_path = folder / _LOG
        self._lock = threading.Lock()
        self._read_at: int | None = None
        self._progress: list[_Progress] = []

    def pick(self, service: str, operation: str, mutating: bool, request: str = "") -> Fault | None:
        """The first fault that hits this call. ``request`` is its fingerprint."""
        with self._lock:
            self._read()
            for each in self._progress:
                if request not in each.fault.spared and each.hits(service, operation, mutating):
                    self._write(each.fault, service, operation, request)
                    return each.fault
        return None

    def pick_restart(self, met: set[str]) -> Fault | None:
        """A requested restart of Kubernetes' API servers whose ID is not in ``met``."""
        with self._lock:
            self._read()
            for fault in (each.fault for each in self._progress):
                if fault.kind == RESTART and fault.id not in met:
                    met.add(fault.id)
                    self._write(fault, KUBERNETES, RESTART, "")
                    return fault
        return None

    def restarts(self) -> set[str]:
        """The IDs of all restarts that are asked for."""
        with self._lock:
            self._read()
            return {each.fault.id for each in self._progress if each.fault.kind == RESTART}

    @property
    def cleared(self) -> bool:
        """True when nothing is asked for (any more)."""
        with self._lock:
            self._read()
            return not self._progress

    def _read(self) -> None:
        """Read the file if it changed. Faults that stay keep their counts."""
        read_at = self._path.stat().st_mtime_ns if self._path.exists() else None
        if read_at != self._read_at:
            self._read_at = read_at
            known = {each.fault: each for each in self._progress}
            self._progress = [known.get(fault) or _Progress(fault) for fault in read(self._path.parent)]

    def _write(self, fault: Fault, service: str, operation: str, request: str) -> None:
        line = {
            "time": datetime.datetime.now(datetime.UTC).isoformat(),
            "kind": fault.kind,
            "after": fault.after,
            "service": service,
            "operation": operation,
            "request": request,
        }
        with self._log_path.open("a") as log:
            print(json.dumps(line), file=log)


class _Progress:
    """A fault and its counts so far."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._random = random.Random(fault.seed)
        self._seen = 0
        self._hit = 0

    def hits(self, service: str, operation: str, mutating: bool) -> bool:
        fault = self.fault
        if fault.kind == RESTART or self._hit == fault.count or (fault.mutating and not mutating):
            return False
        if SERVICE_OF.get(fault.kind, service) != service:
            return False
        if not fnmatch.fnmatchcase(service, fault.service) or not fnmatch.fnmatchcase(operation, fault.operation):
            return False
        self._seen += 1
        if self._seen <= fault.skip or self._random.random() >= fault.rate:
            return False
        self._hit += 1
        return True


def fingerprint(method: str, target: str, body: bytes) -> str:
    """Tells a request from others: the same for one that is sent again, with a token of its own or not."""
    return hashlib.sha256(b" ".join([method.encode(), target.encode(), _TOKEN.sub(rb"\1", body)])).hexdigest()[:16]


def read(folder: Path) -> list[Fault]:
    """The faults that are asked for."""
    try:
        found = json.loads((folder / _SETTINGS).read_text())
    except FileNotFoundError:
        return []
    return [Fault(**{**each, "spared": tuple(each["spared"])}) for each in found]


def add(folder: Path, fault: Fault) -> None:
    """Ask for one more."""
    _replace(folder, [*read(folder), dataclasses.replace(fault, id=uuid.uuid4().hex)])


def clear(folder: Path) -> None:
    """Ask for none. Injected faults stay listed."""
    _replace(folder, [])


def injected(folder: Path) -> list[str]:
    """The injected faults, a line of JSON each."""
    try:
        return (folder / _LOG).read_text().splitlines()
    except FileNotFoundError:
        return []


def _replace(folder: Path, faults: list[Fault]) -> None:
    new = folder / f"{_SETTINGS}.new"
    new.write_text(json.dumps([dataclasses.asdict(each) for each in faults]))
    new.replace(folder / _SETTINGS)
