# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS endpoint: authenticates and authorizes every request, and hands it to the service it is signed for.

That is one of the lab's own services, or moto. Every call is written to a log, a JSON object a line.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import threading
import uuid
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any, Protocol

from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from lab.aws import tags
from lab.aws.iam import Authorization, Denied
from lab.aws.iam.permissions import needs
from lab.aws.iam.policy import Permission
from lab.aws.service import Service
from lab.aws.signature import ALGORITHM, Refused, Signature

#: Operations that only read. AssumeRole and GetSessionToken make credentials, and change nothing.
READ_ONLY = ("Describe", "Get", "List", "Lookup", "Search", "Simulate", "Validate", "AssumeRole")

_STATUS = 403
#: EC2 has error codes, texts and a status of its own (EC2 API reference, common client errors).
_EC2_REFUSALS = {
    "InvalidClientTokenId": ("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
    "SignatureDoesNotMatch": ("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
    "ExpiredToken": ("RequestExpired", "Request has expired.", 400),
}
#: EC2's words before IAM's reason.
_EC2_DENIED = "You are not authorized to perform this operation."
_JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "ExpiredToken": "ExpiredTokenException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "IncompleteSignature": "IncompleteSignatureException",
}
_QUERY_SERVICES = ("sts", "iam", "elasticloadbalancing", "autoscaling", "cloudformation")


class Wsgi(Protocol):
    """A WSGI application."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]: ...


class AwsApp:
    """The WSGI application. ``services`` makes, by boto3's name, the service of a region."""

    def __init__(self, call_log: Path, services: dict[str, Callable[[str], Service]]) -> None:
        self._factories = services
        self._services: dict[tuple[str, str], Service] = {}
        self._moto: Wsgi = DomainDispatcherApplication(create_backend_app)
        # moto's backends are not made for calls at the same time.
        self._lock = threading.RLock()
        self._call_log = call_log
        self._log_lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        authorization = Authorization("anonymous")
        operation = ""
        try:
            signature = Signature.of(request)
            service = boto3_name(signature, request)
            authorization = Authorization(signature.verify(request).arn, signature.access_key)
            operation = self.operation(request, service, signature.region)
            with self._lock:
                authorization.require(self._needs(request, service, signature.region, operation), signature.region)
            response = self._answer(request, signature, service, authorization.caller_arn)
        except Refused as refused:
            service = _service_of_refused(request)
            response = _refusal(service, refused)
        except Denied as denied:
            response = _refusal(service, Refused("AccessDenied", str(denied)))
        self._log(authorization, service, operation or self.operation(request, service), response.status_code)
        return response(environ, start_response)

    def service(self, name: str, region: str) -> Service:
        """The lab's own service of that name in a region, made when first asked for."""
        with self._lock:
            if (name, region) not in self._services:
                self._services[name, region] = self._factories[name](region)
            return self._services[name, region]

    def _needs(self, request: Request, service: str, region: str, operation: str) -> list[Permission]:
        own = self.service(service, region) if service in self._factories else None
        return needs(service, region, operation, request, own)

    def _answer(self, request: Request, signature: Signature, service: str, caller: str) -> Response:
        if service in self._factories:
            return self.service(service, signature.region).handle(request, caller)
        if refused := tags.refusal(service, request.values):
            return error(service, *refused, 400)
        return self._ask_moto(request, signature)

    def _ask_moto(self, request: Request, signature: Signature) -> Response:
        environ = {**request.environ, "wsgi.input": io.BytesIO(request.get_data())}
        # moto finds service, region and caller in this header only, also for presigned requests.
        environ.setdefault(
            "HTTP_AUTHORIZATION",
            f"{ALGORITHM} Credential={signature.scope}, SignedHeaders=host, Signature={signature.digest}",
        )
        with self._lock:
            return Response.from_app(self._moto, environ, buffered=True)

    def operation(self, request: Request, service: str, region: str = "") -> str:
        """The called operation's name, if it has one."""
        if target := request.headers.get("X-Amz-Target"):
            return target.rpartition(".")[2]
        if action := request.values.get("Action"):
            return action
        if service in self._factories and region:
            with contextlib.suppress(NotFound):
                return str(self.service(service, region).router.match(request)[0].name)
        return f"{request.method} {request.path}"

    def _log(self, authorization: Authorization, service: str, operation: str, status: int) -> None:
        line = {
            "time": datetime.datetime.now(datetime.UTC).isoformat(),
            "caller": authorization.caller_arn,
            "service": service,
            "operation": operation,
            "mutating": is_mutating(operation),
            "status": status,
            "permissions": authorization.findings,
        }
        with self._log_lock, self._call_log.open("a") as log:
            print(json.dumps(line), file=log)


def is_mutating(operation: str) -> bool:
    """Whether an operation may change something."""
    return not operation.startswith(READ_ONLY)


def boto3_name(signature: Signature, request: Request) -> str:
    """boto3's name of the service. Requests to both of API Gateway's APIs are signed for the same one."""
    v2 = signature.service == "apigateway" and request.path.startswith("/v2/")
    return "apigatewayv2" if v2 else signature.service


def _service_of_refused(request: Request) -> str:
    """The service that a request without a good signature is for, as far as it says."""
    try:
        return Signature.of(request).service
    except Refused:
        return "sts" if "Action" in request.values else "unknown"


def _refusal(service: str, refused: Refused) -> Response:
    """AWS's refusal, in the words of the service."""
    code, message, status = refused.code, refused.message, _STATUS
    if service == "ec2" and code == "AccessDenied":
        code, message = "UnauthorizedOperation", f"{_EC2_DENIED} {message}"
    if service == "ec2":
        code, message, status = _EC2_REFUSALS.get(code, (code, message, status))
    elif service not in _QUERY_SERVICES:
        code = _JSON_CODES.get(code, code)
    return error(service, code, message, status)


def error(service: str, code: str, message: str, status: int) -> Response:
    """An error in the form of the service's protocol."""
    request_id = str(uuid.uuid4())
    if service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    elif service in _QUERY_SERVICES:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    else:
        headers = {"x-amzn-ErrorType": code, "x-amzn-RequestId": request_id, "Content-Type": "application/json"}
        return Response(json.dumps({"__type": code, "message": message}), status, headers)
    return Response(body, status, {"Content-Type": "text/xml"})
