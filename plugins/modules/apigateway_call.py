#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls a deployed REST API as its clients would, and says why when it doesn't answer as expected."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigateway_call
version_added: 1.0.0
short_description: Call a deployed REST API
description:
  - Sends requests to a stage of API Gateway, one after the other, until each got the expected status.
    A new deployment or API key takes a moment until it works, so a request that fails is repeated.
  - The value of the API key is read here, and can't appear in any output.
  - When time is up, explains the last answer.
author:
  - seam.eks_auto contributors (@seam)
options:
  url:
    description: URL of the stage, for example C(https://oz2vid1f0h.execute-api.eu-central-1.amazonaws.com/prod).
    type: str
    required: true
  api_key_id:
    description: ID (not value) of the API key to send.
    type: str
  requests:
    description: The requests, in the order in which they are sent.
    type: list
    elements: dict
    required: true
    suboptions:
      method:
        description: HTTP method.
        type: str
        choices: [DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT]
        default: GET
      path:
        description: Path below the stage.
        type: str
        default: /
      query:
        description: Query parameters.
        type: dict
        default: {}
      headers:
        description: Headers.
        type: dict
        default: {}
      body:
        description: Body. Sent as JSON unless it is text.
        type: raw
      status:
        description: The expected status.
        type: int
        default: 200
  request_timeout:
    description: Seconds for one request. API Gateway itself gives up after 29 s unless its quota was raised.
    type: int
    default: 30
  wait_timeout:
    description: Seconds for all. V(0) sends each request once.
    type: int
    default: 120
attributes:
  check_mode:
    description: Sends no request, since requests may change data of the service behind the API.
    support: full
  idempotent:
    description: Sends its requests each time. Whether they change anything is the service's matter.
    support: N/A
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.info
seealso:
  - name: Gateway responses
    description: What API Gateway itself answers, and why.
    link: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

EXAMPLES = r"""
- name: Call the petstore
  seam.eks_auto.apigateway_call:
    url: https://oz2vid1f0h.execute-api.eu-central-1.amazonaws.com/prod
    api_key_id: "{{ usage_plan.api_key.id }}"
    requests:
      - path: /
      - method: PUT
        path: /pet
        body:
          id: 7
          name: Mill
  register: called
"""

RETURN = r"""
responses:
  description: The last answer to each request, in their order. Empty in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    method:
      description: HTTP method.
      type: str
    path:
      description: Path below the stage.
      type: str
    status:
      description: HTTP status.
      type: int
    latency_ms:
      description: Milliseconds from sending the request to the end of the answer.
      type: int
    body:
      description: The first 500 characters of the answer's body.
      type: str
timeline:
  description: What was seen when.
  returned: when not in check mode
  type: list
  elements: dict
"""

import json
import time
import typing as t
from dataclasses import asdict, dataclass
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode

from ansible.module_utils.urls import open_url
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import api
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import CALL_METHODS, Rules, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Verdict, wait

Item = dict[str, t.Any]

METHODS = list(CALL_METHODS)
RULES: dict[str, Rules] = {"request_timeout": "timeout", "wait_timeout": "seconds"}
EXCERPT = 500


@dataclass(frozen=True)
class Response:
    """One answer. ``status`` is None when there was none; ``body`` says why then."""

    method: str
    path: str
    status: int | None
    latency_ms: int
    body: str
    error_type: str = ""


def explain(response: Response) -> tuple[str, str]:
    """An unexpected answer's meaning, and its fix.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    """
    if response.status is None:
        return "nothing answers at this URL", "check url, the region, and name resolution of the endpoint"
    for status, text, meaning, fix in _KNOWN_ANSWERS:
        if response.status == status and text in response.error_type + response.body:
            return meaning, fix
    return "an answer of the backend, or one that isn't known here", "compare with a call of the backend itself"


_KNOWN_ANSWERS = (
    (
        403,
        "Missing Authentication Token",
        "API Gateway doesn't know this path and method in the deployed stage",
        "check stage, path and method, and that the definition with them is deployed",
    ),
    (
        403,
        "Forbidden",
        "API Gateway refuses the API key, or knows no such stage",
        "check the stage's name, that the key is sent and enabled, and that a usage plan joins it to this stage",
    ),
    (403, "", "API Gateway refuses the caller", "check authorizers and the API's resource policy"),
    (
        404,
        "",
        "the backend doesn't know the path that API Gateway asked for",
        "check the backend's base path, and whether the backend gets the stage in its path",
    ),
    (429, "Limit Exceeded", "the quota of the usage plan is used up", "raise the quota, or wait for its next period"),
    (429, "", "the rate limit of the usage plan, stage or account is exceeded", "send less, or raise the limits"),
    (
        500,
        "",
        "API Gateway can't reach the backend, unless the backend itself says so",
        "check that the VPC link is AVAILABLE, the stage variables name it, the port is a listener of the "
        "load balancer, and its targets are healthy",
    ),
    (502, "", "API Gateway couldn't use the backend's answer", "check the backend's answer and TLS certificate"),
    (503, "", "the backend is not available", "check that the load balancer has healthy targets"),
    (
        504,
        "",
        "the backend didn't answer in time, or API Gateway found no way to it",
        "check the load balancer's listener, targets and security groups, and the integration's time-out",
    ),
)


def judge(responses: list[Response], expected: list[int]) -> Verdict:
    """Done when all requests were answered as expected; only a used-up quota can't get better by itself."""
    done = [response for response, status in zip(responses, expected, strict=False) if response.status == status]
    if len(done) == len(expected):
        return Verdict.done("Answered", f"all {len(expected)} requests were answered as expected")
    last = responses[-1]
    meaning, fix = explain(last)
    status = "no answer" if last.status is None else last.status
    message = f"{last.method} {last.path} got {status} (expected {expected[len(responses) - 1]}): {meaning}. The answer: {last.body}"
    if last.status == 429 and "Limit Exceeded" in last.body:
        return Verdict.failed("429", message, "infra", fix)
    return Verdict.waiting(str(status), message, "infra", fix)


class Caller:
    """Sends requests. Those answered as expected aren't sent again, and the first other answer ends an attempt."""

    def __init__(self, params: Item, api_key: str | None) -> None:
        self.params = params
        self.api_key = api_key
        self.good: list[Response] = []

    def attempt(self) -> list[Response]:
        """The answers so far; the last may be one that wasn't expected."""
        for request in self.params["requests"][len(self.good) :]:
            response = self._send(request)
            if response.status != request["status"]:
                return [*self.good, response]
            self.good.append(response)
        return self.good

    def _send(self, request: Item) -> Response:
        body, headers = request["body"], {key: str(value) for key, value in request["headers"].items()}
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
            headers = {"Content-Type": "application/json", **headers}
        if self.api_key:
            headers["x-api-key"] = self.api_key
        query = f"?{urlencode(request['query'], doseq=True)}" if request["query"] else ""
        started = time.monotonic()
        try:
            answer = open_url(
                self.params["url"].rstrip("/") + quote(request["path"], safe="/:,;=@+$!*'()~%") + query,
                method=request["method"],
                data=body,
                headers=headers,
                timeout=self.params["request_timeout"],
                validate_certs=self.params["validate_certs"],
                ca_path=self.params["aws_ca_bundle"],
                follow_redirects="none",
            )
            status, text = answer.status, answer.read()
        except HTTPError as error:
            answer, status, text = error, error.code, error.read()
        except (URLError, OSError, ValueError) as error:
            answer, status, text = None, None, str(error).encode()
        return Response(
            method=request["method"],
            path=request["path"],
            status=status,
            latency_ms=round((time.monotonic() - started) * 1000),
            body=text.decode(errors="replace")[:EXCERPT],
            error_type=(answer.headers.get("x-amzn-ErrorType") or "") if answer else "",
        )


def shown(response: Response) -> Result:
    return {key: value for key, value in asdict(response).items() if key != "error_type"}


def run(module: AnsibleAWSModule, _started: list[Step]) -> Result:
    """Call until all is as expected, and return the module's result."""
    params = module.params
    require_sound(params, RULES)
    if module.check_mode:
        return {"changed": False, "responses": []}
    api_key = None
    if params["api_key_id"]:
        api_key = api.get_api_key_value(module.client("apigateway"), params["api_key_id"])
        module.no_log_values.add(api_key)
    caller = Caller(params, api_key)
    expected = [request["status"] for request in params["requests"]]
    responses, timeline = wait(
        caller.attempt,
        lambda answers: judge(answers, expected),
        subject=f"the API at {params['url']} to answer",
        timeout=params["wait_timeout"],
    )
    return {
        "changed": False,
        "responses": [shown(response) for response in responses],
        "timeline": timeline.entries,
    }


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "api_key_id": {"type": "str", "no_log": False},
            "requests": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "method": {"type": "str", "choices": METHODS, "default": "GET"},
                    "path": {"type": "str", "default": "/"},
                    "query": {"type": "dict", "default": {}},
                    "headers": {"type": "dict", "default": {}},
                    "body": {"type": "raw"},
                    "status": {"type": "int", "default": 200},
                },
            },
            "request_timeout": {"type": "int", "default": 30},
            "wait_timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
