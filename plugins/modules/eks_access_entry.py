#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let an IAM role or user into an EKS cluster, and say what it may do there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_access_entry
version_added: 1.0.0
short_description: Manage who may do what in an Amazon EKS cluster
description:
  - Creates an access entry, brings an existing one to what the options say, or deletes it.
  - An access entry lets an IAM role or user into a cluster. Access policies say what it may do there, in the whole
    cluster or in some namespaces. Kubernetes groups leave that to the cluster's own RBAC.
  - An option that is not set leaves that property as it is.
author:
  - seam.eks_auto contributors (@seam)
options:
  cluster_name:
    description:
      - Name of the cluster. Its authentication mode must be V(API) or V(API_AND_CONFIG_MAP).
    type: str
    required: true
  principal_arn:
    description:
      - ARN of the IAM role or user. For a role this is the role's own ARN, never that of an STS session.
      - AWS remembers the role behind the ARN. Once the role is deleted, a new role with the same ARN is not let in. An
        entry that is older than its role is therefore made anew, if the caller may see the role (C(iam:GetRole)).
    type: str
    required: true
  state:
    description:
      - V(present) creates or updates the access entry, V(absent) deletes it, along with its policies.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - What kind of principal it is. V(STANDARD) is for people and pipelines, V(EC2) for the nodes of node pools of
        your own in Auto Mode, the others for nodes without Auto Mode.
      - If unset, a new entry is V(STANDARD). Can't be changed afterwards.
    type: str
    choices: [STANDARD, EC2, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, HYPERPOD_LINUX]
  username:
    description:
      - The user name in Kubernetes. AWS recommends to leave it to EKS.
    type: str
  kubernetes_groups:
    description:
      - The groups in Kubernetes that the principal belongs to. An empty list means none.
    type: list
    elements: str
  policies:
    description:
      - The access policies of the principal, see
        U(https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html). An empty list means none.
    type: list
    elements: dict
    suboptions:
      policy:
        description:
          - Name or ARN of the access policy, such as V(AmazonEKSEditPolicy).
        type: str
        required: true
      scope:
        description:
          - Where it holds.
        type: str
        choices: [cluster, namespace]
        default: cluster
      namespaces:
        description:
          - The namespaces where it holds. Required with O(policies[].scope=namespace).
        type: list
        elements: str
        default: []
  purge_policies:
    description:
      - Whether to disassociate the policies that are not among O(policies), if this is set.
    type: bool
    default: true
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.aws.tags
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.changes
seealso:
  - module: seam.eks_auto.eks_cluster
  - name: Access entries
    description: Who can be let in, and how.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
  - name: Access policies
    description: What each policy allows.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
"""

EXAMPLES = r"""
- name: The k8s team owns all that is in the cluster
  seam.eks_auto.eks_access_entry:
    cluster_name: petstore
    principal_arn: arn:aws:iam::123456789012:role/k8s-team
    policies:
      - policy: AmazonEKSClusterAdminPolicy

- name: A team that works in two namespaces, and may look at the rest
  seam.eks_auto.eks_access_entry:
    cluster_name: petstore
    principal_arn: arn:aws:iam::123456789012:role/orders-team
    policies:
      - policy: AmazonEKSEditPolicy
        scope: namespace
        namespaces: [orders, orders-test]
      - policy: AmazonEKSViewPolicy

- name: The team has left
  seam.eks_auto.eks_access_entry:
    cluster_name: petstore
    principal_arn: arn:aws:iam::123456789012:role/orders-team
    state: absent
"""

RETURN = r"""
access_entry:
  description:
    - The access entry as DescribeAccessEntry shows it, keys in snake_case, with its policies. Empty when there is none.
    - In check mode, the access entry as it is.
  returned: success
  type: dict
  contains:
    principal_arn:
      description: The IAM role or user.
      type: str
      sample: arn:aws:iam::123456789012:role/k8s-team
    access_entry_arn:
      description: The ARN of the entry itself.
      type: str
    type:
      description: The kind of principal.
      type: str
      sample: STANDARD
    username:
      description: The user name in Kubernetes.
      type: str
    kubernetes_groups:
      description: The groups in Kubernetes.
      type: list
      elements: str
    policies:
      description: The associated access policies.
      type: list
      elements: dict
      contains:
        policy_arn:
          description: ARN of the policy.
          type: str
          sample: arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy
        access_scope:
          description: Where it holds, C(type) and C(namespaces).
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
      description: AWS's name of the operation.
      type: str
      sample: AssociateAccessPolicy
    request:
      description: What the call is given besides the cluster's name and the principal.
      type: dict
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._eks import api
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.common import AnsibleEksError
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.options import check_access_entry_options, require
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.transformations import (
    Resource,
    Settings,
    Step,
    given_settings,
    tag_steps,
    tags_after,
    text_tags,
    to_result,
)

