#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the objects of a namespace of an EKS cluster, and their owners."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_namespace_info
version_added: 1.1.0
short_description: List the objects of a namespace of an EKS cluster, and their owners
description:
  - Lists the objects that somebody made in a namespace, or in all. Objects that Kubernetes or Auto Mode made by itself,
    or for a listed object, are left out.
  - An object is ours if it carries the label C(app.kubernetes.io/managed-by=seam.eks_auto). Nothing else is changed or deleted
    by the roles of this collection.
  - Needs C(eks:DescribeCluster) and an access entry. Tokens are made from the AWS credentials.
author:
  - seam.eks_auto contributors (@seam)
options:
  cluster_name:
    description: Name of the EKS cluster.
    type: str
    required: true
  namespace:
    description: The namespace. Unless given, all of them.
    type: str
  kinds:
    description: The kinds of objects to look for. Unless given, all that the API server has.
    type: list
    elements: dict
    suboptions:
      api_version:
        description: Group and version, such as V(apps/v1).
        type: str
        required: true
      kind:
        description: The kind, such as V(Deployment).
        type: str
        required: true
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.info
seealso:
  - name: Recommended labels
    description: What the label says.
    link: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
  - name: Access policies of EKS
    description: What each lets an identity see.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
"""

EXAMPLES = r"""
- name: Look whether somebody else works in the namespace
  seam.eks_auto.eks_namespace_info:
    cluster_name: petstore
    namespace: petstore
  register: found

- name: Show what isn't ours
  ansible.builtin.debug:
    msg: "{{ found.objects | rejectattr('ours') }}"
"""

RETURN = r"""
cluster_status:
  description: EKS's status of the cluster. Null if there is no such cluster.
  returned: success
  type: str
  sample: ACTIVE
reachable:
  description: Whether there is a Kubernetes API that was asked.
  returned: success
  type: bool
namespace:
  description: The namespace. Null if there is none, if it may not be seen, or if O(namespace) isn't given.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    ours:
      description: Whether it carries the label.
      type: bool
    deleting:
      description: Whether it is being deleted.
      type: bool
namespace_denied:
  description: Whether the identity may not see the namespace itself.
  returned: success
  type: bool
objects:
  description: The objects, without their content.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: Group and version.
      type: str
      sample: apps/v1
    kind:
      description: The kind.
      type: str
      sample: Deployment
    namespace:
      description: The namespace.
      type: str
    name:
      description: The name.
      type: str
    ours:
      description: Whether it carries the label.
      type: bool
    managers:
      description: Who set its fields, as Kubernetes remembers them.
      type: list
      elements: str
      sample: [kubectl-client-side-apply]
    holder:
      description: The tool that keeps it as its own definition says, where it marks its objects, or null.
      type: str
      sample: the Helm release (shop)
services:
  description: The Services among them, with what load balancers depend on.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    stack:
      description: Namespace and name, as Auto Mode's tags have them.
      type: str
      sample: petstore/vpclink
    contract:
      description: The same with its cluster, as C(cluster), C(namespace) and C(service).
      type: dict
    ours:
      description: Whether it carries the label.
      type: bool
    type:
      description: Its type.
      type: str
      sample: LoadBalancer
    load_balancer_class:
      description: Its load balancer class, or null.
      type: str
    ports:
      description: Its ports, each with C(port) and C(target_port).
      type: list
      elements: dict
    source_ranges:
      description: From where its load balancer may be reached, if that is limited.
      type: list
      elements: str
denied:
  description: The kinds that the identity may not list.
  returned: success
  type: list
  elements: str
