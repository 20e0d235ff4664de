# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads an OpenAPI 3.0 or Swagger 2.0 document as ImportRestApi does: into resources, methods, models, warnings.

Rules are those of the API Gateway developer guide ("Working with API Gateway extensions to OpenAPI",
"Important notes for REST APIs", "basePath").
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import yaml

from lab.aws.apigateway import integrations
from lab.aws.apigateway.common import RESOURCES, Item, bad_request, new_id, quota_reached
from lab.aws.service import AwsError

LARGEST_BODY = 6 * 1024 * 1024

_METHODS = ["get", "put", "post", "delete", "patch", "options", "head", "x-amazon-apigateway-any-method"]
_PATH_PART = re.compile(r"[A-Za-z0-9._,:-]+|\{[A-Za-z0-9._:-]+\+?\}")
_LOCATIONS = {"query": "querystring", "path": "path", "header": "header"}


@dataclasses.dataclass
class Definition:
    """A document's content, in API Gateway's terms. ``methods`` by path and HTTP method."""

    info: Item
    methods: dict[str, dict[str, Item]]
    models: dict[str, Item]
    validators: dict[str, Item]
    authorizers: dict[str, Item]
    gateway_responses: dict[str, Item]
    warnings: list[str]


#: Settings of an API that an import overwrites with these where the document has none.
_SETTINGS: Item = {
    "apiKeySource": "HEADER",
    "binaryMediaTypes": None,
    "disableExecuteApiEndpoint": False,
    "minimumCompressionSize": None,
    "policy": None,
    "vpcEndpointIds": None,
}
_ENDPOINT = "x-amazon-apigateway-endpoint-configuration"
_POLICY = "x-amazon-apigateway-policy"
_AUTHORIZER = "x-amazon-apigateway-authorizer"


def parse(body: bytes, base_path: str) -> Definition:
    """Read a document; ``base_path`` is ignore, prepend or split. Raises AwsError when it is no such document."""
    if len(body) > LARGEST_BODY:
        raise bad_request("Invalid OpenAPI input.")
    document = _load(body)
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise bad_request("Invalid OpenAPI input.")
    kind = _Swagger if str(document.get("swagger")) == "2.0" else _OpenApi
    if kind is _OpenApi and not str(document.get("openapi", "")).startswith("3.0."):
        raise bad_request("Invalid OpenAPI input.")
    try:
        return kind(document).read(base_path)
    except (AttributeError, KeyError, TypeError):  # Some part isn't the object or list that the format says.
        raise bad_request("Invalid OpenAPI input.") from None


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)  # YAML takes JSON too, but many times slower.
    except ValueError:
        pass
    try:
        return yaml.safe_load(body)
    except (yaml.YAMLError, UnicodeDecodeError):
        raise bad_request("Invalid OpenAPI input.") from None


def has_policy(body: bytes) -> bool:
    """Whether a document has a resource policy, for which AWS asks for a permission of its own."""
    if _POLICY.encode() not in body:
        return False
    document = _load(body)
    return isinstance(document, dict) and _POLICY in document


def grow(resources: dict[str, Item], methods: dict[str, dict[str, Item]], account: integrations.Account) -> list[str]:
    """Add resources (with their parents) and methods to a tree. Returns the errors of integrations, in AWS's words."""
    errors = []
    for path, by_method in methods.items():
        try:
            resource = _resource_at(resources, path)
        except AwsError as error:
            errors.append(error.message)
            continue
        for http_method, method in by_method.items():
            method = dict(method)
            fields = method.pop("methodIntegration", None)
            if fields is not None:
                try:
                    integration = integrations.complete(fields, resource, method, account)
                    integration["integrationResponses"] = fields["integrationResponses"]
                    method["methodIntegration"] = {k: v for k, v in integration.items() if v != {}}
                except AwsError as error:
                    errors.append(
                        f"Unable to put integration on '{http_method}' for resource at path '{path}': {error.message}"
                    )
            resource.setdefault("resourceMethods", {})[http_method] = method
    if len(resources) > RESOURCES:
        raise quota_reached("resources for this API")
    return errors


def settle(info: Item, definition: Definition, overwrite: bool) -> None:
    """Bring the document's settings into the API's own."""
    settings = {**(_SETTINGS if overwrite else {}), **definition.info}
    endpoints = settings.pop("vpcEndpointIds", info["endpointConfiguration"].get("vpcEndpointIds"))
    info["endpointConfiguration"] = _filled({**info["endpointConfiguration"], "vpcEndpointIds": endpoints})
    for name, value in settings.items():
        info[name] = value
        if value is None:
            del info[name]


