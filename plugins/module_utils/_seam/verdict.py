# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts on the observation of a contract: the goal reached, the obstacle, its owner, and the fix.

Pure. A goal is reached by stages; a stage is a list of rules, and each rule is a small function that returns a verdict
or, if it finds nothing in the way, None. The first verdict counts, so permanent failures come before passing ones.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from datetime import timedelta

from .._core.wait import Verdict
from .observation import ControllerFailure, LoadBalancer, Observation, Target

Rule = t.Callable[[Observation], "Verdict | None"]

HEALTH_CHECK_PATH = "service.beta.kubernetes.io/aws-load-balancer-healthcheck-path"
AUTO_MODE_CLASS = "eks.amazonaws.com/nlb"

#: How long a controller's failure lasts before it counts as one that stays. The controller tries again at doubling
#: intervals, first after milliseconds, so by then it has failed about a dozen times.
FAILURE_STAYS = timedelta(seconds=15)

#: Seconds for which Kubernetes may refuse us: access entries take effect with a delay.
DENIAL_STAYS = 30.0

# A part of a controller's event -> owner, fix. The first match counts.
# https://docs.aws.amazon.com/eks/latest/userguide/tag-subnets-auto.html, .../auto-cluster-iam-role.html
_CONTROLLER_FIXES = (
    (
        ("subnet",),
        "infra",
        "Tag a subnet in each zone, kubernetes.io/role/internal-elb: 1 for internal load balancers (else "
        "kubernetes.io/role/elb), and see that it has 8 free addresses: role vpc_tagging.",
    ),
    (
        ("AccessDenied", "UnauthorizedOperation", "not authorized"),
        "infra",
        "Give the cluster's IAM role the policies that Auto Mode needs: role eks_auto_cluster.",
    ),
    (
        ("ResourceInUse", "associated with another service"),
        "infra",
        "A VPC link holds the load balancer: point the API elsewhere and remove the link first.",
    ),
    (
        ("LimitExceeded", "TooMany"),
        "infra",
        "A quota of the account is full: free what is not needed, or have it raised.",
    ),
)
_SERVICE_FIX = ("k8s", "Mend the Service as the event says.")

# AWS's reason code for a target -> owner, fix.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/network/check-target-health.html
_POD_FIX = (
    "k8s",
    "See that the container listens on the Service's targetPort and answers the health check there "
    "(kubectl logs, kubectl describe pod), and that no NetworkPolicy is in the way.",
)
_TARGET_FIXES = {
    "Elb.RegistrationInProgress": ("AWS", "AWS is still registering the targets: allow more time."),
    "Elb.InitialHealthChecking": ("AWS", "The first health checks still run: allow more time."),
    "Elb.InternalError": ("AWS", "AWS could not check the target's health: try again, then ask AWS support."),
    "Target.NotInUse": (
        "infra",
        "The target's zone is not one of the load balancer's: tag a subnet in that zone, role vpc_tagging.",
    ),
}

# The states that keep a target from traffic, the most telling first.
_TARGET_STATES = ("unhealthy", "unused", "unavailable", "initial")


def judge(observation: Observation, goal: str) -> Verdict:
    """The verdict for the goal ``provisioned``, ``active`` or ``healthy``; each includes the ones before it.

    ``healthy`` needs listeners, target groups and targets to be seen. Raises :class:`ValueError` for another goal, and
    for ``active`` and ``healthy`` where AWS is not seen.
    """
    for stage, rules in STAGES.items():
        for rule in rules:
            verdict = rule(observation)
            if verdict:
                return verdict
        if stage == goal:
            return Verdict.done(stage, _summary(observation, stage))
    raise ValueError(f"No such goal: {goal}")


def _summary(observation: Observation, stage: str) -> str:
    balancer = observation.load_balancer
    if balancer is None:
        return f"Service {observation.contract.stack} shows its load balancer."
    if stage != "healthy":
        return f"Load balancer {balancer.name} is {balancer.state}."
    return f"Load balancer {balancer.name} is {balancer.state}, {_healthy(balancer.staying_targets)}."


def _healthy(targets: list[Target]) -> str:
    count = sum(target.state == "healthy" for target in targets)
    return f"{count} of {len(targets)} targets healthy"


# Can both sides be seen at all?


def _aws_problem(observation: Observation) -> Verdict | None:
    if observation.aws is None or observation.aws.problem is None:
        return None
    return Verdict.waiting("AwsUnreachable", observation.aws.problem, "AWS", "Try again; AWS did not answer as usual.")


