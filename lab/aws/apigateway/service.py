# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway in one region: its parts put together, and the tags of all its resources."""

from __future__ import annotations

import threading
from urllib.parse import unquote

from moto.core.request import Request
from werkzeug.wrappers import Response

from lab.aws.apigateway.common import Item, RestApi, bad_request, check_tags, not_found
from lab.aws.apigateway.links import VpcLink, VpcLinkV2
from lab.aws.apigateway.rates import Rates
from lab.aws.apigateway.rest_apis import RestApis
from lab.aws.apigateway.stages import Stages
from lab.aws.apigateway.usage_plans import UsagePlan, UsagePlans
from lab.aws.service import Call, Service
from lab.settings import Settings


class ApiGateway(RestApis, Stages, UsagePlans, Service):
    """AWS's ``apigateway``. Load balancers are those of moto's Elastic Load Balancing in the same region."""

    name = "apigateway"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.region)
        self.settings = settings
        self.lock = threading.RLock()
        self.apis: dict[str, RestApi] = {}
        self.links: dict[str, VpcLink] = {}
        self.links_v2: dict[str, VpcLinkV2] = {}
        self.plans: dict[str, UsagePlan] = {}
        self.keys: dict[str, Item] = {}
        self.rates = Rates() if settings.rates else None

    def handle(self, request: Request, caller_arn: str) -> Response:
        """One call at a time: calls come from many threads, and each must see and leave a whole state."""
        with self.lock:
            return super().handle(request, caller_arn)

    def check_rate(self, call: Call) -> None:
        if self.rates:
            self.rates.check(self.name, call.operation, call.params)

    def check_tags(self, call: Call, given: dict[str, str]) -> None:
        check_tags(given)

    def tag_resource(self, call: Call) -> None:
        self._tagged(call).setdefault("tags", {}).update(call.params["tags"])

    def untag_resource(self, call: Call) -> None:
        tags = self._tagged(call).setdefault("tags", {})
        for key in call.params["tagKeys"]:
            tags.pop(key, None)

    def get_tags(self, call: Call) -> Item:
        return {"tags": self._tagged(call).get("tags", {})}

    def _tagged(self, call: Call) -> Item:
        """The resource with an ARN such as ``arn:aws:apigateway:eu-west-1::/restapis/<id>/stages/<name>``."""
        arn = unquote(call.params["resourceArn"])
        if not arn.startswith("arn:") or "::/" not in arn:
            raise bad_request("Invalid ARN specified in the request")
        kind, identifier, *rest = [*arn.partition("::/")[2].split("/"), ""]
        resources: dict[str, dict[str, Item]] = {
            "restapis": {key: api.info for key, api in self.apis.items()},
            "vpclinks": {key: link.info for key, link in self.links.items()},
            "usageplans": {key: plan.info for key, plan in self.plans.items()},
            "apikeys": self.keys,
        }
        if kind == "restapis" and rest[:1] == ["stages"] and identifier in self.apis:
            resources[kind], identifier = self.apis[identifier].stages, rest[1]
        if identifier not in resources.get(kind, {}):
            raise not_found("Invalid resource identifier specified")
        return resources[kind][identifier]
