# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's documents get VPC link integrations and are imported. The stored API equals the definition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway import definition as compare
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.integrations import Wishes, integrate
from ansible_collections.seam.eks_auto.tests.lab.apigateway_endpoint import client_of, settings

from lab.aws.apigateway import ApiGateway

FIXTURES = Path(__file__).parents[1] / "unit/plugins/fixtures"
OAUTH_ONLY = ["PUT /pet", "POST /pet", "GET /pet/findByStatus", "GET /pet/findByTags"]

#: As FastAPI writes them.
FASTAPI = """
openapi: 3.1.0
info: {title: Notes, summary: Keeps notes, version: 0.1.0}
security: [{APIKeyHeader: []}]
paths:
  /notes/:
    get:
      operationId: list_notes_notes__get
      parameters:
        - {name: limit, in: query, required: false, schema: {anyOf: [{type: integer, exclusiveMinimum: 0}, {type: "null"}]}}
      responses:
        "200":
          description: Successful Response
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Note"}}}}
        "422":
          description: Validation Error
          content: {application/json: {schema: {$ref: "#/components/schemas/HTTPValidationError"}}}
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
      responses: {"201": {description: Made}}
  /notes/{note_id}/picture:
    put:
      requestBody:
        content: {multipart/form-data: {schema: {$ref: "#/components/schemas/Upload"}}}
      responses: {"204": {description: Kept}}
    get:
      security: []
      responses: {"200": {description: A picture, content: {image/png: {}}}}
components:
  securitySchemes:
    APIKeyHeader: {type: apiKey, in: header, name: X-API-Key}
  schemas:
    Note:
      type: object
      required: [text]
      properties:
        text: {type: string, examples: [Milk]}
        due: {anyOf: [{type: string, format: date-time}, {type: "null"}]}
        kind: {const: note}
    Upload: {type: object, properties: {file: {type: string, contentMediaType: application/octet-stream}}}
    HTTPValidationError: {type: object, properties: {detail: {type: array, items: {type: object}}}}
"""
#: As an export of another account, with settings of the whole API.
EXPORT = """
swagger: "2.0"
info: {title: Shop, version: "2026-11-30T10:00:00Z"}
host: abcdef1234.execute-api.eu-west-1.amazonaws.com
basePath: /prod
schemes: [https]
x-amazon-apigateway-endpoint-configuration: {disableExecuteApiEndpoint: true, vpcEndpointIds: [vpce-0123456789abcdef0]}
x-amazon-apigateway-binary-media-types: [application/pdf]
x-amazon-apigateway-minimum-compression-size: 1024
x-amazon-apigateway-api-key-source: AUTHORIZER
x-amazon-apigateway-request-validators: {body: {validateRequestBody: true, validateRequestParameters: false}}
x-amazon-apigateway-gateway-responses:
  DEFAULT_5XX: {responseParameters: {gatewayresponse.header.Access-Control-Allow-Origin: "'*'"}}
x-amazon-apigateway-policy:
  Version: "2012-10-17"
  Statement:
    - {Effect: Allow, Principal: "*", Action: execute-api:Invoke, Resource: execute-api:/*}
    - Effect: Deny
      Principal: "*"
      Action: execute-api:Invoke
      Resource: execute-api:/*
      Condition: {NotIpAddress: {aws:SourceIp: 192.0.2.0/24}}
paths:
  /animals/{animalId}:
    get:
      security: [{pool: [shop/read], api_key: []}]
      responses: {"200": {description: ok}}
      x-amazon-apigateway-integration:
        type: http_proxy
        httpMethod: GET
        connectionType: VPC_LINK
        connectionId: ${stageVariables.vpcLink}
        uri: http://${stageVariables.host}/api/v3/pet/{petId}
        requestParameters: {integration.request.path.petId: method.request.path.animalId}
    options:
      responses: {"200": {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        httpMethod: OPTIONS
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: "200"}}
  /reports/{proxy+}:
    x-amazon-apigateway-any-method:
      security: [{sigv4: []}]
      produces: [application/pdf]
      responses: {"200": {description: ok, schema: {type: file}}}
      x-amazon-apigateway-integration: {type: http_proxy, httpMethod: ANY, uri: "http://old.example.com/{proxy}"}
securityDefinitions:
  api_key: {type: apiKey, name: x-api-key, in: header}
  sigv4: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4}
  pool:
    type: apiKey
    name: Authorization
    in: header
    x-amazon-apigateway-authtype: cognito_user_pools
    x-amazon-apigateway-authorizer:
      type: cognito_user_pools
      providerARNs: [arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_AbCdEfGhI]
"""


@pytest.mark.parametrize(
    ("text", "open_operations"),
    [
        (FASTAPI, []),
        (EXPORT, []),
        ((FIXTURES / "petstore.yml").read_text(), OAUTH_ONLY),
        ((FIXTURES / "petstore-apigateway-export.json").read_text(), []),
    ],
    ids=["fastapi", "export", "petstore", "article"],
)
def test_the_stored_api_equals_the_definition(tmp_path: Path, text: str, open_operations: list[str]) -> None:
    wishes = Wishes.of([{"base_path": "/api/v3"}], {"/": "/"}, open_operations)
    definition, _findings = integrate(yaml.safe_load(text), wishes)
    compare.check_definition(definition)
    aws: Any = client_of(ApiGateway(settings(tmp_path)))
    api = aws.import_rest_api(body=json.dumps(definition), failOnWarnings=True)
    resources = aws.get_resources(restApiId=api["id"], embed=["methods"], limit=500)["items"]
    stored = compare.outline_of_live(compare.live_methods(resources))
    parts = compare.Parts(
        aws.get_gateway_responses(restApiId=api["id"])["items"],
        aws.get_request_validators(restApiId=api["id"])["items"],
        aws.get_authorizers(restApiId=api["id"])["items"],
    )
    expected = compare.outline_of_definition(definition)
    assert compare.outline_differences(expected, stored) == []
    assert compare.opened(expected, stored) == []
    described = compare.settings_of_definition(definition)
    assert compare.settings_differences(described, compare.settings_of_live(api, parts)) == []
    assert aws.create_deployment(restApiId=api["id"])["id"]
