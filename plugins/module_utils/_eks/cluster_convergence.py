# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a cluster's plan: a step at a time, each when AWS is ready for it, until nothing is left to do."""

from __future__ import annotations

import hashlib
import json
import time
import typing as t

from .._core.errors import SeamError, require
from .._core.steps import Step, apply
from .._core.tags import Tags
from .._core.wait import Verdict
from . import api
from .cluster import Cluster, Resource, Settings
from .cluster_plan import plan
from .insights import concerns, readiness
from .waiters import judge_refusal, judge_status, judge_updates

if t.TYPE_CHECKING:
    from botocore.client import BaseClient


class Convergence:
    """Brings one cluster to ``desired`` (None: absent), a step at each look.

    Each look makes a new plan from the cluster's state by then. So the end is the same after a run that was stopped, or
    after somebody else's update. ``started`` gets each step. The attribute ``cluster`` is the cluster as last seen.
    """

    def __init__(
        self,
        client: BaseClient,
        name: str,
        desired: Settings | None,
        tags: Tags,
        started: list[Step],
        force_upgrade: bool = False,
    ) -> None:
        self.client = client
        self.name = name
        self.desired = desired
        self.tags = tags
        self.started = started
        self.force_upgrade = force_upgrade
        #: Insights that don't stand in the way of the upgrade, in words.
        self.warnings: list[str] = []
        self.cluster: Resource | None = api.describe_cluster(client, name)
        self._done: list[Step] = []
        self._our_updates: set[str] = set()
        self._ended_updates: set[str] = set()
        self._refused_since: float | None = None
        self._calls: dict[str, t.Callable[[Step], object]] = {
            # Without a token of ours: the name is unique anyway, and the same request after a deletion is a new one.
            "CreateCluster": lambda step: api.create_cluster(client, name, step.request),
            "DeleteCluster": lambda _step: api.delete_cluster(client, name),
            "TagResource": lambda step: api.tag_resource(client, self._shown["arn"], step.request["tags"]),
            "UntagResource": lambda step: api.untag_resource(client, self._shown["arn"], step.request["tagKeys"]),
            "UpdateClusterConfig": self._update_config,
            "UpdateClusterVersion": self._update_version,
        }

    def plan(self) -> list[Step]:
        """The steps that are left, as far as the cluster shows it.

        Raises :class:`.._core.errors.SeamError` if there is no way to what is desired.
        """
        cluster = self.cluster
        if cluster is None or cluster["status"] == "DELETING":
            return plan(self.name, None, self.desired, self.tags)
        verdict = judge_status(cluster, present=self.desired is not None)
        if verdict and verdict.state == "failed":
            raise SeamError(message=f"{verdict.message} To do: {verdict.fix}")
        return plan(self.name, Cluster.of(cluster), self.desired, self.tags)

    def require_readiness(self, steps: list[Step]) -> None:
        """Read the upgrade insights if the next of these steps to a version is to be done.

        Raises :class:`.._core.errors.SeamError` with their words if one fails.
        """
        version = next((step.request["version"] for step in steps if step.action == "VersionUpdate"), None)
        if version is None or self.force_upgrade:
            return
        listed = [each for each in api.list_upgrade_insights(self.client, self.name) if concerns(each, version)]
        found = readiness([api.describe_insight(self.client, self.name, each["id"]) for each in listed], version)
        require(
            not found.blocking,
            f"version: EKS's upgrade insights speak against Kubernetes {version}. {' '.join(found.blocking)}\n"
            "Owner: who runs what was found\n"
            "To do: mend it. EKS looks again within 24 hours, or when told to (aws eks start-insights-refresh). "
            "force_upgrade: true upgrades all the same.",
        )
        self.warnings.extend(each for each in found.warnings if each not in self.warnings)

    def reconcile(self) -> Verdict:
        """Look at the cluster, start what can be started, and say how things stand."""
        self.cluster = api.describe_cluster(self.client, self.name)
        verdict = judge_status(self.cluster, present=self.desired is not None)
        if verdict:
            return verdict
        steps = self.plan()
        if self.cluster and (steps or self._our_updates):
            verdict = judge_updates(self._open_updates(), self._our_updates)
            if verdict:
                return verdict
        if not steps:
            return Verdict.done("Settled", "The cluster is ACTIVE." if self.cluster else "There is no cluster.")
        return self._start_all(steps)

    def _start_all(self, steps: list[Step]) -> Verdict:
        """Start steps as far as AWS takes them at once: tags, and after them one update."""
        for step in steps:
            if step in self._done:
                return Verdict.waiting("NotSeenYet", f"AWS has done {step.action}, and does not show it yet.")
            # Each version has insights of its own.
            self.require_readiness([step])
            try:
                apply([step], self._calls, self.started)
            except SeamError as error:
                return self._judge_refusal(error, step)
            self._refused_since = None
            self._done.append(step)
            if step.action not in ("TagResource", "UntagResource"):
                break
        left = len(steps) - steps.index(step) - 1
        following = f", {left} more to follow" if left else ""
        return Verdict.waiting(step.action, f"{step.action} has begun{following}.")

    def _update_config(self, step: Step) -> None:
        self._our_updates.add(api.update_cluster_config(self.client, self.name, self._token(step), step.request)["id"])

    def _update_version(self, step: Step) -> None:
        request = {**step.request, **({"force": True} if self.force_upgrade else {})}
        self._our_updates.add(api.update_cluster_version(self.client, self.name, self._token(step), request)["id"])

    def _judge_refusal(self, error: SeamError, step: Step) -> Verdict:
        """Wait out what passes; raise the error again if it is final."""
        now = time.monotonic()
        self._refused_since = now if self._refused_since is None else self._refused_since
        verdict = judge_refusal(
            *error.answer,
            creating=step.action == "CreateCluster",
            roles=_roles(step.request),
            seconds=now - self._refused_since,
        )
        if verdict is None:
            raise error
        return verdict

    def _open_updates(self) -> list[Resource]:
        """Every update not yet known to have ended; ours too where AWS does not list them yet."""
        ids = {*api.list_updates(self.client, self.name), *self._our_updates} - self._ended_updates
        updates = [api.describe_update(self.client, self.name, update_id) for update_id in sorted(ids)]
        self._ended_updates |= {update["id"] for update in updates if update["status"] != "InProgress"}
        return updates

    def _token(self, step: Step) -> str:
        """AWS's idempotency token for an update, the same in any run.

        The same update of the same cluster after the same history is the same request; later it is another one.
        """
        parts = [self._shown["arn"], self._shown["createdAt"], sorted(self._ended_updates), step.action, step.request]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def _shown(self) -> Resource:
        return t.cast(Resource, self.cluster)


def _roles(request: Resource) -> list[str]:
    """The ARNs of IAM roles that a request names."""
    return [arn for arn in (request.get("roleArn"), request.get("computeConfig", {}).get("nodeRoleArn")) if arn]
