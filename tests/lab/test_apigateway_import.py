# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenAPI documents into the lab's API Gateway and out of it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.seam.eks_auto.tests.lab.apigateway_endpoint import (
    client_of,
    document,
    http_method,
    settings,
)
from botocore.exceptions import ClientError

from lab.aws.apigateway import ApiGateway

#: The article's own export, whose links and hosts are those of another account.
EXPORT = Path(__file__).parents[2] / "roles/apigw_vpclink/files/petstore-apigateway-export.json"

#: swagger-petstore's operations: path, and its methods with their operationIds.
PETSTORE = {
    "/pet": {"put": "updatePet", "post": "addPet"},
    "/pet/findByStatus": {"get": "findPetsByStatus"},
    "/pet/findByTags": {"get": "findPetsByTags"},
    "/pet/{petId}": {"get": "getPetById", "post": "updatePetWithForm", "delete": "deletePet"},
    "/pet/{petId}/uploadImage": {"post": "uploadFile"},
    "/store/inventory": {"get": "getInventory"},
    "/store/order": {"post": "placeOrder"},
    "/store/order/{orderId}": {"get": "getOrderById", "delete": "deleteOrder"},
    "/user": {"post": "createUser"},
    "/user/createWithList": {"post": "createUsersWithListInput"},
    "/user/login": {"get": "loginUser"},
    "/user/logout": {"get": "logoutUser"},
    "/user/{username}": {"get": "getUserByName", "put": "updateUser", "delete": "deleteUser"},
}


@pytest.fixture(name="aws")
def _aws(tmp_path: Path) -> Any:
    return client_of(ApiGateway(settings(tmp_path)))


def resources(aws: Any, api: str) -> dict[str, Any]:
    """All resources of an API by path, with their methods."""
    pages = aws.get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
    return {item["path"]: item for item in pages.build_full_result()["items"]}


