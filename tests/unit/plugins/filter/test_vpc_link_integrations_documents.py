# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vpc_link_integrations on other people's documents. All faults are refused at once, by name."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations import vpc_link_integrations as apply
from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations_report import FilterModule

Node = dict[str, t.Any]

INTEGRATION = "x-amazon-apigateway-integration"
ANY = "x-amazon-apigateway-any-method"
BINARY_TYPES = "x-amazon-apigateway-binary-media-types"
NLB = "http://${stageVariables.nlbHost}:80"
OK: Node = {"responses": {"200": {"description": "ok"}}}
report = FilterModule().filters()["vpc_link_integrations_report"]


def api(*paths: str, **more: t.Any) -> Node:
    """A document that gets each of the paths."""
    return {
        "openapi": "3.0.1",
        "info": {"title": "t", "version": "1"},
        "paths": {path: {"get": OK} for path in paths},
        **more,
    }


def swagger(operation: Node, **more: t.Any) -> Node:
    paths = {"/photo": {"post": {**OK, **operation}}}
    return {"swagger": "2.0", "info": {"title": "t", "version": "1"}, "paths": paths, **more}


def faults(document: Node, **options: t.Any) -> list[str]:
    """One sentence for each fault of a document that is refused."""
    with pytest.raises(AnsibleFilterError) as caught:
        apply(document, **options)
    message = str(caught.value).removeprefix("vpc_link_integrations: ")
    return [line.removeprefix("- ") for line in message.splitlines() if not line.endswith("faults:")]


# Paths


@pytest.mark.parametrize(
    ("paths", "fault"),
    [
        (
            ["/user/{username}", "/user/{userId}/orders"],
            "the paths '/user/{username}' and '/user/{userId}/orders' have different parameters in one place, after "
            "'/user': API Gateway takes one name there",
        ),
        (
            ["/{id}", "/{proxy+}"],
            "the paths '/{id}' and '/{proxy+}' have different parameters in one place, after '/': API Gateway takes one "
            "name there",
        ),
        (["/ping"], "the path '/ping' is reserved by API Gateway for its health check"),
        (["/sping"], "the path '/sping' is reserved by API Gateway for its health check"),
        (
            ["/files/{path+}/rights"],
            "the path '/files/{path+}/rights' goes on after a greedy parameter, which API Gateway takes at the end only",
        ),
        (["/pets", "/pets/"], "the paths '/pets' and '/pets/' are one to API Gateway"),
    ],
)
def test_a_path_that_api_gateway_can_not_have(paths: list[str], fault: str) -> None:
    assert faults(api(*paths)) == [fault]


def test_paths_that_it_can_have() -> None:
    paths = [
        "/",
        "/user/{id}",
        "/user/{id}/orders",
        "/user/login",
        "/shop/ping",
        "/{name}",
        "/files/{path+}",
        "/a:b,c.d",
    ]
    assert list(apply(api(*paths))["paths"]) == paths


def test_a_trace_is_refused() -> None:
    document = api("/pets")
    document["paths"]["/pets"]["trace"] = OK
    assert faults(document) == ["the path '/pets' has the method trace, which API Gateway doesn't know"]


def test_the_quota_of_resources() -> None:
    # Each path is a resource, and so are /v1 and the root.
    document = api(*(f"/v1/p{number}" for number in range(298)))
    assert len(apply(document)["paths"]) == 298
    document["paths"]["/v1/p1/more"] = {"get": OK}
    assert faults(document) == [
        "the OpenAPI document makes 301 resources, one of each segment of its paths: the quota is 300"
    ]
    assert apply(document, resource_quota=301)
    assert faults(document, resource_quota="0") == ["resource_quota must be a number above 0, not '0'"]


ALL_FAULTS = [
    "API Gateway can't check bearer (not a scheme of the document), by which the document secures GET /ping, GET /a/{x+}/b, ",
    "the OpenAPI document has the reference 'owner.yml', which is not within it, at #/components/schemas/Owner",
    "the OpenAPI document has the reference 'paths/pets.yml', which is not within it, at #/paths/~1pets",
    "the OpenAPI document has the schema 'Pet_2'",
    "the path '/a/{x+}/b' goes on after a greedy parameter",
    "the path '/ping' is reserved",
    "the path '/user/{a}.json' of the OpenAPI document has the segment '{a}.json'",
]


