# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API Gateway alone, over HTTP, for tests: no signatures, and no other AWS service but moto's load balancers."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.core.request import Request
from moto.elbv2.models import elbv2_backends
from werkzeug.serving import make_server

from lab.aws.apigateway import ApiGateway, ApiGatewayV2
from lab.settings import ACCOUNT, Settings

REGION = "eu-west-1"


def settings(folder: Path, pace: float = 0) -> Settings:
    return Settings(folder, pace, REGION, aws_port=0, execute_api_port=0, loopback_octet=97)


class _Endpoint:
    """One server and one client for all tests, since both take long to make; the service behind it is each test's own."""

    service: ApiGateway

    def __init__(self) -> None:
        server = make_server("127.0.0.1", 0, Request.application(self._answer), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.port}"
        # A full quota is HTTP 429 too, which botocore would retry.
        config = Config(retries={"total_max_attempts": 1})
        session = boto3.Session("test", "test", region_name=REGION)
        self.client = session.client("apigateway", endpoint_url=url, config=config)
        self.client_v2 = session.client("apigatewayv2", endpoint_url=url, config=config)

    def _answer(self, request: Request) -> Any:
        service = ApiGatewayV2(self.service) if request.path.startswith("/v2/") else self.service
        return service.handle(request, "arn:aws:iam::123456789012:user/tester")


@functools.cache
def _endpoint() -> _Endpoint:
    return _Endpoint()


def client_of(service: ApiGateway) -> Any:
    """A boto3 client whose calls this service answers, until another is asked for."""
    _endpoint().service = service
    return _endpoint().client


def client_v2_of(service: ApiGateway) -> Any:
    """Likewise, of the API with VPC links V2."""
    _endpoint().service = service
    return _endpoint().client_v2


def add_load_balancer(name: str, kind: str = "net") -> str:
    """Put a load balancer into moto's Elastic Load Balancing, as far as API Gateway looks. Returns its ARN."""
    arn = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/{kind}/{name}/50dc6c495c0c9188"
    elbv2_backends[ACCOUNT][REGION].load_balancers[arn] = object()  # Only its ARN counts.
    return arn


def http_method(uri: str, **integration: Any) -> dict[str, Any]:
    """An operation of an OpenAPI document that passes on to ``uri`` through the stage's VPC link."""
    linked = {"connectionType": "VPC_LINK", "connectionId": "${stageVariables.link}"}
    return {
        "responses": {"200": {"description": "200 response"}},
        "x-amazon-apigateway-integration": {
            "type": "http_proxy", "httpMethod": "GET", "uri": uri, **linked, **integration
        },
    }  # fmt: skip


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An OpenAPI document with these paths."""
    return {"openapi": "3.0.1", "info": {"title": "petstore", "version": "1"}, "paths": paths, **more}
