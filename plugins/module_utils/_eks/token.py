# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS bearer tokens: a presigned STS request that names its cluster, as ``aws eks get-token`` makes them.

The token is ``k8s-aws-v1.`` and the unpadded base64url form of a presigned ``GET`` of STS GetCallerIdentity whose
signature covers the header ``x-k8s-aws-id``. The cluster's authenticator sends it to STS to learn who calls, and
takes it for 15 minutes from its signing, or until the session of the credentials ends
(https://github.com/kubernetes-sigs/aws-iam-authenticator, pkg/token).
"""

from __future__ import annotations

import base64
import typing as t

from .errors import EksErrorHandler

if t.TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from botocore.client import BaseClient

TOKEN_PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"

# Seconds; what the authenticator expects in X-Amz-Expires. The token itself lives longer (see above).
_URL_LIFETIME = 60


@EksErrorHandler.common_error_handler("sign an EKS token")
def mint_token(sts: BaseClient, cluster_name: str) -> str:
    """A fresh token for the cluster, signed with the credentials, region and endpoint of the STS client.

    Nothing is sent. The token is a secret: never print or keep it. Raises :class:`.._core.errors.SeamError` without credentials.
    """

    def name_the_cluster(request: AWSRequest, **_event: t.Any) -> None:
        request.headers[CLUSTER_HEADER] = cluster_name

    events = sts.meta.events
    events.register("before-sign.sts.GetCallerIdentity", name_the_cluster)
    try:
        url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=_URL_LIFETIME, HttpMethod="GET")
    finally:
        events.unregister("before-sign.sts.GetCallerIdentity", name_the_cluster)
    return TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
