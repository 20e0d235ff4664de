# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at contracts through AWS, at all of them by the same calls.

Gently: AWS gives an account 40 Describe calls at once and 10 more a second. Constant values are asked once, rarely
changing ones now and then, and the health of targets by a call for each target group.
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from .._core.errors import SeamError
from .._core.rates import TokenBucket
from . import api
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

# How deep to look: at the load balancer; also at the health of its targets once it lets traffic pass; or at everything,
# whatever state it is in.
Depth = t.Literal["state", "health", "everything"]

# Others use the account too: so many calls a second, and as many at once.
CALLS_PER_SECOND = 5

# Seconds until active load balancers and their target groups are read again: the least, after a change, and the most.
# A target group that is gone ends it early.
_YOUNG, _OLD = 2.0, 120.0

# Seconds between two looks at a contract at least, however often Kubernetes pushes.
_SHORTEST_INTERVAL = 0.25


def load_balancers_of(client: t.Any, cluster: str) -> list[str]:
    """All of Auto Mode's load balancers of a cluster, each as its name and its purpose.

    ``client`` is an ELBv2 client. Raises :class:`.._core.errors.SeamError`.
    """
    found = api.describe_load_balancers(client)
    tags = api.describe_tags(client, [item["LoadBalancerArn"] for item in found])
    return [
        f"{item['LoadBalancerName']} ({made_for(tags[item['LoadBalancerArn']])})"
        for item in found
        if tags.get(item["LoadBalancerArn"], {}).get(CLUSTER_TAG) == cluster
    ]


class AwsObserver:
    """Observes contracts.

    ``client`` is an ELBv2 client, ``clock`` gives seconds and ``sleep`` waits for some. Without ``listeners``, these are not
    asked for: a target group that belongs to a load balancer has one.
    """

    def __init__(
        self,
        client: t.Any,
        contracts: t.Iterable[Contract],
        listeners: bool = True,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], t.Any] | None = None,
    ) -> None:
        self._client = client
        self._contracts = list(contracts)
        self._with_listeners = listeners
        self._clock = clock
        self._bucket = TokenBucket(CALLS_PER_SECOND, CALLS_PER_SECOND, clock, sleep)
        self._tags: dict[str, Tags] = {}
        self._structure: dict[Contract, AwsView] = {}
        self._age = _YOUNG
        self._stale_at = 0.0
        self._views: dict[Contract, AwsView] = {}
        self._looked: dict[Contract, float] = {}

    def observe(self, contracts: t.Collection[Contract], depth: Depth = "everything") -> dict[Contract, AwsView]:
        """What AWS shows of these now, and of others as far as the same calls show it.

        A passing failure is part of a view, unless this is the first look. Raises :class:`.._core.errors.SeamError`.
        """
        now = self._clock()
        due = [each for each in contracts if depth == "everything" or self._due(each, now)]
        try:
            seen = self._look(due, depth, now) if due else {}
        except SeamError as error:
            if not error.transient or any(each not in self._views for each in due):
                raise
            seen = {each: replace(self._views[each], problem=str(error)) for each in due}
        self._looked |= dict.fromkeys(seen, now)
        self._views |= seen
        return {each: self._views[each] for each in [*contracts, *seen]}

    def _due(self, contract: Contract, now: float) -> bool:
        return contract not in self._looked or now - self._looked[contract] >= _SHORTEST_INTERVAL

    def _look(self, due: list[Contract], depth: Depth, now: float) -> dict[Contract, AwsView]:
        seen = list(due)
        if depth != "health" or now >= self._stale_at or not all(map(self._settled, due)):
            self._read_structure(depth, now)
            seen += [each for each in self._contracts if each not in due and not self._settled(each)]
        if depth == "state":
            return {each: self._structure[each] for each in seen}
        return {each: self._with_health(self._structure[each]) for each in seen}

    def _settled(self, contract: Contract) -> bool:
        """Whether all is there of which only the targets' health can change soon."""
        balancers = self._structure[contract].load_balancers if contract in self._structure else ()
        return bool(balancers) and all(
            each.passable and each.target_groups and (each.listeners or not self._with_listeners) for each in balancers
        )

    def _read_structure(self, depth: Depth, now: float) -> None:
        found = self._ask(api.describe_network_load_balancers)
        # A load balancer gets its tags as it is made, so those that were seen once are not asked again.
        unknown = [item["LoadBalancerArn"] for item in found if not self._tags.get(item["LoadBalancerArn"])]
        for start in range(0, len(unknown), api.ARNS_PER_CALL):
            self._tags |= self._ask(api.describe_tags, unknown[start : start + api.ARNS_PER_CALL])
        balancers = [LoadBalancer.of(item, self._tags.get(item["LoadBalancerArn"], {})) for item in found]
        ours = [each for each in balancers if any(claims(each.tags, contract) for contract in self._contracts)]
        deep = [each for each in ours if depth == "everything" or (depth == "health" and each.passable)]
        known = {each.arn: each for each in [*ours, *self._complete(deep)]}
        before = self._structure
        self._structure = {contract: _view(contract, balancers, known) for contract in self._contracts}
        self._age = min(self._age * 2, _OLD) if self._structure == before else _YOUNG
        self._stale_at = now + self._age

    def _complete(self, balancers: list[LoadBalancer]) -> list[LoadBalancer]:
        """The same with their target groups, and with their listeners if these are asked for."""
        if not balancers:
            return []
        # One call shows those of all load balancers, so only one alone is named.
        (arn,) = (each.arn for each in balancers) if len(balancers) == 1 else (None,)
        groups = [TargetGroup.of(item) for item in self._ask(api.describe_target_groups, arn)]
        groups.sort(key=lambda group: group.port)
        return [
            replace(
                each,
                target_groups=tuple(group for group in groups if each.arn in group.load_balancer_arns),
                listeners=self._listeners(each) if self._with_listeners else None,
            )
            for each in balancers
        ]

    def _listeners(self, balancer: LoadBalancer) -> tuple[Listener, ...]:
        found = map(Listener.of, self._ask(api.describe_listeners, balancer.arn))
        return tuple(sorted(found, key=lambda listener: listener.port))

    def _with_health(self, view: AwsView) -> AwsView:
        balancers = (
            replace(balancer, target_groups=tuple(map(self._with_targets, balancer.target_groups)))
            for balancer in view.load_balancers
        )
        return replace(view, load_balancers=tuple(balancers))

    def _with_targets(self, group: TargetGroup) -> TargetGroup:
        found = self._ask(api.describe_target_health, group.arn)
        if found is None:
            self._stale_at = self._clock()
        return group.with_targets(found or [])

    def _ask(self, call: t.Callable[..., t.Any], *arguments: t.Any) -> t.Any:
        self._bucket.take()
        return call(self._client, *arguments)


def _view(contract: Contract, balancers: list[LoadBalancer], known: dict[str, LoadBalancer]) -> AwsView:
    others = (lookalike(each.arn, each.tags, contract) for each in balancers)
    return AwsView(
        load_balancers=tuple(known[each.arn] for each in balancers if claims(each.tags, contract)),
        lookalikes=tuple(filter(None, others)),
    )
