#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whose AWS credentials a play runs with, and refuses all but the expected ones."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_identity
version_added: 1.0.0
short_description: Tell whose AWS credentials a play runs with, and refuse all but the expected ones
description:
  - Asks STS for the caller's identity. That needs no permission.
  - Fails with one sentence when they belong to another account, IAM role or user than expected, or when the region is
    another one. As a play's first task it keeps a team from working with another team's identity.
author:
  - seam.eks_auto contributors (@seam)
options:
  expected_principal_arn:
    description:
      - ARN of the IAM role or user that the credentials must belong to. For a role this is the role's own ARN, never
        that of an STS session.
      - STS does not tell the path of a role, so paths are not compared.
    type: str
  expected_region:
    description: The region that must be set.
    type: str
  remedy:
    description: What to do when it is somebody else. Ends the error message.
    type: str
    default: Set the credentials that belong to this play.
extends_documentation_fragment:
  - seam.eks_auto.aws
  - seam.eks_auto.attributes
  - seam.eks_auto.attributes.info
seealso:
  - name: GetCallerIdentity
    description: AWS STS API reference.
    link: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

EXAMPLES = r"""
- name: Work as infra only
  seam.eks_auto.check_identity:
    expected_principal_arn: arn:aws:iam::111122223333:role/infra
    expected_region: us-west-2
    remedy: Set aws_auth of the group infra.

- name: See who we are
  seam.eks_auto.check_identity:
"""

RETURN = r"""
account:
  description: The account's id.
  returned: success
  type: str
  sample: "111122223333"
arn:
  description: The caller's ARN from STS, for a role its session's.
  returned: success
  type: str
  sample: arn:aws:sts::111122223333:assumed-role/infra/alice
partition:
  description: The ARN's partition.
  returned: success
  type: str
  sample: aws
region:
  description: The region in use.
  returned: success
  type: str
  sample: us-west-2
"""

import os
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.seam.eks_auto.plugins.module_utils._core.checks import require_sound
from ansible_collections.seam.eks_auto.plugins.module_utils._core.errors import (
    ErrorHandler,
    NeedsCode,
    SeamError,
    require,
)
from ansible_collections.seam.eks_auto.plugins.module_utils._core.steps import Result, Step, run_module

if t.TYPE_CHECKING:
    from botocore.client import BaseClient

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
_ARN = re.compile(r"arn:(?P<partition>[^:]+):(?P<service>iam|sts)::(?P<account>\d{12}):(?P<resource>.+)")


class Principal(t.NamedTuple):
    """A role or user: ``kind`` is role, user, or another of STS's (root, federated-user)."""

    account: str
    kind: str
    name: str

    @classmethod
    def of(cls, arn: str) -> Principal:
        """The principal behind an ARN of IAM's or STS's. Raises SeamError for anything else."""
        found = _ARN.fullmatch(arn)
        if not found:
            raise SeamError(message=f"{arn} is not the ARN of an IAM role or user")
        kind, _slash, rest = found["resource"].partition("/")
        if kind == "assumed-role":
            # A session's ARN has the role's name and the session's, and no path.
            return cls(found["account"], "role", rest.partition("/")[0])
        return cls(found["account"], kind, rest.rpartition("/")[2])


class Identity(t.NamedTuple):
    """Who calls, and where."""

    arn: str
    region: str


def require_expected(found: Identity, expected_arn: str | None, expected_region: str | None) -> None:
    """Raise SeamError unless the identity is the expected one."""
    if expected_arn:
        expected, principal = Principal.of(expected_arn), Principal.of(found.arn)
        require(
            principal.account == expected.account,
            f"These credentials are {found.arn}, in account {principal.account}; "
            f"expected is {expected_arn}, in account {expected.account}.",
        )
        require(principal == expected, f"These credentials are {found.arn}; expected is {expected_arn}.")
    require(
        not expected_region or found.region == expected_region,
        f"The region is {found.region}; expected is {expected_region}.",
    )


@ErrorHandler.common_error_handler("ask STS whose credentials these are")
@AWSRetry.jittered_backoff()
def get_caller_identity(client: BaseClient) -> dict[str, str]:
    return client.get_caller_identity()


def identity(module: AnsibleAWSModule) -> Result:
    """Whose credentials these are. Raises SeamError if they are not the expected ones."""
    params = module.params
    require_sound(params, {"expected_principal_arn": "principal_arn"})
    answer = get_caller_identity(module.client("sts"))
    found = Identity(answer["Arn"], module.region)
    require_expected(found, params["expected_principal_arn"], params["expected_region"])
    return {
        "changed": False,
        "account": answer["Account"],
        "arn": found.arn,
        "partition": found.arn.split(":")[1],
        "region": found.region,
    }


def run(module: AnsibleAWSModule, _started: list[Step]) -> Result:
    """The same; an error ends with what to do."""
    try:
        return identity(module)
    except NeedsCode as error:
        profile = module.params["profile"] or os.environ.get("AWS_PROFILE")
        message = error.message.replace(" profile asks", f" profile {profile} asks") if profile else error.message
        raise SeamError(message=f"{message}.") from error
    except SeamError as error:
        remedy = module.params["remedy"]
        if error.transient:
            remedy = (
                "The credentials were not looked at. See that this machine reaches AWS. If endpoint_url in aws_auth, or "
                "AWS_ENDPOINT_URL, leads elsewhere, see that somebody answers there: a lab has to be started (make demo)."
            )
        raise SeamError(message=f"{str(error).rstrip('.')}. {remedy}") from error


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "expected_principal_arn": {"type": "str"},
            "expected_region": {"type": "str"},
            "remedy": {"type": "str", "default": "Set the credentials that belong to this play."},
        },
        supports_check_mode=True,
    )
    run_module(module, run)


if __name__ == "__main__":
    main()