def _filled(fields: Item) -> Item:
    return {name: value for name, value in fields.items() if value is not None}


def root() -> Item:
    return {"id": new_id(), "path": "/"}


def _resource_at(resources: dict[str, Item], path: str) -> Item:
    """The resource of a path, made with its parents unless it is there. Raises AwsError where AWS makes none."""
    for resource in resources.values():
        if resource["path"] == path:
            return resource
    parent_path, _, part = path.rpartition("/")
    parent = _resource_at(resources, parent_path or "/")
    resource = {"id": new_id(6), "parentId": parent["id"], "pathPart": part, "path": path}
    _check_place(resources, parent, resource)
    resources[resource["id"]] = resource
    return resource


def _check_place(resources: dict[str, Item], parent: Item, resource: Item) -> None:
    def refused(why: str) -> AwsError:
        return bad_request(f"Unable to create resource at path '{resource['path']}': {why}")

    above = parent.get("pathPart", "")
    if above.endswith("+}"):
        raise refused(f"Cannot create a child of a resource with a greedy path variable: {above}")
    if resource["pathPart"].startswith("{"):
        for sibling in resources.values():
            if sibling.get("parentId") == parent["id"] and sibling["pathPart"].startswith("{"):
                raise refused(
                    f"A sibling ({sibling['pathPart']}) of this resource already has a variable path part -- only one is "
                    "allowed"
                )


