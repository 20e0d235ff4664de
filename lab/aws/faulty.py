# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS endpoint with the lab's injected faults. They hit its users, never the lab's own calls."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterable
from typing import Any

from moto.core.request import Request

from lab.aws.apigateway import ApiGatewayV2
from lab.aws.app import AwsApp, boto3_name, error, is_mutating
from lab.aws.iam.authorization import AWS_SESSIONS
from lab.aws.identity import CLUSTER_HEADER
from lab.aws.signature import Refused, Signature
from lab.faults import Fault, Faults, fingerprint

#: How services refuse a call for its rate: code, message, status. EKS's and API Gateway's are in their service models.
_THROTTLING = {
    "apigateway": ("TooManyRequestsException", "Too Many Requests", 429),
    "apigatewayv2": ("TooManyRequestsException", "Too Many Requests", 429),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "eks": ("ThrottlingException", "Rate exceeded", 429),
}
_THROTTLED = ("Throttling", "Rate exceeded", 400)
#: Likewise for an outage.
_UNAVAILABILITY = {
    "apigateway": ("ServiceUnavailableException", "The requested service is not available.", 503),
    "eks": ("ServiceUnavailableException", "The service is unavailable. Back off and retry the operation.", 503),
}
_UNAVAILABLE = ("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503)
_POLL = 0.05


class FaultyApp:
    """The WSGI application of the lab's AWS endpoint."""

    def __init__(self, app: AwsApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        # Read here, and by the application again.
        body = request.get_data()
        environ["wsgi.input"] = io.BytesIO(body)
        service, operation, own = self._call(request)
        sent = fingerprint(request.method, request.full_path, body)
        fault = None if own else self._faults.pick(service, operation, is_mutating(operation), sent)
        if fault is None:
            return self._app(environ, start_response)
        match fault.kind:
            case "throttle":
                return error(service, *_THROTTLING.get(service, _THROTTLED))(environ, start_response)
            case "unavailable":
                return error(service, *_UNAVAILABILITY.get(service, _UNAVAILABLE))(environ, start_response)
            case "slow":
                time.sleep(fault.seconds)
                return self._app(environ, start_response)
            case "idle":
                links = self._app.service(service, Signature.of(request).region)
                assert isinstance(links, ApiGatewayV2)
                links.make_inactive()
                return self._app(environ, start_response)
        self._end_connection(fault, environ)
        raise ConnectionResetError

    def _call(self, request: Request) -> tuple[str, str, bool]:
        """Service, operation, and whether the lab itself calls: Auto Mode, or a cluster that verifies a token."""
        try:
            signature = Signature.of(request)
        except Refused:
            return "unknown", "", False
        own = signature.access_key in AWS_SESSIONS or CLUSTER_HEADER in request.headers
        service = boto3_name(signature, request)
        return service, self._app.operation(request, service, signature.region), own

    def _end_connection(self, fault: Fault, environ: dict[str, Any]) -> None:
        if fault.after:
            list(self._app(environ, lambda *_: None))
        while fault.kind == "hang" and not self._faults.cleared:
            time.sleep(_POLL)
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
