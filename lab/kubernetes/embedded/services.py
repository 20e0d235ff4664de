# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses and node ports that the API server gives to Services."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Iterator

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import SERVICE, Object

#: EKS's range for clusters in VPCs outside 10.0.0.0/8.
CLUSTER_IPS = ipaddress.ip_network("10.100.0.0/16")
NODE_PORTS = range(30000, 32768)
#: The types of Services that are reached from outside the cluster.
_OUTSIDE = ("NodePort", "LoadBalancer")


def allocate(item: Object, before: Object | None, others: Iterable[Object]) -> None:
    """Complete a Service's specification in place: addresses and node ports, kept from before where there were any."""
    spec = item["spec"]
    specs = [other["spec"] for other in others]
    old = before["spec"] if before else {}
    _drop_fields_of_old_type(item, spec, old)
    if spec.get("type") == "ExternalName":
        return
    if "clusterIP" not in spec:
        given = spec.get("clusterIPs") or [""]
        spec["clusterIP"] = given[0] or old.get("clusterIP") or _free_address({each.get("clusterIP") for each in specs})
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    if spec.get("selector") or spec["clusterIP"] != "None":
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec.get("type") == "NodePort" or (spec.get("type") == "LoadBalancer" and spec["allocateLoadBalancerNodePorts"]):
        _allocate_node_ports(spec, old, {port.get("nodePort") for each in specs for port in each.get("ports", ())})


def refuse_taken(item: Object, before: Object | None, others: Iterable[Object]) -> None:
    """Raise 422 for an address or a node port that is another's, or out of range."""
    specs = [other["spec"] for other in others]
    old = before["spec"] if before else {}
    causes = [
        *_wrong_address(item["spec"], old, {each.get("clusterIP") for each in specs}),
        *_wrong_node_ports(
            item["spec"], old, {port.get("nodePort") for each in specs for port in each.get("ports", ())}
        ),
    ]
    if causes:
        raise errors.invalid(SERVICE, item["metadata"]["name"], causes)


def _wrong_address(spec: Object, old: Object, used: set[str | None]) -> Iterator[Cause]:
    address = spec.get("clusterIP", "None")
    if address in ("None", old.get("clusterIP")):
        return
    why = ""
    if ipaddress.ip_address(address) not in CLUSTER_IPS:
        why = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {CLUSTER_IPS}"
    elif address in used:
        why = "provided IP is already allocated"
    if why:
        text = f"failed to allocate IP {address}: {why}"
        yield errors.invalid_value("spec.clusterIPs", spec["clusterIPs"], text)


def _wrong_node_ports(spec: Object, old: Object, used: set[int | None]) -> Iterator[Cause]:
    own = {port.get("nodePort") for port in old.get("ports", ())}
    for index, port in enumerate(spec.get("ports", ())):
        number, path = port.get("nodePort"), f"spec.ports[{index}].nodePort"
        if number is None or number in own:
            continue
        if number not in NODE_PORTS:
            text = "provided port is not in the valid range. The range of valid ports is "
            yield errors.invalid_value(path, number, f"{text}{NODE_PORTS.start}-{NODE_PORTS.stop - 1}")
        elif number in used:
            yield errors.invalid_value(path, number, "provided port is already allocated")


def _drop_fields_of_old_type(item: Object, spec: Object, old: Object) -> None:
    """When a Service changes its type, drop the old type's fields, unless the client changed them."""
    kind, old_kind = spec["type"], old.get("type")
    gone: tuple[str, ...] = ()
    if old_kind not in (None, "ExternalName") and kind == "ExternalName":
        gone += ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
    if old_kind in _OUTSIDE and kind not in _OUTSIDE:
        gone += ("externalTrafficPolicy",)
        _drop_node_ports(spec, old)
    if old_kind == "LoadBalancer" != kind:
        gone += ("allocateLoadBalancerNodePorts", "loadBalancerClass")
        item["status"] = {"loadBalancer": {}}
    for name in gone:
        if spec.get(name) == old.get(name):
            spec.pop(name, None)


def _drop_node_ports(spec: Object, old: Object) -> None:
    given = {port.get("nodePort") for port in old.get("ports", ())}
    for port in spec.get("ports", ()):
        if port.get("nodePort") in given:
            port.pop("nodePort", None)


def _free_address(used: set[str | None]) -> str:
    while True:
        # The lowest addresses are kept for well-known services, as the real allocator does.
        address = str(CLUSTER_IPS[random.randrange(256, CLUSTER_IPS.num_addresses - 1)])
        if address not in used:
            return address


def _allocate_node_ports(spec: Object, old: Object, used: set[int | None]) -> None:
    known = {(port.get("port"), port.get("protocol")): port.get("nodePort") for port in old.get("ports", ())}
    for port in spec.get("ports", ()):
        if not port.get("nodePort"):
            kept = known.get((port.get("port"), port.get("protocol")))
            port["nodePort"] = kept or random.choice([each for each in NODE_PORTS if each not in used])
            used.add(port["nodePort"])
