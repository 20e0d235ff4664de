# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hears the AWS calls of a run's modules and lookups.

botocore itself reports them, in any module: its client-side monitoring sends a datagram for each call to a port of this
machine. https://docs.aws.amazon.com/sdk-for-php/v3/developer-guide/service_csm.html describes it.
"""

from __future__ import annotations

import contextlib
import json
import socket
import typing as t
from collections.abc import Iterator, MutableMapping

#: A datagram is smaller; one that isn't would be cut and not be JSON.
_LARGEST = 8192
#: Room for many calls made at once.
_BUFFER = 1 << 20


class AwsCalls:
    """A port on which botocore's reports arrive. A user's own setting for monitoring stays."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._socket: socket.socket | None = None
        if "AWS_CSM_ENABLED" in environment:
            return
        # A machine without a loopback address has a timeline without calls.
        with contextlib.suppress(OSError):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.setblocking(False)
            self._socket.bind(("127.0.0.1", 0))
            port = str(self._socket.getsockname()[1])
            environment.update(AWS_CSM_ENABLED="true", AWS_CSM_HOST="127.0.0.1", AWS_CSM_PORT=port)

    def take(self) -> Iterator[tuple[str, str]]:
        """Service and operation of each call that was reported since this was last asked."""
        if self._socket is None:
            return
        with contextlib.suppress(BlockingIOError):
            while True:
                call = parse(self._socket.recv(_LARGEST))
                if call:
                    yield call

    def close(self, environment: MutableMapping[str, str]) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            for name in ("AWS_CSM_ENABLED", "AWS_CSM_HOST", "AWS_CSM_PORT"):
                environment.pop(name, None)


def parse(datagram: bytes) -> tuple[str, str] | None:
    """Service and operation, if this reports a whole call rather than one of its attempts."""
    try:
        report: dict[str, t.Any] = json.loads(datagram)
        return (report["Service"], report["Api"]) if report["Type"] == "ApiCall" else None
    except (ValueError, TypeError, KeyError):
        return None
