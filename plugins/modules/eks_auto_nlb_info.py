#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at, or wait for, the load balancer that EKS Auto Mode makes for a Service."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_auto_nlb_info
version_added: 1.0.0
short_description: Look at, or wait for, the network load balancer of a Service in EKS Auto Mode
author:
  - seam.eks_auto contributors (@seam)
description:
  - Finds the network load balancer that EKS Auto Mode makes for a Service of type LoadBalancer, given no more than
    cluster, namespace and Service. It is found by the three tags that Auto Mode gives it, never by name, DNS name or
    ARN, which all change when the Service is made anew.
  - Looks through AWS (state, listeners, target groups, the health of each target), through Kubernetes (the Service, its
    events, its pods), or both.
  - Waits until the load balancer is as far as asked. Kubernetes is watched; AWS, which can't be watched, is asked
    often after a change and seldom when nothing changes.
  - Ends early on what can't recover by itself, such as a load balancer that AWS calls failed, two load balancers for one
    Service, or no tagged subnet.
  - A failure says what was awaited, what was last seen and for how long, why, which team owns the fix (V(infra), V(k8s)
    or AWS itself), and the fix.
  - In check mode it looks once, does not wait, and does not fail because of what it sees.
options:
  cluster_name:
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
        and pods in O(namespace), and the Python package C(kubernetes). Tokens are made from the AWS credentials.
        If Kubernetes refuses the identity, the module fails (when waiting after 30 seconds, for a new access entry takes
        effect with a delay) rather than see only half.
      - V(vpc_links) adds RV(vpc_links), what holds the load balancer, to V(aws), and needs C(apigateway:GET) on
        C(/vpclinks).
    type: list
    elements: str
    choices: [aws, kubernetes, vpc_links]
    default: [aws, kubernetes]
  wait_for:
    description:
      - What to wait for. Each includes the ones before it. Without it, the module looks once.
      - V(provisioned) means that there is exactly one load balancer with the tags, and that the Service shows its DNS
        name (each where O(observe) allows to see it).
      - V(active) means that AWS calls it active. It is passable, though its targets may not be.
      - V(healthy) means that each listener and target group is there and that every target is healthy, except those
        which are draining. Where Kubernetes is seen too, every port of the Service has its listener and every ready pod
        is a target on the Service's target port.
      - V(active) and V(healthy) need V(aws) in O(observe).
    type: str
    choices: [provisioned, active, healthy]
  wait_timeout:
    description: Seconds to wait at most, from the beginning to the end.
    type: int
    default: 600
seealso:
  - module: seam.eks_auto.apigateway_vpc_link
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
    cluster_name: petstore
    namespace: petstore
    service: vpclink
    wait_for: healthy

- name: The same for a team without access to the cluster
  seam.eks_auto.eks_auto_nlb_info:
    cluster_name: petstore
    namespace: petstore
    service: vpclink
    observe: [aws]
    wait_for: healthy
    wait_timeout: 900
  register: nlb

- name: Use it
  seam.eks_auto.apigateway_vpc_link:
    name: petstore
    target_arn: "{{ nlb.load_balancer.arn }}"
    ownership_tags:
      contract: petstore/petstore/vpclink

- name: Look once and say what is in the way
  seam.eks_auto.eks_auto_nlb_info:
    cluster_name: petstore
    namespace: petstore
    service: vpclink
  register: nlb

- name: Show it
  ansible.builtin.debug:
    msg: "{{ nlb.verdict.message }} ({{ nlb.verdict.owner }}: {{ nlb.verdict.fix }})"
  when: nlb.verdict.state != 'done'
