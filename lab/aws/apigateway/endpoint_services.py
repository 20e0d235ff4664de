# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint service that API Gateway makes of a load balancer for a link V1. It goes some time after the link.

https://docs.aws.amazon.com/apigateway/latest/developerguide/grant-permissions-to-create-vpclink.html
"""

from __future__ import annotations

import threading

from moto.ec2.models import ec2_backends
from moto.ec2.models.vpc_service_configuration import VPCServiceConfiguration

from lab.settings import ACCOUNT


def attach(region: str, load_balancer_arn: str) -> str:
    """Make an endpoint service; returns its ID."""
    ec2 = ec2_backends[ACCOUNT][region]
    service = VPCServiceConfiguration([], region, False, "", [region], ec2)
    service.network_load_balancer_arns.append(load_balancer_arn)
    ec2.configurations[service.id] = service
    return str(service.id)


def detach(region: str, service_id: str, seconds: float) -> None:
    """Remove an endpoint service after so many seconds; 0: at once."""
    configurations = ec2_backends[ACCOUNT][region].configurations
    if not seconds:
        configurations.pop(service_id, None)
        return
    timer = threading.Timer(seconds, configurations.pop, (service_id, None))
    timer.daemon = True
    timer.start()


def holds(region: str, load_balancer_arn: str) -> bool:
    """Whether any endpoint service has this load balancer."""
    services = list(ec2_backends[ACCOUNT][region].configurations.values())
    return any(load_balancer_arn in service.network_load_balancer_arns for service in services)
