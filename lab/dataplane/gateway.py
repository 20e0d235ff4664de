# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway's stages, served: ``http://127.0.0.1:<port>/<REST API id>/<stage>/<path>``.

A request goes through API key and usage plan, the stage's deployed snapshot, its variables, the integration, the VPC
link, and a listener of the load balancer. The port in the integration's URI chooses the listener.
"""

from __future__ import annotations

import base64
import random
import secrets
import uuid

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from lab.aws.apigateway import ApiGateway
from lab.aws.apigateway.common import Deployment, Item, RestApi
from lab.aws.apigateway.stage_variables import releases
from lab.aws.apigateway.throttling import Bucket
from lab.dataplane import gateway_requests as requests
from lab.dataplane.gateway_refusals import Refusal, internal, unknown
from lab.dataplane.gateway_routes import Route, find_route

_LARGEST_BODY = 10 * 1024 * 1024


class Gateway:
    """The server. ``start`` and ``stop`` are called on the event loop that it then runs on."""

    def __init__(self, service: ApiGateway, address: requests.Address) -> None:
        self.service = service
        self.address = address
        self._buckets: dict[tuple[str, str], Bucket] = {}

    async def start(self, port: int) -> str:
        """Listen on 127.0.0.1; returns the URL. Port 0 takes a free one."""
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{tail:.*}", self._answer)
        # Each request has a connection of its own, so that the load balancer chooses a healthy target for each.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, skip_auto_headers=["Accept", "Content-Type", "User-Agent"]
        )
        self._runner = web.AppRunner(application, auto_decompress=False, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.Response:
        request_id = str(uuid.uuid4())
        try:
            response = await self._pass_on(request, request_id)
        except Refusal as refusal:
            headers = {"x-amzn-ErrorType": refusal.error_type}
            response = web.json_response({"message": refusal.message}, status=refusal.status, headers=headers)
        response.headers["x-amzn-RequestId"] = request_id
        response.headers["x-amz-apigw-id"] = base64.b64encode(secrets.token_bytes(11)).decode()
        return response

    async def _pass_on(self, request: web.Request, request_id: str) -> web.Response:
        api, stage, path = self._stage(request.rel_url.raw_path)
        stage = _release(stage)
        deployment = api.deployments[stage["deploymentId"]]
        route = find_route(deployment, request.method, path)
        if route.method["authorizationType"] == "AWS_IAM":
            raise unknown()
        if route.method["authorizationType"] != "NONE":
            # Nothing in the lab could verify a token.
            raise Refusal(401, "Unauthorized")
        if route.method["apiKeyRequired"]:
            refused = self.service.admit(api.id, stage["stageName"], request.headers.get("x-api-key"))
            if refused:
                raise Refusal(*refused)
        self._throttle(api, stage)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise Refusal(413, "Request Too Long") from None
        incoming = requests.Incoming(
            api_id=api.id,
            stage=stage,
            method=request.method,
            path=path,
            query=request.query,
            raw_query=request.rel_url.raw_query_string,
            headers=CIMultiDict(request.headers),
            body=body,
            source_ip=request.remote or "",
            request_id=request_id,
            path_parameters=route.path_parameters,
        )
        return await self._integrate(deployment, route, incoming)

    def _stage(self, raw_path: str) -> tuple[RestApi, Item, str]:
        _, api_id, stage_name, *rest = [*raw_path.split("/", 3), "", ""][:4]
        api = self.service.apis.get(api_id)
        stage = api.stages.get(stage_name) if api else None
        if api is None or stage is None:
            raise unknown()
        if api.info["disableExecuteApiEndpoint"]:
            raise Refusal(403, "Forbidden")
        return api, stage, "/" + "/".join(rest)

    def _throttle(self, api: RestApi, stage: Item) -> None:
        """Refuse what is more than the stage's settings for all methods let through."""
        limits = stage["methodSettings"].get("*/*", {})
        if not {"throttlingRateLimit", "throttlingBurstLimit"} <= limits.keys():
            return
        rate, burst = limits["throttlingRateLimit"], limits["throttlingBurstLimit"]
        if not self._buckets.setdefault((api.id, stage["stageName"]), Bucket(burst)).take(rate, burst):
            raise Refusal(429, "Too Many Requests")

    async def _integrate(self, deployment: Deployment, route: Route, incoming: requests.Incoming) -> web.Response:
        requests.check_parameters(deployment, route, incoming)
        integration = route.method["methodIntegration"]
        requests.check_body(integration, incoming)
        outgoing = requests.outgoing(route, incoming, deployment.binary_media_types)
        url = requests.locate(integration, outgoing.url, incoming, self.service.find_link, self.address)
        timeout = aiohttp.ClientTimeout(total=integration["timeoutInMillis"] / 1000)
        try:
            async with self._session.request(
                outgoing.method,
                URL(url, encoded=True),
                headers=outgoing.headers,
                data=outgoing.body or None,
                timeout=timeout,
                allow_redirects=False,
                ssl=not integration.get("tlsConfig", {}).get("insecureSkipVerification", False),
            ) as response:
                body = await response.read()
        except TimeoutError:
            raise Refusal(504, "Endpoint request timed out") from None
        except (aiohttp.ClientError, OSError):
            raise internal() from None
        return _returned(integration, response.status, CIMultiDict(response.headers), body)


def _release(stage: Item) -> Item:
    """The release for this request: at random the stage's canary, for its share of the requests, else the stage itself."""
    *_, canary = releases(stage)
    return canary if 100 * random.random() < stage.get("canarySettings", {}).get("percentTraffic", 0) else stage


def _returned(integration: Item, status: int, headers: CIMultiDict[str], body: bytes) -> web.Response:
    if integration["type"] == "HTTP_PROXY":
        return web.Response(status=status, headers=requests.response_headers(headers), body=body)
    status, headers = requests.mapped_response(integration, status, headers)
    return web.Response(status=status, headers=headers, body=body)