def test_all_faults_are_reported_at_once() -> None:
    document = api(
        "/ping",
        "/a/{x+}/b",
        "/user/{a}.json",
        components={"schemas": {"Pet_2": {"type": "object"}, "Owner": {"$ref": "owner.yml"}}},
        security=[{"bearer": []}],
    )
    document["paths"]["/pets"] = {"$ref": "paths/pets.yml"}
    found = sorted(faults(document))
    assert [fault[: len(part)] for fault, part in zip(found, ALL_FAULTS, strict=True)] == ALL_FAULTS


def test_a_path_with_a_slash_at_its_end_keeps_it_at_the_backend() -> None:
    document = api("/pets/", "/toys/")
    result = apply(document, backends=[{"base_path": "/v1"}], paths={"/toys/": "/all-toys"}, open_operations=[])
    assert {path: item["get"][INTEGRATION]["uri"] for path, item in result["paths"].items()} == {
        "/pets": f"{NLB}/v1/pets/",
        "/toys": f"{NLB}/all-toys",
    }
    assert report(document)["losses"] == ["paths are served without the slash at their end: /pets/, /toys/"]


def test_extensions_among_the_paths_are_no_paths() -> None:
    assert list(apply(api("/pets", **{}) | {"paths": {"/pets": {"get": OK}, "x-owner": {"get": OK}}})["paths"]) == [
        "/pets"
    ]


# References


