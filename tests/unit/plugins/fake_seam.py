# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A healthy seam in AWS's and Kubernetes' own words, for tests to break: objects, an ELBv2 and a Kubernetes API."""

from __future__ import annotations

import queue
import typing as t
from dataclasses import replace

import boto3
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import KubernetesError
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import (
    AwsView,
    Event,
    KubernetesView,
    Listener,
    LoadBalancer,
    Observation,
    Pod,
    Service,
    TargetGroup,
)
from botocore.exceptions import ClientError

Resource = dict[str, t.Any]

CONTRACT = Contract("petstore", "petstore", "vpclink")
NAME = "k8s-petstore-vpclink-0f1e2d3c4b"
ARN_PREFIX = "arn:aws:elasticloadbalancing:us-west-2:123456789012"
ARN = f"{ARN_PREFIX}:loadbalancer/net/{NAME}/1"
GROUP_ARN = f"{ARN_PREFIX}:targetgroup/k8s-petstore-vpclink-1/1"
DNS_NAME = f"{NAME}-1.elb.us-west-2.amazonaws.com"
TAGS = {
    "eks:eks-cluster-name": "petstore",
    "service.eks.amazonaws.com/stack": "petstore/vpclink",
    "service.eks.amazonaws.com/resource": "LoadBalancer",
}
NO_SUBNET = "Failed build model due to unable to resolve at least one subnet. Evaluated 3 subnets: 0 are tagged"


# AWS's objects


def load_balancer(number: int = 1, state: str = "active", **changes: t.Any) -> Resource:
    return {
        "LoadBalancerArn": f"{ARN[:-1]}{number}",
        "LoadBalancerName": NAME,
        "DNSName": f"{NAME}-{number}.elb.us-west-2.amazonaws.com",
        "Type": "network",
        "Scheme": "internal",
        "IpAddressType": "ipv4",
        "VpcId": "vpc-1",
        "State": {"Code": state},
        "AvailabilityZones": [
            {"ZoneName": "us-west-2b", "SubnetId": "subnet-b"},
            {"ZoneName": "us-west-2a", "SubnetId": "subnet-a"},
        ],
        "SecurityGroups": ["sg-1"],
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic": "on",
        **changes,
    }


def listener(port: int = 80) -> Resource:
    return {
        "ListenerArn": f"{ARN_PREFIX}:listener/net/{NAME}/1/{port}",
        "LoadBalancerArn": ARN,
        "Port": port,
        "Protocol": "TCP",
        "DefaultActions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": GROUP_ARN}]}}],
    }


def target_group(**changes: t.Any) -> Resource:
    return {
        "TargetGroupArn": GROUP_ARN,
        "TargetGroupName": "k8s-petstore-vpclink-1",
        "Port": 8080,
        "Protocol": "TCP",
        "TargetType": "ip",
        "HealthCheckProtocol": "TCP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckIntervalSeconds": 10,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 3,
        "LoadBalancerArns": [ARN],
        **changes,
    }


def target(
    address: str = "172.31.0.1", port: int = 8080, state: str = "healthy", reason: str | None = None
) -> Resource:
    health = {"State": state}
    if reason:
        health |= {"Reason": reason, "Description": f"described: {reason}"}
    return {"Target": {"Id": address, "Port": port, "AvailabilityZone": "us-west-2a"}, "TargetHealth": health}


# Kubernetes' objects


def service(annotations: dict[str, str] | None = None, hostname: str | None = DNS_NAME, **spec: t.Any) -> Resource:
    return {
        "metadata": {"name": "vpclink", "uid": "service-1", "annotations": annotations},
        "spec": {
            "type": "LoadBalancer",
            "loadBalancerClass": "eks.amazonaws.com/nlb",
            "selector": {"app": "petstore"},
            "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
            **spec,
        },
        "status": {"loadBalancer": {"ingress": [{"hostname": hostname}]} if hostname else {}},
    }


