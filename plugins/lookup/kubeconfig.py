# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kubeconfig for an EKS cluster, with a token minted from the caller's AWS identity."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubeconfig
version_added: 1.0.0
short_description: Kubeconfig for an EKS cluster with a freshly minted token
description:
  - Gives a kubeconfig as a dictionary, for the O(ignore:kubeconfig) option of the modules of kubernetes.core.
  - The token is minted here from the AWS credentials. It needs no C(aws) command.
  - EKS takes a token for 15 minutes, or until the AWS session ends. Use the lookup where the kubeconfig is needed, in
    C(module_defaults) or in a task, so that it is evaluated again for each task. Never keep it in a fact.
  - The caller needs the IAM permission C(eks:DescribeCluster), and an access entry in the cluster.
author:
  - seam.eks_auto contributors (@seam)
options:
  _terms:
    description: Names of the clusters.
    required: true
    type: list
    elements: str
  on_missing:
    description:
      - How to treat a missing cluster, or one without a Kubernetes API (not yet, or not any more).
      - V(error) fails, V(skip) leaves it out of the result.
    type: str
    choices: [error, skip]
    default: error
extends_documentation_fragment:
  - seam.eks_auto.aws.plugins
seealso:
  - module: seam.eks_auto.eks_access_entry
  - name: aws-iam-authenticator
    description: How a cluster takes a token for an IAM identity, and for how long.
    link: https://github.com/kubernetes-sigs/aws-iam-authenticator
  - ref: ansible_collections.seam.eks_auto.docsite.guide_troubleshooting
    description: Every error message of this lookup, its cause, and its remedy.
"""

EXAMPLES = r"""
- name: Work in the cluster with the AWS identity of this play
  module_defaults:
    group/kubernetes.core.k8s:
      kubeconfig: "{{ lookup('seam.eks_auto.kubeconfig', 'petstore', region='ap-northeast-1') }}"
  block:
    - name: Make the namespace
      kubernetes.core.k8s:
        kind: Namespace
        name: petstore

    - name: Look at the Service
      kubernetes.core.k8s_info:
        kind: Service
        namespace: petstore
        name: vpclink
"""

RETURN = r"""
_list:
  description: One kubeconfig for each cluster. It holds a token, a secret, so keep it out of logs.
  type: list
  elements: dict
"""

import typing as t

from ansible_collections.amazon.aws.plugins.plugin_utils.lookup import AWSLookupBase
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import SeamError, require
from ansible_collections.seam.eks_auto.plugins.module_utils._eks import api
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.cluster import Resource, is_reachable
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.kubeconfig import kubeconfig
from ansible_collections.seam.eks_auto.plugins.module_utils._eks.token import mint_token

#: A play's environment doesn't reach lookups, so the modules' AWS_MAX_ATTEMPTS is set here too.
_CONFIG = {"retries": {"total_max_attempts": 8}}


class LookupModule(AWSLookupBase):
    def run(
        self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        super().run(terms, variables, **kwargs)
        skip = self.get_option("on_missing") == "skip"
        try:
            clusters = [(name, self._cluster(name)) for name in terms]
            return [self._kubeconfig(name, cluster) for name, cluster in clusters if is_reachable(cluster) or not skip]
        except SeamError as error:
            return self.fail_aws(error.message, error.exception)

    def _cluster(self, name: str) -> Resource | None:
        require_sound({"kubeconfig lookup": name}, {"kubeconfig lookup": "cluster_name"})
        return api.describe_cluster(self.client("eks", config=_CONFIG), name)

    def _kubeconfig(self, name: str, cluster: Resource | None) -> dict[str, t.Any]:
        require(
            cluster,
            f"There is no EKS cluster {name} in region {self.region} of this account. Create it with "
            "seam.eks_auto.eks_cluster, or look at the region and the credentials of the lookup.",
        )
        return kubeconfig(t.cast(Resource, cluster), mint_token(self.client("sts"), name))