def refusal(function: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    assert caught.value.response["Error"]["Code"] == "BadRequestException"
    return str(caught.value.response["Error"]["Message"])


def article_export() -> dict[str, Any]:
    """The article's export with connection and hosts moved into stage variables, all else as it is."""
    exported: dict[str, Any] = json.loads(EXPORT.read_text())
    for path, methods in exported["paths"].items():
        for operation in methods.values():
            moved = {"connectionId": "${stageVariables.link}", "uri": "http://${stageVariables.host}:80" + path}
            operation["x-amazon-apigateway-integration"] |= moved
    return exported


def test_the_articles_export_is_imported_with_its_settings(aws: Any) -> None:
    api = aws.import_rest_api(body=json.dumps(article_export()), failOnWarnings=True)
    assert (api["name"], api["version"]) == ("Swagger Petstore - OpenAPI 3.0", "1.0.17")
    found = resources(aws, api["id"])
    assert sorted(found) == ["/", "/pet", "/user", "/user/login"]
    assert found["/user/login"]["parentId"] == found["/user"]["id"]
    assert found["/pet"]["parentId"] == api["rootResourceId"]
    pet = found["/pet"]["resourceMethods"]["PUT"]
    assert pet == {
        "httpMethod": "PUT",
        "authorizationType": "NONE",
        "apiKeyRequired": True,
        "operationName": "updatePet",
        "requestModels": {"application/json": "Pet"},
        "methodResponses": {
            "200": {"statusCode": "200", "responseModels": {"application/json": "Pet"}},
            "400": {"statusCode": "400"},
            "404": {"statusCode": "404"},
            "405": {"statusCode": "405"},
        },
        "methodIntegration": {
            "type": "HTTP_PROXY",
            "httpMethod": "PUT",
            "uri": "http://${stageVariables.host}:80/pet",
            "connectionType": "VPC_LINK",
            "connectionId": "${stageVariables.link}",
            "requestParameters": {"integration.request.header.Content-Type": "'application/json'"},
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "cacheNamespace": found["/pet"]["id"],
            "cacheKeyParameters": [],
            "tlsConfig": {"insecureSkipVerification": True},
            "integrationResponses": {"200": {"statusCode": "200"}},
        },
    }
    assert found["/user"]["resourceMethods"]["POST"]["methodIntegration"]["type"] == "HTTP"
    assert found["/user"]["resourceMethods"]["POST"]["apiKeyRequired"] is False
    login = found["/user/login"]["resourceMethods"]["GET"]["requestParameters"]
    assert login == {"method.request.querystring.password": True, "method.request.querystring.username": True}
    models = [model["name"] for model in aws.get_models(restApiId=api["id"])["items"]]
    assert models == ["MODEL79f9c3", "MODELcf3f3f", "Pet", "User"]


def test_the_articles_export_as_it_is_names_a_host_that_is_none(aws: Any) -> None:
    message = refusal(aws.import_rest_api, body=EXPORT.read_text())
    assert message.startswith("Errors found during import:\n\t")
    assert (
        "Unable to put integration on 'GET' for resource at path '/user/login': Invalid HTTP endpoint specified for URI"
    ) in message


def petstore() -> dict[str, Any]:
    """An OpenAPI 3.0.1 document of swagger-petstore's 19 operations, with integrations."""
    paths: dict[str, Any] = {}
    for path, methods in PETSTORE.items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        mapping = {f"integration.request.path.{name}": f"method.request.path.{name}" for name in names}
        parameters = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
        paths[path] = {"parameters": parameters}
        for method, operation_id in methods.items():
            operation = http_method("http://${stageVariables.host}/api/v3" + path, requestParameters=mapping)
            paths[path][method] = operation | {"operationId": operation_id, "security": [{"api_key": []}]}
    schemes = {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    schemas = {"Tag": {"type": "object"}, "Pet": {"properties": {"tag": {"$ref": "#/components/schemas/Tag"}}}}
    components = {"securitySchemes": schemes, "schemas": schemas}
    return document(paths, components=components, servers=[{"url": "/api/v3"}])


def test_the_petstores_nineteen_operations(aws: Any) -> None:
    api = aws.import_rest_api(body=json.dumps(petstore()), parameters={"endpointConfigurationTypes": "REGIONAL"})
    assert api["endpointConfiguration"]["types"] == ["REGIONAL"]
    found = resources(aws, api["id"])
    methods = [method for item in found.values() for method in item.get("resourceMethods", {}).values()]
    assert len(methods) == 19
    assert all(method["apiKeyRequired"] for method in methods)
    # "/", "/store" have no methods of their own, yet are there.
    assert len(found) == 15
    by_id = found["/pet/{petId}"]["resourceMethods"]["GET"]
    assert by_id["requestParameters"] == {"method.request.path.petId": True}
    assert by_id["operationName"] == "getPetById"
    assert aws.create_deployment(restApiId=api["id"])["id"]


def test_overwrite_replaces_and_merge_keeps(aws: Any) -> None:
    first = document(
        {"/a": {"get": http_method("http://example.com/a")}}, components={"schemas": {"A": {"type": "object"}}}
    )
    second = document({"/b": {"get": http_method("http://example.com/b")}})
    api = aws.import_rest_api(body=json.dumps(first))["id"]
    before = resources(aws, api)
    aws.put_rest_api(restApiId=api, mode="merge", body=json.dumps(second))
    assert sorted(resources(aws, api)) == ["/", "/a", "/b"]
    assert resources(aws, api)["/a"]["id"] == before["/a"]["id"]
    second["info"]["title"] = "renamed"
    assert aws.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(second))["name"] == "renamed"
    after = resources(aws, api)
    assert sorted(after) == ["/", "/b"]
    assert after["/"]["id"] == aws.get_rest_api(restApiId=api)["rootResourceId"] != before["/"]["id"]
    assert aws.get_models(restApiId=api)["items"] == []


def test_a_failed_import_changes_nothing(aws: Any) -> None:
    api = aws.import_rest_api(body=json.dumps(document({"/a": {"get": http_method("http://example.com/a")}})))["id"]
    before = resources(aws, api)
    broken = json.dumps(document({"/b": {"get": http_method("nowhere")}}))
    for mode in ("merge", "overwrite"):
        refusal(aws.put_rest_api, restApiId=api, mode=mode, body=broken)
        assert resources(aws, api) == before


def test_warnings_are_told_or_refused(aws: Any) -> None:
    schemes = {"securitySchemes": {"petstore_auth": {"type": "oauth2"}}}
    body = json.dumps(document({"/a": {"get": http_method("http://example.com/a")}}, components=schemes))
    warning = "Unsupported security definition type 'oauth2' for 'petstore_auth'. Ignoring."
    assert aws.import_rest_api(body=body)["warnings"] == [warning]
    message = refusal(aws.import_rest_api, body=body, failOnWarnings=True)
    assert message == f"Warnings found during import:\n\t{warning}"
    assert len(aws.get_rest_apis()["items"]) == 1


def test_a_mapping_that_is_no_text_is_dropped_with_a_warning(aws: Any) -> None:
    mappings = {"integration.request.header.nothing": True, "integration.request.header.X": "'x'"}
    operation = http_method("http://example.com/a", requestParameters=mappings)
    api = aws.import_rest_api(body=json.dumps(document({"/a": {"get": operation}})))
    assert api["warnings"] == [
        "Invalid format for 'requestParameters'. Expected type string for property "
        "'integration.request.header.nothing' of resource '/a' and method 'GET' but got 'true'"
    ]
    kept = resources(aws, api["id"])["/a"]["resourceMethods"]["GET"]["methodIntegration"]["requestParameters"]
    assert kept == {"integration.request.header.X": "'x'"}


@pytest.mark.parametrize(
    ("mode", "path"), [("ignore", "/pet"), ("prepend", "/api/v3/pet"), ("split", "/v3/pet")]
)  # fmt: skip
@pytest.mark.parametrize("kind", ["swagger", "url", "variable"])
def test_base_path(aws: Any, kind: str, mode: str, path: str) -> None:
    servers = {
        "url": [{"url": "https://example.com/api/v3"}],
        "variable": [{"url": "https://example.com/{basePath}", "variables": {"basePath": {"default": "api/v3"}}}],
    }
    described = document({"/pet": {"get": http_method("http://example.com/a")}})
    if kind == "swagger":
        del described["openapi"]
        described |= {"swagger": "2.0", "basePath": "/api/v3"}
    else:
        described["servers"] = servers[kind]
    api = aws.import_rest_api(body=json.dumps(described), parameters={"basepath": mode})["id"]
    assert path in resources(aws, api)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        '{"openapi": "3.0.1", "paths": {"/a": null}}',
        "a: [",
        '{"openapi": "3.0.1"}',
        '{"openapi": "2", "paths": {}}',
    ],
)
def test_what_is_no_openapi_document(aws: Any, body: str) -> None:
    assert refusal(aws.import_rest_api, body=body) == "Invalid OpenAPI input."


