# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests through the lab's API Gateway to a real backend: forwarded requests, answers and refusals."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import gzip
import http.client
import json
import threading
import uuid
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from ansible_collections.seam.eks_auto.tests.lab.apigateway_endpoint import (
    REGION,
    add_load_balancer,
    client_of,
    client_v2_of,
    document,
    http_method,
    settings,
)
from moto.ec2.models import ec2_backends

from lab.aws.apigateway import ApiGateway
from lab.dataplane.gateway import Gateway
from lab.settings import ACCOUNT

HOST = "http://nlb.example:8080"


async def _backend(request: web.Request) -> web.Response:
    """Answers with the request it got, except on a few paths."""
    if request.path == "/slow":
        await asyncio.Event().wait()
    if request.path == "/gzip":
        return web.Response(body=gzip.compress(b"packed"), headers={"Content-Encoding": "gzip"})
    if request.path == "/missing":
        return web.Response(status=404, text="no such pet", headers={"X-Reason": "gone", "WWW-Authenticate": "Basic"})
    seen = {
        "method": request.method,
        "path": request.raw_path,
        "headers": dict(request.headers),
        "body": (await request.read()).decode(),
    }
    return web.json_response(seen, headers={"Server": "jetty"})


class Loop:
    """An event loop in a thread of its own, as in the lab."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=10)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


@pytest.fixture(name="loop", scope="module")
def _loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(name="backend", scope="module")
def _backend_address(loop: Loop) -> Iterator[tuple[str, int]]:
    async def start() -> web.AppRunner:
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", _backend)
        runner = web.AppRunner(application, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = loop.run(start())
    yield runner.addresses[0]
    loop.run(runner.cleanup())


@dataclasses.dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclasses.dataclass
class Front:
    """An API Gateway with one load balancer: its control plane, its URL, and the load balancer's listeners by port."""

    service: ApiGateway
    aws: Any
    url: str
    arn: str
    listeners: dict[int, tuple[str, int]]
    api: str = ""

    def deploy(self, paths: dict[str, Any], linked: bool = True, **more: Any) -> None:
        """Put an API on the stage ``prod``, its variable ``link`` naming a link to the load balancer."""
        self.api = self.aws.import_rest_api(body=json.dumps(document(paths, **more)))["id"]
        variables = {"host": "nlb.example:8080"}
        if linked:
            variables["link"] = self.aws.create_vpc_link(name="l", targetArns=[self.arn])["id"]
        self.aws.create_deployment(restApiId=self.api, stageName="prod", variables=variables)

    def set_variable(self, name: str, value: str) -> None:
        operations = [{"op": "replace", "path": f"/variables/{name}", "value": value}]
        self.aws.update_stage(restApiId=self.api, stageName="prod", patchOperations=operations)

    def call(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"/{self.api}/prod{path}", body, named)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer


@pytest.fixture(name="front")
def _front(tmp_path: Path, loop: Loop, backend: tuple[str, int]) -> Iterator[Front]:
    service = ApiGateway(settings(tmp_path))
    arn = add_load_balancer(f"nlb-{uuid.uuid4().hex[:8]}")
    listeners = {8080: backend}
    gateway = Gateway(service, lambda balancer, port: listeners.get(port) if balancer == arn else None)
    url = loop.run(gateway.start(0))
    yield Front(service, client_of(service), url, arn, listeners)
    loop.run(gateway.stop())


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["message"]


