# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS and Kubernetes show of one contract, as data. Pure: made of the two APIs' own answers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .contract import Contract

Resource = dict[str, t.Any]
Tags = dict[str, str]

#: Auto Mode's tag on all load balancers that it makes: the cluster's name.
CLUSTER_TAG = "eks:eks-cluster-name"

# Auto Mode's tags, and those of the self-managed AWS Load Balancer Controller.
_AUTO_MODE = (CLUSTER_TAG, "service.eks.amazonaws.com/stack", "service.eks.amazonaws.com/resource")
_SELF_MANAGED = ("elbv2.k8s.aws/cluster", "service.k8s.aws/stack", "service.k8s.aws/resource")

#: The controller's event reasons for a Service it could not carry out
#: (https://github.com/kubernetes-sigs/aws-load-balancer-controller, pkg/k8s/events.go).
CONTROLLER_FAILURES = frozenset(
    {
        "FailedAddFinalizer",
        "FailedRemoveFinalizer",
        "FailedUpdateStatus",
        "FailedCleanupStatus",
        "FailedBuildModel",
        "FailedDeployModel",
    }
)
CONTROLLER_SUCCESS = "SuccessfullyReconciled"


# What AWS shows


@dataclass(frozen=True)
class Target:
    """A target and its health; ``state`` and ``reason`` are AWS's codes."""

    id: str
    port: int
    availability_zone: str | None
    state: str
    reason: str | None
    description: str | None

    @classmethod
    def of(cls, item: Resource) -> Target:
        """From an item of DescribeTargetHealth."""
        target, health = item["Target"], item["TargetHealth"]
        return cls(
            id=target["Id"],
            port=target["Port"],
            availability_zone=target.get("AvailabilityZone"),
            state=health["State"],
            reason=health.get("Reason"),
            description=health.get("Description"),
        )

    @property
    def leaving(self) -> bool:
        """Being deregistered: it gets no new connections, and its health matters to nobody."""
        return self.state in ("draining", "unhealthy.draining")

    def __str__(self) -> str:
        reason = ": ".join(part for part in (self.reason, self.description) if part)
        return f"{self.id}:{self.port} is {self.state}" + (f" ({reason})" if reason else "")


@dataclass(frozen=True)
class TargetGroup:
    arn: str
    name: str
    port: int
    protocol: str
    target_type: str
    health_check: Resource
    load_balancer_arns: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()

    @classmethod
    def of(cls, item: Resource) -> TargetGroup:
        """From an item of DescribeTargetGroups."""
        return cls(
            arn=item["TargetGroupArn"],
            name=item["TargetGroupName"],
            port=item["Port"],
            protocol=item["Protocol"],
            target_type=item["TargetType"],
            health_check={
                "protocol": item.get("HealthCheckProtocol"),
                "port": item.get("HealthCheckPort"),
                "path": item.get("HealthCheckPath"),
                "interval": item.get("HealthCheckIntervalSeconds"),
                "healthy_threshold": item.get("HealthyThresholdCount"),
                "unhealthy_threshold": item.get("UnhealthyThresholdCount"),
            },
            load_balancer_arns=tuple(item.get("LoadBalancerArns", ())),
        )

    def with_targets(self, items: t.Iterable[Resource]) -> TargetGroup:
        """The same with targets from items of DescribeTargetHealth."""
        targets = sorted(map(Target.of, items), key=lambda target: (target.id, target.port))
        return replace(self, targets=tuple(targets))

    @property
    def staying(self) -> list[Target]:
        """The targets that are meant to get traffic."""
        return [target for target in self.targets if not target.leaving]


@dataclass(frozen=True)
class Listener:
    arn: str
    port: int
    protocol: str
    target_group_arns: tuple[str, ...]

    @classmethod
    def of(cls, item: Resource) -> Listener:
        """From an item of DescribeListeners."""
        arns: list[str] = []
        for action in item["DefaultActions"]:
            groups = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
            arns += [group["TargetGroupArn"] for group in groups]
        return cls(item["ListenerArn"], item["Port"], item["Protocol"], tuple(arns))


