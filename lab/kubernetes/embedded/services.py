# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses and node ports that the API server gives to Services."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable

from lab.kubernetes.embedded.resources import Object

#: EKS's range for clusters in VPCs outside 10.0.0.0/8.
CLUSTER_IPS = ipaddress.ip_network("10.100.0.0/16")
NODE_PORTS = range(30000, 32768)
#: The types of Services that are reached from outside the cluster.
_OUTSIDE = ("NodePort", "LoadBalancer")


def allocate(item: Object, before: Object | None, others: Iterable[Object]) -> None:
    """Complete a Service's specification in place: addresses and node ports, kept from before where there were any."""
    spec = item["spec"]
    specs = [other["spec"] for other in others]
    if spec.get("type") == "ExternalName":
        return
    old = before["spec"] if before else {}
    _drop_what_the_type_lacks(spec, old)
    if "clusterIP" not in spec:
        spec["clusterIP"] = old.get("clusterIP") or _free_address({each.get("clusterIP") for each in specs})
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    if spec.get("selector") or spec["clusterIP"] != "None":
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec.get("type") == "NodePort" or (spec.get("type") == "LoadBalancer" and spec["allocateLoadBalancerNodePorts"]):
        _allocate_node_ports(spec, old, {port.get("nodePort") for each in specs for port in each.get("ports", ())})


def _drop_what_the_type_lacks(spec: Object, old: Object) -> None:
    """What belonged to the type that a Service had goes with it, unless the client changed it."""
    if old.get("type") in _OUTSIDE and spec["type"] not in _OUTSIDE:
        given = {port.get("nodePort") for port in old.get("ports", ())}
        for port in spec.get("ports", ()):
            if port.get("nodePort") in given:
                port.pop("nodePort", None)
        spec.pop("externalTrafficPolicy", None)
    if old.get("type") == "LoadBalancer" != spec["type"]:
        for name in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if spec.get(name) == old.get(name):
                spec.pop(name, None)


def _free_address(used: set[str | None]) -> str:
    while True:
        # The lowest addresses are kept for well-known services, as the real allocator does.
        address = str(CLUSTER_IPS[random.randrange(256, CLUSTER_IPS.num_addresses - 1)])
        if address not in used:
            return address


def _allocate_node_ports(spec: Object, old: Object, used: set[int | None]) -> None:
    known = {(port["port"], port["protocol"]): port.get("nodePort") for port in old.get("ports", ())}
    for port in spec.get("ports", ()):
        if not port.get("nodePort"):
            kept = known.get((port["port"], port["protocol"]))
            port["nodePort"] = kept or random.choice([each for each in NODE_PORTS if each not in used])
            used.add(port["nodePort"])
