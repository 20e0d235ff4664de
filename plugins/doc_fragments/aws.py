# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that amazon.aws gives to every module and plugin built on it.

They are written down here instead of extended from amazon.aws, since Galaxy documents a collection without its
dependencies. ansible-test's validate-modules holds them against the real argument spec.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - AWS access key ID. Excludes O(profile).
      - Otherwise taken from E(AWS_ACCESS_KEY_ID) or E(AWS_ACCESS_KEY).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description:
      - AWS secret access key. Excludes O(profile).
      - Otherwise taken from E(AWS_SECRET_ACCESS_KEY) or E(AWS_SECRET_KEY).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description:
      - Session token of temporary AWS credentials. Excludes O(profile).
      - Otherwise taken from E(AWS_SESSION_TOKEN).
    type: str
    aliases: [aws_session_token]
  profile:
    description:
      - Profile in the AWS configuration files. Excludes O(access_key), O(secret_key) and O(session_token).
      - Otherwise taken from E(AWS_PROFILE) or E(AWS_DEFAULT_PROFILE).
    type: str
    aliases: [aws_profile]
  region:
    description:
      - The AWS region.
      - Otherwise taken from E(AWS_REGION) or E(AWS_DEFAULT_REGION), then from the profile.
    type: str
    aliases: [aws_region]
  endpoint_url:
    description:
      - URL to call in place of AWS's own endpoints.
      - Otherwise taken from E(AWS_URL).
    type: str
    aliases: [aws_endpoint_url]
  aws_ca_bundle:
    description:
      - File with the certificate authorities to trust.
      - Otherwise taken from E(AWS_CA_BUNDLE).
    type: path
  validate_certs:
    description: Whether the certificates of the AWS endpoints are checked. Name your O(aws_ca_bundle) rather than switch it off.
    type: bool
    default: true
  aws_config:
    description:
      - Options for U(https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html#botocore.config.Config).
    type: dict
  debug_botocore_endpoint_logs:
    description:
      - Returns the AWS calls that the task made, as C(resource_actions).
      - Otherwise taken from E(ANSIBLE_DEBUG_BOTOCORE_LOGS).
    type: bool
    default: false
requirements:
  - boto3 >= 1.43.0
  - botocore >= 1.43.0
notes:
  - Environment variables and AWS configuration files are those of the host where the module runs.
"""

    # For plugins, which run on the controller.
    PLUGINS = r"""
options:
  access_key:
    description: AWS access key ID. Excludes O(profile).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
    env:
      - name: AWS_ACCESS_KEY_ID
      - name: AWS_ACCESS_KEY
  secret_key:
    description: AWS secret access key. Excludes O(profile).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
    env:
      - name: AWS_SECRET_ACCESS_KEY
      - name: AWS_SECRET_KEY
  session_token:
    description: Session token of temporary AWS credentials. Excludes O(profile).
    type: str
    aliases: [aws_session_token]
    env:
      - name: AWS_SESSION_TOKEN
  profile:
    description: Profile in the AWS configuration files. Excludes O(access_key), O(secret_key) and O(session_token).
    type: str
    aliases: [aws_profile]
    env:
      - name: AWS_PROFILE
      - name: AWS_DEFAULT_PROFILE
  region:
    description: The AWS region.
    type: str
    aliases: [aws_region]
    env:
      - name: AWS_REGION
  endpoint_url:
    description: URL to call in place of AWS's own endpoints.
    type: str
    aliases: [aws_endpoint_url]
    env:
      - name: AWS_URL
requirements:
  - boto3 >= 1.43.0
  - botocore >= 1.43.0
notes:
  - Environment variables and AWS configuration files are those of the controller.
"""

    TAGS = r"""
options:
  tags:
    description: The resource's tags. Without this option they are left as they are.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that O(tags) doesn't name are removed. AWS's own, which begin with C(aws:), stay.
    type: bool
    default: true
"""
