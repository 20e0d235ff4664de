# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's AWS: moto, and services of its own.

Any import from here sets moto up first, because moto reads its settings and data when it is imported.
"""

import os
from typing import Any

from moto.utilities import utils

# AWS's managed policies are there to attach; nobody here starts machines, so images and instance types
# (a quarter of a lab's memory) are left out.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

_load_resource = utils.load_resource


def _load_all_but_instance_types(resource: str) -> Any:
    return {} if resource.startswith("ec2/resources/instance_type") else _load_resource(resource)


utils.load_resource = _load_all_but_instance_types