def pod(number: int = 1, ready: bool = True, ports: list[Resource] | None = None, **status: t.Any) -> Resource:
    return {
        "metadata": {"name": f"petstore-{number}", "uid": f"pod-{number}", "labels": {"app": "petstore"}},
        "spec": {
            "containers": [
                {"name": "petstore", "ports": [{"name": "http", "containerPort": 8080}] if ports is None else ports}
            ]
        },
        "status": {
            "podIPs": [{"ip": f"172.31.0.{number}"}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            **status,
        },
    }


def event(
    reason: str, message: str = "", first: int = 0, last: int = 0, count: int = 1, uid: str = "", of: str = "service-1"
) -> Resource:
    """``first`` and ``last`` are seconds into some minute."""
    return {
        "metadata": {"uid": uid or f"event-{reason}-{first}", "creationTimestamp": "2026-01-31T12:00:00Z"},
        "involvedObject": {"kind": "Service", "name": "vpclink", "uid": of},
        "type": "Normal" if reason == "SuccessfullyReconciled" else "Warning",
        "reason": reason,
        "message": message,
        "count": count,
        "firstTimestamp": f"2026-01-31T12:00:{first:02}Z",
        "lastTimestamp": f"2026-01-31T12:00:{last:02}Z",
    }


# Observations


def aws_view(
    balancers: t.Sequence[Resource] | None = None,
    listeners: t.Sequence[Resource] | None = None,
    groups: t.Sequence[Resource] | None = None,
    targets: t.Sequence[Resource] | None = None,
    **changes: t.Any,
) -> AwsView:
    """One active load balancer with one listener and one group of two healthy targets, unless told otherwise."""
    if targets is None:
        targets = [target("172.31.0.1"), target("172.31.0.2")]
    found = tuple(
        replace(
            LoadBalancer.of(item, TAGS),
            listeners=tuple(map(Listener.of, [listener()] if listeners is None else listeners)),
            target_groups=tuple(
                TargetGroup.of(group).with_targets(targets)
                for group in ([target_group()] if groups is None else groups)
            ),
        )
        for item in ([load_balancer()] if balancers is None else balancers)
    )
    return AwsView(load_balancers=found, **changes)


def kubernetes_view(
    one: Resource | None = None,
    pods: t.Sequence[Resource] | None = None,
    events: t.Sequence[Resource] = (),
    counts_before: int = 0,
    **changes: t.Any,
) -> KubernetesView:
    """A cluster with the Service and two ready pods, unless told otherwise."""
    fields: Resource = {
        "cluster_status": "ACTIVE",
        "service": Service.of(one or service()),
        "pods": tuple(map(Pod.of, [pod(1), pod(2)] if pods is None else pods)),
        "events": tuple(Event.of(item, counts_before) for item in events),
    }
    return KubernetesView(**(fields | changes))


def observation(aws: AwsView | None = None, kubernetes: KubernetesView | None = None) -> Observation:
    return Observation(CONTRACT, aws=aws or aws_view(), kubernetes=kubernetes or kubernetes_view())


# The two APIs


class FakeElb:
    """ELBv2 with the given state, behind a real client (so its paginators and checks of parameters are real).

    ``calls`` are the operations in order; an exception in ``errors`` is raised by the next call of that operation.
    """

    def __init__(self, page_size: int = 400) -> None:
        self.balancers: list[Resource] = []
        self.tags: dict[str, dict[str, str]] = {}
        self.listeners: list[Resource] = []
        self.groups: list[Resource] = []
        #: The targets of all groups but those in ``targets_of``, by ARN.
        self.targets: list[Resource] = []
        self.targets_of: dict[str, list[Resource]] = {}
        self.page_size = page_size
        self.calls: list[str] = []
        self.requests: list[Resource] = []
        self.errors: dict[str, Exception] = {}

    @classmethod
    def healthy(cls) -> FakeElb:
        fake = cls()
        fake.add(load_balancer(), TAGS)
        fake.listeners, fake.groups = [listener()], [target_group()]
        fake.targets = [target("172.31.0.1"), target("172.31.0.2")]
        return fake

    def add(self, balancer: Resource, tags: dict[str, str]) -> None:
        self.balancers.append(balancer)
        self.tags[balancer["LoadBalancerArn"]] = tags

    def add_contract(self, number: int, **changes: t.Any) -> Contract:
        """One more contract with a load balancer and its target group, whose targets ``targets_of`` has."""
        contract = Contract("petstore", f"team-{number}", "vpclink")
        balancer = load_balancer(number, **changes)
        self.add(balancer, {**TAGS, "service.eks.amazonaws.com/stack": contract.stack})
        group = f"group-{number}"
        self.groups.append(target_group(TargetGroupArn=group, LoadBalancerArns=[balancer["LoadBalancerArn"]]))
        self.targets_of[group] = [target(f"172.31.1.{number}")]
        return contract

    def client(self) -> t.Any:
        client = boto3.client("elbv2", region_name="us-west-2", aws_access_key_id="a", aws_secret_access_key="b")
        client._make_api_call = self._call
        return client

    def _call(self, operation: str, request: Resource) -> Resource:
        self.calls.append(operation)
        self.requests.append(request)
        if operation in self.errors:
            raise self.errors.pop(operation)
        return t.cast(Resource, getattr(self, operation)(request))

    def DescribeLoadBalancers(self, request: Resource) -> Resource:
        start = int(request.get("Marker", 0))
        end = start + self.page_size
        page: Resource = {"LoadBalancers": self.balancers[start:end]}
        return page | {"NextMarker": str(end)} if end < len(self.balancers) else page

    def DescribeTags(self, request: Resource) -> Resource:
        arns = request["ResourceArns"]
        if not 1 <= len(arns) <= 20:
            raise client_error("ValidationError", 400)
        if any(arn not in self.tags for arn in arns):
            raise client_error("LoadBalancerNotFound", 400)
        return {
            "TagDescriptions": [
                {"ResourceArn": arn, "Tags": [{"Key": key, "Value": value} for key, value in self.tags[arn].items()]}
                for arn in arns
            ]
        }

    def DescribeListeners(self, request: Resource) -> Resource:
        return {"Listeners": self.listeners}

    def DescribeTargetGroups(self, request: Resource) -> Resource:
        arn = request.get("LoadBalancerArn")
        return {"TargetGroups": [group for group in self.groups if arn is None or arn in group["LoadBalancerArns"]]}

    def DescribeTargetHealth(self, request: Resource) -> Resource:
        return {"TargetHealthDescriptions": self.targets_of.get(request["TargetGroupArn"], self.targets)}


def client_error(code: str, status: int) -> ClientError:
    response: t.Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


class FakeKubernetes:
    """The calls of :class:`KubernetesApi` over ``objects`` by kind.

    A watch yields the changes put into the queue ``pushed`` of its kind. It raises an exception, calls a function, and
    ends at None. ``listed`` and ``watched`` are the calls. ``error`` is raised by every list.
    """

    def __init__(self, **objects: list[Resource]) -> None:
        self.objects: dict[str, list[Resource]] = {"Service": [], "Event": [], "Pod": []} | objects
        self.pushed: dict[str, queue.SimpleQueue[t.Any]] = {kind: queue.SimpleQueue() for kind in self.objects}
        self.error: KubernetesError | None = None
        self.listed: list[tuple[str, dict[str, str]]] = []
        self.watched: list[tuple[str, str]] = []

    @classmethod
    def healthy(cls) -> FakeKubernetes:
        return cls(Service=[service()], Pod=[pod(1), pod(2)])

    def push(self, kind: str, *changes: t.Any) -> None:
        for change in changes:
            self.pushed[kind].put(change)

    def list(self, kind: str, **selectors: str) -> tuple[list[Resource], str]:
        self.listed.append((kind, selectors))
        if self.error:
            raise self.error
        return self.objects[kind], f"version-{len(self.listed)}"

    def watch(self, kind: str, resource_version: str, **selectors: str) -> t.Iterator[tuple[str, Resource]]:
        self.watched.append((kind, resource_version))
        while (change := self.pushed[kind].get()) is not None:
            if isinstance(change, Exception):
                raise change
            if callable(change):
                change()
            else:
                yield change
