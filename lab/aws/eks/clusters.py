# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS's operations on clusters: create, describe, list, delete."""

from __future__ import annotations

import base64
import logging
import secrets
import threading
import time
import uuid

from moto.ec2.models import ec2_backends

from lab.aws import partitions
from lab.aws.eks import entries, instance_profiles, leftovers, rules, versions
from lab.aws.eks.cluster import Cluster, ClusterHost
from lab.aws.eks.common import Item, in_use, invalid, invalid_request, not_found, now, page
from lab.aws.service import Call, Service
from lab.settings import ACCOUNT, Settings

_LOG = logging.getLogger(__name__)
_LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]


class Clusters(Service):
    """The part of EKS that makes and removes clusters; ``clusters`` by name."""

    settings: Settings
    host: ClusterHost
    lock: threading.RLock
    clusters: dict[str, Cluster]
    #: The request for each clientRequestToken, by operation and token.
    tokens: dict[tuple[str, str], tuple[Item, str]]

    def create_cluster(self, call: Call) -> Item:
        request = {key: value for key, value in call.params.items() if key != "clientRequestToken"}
        token = ("CreateCluster", str(call.params.get("clientRequestToken", uuid.uuid4())))
        name = request["name"]
        if self.tokens.get(token) == (request, name) and name in self.clusters:
            return {"cluster": self.clusters[name].info}
        self._check_creation(request)
        cluster = Cluster(self._new_cluster(request))
        if cluster.info["accessConfig"]["bootstrapClusterCreatorAdminPermissions"]:
            entries.add_creator(cluster, call.caller_arn)
        entries.follow_node_role(cluster)
        self.clusters[name] = cluster
        self.tokens[token] = (request, name)
        shown = {"cluster": dict(cluster.info)}
        cluster.worker.do(lambda: self._provision(cluster))
        return shown

    def describe_cluster(self, call: Call) -> Item:
        return {"cluster": self.find_cluster(call.params["name"]).info}

    def list_clusters(self, call: Call) -> Item:
        return page(call, "clusters", sorted(self.clusters))

    def delete_cluster(self, call: Call) -> Item:
        cluster = self.find_cluster(call.params["name"])
        status = cluster.info["status"]
        # https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html
        if cluster.info["deletionProtection"] and status not in ("CREATING", "FAILED", "DELETING"):
            raise invalid_request(
                f"Cluster {cluster.name} can't be deleted because deletion protection is enabled. "
                "Disable deletion protection and try again."
            )
        if cluster.update_in_progress:
            raise in_use(f"Cannot delete because cluster {cluster.name} currently has an update in progress")
        if status == "DELETING":
            raise in_use(f"Cluster {cluster.name} is currently being deleted")
        cluster.info["status"] = "DELETING"
        cluster.worker.do(lambda: self._remove(cluster))
        return {"cluster": dict(cluster.info)}

    def find_cluster(self, name: str) -> Cluster:
        if name not in self.clusters:
            raise not_found(f"No cluster found for name: {name}.")
        return self.clusters[name]

    def _check_creation(self, request: Item) -> None:
        name = request["name"]
        rules.check_name(name)
        if name in self.clusters:
            raise in_use(f"Cluster already exists with name: {name}")
        versions.check_version(request.get("version", versions.DEFAULT))
        rules.check_auto_mode(request, request.get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP"))
        if True in rules.auto_mode_flags(request) and request.get("bootstrapSelfManagedAddons", True):
            raise invalid("When EKS Auto Mode is enabled, bootstrapSelfManagedAddons must be set to false")
        rules.check_role(self.region, request["roleArn"], "eks.amazonaws.com")
        if node_role := request.get("computeConfig", {}).get("nodeRoleArn"):
            rules.check_role(self.region, node_role, "ec2.amazonaws.com")
        vpc = request["resourcesVpcConfig"]
        rules.check_network(self.region, vpc.get("subnetIds", []), vpc.get("securityGroupIds", []))
        rules.check_endpoint_access({"endpointPublicAccess": True, "endpointPrivateAccess": False, **vpc})

    def _new_cluster(self, request: Item) -> Item:
        name, auto_mode = request["name"], True in rules.auto_mode_flags(request)
        access = request.get("accessConfig", {})
        enabled = {kind for setup in request.get("logging", {}).get("clusterLogging", []) if setup.get("enabled")
                   for kind in setup.get("types", [])}  # fmt: skip
        return {
            "name": name,
            "arn": partitions.arn(self.region, "eks", f"cluster/{name}"),
            "createdAt": now(),
            "version": request.get("version", versions.DEFAULT),
            "roleArn": request["roleArn"],
            "resourcesVpcConfig": self._new_network(name, request["resourcesVpcConfig"]),
            "kubernetesNetworkConfig": {
                "serviceIpv4Cidr": "10.100.0.0/16",
                "ipFamily": "ipv4",
                **request.get("kubernetesNetworkConfig", {}),
                "elasticLoadBalancing": {"enabled": auto_mode},
            },
            "logging": {"clusterLogging": log_setups(enabled)},
            "identity": {
                "oidc": {
                    "issuer": f"https://oidc.eks.{self.region}.{partitions.suffix(self.region)}/id/{secrets.token_hex(16)}"
                }
            },
            "status": "CREATING",
            "certificateAuthority": {},
            "platformVersion": "eks.1",
            "tags": request.get("tags", {}),
            "health": {"issues": []},
            "accessConfig": {
                "authenticationMode": access.get("authenticationMode", "CONFIG_MAP"),
                "bootstrapClusterCreatorAdminPermissions": access.get("bootstrapClusterCreatorAdminPermissions", True),
            },
            "upgradePolicy": request.get("upgradePolicy", {"supportType": "EXTENDED"}),
            # Shown only where it was set.
            **({"zonalShiftConfig": request["zonalShiftConfig"]} if "zonalShiftConfig" in request else {}),
            "computeConfig": {"nodePools": [], **request.get("computeConfig", {}), "enabled": auto_mode},
            "storageConfig": {"blockStorage": {"enabled": auto_mode}},
            "deletionProtection": request.get("deletionProtection", False),
        }

    def _new_network(self, cluster_name: str, asked: Item) -> Item:
        """The VPC part, and the security group that EKS makes for a cluster.

        https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
        """
        vpc_id = rules.check_network(self.region, asked["subnetIds"], asked.get("securityGroupIds", []))
        name = f"eks-cluster-sg-{cluster_name}-{secrets.randbelow(10**9)}"
        ec2 = ec2_backends[ACCOUNT][self.region]
        group = ec2.create_security_group(
            name,
            "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
            "as well as any managed workloads.",
            vpc_id=vpc_id,
            tags={
                "Name": name,
                f"kubernetes.io/cluster/{cluster_name}": "owned",
                "aws:eks:cluster-name": cluster_name,
            },
        )
        own = [{"GroupId": group.id, "UserId": ACCOUNT}]
        ec2.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=own)
        return {
            "securityGroupIds": [],
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            "publicAccessCidrs": ["0.0.0.0/0"],
            **asked,
            "clusterSecurityGroupId": group.id,
            "vpcId": vpc_id,
        }

    def _provision(self, cluster: Cluster) -> None:
        """CREATING ends by time, and not before the API server answers."""
        due = time.monotonic() + self.settings.seconds("cluster")
        try:
            endpoint = self.host.start(cluster)
        except Exception as error:
            _LOG.exception("Cluster %s can't be started", cluster.name)
            cluster.info["health"]["issues"] = [{"code": "InternalFailure", "message": str(error)}]
            self._settle(cluster, "FAILED")
            return
        time.sleep(max(0.0, due - time.monotonic()))
        cluster.info["endpoint"] = endpoint.url
        cluster.info["certificateAuthority"] = {"data": base64.b64encode(endpoint.ca_pem.encode()).decode()}
        instance_profiles.follow_node_role(cluster)
        self._settle(cluster, "ACTIVE")

    def _settle(self, cluster: Cluster, status: str) -> None:
        with self.lock:
            if cluster.info["status"] != "DELETING":
                cluster.info["status"] = status

    def _remove(self, cluster: Cluster) -> None:
        time.sleep(self.settings.seconds("cluster_delete"))
        self.host.stop(cluster)
        with self.lock:
            leftovers.remove(self.region, cluster)
            if not (lingering := self.settings.seconds("instance_profile")):
                instance_profiles.remove(cluster)
            del self.clusters[cluster.name]
        time.sleep(lingering)
        instance_profiles.remove(cluster)


def log_setups(enabled: set[str]) -> list[Item]:
    """The logging of a cluster, as DescribeCluster shows it."""
    setups = [
        {"types": [kind for kind in _LOG_TYPES if kind in enabled], "enabled": True},
        {"types": [kind for kind in _LOG_TYPES if kind not in enabled], "enabled": False},
    ]
    return [setup for setup in setups if setup["types"]]
