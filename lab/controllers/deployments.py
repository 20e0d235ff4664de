# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments: a ReplicaSet for each pod template, and the rolling update from the old ones to the newest.

Follows kube-controller-manager's deployment controller (https://github.com/kubernetes/kubernetes,
pkg/controller/deployment): "kubectl rollout" and waits go by its numbers, revisions and conditions.
"""

from __future__ import annotations

import hashlib
import json

from lab.controllers.client import DEPLOYMENTS, PODS, REPLICA_SETS, ApiError, Cache, Key, KubeClient, Object, key_of
from lab.controllers.controller import Controller
from lab.controllers.events import Recorder, now
from lab.controllers.objects import (
    changed_condition,
    condition,
    controller_of,
    is_ending,
    owned,
    owner_reference,
    resolve,
    seconds_since,
)

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
#: Annotations that stay with the deployment.
_OWN_ANNOTATIONS = (REVISION, "kubectl.kubernetes.io/last-applied-configuration")
#: No vowels, so that no words come out; Kubernetes' own alphabet for generated names.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class Deployments:
    """The controller. ``controller`` is told of every change that may matter."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._deployments: Cache = client.cache(DEPLOYMENTS)
        self._replica_sets: Cache = client.cache(REPLICA_SETS)
        self._pods: Cache = client.cache(PODS)
        self._recorder = Recorder(client, "deployment-controller")
        self.controller = Controller(self._reconcile)
        self.controller.follow(self._deployments)
        self._replica_sets.listeners.append(self._replica_set_changed)
        self._pods.listeners.append(self._pod_changed)

    def _replica_set_changed(self, before: Object | None, after: Object | None) -> None:
        item = after or before
        owner = item and controller_of(item)
        if item and owner and owner["kind"] == "Deployment":
            self.controller.enqueue((item["metadata"]["namespace"], owner["name"]))

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        """The Recreate strategy waits for the last old pod to be gone."""
        owner = before and controller_of(before)
        if before and after is None and owner and owner["kind"] == "ReplicaSet":
            self._replica_set_changed(None, self._replica_sets.get((before["metadata"]["namespace"], owner["name"])))

    async def _reconcile(self, key: Key) -> float | None:
        deployment = self._deployments.get(key)
        if deployment is None:
            return None
        sets = owned(self._replica_sets.within(key[0]), deployment)
        if is_ending(deployment):
            await self._write_status(deployment, sets, None)
            return None
        newest = next((each for each in sets if _template(each) == deployment["spec"]["template"]), None)
        old = [each for each in sets if each is not newest]
        if newest is None and not deployment["spec"].get("paused"):
            newest = await self._create_replica_set(deployment, old)
        if newest is not None:
            newest = await self._keep_revision(deployment, newest, old)
            await self._roll(deployment, newest, old)
            await self._clean_up(deployment, old)
        latest = self._deployments.get(key)
        if latest is None or latest["metadata"]["generation"] != deployment["metadata"]["generation"]:
            return None  # Changed meanwhile: this turn hasn't observed the new generation, the next one will.
        return await self._write_status(latest, owned(self._replica_sets.within(key[0]), deployment), newest)

    # Revisions.

    async def _create_replica_set(self, deployment: Object, old: list[Object]) -> Object:
        metadata, spec = deployment["metadata"], deployment["spec"]
        digest = _hash(spec["template"], deployment.get("status", {}).get("collisionCount", 0))
        template = json.loads(json.dumps(spec["template"]))
        template["metadata"].setdefault("labels", {})[HASH_LABEL] = digest
        selector = {**spec["selector"], "matchLabels": {**spec["selector"].get("matchLabels", {}), HASH_LABEL: digest}}
        replica_set = {
            "metadata": {
                "name": f"{metadata['name']}-{digest}",
                "namespace": metadata["namespace"],
                "labels": template["metadata"]["labels"],
                "annotations": self._annotations(deployment, _last_revision(old) + 1),
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": self._first_replicas(deployment, old),
                "minReadySeconds": spec.get("minReadySeconds", 0),
                "selector": selector,
                "template": template,
            },
        }
        try:
            made = await self._client.create(REPLICA_SETS, replica_set)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                count = deployment.get("status", {}).get("collisionCount", 0) + 1
                await self._client.patch(
                    DEPLOYMENTS, key_of(deployment), {"status": {"collisionCount": count}}, "status"
                )
            raise
        await self._say_scaled(deployment, made, 0, made["spec"]["replicas"])
        return made

    def _annotations(self, deployment: Object, revision: int) -> dict[str, str]:
        own = deployment["metadata"].get("annotations", {}).items()
        wanted = deployment["spec"]["replicas"]
        return {
            **{name: value for name, value in own if name not in _OWN_ANNOTATIONS},
            REVISION: str(revision),
            "deployment.kubernetes.io/desired-replicas": str(wanted),
            "deployment.kubernetes.io/max-replicas": str(wanted + _limits(deployment)[0]),
        }

    async def _keep_revision(self, deployment: Object, newest: Object, old: list[Object]) -> Object:
        """The newest ReplicaSet has the highest revision, also when a roll-back made it the newest again."""
        revision = max(_revision(newest), _last_revision(old) + 1 if _revision(newest) <= _last_revision(old) else 0)
        wanted = self._annotations(deployment, revision)
        if newest["metadata"].get("annotations", {}).items() >= wanted.items():
            changed = newest
        else:
            changed = await self._client.patch(REPLICA_SETS, key_of(newest), {"metadata": {"annotations": wanted}})
        if deployment["metadata"].get("annotations", {}).get(REVISION) != str(revision):
            annotations = {"metadata": {"annotations": {REVISION: str(revision)}}}
            await self._client.patch(DEPLOYMENTS, key_of(deployment), annotations, "status")
        return changed

    async def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        """Forget the oldest revisions beyond the limit."""
        unused = [each for each in old if not _replicas(each) and not _count(each, "replicas") and not is_ending(each)]
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        for each in sorted(unused, key=_revision)[: max(0, len(unused) - limit)]:
            await self._client.delete(REPLICA_SETS, each)

    # The rolling update.

    def _first_replicas(self, deployment: Object, old: list[Object]) -> int:
        """The replicas that a new ReplicaSet begins with."""
        wanted = int(deployment["spec"]["replicas"])
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            return 0 if self._old_pods(old) else wanted
        room = wanted + _limits(deployment)[0] - sum(map(_replicas, old))
        return max(0, min(wanted, room))

    def _old_pods(self, old: list[Object]) -> bool:
        return any(owned(self._pods.within(each["metadata"]["namespace"]), each) for each in old)

    async def _roll(self, deployment: Object, newest: Object, old: list[Object]) -> None:
        if deployment["spec"].get("paused"):
            return
        wanted = int(deployment["spec"]["replicas"])
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            for each in old:
                await self._scale(deployment, each, 0)
            if not self._old_pods(old):
                await self._scale(deployment, newest, wanted)
            return
        surge, unavailable = _limits(deployment)
        newest = await self._scale(deployment, newest, self._room(newest, old, wanted, surge))
        await self._shrink(deployment, newest, old, wanted - unavailable)

    @staticmethod
    def _room(newest: Object, old: list[Object], wanted: int, surge: int) -> int:
        """The number of pods that the newest ReplicaSet may have by now."""
        has = _replicas(newest)
        if has >= wanted:
            return wanted
        return min(wanted, has + max(0, wanted + surge - has - sum(map(_replicas, old))))

    async def _shrink(self, deployment: Object, newest: Object, old: list[Object], least: int) -> None:
        """Scale the old ReplicaSets down as far as at least ``least`` pods stay available; unhealthy ones first."""
        waiting = max(0, _replicas(newest) - _count(newest, "availableReplicas"))
        spare = _replicas(newest) + sum(map(_replicas, old)) - least - waiting
        sizes = {key_of(each): _replicas(each) for each in old}
        by_age = sorted(old, key=lambda each: each["metadata"]["creationTimestamp"])
        for each in by_age:
            gone = max(0, min(spare, sizes[key_of(each)] - _count(each, "availableReplicas")))
            sizes[key_of(each)] -= gone
            spare -= gone
        available = _count(newest, "availableReplicas") + sum(_count(each, "availableReplicas") for each in old)
        spare = min(spare, available - least)
        for each in by_age:
            gone = max(0, min(spare, sizes[key_of(each)]))
            sizes[key_of(each)] -= gone
            spare -= gone
        for each in by_age:
            await self._scale(deployment, each, sizes[key_of(each)])

    async def _scale(self, deployment: Object, replica_set: Object, replicas: int) -> Object:
        before = _replicas(replica_set)
        if before == replicas:
            return replica_set
        made = await self._client.patch(REPLICA_SETS, key_of(replica_set), {"spec": {"replicas": replicas}})
        await self._say_scaled(deployment, replica_set, before, replicas)
        return made

    async def _say_scaled(self, deployment: Object, replica_set: Object, before: int, after: int) -> None:
        if before != after:
            verb = "up" if after > before else "down"
            message = f"Scaled {verb} replica set {replica_set['metadata']['name']} from {before} to {after}"
            await self._recorder.normal(deployment, "ScalingReplicaSet", message)

    # The status.

    async def _write_status(self, deployment: Object, sets: list[Object], newest: Object | None) -> float | None:
        """Returns the seconds until the deployment is late, if it is still on its way."""
        newest = next((each for each in sets if newest and key_of(each) == key_of(newest)), None)
        total = sum(_count(each, "replicas") for each in sets)
        available = sum(_count(each, "availableReplicas") for each in sets)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": total or None,
            "updatedReplicas": (_count(newest, "replicas") if newest else 0) or None,
            "readyReplicas": sum(_count(each, "readyReplicas") for each in sets) or None,
            "availableReplicas": available or None,
            "unavailableReplicas": max(0, total - available) or None,
        }
        conditions = [_available(deployment, available)]
        if newest:
            conditions.append(_progressing(deployment, newest, status))
        before = deployment.get("status", {})
        if before.get("conditions") != conditions or any(
            (before.get(name) or None) != value for name, value in status.items()
        ):
            change = {"status": {**status, "conditions": conditions}}
            await self._client.patch(DEPLOYMENTS, key_of(deployment), change, "status")
        return _seconds_to_deadline(deployment, conditions[-1])


