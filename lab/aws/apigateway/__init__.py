# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway's REST APIs, VPC links of both versions, usage plans and API keys, as AWS documents them."""

from lab.aws.apigateway.service import ApiGateway
from lab.aws.apigateway.vpc_links_v2 import ApiGatewayV2

__all__ = ["ApiGateway", "ApiGatewayV2"]
