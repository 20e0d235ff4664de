#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make an EKS cluster, with or without Auto Mode, what its options say; or remove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_cluster
version_added: 1.0.0
short_description: Manage an Amazon EKS cluster, Auto Mode included
description:
  - Creates an EKS cluster, brings an existing one to what the options say, or deletes it.
  - An option left out leaves that property as it is.
  - EKS takes one kind of update at a time. The module makes an ordered list of updates, waits out whatever is in
    progress on the cluster, starts one update, and waits until it is successful before it starts the next.
  - What can't be changed on an existing cluster is refused before anything is changed.
author:
  - seam.eks_auto contributors (@seam)
requirements:
  - botocore >= 1.40.3
options:
  name:
    description:
      - Name of the cluster, 1 to 100 letters, digits, hyphens and underscores.
    type: str
    required: true
  state:
    description:
      - V(present) creates or updates the cluster. If it is just being deleted, that is waited out first.
      - V(absent) deletes the cluster. A cluster with O(deletion_protection) is not deleted, nor (unless
        O(allow_load_balancers=true)) one that still has load balancers of Auto Mode, nor one without the O(ownership_tags).
    type: str
    choices: [present, absent]
    default: present
  ownership_tags:
    description:
      - Tags that make a cluster ours. A cluster that the module creates gets them.
      - Another one is changed as the options say, doesn't get them, and is not deleted. Give it these tags yourself to
        adopt it.
    type: dict
    default: {}
    version_added: 1.1.0
  version:
    description:
      - Kubernetes version, a minor version such as V("1.36"). Quote it.
      - EKS takes an upgrade one minor version at a time. For more, the module makes several updates in sequence.
      - Before each, the module reads EKS's upgrade insights
        (U(https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html)). One with status C(ERROR) for that
        version, or for none in particular, stops it with the insight's own text; others become warnings.
      - A downgrade is refused.
      - If unset, a new cluster gets the default version of EKS.
    type: str
  role_arn:
    description:
      - ARN of the cluster's IAM role. Required for a new cluster, can't be changed afterwards.
    type: str
  auto_mode:
    description:
      - Whether EKS manages compute, load balancing and block storage. The three are one switch, as AWS wants it.
      - Can be switched on an existing cluster. Its role must have the policies of Auto Mode by then, see
        U(https://docs.aws.amazon.com/eks/latest/userguide/auto-enable-existing.html).
      - If the cluster's authentication mode is V(CONFIG_MAP), it becomes V(API_AND_CONFIG_MAP) first.
      - If unset, a new cluster has no Auto Mode.
    type: bool
  node_pools:
    description:
      - The built-in node pools of Auto Mode. An empty list means none.
    type: list
    elements: str
    choices: [general-purpose, system]
  node_role_arn:
    description:
      - ARN of the IAM role for the nodes of the built-in O(node_pools). It is sent to AWS along with these.
      - Can't be changed once Auto Mode has it.
    type: str
  subnet_ids:
    description:
      - At least two subnets in different zones. Required for a new cluster.
    type: list
    elements: str
  security_group_ids:
    description:
      - At most five security groups for the control plane's network interfaces, besides the one that EKS makes.
    type: list
    elements: str
  endpoint_public_access:
    description:
      - Whether the Kubernetes API can be reached from outside the VPC. EKS has it on for a new cluster.
    type: bool
  endpoint_private_access:
    description:
      - Whether the Kubernetes API can be reached from inside the VPC without leaving it.
        EKS has it off for a new cluster.
    type: bool
  public_access_cidrs:
    description:
      - The address ranges that reach the public endpoint. EKS takes no private ones.
      - Has no effect while O(endpoint_public_access) is off.
    type: list
    elements: str
  authentication_mode:
    description:
      - Where the cluster keeps its access rules. AWS knows no way back from V(API) to V(API_AND_CONFIG_MAP).
      - If unset, a new cluster gets V(API).
    type: str
    choices: [API, API_AND_CONFIG_MAP]
  logging:
    description:
      - The control plane logs that go to CloudWatch. An empty list means none.
    type: list
    elements: str
    choices: [api, audit, authenticator, controllerManager, scheduler]
  upgrade_policy:
    description:
      - At the end of the Kubernetes version's standard support, EKS upgrades the cluster with V(STANDARD). With V(EXTENDED) the
        cluster enters extended support, at a higher price. EKS's default is V(EXTENDED).
    type: str
    choices: [STANDARD, EXTENDED]
  deletion_protection:
    description:
      - Whether the cluster is protected from deletion.
    type: bool
  zonal_shift:
    description:
      - Whether AWS may shift the cluster's traffic away from an impaired zone.
    type: bool
  allow_load_balancers:
    description:
      - Whether to delete a cluster that still has load balancers of Auto Mode.
      - EKS deletes these with the cluster, but AWS does not delete one that a VPC link holds. It is left behind, and nothing
        would remove it any more. So Services and Ingresses should go first.
      - To see them takes C(elasticloadbalancing:DescribeLoadBalancers) and C(elasticloadbalancing:DescribeTags).
    type: bool
    default: false
  force_upgrade:
    description:
      - Whether to upgrade without reading EKS's upgrade insights, and to tell EKS to override its own readiness checks.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the cluster is what the options say, or gone.
      - Without waiting, the module starts as much as EKS takes at once. RV(pending) has the rest, for another run.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds for all that the module waits for, one deadline.
    type: int
    default: 1800
notes:
  - The IAM principal that creates the cluster does not become its administrator. Use M(seam.eks_auto.eks_access_entry).
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.aws.tags
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - module: seam.eks_auto.eks_access_entry
  - plugin: seam.eks_auto.kubeconfig
    plugin_type: lookup
  - name: Auto Mode on a new cluster
    description: What has to be set together.
    link: https://docs.aws.amazon.com/eks/latest/userguide/automode-get-started-cli.html
  - name: Auto Mode on an existing cluster
    description: What its IAM role needs before.
    link: https://docs.aws.amazon.com/eks/latest/userguide/auto-enable-existing.html
  - name: Deletion protection
    description: When EKS refuses to delete.
    link: https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html
"""

EXAMPLES = r"""
- name: Create a cluster with Auto Mode
  seam.eks_auto.eks_cluster:
    name: petstore
    version: "1.36"
    role_arn: arn:aws:iam::123456789012:role/petstore-cluster
    auto_mode: true
    node_pools: [general-purpose, system]
    node_role_arn: arn:aws:iam::123456789012:role/petstore-node
    subnet_ids: [subnet-0a1b2c3d, subnet-4e5f6a7b]

- name: Switch Auto Mode on for an existing cluster
  seam.eks_auto.eks_cluster:
    name: petstore
    auto_mode: true
    node_pools: [general-purpose]
    node_role_arn: arn:aws:iam::123456789012:role/petstore-node

- name: Upgrade, keep the API server inside the VPC, protect the cluster
  seam.eks_auto.eks_cluster:
    name: petstore
    version: "1.37"
    endpoint_public_access: false
    endpoint_private_access: true
    deletion_protection: true
    wait_timeout: 5400

- name: Delete the cluster
  seam.eks_auto.eks_cluster:
    name: petstore
    state: absent
"""

RETURN = r"""
cluster:
  description:
    - The cluster as DescribeCluster shows it, keys in snake_case. Empty when there is none.
    - In check mode, the cluster as it is.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: petstore
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:eks:ap-northeast-1:123456789012:cluster/petstore
    status:
      description: Its status.
      type: str
      sample: ACTIVE
    version:
      description: Its Kubernetes version.
      type: str
      sample: "1.36"
    endpoint:
      description: URL of its Kubernetes API.
      type: str
    certificate_authority:
      description: The certificate authority of its Kubernetes API, base64 in C(data).
      type: dict
    compute_config:
      description: Auto Mode's compute, C(enabled), C(node_pools) and C(node_role_arn).
      type: dict
    resources_vpc_config:
      description: Its subnets, security groups and endpoint access.
      type: dict
    tags:
      description: Its tags.
      type: dict
actions:
  description: The changes made, in order. In check mode, those that would be made.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: AWS's name of the update type or operation.
      type: str
      sample: AutoModeUpdate
    subject:
      description: The cluster's name.
      type: str
      sample: petstore
    request:
      description: The call's parameters besides the cluster's name.
      type: dict
pending:
  description: The changes that could not be started without waiting, in order.
  returned: when O(wait=false)
  type: list
  elements: dict
timeline:
  description: What was seen when, one entry for each change.
  returned: when waited
  type: list
  elements: dict
  contains:
    seconds:
      description: Seconds since the module began to wait.
      type: float
    reason:
      description: Status, update type, or AWS's error code.
      type: str
      sample: CREATING
    message:
      description: What was seen.
      type: str
"""

import time
import typing as t
from dataclasses import asdict, replace

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import Rules, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.results import to_result
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import wait
from ansible_collections.seam.eks_auto.plugins.module_utils._eks import api
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.cluster import Cluster, Settings
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.cluster_convergence import Convergence
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.aws import load_balancers_of

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "ownership_tags": {"type": "dict", "default": {}},
    "version": {"type": "str"},
    "role_arn": {"type": "str"},
    "auto_mode": {"type": "bool"},
    "node_pools": {"type": "list", "elements": "str", "choices": ["general-purpose", "system"]},
    "node_role_arn": {"type": "str"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "endpoint_public_access": {"type": "bool"},
    "endpoint_private_access": {"type": "bool"},
    "public_access_cidrs": {"type": "list", "elements": "str"},
    "authentication_mode": {"type": "str", "choices": ["API", "API_AND_CONFIG_MAP"]},
    "logging": {
        "type": "list",
        "elements": "str",
        "choices": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    },
    "upgrade_policy": {"type": "str", "choices": ["STANDARD", "EXTENDED"]},
    "deletion_protection": {"type": "bool"},
    "zonal_shift": {"type": "bool"},
    "allow_load_balancers": {"type": "bool", "default": False},
    "force_upgrade": {"type": "bool", "default": False},
    **Tags.ARGUMENTS,
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 1800},
}

RULES: dict[str, Rules] = {
    "name": "cluster_name",
    "version": "kubernetes_version",
    "role_arn": "role_arn",
    "node_role_arn": "role_arn",
    "subnet_ids": "cluster_subnet_ids",
    "security_group_ids": "cluster_security_group_ids",
    "public_access_cidrs": "public_cidrs",
    "tags": "tags",
    "ownership_tags": "tags",
    "wait_timeout": "timeout",
}


def check(params: dict[str, t.Any]) -> None:
    """Refuse what EKS would refuse, as far as it is known without a look at the cluster."""
    require_sound(params, RULES)
    require(
        not (params["auto_mode"] is False and params["node_pools"]),
        "node_pools: built-in node pools exist in Auto Mode only, and auto_mode is false.",
    )


def _diff(before: Cluster | None, desired: Settings | None, tags: Tags) -> dict[str, Result]:
    shown = asdict(before) if before else {}
    if desired is None:
        return {"before": shown, "after": {}}
    after = asdict(before.becoming(desired)) if before else desired.given
    return {"before": shown, "after": {**after, "tags": tags.after(before.tags if before else {})}}


def _carry_out(convergence: Convergence, planned: list[Step], timeout: float | None) -> Result:
    """Do what is planned, within ``timeout`` seconds, or (None) no more than can be started at once."""
    if timeout is None:
        convergence.reconcile()
        convergence.cluster = api.describe_cluster(convergence.client, convergence.name)
        return {"pending": [step.to_result() for step in planned if step not in convergence.started]}
    subject = f"EKS cluster {convergence.name}"
    usual = "about 15 minutes" if any(step.action == "CreateCluster" for step in planned) else None
    timeline = wait(convergence.reconcile, lambda verdict: verdict, subject=subject, timeout=timeout, usual=usual)[1]
    return {"timeline": timeline.entries}


def _refuse_to_orphan(load_balancers: list[str], cluster: str) -> None:
    """Raises SeamError if deleting the cluster could leave load balancers behind."""
    require(
        not load_balancers,
        f"EKS cluster {cluster} still has load balancers that Auto Mode made: {', '.join(load_balancers)}. One that a VPC "
        "link holds would be left behind.\nOwner: k8s\nTo do: infra removes API and VPC link (playbooks/infra/api.yml with "
        "apigw_vpclink_state=absent), the k8s team its Services and Ingresses (playbooks/k8s/workload.yml with "
        "petstore_workload_state=absent), then infra the cluster. allow_load_balancers: true deletes it all the same.",
    )


def _refuse_to_delete_foreign(name: str, ownership: dict[str, str]) -> None:
    """Raises SeamError: who deletes a cluster has to have made it, or to have adopted it."""
    tags = ",".join(f"{key}={value}" for key, value in sorted(ownership.items()))
    raise SeamError(
        message=f"EKS cluster {name} was not made here: it doesn't have the tag {tags}, and is not deleted.\nOwner: infra\n"
        "To do: if it shall go, adopt it first (playbooks/adopt.yml)."
    )


def run(module: AnsibleAWSModule, started: list[Step], deadline: float) -> Result:
    """Look, plan, carry out unless in check mode, and return the module's result."""
    params = module.params
    check(params)
    name, tags = params["name"], Tags.of(params)
    desired = Settings.of_options(params) if params["state"] == "present" else None
    convergence = Convergence(module.client("eks"), name, desired, tags, started, params["force_upgrade"])
    cluster = convergence.cluster
    if cluster and cluster["status"] != "DELETING" and not tags.owns(cluster.get("tags", {})):
        convergence.tags = replace(tags, ownership={})
    planned = convergence.plan()
    if any(step.action == "DeleteCluster" for step in planned):
        if convergence.tags != tags:
            _refuse_to_delete_foreign(name, tags.ownership)
        if not params["allow_load_balancers"]:
            _refuse_to_orphan(load_balancers_of(module.client("elbv2"), name), name)
    convergence.require_readiness(planned)
    before = Cluster.of(cluster) if cluster else None
    result: Result = {"diff": _diff(before, desired, convergence.tags)}
    if module.check_mode:
        result |= report(planned)
    else:
        result |= _carry_out(convergence, planned, deadline - time.monotonic() if params["wait"] else None)
        result |= report(started)
    for warning in convergence.warnings:
        module.warn(f"EKS's upgrade insights: {warning}")
    return {**result, "cluster": to_result(convergence.cluster)}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.require_botocore_at_least("1.40.3", reason="for deletion protection")
    deadline = time.monotonic() + module.params["wait_timeout"]
    run_module(module, lambda module, started: run(module, started, deadline))


if __name__ == "__main__":
    main()
