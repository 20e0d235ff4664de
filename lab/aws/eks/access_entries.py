# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's operations on access entries and the access policies associated with them.

https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

from __future__ import annotations

from lab.aws.eks.cluster import AccessEntry, Cluster
from lab.aws.eks.clusters import Clusters
from lab.aws.eks.common import Item, in_use, invalid, invalid_request, not_found, now, page
from lab.aws.eks.entries import NODE_POLICY, association, new_entry, policy_arn, principal_id
from lab.aws.service import Call
from lab.kubernetes.policies import POLICIES

_TYPES = ["STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX"]


class AccessEntries(Clusters):
    """The part of EKS that says who may use a cluster's Kubernetes API."""

    def create_access_entry(self, call: Call) -> Item:
        cluster, principal = self._cluster(call), call.params["principalArn"]
        kind = call.params.get("type", "STANDARD")
        if kind not in _TYPES:
            raise invalid(f"The specified type is invalid: {kind}")
        unique_id = principal_id(self.region, principal)
        _check_names(call.params)
        if kind != "STANDARD" and (call.params.get("kubernetesGroups") or call.params.get("username")):
            raise invalid('The username and kubernetesGroups can only be set for access entries of type "STANDARD"')
        if principal in cluster.entries:
            raise in_use("The specified access entry resource is already in use on this cluster.")
        entry = AccessEntry(new_entry(cluster, principal, kind), unique_id)
        for key in ("username", "kubernetesGroups", "tags"):
            entry.info[key] = call.params.get(key) or entry.info[key]
        cluster.entries[principal] = entry
        return {"accessEntry": entry.info}

    def describe_access_entry(self, call: Call) -> Item:
        return {"accessEntry": self._entry(call).info}

    def update_access_entry(self, call: Call) -> Item:
        entry = self._entry(call)
        _check_names(call.params)
        for key in ("username", "kubernetesGroups"):
            if key in call.params:
                entry.info[key] = call.params[key]
        entry.info["modifiedAt"] = now()
        return {"accessEntry": entry.info}

    def delete_access_entry(self, call: Call) -> None:
        self._entry(call)
        del self._cluster(call).entries[call.params["principalArn"]]

    def list_access_entries(self, call: Call) -> Item:
        wanted = call.params.get("associatedPolicyArn")
        entries = self._cluster(call).entries.items()
        return page(
            call, "accessEntries", sorted(arn for arn, each in entries if not wanted or wanted in each.policies)
        )

    def list_access_policies(self, call: Call) -> Item:
        known = [{"name": name, "arn": policy_arn(self.region, name)} for name in sorted(POLICIES)]
        return page(call, "accessPolicies", known)

    def associate_access_policy(self, call: Call) -> Item:
        entry, policy = self._entry(call), call.params["policyArn"]
        name = policy.rpartition("/")[2]
        if name not in POLICIES or policy != policy_arn(self.region, name):
            raise invalid("The policyArn parameter format is not valid")
        if entry.info["type"] != "STANDARD" and not (entry.info["type"] == "EC2" and name == NODE_POLICY):
            raise invalid('This operation can only be performed on Access Entries with a type of "STANDARD"')
        scope = call.params["accessScope"]
        if scope.get("type") == "namespace" and not scope.get("namespaces"):
            raise invalid("At least 1 namespace must be provided if the type is set as namespace")
        entry.policies[policy] = association(policy, scope, entry.policies.get(policy))
        return {
            "clusterName": call.params["clusterName"],
            "principalArn": call.params["principalArn"],
            "associatedAccessPolicy": entry.policies[policy],
        }

    def disassociate_access_policy(self, call: Call) -> None:
        entry = self._entry(call)
        if call.params["policyArn"] not in entry.policies:
            raise not_found("The specified policyArn is not associated with this access entry.")
        del entry.policies[call.params["policyArn"]]

    def list_associated_access_policies(self, call: Call) -> Item:
        return {
            "clusterName": call.params["clusterName"],
            "principalArn": call.params["principalArn"],
            **page(call, "associatedAccessPolicies", list(self._entry(call).policies.values())),
        }

    def _cluster(self, call: Call) -> Cluster:
        cluster = self.find_cluster(call.params["clusterName"])
        if cluster.authentication_mode == "CONFIG_MAP":
            raise invalid_request(
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                "operation."
            )
        return cluster

    def _entry(self, call: Call) -> AccessEntry:
        entries = self._cluster(call).entries
        if call.params["principalArn"] not in entries:
            raise not_found(
                "The specified principalArn could not be found. You can view your available access entries with "
                "'list-access-entries'."
            )
        return entries[call.params["principalArn"]]


def _check_names(params: Item) -> None:
    if params.get("username", "").startswith("system:"):
        raise invalid("The username must not begin with system:")
    for group in params.get("kubernetesGroups", []):
        if group.startswith("system:"):
            raise invalid(f"The kubernetes group name {group} is invalid, it cannot start with system:")
