# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes: a container's HTTP and TCP checks, made over the network."""

from __future__ import annotations

import asyncio

from lab.controllers.client import Object
from lab.settings import Settings

#: Statuses that a probe takes for success (https://kubernetes.io/docs/reference/kubernetes-api/, Probe).
_GOOD = range(200, 400)


def seconds(given: float, settings: Settings) -> float:
    """Seconds in the lab for a time in a pod's specification: a tenth, as between checks."""
    return max(given * settings.pace / 10, 0.1)


async def failure(probe: Object, container: Object, address: str, settings: Settings) -> str | None:
    """Make the check once; returns why it failed, in the kubelet's words, or None. Commands and gRPC always pass."""
    check = probe.get("httpGet") or probe.get("tcpSocket")
    if check is None:
        return None
    port = _number(check["port"], container)
    try:
        async with asyncio.timeout(max(float(probe.get("timeoutSeconds", 1)), 1.0)):
            reader, writer = await asyncio.open_connection(settings.loopback(address), port)
            try:
                return await _http(check, address, port, reader, writer) if "httpGet" in probe else None
            finally:
                writer.close()
    except TimeoutError:
        reason = "i/o timeout"
    except ConnectionRefusedError:
        reason = "connect: connection refused"
    except OSError as error:
        reason = str(error.strerror)
    dialled = f"dial tcp {address}:{port}: {reason}"
    return f'Get "{_url(check, address, port)}": {dialled}' if "httpGet" in probe else dialled


async def _http(
    check: Object, address: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> str | None:
    headers = {"Host": f"{address}:{port}", "User-Agent": "kube-probe/1.36", "Connection": "close"}
    headers.update({each["name"]: each["value"] for each in check.get("httpHeaders", [])})
    lines = [f"GET {check.get('path', '/')} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    words = (await reader.readline()).split()
    if len(words) < 2:
        return f'Get "{_url(check, address, port)}": EOF'
    status = int(words[1])
    return None if status in _GOOD else f"HTTP probe failed with statuscode: {status}"


def _url(check: Object, address: str, port: int) -> str:
    return f"http://{address}:{port}{check.get('path', '/')}"


def _number(port: int | str, container: Object) -> int:
    """The port's number; 0, where nothing listens, if the container has no port of that name."""
    if isinstance(port, int):
        return port
    named = {each.get("name"): each["containerPort"] for each in container.get("ports", [])}
    return int(named.get(port, 0))
