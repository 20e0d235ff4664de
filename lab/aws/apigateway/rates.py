# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often API Gateway's control plane may be called: the account's fixed rates, enforced if a lab is told to.

https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html#api-gateway-control-service-limits-table
"""

from __future__ import annotations

import dataclasses
import time

from lab.aws.apigateway.common import Item
from lab.aws.service import AwsError


@dataclasses.dataclass
class _Bucket:
    """``size`` calls at once, and one more after each ``seconds``."""

    size: float
    seconds: float
    used: float = 0.0
    at: float = 0.0

    def take(self, now: float) -> bool:
        self.used, self.at = max(0.0, self.used - (now - self.at) / self.seconds), now
        if self.used > self.size - 1:
            return False
        self.used += 1
        return True


#: Calls, and the seconds in which they may be made, by the service's and operation's names.
_RATES = {
    ("apigateway", "CreateApiKey"): (5, 1),
    ("apigateway", "CreateDeployment"): (1, 5),
    ("apigateway", "CreateDomainName"): (1, 30),
    ("apigateway", "CreateResource"): (5, 1),
    ("apigateway", "DeleteResource"): (5, 1),
    ("apigateway", "DeleteRestApi"): (1, 30),
    ("apigateway", "GetResources"): (5, 2),
    ("apigateway", "PutRestApi"): (1, 1),
    ("apigateway", "UpdateAccount"): (1, 20),
    ("apigateway", "UpdateUsagePlan"): (1, 20),
    ("apigatewayv2", "CreateVpcLink"): (1, 15),
    ("apigatewayv2", "DeleteVpcLink"): (1, 30),
}
#: APIs of each kind have a rate of their own, however they are made.
_CREATIONS = ("CreateRestApi", "ImportRestApi")
_EDGE, _OTHER = (1, 30), (1, 3)
#: All calls together: a second's, and at once.
_TOTAL, _BURST = 10, 40


class Rates:
    """The calls of one account and region, counted against its rates."""

    def __init__(self) -> None:
        self._buckets = {key: _Bucket(calls, seconds / calls) for key, (calls, seconds) in _RATES.items()}
        for kind, (calls, seconds) in (("edge", _EDGE), ("other", _OTHER)):
            self._buckets["apigateway", kind] = _Bucket(calls, seconds / calls)
        self._all = _Bucket(_BURST, 1 / _TOTAL)

    def check(self, service: str, operation: str, params: Item) -> None:
        """Count a call. Raises AwsError with TooManyRequestsException for one too many."""
        now = time.monotonic()
        key = operation if operation not in _CREATIONS else "edge" if _is_edge(params) else "other"
        own = self._buckets.get((service, key))
        if not self._all.take(now) or (own is not None and not own.take(now)):
            raise AwsError("TooManyRequestsException", "Too Many Requests", 429)


def _is_edge(params: Item) -> bool:
    """An API is edge-optimized unless it says otherwise."""
    created = params.get("endpointConfiguration", {}).get("types") or ["EDGE"]
    imported = params.get("parameters", {}).get("endpointConfigurationTypes")
    return "EDGE" in ([imported] if imported else created)