class _Document:
    """Shared by both formats of document."""

    def __init__(self, document: Item) -> None:
        self.document = document
        self.models: dict[str, Item] = {}
        self.warnings: list[str] = []
        validators = document.get("x-amazon-apigateway-request-validators", {})
        self.validators = {name: {"id": new_id(6), "name": name, **rules} for name, rules in validators.items()}

    def _read_schemes(self, schemes: Item) -> None:
        self.security_schemes = schemes
        self.authorizers = {
            name: _authorizer(name, scheme) for name, scheme in schemes.items() if _AUTHORIZER in scheme
        }

    # The differences between the two formats.
    security_schemes: Item
    schemas: Item

    def base_path(self) -> str:
        raise NotImplementedError

    def endpoint(self) -> Item:
        """The settings of the API's endpoint that the document has."""
        raise NotImplementedError

    def request_models(self, operation: Item, parameters: list[Item]) -> Item:
        raise NotImplementedError

    def response_models(self, operation: Item, response: Item) -> Item:
        raise NotImplementedError

    def read(self, base_path: str) -> Definition:
        for name, schema in self.schemas.items():
            self._add_model(name, schema)
        for name, scheme in self.security_schemes.items():
            if scheme.get("type") != "apiKey":
                kind = scheme.get("type")
                self.warnings.append(f"Unsupported security definition type '{kind}' for '{name}'. Ignoring.")
        methods = {}
        for path, item in self.document["paths"].items():
            whole = self._path(path, base_path)
            methods[whole] = self._methods(whole, item)
        responses = self.document.get("x-amazon-apigateway-gateway-responses", {})
        return Definition(
            info=self._info(),
            methods=methods,
            models=self.models,
            validators=self.validators,
            authorizers=self.authorizers,
            gateway_responses={kind: _gateway_response(kind, response) for kind, response in responses.items()},
            warnings=self.warnings,
        )

    def _info(self) -> Item:
        described = self.document.get("info") or {}
        policy = self.document.get(_POLICY)
        endpoint = self.endpoint()
        info = {
            "name": described.get("title"),
            "description": described.get("description"),
            "version": described.get("version"),
            "binaryMediaTypes": self.document.get("x-amazon-apigateway-binary-media-types"),
            "apiKeySource": self.document.get("x-amazon-apigateway-api-key-source"),
            "minimumCompressionSize": self.document.get("x-amazon-apigateway-minimum-compression-size"),
            # AWS shows a policy with its quotes escaped.
            "policy": policy and json.dumps(policy).replace('"', '\\"'),
            "disableExecuteApiEndpoint": endpoint.get("disableExecuteApiEndpoint"),
            "vpcEndpointIds": endpoint.get("vpcEndpointIds"),
        }
        return {name: value for name, value in info.items() if value not in (None, "", [])}

    def _path(self, path: str, mode: str) -> str:
        prefix = self.base_path().strip("/")
        if mode == "split":
            prefix = prefix.partition("/")[2]
        whole = "/" + path.strip("/")
        if mode != "ignore" and prefix:
            whole = f"/{prefix}{whole}".rstrip("/")
        for part in whole.strip("/").split("/"):
            if part and not _PATH_PART.fullmatch(part):
                raise bad_request(
                    f"Errors found during import:\n\tUnable to create resource at path '{whole}': Resource's path part "
                    "only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and "
                    "the end."
                )
        return whole

    def _methods(self, path: str, item: Item) -> dict[str, Item]:
        shared = item.get("parameters", [])
        found = {}
        for name in _METHODS:
            if name in item:
                http_method = "ANY" if name == _METHODS[-1] else name.upper()
                found[http_method] = self._method(http_method, item[name] or {}, shared)
                self._drop_wrong_mappings(path, found[http_method])
        return found

    def _method(self, http_method: str, operation: Item, shared: list[Item]) -> Item:
        own = [self._resolved(parameter) for parameter in operation.get("parameters", [])]
        taken = {(parameter.get("in"), parameter.get("name")) for parameter in own}
        inherited = [self._resolved(parameter) for parameter in shared]
        parameters = own + [p for p in inherited if (p.get("in"), p.get("name")) not in taken]
        method: Item = {
            "httpMethod": http_method,
            **self._authorization(operation),
            "apiKeyRequired": self._needs_key(operation),
            "operationName": operation.get("operationId"),
            "requestParameters": _request_parameters(parameters),
            "requestModels": self.request_models(operation, parameters),
            "requestValidatorId": self._validator(operation),
            "methodResponses": self._method_responses(operation),
            "methodIntegration": _integration(operation),
        }
        return {name: value for name, value in method.items() if value not in (None, {}, "")}

    def _drop_wrong_mappings(self, path: str, method: Item) -> None:
        mappings = method.get("methodIntegration", {}).get("requestParameters", {})
        for name, expression in list(mappings.items()):
            if not isinstance(expression, str):
                del mappings[name]
                self.warnings.append(
                    f"Invalid format for 'requestParameters'. Expected type string for property '{name}' of resource "
                    f"'{path}' and method '{method['httpMethod']}' but got '{json.dumps(expression)}'"
                )

    def _needs_key(self, operation: Item) -> bool:
        return any(
            scheme.get("type") == "apiKey"
            and (scheme.get("in"), str(scheme.get("name")).lower()) == ("header", "x-api-key")
            for _name, scheme, _scopes in self._named(operation)
        )

    def _named(self, operation: Item) -> list[tuple[str, Item, list[str]]]:
        """The schemes that an operation names. Only its own list counts: API Gateway doesn't use the document's."""
        return [
            (name, self.security_schemes.get(name, {}), scopes)
            for requirement in operation.get("security", [])
            for name, scopes in requirement.items()
        ]

    def _authorization(self, operation: Item) -> Item:
        """Who may call a method: the first scheme with an authorizer, or of IAM, says it."""
        if operation.get("x-amazon-apigateway-auth", {}).get("type") == "AWS_IAM":
            return {"authorizationType": "AWS_IAM"}
        for name, scheme, scopes in self._named(operation):
            if str(scheme.get("x-amazon-apigateway-authtype")).lower() == "awssigv4":
                return {"authorizationType": "AWS_IAM"}
            if name in self.authorizers:
                authorizer = self.authorizers[name]
                cognito = authorizer["type"] == "COGNITO_USER_POOLS"
                kind = "COGNITO_USER_POOLS" if cognito else "CUSTOM"
                return {
                    "authorizationType": kind,
                    "authorizerId": authorizer["id"],
                    "authorizationScopes": scopes or None,
                }
        return {"authorizationType": "NONE"}

    def _validator(self, operation: Item) -> str | None:
        default = self.document.get("x-amazon-apigateway-request-validator")
        name = operation.get("x-amazon-apigateway-request-validator", default)
        return self.validators[name]["id"] if name in self.validators else None

    def _method_responses(self, operation: Item) -> Item:
        responses = {}
        for status, response in operation.get("responses", {}).items():
            if str(status) == "default":
                continue
            response = self._resolved(response)
            found: Item = {"statusCode": str(status)}
            models = self.response_models(operation, response)
            headers = {f"method.response.header.{name}": False for name in response.get("headers", {})}
            responses[str(status)] = found | _present(responseModels=models, responseParameters=headers)
        return responses

    def _resolved(self, item: Item) -> Item:
        reference = item.get("$ref", "")
        if not reference.startswith("#/"):
            return item
        target: Any = self.document
        for part in reference[2:].split("/"):
            target = target.get(part, {}) if isinstance(target, dict) else {}
        return target if isinstance(target, dict) else {}

    def model_name(self, schema: Item | None) -> str | None:
        """The model of a schema: the one it refers to, or one made for it (named as AWS's exports show)."""
        if not schema:
            return None
        reference = schema.get("$ref", "")
        if reference:
            return str(reference.rpartition("/")[2])
        digest = hashlib.sha256(json.dumps(schema, sort_keys=True, default=str).encode()).hexdigest()
        return self._add_model(f"MODEL{digest[:6]}", schema)

    def _add_model(self, name: str, schema: Item) -> str:
        if not name.isalnum():
            raise bad_request(
                f"Errors found during import:\n\tUnable to create model '{name}': Model name must be alphanumeric"
            )
        self.models[name] = {
            "id": new_id(6),
            "name": name,
            "contentType": "application/json",
            "schema": json.dumps(schema, default=str),
        }
        return name