"""

RETURN = r"""
load_balancer:
  description:
    - The contract's load balancer as AWS last showed it.
    - Null if there is none, if there are several, or if AWS is not observed.
  returned: always
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
      description: Its listeners, by port.
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
  returned: always
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
    - The VPC links (V1) of this account that are joined to the contract's load balancers, of which there may be several
      while one replaces another. AWS deletes none of these before the link is gone.
  returned: when O(observe) contains V(vpc_links)
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
  returned: always
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
  description: What is not in the way, but worth mending. They are also shown as warnings.
  returned: always
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
    reason:
      description: The verdict's reason.
      type: str
      sample: LoadBalancerProvisioning
    message:
      description: What was seen.
      type: str
      sample: Load balancer k8s-petstore-vpclink-0f1e2d3c4b is provisioning.
"""

import base64
import os
import re
import tempfile
import threading
import typing as t
from dataclasses import asdict

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._apigateway.api import get_vpc_links
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Timeline, Verdict, WaitError, wait
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.api import describe_cluster
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.token import mint_token
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.aws import AwsObserver, Depth
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.contract import Contract
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.hints import hints
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes import KubernetesObserver
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import KubernetesApi
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import (
    KubernetesView,
    Observation,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.verdict import STAGES, judge

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "cluster_name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "observe": {
        "type": "list",
        "elements": "str",
        "choices": ["aws", "kubernetes", "vpc_links"],
        "default": ["aws", "kubernetes"],
    },
    "wait_for": {"type": "str", "choices": list(STAGES)},
    "wait_timeout": {"type": "int", "default": 600},
}

# Namespaces are DNS labels of RFC 1123, Services of RFC 1035:
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_NAMES = {
    "namespace": (re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"), "letter or digit"),
    "service": (re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?"), "letter"),
}

# Seconds between two looks at AWS. With this growth, a change is seen late by half a second and 2 % of the time in
# which nothing changed; ten minutes without a change are some 160 looks.
_FASTEST = 0.5
_SLOWEST = 10.0
_GROWTH = 1.02


class Seam:
    """The observers of a contract, and what they saw last."""

    def __init__(
        self, contract: Contract, aws: AwsObserver | None = None, kubernetes: KubernetesObserver | None = None
    ) -> None:
        self.contract = contract
        self.last = Observation(contract)
        self._aws = aws
        self._kubernetes = kubernetes

    def look(self, depth: Depth = "everything") -> Observation:
        """Observe once."""
        self.last = Observation(
            self.contract,
            aws=self._aws.observe(depth) if self._aws else None,
            kubernetes=self._kubernetes.observe() if self._kubernetes else None,
        )
        return self.last


def check_options(params: dict[str, t.Any]) -> None:
    """All that can be judged without looking; raises :class:`AnsibleAWSError`."""
    require_sound(params, {"cluster_name": "cluster_name"})
    for option, (pattern, first) in _NAMES.items():
        require(
            pattern.fullmatch(params[option]),
            f"{option}: {params[option]!r} is no name that Kubernetes takes: up to 63 lower-case letters, digits and "
            f"hyphens, a {first} first and no hyphen last.",
        )
    require({"aws", "kubernetes"}.intersection(params["observe"]), "observe: give aws, kubernetes, or both.")
    require(
        "aws" in params["observe"] or "vpc_links" not in params["observe"],
        "observe: vpc_links are those of the load balancer, which is seen through aws only.",
    )
    require(params["wait_timeout"] > 0, "wait_timeout: must be a positive number of seconds.")
    require(
        "aws" in params["observe"] or params["wait_for"] in (None, "provisioned"),
        f"wait_for: {params['wait_for']} can be seen through AWS only, and observe does not contain aws.",
    )


def _connect(module: AnsibleAWSModule, namespace: str, cluster: dict[str, t.Any]) -> KubernetesApi:
    sts = module.client("sts")
    descriptor, ca_file = tempfile.mkstemp(dir=module.tmpdir, suffix=".pem")
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(base64.b64decode(cluster["certificateAuthority"]["data"]))
    return KubernetesApi(cluster["endpoint"], ca_file, lambda: mint_token(sts, cluster["name"]), namespace)


def _seam(module: AnsibleAWSModule, wake: threading.Event | None) -> Seam:
    """The seam of the module's options; with ``wake``, Kubernetes is watched."""
    params = module.params
    contract = Contract(params["cluster_name"], params["namespace"], params["service"])
    aws = kubernetes = None
    if "aws" in params["observe"]:
        aws = AwsObserver(module.client("elbv2"), contract)
    if "kubernetes" in params["observe"]:
        eks = module.client("eks")
        kubernetes = KubernetesObserver(
            contract,
            find_cluster=lambda: describe_cluster(eks, contract.cluster),
            connect=lambda cluster: _connect(module, contract.namespace, cluster),
            wake=wake,
        )
    return Seam(contract, aws, kubernetes)