def test_references_are_followed_everywhere() -> None:
    document = api(
        components={
            "x-paths": {
                "pet": {
                    "get": {"$ref": "#/components/x-operations/getPet"},
                    "parameters": [{"$ref": "#/components/parameters/id"}],
                }
            },
            "x-operations": {
                "getPet": {
                    "responses": {
                        "200": {
                            "description": "ok",
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                        },
                        "404": {"$ref": "#/components/responses/gone"},
                    },
                    INTEGRATION: {"$ref": "#/components/x-integrations/nlb"},
                }
            },
            "x-integrations": {"nlb": {"type": "http_proxy", "httpMethod": "GET", "uri": "http://old/pet/{id}"}},
            "parameters": {"id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}},
            "responses": {"gone": {"description": "gone"}},
            "schemas": {
                "Pet": {
                    "type": "object",
                    "properties": {
                        "tag": {"$ref": "#/components/schemas/Pet/properties/name"},
                        "name": {"type": "string"},
                    },
                }
            },
        }
    )
    document["paths"] = {
        "/pet/{id}": {"$ref": "#/components/x-paths/pet"},
        "/animal/{id}": {"get": {**OK, "parameters": [{"$ref": "#/paths/~1pet~1%7Bid%7D/parameters/0"}]}},
        "/old/{id}": {"delete": {"responses": {"404": {"$ref": "#/paths/~1pet~1{id}/get/responses/404"}}}},
    }
    result = apply(document)
    pet = result["paths"]["/pet/{id}"]
    assert pet["parameters"] == [document["components"]["parameters"]["id"]]
    assert pet["get"]["responses"]["404"] == {"description": "gone"}
    assert pet["get"]["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Pet"
    }
    assert pet["get"][INTEGRATION]["uri"] == f"{NLB}/pet/{{id}}"
    assert result["paths"]["/animal/{id}"]["get"]["parameters"] == pet["parameters"]
    assert result["paths"]["/old/{id}"]["delete"]["responses"] == {"404": {"description": "gone"}}
    # Named schemas become models; nothing else refers to the components any more.
    assert result["components"] == {
        "schemas": {"Pet": {"type": "object", "properties": {"tag": {"type": "string"}, "name": {"type": "string"}}}}
    }


def test_what_stands_beside_a_reference_counts() -> None:
    document = api(components={"x-paths": {"pet": {"summary": "a", "get": OK}}})
    document["paths"]["/pet"] = {"$ref": "#/components/x-paths/pet", "summary": "b", "put": OK}
    assert {"summary": "b"}.items() <= apply(document)["paths"]["/pet"].items()
    assert set(apply(document)["paths"]["/pet"]) == {"summary", "get", "put"}


@pytest.mark.parametrize(
    "reference",
    [
        "schemas/pet.yaml#/Pet",
        "https://example.com/owner.json",
        "#/components/schemas/Cat",
        "#/paths/0",
        "#pet",
        "#/info/title/x",
    ],
)
def test_a_reference_to_elsewhere_is_refused_with_its_places(reference: str) -> None:
    document = api("/pets", components={"schemas": {"Pet": {"properties": {"owner": {"$ref": reference}}}}})
    document["paths"]["/pets"]["put"] = {
        "requestBody": {"content": {"application/json": {"schema": {"$ref": reference}}}}
    }
    (fault,) = faults(document)
    said, _, places = fault.rpartition(", at ")
    assert said == f"the OpenAPI document has the reference '{reference}', which is not within it"
    assert set(places.split(", ")) == {
        "#/components/schemas/Pet/properties/owner",
        "#/paths/~1pets/put/requestBody/content/application~1json/schema",
    }


def test_a_reference_in_a_circle_is_refused() -> None:
    document = api(
        "/pets", components={"x-a": {"one": {"$ref": "#/components/x-a/two"}, "two": {"$ref": "#/components/x-a/one"}}}
    )
    document["paths"]["/pets"]["get"] = {"$ref": "#/components/x-a/one"}
    assert faults(document) == ["the OpenAPI document has the reference '#/components/x-a/one', which leads to itself"]
    document["components"]["x-a"]["one"] = {"$ref": "#/components/x-a/one/further"}
    assert "'#/components/x-a/one/further', which is not within it" in faults(document)[0]


def test_a_schema_may_refer_to_itself_by_name() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    assert apply(api("/n", components={"schemas": {"Node": node}}))["components"]["schemas"] == {"Node": node}


def test_examples_hold_no_references() -> None:
    schema = {"type": "object", "example": {"$ref": "elsewhere.yml"}, "properties": {"$ref": {"type": "string"}}}
    assert apply(api("/n", components={"schemas": {"A": schema}}))["components"]["schemas"] == {"A": schema}


# Forms


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"components": []}, "a list at #/components, which must be a mapping"),
        ({"security": {"key": []}}, "a dict at #/security, which must be a list"),
        ({"components": {"schemas": {"Pet": "string"}}}, "a str at #/components/schemas/Pet, which must be a mapping"),
        ({"paths": {"/a": {"get": {"parameters": {}}}}}, "a dict at #/paths/~1a/get/parameters, which must be a list"),
        (
            {"paths": {"/a": {"get": {"responses": {"200": "ok"}}}}},
            "a str at #/paths/~1a/get/responses/200, which must be",
        ),
        (
            {"paths": {"/a": {"get": {"security": ["key"]}}}},
            "a str at #/paths/~1a/get/security/0, which must be a mapping",
        ),
        ({"paths": {"/a": {"get": {INTEGRATION: []}}}}, f"a list at #/paths/~1a/get/{INTEGRATION}, which must be"),
    ],
)
def test_what_has_the_wrong_form_is_refused_with_its_place(change: Node, fault: str) -> None:
    assert f"the OpenAPI document has {fault}" in faults({**api("/a"), **change})[0]


def test_an_empty_key_is_refused_with_its_place() -> None:
    document = api("/a", components={"schemas": None})
    document["paths"]["/a"]["get"] = None
    assert faults(document) == ["the OpenAPI document has keys without a value: #/paths/~1a/get, #/components/schemas"]


