#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at, or wait for, the load balancers that EKS Auto Mode makes for Services."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_auto_nlb_info
version_added: 1.0.0
short_description: Look at, or wait for, the network load balancers of Services in EKS Auto Mode
author:
  - seam.eks_auto contributors (@seam)
description:
  - Finds the network load balancers that EKS Auto Mode makes for Services of type LoadBalancer, given no more than cluster,
    namespace and Service of each. A load balancer is found by Auto Mode's three tags, never by name, DNS name or ARN,
    which all change when the Service is made anew.
  - Looks through AWS (state, target groups, the health of each target), through Kubernetes (the Service, its events, its
    pods), or both.
  - Waits until all load balancers are as far as asked, for all of them together. Kubernetes is watched. AWS can't be watched,
    and is asked often after a change and seldom when nothing changes, at most five times a second.
  - Ends early on a state that can't recover by itself, such as a failed load balancer, two load balancers for one
    Service, or no tagged subnet.
  - A failure lists each missing load balancer, with the state last seen and for how long, the cause, the fix, and
    the owner of the fix (V(infra), V(k8s) or AWS itself).
  - In check mode it looks once, does not wait, and does not fail because of what it sees.
options:
  contracts:
    description: The Services. The same one may be named twice.
    type: list
    elements: dict
    required: true
    suboptions:
      cluster:
        description: Name of the EKS cluster.
        type: str
        required: true
      namespace:
        description: Namespace of the Service.
        type: str
        required: true
      service:
        description: Name of the Service.
        type: str
        required: true
  observe:
    description:
      - Through what to look. The more is seen, the more a failure can say about its cause.
      - V(aws) needs C(elasticloadbalancing:Describe*) and no access to the cluster.
      - V(kubernetes) needs C(eks:DescribeCluster), an access entry that lets the identity list and watch services, events
        and pods in the namespace. Tokens are made from the AWS credentials.
        If Kubernetes refuses the identity, the module fails (when waiting after 30 seconds, for a new access entry takes
        effect with a delay) rather than see only half.
      - V(vpc_links) adds RV(seams[].vpc_links), what holds the load balancer, to V(aws), and needs C(apigateway:GET) on
        C(/vpclinks).
    type: list
    elements: str
    choices: [aws, kubernetes, vpc_links]
    default: [aws, kubernetes]
  wait_for:
    description:
      - What to wait for. Each includes the ones before it. Without it, the module looks once.
      - V(provisioned) means that exactly one load balancer has the tags, and the Service shows its DNS name
        (each where O(observe) allows to see it).
      - V(active) means that AWS calls it active. It is passable, though its targets may not be.
      - V(healthy) means that the target groups are there and every target is healthy, draining ones aside.
        Where Kubernetes is seen too, every port of the Service has its listener and every ready pod is a target
        on the Service's target port.
      - V(active) and V(healthy) need V(aws) in O(observe).
    type: str
    choices: [provisioned, active, healthy]
  wait_timeout:
    description: Seconds to wait at most, from the beginning to the end, for all load balancers together.
    type: int
    default: 600
seealso:
  - module: seam.eks_auto.apigateway_vpc_links
  - name: Configuring Network Load Balancers in EKS Auto Mode
    description: Annotations and defaults.
    link: https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.info
"""

EXAMPLES = r"""
- name: Wait until the petstore's load balancer has healthy targets
  seam.eks_auto.eks_auto_nlb_info:
    contracts:
      - {cluster: petstore, namespace: petstore, service: vpclink}
    wait_for: healthy

- name: The same for two load balancers, and for a team without access to the cluster
  seam.eks_auto.eks_auto_nlb_info:
    contracts:
      - {cluster: petstore, namespace: petstore, service: vpclink}
      - {cluster: petstore, namespace: shop, service: vpclink}
    observe: [aws]
    wait_for: healthy
    wait_timeout: 900
  register: nlbs

- name: Use them
  seam.eks_auto.apigateway_vpc_links:
    links:
      - name: petstore
        target_arn: "{{ nlbs.seams[0].load_balancer.arn }}"
        ownership_tags: "{{ nlbs.seams[0].contract | seam.eks_auto.contract_tags }}"
      - name: shop
        target_arn: "{{ nlbs.seams[1].load_balancer.arn }}"
        ownership_tags: "{{ nlbs.seams[1].contract | seam.eks_auto.contract_tags }}"

- name: Look once and say what is in the way
  seam.eks_auto.eks_auto_nlb_info:
    contracts:
      - {cluster: petstore, namespace: petstore, service: vpclink}
  register: nlbs

