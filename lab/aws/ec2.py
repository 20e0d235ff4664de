# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EC2: moto's, with a name of AWS's that it spells otherwise."""

from __future__ import annotations

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE


def install() -> None:
    """DescribeTags calls a NAT gateway ``natgateway``, and filters by that.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
    """
    EC2_PREFIX_TO_RESOURCE["nat"] = "natgateway"
