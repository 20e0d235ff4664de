# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of options before any call: each ends in one sentence that names the option."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .common import AnsibleEksError

# EKS's own rule: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
_CLUSTER_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_PRINCIPAL_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+")
_SESSION_ARN = re.compile(r"(arn:aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.+")
# Two digits: an unquoted 1.30 arrives as 1.3.
_MINOR_VERSION = re.compile(r"\d+\.\d{2}")


def require(condition: object, message: str) -> None:
    """Raise :class:`AnsibleEksError` with the message unless the condition holds."""
    if not condition:
        raise AnsibleEksError(message=message)


def check_cluster_name(option: str, name: str) -> None:
    require(
        _CLUSTER_NAME.fullmatch(name),
        f"{option}: {name!r} is no name for an EKS cluster: 1 to 100 letters, digits, hyphens and underscores, "
        "beginning with a letter or digit.",
    )


def check_version(version: str | None) -> None:
    require(
        version is None or _MINOR_VERSION.fullmatch(version),
        f'version: {version!r} is not a bare, quoted minor version such as "1.36".',
    )


def check_role_arn(option: str, arn: str | None) -> None:
    require(arn is None or _ROLE_ARN.fullmatch(arn), f"{option}: {arn!r} is not the ARN of an IAM role.")


def check_principal_arn(arn: str) -> None:
    """AWS takes roles and users as principals of access entries, no sessions: these are not permanent."""
    session = _SESSION_ARN.fullmatch(arn)
    if session:
        partition, account, role = session.groups()
        raise AnsibleEksError(
            message=f"principal_arn: {arn} is a session of a role; give the role itself, "
            f"{partition}:iam::{account}:role/{role} (with its path, if it has one)."
        )
    require(_PRINCIPAL_ARN.fullmatch(arn), f"principal_arn: {arn!r} is not the ARN of an IAM role or user.")


def check_ids(option: str, prefix: str, ids: t.Iterable[str] | None) -> None:
    for resource_id in ids or []:
        require(
            re.fullmatch(rf"{prefix}-[0-9a-f]+", resource_id), f"{option}: {resource_id!r} is no id ({prefix}-...)."
        )


def check_cidrs(option: str, cidrs: t.Iterable[str] | None) -> None:
    for cidr in cidrs or []:
        try:
            ipaddress.ip_network(cidr)
        except ValueError as error:
            raise AnsibleEksError(message=f"{option}: {cidr!r} is no CIDR block: {error}.") from error


def check_tags(tags: dict[str, str] | None) -> None:
    for key in tags or {}:
        require(not key.lower().startswith("aws:"), f"tags: the prefix of {key!r} is reserved by AWS.")


def check_cluster_options(params: dict[str, t.Any]) -> None:
    """All options of ``eks_cluster`` that can be judged without looking at the cluster."""
    check_cluster_name("name", params["name"])
    check_version(params["version"])
    check_role_arn("role_arn", params["role_arn"])
    check_role_arn("node_role_arn", params["node_role_arn"])
    check_ids("subnet_ids", "subnet", params["subnet_ids"])
    check_ids("security_group_ids", "sg", params["security_group_ids"])
    check_cidrs("public_access_cidrs", params["public_access_cidrs"])
    check_tags(params["tags"])
    subnets = params["subnet_ids"]
    require(subnets is None or len(set(subnets)) >= 2, "subnet_ids: EKS needs at least two subnets in different zones.")
    require(len(params["security_group_ids"] or []) <= 5, "security_group_ids: EKS takes at most five security groups.")
    require(
        not (params["auto_mode"] is False and params["node_pools"]),
        "node_pools: built-in node pools exist in Auto Mode only, and auto_mode is false.",
    )
    require(params["wait_timeout"] > 0, "wait_timeout: must be a positive number of seconds.")


def check_access_entry_options(params: dict[str, t.Any]) -> None:
    """All options of ``eks_access_entry`` that can be judged without looking at AWS."""
    check_cluster_name("cluster_name", params["cluster_name"])
    check_principal_arn(params["principal_arn"])
    check_tags(params["tags"])
    policies = params["policies"] or []
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html
    require(
        params["type"] not in ("EC2_LINUX", "EC2_WINDOWS") or not (policies or params["kubernetes_groups"]),
        f"type: an access entry of type {params['type']} takes neither kubernetes_groups nor policies.",
    )
    names = [association["policy"].rpartition("/")[2] for association in policies]
    for name, association in zip(names, policies, strict=True):
        require(names.count(name) == 1, f"policies: {name} is listed more than once.")
        _check_scope(name, association)


def _check_scope(name: str, association: dict[str, t.Any]) -> None:
    if association["scope"] == "namespace":
        require(association["namespaces"], f"policies: {name} has scope namespace, so it needs namespaces.")
    else:
        require(not association["namespaces"], f"policies: {name} has scope cluster, so it takes no namespaces.")
