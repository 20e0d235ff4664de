# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS removes with a cluster its own security group, and everything Auto Mode made for the cluster's Services.

"All load balancers will be deleted" (https://docs.aws.amazon.com/eks/latest/userguide/delete-cluster.html), but one
that a VPC link holds can't be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from lab.aws.eks.cluster import Cluster
from lab.settings import ACCOUNT

CLUSTER_TAG = "eks:eks-cluster-name"

_LOG = logging.getLogger(__name__)


def remove(region: str, cluster: Cluster) -> None:
    """Remove all that can be removed."""
    elbv2, ec2 = elbv2_backends[ACCOUNT][region], ec2_backends[ACCOUNT][region]
    for arn in _ours(elbv2, cluster, elbv2.load_balancers):
        _try(elbv2.delete_load_balancer, arn)
    for arn in _ours(elbv2, cluster, elbv2.target_groups):
        _try(elbv2.delete_target_group, arn)
    in_use = {group for balancer in elbv2.load_balancers.values() for group in balancer.security_groups}
    # The cluster's own first: its rules name the others.
    own = cluster.info["resourcesVpcConfig"]["clusterSecurityGroupId"]
    wanted = {"key": [CLUSTER_TAG], "value": [cluster.name], "resource-type": ["security-group"]}
    for group in [own, *(tag["resource_id"] for tag in ec2.describe_tags(wanted))]:
        # moto keeps the tags of deleted resources.
        if group not in in_use and ec2.get_security_group_from_id(group):
            _try(ec2.delete_security_group, None, group)


def _ours(elbv2: Any, cluster: Cluster, arns: Iterable[str]) -> list[str]:
    return [
        arn for arn in arns if elbv2.tagging_service.get_tag_dict_for_resource(arn).get(CLUSTER_TAG) == cluster.name
    ]


def _try(delete: Callable[..., Any], *what: Any) -> None:
    try:
        delete(*what)
    except ServiceException as error:
        _LOG.info("%s stays: %s", what[-1], error)