def test_yaml_is_read_too(aws: Any) -> None:
    body = "openapi: 3.0.1\ninfo: {title: y, version: '1'}\npaths:\n  /a:\n    get: {responses: {200: {description: ok}}}\n"
    api = aws.import_rest_api(body=body)["id"]
    assert resources(aws, api)["/a"]["resourceMethods"]["GET"]["methodResponses"] == {"200": {"statusCode": "200"}}


def test_wrong_paths_and_model_names(aws: Any) -> None:
    wrong = document({"/pet*": {"get": http_method("http://example.com/a")}})
    assert "Resource's path part only allow" in refusal(aws.import_rest_api, body=json.dumps(wrong))
    named = document({}, components={"schemas": {"my-pet": {"type": "object"}}})
    assert "Model name must be alphanumeric" in refusal(aws.import_rest_api, body=json.dumps(named))


def at(*paths: str) -> str:
    return json.dumps(document({path: {"get": http_method("http://example.com/a")} for path in paths}))


def test_a_resource_has_one_child_that_is_a_parameter(aws: Any) -> None:
    assert refusal(aws.import_rest_api, body=at("/user/{username}", "/user/{userId}/orders")) == (
        "Errors found during import:\n\tUnable to create resource at path '/user/{userId}': A sibling ({username}) of this "
        "resource already has a variable path part -- only one is allowed"
    )
    assert aws.import_rest_api(body=at("/user/{username}", "/user/{username}/orders", "/user/login", "/{name}"))["id"]


