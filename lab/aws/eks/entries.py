# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access entries themselves: whom one is for, and those that EKS makes of its own accord."""

from __future__ import annotations

import re
import uuid

from lab.aws import partitions
from lab.aws.eks.cluster import AccessEntry, Cluster
from lab.aws.eks.common import Item, invalid, now
from lab.settings import ACCOUNT

NODE_POLICY = "AmazonEKSAutoNodePolicy"
_ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
_PRINCIPAL = re.compile(rf"arn:[\w-]+:iam::{ACCOUNT}:(role|user)/(?:.*/)?([\w+=,.@-]+)")


def policy_arn(region: str, name: str) -> str:
    """The ARN of an access policy."""
    return f"arn:{partitions.of(region)}:eks::aws:cluster-access-policy/{name}"


def add_creator(cluster: Cluster, caller_arn: str) -> None:
    """Make whoever creates a cluster its administrator, as bootstrapClusterCreatorAdminPermissions asks."""
    principal = principal_of(caller_arn)
    _add(cluster, principal, "STANDARD", _ADMIN_POLICY)


def follow_node_role(cluster: Cluster) -> None:
    """The access entry that EKS makes for the nodes of built-in node pools.

    https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html
    """
    role = cluster.info["computeConfig"].get("nodeRoleArn")
    if role and role not in cluster.entries:
        _add(cluster, role, "EC2", NODE_POLICY)


def principal_of(caller_arn: str) -> str:
    """The ARN that access entries are for: of the role, where the caller is a session of one."""
    session = re.fullmatch(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+", caller_arn)
    return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else caller_arn


def _add(cluster: Cluster, principal: str, kind: str, policy: str) -> None:
    entry = AccessEntry(new_entry(cluster, principal, kind), principal_id(cluster.region, principal))
    arn = policy_arn(cluster.region, policy)
    entry.policies[arn] = association(arn, {"type": "cluster"})
    cluster.entries[principal] = entry


def principal_id(region: str, arn: str) -> str:
    """IAM's unique id of a role or user of this account."""
    parts = _PRINCIPAL.fullmatch(arn)
    if parts is None:
        raise invalid("The principalArn parameter format is not valid")
    iam = partitions.iam(region)
    principals = iam.roles.values() if parts[1] == "role" else iam.users.values()
    for principal in principals:
        if principal.arn == arn:
            return str(principal.id)
    raise invalid("The specified principalArn is invalid: invalid principal.")


def new_entry(cluster: Cluster, principal: str, kind: str) -> Item:
    """An access entry as DescribeAccessEntry shows it, with the names that EKS gives by default."""
    category, _, path = principal.rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    region = cluster.region
    identifier = f"{cluster.name}/{category}/{ACCOUNT}/{name}/{uuid.uuid4()}"
    node = kind != "STANDARD"
    session = f"arn:{partitions.of(region)}:sts::{ACCOUNT}:assumed-role/{name}/{{{{SessionName}}}}"
    user = principal if category == "user" else session
    return {
        "clusterName": cluster.name,
        "principalArn": principal,
        "kubernetesGroups": ["system:nodes"] if node else [],
        "accessEntryArn": partitions.arn(region, "eks", f"access-entry/{identifier}"),
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": {},
        "username": "system:node:{{EC2PrivateDNSName}}" if node else user,
        "type": kind,
    }


def association(policy: str, scope: Item, before: Item | None = None) -> Item:
    """An associated policy as ListAssociatedAccessPolicies shows it; ``before`` is the replaced one."""
    namespaces = scope.get("namespaces", []) if scope.get("type") == "namespace" else []
    return {
        "policyArn": policy,
        "accessScope": {"type": scope.get("type", "cluster"), "namespaces": namespaces},
        "associatedAt": before["associatedAt"] if before else now(),
        "modifiedAt": now(),
    }