if t.TYPE_CHECKING:
    from botocore.client import BaseClient

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "cluster_name": {"type": "str", "required": True},
    "principal_arn": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "type": {
        "type": "str",
        "choices": ["STANDARD", "EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX"],
    },
    "username": {"type": "str"},
    "kubernetes_groups": {"type": "list", "elements": "str"},
    "policies": {
        "type": "list",
        "elements": "dict",
        "options": {
            "policy": {"type": "str", "required": True},
            "scope": {"type": "str", "choices": ["cluster", "namespace"], "default": "cluster"},
            "namespaces": {"type": "list", "elements": "str", "default": []},
        },
    },
    "purge_policies": {"type": "bool", "default": True},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}

# The options that describe the entry itself, without its policies.
SETTINGS = ["type", "username", "kubernetes_groups", "tags"]

# By policy ARN: AWS's accessScope.
Scopes = dict[str, dict[str, t.Any]]


def plan(
    current: Settings | None, desired: Settings | None, purge_policies: bool = True, purge_tags: bool = True
) -> list[Step]:
    """The changes that make ``current`` (None: no entry) ``desired`` (None: no entry), in order.

    Raises :class:`AnsibleEksError` for what can't be done, all of it before any change.
    """
    if desired is None:
        return [Step("DeleteAccessEntry")] if current else []
    if current is None:
        return [_creation(desired), *_policy_steps({}, desired.get("policies"), purge_policies)]
    if current["dead"]:
        # The user name is EKS's own choice unless one is asked for.
        kept = {name: current[name] for name in ("type", "kubernetes_groups", "tags", "policies")}
        return [Step("DeleteAccessEntry"), *plan(None, {**kept, **desired})]
    goal = {**current, **desired}
    require(
        goal["type"] == current["type"],
        f"type: can't be changed on an existing access entry, where it is {current['type']}. "
        "Remove the entry (state: absent) first.",
    )
    return [
        *_update_steps(current, goal),
        *_policy_steps(current["policies"], desired.get("policies"), purge_policies),
        *tag_steps(current["tags"], desired.get("tags"), purge_tags),
    ]


def _creation(desired: Settings) -> Step:
    names = {"type": "type", "username": "username", "kubernetes_groups": "kubernetesGroups", "tags": "tags"}
    return Step("CreateAccessEntry", {names[name]: desired[name] for name in names if desired.get(name)})


def _update_steps(current: Settings, goal: Settings) -> list[Step]:
    if all(goal[name] == current[name] for name in ("username", "kubernetes_groups")):
        return []
    return [Step("UpdateAccessEntry", {"username": goal["username"], "kubernetesGroups": goal["kubernetes_groups"]})]


def _policy_steps(current: Scopes, desired: Scopes | None, purge: bool) -> list[Step]:
    """Associating an associated policy gives it the new scope. What is taken away goes last."""
    if desired is None:
        return []
    removed = sorted(current.keys() - desired.keys()) if purge else []
    return [
        *(
            Step("AssociateAccessPolicy", {"policyArn": arn, "accessScope": scope})
            for arn, scope in desired.items()
            if current.get(arn) != scope
        ),
        *(Step("DisassociateAccessPolicy", {"policyArn": arn}) for arn in removed),
    ]


def resolve_policies(policies: list[dict[str, t.Any]], available: list[Resource]) -> Scopes:
    """The scopes asked for, by policy ARN. Raises :class:`AnsibleEksError` for a policy that AWS does not have."""
    by_name = {policy["name"]: policy["arn"] for policy in available}
    arns = {**by_name, **{arn: arn for arn in by_name.values()}}
    for association in policies:
        require(
            association["policy"] in arns,
            f"policies: there is no access policy {association['policy']}; there are {', '.join(sorted(by_name))}.",
        )
    return {
        arns[association["policy"]]: _scope(association["scope"], association["namespaces"]) for association in policies
    }


def _scope(kind: str, namespaces: list[str]) -> dict[str, t.Any]:
    return {"type": kind, "namespaces": sorted(set(namespaces))} if kind == "namespace" else {"type": kind}


