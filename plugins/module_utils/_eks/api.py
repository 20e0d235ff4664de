# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One EKS call a function, retried while AWS throttles or stumbles.

Every function raises :class:`.._core.errors.SeamError`. Requests and answers are AWS's own (camelCase).
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from .errors import EksErrorHandler, IamErrorHandler

if t.TYPE_CHECKING:
    from botocore.client import BaseClient

Resource = dict[str, t.Any]

# A minute at most: full quotas (ResourceLimitExceededException) are no throttling and end at once.
_TRANSIENT = ["ThrottlingException", "ServerException", "ServiceUnavailableException"]
_retry = AWSRetry.jittered_backoff(retries=8, delay=1, max_delay=15, catch_extra_error_codes=_TRANSIENT)
# A new access entry is not seen by every part of EKS at once.
_retry_missing = AWSRetry.jittered_backoff(
    retries=8, delay=1, max_delay=15, catch_extra_error_codes=[*_TRANSIENT, "ResourceNotFoundException"]
)


class _PrincipalRetry(AWSRetry):
    """IAM is eventually consistent: for some seconds EKS doesn't know a role that has just been made."""

    @staticmethod
    def status_code_from_exception(error: t.Any) -> str:
        details = error.response["Error"]
        return "InvalidPrincipal" if "invalid principal" in details.get("Message", "") else details["Code"]


# Half a minute at most: the principal may be misspelled as well.
_retry_unknown_principal = _PrincipalRetry.jittered_backoff(
    retries=6, delay=1, max_delay=15, catch_extra_error_codes=[*_TRANSIENT, "InvalidPrincipal"]
)


@EksErrorHandler.list_error_handler("describe the EKS cluster")
@_retry
def describe_cluster(client: BaseClient, name: str) -> Resource | None:
    """The cluster as AWS shows it, or None."""
    return client.describe_cluster(name=name)["cluster"]


@EksErrorHandler.common_error_handler("list the EKS clusters")
@_retry
def list_clusters(client: BaseClient) -> list[str]:
    """The names of all clusters of the account and region."""
    return client.get_paginator("list_clusters").paginate().build_full_result()["clusters"]


@EksErrorHandler.quota_error_handler("create the EKS cluster", quota="EKS clusters in this region (100 unless raised)")
@_retry
def create_cluster(client: BaseClient, name: str, request: Resource) -> Resource:
    return client.create_cluster(name=name, **request)["cluster"]


@EksErrorHandler.deletion_error_handler("delete the EKS cluster")
@_retry
def delete_cluster(client: BaseClient, name: str) -> bool:
    """Begin to delete; False when it was gone already."""
    client.delete_cluster(name=name)
    return True


@EksErrorHandler.common_error_handler("update the configuration of the EKS cluster")
@_retry
def update_cluster_config(client: BaseClient, name: str, token: str, request: Resource) -> Resource:
    return client.update_cluster_config(name=name, clientRequestToken=token, **request)["update"]


@EksErrorHandler.common_error_handler("update the Kubernetes version of the EKS cluster")
@_retry
def update_cluster_version(client: BaseClient, name: str, token: str, request: Resource) -> Resource:
    return client.update_cluster_version(name=name, clientRequestToken=token, **request)["update"]


@EksErrorHandler.common_error_handler("list the upgrade insights of the EKS cluster")
@_retry
def list_upgrade_insights(client: BaseClient, name: str) -> list[Resource]:
    """Those that are not passing, in short."""
    pages = client.get_paginator("list_insights").paginate(
        clusterName=name, filter={"categories": ["UPGRADE_READINESS"], "statuses": ["ERROR", "WARNING", "UNKNOWN"]}
    )
    return pages.build_full_result()["insights"]


@EksErrorHandler.common_error_handler("describe an insight of the EKS cluster")
@_retry
def describe_insight(client: BaseClient, name: str, insight_id: str) -> Resource:
    return client.describe_insight(clusterName=name, id=insight_id)["insight"]


@EksErrorHandler.list_error_handler("list the updates of the EKS cluster", default_value=[])
@_retry
def list_updates(client: BaseClient, name: str) -> list[str]:
    """The ids of all updates, in no particular order."""
    return client.get_paginator("list_updates").paginate(name=name).build_full_result()["updateIds"]


