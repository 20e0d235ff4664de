# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's operations that update a cluster: one kind of update a call, one update of a cluster at a time.

https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable

from lab.aws.eks import entries, instance_profiles, rules, versions
from lab.aws.eks.cluster import Cluster
from lab.aws.eks.clusters import Clusters, log_setups
from lab.aws.eks.common import Item, in_use, invalid, invalid_request, not_found, now, page
from lab.aws.service import AwsError, Call

#: The type of an update, by the request's parameter that asks for it.
_TYPES = {
    "logging": "LoggingUpdate",
    "accessConfig": "AccessConfigUpdate",
    "upgradePolicy": "UpgradePolicyUpdate",
    "zonalShiftConfig": "ZonalShiftConfigUpdate",
    "computeConfig": "AutoModeUpdate",
    "kubernetesNetworkConfig": "AutoModeUpdate",
    "storageConfig": "AutoModeUpdate",
    "deletionProtection": "DeletionProtectionUpdate",
}
_ENDPOINT = {"endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs"}

#: The changes to the cluster's description that an update brings once it is done.
Changes = Item


class Updates(Clusters):
    """The part of EKS that updates clusters."""

    def update_cluster_config(self, call: Call) -> Item:
        request = {key: value for key, value in call.params.items() if key not in ("name", "clientRequestToken")}
        if uncovered := sorted(set(request) - set(_TYPES) - {"resourcesVpcConfig"}):
            raise AwsError("NotImplemented", f"The lab doesn't cover updates of {', '.join(uncovered)}", 501)
        types = _update_types(request)
        if len(types) > 1:
            raise invalid("Only one type of update can be allowed.")
        if not types:
            raise invalid("No update was specified.")
        return self._update(call, types.pop(), request)

    def update_cluster_version(self, call: Call) -> Item:
        return self._update(call, "VersionUpdate", {"version": call.params["version"]})

    def list_updates(self, call: Call) -> Item:
        return page(call, "updateIds", list(self.find_cluster(call.params["name"]).updates))

    def describe_update(self, call: Call) -> Item:
        cluster = self.find_cluster(call.params["name"])
        update_id = call.params["updateId"]
        if update_id not in cluster.updates:
            raise not_found(f"No update found for ID: {update_id}")
        return {"update": cluster.updates[update_id]}

    def _update(self, call: Call, kind: str, request: Item) -> Item:
        cluster = self.find_cluster(call.params["name"])
        token: tuple[str, str] = (
            f"{call.operation} {cluster.name}",
            str(call.params.get("clientRequestToken", uuid.uuid4())),
        )
        if token in self.tokens and self.tokens[token][0] == request:
            return {"update": cluster.updates[self.tokens[token][1]]}
        if running := cluster.update_in_progress:
            raise in_use(
                f"Cannot {kind} because cluster {cluster.name} currently has update {running['id']} in progress"
            )
        if cluster.info["status"] != "ACTIVE":
            raise invalid_request(f"Cluster {cluster.name} is not in ACTIVE status")
        changes = _CHANGES[kind](self, cluster, request)
        update: Item = {
            "id": str(uuid.uuid4()),
            "status": "InProgress",
            "type": kind,
            "params": [{"type": _parameter_type(key), "value": json.dumps(value)} for key, value in request.items()],
            "createdAt": now(),
            "errors": [],
        }
        cluster.updates[update["id"]] = update
        cluster.info["status"] = "UPDATING"
        self.tokens[token] = (request, update["id"])
        shown = {"update": dict(update)}
        cluster.worker.do(lambda: self._finish(cluster, update, changes))
        return shown

    def _finish(self, cluster: Cluster, update: Item, changes: Changes) -> None:
        time.sleep(self.settings.seconds("cluster_update"))
        with self.lock:
            cluster.info.update(changes)
            entries.follow_node_role(cluster)
            instance_profiles.follow_node_role(cluster)
            update["status"] = "Successful"
            self._settle(cluster, "ACTIVE")

    def _endpoint_access(self, cluster: Cluster, request: Item) -> Changes:
        current = cluster.info["resourcesVpcConfig"]
        wanted = {**current, **request["resourcesVpcConfig"]}
        rules.check_endpoint_access(wanted)
        if wanted == current:
            private, public = (str(current[f"endpoint{kind}Access"]).lower() for kind in ("Private", "Public"))
            raise invalid(
                f"Cluster is already at the desired configuration with endpointPrivateAccess: {private} , "
                f"endpointPublicAccess: {public}, and Public Endpoint Restrictions: "
                f"[{', '.join(current['publicAccessCidrs'])}]"
            )
        return {"resourcesVpcConfig": wanted}

    def _network(self, cluster: Cluster, request: Item) -> Changes:
        current = cluster.info["resourcesVpcConfig"]
        wanted = {**current, **request["resourcesVpcConfig"]}
        vpc_id = rules.check_network(self.region, wanted["subnetIds"], wanted["securityGroupIds"])
        if vpc_id != current["vpcId"]:
            raise invalid("Provided subnets belong to a different VPC than the cluster's")
        return {"resourcesVpcConfig": wanted}

    def _logging(self, cluster: Cluster, request: Item) -> Changes:
        seen = _enabled_logs(cluster.info["logging"])
        enabled = set(seen)
        for setup in request["logging"].get("clusterLogging", []):
            change = enabled.update if setup.get("enabled") else enabled.difference_update
            change(setup.get("types", []))
        if enabled == seen:
            raise invalid("No changes needed for the logging config provided")
        return {"logging": {"clusterLogging": log_setups(enabled)}}

    def _access(self, cluster: Cluster, request: Item) -> Changes:
        current, wanted = cluster.authentication_mode, request["accessConfig"]["authenticationMode"]
        ladder = rules.AUTHENTICATION_MODES
        if wanted not in ladder or ladder.index(wanted) != ladder.index(current) + 1:
            raise invalid(f"Unsupported authentication mode update from {current} to {wanted}")
        return {"accessConfig": {**cluster.info["accessConfig"], "authenticationMode": wanted}}

    def _auto_mode(self, cluster: Cluster, request: Item) -> Changes:
        rules.check_auto_mode(request, cluster.authentication_mode)
        enabled = True in rules.auto_mode_flags(request)
        current, compute = cluster.info["computeConfig"], request.get("computeConfig", {})
        role = compute.get("nodeRoleArn")
        if role:
            if current.get("nodeRoleArn", role) != role:
                raise invalid("Compute Config nodeRoleArn cannot be changed after the compute capability is enabled.")
            rules.check_role(self.region, role, "ec2.amazonaws.com")
        pools = compute.get("nodePools", current["nodePools"]) if enabled else []
        wanted = {"enabled": enabled, "nodePools": pools}
        if pools:
            wanted["nodeRoleArn"] = role or current["nodeRoleArn"]
        network = {**cluster.info["kubernetesNetworkConfig"], "elasticLoadBalancing": {"enabled": enabled}}
        return {
            "computeConfig": wanted,
            "kubernetesNetworkConfig": network,
            "storageConfig": {"blockStorage": {"enabled": enabled}},
        }

    def _version(self, cluster: Cluster, request: Item) -> Changes:
        versions.check_update(cluster.info["version"], request["version"])
        return request

    def _upgrade_policy(self, cluster: Cluster, request: Item) -> Changes:
        """https://docs.aws.amazon.com/eks/latest/userguide/disable-extended-support.html"""
        if (
            request["upgradePolicy"].get("supportType") == "STANDARD"
            and cluster.info["version"] not in versions.STANDARD
        ):
            raise invalid_request("Extended support can't be disabled for a cluster that is in extended support")
        return request

    def _plain(self, _cluster: Cluster, request: Item) -> Changes:
        return request


