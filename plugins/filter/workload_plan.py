# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: manifests and the present objects -> what to apply, to delete and to leave, and the objections. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import OWN_LABEL, Contract

Item = dict[str, t.Any]

_SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
_EVERYBODY = {"0.0.0.0/0", "::/0"}


@dataclass(frozen=True)
class Seen:
    """The present objects: from ``eks_namespace_info`` (``found``), and from ``eks_auto_nlb_info`` for our Services."""

    found: Item
    seams: tuple[Item, ...]

    def object(self, kind: str, name: str) -> Item | None:
        return next((o for o in self.found["objects"] if (o["kind"], o["name"]) == (kind, name)), None)

    def service(self, name: str) -> Item | None:
        return next((service for service in self.found["services"] if service["name"] == name), None)

    @property
    def own_load_balancers(self) -> list[str]:
        """The names of our Services that have load balancers."""
        return [each["name"] for each in self.found["services"] if each["ours"] and each["type"] == "LoadBalancer"]

    def load_balancer(self, name: str) -> Item:
        seam = self._seam(name)
        return (seam and seam["load_balancer"]) or {}

    def links(self, name: str) -> list[Item]:
        """The VPC links that hold the load balancer of a Service."""
        seam = self._seam(name)
        return (seam and seam["vpc_links"]) or []

    def _seam(self, name: str) -> Item | None:
        return next((seam for seam in self.seams if seam["contract"]["service"] == name), None)


@dataclass(frozen=True)
class Workload:
    """The objects that the role keeps: ``manifests``, of which one is the Service of the contract's load balancer."""

    contract: Contract
    manifests: tuple[Item, ...]

    @property
    def service(self) -> Item:
        return next(m for m in self.manifests if (m["kind"], _name(m)) == ("Service", self.contract.service))

    @property
    def parts(self) -> list[Item]:
        """All but the namespace and the load balancer's Service."""
        return [m for m in self.manifests if m["kind"] != "Namespace" and m is not self.service]

    @property
    def namespace(self) -> Item:
        return next(m for m in self.manifests if m["kind"] == "Namespace")

    def words(self, name: str) -> str:
        return f"Service {self.contract.namespace}/{name}"


def workload_plan(
    manifests: list[Item],
    found: Item,
    seams: list[Item],
    contract: dict[str, str],
    state: str = "present",
    next_service: str = "",
    create_namespace: bool = True,
    allow_replacement: bool = False,
    links_go_first: bool = False,
    cluster_comes_first: bool = False,
) -> Item:
    """See workload_plan.yml."""
    workload = Workload(Contract(**contract), tuple(_marked(manifest) for manifest in manifests))
    seen = Seen(found, tuple(seams))
    if state == "absent":
        names = [contract["service"], *([next_service] if next_service not in ("", contract["service"]) else [])]
        return _removal(workload, seen, names, create_namespace, links_go_first)
    return _convergence(workload, seen, create_namespace, allow_replacement, cluster_comes_first)


def _marked(manifest: Item) -> Item:
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **OWN_LABEL}}}


def _name(manifest: Item) -> str:
    return t.cast(str, manifest["metadata"]["name"])


# Present


def _convergence(
    workload: Workload, seen: Seen, create_namespace: bool, allow_replacement: bool, cluster_comes_first: bool
) -> Item:
    name = workload.contract.service
    change = _change(workload, seen)
    foreign = _foreign(workload, seen)
    objections = [] if cluster_comes_first else list(_missing(workload, seen, create_namespace))
    objections += [*_denied(workload, seen), *(_is_anothers(each) for _manifest, each in foreign)]
    if change:
        objections += _against_replacement(workload, seen, change, allow_replacement)
    keeps_namespace = (
        create_namespace and (seen.found["namespace"] or {"ours": not seen.found["namespace_denied"]})["ours"]
    )
    apply = [m for m in workload.manifests if m is not workload.namespace or keeps_namespace]
    return {
        "objections": objections,
        "held": _held(workload, seen, [name]),
        "shut_out": _shut_out(workload, seen),
        "stays": [],
        "replace": [name] if change else [],
        "replaced": [workload.service] if change else [],
        "foreign": [{"manifest": m, "reference": _reference(m), "holder": each["holder"]} for m, each in foreign],
        "apply": apply,
        "patch": [m for m in apply if _has_other_ports(m, seen) and not (change and m is workload.service)],
        "delete": [],
    }


