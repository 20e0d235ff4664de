# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure transformations between what AWS shows (camelCase) and what the modules take and return (snake_case)."""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags
from ansible_collections.amazon.aws.plugins.module_utils.transformation import boto3_resource_to_ansible_dict

from .common import AnsibleEksError

Resource = dict[str, t.Any]
Settings = dict[str, t.Any]


@dataclass(frozen=True)
class Step:
    """One change: ``action`` is AWS's name for it (update type or operation), ``request`` what the call is given."""

    action: str
    request: Resource = field(default_factory=dict)

    def to_result(self) -> dict[str, t.Any]:
        """The step as modules return it."""
        return {"action": self.action, "request": camel_dict_to_snake_dict(self.request, ignore_list=["tags"])}


def to_result(resource: Resource | None) -> dict[str, t.Any]:
    """A resource as modules return it: snake_case, dates as text, tags as they are; empty when there is none."""
    return boto3_resource_to_ansible_dict(resource or {}, transform_tags=False, force_tags=False, ignore_list=["tags"])


def cluster_settings(cluster: Resource) -> Settings:
    """The part of a cluster that ``eks_cluster`` manages, in the terms of its options."""
    vpc = cluster["resourcesVpcConfig"]
    compute = cluster.get("computeConfig") or {}
    log_setups = (cluster.get("logging") or {}).get("clusterLogging", [])
    return {
        "version": cluster["version"],
        "role_arn": cluster["roleArn"],
        "auto_mode": bool(compute.get("enabled")),
        "node_pools": sorted(compute.get("nodePools", [])),
        "node_role_arn": compute.get("nodeRoleArn"),
        "subnet_ids": sorted(vpc.get("subnetIds", [])),
        "security_group_ids": sorted(vpc.get("securityGroupIds", [])),
        "endpoint_public_access": vpc.get("endpointPublicAccess", False),
        "endpoint_private_access": vpc.get("endpointPrivateAccess", False),
        "public_access_cidrs": sorted(vpc.get("publicAccessCidrs", [])),
        # Clusters from before access entries may not show a mode.
        "authentication_mode": (cluster.get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP"),
        "logging": sorted({kind for setup in log_setups if setup.get("enabled") for kind in setup.get("types", [])}),
        "upgrade_policy": (cluster.get("upgradePolicy") or {}).get("supportType"),
        "deletion_protection": bool(cluster.get("deletionProtection")),
        "zonal_shift": bool((cluster.get("zonalShiftConfig") or {}).get("enabled")),
        "tags": dict(cluster.get("tags", {})),
    }


def given_settings(params: dict[str, t.Any], names: t.Iterable[str]) -> Settings:
    """The options that were set, lists in the order of :func:`cluster_settings`; an option left out stays out."""
    given = {name: params[name] for name in names if params[name] is not None}
    return {name: sorted(set(value)) if isinstance(value, list) else value for name, value in given.items()}


def text_tags(tags: dict[str, t.Any] | None) -> dict[str, str] | None:
    """Tags as AWS keeps them: all values are text."""
    return None if tags is None else {key: str(value) for key, value in tags.items()}


def tag_steps(current: dict[str, str], desired: dict[str, str] | None, purge: bool) -> list[Step]:
    """What makes ``current`` tags the ``desired`` ones; None leaves them alone, ``aws:`` tags are never purged."""
    if desired is None:
        return []
    changed, removed = compare_aws_tags(current, desired, purge_tags=purge)
    steps = []
    if changed:
        steps.append(Step("TagResource", {"tags": {key: changed[key] for key in sorted(changed)}}))
    if removed:
        steps.append(Step("UntagResource", {"tagKeys": sorted(removed)}))
    return steps


def tags_after(current: dict[str, str], desired: dict[str, str] | None, purge: bool) -> dict[str, str]:
    """The tags once :func:`tag_steps` are done."""
    changed, removed = compare_aws_tags(current, current if desired is None else desired, purge_tags=purge)
    return {key: value for key, value in {**current, **changed}.items() if key not in removed}


def request_token(*parts: t.Any) -> str:
    """AWS's idempotency token for a request: the same parts give the same token, in any run."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def is_reachable(cluster: Resource | None) -> bool:
    """Whether there is a Kubernetes API to talk to. An update does not interrupt it."""
    return cluster is not None and cluster["status"] in ("ACTIVE", "UPDATING")


def kubeconfig(cluster: Resource, token: str) -> dict[str, t.Any]:
    """A kubeconfig for a cluster as DescribeCluster shows it, its entries named by the cluster's ARN.

    kubernetes.core treats the whole kubeconfig as secret: Ansible strikes every value in it from the results of its
    modules. So it holds nothing that results are likely to hold: no bare cluster name (often a namespace's as well),
    and neither ``apiVersion: v1`` nor ``kind``, which clients do not need.

    Raises :class:`AnsibleEksError` while the cluster can't be talked to.
    """
    if not is_reachable(cluster):
        raise AnsibleEksError(
            message=f"EKS cluster {cluster['name']} is {cluster['status']}, so there is no Kubernetes API to talk to. "
            "Let seam.eks_auto.eks_cluster (state: present, wait: true) finish first."
        )
    name = cluster["arn"]
    access = {
        "server": cluster["endpoint"],
        "certificate-authority-data": cluster["certificateAuthority"]["data"],
    }
    return {
        "clusters": [{"name": name, "cluster": access}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