- name: Show it
  ansible.builtin.debug:
    msg: "{{ item.verdict.message }} ({{ item.verdict.owner }}: {{ item.verdict.fix }})"
  loop: "{{ nlbs.seams | rejectattr('verdict.state', 'eq', 'done') }}"
"""

RETURN = r"""
seams:
  description: The observation of each contract, in the order of O(contracts).
  returned: always
  type: list
  elements: dict
  contains:
    contract:
      description: Its C(cluster), C(namespace) and C(service).
      type: dict
    load_balancer:
      description:
        - The contract's load balancer as AWS last showed it.
        - Null if there is none, if there are several, or if AWS is not observed.
      type: dict
      contains:
        arn:
          description: Its ARN.
          type: str
          sample: arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/net/k8s-petstore-vpclink-0f1e2d3c4b/5a69788796a5b4c3
        name:
          description: Its name, which Auto Mode chooses.
          type: str
        dns_name:
          description: Its DNS name.
          type: str
        state:
          description: AWS's state, V(provisioning), V(active), V(active_impaired) or V(failed).
          type: str
          sample: active
        state_reason:
          description: What AWS says about the state, or null.
          type: str
        scheme:
          description: V(internal) or V(internet-facing).
          type: str
          sample: internal
        ip_address_type:
          description: V(ipv4) or V(dualstack).
          type: str
          sample: ipv4
        vpc_id:
          description: Its VPC.
          type: str
          sample: vpc-0a1b2c3d
        availability_zones:
          description: Its zones, each with C(zone_name) and C(subnet_id).
          type: list
          elements: dict
        security_groups:
          description: Ids of its security groups.
          type: list
          elements: str
          sample: [sg-0a1b2c3d]
        private_link_enforcement:
          description: V(on) if the security groups also hold for traffic through a VPC link, else V(off). Null if AWS says nothing.
          type: str
          sample: "on"
        tags:
          description: Its tags.
          type: dict
        listeners:
          description: Its listeners, by port. Null unless O(observe) contains V(kubernetes), whose ports they are compared with.
          type: list
          elements: dict
          contains:
            arn:
              description: ARN of the listener.
              type: str
            port:
              description: Port it listens on.
              type: int
              sample: 80
            protocol:
              description: V(TCP), V(UDP), V(TCP_UDP) or V(TLS).
              type: str
              sample: TCP
            target_group_arns:
              description: The target groups that it forwards to.
              type: list
              elements: str
        target_groups:
          description: Its target groups, by port.
          type: list
          elements: dict
          contains:
            arn:
              description: ARN of the target group.
              type: str
            name:
              description: Its name.
              type: str
            port:
              description: Port of its targets unless they say otherwise.
              type: int
              sample: 8080
            protocol:
              description: Protocol that it speaks to targets.
              type: str
              sample: TCP
            target_type:
              description: V(ip), Auto Mode's default, or V(instance).
              type: str
              sample: ip
            load_balancer_arns:
              description: The load balancers that it belongs to.
              type: list
              elements: str
            health_check:
              description: The health check's C(protocol), C(port), C(path), C(interval) (seconds), C(healthy_threshold) and C(unhealthy_threshold).
              type: dict
            targets:
              description: Its targets.
              type: list
              elements: dict
              contains:
                id:
                  description: IP address or instance id.
                  type: str
                  sample: 172.31.0.57
                port:
                  description: Port.
                  type: int
                  sample: 8080
                availability_zone:
                  description: Zone, or null.
                  type: str
                  sample: ap-northeast-1a
                state:
                  description: AWS's state of its health.
                  type: str
                  sample: healthy
                reason:
                  description: AWS's reason code, null if it is healthy.
                  type: str
                  sample: Target.FailedHealthChecks
                description:
                  description: AWS's description, null if it is healthy.
                  type: str
                  sample: Health checks failed
    kubernetes:
      description: What Kubernetes last showed. Null if it is not observed.
      type: dict
      contains:
        cluster_status:
          description: EKS's status of the cluster, null if there is no such cluster.
          type: str
          sample: ACTIVE
        service:
          description: The Service's C(type), C(load_balancer_class), C(ports) and C(hostnames), null if there is none.
          type: dict
        pods:
          description: The pods that it selects, each with C(name), C(addresses), C(ready) and C(trouble), its own words about why it is not ready.
          type: list
          elements: dict
        events:
          description: Its events, the latest last, each with C(reason), C(message), C(warning), C(count), C(first) and C(last).
          type: list
          elements: dict
    vpc_links:
      description:
        - This account's VPC links (V1) to the contract's load balancers. There may be several while one replaces
          another. AWS deletes none of these before the link is gone.
        - Null unless O(observe) contains V(vpc_links).
      type: list
      elements: dict
      contains:
        id:
          description: ID of the link.
          type: str
          sample: zm3d6l
        name:
          description: Its name.
          type: str
          sample: petstore-petstore-vpclink
        status:
          description: Its state, V(PENDING), V(AVAILABLE), V(DELETING) or V(FAILED).
          type: str
          sample: AVAILABLE
        target_arn:
          description: ARN of the load balancer.
          type: str
    verdict:
      description:
        - What the last observation means for O(wait_for). Without it, for V(healthy) (or V(provisioned) if AWS is not observed).
      type: dict
      contains:
        state:
          description: V(done), V(waiting), or V(failed) if it can't recover by itself.
          type: str
          sample: done
        reason:
          description: A code, where there is one AWS's or the event's.
          type: str
          sample: healthy
        message:
          description: What was seen.
          type: str
          sample: Load balancer k8s-petstore-vpclink-0f1e2d3c4b is active, 2 of 2 targets healthy.
        owner:
          description: Who owns the fix, V(infra), V(k8s) or V(AWS). Null if there is nothing to fix.
          type: str
        fix:
          description: What to do. Null if there is nothing to fix.
          type: str
    hints:
      description: Not in the way, but worth mending. They are also shown as warnings.
      type: list
      elements: str
