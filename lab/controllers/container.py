# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One container of a pod: pulled, started as a process, probed, restarted when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from lab import images
from lab.controllers import probes
from lab.controllers.client import Object
from lab.controllers.events import Recorder, now
from lab.settings import MARK, Settings

#: Seconds, as the kubelet's: between restarts and between pulls, doubling.
_FIRST_BACK_OFF = 10.0
_LONGEST_BACK_OFF = 300.0


class Container:
    """``changed`` is awaited after each change of :attr:`status`, which is as in a pod's containerStatuses."""

    def __init__(
        self,
        settings: Settings,
        pod: Object,
        specification: Object,
        address: str,
        recorder: Recorder,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._pod = pod
        self._specification = specification
        self._address = address
        self._recorder = recorder
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._command: list[str] = []
        self.name: str = specification["name"]
        self.status: Object = {
            "name": self.name,
            "image": specification["image"],
            "imageID": "",
            "ready": False,
            "started": False,
            "restartCount": 0,
            "state": {"waiting": {"reason": "ContainerCreating"}},
            "lastState": {},
        }

    async def run(self) -> None:
        """Keep the container running until cancelled, or until it ends for good by the pod's restart policy."""
        await self._pull()
        while True:
            code = await self._run_once()
            policy = self._pod["spec"].get("restartPolicy", "Always")
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            await self._back_off(self.status["restartCount"])
            self.status["restartCount"] += 1

    async def stop(self, grace: float) -> None:
        """End the process: ask it, and after ``grace`` seconds make it."""
        if self._process and self._process.returncode is None:
            self._signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), grace)
            except TimeoutError:
                self.kill()
                await self._process.wait()
        if "running" in self.status["state"] and self._process:
            self._set_ended(self._process.returncode or 0)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to all processes of the container."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    # The image.

    async def _pull(self) -> None:
        image = self._specification["image"]
        await self._check_name(image)
        failures = 0
        while (command := images.command(self._settings, image, self._address)) is None:
            message = images.not_found(image)
            await self._event("Normal", "Pulling", f'Pulling image "{image}"')
            await self._event("Warning", "Failed", f'Failed to pull image "{image}": {message}')
            await self._event("Warning", "Failed", "Error: ErrImagePull")
            await self._wait_because("ErrImagePull", message)
            await asyncio.sleep(self._delay(0) / 2)
            await self._event("Normal", "BackOff", f'Back-off pulling image "{image}"')
            await self._event("Warning", "Failed", "Error: ImagePullBackOff")
            text = f'Back-off pulling image "{image}": ErrImagePull: {message}'
            await self._wait_because("ImagePullBackOff", text)
            await asyncio.sleep(self._delay(failures))
            failures += 1
        await self._event("Normal", "Pulling", f'Pulling image "{image}"')
        await self._event("Normal", "Pulled", f'Successfully pulled image "{image}"')
        self._command = command
        self.status["imageID"] = f"{images.digest_name(image)}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"

    async def _check_name(self, image: str) -> None:
        """An invalid name stays invalid until the pod goes."""
        while True:
            try:
                images.repository(image)
                return
            except images.InvalidReference as error:
                await self._event("Warning", "InspectFailed", str(error))
                await self._event("Warning", "Failed", "Error: InvalidImageName")
                await self._wait_because("InvalidImageName", str(error))
                await asyncio.sleep(self._delay(0))

    async def _wait_because(self, reason: str, message: str) -> None:
        self.status["state"] = {"waiting": {"reason": reason, "message": message}}
        await self._changed()

    def _delay(self, failures: int) -> float:
        return probes.seconds(min(_FIRST_BACK_OFF * 2**failures, _LONGEST_BACK_OFF), self._settings)

    # The process.

    async def _run_once(self) -> int:
        """Start the process and probe it until it ends; returns its exit code."""
        process = await self._start()
        self.status.update(
            state={"running": {"startedAt": now()}},
            containerID=f"containerd://{hashlib.sha256(f'{process.pid} {now()}'.encode()).hexdigest()}",
            started="startupProbe" not in self._specification,
            ready=self._has_no_probe("startupProbe", "readinessProbe"),
        )
        await self._event("Normal", "Created", f"Created container: {self.name}")
        await self._event("Normal", "Started", f"Started container {self.name}")
        await self._changed()
        probing = asyncio.create_task(self._probe())
        try:
            code = await process.wait()
        finally:
            probing.cancel()
        self._set_ended(code)
        await self._changed()
        return code

    async def _start(self) -> asyncio.subprocess.Process:
        log = self._settings.folder / "logs" / log_name(self._pod, self.name)
        log.parent.mkdir(exist_ok=True)
        variables = {each["name"]: each.get("value", "") for each in self._specification.get("env", [])}
        with log.open("ab") as stream:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                # The petstore ends when this pipe does, and with it the lab, however the lab ends.
                stdin=asyncio.subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                # A group of its own, to be ended as a whole.
                start_new_session=True,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOSTNAME": self._pod["metadata"]["name"],
                    # Where this pod's programs listen, and not any other's.
                    "HOST": self._settings.loopback(self._address),
                    # By this mark `python -m lab down` finds a lab's leftover processes.
                    **{name: os.environ[name] for name in (MARK,) if name in os.environ},
                    **variables,
                },
            )
        return self._process

    def _set_ended(self, code: int) -> None:
        """Keep how it ended. A signal's number counts from 128 on, as in every container."""
        running = self.status["state"].get("running", {})
        code = 128 - code if code < 0 else code
        ended = {
            "exitCode": code,
            "reason": "Error" if code else "Completed",
            "startedAt": running.get("startedAt"),
            "finishedAt": now(),
            "containerID": self.status.get("containerID"),
        }
        self.status.update(state={"terminated": ended}, ready=False, started=False)

    async def _back_off(self, restarts: int) -> None:
        """The first restart is at once, as the kubelet's."""
        self.status["lastState"] = self.status["state"]
        if not restarts:
            return
        metadata = self._pod["metadata"]
        what = f"restarting failed container={self.name} pod={metadata['name']}_{metadata['namespace']}"
        await self._event("Warning", "BackOff", f"Back-off {what}({metadata['uid']})")
        delay = min(_FIRST_BACK_OFF * 2 ** (restarts - 1), _LONGEST_BACK_OFF)
        await self._wait_because("CrashLoopBackOff", f"back-off {delay:.0f}s {what}({metadata['uid']})")
        await asyncio.sleep(self._delay(restarts - 1))

    # The probes.

    def _has_no_probe(self, *names: str) -> bool:
        return not any(name in self._specification for name in names)

    async def _probe(self) -> None:
        if "startupProbe" in self._specification:
            if not await self._passes_startup(self._specification["startupProbe"]):
                return
            self.status.update(started=True, ready=self._has_no_probe("readinessProbe"))
            await self._changed()
        async with asyncio.TaskGroup() as group:
            if "readinessProbe" in self._specification:
                group.create_task(self._follow_readiness(self._specification["readinessProbe"]))
            if "livenessProbe" in self._specification:
                group.create_task(self._follow_liveness(self._specification["livenessProbe"]))

    async def _passes_startup(self, probe: Object) -> bool:
        async for good, bad in self._checks("Startup", probe):
            if good:
                return True
            if bad >= probe.get("failureThreshold", 3):
                await self._restart("startup")
                return False
        return False

    async def _follow_readiness(self, probe: Object) -> None:
        async for good, bad in self._checks("Readiness", probe):
            ready = self.status["ready"]
            if good >= probe.get("successThreshold", 1):
                ready = True
            elif bad >= probe.get("failureThreshold", 3):
                ready = False
            if ready != self.status["ready"]:
                self.status["ready"] = ready
                await self._changed()

    async def _follow_liveness(self, probe: Object) -> None:
        async for _, bad in self._checks("Liveness", probe):
            if bad >= probe.get("failureThreshold", 3):
                await self._restart("liveness")
                return

    async def _checks(self, name: str, probe: Object) -> Any:
        """Yields after each check how often in a row it has passed and failed."""
        if delay := probe.get("initialDelaySeconds"):
            await asyncio.sleep(probes.seconds(delay, self._settings))
        good = bad = 0
        while True:
            failure = await probes.failure(probe, self._specification, self._address, self._settings)
            good, bad = (0, bad + 1) if failure else (good + 1, 0)
            if failure:
                await self._event("Warning", "Unhealthy", f"{name} probe failed: {failure}")
            yield good, bad
            await asyncio.sleep(self._settings.between_checks(probe.get("periodSeconds", 10), good))

    async def _restart(self, probe: str) -> None:
        await self._event("Normal", "Killing", f"Container {self.name} failed {probe} probe, will be restarted")
        self._signal(signal.SIGTERM)

    async def _event(self, kind: str, reason: str, message: str) -> None:
        record = self._recorder.warning if kind == "Warning" else self._recorder.normal
        await record(self._pod, reason, message)


def log_name(pod: Object, container: str) -> str:
    return f"{pod['metadata']['namespace']}_{pod['metadata']['name']}_{container}.log"
