# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""REST APIs: creation, import, and the resources, methods and integrations that can be read and edited."""

from __future__ import annotations

import re
from typing import Any

from lab.aws.apigateway import exporting, importing, integrations
from lab.aws.apigateway.common import (
    Item,
    RestApi,
    bad_request,
    boolean,
    find_api,
    model_url,
    new_id,
    not_found,
    now,
    page,
    patches,
    segments,
)
from lab.aws.apigateway.vpc_links import VpcLinks, hard_coded_links
from lab.aws.service import Call

#: Models of an API made without a document.
_FIRST_MODELS = {
    "Empty": (
        '{\n  "$schema": "http://json-schema.org/draft-04/schema#",\n  "title" : "Empty Schema",\n'
        '  "type" : "object"\n}'
    ),
    "Error": (
        '{\n  "$schema" : "http://json-schema.org/draft-04/schema#",\n  "title" : "Error Schema",\n'
        '  "type" : "object",\n  "properties" : {\n    "message" : { "type" : "string" }\n  }\n}'
    ),
}


class RestApis(VpcLinks):
    """CreateRestApi and its kin. Integrations refer to VPC links."""

    def longest_timeout(self) -> int:
        return int(self.settings.integration_timeout * 1000)

    def create_rest_api(self, call: Call) -> Item:
        if not call.params["name"].strip():
            raise bad_request("Invalid API name specified")
        if call.params.get("description") == "":
            raise bad_request("Description cannot be an empty string")
        api = self._new_api(call.params)
        api.models = {
            name: {"id": new_id(6), "name": name, "contentType": "application/json", "schema": schema}
            for name, schema in _FIRST_MODELS.items()
        }
        self.apis[api.id] = api
        return api.info

    def get_rest_api(self, call: Call) -> Item:
        return find_api(self.apis, call).info

    def get_rest_apis(self, call: Call) -> Item:
        return page(call, (api.info for api in self.apis.values()))

    def update_rest_api(self, call: Call) -> Item:
        api = find_api(self.apis, call)
        changed = {**api.info, "endpointConfiguration": dict(api.info["endpointConfiguration"])}
        for operation, path, value in patches(call):
            _patch_api(changed, operation, path, value)
        api.info = changed
        return api.info

    def delete_rest_api(self, call: Call) -> None:
        api = find_api(self.apis, call)
        del self.apis[api.id]

    def import_rest_api(self, call: Call) -> Item:
        parameters = call.params.get("parameters", {})
        types = parameters.get("endpointConfigurationTypes", "EDGE")
        api = self._new_api({"name": "", "endpointConfiguration": {"types": types.split(",")}})
        warnings = self._import(api, call, overwrite=True)
        self.apis[api.id] = api
        return {**api.info, **warnings}

    def put_rest_api(self, call: Call) -> Item:
        api = find_api(self.apis, call)
        warnings = self._import(api, call, overwrite=call.params.get("mode") == "overwrite")
        return {**api.info, **warnings}

    def get_export(self, call: Call) -> Item:
        api = find_api(self.apis, call)
        stage = api.stages.get(call.params["stageName"])
        if stage is None:
            raise not_found("Invalid stage identifier specified")
        kind = call.params["exportType"]
        if kind not in ("swagger", "oas30"):
            raise bad_request("Only 'swagger' and 'oas30' are supported as export types")
        extensions = call.params.get("parameters", {}).get("extensions", "")
        body = exporting.export(api, stage, kind, with_integrations="integrations" in extensions)
        name = f"{kind}_{stage['deploymentId']}.json"
        return {
            "contentType": "application/octet-stream",
            "contentDisposition": f'attachment; filename="{name}"',
            "body": body,
        }

    # Resources and methods

    def get_resources(self, call: Call) -> Item:
        with_methods = "methods" in call.params.get("embed", [])
        resources = sorted(find_api(self.apis, call).resources.values(), key=lambda resource: resource["path"])
        return page(call, (_described(resource, with_methods) for resource in resources))

    def get_resource(self, call: Call) -> Item:
        with_methods = "methods" in call.params.get("embed", [])
        return _described(_find_resource(find_api(self.apis, call), call), with_methods)

    def get_method(self, call: Call) -> Item:
        return _find_method(find_api(self.apis, call), call)

    def update_method(self, call: Call) -> Item:
        method = _find_method(find_api(self.apis, call), call)
        changed = {**method, "requestParameters": dict(method.get("requestParameters", {}))}
        for operation, path, value in patches(call):
            _patch_method(changed, operation, path, value)
        if not changed["requestParameters"]:
            del changed["requestParameters"]
        method.clear()
        method.update(changed)
        return method

    def get_integration(self, call: Call) -> Item:
        return _find_integration(_find_method(find_api(self.apis, call), call))

    def put_integration(self, call: Call) -> Item:
        api = find_api(self.apis, call)
        resource, method = _find_resource(api, call), _find_method(api, call)
        fields = {**call.params, "httpMethod": call.params.get("integrationHttpMethod")}
        method["methodIntegration"] = integrations.complete(fields, resource, method, self)
        return method["methodIntegration"]

    def update_integration(self, call: Call) -> Item:
        method = _find_method(find_api(self.apis, call), call)
        changed = integrations.patched(_find_integration(method), patches(call))
        integrations.check(changed, method, self)
        method["methodIntegration"] = changed
        return changed

    def get_models(self, call: Call) -> Item:
        return page(call, sorted(find_api(self.apis, call).models.values(), key=lambda model: model["name"]))

    def get_request_validators(self, call: Call) -> Item:
        return page(call, find_api(self.apis, call).validators.values())

    def get_authorizers(self, call: Call) -> Item:
        return page(call, find_api(self.apis, call).authorizers.values())

    def get_gateway_responses(self, call: Call) -> Item:
        """Changed gateway responses only. AWS lists the others too, as defaults."""
        return page(call, find_api(self.apis, call).gateway_responses.values())

    # Helpers

    def _new_api(self, params: Item) -> RestApi:
        root = importing.root()
        endpoint = dict(params.get("endpointConfiguration", {}))
        types = endpoint.get("types") or ["EDGE"]
        if len(types) > 1:
            raise bad_request("Cannot create an api with multiple Endpoint Types.")
        info = {
            "id": new_id(),
            "name": params["name"],
            "createdDate": now(),
            "apiKeySource": params.get("apiKeySource", "HEADER"),
            "endpointConfiguration": {"types": types, "ipAddressType": endpoint.get("ipAddressType", "ipv4")},
            "disableExecuteApiEndpoint": params.get("disableExecuteApiEndpoint", False),
            "rootResourceId": root["id"],
            "tags": dict(params.get("tags", {})),
        }
        for name in ("description", "version", "binaryMediaTypes", "policy", "minimumCompressionSize"):
            if params.get(name) is not None:
                info[name] = params[name]
        return RestApi(info, {root["id"]: root})

    def _import(self, api: RestApi, call: Call, overwrite: bool) -> Item:
        """Bring a document into an API, wholly or not at all. Returns the ``warnings`` of the answer, if any."""
        definition = importing.parse(call.params["body"], call.params.get("parameters", {}).get("basepath", "ignore"))
        if definition.warnings and call.params.get("failOnWarnings"):
            raise bad_request("Warnings found during import:\n\t" + "\n\t".join(definition.warnings))
        root = importing.root()
        resources = {root["id"]: root} if overwrite else _copy(api.resources)
        errors = importing.grow(resources, definition.methods, self)
        if errors:
            raise bad_request("Errors found during import:\n\t" + "\n\t".join(errors))
        if overwrite:
            api.dangling |= hard_coded_links(api.resources)
            api.info["rootResourceId"] = root["id"]
            api.models, api.validators, api.authorizers, api.gateway_responses = {}, {}, {}, {}
        api.resources = resources
        for name, model in definition.models.items():
            schema = re.sub(r'"#/(?:definitions|components/schemas)/', f'"{model_url(api.id)}', model["schema"])
            api.models[name] = {**model, "schema": schema}
        api.validators |= {validator["id"]: validator for validator in definition.validators.values()}
        api.authorizers |= {authorizer["id"]: authorizer for authorizer in definition.authorizers.values()}
        api.gateway_responses |= definition.gateway_responses
        importing.settle(api.info, definition, overwrite)
        return {"warnings": definition.warnings} if definition.warnings else {}