PET_ID = {"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}}
TO_PATH = {"integration.request.path.petId": "method.request.path.petId"}


def test_a_request_goes_through_link_and_listener_to_the_uris_path(front: Front) -> None:
    operation = http_method(
        "http://${stageVariables.host}/api/v3/pet/{petId}",
        httpMethod="ANY",
        requestParameters=TO_PATH | {"integration.request.header.Accept": "'application/json'"},
    )
    front.deploy({"/pet/{petId}": {"put": operation | {"parameters": [PET_ID]}}})
    answer = front.call("/pet/a%20b?x=1&y=%C3%A9", "PUT", b'{"id": 7}', X_Mine="kept", Accept="*/*", Via="dropped")
    seen = answer.json
    assert (answer.status, seen["method"], seen["body"]) == (200, "PUT", '{"id": 7}')
    assert seen["path"] == "/api/v3/pet/a%20b?x=1&y=%C3%A9"
    assert seen["headers"]["Host"] == "nlb.example:8080"
    assert seen["headers"]["X-Mine"] == "kept"
    assert seen["headers"]["Accept"] == "application/json"
    assert seen["headers"]["X-Amzn-Apigateway-Api-Id"] == front.api
    assert "Via" not in seen["headers"]
    assert answer.headers["x-amzn-Remapped-Server"] == "jetty"
    assert answer.headers["x-amzn-RequestId"]
    assert answer.headers["x-amz-apigw-id"]


def test_a_canary_gets_its_share_of_the_requests_at_random(front: Front) -> None:
    front.deploy({"/pet": {"get": http_method("http://${stageVariables.host}/pet")}})
    settings = {"percentTraffic": "30", "stageVariableOverrides/host": "next.example:8080"}
    patch = [{"op": "replace", "path": f"/canarySettings/{path}", "value": value} for path, value in settings.items()]
    front.aws.update_stage(restApiId=front.api, stageName="prod", patchOperations=patch)
    hosts = [front.call("/pet").json["headers"]["Host"] for _ in range(300)]
    assert set(hosts) == {"nlb.example:8080", "next.example:8080"}
    # Five standard deviations.
    assert abs(hosts.count("next.example:8080") - 90) < 40


def test_literal_parameter_and_greedy_routes(front: Front) -> None:
    rest = [{**PET_ID, "name": "rest"}]
    greedy = {"integration.request.path.rest": "method.request.path.rest"}
    any_method = http_method(HOST + "/greedy/{rest}", httpMethod="ANY", requestParameters=greedy) | {"parameters": rest}
    by_id = http_method(HOST + "/id/{petId}", requestParameters=TO_PATH) | {"parameters": [PET_ID]}
    front.deploy(
        {
            "/": {"get": http_method(HOST + "/")},
            "/pet/findByStatus": {"get": http_method(HOST + "/status")},
            "/pet/{petId}": {"get": by_id},
            "/{rest+}": {"x-amazon-apigateway-any-method": any_method},
        }
    )
    paths = ["", "/", "/pet/findByStatus", "/pet/7", "/store/order/1", "/pet/7/photo"]
    assert [front.call(path).json["path"] for path in paths] == [
        "/", "/", "/status", "/id/7", "/greedy/store/order/1", "/greedy/pet/7/photo"
    ]  # fmt: skip
    assert front.call("/store/x", "DELETE").json["method"] == "DELETE"
    assert refused(front.call("/pet/7", "POST")) == (403, "Missing Authentication Token")


def test_what_is_not_deployed_is_not_there(front: Front) -> None:
    front.deploy({"/pet": {"get": http_method(HOST + "/pet")}})
    assert refused(front.call("/store")) == (403, "Missing Authentication Token")
    more = document({"/store": {"get": http_method(HOST + "/store")}})
    front.aws.put_rest_api(restApiId=front.api, mode="merge", body=json.dumps(more))
    assert refused(front.call("/store")) == (403, "Missing Authentication Token")
    front.aws.create_deployment(restApiId=front.api, stageName="prod")
    assert front.call("/store").status == 200
    front.aws.delete_stage(restApiId=front.api, stageName="prod")
    assert refused(front.call("/pet")) == (403, "Missing Authentication Token")


def test_stage_variables_count_at_once(front: Front, backend: tuple[str, int]) -> None:
    front.deploy({"/pet": {"get": http_method("http://${stageVariables.host}/pet")}})
    front.listeners[81] = backend
    assert front.call("/pet").json["headers"]["Host"] == "nlb.example:8080"
    front.set_variable("host", "other.example:81")
    assert front.call("/pet").json["headers"]["Host"] == "other.example:81"
    front.set_variable("link", "nosuch")
    assert refused(front.call("/pet")) == (500, "Internal server error")


@pytest.mark.parametrize("broken", ["variable", "parameter", "listener", "nobody", "link", "pending"])
def test_a_broken_way_to_the_backend_is_an_internal_error(front: Front, broken: str) -> None:
    uris = {"variable": "http://${stageVariables.nosuch}/pet", "parameter": HOST + "/{notMapped}"}
    uri = uris.get(broken, HOST + "/pet")
    front.deploy({"/pet": {"get": http_method(uri)}}, linked=broken != "link")
    if broken == "listener":
        front.listeners.clear()
    if broken == "pending":
        for link in front.service.links.values():
            link.ready_at = float("inf")
    if broken == "nobody":
        front.listeners[8080] = ("127.0.0.1", 1)
    assert refused(front.call("/pet")) == (500, "Internal server error")


def test_a_slow_backend_times_out(front: Front) -> None:
    front.deploy({"/slow": {"get": http_method(HOST + "/slow", timeoutInMillis=50)}})
    assert refused(front.call("/slow")) == (504, "Endpoint request timed out")


def test_answers_pass_as_they_are(front: Front) -> None:
    front.deploy(
        {
            "/gzip": {"get": http_method(HOST + "/gzip")},
            "/missing": {"get": http_method(HOST + "/missing")},
        }
    )
    packed = front.call("/gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == b"packed"
    missing = front.call("/missing")
    assert (missing.status, missing.body, missing.headers["X-Reason"]) == (404, b"no such pet", "gone")
    assert missing.headers["x-amzn-Remapped-WWW-Authenticate"] == "Basic"


def test_a_non_proxy_integration_maps_the_answer(front: Front) -> None:
    responses = {
        "default": {"statusCode": "200"},
        "4\\d{2}": {
            "statusCode": "410",
            "responseParameters": {"method.response.header.Why": "integration.response.header.X-Reason"},
        },
    }
    plain = {"type": "http", "httpMethod": "ANY", "responses": responses, "passthroughBehavior": "when_no_templates"}
    front.deploy(
        {
            "/user": {"post": http_method(HOST + "/user", **plain)},
            "/missing": {"get": http_method(HOST + "/missing", **plain)},
        }
    )
    answer = front.call("/user?x=1", "POST", b"{}", X_Mine="not mapped", Content_Type="application/json")
    assert answer.status == 200
    assert (answer.json["method"], answer.json["path"], answer.json["body"]) == ("POST", "/user", "{}")
    assert "X-Mine" not in answer.json["headers"]
    missing = front.call("/missing")
    assert (missing.status, missing.headers["Why"]) == (410, "gone")


def test_required_parameters_count_only_with_a_validator(front: Front) -> None:
    status = {"name": "status", "in": "query", "required": True, "schema": {"type": "string"}}
    operation = http_method(HOST + "/pets") | {"parameters": [status]}
    checked = operation | {"x-amazon-apigateway-request-validator": "parameters"}
    rules = {"parameters": {"validateRequestParameters": True, "validateRequestBody": False}}
    extension: dict[str, Any] = {"x-amazon-apigateway-request-validators": rules}
    front.deploy({"/free": {"get": operation}, "/checked": {"get": checked}}, **extension)
    assert front.call("/free").status == 200
    assert refused(front.call("/checked")) == (400, "Missing required request parameters: [status]")
    assert front.call("/checked?status=sold").status == 200


def keyed(front: Front, **plan: Any) -> tuple[str, str, str]:
    """An API that wants a key, and a plan with one: (plan id, key id, key value)."""
    schemes = {"securitySchemes": {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}}
    front.deploy({"/pet": {"get": http_method(HOST + "/pet") | {"security": [{"api_key": []}]}}}, components=schemes)
    stages = [{"apiId": front.api, "stage": "prod"}]
    plan_id = front.aws.create_usage_plan(name="p", apiStages=stages, **plan)["id"]
    key = front.aws.create_api_key(name="k", enabled=True)
    front.aws.create_usage_plan_key(usagePlanId=plan_id, keyId=key["id"], keyType="API_KEY")
    return plan_id, key["id"], key["value"]


def test_a_key_must_be_known_enabled_and_in_a_plan_of_the_stage(front: Front) -> None:
    plan, key, value = keyed(front)
    assert refused(front.call("/pet")) == (403, "Forbidden")
    assert refused(front.call("/pet", x_api_key="wrong")) == (403, "Forbidden")
    assert front.call("/pet", x_api_key=value).status == 200
    for enabled, status in (("false", 403), ("true", 200)):
        operations = [{"op": "replace", "path": "/enabled", "value": enabled}]
        front.aws.update_api_key(apiKey=key, patchOperations=operations)
        assert front.call("/pet", x_api_key=value).status == status
    front.aws.delete_usage_plan_key(usagePlanId=plan, keyId=key)
    assert refused(front.call("/pet", x_api_key=value)) == (403, "Forbidden")


def test_what_the_lab_can_not_check_is_not_open(front: Front) -> None:
    method = http_method(HOST + "/pet")
    authorizer = {"type": "token", "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/f"}
    scheme = {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authorizer": authorizer}
    front.deploy(
        {
            "/token": {"get": {**method, "security": [{"lambda": []}]}},
            "/signed": {"get": {**method, "x-amazon-apigateway-auth": {"type": "AWS_IAM"}}},
        },
        components={"securitySchemes": {"lambda": scheme}},
    )
    assert refused(front.call("/token", Authorization="Bearer x")) == (401, "Unauthorized")
    assert refused(front.call("/signed")) == (403, "Missing Authentication Token")


def test_throttle(front: Front) -> None:
    _, _, value = keyed(front, throttle={"rateLimit": 0.001, "burstLimit": 2})
    answers = [front.call("/pet", x_api_key=value) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert refused(answers[2]) == (429, "Too Many Requests")


def test_a_stage_throttles_all_its_callers(front: Front) -> None:
    front.deploy({"/pet": {"get": http_method(HOST + "/pet")}})
    limits = {"rateLimit": "0.001", "burstLimit": "2"}
    patch = [{"op": "replace", "path": f"/*/*/throttling/{name}", "value": value} for name, value in limits.items()]
    front.aws.update_stage(restApiId=front.api, stageName="prod", patchOperations=patch)
    assert [front.call("/pet").status for _ in range(2)] == [200, 200]
    assert refused(front.call("/pet")) == (429, "Too Many Requests")


def test_quota(front: Front) -> None:
    plan, _, value = keyed(front, quota={"limit": 2, "period": "DAY"})
    answers = [front.call("/pet", x_api_key=value) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert refused(answers[2]) == (429, "Limit Exceeded")
    raised = [{"op": "replace", "path": "/quota/limit", "value": "3"}]
    front.aws.update_usage_plan(usagePlanId=plan, patchOperations=raised)
    assert front.call("/pet", x_api_key=value).status == 200


def test_binary_bodies_need_a_binary_media_type(front: Front) -> None:
    front.deploy({"/image": {"post": http_method(HOST + "/image", httpMethod="POST")}})
    sent = front.call("/image", "POST", b"\xff", Content_Type="application/octet-stream")
    assert sent.json["body"] == "\N{REPLACEMENT CHARACTER}"


def test_requests_side_by_side(front: Front) -> None:
    front.deploy({"/pet": {"get": http_method(HOST + "/pet")}})
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: front.call(f"/pet?n={number}"), range(100)))
    assert [answer.json["path"] for answer in answers] == [f"/pet?n={number}" for number in range(100)]


def through_v2(front: Front, templates: dict[str, str] | None = None, **integration: Any) -> None:
    """Deploy ``/pet/{petId}`` through a link V2 on the stage ``prod``."""
    ec2 = ec2_backends[ACCOUNT][REGION]
    subnet, *_ = ec2.get_default_subnets().values()
    link = client_v2_of(front.service).create_vpc_link(Name="l", SubnetIds=[subnet.id])["VpcLinkId"]
    more = {"requestTemplates": templates} if templates else {}
    options = {"httpMethod": "ANY", "requestParameters": TO_PATH, "integrationTarget": front.arn, **more, **integration}
    options["responses"] = {"default": {"statusCode": "200"}}
    operation = http_method("http://${stageVariables.host}/api/v3/pet/{petId}", **options)
    front.deploy({"/pet/{petId}": {"post": operation | {"parameters": [PET_ID]}}}, linked=False)
    front.set_variable("link", link)


OVERRIDE = """#set($p0 = $util.urlEncode($input.params('petId')).replaceAll("[+]", "%20"))
#set($context.requestOverride.path = "/api/v3/pet/${p0}")
$input.body"""


@pytest.mark.parametrize("kind", ["http", "http_proxy"])
def test_through_a_link_v2_the_stage_is_in_the_path_unless_a_template_says_another(front: Front, kind: str) -> None:
    through_v2(front, type=kind)
    assert front.call("/pet/7", "POST", b"{}").json["path"] == "/prod/api/v3/pet/7"
    through_v2(front, {"application/json": OVERRIDE}, type=kind)
    answer = front.call("/pet/a%20%2Fb", "POST", b'{"id": 7}')
    assert (answer.json["path"], answer.json["body"]) == ("/api/v3/pet/a%20%2Fb", '{"id": 7}')
    # A template is for one type of body.
    plain = front.call("/pet/7", "POST", b"7", Content_Type="text/plain")
    assert plain.json["path"] == "/prod/api/v3/pet/7"


def test_an_unevaluated_template_is_not_mistaken_for_an_evaluated_one(front: Front) -> None:
    through_v2(front, {"application/json": "#if(true)\n$input.body"})
    assert refused(front.call("/pet/7", "POST", b"{}")) == (500, "Internal server error")


def test_a_link_v2_sends_to_the_target_and_needs_one(front: Front) -> None:
    through_v2(front, integrationTarget="")
    assert refused(front.call("/pet/7", "POST", b"{}")) == (500, "Internal server error")


def test_link_and_integration_are_of_one_version(front: Front) -> None:
    """Therefore a stage has to get a deployment and its link in one call."""
    through_v2(front)
    front.set_variable("link", front.aws.create_vpc_link(name="l", targetArns=[front.arn])["id"])
    assert refused(front.call("/pet/7", "POST", b"{}")) == (500, "Internal server error")


def test_a_link_v2_holds_no_load_balancer(front: Front) -> None:
    through_v2(front)
    assert front.service.links_of(front.arn) == []
