# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two pods in two zones serve behind an internal load balancer; afterwards neither is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CLUSTER = "molecule-workload"


def load_balancers(aws: Callable[[str], Any]) -> list[str]:
    """ARNs of the load balancers and target groups that Auto Mode made for this cluster."""
    filters = [{"Key": "eks:eks-cluster-name", "Values": [CLUSTER]}]
    types = ["elasticloadbalancing:loadbalancer", "elasticloadbalancing:targetgroup"]
    found = aws("resourcegroupstaggingapi").get_resources(TagFilters=filters, ResourceTypeFilters=types)
    return [each["ResourceARN"] for each in found["ResourceTagMappingList"]]


def test_present(aws: Callable[[str], Any], core_v1: Callable[[str], Any]) -> None:
    kubernetes, elbv2 = core_v1(CLUSTER), aws("elbv2")
    service = kubernetes.read_namespaced_service("vpclink", "petstore")
    assert service.metadata.annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internal"
    assert service.metadata.finalizers == ["service.eks.amazonaws.com/resources"]
    pods = kubernetes.list_namespaced_pod("petstore", label_selector="app=petstore").items
    assert [pod.status.phase for pod in pods] == ["Running", "Running"]
    assert len({pod.spec.node_name for pod in pods}) == 2
    (hostname,) = (ingress.hostname for ingress in service.status.load_balancer.ingress)
    balancers = elbv2.describe_load_balancers()["LoadBalancers"]
    (balancer,) = (each for each in balancers if each["DNSName"] == hostname)
    assert (balancer["Scheme"], balancer["Type"], balancer["State"]["Code"]) == ("internal", "network", "active")
    (group,) = elbv2.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    targets = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    healthy = {each["Target"]["Id"] for each in targets if each["TargetHealth"]["State"] == "healthy"}
    assert healthy == {pod.status.pod_ip for pod in pods}


def test_absent(aws: Callable[[str], Any], core_v1: Callable[[str], Any]) -> None:
    namespaces = core_v1(CLUSTER).list_namespace().items
    assert "petstore" not in [namespace.metadata.name for namespace in namespaces]
    assert load_balancers(aws) == []
