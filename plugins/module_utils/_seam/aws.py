# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at a contract through AWS, gently: what does not change is asked once, what rarely changes now and then."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from . import api
from .common import AnsibleNlbError
from .contract import Contract
from .observation import (
    CLUSTER_TAG,
    AwsView,
    Listener,
    LoadBalancer,
    Tags,
    TargetGroup,
    claims,
    lookalike,
    made_for,
)

# How deep to look: at the load balancer; also at the health of its targets once it lets traffic pass, taking what else
# belongs to it as it was seen a moment ago; or at everything, all of it anew.
Depth = t.Literal["state", "health", "everything"]

# Seconds for which an active load balancer, its listeners and its target groups are taken as they were last seen.
# The health of targets is always asked anew: it is what a wait watches at that stage.
_STRUCTURE_AGE = 2.0

# Seconds between two looks at least, however often Kubernetes pushes. AWS gives an account 40 Describe calls at once
# and 10 more a second: https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
_SHORTEST_INTERVAL = 0.25


def load_balancers_of(client: t.Any, cluster: str) -> list[str]:
    """All load balancers that Auto Mode made for a cluster, each as its name and what it is for.

    ``client`` is an ELBv2 client. Raises :class:`AnsibleNlbError`.
    """
    found = api.describe_load_balancers(client)
    tags = api.describe_tags(client, [item["LoadBalancerArn"] for item in found])
    return [
        f"{item['LoadBalancerName']} ({made_for(tags[item['LoadBalancerArn']])})"
        for item in found
        if tags.get(item["LoadBalancerArn"], {}).get(CLUSTER_TAG) == cluster
    ]


class AwsObserver:
    """Observes one contract. ``client`` is an ELBv2 client, ``clock`` gives seconds."""

    def __init__(self, client: t.Any, contract: Contract, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._contract = contract
        self._clock = clock
        self._tags: dict[str, Tags] = {}
        self._view: AwsView | None = None
        self._looked = 0.0
        self._structure = AwsView()
        self._structure_read = 0.0

    def observe(self, depth: Depth = "everything") -> AwsView:
        """What AWS shows now. A passing trouble is part of the view, unless this is the first look.

        Raises :class:`AnsibleNlbError`.
        """
        now = self._clock()
        if self._view and depth != "everything" and now - self._looked < _SHORTEST_INTERVAL:
            return self._view
        self._looked = now
        try:
            self._view = self._look(depth, now)
        except AnsibleNlbError as error:
            if self._view is None or not error.transient:
                raise
            self._view = replace(self._view, problem=str(error))
        return self._view

    def _look(self, depth: Depth, now: float) -> AwsView:
        if depth != "health" or not self._settled(now):
            self._structure = self._read_structure(depth)
            self._structure_read = now
        if depth == "state":
            return self._structure
        balancers = tuple(self._with_targets(balancer) for balancer in self._structure.load_balancers)
        return replace(self._structure, load_balancers=balancers)

    def _settled(self, now: float) -> bool:
        """Whether the structure may be taken as it was last seen."""
        balancers = self._structure.load_balancers
        complete = bool(balancers) and all(balancer.passable and balancer.listeners for balancer in balancers)
        return complete and now - self._structure_read < _STRUCTURE_AGE

    def _read_structure(self, depth: Depth) -> AwsView:
        found = api.describe_network_load_balancers(self._client)
        # A load balancer gets its tags as it is made, so those that were seen once are not asked again.
        unknown = [item["LoadBalancerArn"] for item in found if not self._tags.get(item["LoadBalancerArn"])]
        self._tags |= api.describe_tags(self._client, unknown)
        ours, lookalikes = [], []
        for item in found:
            arn = item["LoadBalancerArn"]
            tags = self._tags.get(arn, {})
            if claims(tags, self._contract):
                balancer = LoadBalancer.of(item, tags)
                deep = depth == "everything" or (depth == "health" and balancer.passable)
                ours.append(self._with_listeners(balancer) if deep else balancer)
            elif other := lookalike(arn, tags, self._contract):
                lookalikes.append(other)
        return AwsView(load_balancers=tuple(ours), lookalikes=tuple(lookalikes))

    def _with_listeners(self, balancer: LoadBalancer) -> LoadBalancer:
        listeners = map(Listener.of, api.describe_listeners(self._client, balancer.arn))
        groups = map(TargetGroup.of, api.describe_target_groups(self._client, balancer.arn))
        return replace(
            balancer,
            listeners=tuple(sorted(listeners, key=lambda listener: listener.port)),
            target_groups=tuple(sorted(groups, key=lambda group: group.port)),
        )

    def _with_targets(self, balancer: LoadBalancer) -> LoadBalancer:
        groups = (
            group.with_targets(api.describe_target_health(self._client, group.arn)) for group in balancer.target_groups
        )
        return replace(balancer, target_groups=tuple(groups))