@EksErrorHandler.common_error_handler("describe an update of the EKS cluster")
@_retry
def describe_update(client: BaseClient, name: str, update_id: str) -> Resource:
    return client.describe_update(name=name, updateId=update_id)["update"]


@EksErrorHandler.common_error_handler("tag the EKS resource")
@_retry
def tag_resource(client: BaseClient, arn: str, tags: dict[str, str]) -> None:
    client.tag_resource(resourceArn=arn, tags=tags)


@EksErrorHandler.common_error_handler("untag the EKS resource")
@_retry
def untag_resource(client: BaseClient, arn: str, keys: list[str]) -> None:
    client.untag_resource(resourceArn=arn, tagKeys=keys)


@EksErrorHandler.common_error_handler("list the EKS access policies")
@_retry
def list_access_policies(client: BaseClient) -> list[Resource]:
    """Every access policy there is: ``name`` and ``arn``."""
    return client.get_paginator("list_access_policies").paginate().build_full_result()["accessPolicies"]


@EksErrorHandler.list_error_handler("describe the EKS access entry")
@_retry
def describe_access_entry(client: BaseClient, cluster: str, principal: str) -> Resource | None:
    """The access entry, or None when it or its cluster is missing, or the cluster has no access entries yet (CONFIG_MAP)."""
    return client.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]


@EksErrorHandler.list_error_handler("list the access policies of the EKS access entry", default_value=[])
@_retry
def list_associated_access_policies(client: BaseClient, cluster: str, principal: str) -> list[Resource]:
    paginator = client.get_paginator("list_associated_access_policies")
    pages = paginator.paginate(clusterName=cluster, principalArn=principal)
    return pages.build_full_result()["associatedAccessPolicies"]


@EksErrorHandler.quota_error_handler("create the EKS access entry", quota="access entries in this cluster")
@_retry_unknown_principal
def create_access_entry(client: BaseClient, cluster: str, principal: str, request: Resource) -> None:
    client.create_access_entry(clusterName=cluster, principalArn=principal, **request)


@EksErrorHandler.common_error_handler("update the EKS access entry")
@_retry
def update_access_entry(client: BaseClient, cluster: str, principal: str, request: Resource) -> None:
    client.update_access_entry(clusterName=cluster, principalArn=principal, **request)


@EksErrorHandler.deletion_error_handler("delete the EKS access entry")
@_retry
def delete_access_entry(client: BaseClient, cluster: str, principal: str) -> bool:
    """Delete; False when it was gone already."""
    client.delete_access_entry(clusterName=cluster, principalArn=principal)
    return True


@EksErrorHandler.common_error_handler("associate the access policy with the EKS access entry")
@_retry_missing
def associate_access_policy(client: BaseClient, cluster: str, principal: str, request: Resource) -> None:
    """Associate a policy, or give an associated one another scope."""
    client.associate_access_policy(clusterName=cluster, principalArn=principal, **request)


@EksErrorHandler.deletion_error_handler("disassociate the access policy from the EKS access entry")
@_retry
def disassociate_access_policy(client: BaseClient, cluster: str, principal: str, request: Resource) -> bool:
    """Disassociate; False when it was not associated any more."""
    client.disassociate_access_policy(clusterName=cluster, principalArn=principal, **request)
    return True


@EksErrorHandler.common_error_handler("read the IAM role")
@_retry
def role_creation(client: BaseClient, role_arn: str) -> datetime.datetime | None:
    """When an IAM role was made, None if the caller can't tell: it is gone, in another account, or the caller may not read it."""
    try:
        role = client.get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
    except is_boto3_error_code(["NoSuchEntity", "AccessDenied"]):
        return None
    # The role of that name in this account may be another one.
    return role["CreateDate"] if role["Arn"] == role_arn else None


@IamErrorHandler.list_error_handler("read the IAM role")
@_retry
def get_role(client: BaseClient, name: str) -> Resource | None:
    """The IAM role as AWS shows it, or None."""
    return client.get_role(RoleName=name)["Role"]


@IamErrorHandler.common_error_handler("tag the IAM role")
@_retry
def tag_role(client: BaseClient, name: str, tags: dict[str, str]) -> None:
    client.tag_role(RoleName=name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
