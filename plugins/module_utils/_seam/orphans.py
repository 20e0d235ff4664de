# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The leftovers of a deleted cluster, Service or API, and which of them may be deleted. Pure."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from .contract import API_TAG, CONTRACT_TAG
from .observation import CLUSTER_TAG, Tags

LINK = "VPC link"
LOAD_BALANCER = "load balancer"
TARGET_GROUP = "target group"
SECURITY_GROUP = "security group"
#: In the order in which AWS lets them be deleted: each holds some of the next.
KINDS = (LINK, LOAD_BALANCER, TARGET_GROUP, SECURITY_GROUP)

# Auto Mode's controllers tag what they make for Services, Ingresses and Gateways:
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSLoadBalancingPolicy.html
_AUTO_MODE = ("service.eks.amazonaws.com", "ingress.eks.amazonaws.com", "gateway.eks.amazonaws.com.")
# With these, others say that it is theirs: the self-managed AWS Load Balancer Controller, Kubernetes' cloud provider,
# CloudFormation.
_OTHERS = ("elbv2.k8s.aws/", "kubernetes.io/cluster/", "aws:cloudformation:")


@dataclass(frozen=True)
class Resource:
    """Something that may be an orphan. ``id`` is what it is deleted by: an ARN in ELB, an ID elsewhere."""

    kind: str
    id: str
    name: str
    tags: Tags
    #: None where AWS doesn't tell.
    created: datetime.datetime | None = None
    #: The IDs of resources that must go before.
    held_by: tuple[str, ...] = ()
    #: The stages that use it, in words. None where stages don't matter.
    stages: tuple[str, ...] | None = None
    #: The version of a VPC link.
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.name})"


@dataclass(frozen=True)
class Claim:
    """The owner of a resource, by its tags. ``team`` is who made it, be it by a Service."""

    team: str
    cluster: str | None = None
    #: As namespace/name. None for resources shared by a cluster's load balancers, and for other objects than Services.
    service: str | None = None
    api: str | None = None


@dataclass(frozen=True)
class Told:
    """The Services (namespace/name) of a cluster, and the namespaces that were looked at: all, if empty."""

    cluster: str
    services: frozenset[str]
    namespaces: frozenset[str] = frozenset()

    def covers(self, claim: Claim) -> bool:
        """Whether the Service would be known if it were there."""
        if not claim.service or claim.cluster != self.cluster:
            return False
        return not self.namespaces or claim.service.partition("/")[0] in self.namespaces


@dataclass(frozen=True)
class Known:
    """What is there: all clusters and APIs of account and region; Services as far as somebody told of them."""

    clusters: frozenset[str]
    #: The values of our tag on REST APIs.
    apis: frozenset[str]
    told: tuple[Told, ...] = ()
    #: Names of APIs that may be still to be made.
    awaited_apis: frozenset[str] = frozenset()
    #: Links under deletion: AWS will let go of their load balancers and groups.
    going: frozenset[str] = frozenset()

    def has(self, claim: Claim) -> bool | None:
        """Whether the Service is there. None if nobody told of it."""
        told = [claim.service in each.services for each in self.told if each.covers(claim)]
        return any(told) if told else None

    def awaits(self, resource: Resource, claim: Claim) -> bool:
        """Whether it may be there before its API. Only links V2 are made so."""
        return resource.version == "2" and claim.api in self.awaited_apis


def claim_of(tags: Tags) -> Claim | None:
    """The owner that the tags name. None if they are neither Auto Mode's nor ours, or those of others as well."""
    if any(key.startswith(_OTHERS) for key in tags):
        return None
    if CLUSTER_TAG in tags:
        made = any(key.startswith(_AUTO_MODE) and key.endswith("/resource") for key in tags)
        return Claim("k8s", tags[CLUSTER_TAG], tags.get("service.eks.amazonaws.com/stack")) if made else None
    if CONTRACT_TAG in tags:
        cluster, _slash, service = tags[CONTRACT_TAG].partition("/")
        return Claim("infra", cluster, service)
    return Claim("infra", api=tags[API_TAG]) if API_TAG in tags else None