def _cluster(observation: Observation) -> Verdict | None:
    kubernetes, name = observation.kubernetes, observation.contract.cluster
    if kubernetes is None:
        return None
    status = kubernetes.cluster_status
    if status is None:
        return Verdict.failed(
            "ClusterMissing",
            f"There is no EKS cluster {name} in this account and region.",
            "infra",
            "Check the cluster's name, region and credentials, or make the cluster: role eks_auto_cluster.",
        )
    if status in ("FAILED", "DELETING"):
        return Verdict.failed(f"Cluster{status}", f"EKS cluster {name} is {status}.", "infra", "Make the cluster anew.")
    if status == "CREATING":
        return Verdict.waiting(f"Cluster{status}", f"EKS cluster {name} is {status}.", "infra", "Wait for the cluster.")
    return None


def _kubernetes_problem(observation: Observation) -> Verdict | None:
    problem = observation.kubernetes and observation.kubernetes.problem
    if not problem:
        return None
    if not problem.denied:
        return Verdict.waiting(
            "KubernetesUnreachable",
            f"The Kubernetes API can't be asked: {problem.message}",
            "infra",
            "See that the cluster's endpoint can be reached from here, or observe AWS only.",
        )
    make = Verdict.failed if problem.seconds >= DENIAL_STAYS else Verdict.waiting
    return make(
        "KubernetesDenied",
        f"The Kubernetes API refuses these credentials: {problem.message}",
        "infra",
        "See that the credentials are the right ones and valid, and give their identity an access entry with a view "
        "policy on the namespace (module eks_access_entry); or observe AWS only.",
    )


# Is the Service one that gets a load balancer from Auto Mode?


def _service_missing(observation: Observation) -> Verdict | None:
    if observation.kubernetes is None or observation.service:
        return None
    return Verdict.waiting(
        "ServiceMissing", f"There is no Service {observation.contract}.", "k8s", "Apply the Service."
    )


def _service_type(observation: Observation) -> Verdict | None:
    service = observation.service
    if service is None or service.type == "LoadBalancer":
        return None
    return Verdict.failed(
        "WrongServiceType",
        f"Service {observation.contract.stack} is of type {service.type}, which gets no load balancer.",
        "k8s",
        f"Make it type LoadBalancer, class {AUTO_MODE_CLASS}.",
    )


def _service_class(observation: Observation) -> Verdict | None:
    service = observation.service
    # Without a class, a Service gets the cluster's default, which is Auto Mode's.
    if service is None or service.load_balancer_class in (None, AUTO_MODE_CLASS):
        return None
    return Verdict.failed(
        "WrongLoadBalancerClass",
        f"Service {observation.contract.stack} has the load balancer class {service.load_balancer_class}, "
        "which is not Auto Mode's.",
        "k8s",
        f"Recreate the Service with loadBalancerClass: {AUTO_MODE_CLASS} (Kubernetes does not let it be changed).",
    )


# Is there one load balancer, and is it this contract's?


def _self_managed(observation: Observation) -> Verdict | None:
    for other in observation.aws.lookalikes if observation.aws else ():
        if other.self_managed and other.cluster == observation.contract.cluster:
            return Verdict.failed(
                "SelfManagedController",
                f"The load balancer of {observation.contract} was made by a self-managed AWS Load Balancer Controller: "
                f"{other.arn}.",
                "k8s",
                f"Recreate the Service with loadBalancerClass: {AUTO_MODE_CLASS}.",
            )
    return None


def _ambiguous(observation: Observation) -> Verdict | None:
    found = observation.aws.load_balancers if observation.aws else ()
    if len(found) < 2:
        return None
    arns = " and ".join(balancer.arn for balancer in found)
    return Verdict.failed(
        "AmbiguousLoadBalancer",
        f"{len(found)} load balancers carry the tags of {observation.contract}: {arns}.",
        "infra",
        "Delete the one whose DNS name the Service does not show (kubectl get service, by k8s).",
    )


def _controller_failure(observation: Observation) -> Verdict | None:
    failure = observation.controller_failure
    if failure is None or not failure.recurred or failure.lasted < FAILURE_STAYS:
        return None
    owner, fix = _controller_fix(failure)
    return Verdict.failed(failure.reason, f"The controller says again and again: {failure.message}", owner, fix)


def _controller_fix(failure: ControllerFailure) -> tuple[str, str]:
    for parts, owner, fix in _CONTROLLER_FIXES:
        if any(part in failure.message for part in parts):
            return owner, fix
    return _SERVICE_FIX