def _missing(workload: Workload, seen: Seen, create_namespace: bool) -> t.Iterator[str]:
    cluster, namespace = workload.contract.cluster, workload.contract.namespace
    if not seen.found["reachable"]:
        status = seen.found["cluster_status"]
        is_what = (
            f"EKS cluster {cluster} is {status}"
            if status
            else f"There is no EKS cluster {cluster} in this account and region"
        )
        yield f"{is_what}. Owner: infra. To do: infra runs playbooks/infra/foundation.yml, then run this again."
    elif not create_namespace and not seen.found["namespace"] and not seen.found["namespace_denied"]:
        yield (
            f"petstore_workload_create_namespace: is false, and there is no namespace {namespace}. Owner: infra. To do: have it "
            "made, then run this again."
        )


def _denied(workload: Workload, seen: Seen) -> t.Iterator[str]:
    """The role's kinds that these credentials may not read. Nobody can say then who owns the objects there."""
    denied = sorted({m["kind"] for m in workload.manifests} & set(seen.found["denied"]))
    if denied:
        yield (
            f"The Kubernetes API lets these credentials see no {', '.join(denied)} in namespace {workload.contract.namespace}. "
            "Owner: infra. To do: give their identity an access entry with a policy on the namespace "
            "(eks_auto_cluster_access_entries)."
        )


def _foreign(workload: Workload, seen: Seen) -> list[tuple[Item, Item]]:
    """Somebody else's objects of our names, each with our manifest. We neither change nor delete them."""
    there = [(m, seen.object(m["kind"], _name(m))) for m in workload.manifests if m["kind"] != "Namespace"]
    return [(manifest, each) for manifest, each in there if each and not each["ours"]]


def _reference(manifest: Item) -> Item:
    """The object's identity, with our label."""
    metadata = {key: manifest["metadata"][key] for key in ("name", "namespace") if key in manifest["metadata"]}
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {**metadata, "labels": OWN_LABEL},
    }


def _is_anothers(each: Item) -> str:
    managers = ", ".join(each["managers"]) or "nobody knows whom"
    return (
        f"{each['kind']} {each['namespace']}/{each['name']} is there, and this role did not make it (it is managed by {managers}). "
        "Owner: k8s. To do: choose another name or namespace, or hand it over to this role (playbooks/k8s/adopt.yml)."
    )


def _change(workload: Workload, seen: Seen) -> str:
    """The changes to our Service that need a new one: Kubernetes keeps its class, AWS the load balancer's scheme."""
    manifest, name = workload.service, workload.contract.service
    service = seen.service(name)
    if not service or service["type"] != "LoadBalancer" or not service["ours"]:
        return ""
    wanted = (manifest["spec"]["loadBalancerClass"], manifest["metadata"]["annotations"][_SCHEME])
    has = (service["load_balancer_class"] or "none", seen.load_balancer(name).get("scheme", wanted[1]))
    if has == wanted:
        return ""
    return (
        f"{workload.words(name)} has class {has[0]} and scheme {has[1]} where the role has {wanted[0]} and {wanted[1]}, so "
        "Service and load balancer would have to be deleted and made anew."
    )


def _against_replacement(workload: Workload, seen: Seen, change: str, allowed: bool) -> t.Iterator[str]:
    held = _held(workload, seen, [workload.contract.service])
    if held:
        yield (
            f"{change} But {held}, and AWS does not delete a load balancer that a link holds. Owner: infra. To do: infra removes "
            "API and link first (playbooks/infra/api.yml with apigw_vpclink_state=absent), then run this with "
            "petstore_workload_allow_replacement=true, then infra makes them again. Or, without an interruption, replace the "
            "Service by one of another name (playbooks/replace_nlb.yml)."
        )
    elif not allowed:
        yield (
            f"{change} Owner: k8s. To do: set petstore_workload_allow_replacement=true to have that, or another service in "
            "petstore_workload_contract to have a second one beside it."
        )


