# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vpc_link_integrations: no operation gets more open than its document says, unless the user lists it."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations import vpc_link_integrations as apply
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.security import security_summary

Node = dict[str, t.Any]

COGNITO: Node = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "x-amazon-apigateway-authtype": "cognito_user_pools",
    "x-amazon-apigateway-authorizer": {
        "type": "cognito_user_pools",
        "providerARNs": ["arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_AbCdEfGhI"],
    },
}
SCHEMES: Node = {
    "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
    "app_token": {"type": "apiKey", "name": "X-App-Token", "in": "header"},
    "query_key": {"type": "apiKey", "name": "x-api-key", "in": "query"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "shop_auth": {"type": "oauth2", "flows": {"implicit": {"authorizationUrl": "https://id.example", "scopes": {}}}},
    "login": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example/.well-known/openid-configuration"},
    "cognito": COGNITO,
    "second_pool": COGNITO,
    "sigv4": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"},
    "lambda": {"type": "apiKey", "name": "x-api-key", "in": "header", "x-amazon-apigateway-authtype": "custom"},
}


def shop(*requirements: Node, **more: t.Any) -> Node:
    """A document whose one operation lists the requirements; without any, it has no ``security`` of its own."""
    operation: Node = {"responses": {"200": {"description": "ok"}}}
    if requirements:
        operation["security"] = list(requirements)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Shop", "version": "1"},
        "paths": {"/orders": {"get": operation}},
        "components": {"securitySchemes": dict(SCHEMES)},
        **more,
    }


def security(document: Node, **options: t.Any) -> t.Any:
    return apply(document, **options)["paths"]["/orders"]["get"].get("security")


def refusal(document: Node, **options: t.Any) -> str:
    with pytest.raises(AnsibleFilterError) as caught:
        apply(document, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("requirements", "kept"),
    [
        ([{"api_key": []}], [{"api_key": []}]),
        ([{"cognito": ["orders/read"]}], [{"cognito": ["orders/read"]}]),
        ([{"api_key": [], "cognito": []}], [{"api_key": [], "cognito": []}]),
        ([{"api_key": [], "sigv4": []}], [{"api_key": [], "sigv4": []}]),
        # API Gateway asks for both, which is more than either.
        ([{"api_key": []}, {"cognito": []}], [{"api_key": []}, {"cognito": []}]),
        ([{"api_key": []}, {"shop_auth": ["read"]}], [{"api_key": []}]),
        ([{"bearer": []}, {"api_key": []}], [{"api_key": []}]),
        ([{"cognito": []}, {"second_pool": []}], [{"cognito": []}]),
        # The document's own will.
        ([{}], None),
        ([{"api_key": []}, {}], None),
        ([{"bearer": []}, {}], None),
    ],
)
def test_what_api_gateway_can_ask_is_kept(requirements: list[Node], kept: t.Any) -> None:
    assert security(shop(*requirements)) == kept


@pytest.mark.parametrize(
    ("requirements", "why"),
    [
        ([{"shop_auth": ["read"]}], "shop_auth (oauth2)"),
        ([{"login": []}], "login (openIdConnect)"),
        ([{"bearer": []}], "bearer (http bearer)"),
        ([{"basic": []}], "basic (http basic)"),
        ([{"basic": []}, {"bearer": []}], "basic (http basic) and bearer (http bearer)"),
        ([{"api_key": [], "bearer": []}], "bearer (http bearer)"),
        ([{"app_token": []}], "app_token (a key in the header X-App-Token, not in the header x-api-key)"),
        ([{"query_key": []}], "query_key (a key in the query x-api-key, not in the header x-api-key)"),
        ([{"lambda": []}], "lambda (an authorizer that the document doesn't describe)"),
        ([{"api_kye": []}], "api_kye (not a scheme of the document)"),
        ([{"cognito": [], "second_pool": []}], "second_pool (a second authorizer)"),
    ],
)
def test_what_it_can_not_is_refused_by_name(requirements: list[Node], why: str) -> None:
    assert f"can't check {why}, by which the document secures GET /orders:" in refusal(shop(*requirements))