class AccessEntry:
    """One principal's entry in one cluster: ``entry`` and ``policies`` as AWS showed them last.

    ``dead`` is an entry for a role that was deleted and made again: EKS knows the role by its unique id.
    """

    def __init__(self, client: BaseClient, iam: BaseClient, cluster: str, principal: str) -> None:
        self.client = client
        self.iam = iam
        self.cluster = cluster
        self.principal = principal
        self.entry: Resource | None = None
        self.policies: list[Resource] = []
        self.dead = False
        self.look()

    def look(self) -> None:
        self.entry = api.describe_access_entry(self.client, self.cluster, self.principal)
        self.policies = (
            api.list_associated_access_policies(self.client, self.cluster, self.principal) if self.entry else []
        )
        self.dead = self.entry is not None and self._is_older_than_its_role(self.entry)

    def _is_older_than_its_role(self, entry: Resource) -> bool:
        if ":role/" not in self.principal:
            return False
        made = api.role_creation(self.iam, self.principal)
        # IAM's times are whole seconds.
        return made is not None and entry["createdAt"].replace(microsecond=0) < made.replace(microsecond=0)

    @property
    def settings(self) -> Settings | None:
        """What the module manages of it, in the terms of its options."""
        if self.entry is None:
            return None
        return {
            "type": self.entry["type"],
            "username": self.entry["username"],
            "kubernetes_groups": sorted(self.entry.get("kubernetesGroups", [])),
            "tags": self.entry.get("tags", {}),
            "dead": self.dead,
            "policies": {
                policy["policyArn"]: _scope(policy["accessScope"]["type"], policy["accessScope"].get("namespaces", []))
                for policy in self.policies
            },
        }

    def start(self, step: Step) -> None:
        """Make the one call."""
        if step.action in ("TagResource", "UntagResource"):
            arn = t.cast(Resource, self.entry)["accessEntryArn"]
            if step.action == "TagResource":
                api.tag_resource(self.client, arn, step.request["tags"])
            else:
                api.untag_resource(self.client, arn, step.request["tagKeys"])
        elif step.action == "DeleteAccessEntry":
            api.delete_access_entry(self.client, self.cluster, self.principal)
        else:
            call = {
                "CreateAccessEntry": api.create_access_entry,
                "UpdateAccessEntry": api.update_access_entry,
                "AssociateAccessPolicy": api.associate_access_policy,
                "DisassociateAccessPolicy": api.disassociate_access_policy,
            }[step.action]
            call(self.client, self.cluster, self.principal, step.request)

    def to_result(self) -> dict[str, t.Any]:
        if self.entry is None:
            return {}
        return {**to_result(self.entry), "policies": [to_result(policy) for policy in self.policies]}


def _converge(entry: AccessEntry, planned: t.Callable[[], list[Step]], done: list[Step]) -> None:
    """Carry the plan out; ``done`` gets each step once it is made."""
    try:
        _carry_out(entry, planned(), done)
    except AnsibleEksError as error:
        if error.answer[0] != "ResourceInUseException":
            raise
        # Somebody made the entry since we looked: bring theirs to what is desired.
        entry.look()
        _carry_out(entry, planned(), done)


def _carry_out(entry: AccessEntry, steps: list[Step], done: list[Step]) -> None:
    for step in steps:
        entry.start(step)
        done.append(step)


def _diff(before: Settings, desired: Settings | None, params: dict[str, t.Any]) -> dict[str, Settings]:
    if desired is None:
        return {"before": before, "after": {}}
    after = {**before, **desired, **({"dead": False} if before else {})}
    after["tags"] = tags_after(before.get("tags", {}), desired.get("tags"), params["purge_tags"])
    if not params["purge_policies"]:
        after["policies"] = {**before.get("policies", {}), **desired.get("policies", {})}
    return {"before": before, "after": after}


def _desired(client: BaseClient, params: dict[str, t.Any]) -> Settings | None:
    if params["state"] == "absent":
        return None
    desired = given_settings(params, SETTINGS)
    if params["policies"] is not None:
        available = api.list_access_policies(client) if params["policies"] else []
        desired["policies"] = resolve_policies(params["policies"], available)
    return desired


def _actions(steps: list[Step]) -> dict[str, t.Any]:
    return {"changed": bool(steps), "actions": [step.to_result() for step in steps]}


def _run(module: AnsibleAWSModule, done: list[Step]) -> dict[str, t.Any]:
    """The module's result."""
    params = module.params
    check_access_entry_options(params)
    client = module.client("eks")
    desired = _desired(client, params)
    entry = AccessEntry(client, module.client("iam"), params["cluster_name"], params["principal_arn"])

    def planned() -> list[Step]:
        return plan(entry.settings, desired, params["purge_policies"], params["purge_tags"])

    result: dict[str, t.Any] = {"diff": _diff(entry.settings or {}, desired, params)}
    if module.check_mode:
        done += planned()
    else:
        _converge(entry, planned, done)
        if done:
            entry.look()
    return result | _actions(done) | {"access_entry": entry.to_result()}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.params["tags"] = text_tags(module.params["tags"])
    done: list[Step] = []
    try:
        result = _run(module, done)
    except AnsibleEksError as error:
        if error.exception:
            module.fail_json_aws(error.exception, msg=error.message, **_actions(done))
        module.fail_json(msg=error.message, **_actions(done))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
