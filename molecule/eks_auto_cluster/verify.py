# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""It is an Auto Mode cluster, and the k8s team is let in; afterwards neither the cluster nor its roles are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CLUSTER = "molecule-cluster"
ROLES = {"molecule-cluster-cluster": 5, "molecule-cluster-node": 2}


def test_present(aws: Callable[[str], Any]) -> None:
    eks, iam = aws("eks"), aws("iam")
    cluster = eks.describe_cluster(name=CLUSTER)["cluster"]
    assert cluster["status"] == "ACTIVE"
    assert cluster["computeConfig"]["enabled"]
    assert sorted(cluster["computeConfig"]["nodePools"]) == ["general-purpose", "system"]
    assert cluster["storageConfig"]["blockStorage"]["enabled"]
    assert cluster["kubernetesNetworkConfig"]["elasticLoadBalancing"]["enabled"]
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert not cluster["accessConfig"]["bootstrapClusterCreatorAdminPermissions"]
    assert cluster["upgradePolicy"]["supportType"] == "STANDARD"
    logged = [each["types"] for each in cluster["logging"]["clusterLogging"] if each["enabled"]]
    assert logged == [["audit"]]
    principals = eks.list_access_entries(clusterName=CLUSTER)["accessEntries"]
    (k8s,) = (arn for arn in principals if not arn.rpartition("/")[2].startswith((CLUSTER, "AWSServiceRole")))
    access = eks.list_associated_access_policies(clusterName=CLUSTER, principalArn=k8s)["associatedAccessPolicies"]
    assert [each["policyArn"].rpartition("/")[2] for each in access] == ["AmazonEKSClusterAdminPolicy"]
    for role, count in ROLES.items():
        assert len(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]) == count


def test_absent(aws: Callable[[str], Any]) -> None:
    eks, iam = aws("eks"), aws("iam")
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_cluster(name=CLUSTER)
    for role in ROLES:
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_role(RoleName=role)
