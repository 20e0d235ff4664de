# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ELBv2: moto's, completed for network load balancers behind a VPC link.

A load balancer takes its time to become active, and the data plane finds the targets' health. A load balancer can't be
deleted while it is protected, or while a link or an endpoint service holds it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import moto.elbv2.urls
from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.elbv2.exceptions import DuplicateLoadBalancerName, ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeLoadBalancer, elbv2_backends
from moto.elbv2.responses import ELBV2Response

from lab.aws import partitions
from lab.aws.target_health import DRAINING, NOT_REGISTERED, Health, TargetKey
from lab.settings import ACCOUNT, Settings


class DataPlane(Protocol):
    """Carries the traffic. It is told of every change here, and knows each target's health."""

    def changed(self) -> None: ...

    def health(self, key: TargetKey) -> Health: ...

    def draining(self, group: str) -> list[TargetKey]: ...


class ResourceInUse(ELBClientError):
    def __init__(self, arn: str) -> None:
        text = f"Load balancer '{arn}' cannot be deleted because it is currently associated with another service"
        super().__init__("ResourceInUse", text)


class LoadBalancersNotFound(ELBClientError):
    """AWS's words for ARNs, and for names: terraform-provider-aws #15214 and #10669."""

    def __init__(self, names: list[str]) -> None:
        text = f"Load balancers '[{', '.join(names)}]' not found" if names else "One or more load balancers not found"
        super().__init__("LoadBalancerNotFound", text)


class DeletionProtected(ELBClientError):
    def __init__(self, arn: str) -> None:
        text = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        super().__init__("OperationNotPermitted", text)


def backend_of(region: str) -> ELBv2Backend:
    """The backend of the lab's account in a region."""
    backend: ELBv2Backend = elbv2_backends[ACCOUNT][region]
    return backend


def install(settings: Settings, links_of: Callable[[str], list[Any]], data_plane: DataPlane) -> None:
    """Put this overlay in moto's place. Must be called before the first use of ELBv2.

    ``links_of`` gives the VPC links that hold a load balancer, by its ARN.
    """
    LabElbv2.settings = settings
    LabElbv2.links_of = staticmethod(links_of)
    LabElbv2.data_plane = data_plane
    elbv2_backends.backend = LabElbv2
    ELBV2Response.set_security_groups = _set_security_groups


