# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes a stage's deployed snapshot as an OpenAPI 3.0 or Swagger 2.0 document, as GetExport does."""

from __future__ import annotations

import json

from lab.aws.apigateway.common import Item, RestApi, model_url

_LOCATIONS = {"querystring": "query", "path": "path", "header": "header"}
_KEY_SCHEME = {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}


def export(api: RestApi, stage: Item, kind: str, with_integrations: bool) -> bytes:
    """The document of kind ``swagger`` or ``oas30``, as JSON."""
    swagger = kind == "swagger"
    paths: dict[str, Item] = {}
    for resource, method in api.deployments[stage["deploymentId"]].methods:
        name = "x-amazon-apigateway-any-method" if method["httpMethod"] == "ANY" else method["httpMethod"].lower()
        paths.setdefault(resource["path"], {})[name] = _operation(method, swagger, with_integrations)
    place = "#/definitions/" if swagger else "#/components/schemas/"
    schemas = {
        name: json.loads(model["schema"].replace(model_url(api.id), place)) for name, model in api.models.items()
    }
    info = {"title": api.info["name"], "version": api.info.get("version", str(stage["createdDate"]))}
    if swagger:
        document: Item = {"swagger": "2.0", "info": info, "basePath": f"/{stage['stageName']}", "paths": paths}
        document |= {"securityDefinitions": _KEY_SCHEME, "definitions": schemas}
    else:
        document = {"openapi": "3.0.1", "info": info, "paths": paths}
        document["components"] = {"schemas": schemas, "securitySchemes": _KEY_SCHEME}
    return json.dumps(document, indent=2).encode()


def _operation(method: Item, swagger: bool, with_integrations: bool) -> Item:
    operation: Item = {
        "parameters": [
            _parameter(name, required, swagger) for name, required in method.get("requestParameters", {}).items()
        ]
    }
    if "operationName" in method:
        operation["operationId"] = method["operationName"]
    for content_type, model in method.get("requestModels", {}).items():
        if swagger:
            reference = {"$ref": f"#/definitions/{model}"}
            operation["parameters"].append({"in": "body", "name": model, "required": True, "schema": reference})
        else:
            content = operation.setdefault("requestBody", {"content": {}, "required": True})["content"]
            content[content_type] = {"schema": {"$ref": f"#/components/schemas/{model}"}}
    operation["responses"] = {
        status: {"description": f"{status} response"} for status in method.get("methodResponses", {})
    }
    if method["apiKeyRequired"]:
        operation["security"] = [{"api_key": []}]
    if with_integrations:
        operation["x-amazon-apigateway-integration"] = _integration(method["methodIntegration"])
    return {name: value for name, value in operation.items() if value not in ([],)}


def _parameter(name: str, required: bool, swagger: bool) -> Item:
    _, _, location, plain = name.split(".", 3)
    typed = {"type": "string"} if swagger else {"schema": {"type": "string"}}
    return {"name": plain, "in": _LOCATIONS[location], "required": required, **typed}


def _integration(integration: Item) -> Item:
    hidden = ("integrationResponses", "cacheNamespace", "cacheKeyParameters")
    exported = {name: value for name, value in integration.items() if name not in hidden}
    for name in ("type", "passthroughBehavior"):
        exported[name] = exported[name].lower()
    exported["responses"] = {
        response.get("selectionPattern", "default"): {k: v for k, v in response.items() if k != "selectionPattern"}
        for response in integration.get("integrationResponses", {}).values()
    }
    return exported