def _service_deleting(observation: Observation) -> Verdict | None:
    if observation.service is None or not observation.service.deleting:
        return None
    return Verdict.waiting(
        "ServiceDeleting",
        f"Service {observation.contract.stack} is being deleted.",
        "k8s",
        "Apply the Service again when it is gone. If it never goes, a VPC link (infra) holds its load balancer.",
    )


def _load_balancer_missing(observation: Observation) -> Verdict | None:
    if observation.aws is None or observation.load_balancer:
        return None
    failure = observation.controller_failure
    if failure:
        return Verdict.waiting(failure.reason, f"The controller says: {failure.message}", *_controller_fix(failure))
    missing = f"No load balancer carries the tags of {observation.contract}."
    for other in observation.aws.lookalikes:
        missing += f" One of the same Service in cluster {other.cluster} exists."
    if observation.kubernetes:
        return Verdict.waiting("LoadBalancerMissing", missing, "AWS", "Auto Mode's controller has yet to make it.")
    fix = (
        "Apply the Service, and see its events (kubectl describe service): without tagged subnets (infra) it gets none."
    )
    return Verdict.waiting("LoadBalancerMissing", missing, "k8s", fix)


def _load_balancer_failed(observation: Observation) -> Verdict | None:
    balancer = observation.load_balancer
    if balancer is None or balancer.state != "failed":
        return None
    return Verdict.failed(
        "LoadBalancerFailed",
        f"Load balancer {balancer.name} is failed: {balancer.state_reason or 'AWS gives no reason'}.",
        "infra",
        "Mend what AWS names (as a rule subnets or quotas), then recreate the Service.",
    )


def _hostname(observation: Observation) -> Verdict | None:
    service, balancer = observation.service, observation.load_balancer
    if service is None:
        return None
    if not service.hostnames:
        failure = observation.controller_failure
        if failure:
            return Verdict.waiting(failure.reason, f"The controller says: {failure.message}", *_controller_fix(failure))
        return Verdict.waiting(
            "HostnameMissing",
            f"Service {observation.contract.stack} does not show its load balancer yet.",
            "AWS",
            "Auto Mode's controller has yet to finish; see its events (kubectl describe service).",
        )
    if balancer is None or balancer.dns_name in service.hostnames:
        return None
    return Verdict.waiting(
        "HostnameMismatch",
        f"The Service shows {', '.join(service.hostnames)}, but {balancer.dns_name} carries its tags.",
        "k8s",
        "If the load balancer was replaced, the Service follows soon; else recreate the Service.",
    )


# Is it active?


def _seen(observation: Observation) -> LoadBalancer:
    """The load balancer, which the stages before have found."""
    if observation.load_balancer is None:
        raise ValueError("A load balancer's state can be judged only where it is seen through AWS.")
    return observation.load_balancer


def _provisioning(observation: Observation) -> Verdict | None:
    balancer = _seen(observation)
    if balancer.passable:
        return None
    return Verdict.waiting(
        "LoadBalancerProvisioning",
        f"Load balancer {balancer.name} is {balancer.state}.",
        "AWS",
        "AWS takes some minutes to set it up: allow more time.",
    )


# Do its targets get traffic?


def _listeners(observation: Observation) -> Verdict | None:
    balancer = _seen(observation)
    if balancer.listeners is None:
        return None
    present = {listener.port for listener in balancer.listeners}
    wanted = {port.port for port in observation.service.ports} if observation.service else set()
    if present and wanted <= present:
        return None
    ports = ", ".join(str(port) for port in sorted(wanted - present)) or "any port"
    return Verdict.waiting(
        "ListenerMissing",
        f"Load balancer {balancer.name} has no listener on {ports} yet.",
        "AWS",
        "Auto Mode's controller has yet to make it; see the Service's events.",
    )


def _targets_missing(observation: Observation) -> Verdict | None:
    balancer = _seen(observation)
    if balancer.target_groups and all(group.staying for group in balancer.target_groups):
        return None
    service, pods = observation.service, observation.pods
    if service is None:
        return Verdict.waiting(
            "NoTargets",
            f"Load balancer {balancer.name} has no targets.",
            "k8s",
            "See that the Service's selector matches pods, and that they are ready.",
        )
    if not service.selector:
        return Verdict.waiting(
            "NoSelector", f"Service {observation.contract.stack} has no selector.", "k8s", "Give it a selector."
        )
    if not pods:
        labels = ",".join(f"{key}={value}" for key, value in service.selector.items())
        return Verdict.waiting(
            "NoPods",
            f"No pod in namespace {observation.contract.namespace} carries the labels {labels}.",
            "k8s",
            "Make the Service's selector match the pods' labels, and see that the Deployment has replicas.",
        )
    if not any(pod.ready for pod in pods):
        return Verdict.waiting(
            "NoReadyPods",
            f"None of {len(pods)} pods is ready{_pod_messages(observation)}.",
            "k8s",
            "Mend the pods (kubectl describe pod, kubectl logs).",
        )
    return Verdict.waiting(
        "TargetsNotRegistered",
        f"Load balancer {balancer.name} has no targets yet, though pods are ready.",
        "AWS",
        "Auto Mode's controller has yet to register them; see the Service's events.",
    )