def _set_security_groups(self: ELBV2Response) -> ActionResult:
    """Adds the switch for traffic through PrivateLink, which moto leaves out. Not given, it stays as it is."""
    arn, groups = self._get_param("LoadBalancerArn"), self._get_param("SecurityGroups", [])
    self.elbv2_backend.set_security_groups(arn, groups)
    load_balancer = self.elbv2_backend.load_balancers[arn]
    if enforced := self._get_param("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"):
        load_balancer.enforce_security_group_inbound_rules_on_private_link_traffic = enforced
    result = {"SecurityGroupIds": groups}
    if load_balancer.type == "network":
        enforced = load_balancer.enforce_security_group_inbound_rules_on_private_link_traffic
        result["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] = enforced
    return ActionResult(result)


class LabElbv2(ELBv2Backend):
    """moto's backend, which tells the data plane of every change."""

    settings: ClassVar[Settings]
    links_of: ClassVar[Callable[[str], list[Any]]]
    data_plane: ClassVar[DataPlane]

    @property
    def _url_module(self) -> Any:
        return moto.elbv2.urls

    def create_load_balancer(self, name: str, *args: Any, **kwargs: Any) -> FakeLoadBalancer:
        if any(existing.name == name for existing in self.load_balancers.values()):
            raise DuplicateLoadBalancerName()
        load_balancer = super().create_load_balancer(name, *args, **kwargs)
        if load_balancer.type == "network":
            self._name_as_network(load_balancer)
        if load_balancer.security_groups:
            load_balancer.enforce_security_group_inbound_rules_on_private_link_traffic = "on"
        ready = time.monotonic() + self.settings.seconds("load_balancer")
        load_balancer.activate = lambda: self._activate(load_balancer, ready)
        return load_balancer

    def describe_load_balancers(self, arns: list[str] | None, names: list[str] | None) -> list[FakeLoadBalancer]:
        """moto shows another one where some of several aren't there."""
        found: list[FakeLoadBalancer] = super().describe_load_balancers(None, None)
        if missing := sorted(set(names or ()) - {each.name for each in found}):
            raise LoadBalancersNotFound(missing)
        if not set(arns or ()) <= {each.arn for each in found}:
            raise LoadBalancersNotFound([])
        wanted = {*(arns or ()), *(names or ())}
        return [each for each in found if not wanted or wanted & {each.arn, each.name}]

    def _name_as_network(self, load_balancer: FakeLoadBalancer) -> None:
        """moto names all load balancers as it does application load balancers."""
        moto_arn = load_balancer.arn
        arn = moto_arn.replace(":loadbalancer/app/", ":loadbalancer/net/")
        load_balancer.arn = arn
        suffix = partitions.suffix(self.region_name)
        load_balancer.dns_name = f"{arn.replace('/', '-').partition('net-')[2]}.elb.{self.region_name}.{suffix}"
        self.load_balancers[arn] = self.load_balancers.pop(moto_arn)
        self.tagging_service.copy_tags(moto_arn, arn)
        self.tagging_service.delete_all_tags_for_resource(moto_arn)

    @staticmethod
    def _activate(load_balancer: FakeLoadBalancer, ready: float) -> None:
        """moto calls this at each look; the state follows from the time."""
        if time.monotonic() >= ready:
            load_balancer.state = "active"

    def delete_load_balancer(self, arn: str) -> None:
        if load_balancer := self.load_balancers.get(arn):
            if load_balancer.attrs["deletion_protection.enabled"] == "true":
                raise DeletionProtected(arn)
            if type(self).links_of(arn) or self._serves_endpoints(arn):
                raise ResourceInUse(arn)
        super().delete_load_balancer(arn)
        for group in self.target_groups.values():
            group.load_balancer_arns = [each for each in group.load_balancer_arns if each != arn]
        self.data_plane.changed()

    def _serves_endpoints(self, arn: str) -> bool:
        """https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-delete.html"""
        services = ec2_backends[ACCOUNT][self.region_name].configurations.values()
        return any(arn in service.network_load_balancer_arns for service in services)

    def describe_target_health(self, target_group_arn: str, targets: list[dict[str, Any]]) -> list[FakeHealthStatus]:
        super().describe_target_health(target_group_arn, [])  # refuses an unknown target group
        group = self.target_groups[target_group_arn]
        found = {
            (target["Id"], int(target["Port"])): self.data_plane.health(
                (target_group_arn, target["Id"], int(target["Port"]))
            )
            for target in group.targets.values()
        }
        for _, address, port in self.data_plane.draining(target_group_arn):
            found.setdefault((address, port), DRAINING)
        if targets:
            keys = [(target["Id"], int(target.get("Port", group.port))) for target in targets]
            found = {key: found.get(key, NOT_REGISTERED) for key in keys}
        return [self._status(address, port, health) for (address, port), health in found.items()]

    @staticmethod
    def _status(address: str, port: int, health: Health) -> FakeHealthStatus:
        return FakeHealthStatus(address, str(port), str(port), health.state, health.reason, health.description)


def _notifying(name: str) -> Callable[..., Any]:
    """moto's method of this name, after which the data plane looks again."""

    def method(self: LabElbv2, *args: Any, **kwargs: Any) -> Any:
        result = getattr(ELBv2Backend, name)(self, *args, **kwargs)
        self.data_plane.changed()
        return result

    return method


for _name in (
    "create_listener",
    "modify_listener",
    "delete_listener",
    "modify_target_group",
    "delete_target_group",
    "register_targets",
    "deregister_targets",
):
    setattr(LabElbv2, _name, _notifying(_name))
