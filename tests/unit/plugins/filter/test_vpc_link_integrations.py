# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vpc_link_integrations: exported documents go in as they are, plain ones get integrations, bad ones one sentence."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.filter.vpc_link_integrations import FilterModule

FIXTURES = Path(__file__).parents[1] / "fixtures"
INTEGRATION = "x-amazon-apigateway-integration"
#: The petstore's operations with OAuth 2 as their only security.
OAUTH_ONLY = ["PUT /pet", "POST /pet", "GET /pet/findByStatus", "GET /pet/findByTags"]
NLB = "http://${stageVariables.nlbHost}:80"
apply = FilterModule().filters()["vpc_link_integrations"]

Node = dict[str, t.Any]


@pytest.fixture
def exported() -> Node:
    """The API as exported from API Gateway's console."""
    return t.cast(Node, json.loads((FIXTURES / "petstore-apigateway-export.json").read_text()))


@pytest.fixture
def petstore() -> Node:
    return t.cast(Node, yaml.safe_load((FIXTURES / "petstore.yml").read_text()))


def small(**more: t.Any) -> Node:
    document = {
        "openapi": "3.0.1",
        "info": {"title": "Pets", "version": "1"},
        "paths": {"/pet": {"get": {"responses": {"200": {"description": "ok"}}}}},
    }
    return {**document, **more}


def uris(document: Node) -> dict[str, str]:
    return {
        f"{key} {path}": operation[INTEGRATION]["uri"]
        for path, item in document["paths"].items()
        for key, operation in item.items()
        if isinstance(operation, dict) and INTEGRATION in operation
    }


def test_export_goes_in_as_it_is(exported: Node) -> None:
    result = apply(exported, backends=[{"base_path": "/api/v3"}], paths={"/": "/"})
    assert uris(result) == {
        "get /": f"{NLB}/",
        "put /pet": f"{NLB}/api/v3/pet",
        "post /user": f"{NLB}/api/v3/user",
        "get /user/login": f"{NLB}/api/v3/user/login",
    }
    replaced = {"uri", "connectionId", "connectionType"}
    for path, item in exported["paths"].items():
        for key, operation in item.items():
            before, after = operation.pop(INTEGRATION), result["paths"][path][key].pop(INTEGRATION)
            assert after["connectionId"] == "${stageVariables.vpcLinkId}"
            assert after["connectionType"] == "VPC_LINK"
            assert {k: before[k] for k in before.keys() - replaced} == {k: after[k] for k in after.keys() - replaced}
    for key in ("host", "basePath", "schemes"):
        del exported[key]
    assert result == exported


def test_petstore_gets_integrations(petstore: Node) -> None:
    result = apply(petstore, backends=[{"base_path": "/api/v3/"}], open_operations=OAUTH_ONLY)
    found = uris(result)
    assert len(found) == 19
    assert found["get /pet/{petId}"] == f"{NLB}/api/v3/pet/{{petId}}"
    assert result["paths"]["/pet/{petId}"]["get"][INTEGRATION] == {
        "type": "http_proxy",
        "httpMethod": "GET",
        "uri": f"{NLB}/api/v3/pet/{{petId}}",
        "connectionType": "VPC_LINK",
        "connectionId": "${stageVariables.vpcLinkId}",
        "passthroughBehavior": "when_no_match",
        "requestParameters": {"integration.request.path.petId": "method.request.path.petId"},
        "responses": {"default": {"statusCode": "200"}},
    }