def test_all_is_refused_at_once() -> None:
    document = shop({"bearer": []})
    document["paths"]["/carts"] = {"get": {"security": [{"bearer": []}]}, "put": {"security": [{"shop_auth": []}]}}
    message = refusal(document)
    assert "can't check bearer (http bearer), by which the document secures GET /orders, GET /carts:" in message
    assert "can't check shop_auth (oauth2), by which the document secures PUT /carts:" in message


@pytest.mark.parametrize(
    ("requirements", "kept"),
    [
        ([{"bearer": []}], None),
        # API Gateway still asks for the part that it can check.
        ([{"api_key": [], "bearer": []}], [{"api_key": []}]),
        ([{"cognito": [], "second_pool": [], "api_key": []}], [{"cognito": [], "api_key": []}]),
        ([{"bearer": []}, {"api_key": [], "basic": []}], [{"api_key": []}]),
    ],
)
def test_listed_operations_may_get_more_open(requirements: list[Node], kept: t.Any) -> None:
    assert security(shop(*requirements), open_operations=["GET /orders"]) == kept


@pytest.mark.parametrize("name", ["POST /orders", "get /orders", "/orders"])
def test_a_list_of_other_operations_is_refused(name: str) -> None:
    message = refusal(shop({"bearer": []}), open_operations=[name])
    assert f"open_operations names '{name}', which is no operation of the document that would get more open" in message


def test_an_operation_that_is_kept_is_not_opened_by_listing_it() -> None:
    assert "names 'GET /orders'" in refusal(shop({"api_key": []}), open_operations=["GET /orders"])


def test_open_operations_is_a_list() -> None:
    assert "must be a list of operations" in refusal(shop(), open_operations="GET /orders")


def test_operations_inherit_the_documents_security_explicitly() -> None:
    document = shop(security=[{"api_key": []}])
    document["paths"]["/health"] = {"get": {"security": []}}
    result = apply(document)
    assert "security" not in result
    assert result["paths"]["/orders"]["get"]["security"] == [{"api_key": []}]
    assert "security" not in result["paths"]["/health"]["get"]
    assert "secures GET /orders:" in refusal(shop(security=[{"bearer": []}]))


def test_headers_have_no_case() -> None:
    document = shop({"api_key": []})
    document["components"]["securitySchemes"]["api_key"] = {"type": "apiKey", "name": "X-API-Key", "in": "header"}
    assert apply(document)["components"]["securitySchemes"]["api_key"]["name"] == "x-api-key"


def test_swagger_is_read_alike() -> None:
    document = {
        "swagger": "2.0",
        "info": {"title": "Shop", "version": "1"},
        "securityDefinitions": {"basic": {"type": "basic"}, "api_key": SCHEMES["api_key"]},
        "paths": {"/orders": {"get": {"security": [{"basic": []}]}, "put": {"security": [{"api_key": []}]}}},
    }
    assert "can't check basic (basic), by which the document secures GET /orders:" in refusal(document)
    result = apply(document, open_operations=["GET /orders"])
    assert list(result["securityDefinitions"]) == ["api_key"]


def test_a_bearer_token_that_an_authorizer_checks_is_kept() -> None:
    authorizer = {"type": "token", "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/functions/f/invocations"}
    document = shop({"bearer": []})
    document["components"]["securitySchemes"]["bearer"] = {
        "type": "http",
        "scheme": "bearer",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": authorizer,
    }
    result = apply(document)
    assert result["paths"]["/orders"]["get"]["security"] == [{"bearer": []}]
    assert result["components"]["securitySchemes"]["bearer"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": authorizer,
    }


def test_an_extension_does_not_undo_the_authorizer() -> None:
    document = shop({"cognito": []})
    document["paths"]["/orders"]["get"]["x-amazon-apigateway-auth"] = {"type": "NONE"}
    operation = apply(document)["paths"]["/orders"]["get"]
    assert operation["security"] == [{"cognito": []}]
    assert "x-amazon-apigateway-auth" not in operation


def test_summary() -> None:
    document = shop({"api_key": [], "cognito": []})
    document["paths"] |= {
        "/carts": {"get": {"security": [{"api_key": []}]}, "put": {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}},
        "/health": {"get": {}, "head": {"x-amazon-apigateway-auth": {"type": "NONE"}}},
    }
    assert security_summary(apply(document)) == {"api_key": 2, "authorizer": 1, "iam": 1, "open": 2}
