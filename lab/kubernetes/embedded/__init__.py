# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's own API server, in Python: for machines that have no kube-apiserver.

A request goes through ``server`` (who asks, and may they), ``target`` (what about), ``options`` (how) and ``registry``
(the rules of a write) to the ``store``, and its answer through ``representations``. ``kinds`` says which kinds are
served; ``resources`` has the built-in ones, and a CustomResourceDefinition (``custom``) adds another.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import tempfile
from pathlib import Path

from aiohttp import web

from lab.faults import Faults
from lab.kubernetes import auth, certificates
from lab.kubernetes.api_server import AUDIT_LOG, ReadLog
from lab.kubernetes.auth import Authenticate, Authorize, User
from lab.kubernetes.certificates import ServerCertificate
from lab.kubernetes.embedded import bootstrap
from lab.kubernetes.embedded.audit import AuditLog
from lab.kubernetes.embedded.discovery import Discovery
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.kubectl.openapi import OpenApi
from lab.kubernetes.embedded.registry import Registry
from lab.kubernetes.embedded.server import Server
from lab.kubernetes.embedded.subresources import Subresources

#: Seconds that requests get to end when the server stops.
_SHUTDOWN = 1.0
#: Seconds between looks whether to restart.
_POLL = 0.1


class EmbeddedServer:
    """See :class:`lab.kubernetes.api_server.ApiServer`."""

    has_controller_manager = False

    def __init__(self, server: Server, certificate: ServerCertificate, admin_token: str, faults: Faults) -> None:
        self.url = ""
        #: The kinds it serves. A CustomResourceDefinition adds one.
        self.kinds = server.registry.kinds
        self.ca_pem = certificate.ca_pem
        self.admin_token = admin_token
        self._server = server
        self._tls = _tls(certificate)
        self._faults = faults
        self._runner: web.AppRunner
        self._restarts: asyncio.Task[None]

    async def start(self) -> None:
        """Serve on a free loopback port."""
        await self._serve()
        self.url = f"https://127.0.0.1:{self._runner.addresses[0][1]}"
        self._restarts = asyncio.create_task(self._restart_on_request())

    async def stop(self) -> None:
        self._restarts.cancel()
        await asyncio.wait([self._restarts])
        await self._end()

    async def _serve(self, port: int = 0) -> None:
        self._runner = web.AppRunner(self._server.app(), shutdown_timeout=_SHUTDOWN)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self._tls).start()

    async def _end(self) -> None:
        self._server.registry.store.close()
        await self._runner.cleanup()

    async def _restart_on_request(self) -> None:
        """The fault that hits the server, not a call: as in a crash, connections end in the middle, and objects stay."""
        met = self._faults.restarts()
        while True:
            if fault := self._faults.pick_restart(met):
                port: int = self._runner.addresses[0][1]
                self._server.abort_connections()
                await self._end()
                self._server.registry.store.forget()
                await asyncio.sleep(fault.seconds)
                await self._serve(port)
            await asyncio.sleep(_POLL)


async def start(
    folder: Path,
    cluster_name: str,
    version: str,
    authenticate: Authenticate,
    authorize: Authorize,
    read_log: ReadLog | None = None,
    faults: Faults | None = None,
) -> EmbeddedServer:
    """Serve, with the audit log in ``folder``.

    Raises ValueError for a Kubernetes version without schemas.
    """
    admin_token = secrets.token_urlsafe(32)

    def authenticate_admin_too(token: str) -> User | None:
        if secrets.compare_digest(token.encode(), admin_token.encode()):
            return User("kubernetes-admin", groups=(auth.MASTERS,))
        return authenticate(token)

    kinds = Kinds(version)
    registry = Registry(kinds)
    bootstrap.fill(registry)
    faults = faults or Faults(folder)
    server = Server(
        registry,
        authenticate_admin_too,
        authorize,
        Subresources(registry, read_log),
        Discovery(kinds, OpenApi(kinds)),
        AuditLog(folder / AUDIT_LOG),
        faults,
    )
    made = EmbeddedServer(server, certificates.issue(cluster_name), admin_token, faults)
    await made.start()
    return made


def _tls(certificate: ServerCertificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Python's ssl reads keys from files only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "server.pem")
        path.touch(mode=0o600)
        path.write_text(certificate.certificate_pem + certificate.key_pem)
        context.load_cert_chain(path)
    return context