@dataclass(frozen=True)
class LoadBalancer:
    """A load balancer. ``listeners`` are None, and target groups empty, as long as nobody asked for them."""

    arn: str
    name: str
    dns_name: str
    state: str
    state_reason: str | None
    scheme: str
    ip_address_type: str | None
    vpc_id: str
    availability_zones: tuple[Resource, ...]
    security_groups: tuple[str, ...]
    private_link_enforcement: str | None
    tags: Tags
    listeners: tuple[Listener, ...] | None = None
    target_groups: tuple[TargetGroup, ...] = ()

    @classmethod
    def of(cls, item: Resource, tags: Tags) -> LoadBalancer:
        """From an item of DescribeLoadBalancers and its tags."""
        zones = ({"zone_name": zone["ZoneName"], "subnet_id": zone["SubnetId"]} for zone in item["AvailabilityZones"])
        return cls(
            arn=item["LoadBalancerArn"],
            name=item["LoadBalancerName"],
            dns_name=item.get("DNSName", ""),
            state=item["State"]["Code"],
            state_reason=item["State"].get("Reason"),
            scheme=item["Scheme"],
            ip_address_type=item.get("IpAddressType"),
            vpc_id=item["VpcId"],
            availability_zones=tuple(sorted(zones, key=lambda zone: t.cast(str, zone["zone_name"]))),
            security_groups=tuple(item.get("SecurityGroups", [])),
            private_link_enforcement=item.get("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"),
            tags=tags,
        )

    @property
    def passable(self) -> bool:
        """Whether it routes traffic; ``active_impaired`` does, it only lacks what it needs to grow."""
        return self.state in ("active", "active_impaired")

    @property
    def staying_targets(self) -> list[Target]:
        return [target for group in self.target_groups for target in group.staying]


@dataclass(frozen=True)
class Lookalike:
    """A load balancer of a Service of the same name that is not the contract's: another cluster's or controller's."""

    arn: str
    cluster: str
    self_managed: bool


def claims(tags: Tags, contract: Contract) -> bool:
    """Whether the tags are those that Auto Mode puts on the contract's load balancer."""
    return tuple(map(tags.get, _AUTO_MODE)) == (contract.cluster, contract.stack, "LoadBalancer")


def made_for(tags: Tags) -> str:
    """The purpose of Auto Mode's load balancer, by its tags."""
    # Services, Ingresses and Gateways have stack tags of their own:
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSLoadBalancingPolicy.html
    stacks = {key.split(".")[0].capitalize(): value for key, value in tags.items() if key.endswith("/stack")}
    return ", ".join(f"{kind} {stack}" for kind, stack in stacks.items()) or "for nothing that its tags name"


def lookalike(arn: str, tags: Tags, contract: Contract) -> Lookalike | None:
    for keys in (_AUTO_MODE, _SELF_MANAGED):
        cluster, stack, resource = map(tags.get, keys)
        if cluster and (stack, resource) == (contract.stack, "LoadBalancer") and not claims(tags, contract):
            return Lookalike(arn, cluster, self_managed=keys is _SELF_MANAGED)
    return None


@dataclass(frozen=True)
class AwsView:
    """``problem`` says why AWS could not be asked just now; the rest is then what it showed before."""

    load_balancers: tuple[LoadBalancer, ...] = ()
    lookalikes: tuple[Lookalike, ...] = ()
    problem: str | None = None


# What Kubernetes shows


@dataclass(frozen=True)
class ServicePort:
    port: int
    target_port: int | str


@dataclass(frozen=True)
class Service:
    uid: str
    type: str
    load_balancer_class: str | None
    annotations: Tags
    selector: Tags
    ports: tuple[ServicePort, ...]
    source_ranges: tuple[str, ...]
    hostnames: tuple[str, ...]
    deleting: bool

    @classmethod
    def of(cls, item: Resource) -> Service:
        metadata, spec = item["metadata"], item["spec"]
        ingress = item.get("status", {}).get("loadBalancer", {}).get("ingress") or []
        return cls(
            uid=metadata["uid"],
            type=spec.get("type", "ClusterIP"),
            load_balancer_class=spec.get("loadBalancerClass"),
            annotations=metadata.get("annotations") or {},
            selector=spec.get("selector") or {},
            ports=tuple(
                ServicePort(port["port"], port.get("targetPort", port["port"])) for port in spec.get("ports") or []
            ),
            source_ranges=tuple(spec.get("loadBalancerSourceRanges") or []),
            hostnames=tuple(entry["hostname"] for entry in ingress if entry.get("hostname")),
            deleting=bool(metadata.get("deletionTimestamp")),
        )


