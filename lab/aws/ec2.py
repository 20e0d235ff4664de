# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EC2: moto's, with a name of AWS's that it spells otherwise, and security groups that can't go while they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE


def install(users_of: Callable[[str, str], Iterable[str]]) -> None:
    """``users_of`` gives what uses a security group, by region and ID.

    DescribeTags calls a NAT gateway ``natgateway``, and filters by that.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
    """
    EC2_PREFIX_TO_RESOURCE["nat"] = "natgateway"
    delete = EC2Backend.delete_security_group

    def delete_unused(self: EC2Backend, name: str | None = None, group_id: str | None = None) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
        if group_id and any(users_of(self.region_name, group_id)):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        delete(self, name, group_id)

    EC2Backend.delete_security_group = delete_unused
