# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway's stages, served: ``http://127.0.0.1:<port>/<REST API id>/<stage>/<path>``.

A request goes through API key and usage plan, the stage's deployed snapshot, its variables, the integration, the VPC
link, and the load balancer's listener that the port in the integration's URI chooses.
"""

from __future__ import annotations

import base64
import random
import secrets
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from lab.aws.apigateway import ApiGateway
from lab.aws.apigateway.common import Deployment, Item, RestApi
from lab.aws.apigateway.vpc_links import releases, resolve_variables
from lab.aws.apigateway.vpc_links_v2 import VpcLinkV2
from lab.dataplane import gateway_requests as requests

#: (host, port) where the listener of a load balancer (its ARN, the listener's port) really is, if there is one.
Address = Callable[[str, int], tuple[str, int] | None]

_LARGEST_BODY = 10 * 1024 * 1024
_ERROR_TYPES = {
    "Forbidden": "ForbiddenException",
    "Missing Authentication Token": "MissingAuthenticationTokenException",
    "Too Many Requests": "TooManyRequestsException",
    "Limit Exceeded": "LimitExceededException",
    "Unauthorized": "UnauthorizedException",
    "Unsupported Media Type": "UnsupportedMediaTypeException",
}


class Refusal(Exception):
    """API Gateway's own answer instead of the backend's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def error_type(self) -> str:
        kind = "InternalServerErrorException" if self.status >= 500 else "BadRequestException"
        return _ERROR_TYPES.get(self.message, kind)


def _internal() -> Refusal:
    return Refusal(500, "Internal server error")


class Gateway:
    """The server. ``start`` and ``stop`` are called on the event loop that it then runs on."""

    def __init__(self, service: ApiGateway, address: Address) -> None:
        self.service = service
        self.address = address

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
        route = requests.find_route(deployment, request.method, path)
        if route is None:
            raise Refusal(403, "Missing Authentication Token")
        if route.method["authorizationType"] == "AWS_IAM":
            raise Refusal(403, "Missing Authentication Token")
        if route.method["authorizationType"] != "NONE":
            # Nothing in the lab could say that a token is right.
            raise Refusal(401, "Unauthorized")
        if route.method["apiKeyRequired"]:
            refused = self.service.admit(api.id, stage["stageName"], request.headers.get("x-api-key"))
            if refused:
                raise Refusal(*refused)
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
            raise Refusal(403, "Missing Authentication Token")
        if api.info["disableExecuteApiEndpoint"]:
            raise Refusal(403, "Forbidden")
        return api, stage, "/" + "/".join(rest)

    async def _integrate(
        self, deployment: Deployment, route: requests.Route, incoming: requests.Incoming
    ) -> web.Response:
        missing = requests.missing_parameters(deployment, route, incoming)
        if missing:
            raise Refusal(400, f"Missing required request parameters: [{', '.join(missing)}]")
        integration = route.method["methodIntegration"]
        _check_passthrough(integration, incoming)
        outgoing = requests.outgoing(route, incoming, deployment.binary_media_types)
        if outgoing is None:
            raise _internal()
        url = self._really(integration, outgoing.url, incoming)
        timeout = aiohttp.ClientTimeout(total=integration["timeoutInMillis"] / 1000)
        try:
            async with self._session.request(
                outgoing.method,
                url,
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
            raise _internal() from None
        return _returned(integration, response.status, CIMultiDict(response.headers), body)

    def _really(self, integration: Item, url: str, incoming: requests.Incoming) -> URL:
        """Where the request goes on this machine. Through a VPC link, the URL's host only names; its port chooses."""
        if integration.get("connectionType") != "VPC_LINK":
            return URL(url, encoded=True)
        variables = incoming.stage.get("variables", {})
        link = self.service.find_link(resolve_variables(integration["connectionId"], variables) or "")
        target = link.target_of(integration) if link else None
        if target is None:
            raise _internal()
        parts = urlsplit(url)
        if isinstance(link, VpcLinkV2):
            path = requests.path_through_v2(integration, incoming, parts.path)
            if path is None:
                raise _internal()
            parts = parts._replace(path=path)
        address = self.address(target, parts.port or {"http": 80, "https": 443}[parts.scheme])
        if address is None:
            raise _internal()
        return URL(parts._replace(netloc=f"{address[0]}:{address[1]}").geturl(), encoded=True)


def _release(stage: Item) -> Item:
    """What of the stage this request gets: its canary, for the share of the requests that the canary has, at random."""
    *_, canary = releases(stage)
    return canary if 100 * random.random() < stage.get("canarySettings", {}).get("percentTraffic", 0) else stage


def _check_passthrough(integration: Item, incoming: requests.Incoming) -> None:
    """Refuse a body that a non-proxy integration has no template for, if it says so.

    Templates aren't evaluated, but for those that only say which path a link V2 sends.
    """
    if integration["type"] not in ("HTTP", "HTTP_PROXY"):
        raise _internal()
    if integration["type"] == "HTTP_PROXY" or not incoming.body:
        return
    templates = integration.get("requestTemplates", {})
    media_type = incoming.headers.get("Content-Type", "application/json").partition(";")[0]
    if media_type in templates:
        if not requests.overrides_path_only(templates[media_type]):
            raise _internal()
        return
    behaviour = integration["passthroughBehavior"]
    if behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and templates):
        raise Refusal(415, "Unsupported Media Type")


def _returned(integration: Item, status: int, headers: CIMultiDict[str], body: bytes) -> web.Response:
    if integration["type"] == "HTTP_PROXY":
        return web.Response(status=status, headers=requests.response_headers(headers), body=body)
    mapped = requests.mapped_response(integration, status, headers)
    if mapped is None:
        raise _internal()
    return web.Response(status=mapped[0], headers=mapped[1], body=body)