@dataclass(frozen=True)
class Pod:
    """``trouble`` says in Kubernetes' words why the pod is not ready, where it says so."""

    name: str
    addresses: tuple[str, ...]
    ready: bool
    trouble: str | None
    container_ports: tuple[tuple[str | None, int], ...]
    deleting: bool

    @classmethod
    def of(cls, item: Resource) -> Pod:
        metadata, spec, status = item["metadata"], item["spec"], item.get("status", {})
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in status.get("conditions") or []
        )
        return cls(
            name=metadata["name"],
            addresses=tuple(entry["ip"] for entry in status.get("podIPs") or [] if entry.get("ip")),
            ready=ready,
            trouble=None if ready else _pod_message(status),
            container_ports=tuple(
                (port.get("name"), port["containerPort"])
                for container in spec["containers"]
                for port in container.get("ports") or []
            ),
            deleting=bool(metadata.get("deletionTimestamp")),
        )

    def number_of(self, target_port: int | str) -> int | None:
        """The port that a Service's ``targetPort`` means in this pod; None if the pod has no port of that name."""
        if isinstance(target_port, int):
            return target_port
        return next((number for name, number in self.container_ports if name == target_port), None)


def _pod_message(status: Resource) -> str | None:
    """The most telling of a pod's own words: a waiting container's, else those of an unmet condition."""
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = container.get("state", {}).get("waiting")
        if waiting:
            return _words(waiting)
    unmet = [condition for condition in status.get("conditions") or [] if condition["status"] == "False"]
    unmet.sort(key=lambda condition: condition["type"] != "PodScheduled")
    return next((_words(condition) for condition in unmet if condition.get("message")), None)


def _words(entry: Resource) -> str:
    return ": ".join(entry[key] for key in ("reason", "message") if entry.get(key))


@dataclass(frozen=True)
class Event:
    """An event of the Service. ``recurred``: it happened (again) since we began to watch."""

    reason: str
    message: str
    warning: bool
    count: int
    first: datetime
    last: datetime
    recurred: bool

    @classmethod
    def of(cls, item: Resource, count_before: int) -> Event:
        """``count_before`` is how often it had happened when we began to watch."""
        series = item.get("series") or {}
        created = item["metadata"]["creationTimestamp"]
        count = item.get("count") or series.get("count") or 1
        return cls(
            reason=item.get("reason") or "",
            message=item.get("message") or "",
            warning=item.get("type") == "Warning",
            count=count,
            first=datetime.fromisoformat(item.get("firstTimestamp") or item.get("eventTime") or created),
            last=datetime.fromisoformat(
                item.get("lastTimestamp") or series.get("lastObservedTime") or item.get("eventTime") or created
            ),
            recurred=count > count_before,
        )


@dataclass(frozen=True)
class ControllerFailure:
    """The controller's failure since its last success, for how long, and whether it came during our observation."""

    reason: str
    message: str
    lasted: timedelta
    recurred: bool

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def controller_failure(events: t.Iterable[Event]) -> ControllerFailure | None:
    """The controller's unresolved failure, if there is one."""
    events = list(events)
    success = max((event.last for event in events if event.reason == CONTROLLER_SUCCESS), default=None)
    failures = [
        event
        for event in events
        if event.warning and event.reason in CONTROLLER_FAILURES and (success is None or event.last > success)
    ]
    if not failures:
        return None
    latest = max(failures, key=lambda event: event.last)
    began = min(event.first for event in failures)
    return ControllerFailure(
        reason=latest.reason,
        message=latest.message,
        lasted=latest.last - (max(began, success) if success else began),
        recurred=any(event.recurred for event in failures),
    )


@dataclass(frozen=True)
class Problem:
    """Why Kubernetes could not be asked just now, and since when (seconds). ``denied``: it says that we may not."""

    message: str
    denied: bool
    seconds: float


@dataclass(frozen=True)
class KubernetesView:
    """``cluster_status`` is EKS's, None if there is no such cluster. ``problem``: the rest is what was seen before."""

    cluster_status: str | None
    service: Service | None = None
    pods: tuple[Pod, ...] = ()
    events: tuple[Event, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True)
class Observation:
    """All observations of a contract; a side not observed is None."""

    contract: Contract
    aws: AwsView | None = None
    kubernetes: KubernetesView | None = None

    @property
    def load_balancer(self) -> LoadBalancer | None:
        """The contract's load balancer, if there is exactly one."""
        found = self.aws.load_balancers if self.aws else ()
        return found[0] if len(found) == 1 else None

    @property
    def service(self) -> Service | None:
        return self.kubernetes.service if self.kubernetes else None

    @property
    def pods(self) -> list[Pod]:
        """The Service's pods, without those that are on their way out."""
        return [pod for pod in self.kubernetes.pods if not pod.deleting] if self.kubernetes else []

    @property
    def controller_failure(self) -> ControllerFailure | None:
        return controller_failure(self.kubernetes.events) if self.kubernetes else None