def _available(deployment: Object, available: int) -> Object:
    enough = available >= int(deployment["spec"]["replicas"]) - _limits(deployment)[1]
    wanted = {
        "type": "Available",
        "status": "True" if enough else "False",
        "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "message": f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    }
    return changed_condition(deployment, wanted, "lastUpdateTime")


def _progressing(deployment: Object, newest: Object, status: Object) -> Object:
    """Whether the roll-out is done, moves on, or is late. Each progress renews the deadline."""
    name = newest["metadata"]["name"]
    wanted_replicas = int(deployment["spec"]["replicas"]) or None
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    before = condition(deployment, "Progressing") or {}
    known = deployment.get("status", {})

    def make(reason: str, message: str, state: str = "True") -> Object:
        wanted = {"type": "Progressing", "status": state, "reason": reason, "message": message}
        return changed_condition(deployment, wanted, "lastUpdateTime")

    if all(status[count] == wanted_replicas for count in counts):
        return make("NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
    if known.get("observedGeneration") and _late(deployment, before):
        return make("ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.', "False")
    made = make("ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
    if any((status[count] or 0) > known.get(count, 0) for count in ("updatedReplicas", "readyReplicas", *counts[2:])):
        made["lastUpdateTime"] = now()
    return made


def _late(deployment: Object, progressing: Object) -> bool:
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return True
    if progressing.get("reason") != "ReplicaSetUpdated":
        return False
    return seconds_since(progressing["lastUpdateTime"]) >= deployment["spec"].get("progressDeadlineSeconds", 600)


def _seconds_to_deadline(deployment: Object, progressing: Object) -> float | None:
    if progressing.get("reason") != "ReplicaSetUpdated":
        return None
    deadline = deployment["spec"].get("progressDeadlineSeconds", 600)
    return float(max(1.0, deadline - seconds_since(progressing["lastUpdateTime"])))


def _template(replica_set: Object) -> Object:
    """The pod template as the deployment has it: without the hash."""
    template: Object = json.loads(json.dumps(replica_set["spec"]["template"]))
    template["metadata"].get("labels", {}).pop(HASH_LABEL, None)
    return template


def _hash(template: Object, collisions: int) -> str:
    digest = hashlib.sha256(json.dumps([template, collisions], sort_keys=True).encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:10])


def _limits(deployment: Object) -> tuple[int, int]:
    """How many pods a rolling update may add, and how many it may miss."""
    strategy, wanted = deployment["spec"]["strategy"], int(deployment["spec"]["replicas"])
    if strategy["type"] == "Recreate":
        return 0, 0
    rolling = strategy.get("rollingUpdate", {})
    surge = resolve(rolling.get("maxSurge", "25%"), wanted, round_up=True)
    unavailable = resolve(rolling.get("maxUnavailable", "25%"), wanted, round_up=False)
    return surge, min(wanted, unavailable if surge or unavailable else 1)


def _revision(replica_set: Object) -> int:
    return int(replica_set["metadata"].get("annotations", {}).get(REVISION, 0))


def _last_revision(sets: list[Object]) -> int:
    return max(map(_revision, sets), default=0)


def _replicas(replica_set: Object) -> int:
    return int(replica_set["spec"].get("replicas", 0))


def _count(replica_set: Object, name: str) -> int:
    return int(replica_set.get("status", {}).get(name, 0))
