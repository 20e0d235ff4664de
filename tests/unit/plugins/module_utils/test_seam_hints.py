# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hints: things worth mending though they block nothing."""

from __future__ import annotations

import pytest
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.hints import hints
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import Observation
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.verdict import judge
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_seam import (
    CONTRACT,
    aws_view,
    event,
    kubernetes_view,
    load_balancer,
    observation,
    service,
)

PREFIX = "service.beta.kubernetes.io/"


def hinted(seen: Observation) -> list[str]:
    return hints(seen, judge(seen, "provisioned"))


def test_a_healthy_seam_needs_no_hint() -> None:
    assert hinted(observation()) == []
    assert hinted(Observation(CONTRACT, aws=aws_view([]))) == []


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (
            "aws-load-balancer-scheme",
            f"lacks the prefix {PREFIX}: k8s, add it (for a VPC link with the value internal).",
        ),
        ("aws-load-balancer-nlb-target-type", f"lacks the prefix {PREFIX}: k8s, add it."),
        (f"{PREFIX}load-balancer-source-ranges", "use spec.loadBalancerSourceRanges"),
        (f"{PREFIX}aws-load-balancer-internal", "aws-load-balancer-scheme"),
        (f"{PREFIX}aws-load-balancer-access-log-enabled", "does not support"),
    ],
)
def test_annotations_without_effect(annotation: str, said: str) -> None:
    [hint] = hinted(observation(kubernetes=kubernetes_view(service({annotation: "internet-facing"}))))
    assert annotation in hint and said in hint


@pytest.mark.parametrize("annotation", [f"{PREFIX}aws-load-balancer-scheme", "example.com/team"])
def test_annotations_that_are_in_order(annotation: str) -> None:
    assert hinted(observation(kubernetes=kubernetes_view(service({annotation: "internal"})))) == []


def test_an_internet_facing_load_balancer_is_a_way_past_the_api() -> None:
    [hint] = hinted(observation(aws_view([load_balancer(Scheme="internet-facing")])))
    assert "internet-facing" in hint and "k8s" in hint
    wanted = kubernetes_view(service({f"{PREFIX}aws-load-balancer-scheme": "internet-facing"}))
    assert hinted(observation(aws_view([]), wanted)) == [hint]


@pytest.mark.parametrize(
    ("ranges", "enforcement", "hint_given"),
    [
        (["10.0.0.0/8"], "on", True),
        (["10.0.0.0/8"], "off", False),
        (["10.0.0.0/8"], None, False),
        (["10.0.0.0/8", "0.0.0.0/0"], "on", False),
        (None, "on", False),
    ],
)
def test_source_ranges_that_shut_out_a_link(ranges: list[str] | None, enforcement: str, hint_given: bool) -> None:
    balancer = load_balancer(EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic=enforcement)
    found = hinted(observation(aws_view([balancer]), kubernetes_view(service(loadBalancerSourceRanges=ranges))))
    assert bool(found) == hint_given
    assert all("inbound-sg-rules-on-private-link-traffic" in hint for hint in found)


@pytest.mark.parametrize(("reason", "said"), [("no addresses", "grow (no addresses)"), (None, "grow:")])
def test_an_impaired_load_balancer(reason: str | None, said: str) -> None:
    state = {"Code": "active_impaired"} | ({"Reason": reason} if reason else {})
    [hint] = hinted(observation(aws_view([load_balancer(State=state)])))
    assert said in hint and "infra" in hint


def test_the_controllers_failure_is_a_hint_unless_it_is_the_verdict() -> None:
    one_failure = [event("FailedDeployModel", "no room")]
    [hint] = hinted(observation(kubernetes=kubernetes_view(events=one_failure)))
    assert hint == "Auto Mode's controller last failed with FailedDeployModel: no room"
    assert hinted(observation(kubernetes=kubernetes_view(service(hostname=None), events=one_failure))) == []
