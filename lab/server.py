# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as one process: the account, its AWS endpoint, its data planes, and each cluster's server and controllers."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import functools
import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import boto3
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

from lab import controllers, folder, kubernetes
from lab.aws import account, ec2, elbv2
from lab.aws.apigateway import ApiGateway, ApiGatewayV2
from lab.aws.app import AwsApp
from lab.aws.eks import Eks, Endpoint
from lab.aws.eks.cluster import Cluster
from lab.aws.faulty import FaultyApp
from lab.aws.iam import documents
from lab.aws.identity import ClusterAccess
from lab.controllers.kubelet import read_log
from lab.controllers.scheduler import Addresses
from lab.dataplane.gateway import Gateway
from lab.dataplane.nlb import NlbDataPlane
from lab.faults import Faults
from lab.kubernetes.api_server import ApiServer
from lab.settings import Settings, hold_octet

_LOG = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    """Keeps connections, as AWS does: werkzeug's own ends each. Requests are in the call log already."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer with a whole body. The application has read the whole request."""
        chunks, status, headers = run_wsgi_app(self.server.app, self.make_environ(), buffered=True)
        body = b"".join(chunks)
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: Any) -> None:
        pass


class Lab:
    """One lab. Everything but the AWS endpoint's threads runs on the event loop that calls :meth:`run`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        ec2.install(self._users_of_security_group)
        documents.install()
        before = folder.read_facts(settings.folder).get("credentials", {})
        self.credentials = account.open_account(settings.region, before)
        self.faults = Faults(settings.folder)
        self.host = LabClusters(settings, self.credentials, self.faults)
        self.app = AwsApp(
            settings.folder / "calls.jsonl",
            {
                "eks": lambda region: Eks(dataclasses.replace(settings, region=region), self.host),
                "apigateway": lambda region: ApiGateway(dataclasses.replace(settings, region=region)),
                "apigatewayv2": self._api_gateway_v2,
            },
        )
        self.endpoint = FaultyApp(self.app, self.faults)
        self.api_gateway = self.app.service("apigateway", settings.region)
        assert isinstance(self.api_gateway, ApiGateway)
        self.load_balancers = NlbDataPlane(settings, lambda: elbv2.backend_of(settings.region))
        elbv2.install(settings, self.api_gateway.links_of, self.load_balancers)
        self.gateway = Gateway(self.api_gateway, self.load_balancers.address)

    def _api_gateway_v2(self, region: str) -> ApiGatewayV2:
        rest = self.app.service("apigateway", region)
        assert isinstance(rest, ApiGateway)
        return ApiGatewayV2(rest)

    def _users_of_security_group(self, region: str, group: str) -> Iterator[str]:
        """The load balancers and links V2 with network interfaces in it."""
        for balancer in elbv2.backend_of(region).load_balancers.values():
            if group in balancer.security_groups:
                yield balancer.arn
        rest = self.app.service("apigateway", region)
        assert isinstance(rest, ApiGateway)
        yield from rest.links_in(group)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set; ``lab.json`` is written once everything answers."""
        self.host.loop = asyncio.get_running_loop()
        endpoint = _serve_aws(self.settings.aws_port, self.endpoint)
        await self.gateway.start(self.settings.execute_api_port)
        data_plane = asyncio.create_task(self.load_balancers.run())
        try:
            folder.write_facts(self.settings, self.credentials)
            _LOG.info("The lab is up at %s", self.settings.aws_url)
            await stop.wait()
        finally:
            await self.host.stop_all()
            data_plane.cancel()
            await self.gateway.stop()
            endpoint.shutdown()


@dataclasses.dataclass
class Running:
    """One cluster's API server and controllers."""

    cluster: Cluster
    server: ApiServer
    controllers: asyncio.Task[None]


class LabClusters:
    """Runs the clusters' API servers and controllers: see :class:`lab.aws.eks.ClusterHost`."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, settings: Settings, credentials: dict[str, dict[str, str]], faults: Faults) -> None:
        self.settings = settings
        self.credentials = credentials
        self.faults = faults
        self._addresses = Addresses()
        self._running: dict[str, Running] = {}

    def start(self, cluster: Cluster) -> Endpoint:
        return asyncio.run_coroutine_threadsafe(self._start(cluster), self.loop).result()

    def stop(self, cluster: Cluster) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(cluster.arn), self.loop).result()

    async def stop_all(self) -> None:
        for arn in list(self._running):
            await self._stop(arn)

    async def _start(self, cluster: Cluster) -> Endpoint:
        settings = self.settings.of_cluster(cluster.region, cluster.name)
        lifetime = datetime.timedelta(seconds=settings.token_lifetime)
        access = ClusterAccess(cluster, settings.aws_url, lifetime)
        server = await kubernetes.start(
            settings,
            cluster.name,
            cluster.info["version"],
            access.authenticate,
            access.authorize,
            functools.partial(read_log, settings),
            self.faults,
        )
        control = asyncio.create_task(self._control(server, cluster, settings))
        self._running[cluster.arn] = Running(cluster, server, control)
        self._write_kubeconfig()
        return Endpoint(server.url, server.ca_pem)

    async def _stop(self, arn: str) -> None:
        if running := self._running.pop(arn, None):
            running.controllers.cancel()
            await asyncio.wait([running.controllers])
            await running.server.stop()
        self._write_kubeconfig()

    async def _control(self, server: ApiServer, cluster: Cluster, settings: Settings) -> None:
        """Auto Mode works in AWS with the cluster's role."""
        session = account.auto_mode_session(settings.region, cluster.info["roleArn"])
        clients = functools.partial(_client, settings, session)
        try:
            await controllers.run(server, clients, settings, cluster.info, self._addresses)
        except Exception:
            _LOG.exception("The controllers of cluster %s ended", cluster.name)

    def _write_kubeconfig(self) -> None:
        # kubectl gets the lab's own region, like everything that the lab writes.
        clusters = {
            each.cluster.name: Endpoint(each.server.url, each.server.ca_pem)
            for each in self._running.values()
            if each.cluster.region == self.settings.region
        }
        folder.write_kubeconfig(self.settings, clusters, self.credentials["k8s"])


def _client(settings: Settings, credentials: dict[str, str], service: str) -> Any:
    """A boto3 client of this lab."""
    return boto3.client(
        service,
        region_name=settings.region,
        endpoint_url=settings.aws_url,
        aws_access_key_id=credentials["access_key"],
        aws_secret_access_key=credentials["secret_key"],
        aws_session_token=credentials["session_token"],
    )


def _serve_aws(port: int, app: FaultyApp) -> BaseWSGIServer:
    """Answer on 127.0.0.1, each connection in a thread of its own."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def serve(settings: Settings) -> None:
    """Run a lab in this process until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with folder.hold(settings.folder), hold_octet(settings.loopback_octet):
        asyncio.run(_serve_until_signalled(settings))


async def _serve_until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Lab(settings).run(stop)


if __name__ == "__main__":
    serve(Settings.from_json(json.loads(sys.argv[1])))
