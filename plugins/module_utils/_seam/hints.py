# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hints: what is not in the way of the load balancer, but will surprise somebody. Pure; most name their owner."""

from __future__ import annotations

import typing as t

from .._core.wait import Verdict
from .observation import Observation

_PREFIX = "service.beta.kubernetes.io/"

# Annotations (without the prefix) that Auto Mode does not support, and their replacements.
# https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html
_UNSUPPORTED = {
    "load-balancer-source-ranges": "spec.loadBalancerSourceRanges",
    "aws-load-balancer-type": "spec.loadBalancerClass",
    "aws-load-balancer-internal": f"{_PREFIX}aws-load-balancer-scheme",
    "aws-load-balancer-proxy-protocol": f"{_PREFIX}aws-load-balancer-target-group-attributes",
    "aws-load-balancer-cross-zone-load-balancing-enabled": f"{_PREFIX}aws-load-balancer-attributes",
}
_UNSUPPORTED_PREFIX = "aws-load-balancer-access-log-"

_EVERYBODY = {"0.0.0.0/0", "::/0"}


def hints(observation: Observation, verdict: Verdict) -> list[str]:
    """All hints on an observation, in the order of the rules, without those that repeat the verdict."""
    found = [hint for rule in _RULES for hint in rule(observation)]
    failure = observation.controller_failure
    if failure and failure.reason != verdict.reason:
        found.append(f"Auto Mode's controller last failed with {failure}")
    return found


def _unprefixed_annotations(observation: Observation) -> t.Iterator[str]:
    for key in _annotations(observation):
        if key.startswith("aws-load-balancer-"):
            value = " (for a VPC link with the value internal)" if key == "aws-load-balancer-scheme" else ""
            yield f"The Service's annotation {key} is ignored, for it lacks the prefix {_PREFIX}: k8s, add it{value}."


def _unsupported_annotations(observation: Observation) -> t.Iterator[str]:
    for key in _annotations(observation):
        name = key.removeprefix(_PREFIX)
        if name == key:
            continue
        if name in _UNSUPPORTED:
            yield f"Auto Mode does not support the Service's annotation {key}: k8s, use {_UNSUPPORTED[name]}."
        elif name.startswith(_UNSUPPORTED_PREFIX):
            yield f"Auto Mode does not support the Service's annotation {key}: k8s, remove it."


def _annotations(observation: Observation) -> list[str]:
    return sorted(observation.service.annotations) if observation.service else []


def _scheme(observation: Observation) -> t.Iterator[str]:
    balancer, service = observation.load_balancer, observation.service
    wanted = service.annotations.get(f"{_PREFIX}aws-load-balancer-scheme") if service else None
    scheme = balancer.scheme if balancer else wanted
    if scheme not in (None, "internal"):
        yield (
            f"The load balancer is to be {scheme}, so anybody could go past the API: k8s, recreate the Service "
            f"with the annotation {_PREFIX}aws-load-balancer-scheme: internal."
        )


def _private_link(observation: Observation) -> t.Iterator[str]:
    """With enforcement on, the security group's ranges also hold for traffic through a VPC link."""
    balancer, service = observation.load_balancer, observation.service
    if balancer is None or service is None or balancer.private_link_enforcement != "on":
        return
    if service.source_ranges and not _EVERYBODY.intersection(service.source_ranges):
        yield (
            "The Service's loadBalancerSourceRanges shut out a VPC link, for its security groups are enforced on "
            "PrivateLink traffic: k8s, add the annotation "
            f'{_PREFIX}aws-load-balancer-inbound-sg-rules-on-private-link-traffic: "off".'
        )


def _impaired(observation: Observation) -> t.Iterator[str]:
    balancer = observation.load_balancer
    if balancer and balancer.state == "active_impaired":
        reason = f" ({balancer.state_reason})" if balancer.state_reason else ""
        yield f"The load balancer works, but lacks what it needs to grow{reason}: infra, free addresses in its subnets."


_RULES = (_unprefixed_annotations, _unsupported_annotations, _scheme, _private_link, _impaired)
