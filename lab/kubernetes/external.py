# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real kube-apiserver with etcd (and kube-controller-manager, if there) as the API server of a cluster.

It authenticates and authorizes requests through webhooks that call the lab's functions. They keep no cache, so access
entries count at once.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import secrets
import shutil
import signal
import socket
import ssl
from pathlib import Path

import aiohttp
from aiohttp import web

from lab.kubernetes import auth, certificates, reviews
from lab.kubernetes.api_server import AUDIT_LOG
from lab.kubernetes.auth import Authenticate, Authorize
from lab.settings import Settings

#: Seconds to become ready, and to end when asked to.
_READY_TIMEOUT = 90.0
_STOP_TIMEOUT = 5.0

#: Linux's prctl(2), looked up before any fork; other systems have no such thing.
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)
_PR_SET_PDEATHSIG = 1

_SERVICE_RANGE = "10.100.0.0/16"
#: The controllers that kube-controller-manager runs here; the others have no use without real nodes.
_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "namespace-controller",
    "garbage-collector-controller",
    "disruption-controller",
)
#: Logs all requests except those of the lab's own controllers.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "None", "userGroups": [auth.MASTERS]}, {"level": "Metadata"}],
}


class ExternalServer:
    """See :class:`lab.kubernetes.api_server.ApiServer`. Files and logs are in one folder."""

    def __init__(self, folder: Path, assets: Path) -> None:
        self.url = f"https://127.0.0.1:{_free_port()}"
        self.ca_pem = ""
        self.admin_token = secrets.token_urlsafe(32)
        self.has_controller_manager = (assets / "kube-controller-manager").exists()
        self._folder = folder
        self._assets = assets
        self._processes: list[tuple[str, asyncio.subprocess.Process]] = []
        self._webhooks: web.AppRunner | None = None

    async def start(self, cluster_name: str, authenticate: Authenticate, authorize: Authorize) -> None:
        """Raises RuntimeError, with the end of its log, when a program ends or doesn't get ready."""
        certificate = certificates.issue(cluster_name)
        self.ca_pem = certificate.ca_pem
        self._write("ca.pem", certificate.ca_pem)
        self._write("server.pem", certificate.certificate_pem)
        self._write("server.key", certificate.key_pem)
        self._write("tokens.csv", f'{self.admin_token},kubernetes-admin,kubernetes-admin,"{auth.MASTERS}"\n')
        self._write("audit-policy.json", json.dumps(_AUDIT_POLICY))
        webhook_url = await self._serve_webhooks(reviews.Webhook(authenticate, authorize))
        self._write("webhook.json", _kubeconfig(webhook_url))
        etcd_url = f"http://127.0.0.1:{_free_port()}"
        await self._run("etcd", _etcd_arguments(self._folder, etcd_url))
        await self._run("kube-apiserver", self._apiserver_arguments(etcd_url))
        await self._wait_until_ready()
        if self.has_controller_manager:
            self._write("admin.json", _kubeconfig(self.url, str(self._folder / "ca.pem"), self.admin_token))
            await self._run("kube-controller-manager", self._controller_manager_arguments())

    async def stop(self) -> None:
        for _, process in reversed(self._processes):
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), _STOP_TIMEOUT)
                except TimeoutError:
                    process.kill()
                    await process.wait()
        if self._webhooks:
            await self._webhooks.cleanup()

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text)

    async def _run(self, name: str, arguments: list[str]) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                self._assets / name,
                *arguments,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                preexec_fn=_end_with_this_process,
            )
        self._processes.append((name, process))

    def _apiserver_arguments(self, etcd_url: str) -> list[str]:
        return [
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.url.rpartition(':')[2]}",
            "--tls-cert-file=server.pem",
            "--tls-private-key-file=server.key",
            f"--service-cluster-ip-range={_SERVICE_RANGE}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=server.pem",
            "--service-account-signing-key-file=server.key",
            # Nothing here makes ServiceAccounts for pods, or removes the taints of new nodes.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            # A loopback address may not be an endpoint.
            "--endpoint-reconciler-type=none",
            f"--audit-log-path={AUDIT_LOG}",
            "--audit-policy-file=audit-policy.json",
            "--token-auth-file=tokens.csv",
            "--authentication-token-webhook-config-file=webhook.json",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=0s",
            "--authorization-mode=RBAC,Webhook",
            "--authorization-webhook-config-file=webhook.json",
            "--authorization-webhook-version=v1",
            "--authorization-webhook-cache-authorized-ttl=0s",
            "--authorization-webhook-cache-unauthorized-ttl=0s",
        ]

    def _controller_manager_arguments(self) -> list[str]:
        return [
            "--kubeconfig=admin.json",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    async def _serve_webhooks(self, authority: reviews.Webhook) -> str:
        async def answer(request: web.Request) -> web.Response:
            return web.json_response(await reviews.answer(await request.json(), auth.ANONYMOUS, authority))

        app = web.Application()
        app.router.add_post("/", answer)
        self._webhooks = web.AppRunner(app, access_log=None)
        await self._webhooks.setup()
        await web.TCPSite(self._webhooks, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._webhooks.addresses[0][1]}/"

    async def _wait_until_ready(self) -> None:
        tls = ssl.create_default_context(cadata=self.ca_pem)
        try:
            async with asyncio.timeout(_READY_TIMEOUT), aiohttp.ClientSession() as session:
                while not await self._is_ready(session, tls):
                    self._check_processes()
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise RuntimeError(f"kube-apiserver isn't ready: {self._end_of_log('kube-apiserver')}") from error

    async def _is_ready(self, session: aiohttp.ClientSession, tls: ssl.SSLContext) -> bool:
        try:
            async with session.get(f"{self.url}/readyz", ssl=tls) as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False

    def _check_processes(self) -> None:
        for name, process in self._processes:
            if process.returncode is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}: {self._end_of_log(name)}")

    def _end_of_log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")[-2000:]


async def start(
    settings: Settings, cluster_name: str, assets: str, authenticate: Authenticate, authorize: Authorize
) -> ExternalServer:
    """Start a new, empty cluster out of the programs in the folder ``assets``."""
    folder = settings.folder.absolute()
    shutil.rmtree(folder / "etcd", ignore_errors=True)
    server = ExternalServer(folder, Path(assets).absolute())
    try:
        await server.start(cluster_name, authenticate, authorize)
    except BaseException:
        await server.stop()
        raise
    return server


def _etcd_arguments(folder: Path, url: str) -> list[str]:
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",
        # A lab's data need not outlive the machine's power.
        "--unsafe-no-fsync",
    ]


def _kubeconfig(url: str, ca_file: str = "", token: str = "") -> str:
    cluster = {"server": url, **({"certificate-authority": ca_file} if ca_file else {})}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": "lab", "user": {"token": token} if token else {}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
            "current-context": "lab",
        }
    )


def _end_with_this_process() -> None:
    """Runs in the child: a lab that is killed must not leave its API servers behind."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
