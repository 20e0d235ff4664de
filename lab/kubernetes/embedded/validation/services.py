# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services and EndpointSlices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.validation import forms, metadata

_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"
_FAMILIES = ("ipFamilies", "ipFamilyPolicy")


def service(item: Object) -> Iterator[Cause]:
    spec = item["spec"]
    kind, ports = spec.get("type"), spec.get("ports", [])
    if not ports and spec.get("clusterIP") != "None" and kind != "ExternalName":
        yield errors.required("spec.ports")
    yield from _addresses(spec)
    yield from _ports(ports, kind)
    yield from metadata.check_labels(spec.get("selector", {}), "spec.selector")
    if spec.get("sessionAffinity") == "None" and "sessionAffinityConfig" in spec:
        yield errors.forbidden_value("spec.sessionAffinityConfig", "must not be set when session affinity is None")
    yield from _load_balancer(spec)
    if kind not in ("NodePort", "LoadBalancer") and "externalTrafficPolicy" in spec:
        text = "may only be set for externally-accessible services"
        yield errors.invalid_value("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], text)


def _addresses(spec: Object) -> Iterator[Cause]:
    kind, own = spec.get("type"), spec.get("clusterIPs", [])
    if kind in ("LoadBalancer", "NodePort") and own[:1] == ["None"]:
        yield errors.invalid_value("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName":
        for name in ("clusterIPs", *_FAMILIES):
            if name in spec:
                yield errors.forbidden_value(f"spec.{name}", "may not be set for ExternalName services")
        if external := spec.get("externalName", "").removesuffix("."):
            yield from forms.form(forms.subdomain, external, "spec.externalName")
        else:
            yield errors.required("spec.externalName")
    for index, address in enumerate(own):
        if address != "None":
            yield from forms.address(address, f"spec.clusterIPs[{index}]")
    for index, address in enumerate(spec.get("externalIPs", [])):
        yield from forms.address(address, f"spec.externalIPs[{index}]")


def _ports(ports: list[Object], kind: str | None) -> Iterator[Cause]:
    names: set[str] = set()
    seen: set[tuple[Any, Any]] = set()
    node_ports: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        yield from _port_name(port.get("name", ""), len(ports) > 1, names, f"{path}.name")
        yield from forms.port(port.get("port", 0), f"{path}.port")
        yield from forms.port_or_name(port.get("targetPort", 0), f"{path}.targetPort")
        if "appProtocol" in port:
            yield from forms.form(forms.qualified_name, port["appProtocol"], f"{path}.appProtocol")
        protocol, node_port = port.get("protocol"), port.get("nodePort")
        if node_port and kind == "ClusterIP":
            yield errors.forbidden_value(f"{path}.nodePort", "may not be used when `type` is 'ClusterIP'")
        if node_port and (protocol, node_port) in node_ports:
            yield errors.duplicate(f"{path}.nodePort", node_port)
        if (protocol, port.get("port")) in seen:
            yield errors.duplicate(path, _shown(port))
        seen.add((protocol, port.get("port")))
        node_ports.add((protocol, node_port))


def _shown(port: Object) -> Object:
    """A duplicate port as the real server shows it: the fields that are compared, and zeros."""
    return {
        "Name": "",
        "Protocol": port.get("protocol"),
        "AppProtocol": None,
        "Port": port.get("port"),
        "TargetPort": 0,
        "NodePort": 0,
    }


def _port_name(name: str, needed: bool, names: set[str], path: str) -> Iterator[Cause]:
    if name:
        yield from forms.form(forms.label, name, path)
        if name in names:
            yield errors.duplicate(path, name)
        names.add(name)
    elif needed:
        yield errors.required(path)


def _load_balancer(spec: Object) -> Iterator[Cause]:
    balanced = spec.get("type") == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges", [])
    # The field's name begins with a capital letter in the real server's messages.
    if ranges and not balanced:
        yield errors.forbidden_value("spec.LoadBalancerSourceRanges", _ONLY_BALANCED)
    for index, value in enumerate(ranges):
        yield from forms.cidr(value, f"spec.LoadBalancerSourceRanges[{index}]")
    if "allocateLoadBalancerNodePorts" in spec and not balanced:
        yield errors.forbidden_value("spec.allocateLoadBalancerNodePorts", _ONLY_BALANCED)
    if (name := spec.get("loadBalancerClass")) is not None:
        if balanced:
            yield from forms.form(forms.qualified_name, name, "spec.loadBalancerClass")
        else:
            yield errors.forbidden_value("spec.loadBalancerClass", _ONLY_BALANCED)


def changes(item: Object, before: Object) -> Iterator[Cause]:
    spec, old = item["spec"], before["spec"]
    stays_balanced = spec.get("type") == old.get("type") == "LoadBalancer"
    if stays_balanced and spec.get("loadBalancerClass") != old.get("loadBalancerClass"):
        yield errors.invalid_value("spec.loadBalancerClass", spec.get("loadBalancerClass"), "may not change once set")
    if "ExternalName" not in (spec.get("type"), old.get("type")) and spec.get("clusterIP") != old.get("clusterIP"):
        yield errors.invalid_value("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set")


def status(item: Object) -> Iterator[Cause]:
    """The addresses of its load balancer."""
    path = "status.loadBalancer.ingress"
    ingress = item.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    if ingress and item["spec"].get("type") != "LoadBalancer":
        yield errors.forbidden_value(path, "may only be used when `spec.type` is 'LoadBalancer'")
        return
    for index, each in enumerate(ingress):
        if "ip" in each:
            yield from forms.address(each["ip"], f"{path}[{index}].ip")
        if "hostname" in each:
            yield from forms.form(forms.subdomain, each["hostname"], f"{path}[{index}].hostname")


def endpoint_slice(item: Object) -> Iterator[Cause]:
    kinds = ("FQDN", "IPv4", "IPv6")
    kind = item.get("addressType")
    if kind and kind not in kinds:
        yield errors.unsupported("addressType", kind, kinds)
    for index, endpoint in enumerate(item.get("endpoints") or []):
        path = f"endpoints[{index}].addresses"
        if not endpoint.get("addresses"):
            yield errors.required(path, "must contain at least 1 address")
        for at, address in enumerate(endpoint.get("addresses", []) if kind in ("IPv4", "IPv6") else []):
            yield from forms.address(address, f"{path}[{at}]")


def fixed_address_type(item: Object, before: Object) -> Iterator[Cause]:
    if item.get("addressType") != before.get("addressType"):
        yield errors.invalid_value("addressType", item.get("addressType"), "field is immutable")