def test_petstore_is_cleaned_of_what_is_not_imported(petstore: Node) -> None:
    result = apply(petstore, open_operations=OAUTH_ONLY)
    paths = result["paths"]
    assert result["openapi"] == "3.0.1"
    assert "servers" not in result
    assert list(result["components"]["securitySchemes"]) == ["api_key"]
    assert "security" not in paths["/pet"]["put"]
    assert paths["/pet/{petId}"]["get"]["security"] == [{"api_key": []}]
    assert set(paths["/pet"]["put"]["responses"]) == {"200", "400"}
    assert paths["/store/order"]["post"]["responses"] == {"200": {"description": "200 response"}}
    assert set(paths["/user/login"]["get"]["responses"]) == {"200"}
    assert paths["/user/login"]["get"]["responses"]["200"]["content"] == {}
    assert paths["/pet/findByStatus"]["get"]["responses"]["200"]["content"] == {}
    assert paths["/pet"]["post"]["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Pet"
    }
    assert (
        paths["/store/inventory"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["type"]
        == "object"
    )


def test_path_parameters_are_declared_where_they_are_not(petstore: Node) -> None:
    paths = apply(petstore, open_operations=OAUTH_ONLY)["paths"]
    declared = {"name": "username", "in": "path", "required": True, "schema": {"type": "string"}}
    assert paths["/user/{username}"]["get"]["parameters"] == [declared]
    assert "parameters" not in paths["/store/order/{orderId}"]["get"]
    assert [parameter["name"] for parameter in paths["/pet/{petId}"]["get"]["parameters"]] == ["petId"]


def test_swagger_without_integrations() -> None:
    document = {
        "swagger": "2.0",
        "info": {"title": "Pets", "version": "1"},
        "securityDefinitions": {"basic": {"type": "basic"}},
        "security": [{"basic": []}],
        "paths": {
            "/pet/{id}": {
                "x-amazon-apigateway-any-method": {
                    "responses": {200: {"description": "ok", "schema": {"type": "string"}}}
                }
            }
        },
    }
    result = apply(document, open_operations=["ANY /pet/{id}"])
    operation = result["paths"]["/pet/{id}"]["x-amazon-apigateway-any-method"]
    assert operation["parameters"] == [{"name": "id", "in": "path", "required": True, "type": "string"}]
    assert operation["responses"] == {"200": {"description": "ok"}}
    assert operation[INTEGRATION]["httpMethod"] == "ANY"
    assert (result["securityDefinitions"], "security" in result) == ({}, False)


def test_greedy_parameter() -> None:
    result = apply(small(paths={"/{proxy+}": {"get": {}}}), backends=[{"base_path": "/api"}])
    integration = result["paths"]["/{proxy+}"]["get"][INTEGRATION]
    assert integration["uri"] == f"{NLB}/api/{{proxy}}"
    assert integration["requestParameters"] == {"integration.request.path.proxy": "method.request.path.proxy"}


def test_own_mapping_of_a_path_parameter_stays() -> None:
    mapping = {"integration.request.path.id": "'7'"}
    integration = {"type": "HTTP", "uri": "http://old/{id}", "requestParameters": mapping}
    result = apply(small(paths={"/pet/{id}": {"get": {INTEGRATION: integration}}}))
    assert result["paths"]["/pet/{id}"]["get"][INTEGRATION]["requestParameters"] == mapping


@pytest.mark.parametrize("kind", ["mock", "aws_proxy", "AWS"])
def test_other_integrations_are_left_alone(kind: str) -> None:
    integration = {"type": kind, "requestTemplates": {"application/json": "{}"}}
    result = apply(small(paths={"/pet": {"options": {INTEGRATION: integration}}}))
    assert result["paths"]["/pet"]["options"][INTEGRATION] == integration


def test_longest_prefix_wins_by_whole_segments() -> None:
    paths: Node = {path: {"get": {}} for path in ("/", "/pet", "/pet/{id}", "/pets", "/pet/toys/1")}
    backends = [
        {"host": "all"},
        {"path_prefix": "/pet/", "host": "pets", "connection_id": "l2", "port": 443, "base_path": "/v1"},
        {"path_prefix": "/pet/toys", "host": "toys", "port": "8443", "scheme": "https"},
    ]
    result = apply(small(paths=paths), backends=backends, paths={"/pet": "/animal"})
    assert uris(result) == {
        "get /": "http://all:80/",
        "get /pet": "https://pets:443/animal",
        "get /pet/{id}": "https://pets:443/v1/pet/{id}",
        "get /pets": "http://all:80/pets",
        "get /pet/toys/1": "https://toys:8443/pet/toys/1",
    }
    assert result["paths"]["/pet"]["get"][INTEGRATION]["connectionId"] == "l2"


def test_input_is_not_changed(petstore: Node) -> None:
    before = copy.deepcopy(petstore)
    backends = [{"base_path": "/api/v3"}]
    apply(petstore, backends=backends, open_operations=OAUTH_ONLY)
    assert (petstore, backends) == (before, [{"base_path": "/api/v3"}])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("openapi: 3.0.1", "must be a mapping, not str"),
        ({"info": {}}, "neither a 'swagger' nor an 'openapi' key"),
        (small(openapi="3.2.0"), "OpenAPI 3.2.0 can't be imported by API Gateway, only 3.0 and 3.1"),
        ({**small(), "swagger": "1.2"}, "Swagger 1.2 is not supported"),
        (small(info={"title": "Pets"}), "no info.version"),
        (small(info={}), "no info.title"),
        (small(paths={}), "no paths"),
        (small(paths=[]), "no paths"),
        (small(paths={"/pet": [], "/store": {"get": "x"}}), "has a list at #/paths/~1pet, which must be a mapping"),
        (small(paths={"/pet": {"summary": "x"}}), "no operation"),
        (small(paths={"pet": {"get": {}}}), "'pet' of the OpenAPI document doesn't start with a slash"),
        (small(paths={"/pet{id}": {"get": {}}}), "the segment 'pet{id}'"),
        (small(components={"schemas": {"Pet_2": {}}}), "the schema 'Pet_2'"),
        (small(paths={"/ペット": {"get": {}}}), "the segment 'ペット'"),
        (small(paths={"/p": {"get": {"responses": {"200": {"$ref": "other.yml#/x"}}}}}), "reference 'other.yml#/x'"),
        (small(paths={"/p": {"get": {"responses": {"200": {"$ref": "#/x/y"}}}}}), "reference '#/x/y'"),
    ],
)
def test_bad_documents(document: t.Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        apply(document)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backends": []}, "at least one backend"),
        ({"backends": ["nlb"]}, "must be a mapping, not str"),
        ({"backends": [{"link": "x"}]}, "no option 'link'"),
        ({"backends": [{"host": 7}]}, "host of a backend must be a string"),
        ({"backends": [{"host": "http://nlb"}]}, "host without a scheme"),
        ({"backends": [{"connection_id": ""}]}, "needs a connection_id"),
        ({"backends": [{"port": 0}]}, "port '0'"),
        ({"backends": [{"port": True}]}, "port 'True'"),
        ({"backends": [{"port": "http"}]}, "port 'http'"),
        ({"backends": [{"scheme": "tcp"}]}, "scheme 'tcp'"),
        ({"backends": [{"base_path": "api"}]}, "base_path 'api'"),
        ({"backends": [{"path_prefix": "pet"}]}, "path_prefix 'pet'"),
        ({"backends": [{}, {"host": "b"}]}, "two backends have the path_prefix '/'"),
        ({"backends": [{"path_prefix": "/store"}]}, "no backend covers the path '/pet'"),
        ({"paths": ["/pet"]}, "paths must be a mapping"),
        (
            {"backends": [{}, {"path_prefix": "/shop"}]},
            "a backend has the path_prefix '/shop', and no path of the document",
        ),
        ({"paths": {"/pets": "/animals"}}, "paths names '/pets', which is no path of the document"),
        ({"paths": {"/pet": "animal"}}, "doesn't start with a slash"),
    ],
)
def test_bad_options(options: Node, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        apply(small(), **options)
    assert message in str(caught.value)


ARN = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/nlb/50dc6c495c0c9188"
TARGET_KEYS = {"integrationTarget", "integration-target"}


def integration_of(document: Node, path: str = "/pet", key: str = "get") -> Node:
    return t.cast(Node, document["paths"][path][key][INTEGRATION])


@pytest.mark.parametrize("key", sorted(TARGET_KEYS))
def test_a_link_v2_gets_its_target_in_the_chosen_spelling(key: str) -> None:
    result = apply(small(), backends=[{"integration_target": ARN}], integration_target_key=key)
    assert {name: integration_of(result).get(name) for name in TARGET_KEYS} == {
        **dict.fromkeys(TARGET_KEYS),
        key: ARN,
    }


def test_a_target_of_an_exported_document_does_not_stay() -> None:
    document = apply(small(), backends=[{"integration_target": "arn:old"}], stage_in_path=False)
    assert not TARGET_KEYS & set(integration_of(apply(document)))
    assert integration_of(apply(document, backends=[{"integration_target": ARN}]))["integrationTarget"] == ARN


def test_an_unknown_spelling_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="integrationTarget or integration-target, not 'target'"):
        apply(small(), integration_target_key="target")


