# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network load balancers that carry traffic: real listeners, real health checks, real targets.

The control plane (lab/aws/elbv2.py) keeps the configuration and calls :meth:`NlbDataPlane.changed`; this side listens,
checks, forwards, and reports each target's health. Listeners are on loopback, since port 80 isn't everybody's to open.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from lab.aws.target_health import (
    CHECKING,
    DRAINING,
    FAILED,
    HEALTHY,
    NOT_IN_USE,
    REGISTERING,
    Health,
    TargetKey,
)
from lab.settings import Settings


@dataclasses.dataclass(frozen=True)
class Check:
    """A target group's health check. ``interval`` is in AWS's seconds, ``timeout`` in the lab's."""

    protocol: str
    port: str
    path: str
    statuses: str
    interval: float
    timeout: float
    healthy_threshold: int
    unhealthy_threshold: int


@dataclasses.dataclass
class Target:
    """A registered target, and the task that checks it."""

    key: TargetKey
    check: Check
    health: Health = REGISTERING
    task: asyncio.Task[None] | None = None
    draining_until: float | None = None


@dataclasses.dataclass
class Listener:
    """A listener's socket. ``group`` is the target group it forwards to."""

    group: str
    server: asyncio.Server
    address: tuple[str, int]


class NlbDataPlane:
    """The data plane of all network load balancers of one account and region."""

    def __init__(self, settings: Settings, backend: Callable[[], Any]) -> None:
        """``backend`` gives the control plane's ELBv2 backend, which has ``load_balancers`` and ``target_groups``."""
        self.settings = settings
        self.backend = backend
        self.listeners: dict[tuple[str, int], Listener] = {}
        self.targets: dict[TargetKey, Target] = {}
        self.rotation = itertools.count()
        self.wake = asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    # For the other parts of the lab.

    def changed(self) -> None:
        """The control plane changed. Can be called from any thread."""
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.wake.set)

    def address(self, load_balancer_arn: str, port: int) -> tuple[str, int] | None:
        """The (host, port) on this machine of this load balancer's listener on this port."""
        listener = self.listeners.get((load_balancer_arn, port))
        return listener.address if listener else None

    def health(self, key: TargetKey) -> Health:
        """A registered target's health."""
        if not any(listener.group == key[0] for listener in self.listeners.values()):
            return NOT_IN_USE
        target = self.targets.get(key)
        return target.health if target else REGISTERING

    def draining(self, group: str) -> list[TargetKey]:
        """The targets of a group that are deregistered but still finish their connections."""
        return [key for key, target in self.targets.items() if key[0] == group and target.draining_until]

    # The data plane itself.

    async def run(self) -> None:
        """Follow the control plane until cancelled."""
        self.loop = asyncio.get_running_loop()
        self.wake.set()
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), self._next_drained())
                self.wake.clear()
                await self._follow_listeners()
                self._follow_targets()
        finally:
            for listener in self.listeners.values():
                listener.server.close()
            for target in self.targets.values():
                if target.task:
                    target.task.cancel()

    async def _follow_listeners(self) -> None:
        wanted = dict(self._wanted_listeners())
        for key in set(self.listeners) - set(wanted):
            self.listeners.pop(key).server.close()
        for key, group in wanted.items():
            if key in self.listeners:
                self.listeners[key].group = group
            else:
                self.listeners[key] = await self._listen(key, group)

    def _wanted_listeners(self) -> Iterator[tuple[tuple[str, int], str]]:
        for load_balancer in list(self.backend().load_balancers.values()):
            for listener in list(load_balancer.listeners.values()):
                for action in listener.default_actions:
                    group = action.data.get("TargetGroupArn")
                    if group:
                        yield (load_balancer.arn, int(listener.port)), group

    async def _listen(self, key: tuple[str, int], group: str) -> Listener:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._forward(self.listeners[key].group, reader, writer)

        server = await asyncio.start_server(accept, f"127.{self.settings.loopback_octet}.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        return Listener(group, server, (host, port))

    def _follow_targets(self) -> None:
        wanted = dict(self._wanted_targets())
        now = time.monotonic()
        for key, target in list(self.targets.items()):
            if key not in wanted and target.draining_until is None:
                self._drain(target, now)
            if target.draining_until is not None and now >= target.draining_until:
                del self.targets[key]
        for key, check in wanted.items():
            known = self.targets.get(key)
            if known is None or known.draining_until is not None or known.check != check:
                self._start(key, check, known.health if known and not known.draining_until else REGISTERING)

    def _wanted_targets(self) -> Iterator[tuple[TargetKey, Check]]:
        used = {listener.group for listener in self.listeners.values()}
        for group in list(self.backend().target_groups.values()):
            if group.arn in used:
                check = self._check_of(group)
                for target in list(group.targets.values()):
                    yield (group.arn, target["Id"], int(target["Port"])), check

    def _check_of(self, group: Any) -> Check:
        interval = float(group.health_check_interval_seconds)
        matcher = getattr(group, "matcher", None) or {}
        return Check(
            protocol=group.health_check_protocol,
            port=str(group.health_check_port),
            path=group.health_check_path or "/",
            statuses=str(matcher.get("HttpCode", "200-399")),
            interval=interval,
            timeout=max(self.settings.between_checks(interval, 0), 2.0),
            healthy_threshold=int(group.healthy_threshold_count),
            unhealthy_threshold=int(group.unhealthy_threshold_count),
        )

    def _start(self, key: TargetKey, check: Check, health: Health) -> None:
        known = self.targets.get(key)
        if known and known.task:
            known.task.cancel()
        target = Target(key, check, health)
        target.task = asyncio.create_task(self._watch(target))
        self.targets[key] = target

    def _drain(self, target: Target, now: float) -> None:
        if target.task:
            target.task.cancel()
        target.health = DRAINING
        target.draining_until = now + self.settings.seconds("target")

    def _next_drained(self) -> float | None:
        """Seconds until a draining target is gone; None when nothing drains."""
        ends = [target.draining_until for target in self.targets.values() if target.draining_until is not None]
        return max(min(ends) - time.monotonic(), 0.01) if ends else None

    async def _watch(self, target: Target) -> None:
        """Check a target for as long as it is registered, and keep its health."""
        if target.health is REGISTERING:
            await asyncio.sleep(self.settings.seconds("target"))
            target.health = CHECKING
        good = bad = 0
        while True:
            if await self._passes(target):
                good, bad = good + 1, 0
            else:
                good, bad = 0, bad + 1
            if good >= target.check.healthy_threshold:
                self._set_health(target, HEALTHY)
            elif bad >= target.check.unhealthy_threshold:
                self._set_health(target, FAILED)
            await asyncio.sleep(self.settings.between_checks(target.check.interval, good))

    def _set_health(self, target: Target, health: Health) -> None:
        """Record a change and its time: the figures for a wait are measured against it."""
        if target.health is health:
            return
        target.health = health
        group, address, port = target.key
        entry = {"time": time.time(), "target_group": group, "target": f"{address}:{port}", "state": health.state}
        with (self.settings.folder / "health.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")

    async def _passes(self, target: Target) -> bool:
        _, address, port = target.key
        check = target.check
        check_port = port if check.port == "traffic-port" else int(check.port)
        try:
            async with asyncio.timeout(check.timeout):
                reader, writer = await asyncio.open_connection(self.settings.loopback(address), check_port)
                try:
                    return check.protocol == "TCP" or await self._http_passes(check, address, reader, writer)
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            return False

    @staticmethod
    async def _http_passes(check: Check, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            f"GET {check.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ELB-HealthChecker/2.0\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        status = int((await reader.readline()).split()[1])
        ranges = (part.partition("-") for part in check.statuses.split(","))
        return any(int(low) <= status <= int(high or low) for low, _, high in ranges)

    def _choose(self, group: str) -> TargetKey | None:
        """A healthy target. With none, an unhealthy one: a load balancer without healthy targets fails open.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
        """
        registered = [target for key, target in self.targets.items() if key[0] == group]
        healthy = [target.key for target in registered if target.health is HEALTHY]
        candidates = healthy or [target.key for target in registered if target.health is FAILED]
        return candidates[next(self.rotation) % len(candidates)] if candidates else None

    async def _forward(self, group: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to a target, byte by byte in both directions."""
        key = self._choose(group)
        try:
            if key is None:
                return
            target_reader, target_writer = await asyncio.open_connection(self.settings.loopback(key[1]), key[2])
            await asyncio.gather(_pipe(reader, target_writer), _pipe(target_reader, writer))
        except OSError:
            pass  # The target refused or broke off; so does the load balancer.
        finally:
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