timeline:
  description: What was seen when, one entry for each change.
  returned: always
  type: list
  elements: dict
  contains:
    seconds:
      description: Seconds since the module began to look.
      type: float
      sample: 4.5
    subject:
      description: The subject of the wait, and its goal.
      type: str
      sample: the load balancer of petstore/vpclink to be healthy
    reason:
      description: The verdict's reason.
      type: str
      sample: LoadBalancerProvisioning
    message:
      description: What was seen.
      type: str
      sample: Load balancer k8s-petstore-vpclink-0f1e2d3c4b is provisioning.
"""

import typing as t
from dataclasses import asdict, replace

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.api import get_vpc_links
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.links import Link
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import (
    Pace,
    Timeline,
    Verdict,
    WaitError,
    Wake,
    wait_for_all,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.api import describe_cluster
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.aws import AwsObserver, Depth
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.hints import hints
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes import KubernetesObserver
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import connect
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import (
    KubernetesView,
    Observation,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.verdict import STAGES, judge

Result = dict[str, t.Any]

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "contracts": {**Contract.ARGUMENT, "type": "list", "elements": "dict", "required": True},
    "observe": {
        "type": "list",
        "elements": "str",
        "choices": ["aws", "kubernetes", "vpc_links"],
        "default": ["aws", "kubernetes"],
    },
    "wait_for": {"type": "str", "choices": list(STAGES)},
    "wait_timeout": {"type": "int", "default": 600},
}

# Targets that are new turn healthy soon, and each costs a call. Unhealthy targets may stay so for long.
_NEW_TARGETS = Pace(fastest=0.25, slowest=1.5, growth=1.06)
_TARGETS = Pace(fastest=0.25, slowest=20.0, growth=1.06)
# All load balancers together cost one call.
_LOAD_BALANCERS = Pace()


def pace(verdict: Verdict) -> Pace:
    """How often to look at a contract with this verdict."""
    if verdict.reason in ("Elb.RegistrationInProgress", "Elb.InitialHealthChecking"):
        return _NEW_TARGETS
    return _TARGETS if verdict.reason.startswith(("Target.", "Elb.")) else _LOAD_BALANCERS


class Seams:
    """The observers of contracts, and what they saw last."""

    def __init__(
        self,
        contracts: t.Iterable[Contract],
        aws: AwsObserver | None = None,
        kubernetes: t.Mapping[Contract, KubernetesObserver] | None = None,
    ) -> None:
        self.last = {contract: Observation(contract) for contract in contracts}
        self._aws = aws
        self._kubernetes = kubernetes or {}

    def look(self, contracts: t.Collection[Contract], depth: Depth = "everything") -> dict[Contract, Observation]:
        """Observe these once, and others as far as that shows them."""
        views = self._aws.observe(contracts, depth) if self._aws else dict.fromkeys(contracts)
        seen = {
            contract: Observation(
                contract,
                aws=view,
                kubernetes=self._kubernetes[contract].observe() if contract in self._kubernetes else None,
            )
            for contract, view in views.items()
        }
        self.last |= seen
        return seen


def check_options(params: Result) -> None:
    """All that can be judged without looking; raises :class:`.._core.errors.SeamError`."""
    contracts = {f"contracts[{index}]": contract for index, contract in enumerate(params["contracts"])}
    require_sound({**contracts, **params}, {**dict.fromkeys(contracts, "contract"), "wait_timeout": "timeout"})
    require({"aws", "kubernetes"}.intersection(params["observe"]), "observe: give aws, kubernetes, or both.")
    require(
        "aws" in params["observe"] or "vpc_links" not in params["observe"],
        "observe: vpc_links are those of the load balancer, which is seen through aws only.",
    )
    require(
        "aws" in params["observe"] or params["wait_for"] in (None, "provisioned"),
        f"wait_for: {params['wait_for']} can be seen through AWS only, and observe does not contain aws.",
    )


class Clusters:
    """EKS clusters, each of which is asked for until it has an endpoint."""

    def __init__(self, module: AnsibleAWSModule) -> None:
        self._eks = module.client("eks")
        self._known: dict[str, Result] = {}
        self._asked: dict[str, bool] = {}

    def find(self, name: str) -> Result | None:
        """EKS's description of the cluster, or None."""
        if name in self._known:
            return self._known[name]
        cluster: Result | None = describe_cluster(self._eks, name)
        if cluster and cluster.get("endpoint"):
            self._known[name] = cluster
        return cluster

    def may_be_there(self, name: str) -> bool:
        """Whether the cluster was there when it was first asked for, or EKS doesn't let us ask."""
        if name not in self._asked:
            try:
                self._asked[name] = self.find(name) is not None
            except SeamError as error:
                if error.answer[0] != "AccessDeniedException":
                    raise
                self._asked[name] = True
        return self._asked[name]


