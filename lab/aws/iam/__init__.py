# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM: the permissions that each request needs, its caller's policies, and AWS's words for a denial.

moto's own enforcement (INITIAL_NO_AUTH_ACTION_COUNT) checks signatures too, but takes the service from the host name
and knows neither eks nor apigateway. It refuses their requests with SignatureDoesNotMatch. Here lab/aws/signature.py
has checked the signature before.
"""

from lab.aws.iam.authorization import Authorization, Denied

__all__ = ["Authorization", "Denied"]
