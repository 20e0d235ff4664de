# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes, changes and deletes the resources in AWS behind a Service. Blocking: runs in threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from lab.controllers.client import Object
from lab.controllers.load_balancer import model, subnets

Item = dict[str, Any]

_FRONTEND = "ManagedLBSecurityGroup"
_BACKEND = "ManagedBackendSecurityGroup"
#: DescribeTags takes no more ARNs at once.
_TAGS_AT_ONCE = 20


class Resources:
    """The resources of all Services of a cluster. All methods raise botocore's ClientError when AWS refuses."""

    def __init__(self, elbv2: Any, ec2: Any, cluster: Mapping[str, Any]) -> None:
        """``elbv2`` and ``ec2`` are boto3 clients; ``cluster`` is as DescribeCluster shows it."""
        self._elbv2 = elbv2
        self._ec2 = ec2
        self._cluster = cluster
        # The security group that all load balancers of the cluster share is made once.
        self._backend_lock = threading.Lock()

    @property
    def _name(self) -> str:
        return str(self._cluster["name"])

    @property
    def _vpc_id(self) -> str:
        return str(self._cluster["resourcesVpcConfig"]["vpcId"])

    # The load balancer that the Service asks for.

    def plan(self, service: Object) -> tuple[str, list[str]]:
        """Scheme and subnets. Raises BuildError when the Service can't have a load balancer."""
        model.attributes(service)
        model.health_check(service)
        current = next(iter(self._load_balancers(service)), None)
        scheme = model.scheme(service) or (current["Scheme"] if current else "internal")
        if current and current["Scheme"] == scheme:
            # A load balancer stays in its subnets, whatever their tags become.
            return scheme, [zone["SubnetId"] for zone in current["AvailabilityZones"]]
        found = self._ec2.describe_subnets(Filters=subnets.candidates(scheme, self._vpc_id))["Subnets"]
        if not found:
            in_vpc = [{"Name": "vpc-id", "Values": [self._vpc_id]}]
            tables = self._ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]
            found = subnets.reachable(scheme, self._ec2.describe_subnets(Filters=in_vpc)["Subnets"], tables)
        return scheme, subnets.choose(found, self._name)

    # Making it so.

    def deploy(self, service: Object, scheme: str, subnet_ids: list[str]) -> tuple[str, dict[int, str]]:
        """Returns the load balancer's DNS name, and the ARN of the target group of each of the Service's ports."""
        groups = [self._frontend_group(service), self._backend_group()]
        target_groups, superseded = self._target_groups(service)
        load_balancer = self._load_balancer(service, scheme, subnet_ids, groups)
        self._listeners(service, load_balancer["LoadBalancerArn"], target_groups)
        for arn in superseded:
            self._elbv2.delete_target_group(TargetGroupArn=arn)
        return str(load_balancer["DNSName"]), target_groups

    def delete(self, service: Object) -> None:
        """Delete the Service's own resources.

        The load balancer goes first: while something holds it, everything else stays.
        """
        for load_balancer in self._load_balancers(service):
            self._delete_load_balancer(load_balancer["LoadBalancerArn"])
        for group in self._tagged_target_groups(service):
            self._elbv2.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
        self._delete_security_groups(_FRONTEND, model.stack(service))

    def delete_shared(self) -> None:
        """Delete everything that the cluster's load balancers shared."""
        self._delete_security_groups(_BACKEND)

    def _delete_security_groups(self, resource: str, stack: str = "") -> None:
        for group in self._security_groups(resource, stack):
            self._ec2.delete_security_group(GroupId=group["GroupId"])

    # Load balancers and their listeners.

    def _load_balancers(self, service: Object) -> list[Item]:
        found = self._elbv2.describe_load_balancers()["LoadBalancers"]
        return list(self._of_stack(service, found, "LoadBalancerArn"))

    def _load_balancer(self, service: Object, scheme: str, subnet_ids: list[str], groups: list[str]) -> Item:
        current = None
        for each in self._load_balancers(service):
            if each["Scheme"] == scheme:
                current = each
            else:
                self._delete_load_balancer(each["LoadBalancerArn"])
        if current is None:
            (current,) = self._elbv2.create_load_balancer(
                Name=model.load_balancer_name(self._name, service, scheme),
                Type="network",
                Scheme=scheme,
                IpAddressType="ipv4",
                Subnets=subnet_ids,
                SecurityGroups=groups,
                Tags=self._tags("LoadBalancer", model.stack(service)),
            )["LoadBalancers"]
        elif set(current["SecurityGroups"]) != set(groups):
            self._elbv2.set_security_groups(LoadBalancerArn=current["LoadBalancerArn"], SecurityGroups=groups)
        if wanted := model.attributes(service):
            self._elbv2.modify_load_balancer_attributes(
                LoadBalancerArn=current["LoadBalancerArn"], Attributes=_attributes(wanted)
            )
        return dict(current)

    def _delete_load_balancer(self, arn: str) -> None:
        """Also a protected one: the Service's own setting counts, and has been checked before."""
        try:
            self._elbv2.delete_load_balancer(LoadBalancerArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] != "OperationNotPermitted":
                raise
            off = _attributes({"deletion_protection.enabled": "false"})
            self._elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=off)
            self._elbv2.delete_load_balancer(LoadBalancerArn=arn)

    def _listeners(self, service: Object, arn: str, target_groups: dict[int, str]) -> None:
        known = {each["Port"]: each for each in self._elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]}
        for port in set(known) - set(target_groups):
            self._elbv2.delete_listener(ListenerArn=known[port]["ListenerArn"])
        for port in service["spec"]["ports"]:
            actions = [{"Type": "forward", "TargetGroupArn": target_groups[port["port"]]}]
            wanted = {"Port": port["port"], "Protocol": port["protocol"], "DefaultActions": actions}
            listener = known.get(port["port"])
            if listener is None:
                tags = self._tags(str(port["port"]), model.stack(service))
                self._elbv2.create_listener(LoadBalancerArn=arn, Tags=tags, **wanted)
            elif listener["DefaultActions"][0].get("TargetGroupArn") != target_groups[port["port"]]:
                self._elbv2.modify_listener(ListenerArn=listener["ListenerArn"], **wanted)

    # Target groups.

    def _tagged_target_groups(self, service: Object) -> list[Item]:
        found = self._elbv2.describe_target_groups()["TargetGroups"]
        return list(self._of_stack(service, found, "TargetGroupArn"))

    def _target_groups(self, service: Object) -> tuple[dict[int, str], list[str]]:
        """The ARN for each port of the Service, and the ARNs of those that are no longer wanted."""
        check = model.health_check(service)
        known = {each["Tags"][model.RESOURCE_TAG]: each for each in self._tagged_target_groups(service)}
        arns = {}
        for port in service["spec"]["ports"]:
            resource = f"{model.stack(service)}:{port['port']}"
            group = known.get(resource)
            if group and group["Protocol"] == port["protocol"]:
                arn = known.pop(resource)["TargetGroupArn"]
                if any(group.get(name) != value for name, value in check.arguments().items()):
                    self._elbv2.modify_target_group(TargetGroupArn=arn, **check.arguments())
            else:
                arn = self._create_target_group(service, port, check, resource)
            if wanted := model.attributes(service, "aws-load-balancer-target-group-attributes"):
                self._elbv2.modify_target_group_attributes(TargetGroupArn=arn, Attributes=_attributes(wanted))
            arns[port["port"]] = arn
        return arns, [each["TargetGroupArn"] for each in known.values()]

    def _create_target_group(self, service: Object, port: Object, check: model.HealthCheck, resource: str) -> str:
        target_port = port.get("targetPort")
        (group,) = self._elbv2.create_target_group(
            Name=model.target_group_name(self._name, service, port, check),
            TargetType="ip",
            Protocol=port["protocol"],
            # Only for show, since targets are registered with a port each: 1 for a named one.
            Port=target_port if isinstance(target_port, int) else 1,
            VpcId=self._vpc_id,
            IpAddressType="ipv4",
            Tags=self._tags(resource, model.stack(service)),
            **check.arguments(),
        )["TargetGroups"]
        return str(group["TargetGroupArn"])

    # Security groups.

    def _security_groups(self, resource: str, stack: str = "") -> list[Item]:
        filters = [{"Name": "vpc-id", "Values": [self._vpc_id]}]
        filters += [{"Name": f"tag:{tag['Key']}", "Values": [tag["Value"]]} for tag in self._tags(resource, stack)]
        return list(self._ec2.describe_security_groups(Filters=filters)["SecurityGroups"])

    def _frontend_group(self, service: Object) -> str:
        known = self._security_groups(_FRONTEND, model.stack(service))
        if known:
            group_id, has = known[0]["GroupId"], set(_rules(known[0]))
        else:
            name = model.security_group_name(self._name, service)
            text = "[k8s] Managed SecurityGroup for LoadBalancer"
            group_id, has = self._create_group(name, text, _FRONTEND, model.stack(service)), set()
        wanted = model.ingress(service)
        if revoked := [_permission(rule) for rule in sorted(has - wanted)]:
            self._ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=revoked)
        if added := [_permission(rule) for rule in sorted(wanted - has)]:
            self._ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=added)
        return group_id

    def _backend_group(self) -> str:
        with self._backend_lock:
            if known := self._security_groups(_BACKEND):
                return str(known[0]["GroupId"])
            text = "[k8s] Shared Backend SecurityGroup for LoadBalancers"
            return self._create_group(model.backend_security_group_name(self._name), text, _BACKEND)

    def _create_group(self, name: str, text: str, resource: str, stack: str = "") -> str:
        tags = [{"ResourceType": "security-group", "Tags": self._tags(resource, stack)}]
        made = self._ec2.create_security_group(
            GroupName=name, Description=text, VpcId=self._vpc_id, TagSpecifications=tags
        )
        return str(made["GroupId"])

    # Tags.

    def _tags(self, resource: str, stack: str = "") -> list[dict[str, str]]:
        """The tags by which resources are found. Those that the cluster shares have no stack."""
        tags = {model.CLUSTER_TAG: self._name, model.RESOURCE_TAG: resource}
        if stack:
            tags[model.STACK_TAG] = stack
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def _of_stack(self, service: Object, items: list[Item], arn: str) -> Iterator[Item]:
        """Those of the items that are tagged as the Service's, with their tags."""
        for start in range(0, len(items), _TAGS_AT_ONCE):
            part = {each[arn]: each for each in items[start : start + _TAGS_AT_ONCE]}
            for description in self._elbv2.describe_tags(ResourceArns=list(part))["TagDescriptions"]:
                tags = {tag["Key"]: tag["Value"] for tag in description["Tags"]}
                wanted = {model.CLUSTER_TAG: self._name, model.STACK_TAG: model.stack(service)}
                if wanted.items() <= tags.items():
                    yield {**part[description["ResourceArn"]], "Tags": tags}


def error_text(error: ClientError) -> str:
    """A refusal in the words of the AWS SDK that the controller uses (without the request's id)."""
    service = "Elastic Load Balancing v2" if _is_elb(error) else "EC2"
    details = error.response["Error"]
    return f"operation error {service}: {error.operation_name}, {details['Code']}: {details['Message']}"


def _is_elb(error: ClientError) -> bool:
    return any(word in error.operation_name for word in ("LoadBalancer", "Listener", "Target", "SetSecurityGroups"))


def _attributes(wanted: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in wanted.items()]


def _rules(group: Item) -> Iterator[tuple[str, int, str]]:
    for permission in group["IpPermissions"]:
        for source in permission["IpRanges"]:
            yield permission["IpProtocol"], permission["FromPort"], source["CidrIp"]


def _permission(rule: tuple[str, int, str]) -> Item:
    protocol, port, source = rule
    return {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": source}]}
