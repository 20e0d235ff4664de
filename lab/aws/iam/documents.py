# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents as IAM gives them out: URL-encoded, which moto leaves to those that need it not."""

from __future__ import annotations

import copy
from urllib.parse import quote

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse


def install() -> None:
    """GetPolicyVersion: clients decode the document, so that one with a percent sign would reach them as another.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html
    """
    get_policy_version = IamResponse.get_policy_version

    def encoded(response: IamResponse) -> ActionResult:
        result = get_policy_version(response)
        version = copy.copy(result.result["PolicyVersion"])
        version.document = quote(version.document)
        return ActionResult({"PolicyVersion": version})

    IamResponse.get_policy_version = encoded