def _kubernetes_result(view: KubernetesView | None) -> dict[str, t.Any] | None:
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


def _result(observation: Observation, verdict: Verdict, timeline: Timeline) -> dict[str, t.Any]:
    balancer = observation.load_balancer
    return {
        "load_balancer": asdict(balancer) if balancer else None,
        "kubernetes": _kubernetes_result(observation.kubernetes),
        "verdict": asdict(verdict),
        "hints": hints(observation, verdict),
        "timeline": timeline.entries,
    }


def _vpc_links(module: AnsibleAWSModule, observation: Observation) -> dict[str, t.Any]:
    """What the module returns of the links that hold the load balancers; nothing unless it was asked for."""
    if "vpc_links" not in module.params["observe"] or observation.aws is None:
        return {}
    arns = [balancer.arn for balancer in observation.aws.load_balancers]
    links = get_vpc_links(module.client("apigateway")) if arns else []
    held = [
        {"id": link["id"], "name": link["name"], "status": link["status"], "target_arn": arn}
        for link in links
        for arn in link["targetArns"]
        if arn in arns
    ]
    return {"vpc_links": held}


def _look_once(seam: Seam, goal: str | None, lenient: bool) -> dict[str, t.Any]:
    """One look's result; unless ``lenient``, raises :class:`AnsibleAWSError` if Kubernetes can't be asked."""
    observation = seam.look()
    verdict = judge(observation, goal or ("healthy" if observation.aws else "provisioned"))
    problem = observation.kubernetes and observation.kubernetes.problem
    require(lenient or not problem, f"{verdict.message}\nOwner: {verdict.owner}\nTo do: {verdict.fix}")
    timeline = Timeline(f"the load balancer of {seam.contract.stack}")
    timeline.add(0.0, verdict)
    return _result(observation, verdict, timeline)


def _wait(seam: Seam, goal: str, timeout: float, wake: threading.Event) -> dict[str, t.Any]:
    """The result of a wait that reached its goal; raises :class:`WaitError`."""
    observation, timeline = wait(
        lambda: seam.look("health" if goal == "healthy" else "state"),
        lambda observation: judge(observation, goal),
        subject=f"the load balancer of {seam.contract.stack} to be {goal}",
        timeout=timeout,
        wake=wake,
        fastest=_FASTEST,
        slowest=_SLOWEST,
        growth=_GROWTH,
    )
    verdict = judge(observation, goal)
    # What the wait did not need is wanted in the result.
    return _result(observation if goal == "healthy" else seam.look(), verdict, timeline)


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    goal = module.params["wait_for"]
    wake = threading.Event()
    try:
        check_options(module.params)
        if goal and not module.check_mode:
            seam = _seam(module, wake)
            result = _wait(seam, goal, module.params["wait_timeout"], wake)
        else:
            seam = _seam(module, wake=None)
            result = _look_once(seam, goal, lenient=module.check_mode)
        result |= _vpc_links(module, seam.last)
    except WaitError as error:
        result = _result(seam.last, error.verdict, error.timeline)
        module.fail_json(msg="\n".join([str(error), *(f"Hint: {hint}" for hint in result["hints"])]), **result)
    except ImportError as error:
        module.fail_json(msg=missing_required_lib("kubernetes", reason="to observe Kubernetes"), exception=error)
    except AnsibleAWSError as error:
        module.fail_json_aws_error(error)
    for hint in result["hints"]:
        module.warn(hint)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