def _pod_messages(observation: Observation) -> str:
    """The pods' own words, each said once, with one of the pods that say it."""
    messages = {pod.trouble: pod.name for pod in observation.pods if pod.trouble}
    return "".join(f"; {name}: {message}" for message, name in messages.items())


def _unregistered(observation: Observation) -> Verdict | None:
    """Ready pods that the load balancer does not know at the Service's target port, as after a change of either."""
    service, balancer = observation.service, _seen(observation)
    if service is None or any(group.target_type != "ip" for group in balancer.target_groups):
        return None
    registered = {(target.id, target.port) for target in balancer.staying_targets}
    for pod in (pod for pod in observation.pods if pod.ready):
        for number in filter(None, (pod.number_of(port.target_port) for port in service.ports)):
            if not any((address, number) in registered for address in pod.addresses):
                return Verdict.waiting(
                    "TargetsNotRegistered",
                    f"Pod {pod.name} is ready, but not registered on port {number} yet.",
                    "AWS",
                    "Auto Mode's controller has yet to register it; see the Service's events.",
                )
    return None


def _health_check(observation: Observation) -> Verdict | None:
    """A health check on another path than the Service's, as after a change of its annotation: what it says is of before."""
    service = observation.service
    wanted = service.annotations.get(HEALTH_CHECK_PATH) if service else None
    for group in _seen(observation).target_groups:
        path = group.health_check["path"]
        if wanted and path and path != wanted:
            return Verdict.waiting(
                "HealthCheckOutdated",
                f"Target group {group.name} still checks {path}, and the Service says {wanted}.",
                "AWS",
                "Auto Mode's controller has yet to change it; see the Service's events.",
            )
    return None


def _unhealthy(observation: Observation) -> Verdict | None:
    targets = _seen(observation).staying_targets
    rest = [target for target in targets if target.state != "healthy"]
    if not rest:
        return None
    # A state that AWS documents some day comes first: it is news.
    rest.sort(key=lambda target: _TARGET_STATES.index(target.state) if target.state in _TARGET_STATES else -1)
    worst = rest[0]
    # Targets that are only new need no excuse from the pods.
    messages = "" if worst.state == "initial" else _pod_messages(observation)
    seen = f"{_healthy(targets)}: {worst}{_others(rest[1:])}{messages}."
    reason = worst.reason or f"Target.{worst.state}"
    mismatch = _port_mismatch(observation)
    if mismatch and worst.state == "unhealthy":
        return Verdict.waiting(
            reason, f"{seen} {mismatch}", "k8s", "Set the Service's targetPort to the container's port."
        )
    return Verdict.waiting(reason, seen, *_TARGET_FIXES.get(reason, _POD_FIX))


def _others(targets: list[Target]) -> str:
    return "".join(f", {count} more {state}" for state, count in Counter(target.state for target in targets).items())


def _port_mismatch(observation: Observation) -> str | None:
    """Says so if the Service sends to a port that no container of its pods declares."""
    service = observation.service
    declared = [port for pod in observation.pods for port in pod.container_ports]
    if service is None or not declared:
        return None
    known = {name for name, _number in declared} | {number for _name, number in declared}
    for port in service.ports:
        if port.target_port not in known:
            numbers = ", ".join(str(number) for number in sorted({number for _name, number in declared}))
            return f"The Service sends to port {port.target_port}, but the containers listen on {numbers}."
    return None


#: Goals in order, each with the rules before it.
STAGES: dict[str, tuple[Rule, ...]] = {
    "provisioned": (
        _aws_problem,
        _cluster,
        _kubernetes_problem,
        _service_missing,
        _service_type,
        _service_class,
        _self_managed,
        _ambiguous,
        _controller_failure,
        _service_deleting,
        _load_balancer_missing,
        _load_balancer_failed,
        _hostname,
    ),
    "active": (_provisioning,),
    "healthy": (_listeners, _targets_missing, _unregistered, _health_check, _unhealthy),
}