def test_nothing_follows_a_greedy_parameter(aws: Any) -> None:
    assert refusal(aws.import_rest_api, body=at("/files/{path+}/rights")) == (
        "Errors found during import:\n\tUnable to create resource at path '/files/{path+}/rights': Cannot create a child of a "
        "resource with a greedy path variable: {path+}"
    )


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [
        ({"in": "header", "name": "x-api-key"}, True),
        ({"in": "header", "name": "X-API-Key"}, True),
        ({"in": "header", "name": "X-App-Token"}, False),
        ({"in": "query", "name": "x-api-key"}, False),
    ],
)
def test_a_key_is_in_the_header_x_api_key(aws: Any, scheme: dict[str, str], asked: bool) -> None:
    operation = {**http_method("http://example.com/a"), "security": [{"key": []}]}
    schemes = {"securitySchemes": {"key": {"type": "apiKey", **scheme}}}
    api = aws.import_rest_api(body=json.dumps(document({"/a": {"get": operation}}, components=schemes)))["id"]
    assert resources(aws, api)["/a"]["resourceMethods"]["GET"]["apiKeyRequired"] is asked


POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke"}]}
POOL = {
    "type": "cognito_user_pools",
    "providerARNs": ["arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a"],
}
LAMBDA = {"type": "request", "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/f", "identitySource": "x"}
SETTINGS: dict[str, Any] = {
    "servers": [
        {
            "url": "https://example.com",
            "x-amazon-apigateway-endpoint-configuration": {
                "disableExecuteApiEndpoint": True,
                "vpcEndpointIds": ["vpce-0123"],
            },
        }
    ],
    "x-amazon-apigateway-policy": POLICY,
    "x-amazon-apigateway-binary-media-types": ["image/png"],
    "x-amazon-apigateway-api-key-source": "AUTHORIZER",
    "x-amazon-apigateway-minimum-compression-size": 0,
    "x-amazon-apigateway-gateway-responses": {"DEFAULT_4XX": {"responseTemplates": {"application/json": "{}"}}},
    "x-amazon-apigateway-request-validators": {"body": {"validateRequestBody": True}},
    "components": {
        "securitySchemes": {
            "pool": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "cognito_user_pools",
                "x-amazon-apigateway-authorizer": POOL,
            },
            "lambda": {
                "type": "apiKey",
                "name": "token",
                "in": "header",
                "x-amazon-apigateway-authtype": "custom",
                "x-amazon-apigateway-authorizer": LAMBDA,
            },
            "sigv4": {
                "type": "apiKey",
                "name": "Authorization",
                "in": "header",
                "x-amazon-apigateway-authtype": "awsSigv4",
            },
        }
    },
}


def settings_of(aws: Any, api: str) -> dict[str, Any]:
    """The API's settings and, by name, its parts other than methods."""
    info = aws.get_rest_api(restApiId=api)
    kept = ("policy", "binaryMediaTypes", "apiKeySource", "minimumCompressionSize", "disableExecuteApiEndpoint")
    return {
        **{key: info[key] for key in kept if key in info},
        "vpcEndpointIds": info["endpointConfiguration"].get("vpcEndpointIds"),
        "responses": [each["responseType"] for each in aws.get_gateway_responses(restApiId=api)["items"]],
        "validators": [each["name"] for each in aws.get_request_validators(restApiId=api)["items"]],
        "authorizers": {each["name"]: each["type"] for each in aws.get_authorizers(restApiId=api)["items"]},
    }