# Backends


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        # The article's mistake: its paths lack the base path of the petstore.
        ("http://internal-pet-nlb-123.ap-northeast-1.elb.amazonaws.com/pet/{id}", "/api/v3/pet/{id}"),
        ("http://${stageVariables.host}/api/v3/animal/{id}", "/api/v3/animal/{id}"),
        ("https://example.com:8443/api/v3", "/api/v3"),
        ("http://example.com/api/v30/{id}?all=true", "/api/v3/api/v30/{id}?all=true"),
        ("http://example.com/${stageVariables.tenant}/{id}", "/api/v3/${stageVariables.tenant}/{id}"),
        ("http://example.com", "/api/v3/"),
        # No address of HTTP: the path is the API's.
        ("arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/net/a/b/c", "/api/v3/pet/{id}"),
        (None, "/api/v3/pet/{id}"),
    ],
)
def test_the_documents_own_path_at_the_backend_is_kept(uri: str | None, path: str) -> None:
    document = api()
    integration = {"type": "http_proxy", **({"uri": uri} if uri else {})}
    document["paths"]["/pet/{id}"] = {"get": {**OK, INTEGRATION: integration}}
    options: Node = {"backends": [{"base_path": "/api/v3/"}]}
    result = apply(document, **options)["paths"]["/pet/{id}"]["get"][INTEGRATION]
    assert (result["uri"], result["httpMethod"]) == (NLB + path, "GET")
    assert report(document, **options)["replaced"] == [
        f"GET /pet/{{id}}: {uri} is now {NLB}{path}, through ${{stageVariables.vpcLinkId}}"
    ]
    overridden = apply(document, **options, paths={"/pet/{id}": "/x"})["paths"]["/pet/{id}"]["get"][INTEGRATION]
    assert overridden["uri"] == f"{NLB}/x"


def test_the_base_path_comes_before_a_path_that_begins_so_but_has_no_integration() -> None:
    result = apply(api("/api/pets"), backends=[{"base_path": "/api"}])
    assert result["paths"]["/api/pets"]["get"][INTEGRATION]["uri"] == f"{NLB}/api/api/pets"


def test_an_export_of_a_renamed_path_goes_in_with_its_mappings() -> None:
    mappings = {
        "integration.request.path.petId": "method.request.path.animalId",
        "integration.request.header.X-Backend-Token": "stageVariables.backendToken",
    }
    own = {
        "type": "http_proxy",
        "httpMethod": "GET",
        "uri": "http://${stageVariables.host}/api/v3/pet/{petId}",
        "requestParameters": mappings,
    }
    document = api()
    document["paths"]["/animals/{animalId}"] = {"get": {**OK, INTEGRATION: own}}
    result = apply(document, backends=[{"base_path": "/api/v3"}])["paths"]["/animals/{animalId}"]["get"]
    assert result[INTEGRATION]["uri"] == f"{NLB}/api/v3/pet/{{petId}}"
    assert result[INTEGRATION]["requestParameters"] == mappings
    assert report(document)["stage_variables"] == ["backendToken"]