class _Swagger(_Document):
    """Swagger 2.0."""

    def __init__(self, document: Item) -> None:
        super().__init__(document)
        self._read_schemes(document.get("securityDefinitions", {}))
        self.schemas = document.get("definitions", {})

    def base_path(self) -> str:
        return str(self.document.get("basePath", "/"))

    def endpoint(self) -> Item:
        return self.document.get(_ENDPOINT) or {}

    def request_models(self, operation: Item, parameters: list[Item]) -> Item:
        types = operation.get("consumes") or self.document.get("consumes") or ["application/json"]
        bodies = [self.model_name(p.get("schema")) for p in parameters if p.get("in") == "body"]
        return {kind: model for model in bodies if model for kind in types}

    def response_models(self, operation: Item, response: Item) -> Item:
        types = operation.get("produces") or self.document.get("produces") or ["application/json"]
        model = self.model_name(response.get("schema"))
        return dict.fromkeys(types, model) if model else {}


class _OpenApi(_Document):
    """OpenAPI 3.0."""

    def __init__(self, document: Item) -> None:
        super().__init__(document)
        components = document.get("components", {})
        self._read_schemes(components.get("securitySchemes", {}))
        self.schemas = components.get("schemas", {})
        if len(document.get("servers", [])) > 1:
            self.warnings.append("More than one server provided. Using the first server for import.")

    def base_path(self) -> str:
        server = (self.document.get("servers") or [{}])[0]
        variable = server.get("variables", {}).get("basePath", {}).get("default")
        return str(variable if variable is not None else urlsplit(server.get("url", "")).path)

    def endpoint(self) -> Item:
        return next((server[_ENDPOINT] for server in self.document.get("servers") or [] if _ENDPOINT in server), {})

    def request_models(self, operation: Item, parameters: list[Item]) -> Item:
        return self._models_by_type(self._resolved(operation.get("requestBody", {})))

    def response_models(self, operation: Item, response: Item) -> Item:
        return self._models_by_type(response)

    def _models_by_type(self, item: Item) -> Item:
        models = {kind: self.model_name(media.get("schema")) for kind, media in item.get("content", {}).items()}
        return {kind: model for kind, model in models.items() if model}


def _authorizer(name: str, scheme: Item) -> Item:
    fields = dict(scheme[_AUTHORIZER])
    kind = str(fields.pop("type")).upper()
    auth_type = scheme.get("x-amazon-apigateway-authtype")
    return _filled({"id": new_id(6), "name": name, "type": kind, "authType": auth_type, **fields})


def _gateway_response(kind: str, response: Item) -> Item:
    return {"responseType": kind, **response, "defaultResponse": False}


def _request_parameters(parameters: Iterable[Item]) -> Item:
    """``method.request.<location>.<name>`` to whether it is required. Body and cookie aren't parameters to AWS."""
    return {
        f"method.request.{_LOCATIONS[parameter['in']]}.{parameter['name']}": bool(parameter.get("required", False))
        for parameter in parameters
        if parameter.get("in") in _LOCATIONS
    }


def _integration(operation: Item) -> Item | None:
    """The operation's integration, its responses by pattern as AWS keeps them (by status code)."""
    fields = operation.get("x-amazon-apigateway-integration")
    if fields is None:
        return None
    responses = {}
    for pattern, response in fields.get("responses", {}).items():
        status = str(response.get("statusCode", "200"))
        selection = {} if pattern == "default" else {"selectionPattern": str(pattern)}
        kept = {k: response[k] for k in ("responseParameters", "responseTemplates", "contentHandling") if k in response}
        responses[status] = {"statusCode": status, **selection, **kept}
    return {**fields, "integrationResponses": responses}


def _present(**fields: Item) -> Item:
    return {name: value for name, value in fields.items() if value}