def test_settings_of_the_api_are_kept_and_reset_by_an_import_without_them(aws: Any) -> None:
    method = {"/a": {"get": http_method("http://example.com/a")}}
    api = aws.import_rest_api(body=json.dumps(document(method, **SETTINGS)))["id"]
    kept = settings_of(aws, api)
    assert json.loads(kept.pop("policy").replace('\\"', '"')) == POLICY
    assert kept == {
        "binaryMediaTypes": ["image/png"],
        "apiKeySource": "AUTHORIZER",
        "minimumCompressionSize": 0,
        "disableExecuteApiEndpoint": True,
        "vpcEndpointIds": ["vpce-0123"],
        "responses": ["DEFAULT_4XX"],
        "validators": ["body"],
        "authorizers": {"pool": "COGNITO_USER_POOLS", "lambda": "REQUEST"},
    }
    plain = json.dumps(document(method))
    aws.put_rest_api(restApiId=api, mode="merge", body=plain)
    assert settings_of(aws, api)["policy"]
    aws.put_rest_api(restApiId=api, mode="overwrite", body=plain)
    assert settings_of(aws, api) == {
        "apiKeySource": "HEADER",
        "disableExecuteApiEndpoint": False,
        "vpcEndpointIds": None,
        "responses": [],
        "validators": [],
        "authorizers": {},
    }


def test_swagger_has_the_endpoints_settings_at_its_root(aws: Any) -> None:
    described = document(
        {"/a": {"get": http_method("http://example.com/a")}},
        **{"x-amazon-apigateway-endpoint-configuration": {"disableExecuteApiEndpoint": True}},
    )
    del described["openapi"]
    api = aws.import_rest_api(body=json.dumps({**described, "swagger": "2.0"}))
    assert api["disableExecuteApiEndpoint"] is True


def test_who_may_call_a_method(aws: Any) -> None:
    wanted: dict[str, Any] = {
        "/pool": {"security": [{"pool": ["orders/read"]}]},
        "/lambda": {"security": [{"lambda": []}]},
        "/sigv4": {"security": [{"sigv4": []}]},
        "/iam": {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}},
        "/open": {},
    }
    paths = {path: {"get": {**http_method("http://example.com/a"), **more}} for path, more in wanted.items()}
    api = aws.import_rest_api(body=json.dumps(document(paths, **SETTINGS)))["id"]
    ids = {each["name"]: each["id"] for each in aws.get_authorizers(restApiId=api)["items"]}
    found = {path: item.get("resourceMethods", {}).get("GET") for path, item in resources(aws, api).items()}
    assert {path: method["authorizationType"] for path, method in found.items() if method} == {
        "/pool": "COGNITO_USER_POOLS",
        "/lambda": "CUSTOM",
        "/sigv4": "AWS_IAM",
        "/iam": "AWS_IAM",
        "/open": "NONE",
    }
    assert (found["/pool"]["authorizerId"], found["/pool"]["authorizationScopes"]) == (ids["pool"], ["orders/read"])
    assert found["/lambda"]["authorizerId"] == ids["lambda"]


def test_the_number_of_resources_is_limited(aws: Any) -> None:
    many = document({f"/p{number}": {"get": {"responses": {}}} for number in range(300)})
    with pytest.raises(ClientError) as caught:
        aws.import_rest_api(body=json.dumps(many))
    assert caught.value.response["Error"]["Code"] == "LimitExceededException"


@pytest.mark.parametrize("kind", ["swagger", "oas30"])
def test_an_export_imports_as_the_same_api(aws: Any, kind: str) -> None:
    api = aws.import_rest_api(body=json.dumps(petstore()))["id"]
    aws.create_deployment(restApiId=api, stageName="prod", variables={"host": "example.com"})
    exported = aws.get_export(
        restApiId=api, stageName="prod", exportType=kind, parameters={"extensions": "integrations"}
    )["body"].read()
    copy = aws.import_rest_api(body=exported)["id"]

    def essence(identifier: str) -> dict[str, Any]:
        hidden = {"id", "parentId", "cacheNamespace"}
        text = json.dumps(resources(aws, identifier))
        loaded: dict[str, Any] = json.loads(
            text, object_hook=lambda item: {key: value for key, value in item.items() if key not in hidden}
        )
        return loaded

    assert essence(copy) == essence(api)
    pet = json.loads(aws.get_models(restApiId=copy)["items"][0]["schema"])
    reference = f"https://apigateway.amazonaws.com/restapis/{copy}/models/Tag"
    assert pet == {"properties": {"tag": {"$ref": reference}}}
