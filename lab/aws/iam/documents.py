# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents as IAM gives them out: URL-encoded, also where moto does not encode them."""

from __future__ import annotations

import copy
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

_get_policy_version = IamResponse.get_policy_version


def install() -> None:
    """GetPolicyVersion: clients decode the document, so that one with a percent sign would reach them as another.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html
    """
    IamResponse.get_policy_version = _get_encoded_policy_version


def _get_encoded_policy_version(response: IamResponse) -> ActionResult:
    version = copy.copy(_get_policy_version(response).result["PolicyVersion"])
    version.document = quote(version.document)
    return ActionResult({"PolicyVersion": version})