def test_a_template_takes_the_stage_out_of_the_path() -> None:
    backends = [{"integration_target": ARN, "base_path": "/api/v3"}]
    assert integration_of(apply(small(), backends=backends))["requestTemplates"] == {
        "application/json": '#set($context.requestOverride.path = "/api/v3/pet")\n$input.body'
    }


def test_parameters_of_the_path_stay_within_their_segments(petstore: Node) -> None:
    petstore["paths"]["/files/{id}/{rest+}"] = {"get": {"responses": {}}}
    result = apply(petstore, backends=[{"integration_target": ARN}], open_operations=OAUTH_ONLY)
    assert integration_of(result, "/files/{id}/{rest+}")["requestTemplates"]["application/json"].splitlines() == [
        """#set($p0 = $util.urlEncode($input.params('id')).replaceAll("[+]", "%20"))""",
        """#set($p1 = $util.urlEncode($input.params('rest')).replaceAll("[+]", "%20").replaceAll("%2F", "/"))""",
        '#set($context.requestOverride.path = "/files/${p0}/${p1}")',
        "$input.body",
    ]


def test_a_template_takes_what_the_documents_own_path_is_made_of() -> None:
    own = {
        "type": "http_proxy",
        "uri": "http://old/${stageVariables.tenant}/{kind}/{zone}/{rest}/{version}/{id}?all=true",
        "requestParameters": {
            "integration.request.path.kind": "'pets'",
            "integration.request.path.zone": "stageVariables.zone",
            "integration.request.path.rest": "method.request.path.proxy",
            "integration.request.path.version": "method.request.header.X-Version",
            "integration.request.path.id": "context.requestId",
        },
    }
    document = small(paths={"/{proxy+}": {"get": {INTEGRATION: own}}})
    result = integration_of(apply(document, backends=[{"integration_target": ARN}]), "/{proxy+}")
    assert result["requestTemplates"]["application/json"].splitlines() == [
        """#set($p0 = $util.urlEncode($input.params('proxy')).replaceAll("[+]", "%20").replaceAll("%2F", "/"))""",
        """#set($p1 = $util.urlEncode($input.params('X-Version')).replaceAll("[+]", "%20"))""",
        '#set($context.requestOverride.path = "/${stageVariables.tenant}/pets/${stageVariables.zone}/${p0}/${p1}/${context.requestId}")',
        "$input.body",
    ]


