# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM: what each request needs, what its caller's policies allow, and AWS's words when the two don't meet.

moto's own enforcement (INITIAL_NO_AUTH_ACTION_COUNT) checks signatures too, with a signer that takes each service for one
whose name is in its host name and knows neither eks nor apigateway, so that it refuses those with
SignatureDoesNotMatch. Here lab/aws/signature.py has checked the signature before.
"""

from lab.aws.iam.authorization import Authorization, Denied

__all__ = ["Authorization", "Denied"]
