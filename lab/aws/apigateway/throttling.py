# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token buckets by which API Gateway throttles the requests to stages.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

from __future__ import annotations

import dataclasses
import time


@dataclasses.dataclass
class Bucket:
    """``burst`` requests at once, and ``rate`` more in a second. Full at first."""

    tokens: float
    filled_at: float = dataclasses.field(default_factory=time.monotonic)

    def take(self, rate: float, burst: float) -> bool:
        """Let one request through, or not."""
        clock = time.monotonic()
        refill = (clock - self.filled_at) * rate
        self.tokens, self.filled_at = min(float(burst), self.tokens + refill), clock
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
