# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The load balancer that a Service asks for, read from its specification and annotations. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import Any

from lab.controllers.client import Object

CLASS = "eks.amazonaws.com/nlb"
FINALIZER = "service.eks.amazonaws.com/resources"

CLUSTER_TAG = "eks:eks-cluster-name"
STACK_TAG = "service.eks.amazonaws.com/stack"
RESOURCE_TAG = "service.eks.amazonaws.com/resource"

#: Annotations without this prefix are somebody else's, and ignored.
_PREFIX = "service.beta.kubernetes.io/"
_SCHEMES = ("internal", "internet-facing")


class BuildError(Exception):
    """The Service asks for the impossible."""


@dataclasses.dataclass(frozen=True)
class HealthCheck:
    """A target group's, in boto3's words. The defaults are the controller's for network load balancers."""

    protocol: str
    port: str
    path: str
    interval: int
    timeout: int
    healthy_threshold: int
    unhealthy_threshold: int
    statuses: str

    def arguments(self) -> dict[str, Any]:
        given: dict[str, Any] = {
            "HealthCheckProtocol": self.protocol,
            "HealthCheckPort": self.port,
            "HealthCheckIntervalSeconds": self.interval,
            "HealthCheckTimeoutSeconds": self.timeout,
            "HealthyThresholdCount": self.healthy_threshold,
            "UnhealthyThresholdCount": self.unhealthy_threshold,
        }
        if self.protocol != "TCP":
            given.update(HealthCheckPath=self.path, Matcher={"HttpCode": self.statuses})
        return given


def is_ours(service: Object) -> bool:
    """The class may be left out: Auto Mode's is the cluster's default."""
    spec = service["spec"]
    return spec["type"] == "LoadBalancer" and spec.get("loadBalancerClass") in (None, CLASS)


def is_held(service: Object) -> bool:
    """Whether there may be resources in AWS for the Service."""
    return FINALIZER in service["metadata"].get("finalizers", [])


def stack(service: Object) -> str:
    """The value of the tag that leads from resources in AWS to their Service."""
    return f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def annotation(service: Object, name: str, default: str = "") -> str:
    value: str = service["metadata"].get("annotations", {}).get(_PREFIX + name, default)
    return value


def scheme(service: Object) -> str | None:
    """None when the Service doesn't say. Raises BuildError for one that isn't there."""
    wanted = annotation(service, "aws-load-balancer-scheme")
    if wanted and wanted not in _SCHEMES:
        raise BuildError(f"unknown scheme: {wanted}")
    return wanted or None


def attributes(service: Object, name: str = "aws-load-balancer-attributes") -> dict[str, str]:
    """Attributes as "key=value,key=value". Raises BuildError for another form."""
    text = annotation(service, name)
    pairs = [each.strip().partition("=") for each in text.split(",") if each.strip()]
    if not all(key and separator for key, separator, _ in pairs):
        raise BuildError(f"failed to parse stringMap annotation, {_PREFIX}{name}: {text}")
    return {key.strip(): value.strip() for key, _, value in pairs}


def check_deletion(service: Object) -> None:
    """Raises BuildError when the Service's own annotation forbids to delete its load balancer."""
    if attributes(service).get("deletion_protection.enabled") == "true":
        raise BuildError(f"deletion_protection is enabled, cannot delete the service: {service['metadata']['name']}")


def health_check(service: Object) -> HealthCheck:
    """Raises BuildError for a number that isn't one."""
    return HealthCheck(
        protocol=annotation(service, "aws-load-balancer-healthcheck-protocol", "TCP").upper(),
        port=annotation(service, "aws-load-balancer-healthcheck-port", "traffic-port"),
        path=annotation(service, "aws-load-balancer-healthcheck-path", "/"),
        interval=_number(service, "aws-load-balancer-healthcheck-interval", 10),
        timeout=_number(service, "aws-load-balancer-healthcheck-timeout", 10),
        healthy_threshold=_number(service, "aws-load-balancer-healthcheck-healthy-threshold", 3),
        unhealthy_threshold=_number(service, "aws-load-balancer-healthcheck-unhealthy-threshold", 3),
        statuses=annotation(service, "aws-load-balancer-healthcheck-success-codes", "200-399"),
    )


def _number(service: Object, name: str, default: int) -> int:
    text = annotation(service, name, str(default))
    try:
        return int(text)
    except ValueError:
        raise BuildError(f"failed to parse int64 annotation, {_PREFIX}{name}: {text}") from None


def ingress(service: Object) -> set[tuple[str, int, str]]:
    """The ingress rules of the frontend security group: protocol, port, addresses."""
    sources = service["spec"].get("loadBalancerSourceRanges") or ["0.0.0.0/0"]
    return {(port["protocol"].lower(), port["port"], source) for port in service["spec"]["ports"] for source in sources}


# Names. They end in a hash, so look resources up by their tags.


def load_balancer_name(cluster: str, service: Object, scheme: str) -> str:
    given = annotation(service, "aws-load-balancer-name")
    return given or _name(service, cluster, service["metadata"]["uid"], scheme)


def security_group_name(cluster: str, service: Object) -> str:
    metadata = service["metadata"]
    return _name(service, cluster, metadata["name"], metadata["namespace"], metadata["uid"])


def backend_security_group_name(cluster: str) -> str:
    return f"k8s-traffic-{_plain(cluster)}-{_digest(cluster)}"


def target_group_name(cluster: str, service: Object, port: Object, check: HealthCheck) -> str:
    return _name(
        service,
        cluster,
        service["metadata"]["uid"],
        str(port.get("targetPort")),
        str(port["port"]),
        "ip",
        port["protocol"],
        check.protocol,
        str(check.interval),
    )


def _name(service: Object, *parts: str) -> str:
    metadata = service["metadata"]
    return f"k8s-{_plain(metadata['namespace'])[:8]}-{_plain(metadata['name'])[:8]}-{_digest(*parts)}"


def _plain(text: str) -> str:
    return re.sub("[^0-9A-Za-z]", "", text)


def _digest(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:10]