_CHANGES: dict[str, Callable[[Updates, Cluster, Item], Changes]] = {
    "EndpointAccessUpdate": Updates._endpoint_access,
    "VpcConfigUpdate": Updates._network,
    "LoggingUpdate": Updates._logging,
    "AccessConfigUpdate": Updates._access,
    "AutoModeUpdate": Updates._auto_mode,
    "VersionUpdate": Updates._version,
    "UpgradePolicyUpdate": Updates._upgrade_policy,
    "ZonalShiftConfigUpdate": Updates._plain,
    "DeletionProtectionUpdate": Updates._plain,
}


def _update_types(request: Item) -> set[str]:
    types = {_TYPES[key] for key in request if key in _TYPES}
    for key in request.get("resourcesVpcConfig", {}):
        types.add("EndpointAccessUpdate" if key in _ENDPOINT else "VpcConfigUpdate")
    return types


def _enabled_logs(logging: Item) -> set[str]:
    return {kind for setup in logging["clusterLogging"] if setup["enabled"] for kind in setup["types"]}


def _parameter_type(name: str) -> str:
    """DescribeUpdate's name for a parameter of the request."""
    differing = {"logging": "ClusterLogging", "accessConfig": "AuthenticationMode"}
    return differing.get(name, name[0].upper() + name[1:])