def test_a_parameter_of_the_backends_path_must_come_from_somewhere() -> None:
    document = api()
    document["paths"]["/a/{id}"] = {"get": {**OK, INTEGRATION: {"type": "http", "uri": "http://old/{x}/{id}"}}}
    for backend in (
        {},
        {"integration_target": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/a/b"},
    ):
        assert faults(document, backends=[backend]) == [
            "the path at the backend of GET /a/{id} has {x}, to which nothing is mapped"
        ]


def test_an_undeclared_greedy_parameter_is_declared_for_an_integration_that_is_there() -> None:
    own = {"type": "http_proxy", "httpMethod": "ANY", "uri": "http://old.example.com/{proxy}"}
    document = api()
    document["paths"]["/{proxy+}"] = {ANY: {**OK, INTEGRATION: own}}
    result = apply(document)["paths"]["/{proxy+}"][ANY]
    assert result["parameters"] == [{"name": "proxy", "in": "path", "required": True, "schema": {"type": "string"}}]
    assert result[INTEGRATION]["requestParameters"] == {"integration.request.path.proxy": "method.request.path.proxy"}


def test_an_export_of_an_http_api_goes_in() -> None:
    nlb = {
        "payloadFormatVersion": "1.0",
        "type": "http_proxy",
        "httpMethod": "ANY",
        "connectionType": "VPC_LINK",
        "connectionId": "abc123",
        "uri": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/net/a/b/c",
    }
    document = api(
        components={"x-amazon-apigateway-integrations": {"nlb": nlb}},
        **{"x-amazon-apigateway-cors": {"allowOrigins": ["*"]}},
    )
    reference = {"$ref": "#/components/x-amazon-apigateway-integrations/nlb"}
    document["paths"]["/store/{proxy+}"] = {
        ANY: {"responses": {"default": {"description": "any"}}, INTEGRATION: reference}
    }
    result = apply(document)
    integration = result["paths"]["/store/{proxy+}"][ANY][INTEGRATION]
    assert (integration["type"], integration["uri"]) == ("http_proxy", f"{NLB}/store/{{proxy}}")
    assert "payloadFormatVersion" not in integration
    assert "x-amazon-apigateway-cors" not in result
    assert report(document)["losses"] == [
        "x-amazon-apigateway-cors is left out, as it is of HTTP APIs: #",
        "responses that are not for one status code are left out: ANY /store/{proxy+}",
        "payloadFormatVersion is left out, as it is of HTTP APIs: ANY /store/{proxy+}",
    ]


def test_paths_without_a_backend_are_named_once_each() -> None:
    document = api("/a", "/b")
    document["paths"]["/a"]["put"] = OK
    assert faults(document, backends=[{"path_prefix": "/c"}]) == [
        f"no backend covers the path '{path}': give one with the path_prefix '/'" for path in ("/a", "/b")
    ]


# The imported definition


BINARY = {"type": "string", "format": "binary"}
FORM = {"type": "object", "properties": {"note": {"type": "string"}, "files": {"type": "array", "items": BINARY}}}


@pytest.mark.parametrize(
    ("content", "types"),
    [
        ({"application/octet-stream": {"schema": BINARY}}, ["application/octet-stream"]),
        ({"application/octet-stream": {}}, ["application/octet-stream"]),
        ({"multipart/form-data": {"schema": FORM}}, ["multipart/form-data"]),
        ({"multipart/form-data": {"schema": {"$ref": "#/components/schemas/Form"}}}, ["multipart/form-data"]),
        ({"application/pdf": {"schema": BINARY}, "image/png": {}}, ["application/pdf", "image/png"]),
        ({"application/json": {"schema": FORM}, "text/csv": {"schema": BINARY}}, None),
        ({"application/vnd.api+json": {"schema": FORM}}, None),
        ({"multipart/form-data": {"schema": {"type": "object", "properties": {"note": {"type": "string"}}}}}, None),
        ({"application/xml": {"schema": True}}, None),
    ],
)
@pytest.mark.parametrize("where", ["request", "response"])
def test_types_of_binary_bodies_are_named(where: str, content: Node, types: list[str] | None) -> None:
    document = api(components={"schemas": {"Form": FORM}})
    body = {"requestBody": {"content": content}} if where == "request" else {"responses": {"200": {"content": content}}}
    document["paths"]["/photo"] = {"post": {**OK, **body}}
    assert apply(document).get(BINARY_TYPES) == types


@pytest.mark.parametrize(
    ("operation", "types"),
    [
        (
            {"consumes": ["multipart/form-data"], "parameters": [{"name": "f", "in": "formData", "type": "file"}]},
            ["multipart/form-data"],
        ),
        (
            {"produces": ["application/zip", "application/json"], "responses": {"200": {"schema": {"type": "file"}}}},
            ["application/zip"],
        ),
        ({"produces": ["image/jpeg"]}, ["image/jpeg"]),
        ({"consumes": ["text/plain"], "parameters": [{"name": "b", "in": "body", "schema": {"type": "string"}}]}, None),
    ],
)
def test_types_of_binary_bodies_of_swagger_are_named(operation: Node, types: list[str] | None) -> None:
    assert apply(swagger(operation)).get(BINARY_TYPES) == types
    inherited = {key: operation.pop(key) for key in ("consumes", "produces") if key in operation}
    assert apply(swagger(operation, **inherited)).get(BINARY_TYPES) == types


@pytest.mark.parametrize(
    ("own", "types"),
    [(["application/pdf"], ["application/pdf", "image/png"]), (["image/png"], ["image/png"]), (["*/*"], ["*/*"])],
)
def test_types_that_the_document_names_stay(own: list[str], types: list[str]) -> None:
    document = api(**{BINARY_TYPES: own})
    document["paths"]["/photo"] = {"get": {"responses": {"200": {"content": {"image/png": {}}}}}}
    assert apply(document)[BINARY_TYPES] == types


ENDPOINT = "x-amazon-apigateway-endpoint-configuration"


def test_settings_of_the_api_as_a_whole_stay() -> None:
    settings = {
        "x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": []},
        "x-amazon-apigateway-api-key-source": "AUTHORIZER",
        "x-amazon-apigateway-minimum-compression-size": 1024,
        "x-amazon-apigateway-gateway-responses": {"DEFAULT_4XX": {"statusCode": "400"}},
        "x-amazon-apigateway-request-validators": {"body": {"validateRequestBody": True}},
        "x-amazon-apigateway-request-validator": "body",
    }
    endpoint = {"disableExecuteApiEndpoint": True, "vpcEndpointIds": ["vpce-0123"]}
    servers = [{"url": "https://example.com/v1"}, {"url": "https://abc.execute-api.example/{x}", ENDPOINT: endpoint}]
    result = apply(api("/a", servers=servers, **settings))
    assert settings.items() <= result.items()
    assert result["servers"] == [{"url": "/", ENDPOINT: endpoint}]
    assert apply(swagger({}, **{ENDPOINT: endpoint}))[ENDPOINT] == endpoint


