# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's own API server, in Python: for machines that have no kube-apiserver."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from pathlib import Path

from aiohttp import web

from lab.faults import Faults
from lab.kubernetes import AUDIT_LOG, ReadLog, auth, certificates
from lab.kubernetes.auth import Authenticate, Authorize, User
from lab.kubernetes.certificates import ServerCertificate
from lab.kubernetes.embedded import bootstrap
from lab.kubernetes.embedded.audit import AuditLog
from lab.kubernetes.embedded.discovery import Discovery
from lab.kubernetes.embedded.openapi import OpenApi
from lab.kubernetes.embedded.registry import Registry
from lab.kubernetes.embedded.resources import RESOURCES
from lab.kubernetes.embedded.schema import Schemas
from lab.kubernetes.embedded.server import Server
from lab.kubernetes.embedded.subresources import Subresources

#: Seconds that requests get to end when the server stops.
_SHUTDOWN = 1.0


class EmbeddedServer:
    """See :class:`lab.kubernetes.ApiServer`."""

    has_controller_manager = False

    def __init__(self, url: str, ca_pem: str, admin_token: str, registry: Registry, runner: web.AppRunner) -> None:
        self.url = url
        self.ca_pem = ca_pem
        self.admin_token = admin_token
        self._registry = registry
        self._runner = runner

    async def stop(self) -> None:
        self._registry.store.close()
        await self._runner.cleanup()


async def start(
    folder: Path,
    cluster_name: str,
    version: str,
    authenticate: Authenticate,
    authorize: Authorize,
    read_log: ReadLog | None = None,
    faults: Faults | None = None,
) -> EmbeddedServer:
    """Serve on a free loopback port, with the audit log in ``folder``.

    Raises ValueError for a Kubernetes version without schemas.
    """
    admin_token = secrets.token_urlsafe(32)

    def authenticate_admin_too(token: str) -> User | None:
        if secrets.compare_digest(token.encode(), admin_token.encode()):
            return User("kubernetes-admin", groups=(auth.MASTERS,))
        return authenticate(token)

    registry = Registry(Schemas(version, [each.definition for each in RESOURCES]))
    bootstrap.fill(registry)
    server = Server(
        registry,
        authenticate_admin_too,
        authorize,
        Subresources(registry, read_log),
        Discovery(version, OpenApi(version)),
        AuditLog(folder / AUDIT_LOG),
        faults or Faults(folder),
    )
    certificate = certificates.issue(cluster_name)
    runner = web.AppRunner(server.app(), shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls(certificate))
    await site.start()
    port = runner.addresses[0][1]
    return EmbeddedServer(f"https://127.0.0.1:{port}", certificate.ca_pem, admin_token, registry, runner)


def _tls(certificate: ServerCertificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Python's ssl reads keys from files only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "server.pem")
        path.touch(mode=0o600)
        path.write_text(certificate.certificate_pem + certificate.key_pem)
        context.load_cert_chain(path)
    return context