def _copy(resources: dict[str, Item]) -> dict[str, Item]:
    return {
        identifier: {**resource, "resourceMethods": dict(resource.get("resourceMethods", {}))}
        for identifier, resource in resources.items()
    }


def _described(resource: Item, with_methods: bool) -> Item:
    """A resource as listings show it: its methods are empty objects unless embedding is asked for."""
    methods = resource.get("resourceMethods")
    if not methods:
        return {name: value for name, value in resource.items() if name != "resourceMethods"}
    return {**resource, "resourceMethods": methods if with_methods else {name: {} for name in methods}}


def _find_resource(api: RestApi, call: Call) -> Item:
    try:
        return api.resources[call.params["resourceId"]]
    except KeyError:
        raise not_found("Invalid Resource identifier specified") from None


def _find_method(api: RestApi, call: Call) -> Item:
    methods: dict[str, Item] = _find_resource(api, call).get("resourceMethods", {})
    if call.params["httpMethod"] not in methods:
        raise not_found("Invalid Method identifier specified")
    return methods[call.params["httpMethod"]]


def _find_integration(method: Item) -> Item:
    if "methodIntegration" not in method:
        raise not_found("Invalid Integration identifier specified")
    integration: Item = method["methodIntegration"]
    return integration


def _patch_api(info: Item, operation: str, path: str, value: str) -> None:
    name, *rest = segments(path)
    if name in ("name", "description", "version", "policy", "apiKeySource") and operation == "replace":
        info[name] = value
    elif name == "disableExecuteApiEndpoint" and operation == "replace":
        info[name] = boolean(value)
    elif name == "endpointConfiguration" and rest[:1] == ["types"] and operation == "replace":
        if value not in ("REGIONAL", "EDGE", "PRIVATE"):
            raise bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE")
        info["endpointConfiguration"]["types"] = [value]
    elif name == "binaryMediaTypes" and rest:
        kept = [kind for kind in info.get(name, []) if kind != rest[0]]
        info[name] = kept if operation == "remove" else [*kept, rest[0]]
    else:
        raise bad_request(f"Invalid patch path {path}")


def _patch_method(method: Item, operation: str, path: str, value: str) -> None:
    name, *rest = segments(path)
    plain: dict[str, Any] = {"apiKeyRequired": boolean(value), "operationName": value, "authorizationType": value}
    if name in plain and not rest and operation == "replace":
        method[name] = plain[name]
    elif name == "requestParameters" and rest:
        if operation == "remove":
            method[name].pop(rest[0], None)
        else:
            method[name][rest[0]] = boolean(value)
    else:
        raise bad_request(f"Invalid patch path {path}")
