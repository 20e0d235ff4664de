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
  - An option left out leaves that property as it is.
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
  ownership_tags:
    description:
      - Tags that make an access entry ours. One that the module creates gets them.
      - Another one that is as the options say stays as it is. One that is not is refused, and changed once it has these tags.
    type: dict
    default: {}
    version_added: 1.1.0
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
    subject:
      description: The principal.
      type: str
      sample: arn:aws:iam::123456789012:role/k8s-team
    request:
      description: The call's parameters besides the cluster's name and the principal.
      type: dict
"""

import typing as t
from dataclasses import asdict, dataclass, field, replace

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import Rules, require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._core.results import to_result
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, apply, report, run_module
from ansible_collections.seam.eks_auto.plugins.module_utils._core.tags import Tags
from ansible_collections.seam.eks_auto.plugins.module_utils._eks import api
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.cluster import Resource

if t.TYPE_CHECKING:
    from botocore.client import BaseClient

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "cluster_name": {"type": "str", "required": True},
    "principal_arn": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "ownership_tags": {"type": "dict", "default": {}},
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
    **Tags.ARGUMENTS,
}

RULES: dict[str, Rules] = {
    "cluster_name": "cluster_name",
    "principal_arn": "principal_arn",
    "tags": "tags",
    "ownership_tags": "tags",
}

# By policy ARN: AWS's accessScope.
Scopes = dict[str, dict[str, t.Any]]


def check(params: dict[str, t.Any]) -> None:
    """Refuse what EKS would refuse, as far as it is known without a call to AWS.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html
    """
    require_sound(params, RULES)
    policies = params["policies"] or []
    require(
        params["type"] not in ("EC2_LINUX", "EC2_WINDOWS") or not (policies or params["kubernetes_groups"]),
        f"type: an access entry of type {params['type']} takes neither kubernetes_groups nor policies.",
    )
    names = [association["policy"].rpartition("/")[2] for association in policies]
    for name, association in zip(names, policies, strict=True):
        require(names.count(name) == 1, f"policies: {name} is listed more than once.")
        if association["scope"] == "namespace":
            require(association["namespaces"], f"policies: {name} has scope namespace, so it needs namespaces.")
        else:
            require(not association["namespaces"], f"policies: {name} has scope cluster, so it takes no namespaces.")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An access entry as it is or shall be. None: not asked for."""

    type: str | None = None
    username: str | None = None
    kubernetes_groups: tuple[str, ...] | None = None
    policies: Scopes | None = None
    tags: dict[str, str] = field(default_factory=dict)
    #: Whether the role was deleted and made again since: EKS knows it by its unique id, so the entry lets nobody in.
    dead: bool = False

    @property
    def given(self) -> dict[str, t.Any]:
        """What is asked for."""
        names = ("type", "username", "kubernetes_groups", "policies")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def plan(principal: str, current: Entry | None, desired: Entry | None, tags: Tags, purge_policies: bool) -> list[Step]:
    """The changes that make ``current`` (None: no entry) ``desired`` (None: no entry), in order.

    Raises SeamError for what can't be done, all of it before any change.
    """
    if desired is None:
        return [Step("DeleteAccessEntry", principal)] if current else []
    if current is None:
        policies = _policy_steps(principal, {}, desired.policies, purge_policies)
        return [_creation(principal, desired, tags.at_creation), *policies]
    if current.dead:
        # The user name is EKS's own choice unless one is asked for.
        again = replace(current, username=None, **desired.given)
        kept = {key: value for key, value in tags.after(current.tags).items() if not key.startswith("aws:")}
        policies = _policy_steps(principal, {}, again.policies, purge_policies)
        return [Step("DeleteAccessEntry", principal), _creation(principal, again, kept), *policies]
    goal = replace(current, **desired.given)
    require(
        goal.type == current.type,
        f"type: can't be changed on an existing access entry, where it is {current.type}. "
        "Remove the entry (state: absent) first.",
    )
    return [
        *_update_steps(principal, current, goal),
        *_policy_steps(principal, current.policies or {}, desired.policies, purge_policies),
        *tags.steps(principal, current.tags),
    ]


def _creation(principal: str, entry: Entry, tags: dict[str, str]) -> Step:
    request = {
        "type": entry.type,
        "username": entry.username,
        "kubernetesGroups": entry.kubernetes_groups,
        "tags": tags,
    }
    return Step("CreateAccessEntry", principal, {key: value for key, value in request.items() if value})


def _update_steps(principal: str, current: Entry, goal: Entry) -> list[Step]:
    if (goal.username, goal.kubernetes_groups) == (current.username, current.kubernetes_groups):
        return []
    request = {"username": goal.username, "kubernetesGroups": goal.kubernetes_groups}
    return [Step("UpdateAccessEntry", principal, request)]


def _policy_steps(principal: str, current: Scopes, desired: Scopes | None, purge: bool) -> list[Step]:
    """Associating an associated policy gives it the new scope. Removals go last."""
    if desired is None:
        return []
    removed = sorted(current.keys() - desired.keys()) if purge else []
    return [
        *(
            Step("AssociateAccessPolicy", principal, {"policyArn": arn, "accessScope": scope})
            for arn, scope in desired.items()
            if current.get(arn) != scope
        ),
        *(Step("DisassociateAccessPolicy", principal, {"policyArn": arn}) for arn in removed),
    ]