def _seams(module: AnsibleAWSModule, contracts: list[Contract], wake: Wake[Contract] | None) -> Seams:
    """The seams of the module's options; with ``wake``, Kubernetes is watched."""
    observe = module.params["observe"]
    aws = kubernetes = None
    if "aws" in observe:
        aws = AwsObserver(module.client("elbv2"), contracts, listeners="kubernetes" in observe)
    if "kubernetes" in observe:
        clusters = Clusters(module)
        kubernetes = {contract: _kubernetes_observer(module, clusters, contract, wake) for contract in contracts}
    return Seams(contracts, aws, kubernetes)


def _kubernetes_observer(
    module: AnsibleAWSModule, clusters: Clusters, contract: Contract, wake: Wake[Contract] | None
) -> KubernetesObserver:
    return KubernetesObserver(
        contract,
        find_cluster=lambda: clusters.find(contract.cluster),
        connect=lambda cluster: connect(module, cluster, contract.namespace),
        wake=None if wake is None else lambda: wake.notify(contract),
    )


def _kubernetes_result(view: KubernetesView | None) -> Result | None:
    if view is None:
        return None
    service = view.service
    return {
        "cluster_status": view.cluster_status,
        "service": service
        and {
            "type": service.type,
            "load_balancer_class": service.load_balancer_class,
            "ports": [asdict(port) for port in service.ports],
            "hostnames": list(service.hostnames),
        },
        "pods": [
            {"name": pod.name, "addresses": list(pod.addresses), "ready": pod.ready, "trouble": pod.trouble}
            for pod in view.pods
        ],
        "events": [
            {
                "reason": event.reason,
                "message": event.message,
                "warning": event.warning,
                "count": event.count,
                "first": event.first.isoformat(),
                "last": event.last.isoformat(),
            }
            for event in view.events
        ],
    }


class Judged(t.NamedTuple):
    """The observation of each contract, the verdict on it, and the timeline."""

    observations: dict[Contract, Observation]
    verdicts: dict[Contract, Verdict]
    timeline: Timeline


def _subjects(contracts: list[Contract], goal: str | None) -> dict[Contract, str]:
    """What is looked at, or waited for, in words."""
    several = len({contract.cluster for contract in contracts}) > 1
    return {
        contract: f"the load balancer of {contract if several else contract.stack}{f' to be {goal}' if goal else ''}"
        for contract in contracts
    }


def _look_once(seams: Seams, contracts: list[Contract], goal: str | None, lenient: bool) -> Judged:
    """One look; unless ``lenient``, raises :class:`.._core.errors.SeamError` if Kubernetes can't be asked."""
    observations = seams.look(contracts)
    verdicts = {
        contract: judge(seen, goal or ("healthy" if seen.aws else "provisioned"))
        for contract, seen in observations.items()
    }
    timeline = Timeline()
    for contract, subject in _subjects(contracts, None).items():
        verdict, seen = verdicts[contract], observations[contract]
        problem = seen.kubernetes and seen.kubernetes.problem
        require(lenient or not problem, f"{verdict.message}\nOwner: {verdict.owner}\nTo do: {verdict.fix}")
        timeline.add(subject, 0.0, verdict)
    return Judged(observations, verdicts, timeline)