def _shut_out(workload: Workload, seen: Seen) -> str:
    """Whether the Service's source ranges shut out the present link V1. Links V2 come from addresses of their subnets."""
    name = workload.contract.service
    ranges = (seen.service(name) or {}).get("source_ranges", [])
    enforced = seen.load_balancer(name).get("private_link_enforcement") == "on"
    if not ranges or _EVERYBODY & set(ranges) or not seen.links(name) or not enforced:
        return ""
    return (
        f"The loadBalancerSourceRanges of {workload.words(name)} ({', '.join(ranges)}) shut out its VPC link, since AWS enforces "
        "them on PrivateLink traffic too. Owner: k8s. To do: take them out of the Service, or give it the annotation "
        'service.beta.kubernetes.io/aws-load-balancer-inbound-sg-rules-on-private-link-traffic: "off".'
    )


def _has_other_ports(manifest: Item, seen: Seen) -> bool:
    """Whether somebody gave our Service more ports. Applying keeps them, and Kubernetes takes no two of one name."""
    service = seen.service(_name(manifest)) if manifest["kind"] == "Service" else None
    if not service or not service["ours"]:
        return False
    return bool({port["port"] for port in service["ports"]} - {port["port"] for port in manifest["spec"]["ports"]})


def _held(workload: Workload, seen: Seen, names: list[str]) -> str:
    """Which links hold the load balancers of these Services, in words; empty if none does."""
    return ", ".join(
        f"VPC link {link['id']} ({link['name']}, {link['status']}) holds the load balancer of {workload.words(name)}"
        for name in names
        for link in seen.links(name)
    )


# Absent


def _removal(workload: Workload, seen: Seen, names: list[str], deletes_namespace: bool, links_go_first: bool) -> Item:
    owns_namespace = deletes_namespace and (seen.found["namespace"] or {}).get("ours")
    # Each of our load balancers in a namespace of ours serves this workload, whatever its Service is called.
    names = [*names, *(name for name in seen.own_load_balancers if owns_namespace and name not in names)]
    ours = [name for name in names if (service := seen.service(name)) and service["ours"]]
    held = _held(workload, seen, ours)
    parts = [(m["kind"], _name(m)) for m in workload.parts]
    going = {*parts, *(("Service", name) for name in names)}
    others = [o for o in seen.found["objects"] if not o["ours"] or (o["kind"], o["name"]) not in going]
    whole = owns_namespace and not others and not seen.found["denied"]
    stays = [f"{o['kind']} {o['namespace']}/{o['name']}" for o in others if (o["kind"], o["name"]) in going]
    if deletes_namespace and seen.found["namespace"] and not whole:
        stays.append(f"Namespace {workload.contract.namespace}, {_why_namespace_stays(seen, others)}")
    delete = [workload.namespace] if whole else [m for m in workload.parts if _is_ours(m, seen)]
    return {
        "objections": [*_denied(workload, seen), *([_is_held(held)] if held and not links_go_first else [])],
        "held": held,
        "shut_out": "",
        "stays": stays,
        "replace": ours,
        "replaced": [],
        "foreign": [],
        "apply": [],
        "patch": [],
        "delete": [_reference(m) for m in delete],
    }


def _is_held(held: str) -> str:
    return (
        f"petstore_workload_state: {held}. AWS does not delete a load balancer that a link holds, and its Service would hang in "
        "Terminating for ever. Owner: infra. To do: infra removes API and link first (playbooks/infra/api.yml with "
        "apigw_vpclink_state=absent), then run this again."
    )


def _is_ours(manifest: Item, seen: Seen) -> bool:
    found = seen.object(manifest["kind"], _name(manifest))
    return bool(found and found["ours"])


def _why_namespace_stays(seen: Seen, others: list[Item]) -> str:
    if not seen.found["namespace"]["ours"]:
        return "which this role did not make"
    if others:
        return f"in which there are {', '.join(sorted(o['kind'] + ' ' + o['name'] for o in others))}"
    return f"of which these kinds can't be seen: {', '.join(seen.found['denied'])}"


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"workload_plan": workload_plan}