def resolve_policies(policies: list[dict[str, t.Any]], available: list[Resource]) -> Scopes:
    """The scopes asked for, by policy ARN. Raises SeamError for a policy that AWS does not have."""
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
    """One principal's entry in one cluster, as AWS showed it last: ``shown`` with ``policies``, and ``entry`` out of these."""

    def __init__(self, client: BaseClient, iam: BaseClient, cluster: str, principal: str) -> None:
        self.client = client
        self.iam = iam
        self.cluster = cluster
        self.principal = principal
        self.look()

    def look(self) -> None:
        self.shown = api.describe_access_entry(self.client, self.cluster, self.principal)
        self.policies = (
            api.list_associated_access_policies(self.client, self.cluster, self.principal) if self.shown else []
        )
        self.entry = self._entry(self.shown) if self.shown else None

    def _entry(self, shown: Resource) -> Entry:
        return Entry(
            type=shown["type"],
            username=shown["username"],
            kubernetes_groups=tuple(sorted(shown.get("kubernetesGroups", []))),
            policies={
                policy["policyArn"]: _scope(policy["accessScope"]["type"], policy["accessScope"].get("namespaces", []))
                for policy in self.policies
            },
            tags=shown.get("tags", {}),
            dead=self._is_older_than_its_role(shown),
        )

    def _is_older_than_its_role(self, shown: Resource) -> bool:
        if ":role/" not in self.principal:
            return False
        made = api.role_creation(self.iam, self.principal)
        # IAM's times are whole seconds.
        return made is not None and shown["createdAt"].replace(microsecond=0) < made.replace(microsecond=0)

    @property
    def calls(self) -> dict[str, t.Callable[[Step], object]]:
        """How each step is carried out."""
        client, target = self.client, (self.cluster, self.principal)
        return {
            "CreateAccessEntry": lambda step: api.create_access_entry(client, *target, step.request),
            "UpdateAccessEntry": lambda step: api.update_access_entry(client, *target, step.request),
            "DeleteAccessEntry": lambda _step: api.delete_access_entry(client, *target),
            "AssociateAccessPolicy": lambda step: api.associate_access_policy(client, *target, step.request),
            "DisassociateAccessPolicy": lambda step: api.disassociate_access_policy(client, *target, step.request),
            "TagResource": lambda step: api.tag_resource(client, self._arn, step.request["tags"]),
            "UntagResource": lambda step: api.untag_resource(client, self._arn, step.request["tagKeys"]),
        }

    @property
    def _arn(self) -> str:
        return t.cast(Resource, self.shown)["accessEntryArn"]

    def to_result(self) -> Result:
        if self.shown is None:
            return {}
        return {**to_result(self.shown), "policies": [to_result(policy) for policy in self.policies]}


def _diff(before: Entry | None, desired: Entry | None, tags: Tags, purge_policies: bool) -> dict[str, Result]:
    shown = asdict(before) if before else {}
    if desired is None:
        return {"before": shown, "after": {}}
    after = {**shown, **desired.given, "tags": tags.after(before.tags if before else {})}
    if before:
        after["dead"] = False
        if not purge_policies:
            after["policies"] = {**(before.policies or {}), **(desired.policies or {})}
    return {"before": shown, "after": after}


def _desired(client: BaseClient, params: dict[str, t.Any]) -> Entry | None:
    if params["state"] == "absent":
        return None
    groups, policies = params["kubernetes_groups"], params["policies"]
    available = api.list_access_policies(client) if policies else []
    return Entry(
        type=params["type"],
        username=params["username"],
        kubernetes_groups=None if groups is None else tuple(sorted(set(groups))),
        policies=None if policies is None else resolve_policies(policies, available),
    )


def _refuse_foreign(params: dict[str, t.Any]) -> t.NoReturn:
    """Raises SeamError: an entry that was not made here would have to be changed or deleted."""
    tags = ", ".join(f"{key}={value}" for key, value in sorted(Tags.of(params).ownership.items()))
    raise SeamError(
        message=f"The access entry of {params['principal_arn']} in EKS cluster {params['cluster_name']} was not made here: it "
        f"doesn't have the tag {tags}, and is not what is asked for. It is not changed.\nOwner: infra\n"
        "To do: leave the principal out, or adopt its entry (playbooks/adopt.yml), then run this again."
    )


def run(module: AnsibleAWSModule, started: list[Step]) -> Result:
    """Look, plan, carry out unless in check mode, and return the module's result."""
    params = module.params
    check(params)
    client, principal, tags = module.client("eks"), params["principal_arn"], Tags.of(params)
    desired = _desired(client, params)
    access = AccessEntry(client, module.client("iam"), params["cluster_name"], principal)
    foreign = access.entry is not None and not tags.owns(access.entry.tags)
    tags = replace(tags, ownership={}) if foreign else tags
    steps = plan(principal, access.entry, desired, tags, params["purge_policies"])
    if foreign and steps:
        _refuse_foreign(params)
    diff = _diff(access.entry, desired, tags, params["purge_policies"])
    if steps and not module.check_mode:
        apply(steps, access.calls, started)
        access.look()
    return {**report(steps), "diff": diff, "access_entry": access.to_result()}


def main() -> None:
    run_module(AnsibleAWSModule(argument_spec=ARGUMENTS, supports_check_mode=True), run)


if __name__ == "__main__":
    main()