def _require_clusters(clusters: Clusters, seen: t.Mapping[Contract, Observation]) -> None:
    """Raises :class:`.._core.errors.SeamError` if a load balancer isn't there and its cluster isn't either.

    As a rule a name is wrong, and waiting would be in vain.
    """
    for contract, observation in seen.items():
        if not observation.load_balancer and not clusters.may_be_there(contract.cluster):
            verdict = judge(replace(observation, kubernetes=KubernetesView(cluster_status=None)), "provisioned")
            raise SeamError(message=f"{verdict.message}\nOwner: {verdict.owner}\nTo do: {verdict.fix}")


def _wait(
    seams: Seams,
    contracts: list[Contract],
    goal: str,
    timeout: float,
    wake: Wake[Contract],
    clusters: Clusters | None,
) -> Judged:
    """The observations once all have reached the goal; raises :class:`WaitError`."""

    def look(due: t.Collection[Contract]) -> dict[Contract, Observation]:
        seen = seams.look(due, "health" if goal == "healthy" else "state")
        if clusters:
            _require_clusters(clusters, seen)
        return seen

    observations, timeline = wait_for_all(
        _subjects(contracts, goal),
        look,
        lambda observation: judge(observation, goal),
        timeout=timeout,
        pace=pace,
        wake=wake,
    )
    if goal != "healthy":
        # What the wait did not need is wanted in the result.
        observations = seams.look(contracts)
    return Judged(observations, {each: judge(seen, goal) for each, seen in observations.items()}, timeline)


def _result(module: AnsibleAWSModule, judged: Judged) -> Result:
    links = _links_by_target(module, judged.observations.values())
    seams = {
        contract: {
            "contract": asdict(contract),
            "load_balancer": asdict(seen.load_balancer) if seen.load_balancer else None,
            "kubernetes": _kubernetes_result(seen.kubernetes),
            "vpc_links": None if links is None else [link for arn in _arns(seen) for link in links[arn]],
            "verdict": asdict(judged.verdicts[contract]),
            "hints": hints(seen, judged.verdicts[contract]),
        }
        for contract, seen in judged.observations.items()
    }
    asked = (Contract(**each) for each in module.params["contracts"])
    return {"seams": [seams[contract] for contract in asked], "timeline": judged.timeline.entries}


def _arns(observation: Observation) -> list[str]:
    """The contract's load balancers, of which there may be several while one replaces another."""
    return [balancer.arn for balancer in observation.aws.load_balancers] if observation.aws else []


def _links_by_target(
    module: AnsibleAWSModule, observations: t.Collection[Observation]
) -> dict[str, list[Result]] | None:
    """The links that hold the load balancers, as the module returns them; None if they are not asked for."""
    if "vpc_links" not in module.params["observe"]:
        return None
    held: dict[str, list[Result]] = {arn: [] for seen in observations for arn in _arns(seen)}
    links = map(Link.of_v1, get_vpc_links(module.client("apigateway")) if held else [])
    for link in links:
        for arn in held.keys() & link.target_arns:
            held[arn].append({"id": link.id, "name": link.name, "status": link.status, "target_arn": arn})
    return held


def _judged(module: AnsibleAWSModule) -> tuple[Judged, WaitError | None]:
    """The last observation, and why it is not the goal."""
    goal, timeout = module.params["wait_for"], module.params["wait_timeout"]
    contracts = list(dict.fromkeys(Contract(**each) for each in module.params["contracts"]))
    if goal is None or module.check_mode:
        return _look_once(_seams(module, contracts, None), contracts, goal, lenient=module.check_mode), None
    wake = Wake[Contract]()
    seams = _seams(module, contracts, wake)
    try:
        # Where Kubernetes is observed, the verdicts tell of its cluster.
        clusters = None if "kubernetes" in module.params["observe"] else Clusters(module)
        return _wait(seams, contracts, goal, timeout, wake, clusters), None
    except WaitError as error:
        verdicts = {contract: error.verdicts[subject] for contract, subject in _subjects(contracts, goal).items()}
        return Judged(seams.last, verdicts, error.timeline), error


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        check_options(module.params)
        judged, error = _judged(module)
        result = _result(module, judged)
    except AnsibleAWSError as failed:
        module.fail_json_aws_error(failed)
    found = list(dict.fromkeys(hint for seam in result["seams"] for hint in seam["hints"]))
    if error:
        module.fail_json(msg="\n".join([str(error), *(f"Hint: {hint}" for hint in found)]), **result)
    for hint in found:
        module.warn(hint)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