"""

import typing as t
from dataclasses import asdict

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Step, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.wait import Verdict, wait
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.api import describe_cluster
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.cluster import is_reachable
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.kubernetes_api import KubernetesError, connect
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.namespace import (
    Api,
    Found,
    Kind,
    Resource,
    is_ours,
    kinds,
    objects,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._seam.observation import Service

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "cluster_name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "kinds": {
        "type": "list",
        "elements": "dict",
        "options": {"api_version": {"type": "str", "required": True}, "kind": {"type": "str", "required": True}},
    },
}

# Seconds for which Kubernetes may refuse us, or not answer: access entries take effect with a delay, and a restarting
# API server is back in a moment.
_PATIENCE = 30.0


def look(api: Api, cluster: str, namespace: str | None, wanted: list[dict[str, str]] | None) -> Resource:
    """The module's result for the cluster. Raises KubernetesError."""
    seen, namespace_denied = _namespace(api, namespace)
    found: list[tuple[Kind, Resource]] = []
    denied: list[str] = []
    if namespace is None or seen or namespace_denied:
        pairs = None if wanted is None else [(each["api_version"], each["kind"]) for each in wanted]
        found, denied = objects(api, namespace, kinds(api, pairs))
    return {
        "namespace": seen,
        "namespace_denied": namespace_denied,
        "objects": [asdict(Found.of(kind, item)) for kind, item in found],
        "services": [_service(cluster, item) for kind, item in found if kind.name == "Service"],
        "denied": denied,
    }


def _namespace(api: Api, name: str | None) -> tuple[Resource | None, bool]:
    """The namespace, and whether we may not see it. Teams may have rights in a namespace, and none on it."""
    if name is None:
        return None, False
    try:
        item = api.get(f"/api/v1/namespaces/{name}")
    except KubernetesError as error:
        if error.status in (403, 404):
            return None, error.status == 403
        raise
    return {"name": name, "ours": is_ours(item), "deleting": "deletionTimestamp" in item["metadata"]}, False


def _service(cluster: str, item: Resource) -> Resource:
    service, metadata = Service.of(item), item["metadata"]
    return {
        "name": metadata["name"],
        "stack": f"{metadata['namespace']}/{metadata['name']}",
        "contract": {"cluster": cluster, "namespace": metadata["namespace"], "service": metadata["name"]},
        "ours": is_ours(item),
        "type": service.type,
        "load_balancer_class": service.load_balancer_class,
        "ports": [asdict(port) for port in service.ports],
        "source_ranges": list(service.source_ranges),
    }


def _judge(answer: Resource | KubernetesError, cluster: str) -> Verdict:
    if not isinstance(answer, KubernetesError):
        return Verdict.done("Seen", "Kubernetes answered.")
    if not answer.denied:
        return Verdict.waiting(
            "KubernetesUnreachable",
            f"The Kubernetes API of {cluster} can't be asked: {answer}",
            "infra",
            "See that the cluster's endpoint can be reached from here.",
        )
    return Verdict.waiting(
        "KubernetesDenied",
        f"The Kubernetes API of {cluster} refuses these credentials: {answer}",
        "infra",
        "See that the credentials are the right ones and valid, and give their identity an access entry with a policy on the "
        "namespace (eks_auto_cluster_access_entries).",
    )


def run(module: AnsibleAWSModule, _started: list[Step]) -> Resource:
    """The module's result. Raises SeamError, and WaitError if Kubernetes can't be asked."""
    params = module.params
    require_sound(params, {"cluster_name": "cluster_name", "namespace": "namespace"})
    cluster = describe_cluster(module.client("eks"), params["cluster_name"])
    shown = {"changed": False, "cluster_status": cluster and cluster["status"], "reachable": is_reachable(cluster)}
    if not cluster or not shown["reachable"]:
        return {**shown, "namespace": None, "namespace_denied": False, "objects": [], "services": [], "denied": []}
    api = connect(module, cluster, params["namespace"] or "")

    def attempt() -> Resource | KubernetesError:
        try:
            return look(api, params["cluster_name"], params["namespace"], params["kinds"])
        except KubernetesError as error:
            return error

    seen, _timeline = wait(
        attempt,
        lambda answer: _judge(answer, params["cluster_name"]),
        subject=f"the Kubernetes API of {params['cluster_name']} to answer",
        timeout=_PATIENCE,
    )
    return {**shown, **t.cast(Resource, seen)}


def main() -> None:
    run_module(AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