def test_what_api_gateway_does_not_take_of_operations_is_left_out() -> None:
    document = api("/a")
    document["paths"]["/a"]["servers"] = [{"url": "/x"}]
    document["paths"]["/a"]["get"] = {
        "callbacks": {"done": {}},
        "servers": [{"url": "/y"}],
        "responses": {
            "200": {"description": "ok", "links": {}, "content": {"text/plain": {"schema": {"type": "string"}}}},
            "201": {"description": "made", "content": {"text/plain": {"schema": {"type": "string"}}}},
            "4XX": {"description": "no"},
        },
    }
    item = apply(document)["paths"]["/a"]
    assert "servers" not in item
    item["get"].pop(INTEGRATION)
    assert item["get"] == {
        "responses": {"200": {"description": "ok", "content": {}}, "201": {"description": "made", "content": {}}}
    }
    assert report(document)["losses"] == [
        "callbacks are left out: GET /a",
        "schemas of responses that are neither objects nor named are left out: GET /a",
        "responses that are not for one status code are left out: GET /a",
    ]


def test_report_counts_what_is_asked_of_callers() -> None:
    document = api(
        "/a", components={"securitySchemes": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}}
    )
    document["paths"]["/a"]["put"] = {**OK, "security": [{"key": []}]}
    assert report(document) == {
        "losses": [],
        "replaced": [],
        "security": {"api_key": 1, "authorizer": 0, "iam": 0, "open": 1},
        "stage_variables": [],
    }


def test_stage_variables_of_templates_and_authorizers_are_found() -> None:
    own = {
        "type": "http",
        "uri": "http://old/a",
        "requestTemplates": {
            "application/json": "$stageVariables.one $stageVariables['two'] $stageVariables.get('three')"
        },
    }
    authorizer = {
        "type": "token",
        "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/functions/${stageVariables.four}",
    }
    scheme = {"type": "apiKey", "name": "a", "in": "header", "x-amazon-apigateway-authorizer": authorizer}
    document = api(
        components={"securitySchemes": {"lambda": scheme}}, info={"title": "stageVariables.none", "version": "1"}
    )
    document["paths"]["/a"] = {"get": {**OK, INTEGRATION: own}}
    assert report(document)["stage_variables"] == ["four", "one", "three", "two"]