def test_bodies_of_each_declared_type_get_the_template(petstore: Node) -> None:
    result = apply(petstore, backends=[{"integration_target": ARN}], open_operations=OAUTH_ONLY)
    found = integration_of(result, "/pet/{petId}/uploadImage", "post")["requestTemplates"]
    assert set(found) == {"application/json", "application/octet-stream"}
    swagger = {**small(consumes=["text/plain"]), "swagger": "2.0"}
    del swagger["openapi"]
    found = integration_of(apply(swagger, backends=[{"integration_target": ARN}]))["requestTemplates"]
    assert set(found) == {"application/json", "text/plain"}


def test_a_template_of_the_documents_own_stays() -> None:
    own: Node = {"type": "http", "httpMethod": "GET", "requestTemplates": {"application/json": "{}"}}
    document = small()
    document["paths"]["/pet"]["get"][INTEGRATION] = own
    templates = integration_of(apply(document, backends=[{"integration_target": ARN}]))["requestTemplates"]
    assert templates["application/json"].splitlines()[-1] == "{}"


def test_without_a_stage_in_the_path_there_is_no_template() -> None:
    result = apply(small(), backends=[{"integration_target": ARN}], stage_in_path=False)
    assert "requestTemplates" not in integration_of(result)


def test_links_v1_get_neither(exported: Node) -> None:
    for item in apply(exported)["paths"].values():
        for operation in item.values():
            assert not (TARGET_KEYS | {"requestTemplates"}) & set(operation[INTEGRATION])
