# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serves a REST-JSON service of AWS's from botocore's own model of it.

The model gives URLs, parameters, their types and the HTTP status of each error, so a service here is only its
behaviour: a subclass with one method for each operation it knows.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any, ClassVar

from botocore import xform_name
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator
from moto.core.model import OperationModel
from moto.core.parse import RequestParserError, RestJSONParser
from moto.core.request import Request
from moto.core.routing import RestRouter
from moto.core.serialize import RestJSONSerializer
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from lab.settings import ACCOUNT


class AwsError(Exception):
    """An answer that refuses. The HTTP status is the model's for ``code``, unless given; ``fields`` go into the body."""

    def __init__(self, code: str, message: str, status: int | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


@dataclasses.dataclass
class Call:
    """One call of an operation: its name, parameters (spelled as AWS does), and who calls."""

    operation: str
    params: dict[str, Any]
    caller_arn: str
    region: str
    account: str = ACCOUNT


class Service:
    """One AWS service in one region. Subclasses name it as boto3 does, and add a method for each operation."""

    name: ClassVar[str]

    def __init__(self, region: str) -> None:
        self.region = region
        self.model = get_service_model(self.name)
        self.router = RestRouter(self.model)

    def handle(self, request: Request, caller_arn: str) -> Response:
        """Answer one HTTP request of an authenticated caller."""
        try:
            operation, path_params = self.router.match(request)
        except NotFound:
            return self._refusal(AwsError("UnknownOperationException", "Unknown operation", 404))
        try:
            method = getattr(self, xform_name(operation.name), None)
            if method is None:
                raise AwsError("NotImplemented", f"The lab doesn't cover {self.name}:{operation.name}", 501)
            call = Call(operation.name, self._parse(request, operation, path_params), caller_arn, self.region)
            self.check_rate(call)
            self.check_tags(call, call.params.get("tags") or call.params.get("Tags") or {})
            result = method(call)
        except AwsError as error:
            return self._refusal(error)
        answer = RestJSONSerializer(operation).serialize(result or {})
        headers = {**answer["headers"], "x-amzn-RequestId": str(uuid.uuid4())}
        headers.setdefault("Content-Type", "application/json")
        return Response(answer["body"], answer["status_code"], headers)

    def check_rate(self, call: Call) -> None:
        """Refuse a call that comes too soon after others."""

    def check_tags(self, call: Call, given: dict[str, str]) -> None:
        """Refuse tags that the service doesn't take, wherever they are given."""

    def parameters(self, request: Request) -> dict[str, Any]:
        """A request's parameters, or none if :meth:`handle` will refuse them."""
        try:
            operation, path_params = self.router.match(request)
            return self._parse(request, operation, path_params)
        except (NotFound, AwsError):
            return {}

    def _parse(self, request: Request, operation: OperationModel, path_params: dict[str, Any]) -> dict[str, Any]:
        try:
            params = RestJSONParser(operation).parse(
                {
                    "method": request.method,
                    "values": request.args,
                    "headers": request.headers,
                    "body": request.get_data(),
                    "url_path": request.path,
                    "url_params": path_params,
                }
            )
        except RequestParserError as error:
            raise AwsError("SerializationException", str(error), 400) from error
        params = {name: value for name, value in params.items() if value is not None}
        if operation.input_shape is not None:
            report = ParamValidator().validate(params, operation.input_shape)
            if report.has_errors():
                raise AwsError("ValidationException", str(ParamValidationError(report=report.generate_report())), 400)
        return params

    def _refusal(self, error: AwsError) -> Response:
        status = error.status or self._modelled_status(error.code)
        headers = {
            "Content-Type": "application/json",
            "x-amzn-ErrorType": error.code,
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        return Response(json.dumps({"message": error.message, **error.fields}), status, headers)

    def _modelled_status(self, code: str) -> int:
        for shape in self.model.error_shapes:
            if shape.error_code == code:
                return int(shape.metadata.get("error", {}).get("httpStatusCode", 400))
        return 400