def why_gone(resource: Resource, claim: Claim, known: Known) -> str | None:
    """The sentence on a deleted cluster, Service or API. None if it is there, or if nobody here can say."""
    if claim.api is not None:
        there = claim.api in known.apis or known.awaits(resource, claim)
        return None if there else f"no REST API has the tag {API_TAG}={claim.api}"
    if claim.cluster not in known.clusters:
        return f"there is no EKS cluster {claim.cluster}"
    if known.has(claim) is False:
        return f"cluster {claim.cluster} has no Service {claim.service}"
    return None


def why_listed(resource: Resource, claim: Claim, known: Known) -> str | None:
    """The same sentence, or one on an unused link. That alone is no reason to delete it: links are made before APIs."""
    unused = "no stage of a REST API uses it: its API is gone, or still to be made"
    return why_gone(resource, claim, known) or (unused if resource.stages == () else None)


@dataclass(frozen=True)
class Orphan:
    resource: Resource
    claim: Claim
    reason: str

    def to_result(self, now: datetime.datetime) -> dict[str, t.Any]:
        """As the module returns it."""
        resource, claim = self.resource, self.claim
        return {
            "kind": resource.kind,
            "id": resource.id,
            "name": resource.name,
            "reason": self.reason,
            "owner": claim.team,
            "cluster": claim.cluster,
            "service": claim.service,
            "api": claim.api,
            "created": resource.created.isoformat() if resource.created else None,
            "age_days": (now - resource.created).days if resource.created else None,
            "held_by": [*resource.held_by, *(resource.stages or ())],
            "tags": resource.tags,
        }


def orphans(resources: t.Iterable[Resource], known: Known) -> list[Orphan]:
    """The leftovers of deleted clusters, Services and APIs, in the order in which AWS deletes them."""
    claimed = [(resource, claim) for resource in resources if (claim := claim_of(resource.tags))]
    found = [
        Orphan(resource, claim, reason) for resource, claim in claimed if (reason := why_listed(resource, claim, known))
    ]
    return sorted(found, key=lambda orphan: (KINDS.index(orphan.resource.kind), orphan.resource.name))


def objections(resources: t.Iterable[Resource], known: Known, named: t.Collection[str]) -> list[str]:
    """Why what the user named must not be deleted, a sentence for each. Empty if all of it may."""
    chosen = [resource for resource in resources if resource.id in named]
    return [sentence for each in chosen if (sentence := _objection(each, known, named))]


def _objection(resource: Resource, known: Known, named: t.Collection[str]) -> str | None:
    claim = claim_of(resource.tags)
    if claim is None:
        return (
            f"{resource} is not ours: it lacks the tags of Auto Mode and of this collection, or others tagged it too."
        )
    if not why_gone(resource, claim, known):
        there = _still_there(claim, known)
        if resource.stages == ():
            return f"{resource} is unused, but no orphan: {there}. playbooks/infra/remove_link.yml removes it."
        return f"{resource} is no orphan: {there}."
    holding = [each for each in resource.held_by if each not in named and each not in known.going]
    if holding:
        return f"{resource} is held by {', '.join(holding)}. Name that as well, if it is an orphan too."
    if resource.stages:
        return f"{resource} is used by {', '.join(resource.stages)}. Remove the API first, or point it at another link."
    return None


def _still_there(claim: Claim, known: Known) -> str:
    if claim.api is not None:
        there = claim.api in known.apis
        return f"the REST API {claim.api} is there" if there else f"the REST API {claim.api} may be still to be made"
    if known.has(claim):
        return f"Service {claim.service} of cluster {claim.cluster} is there"
    return f"cluster {claim.cluster} is there, and only the k8s team can say which of its Services are gone"
