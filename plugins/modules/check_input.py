#!/usr/bin/python
# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of an action plugin, plugins/action/check_input.py, which does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_input
version_added: 1.1.0
short_description: Check variables before the first change
description:
  - Asks of each variable whether AWS and Kubernetes would take its value, by the same rules that the modules of this
    collection ask of their options.
  - Fails with a sentence for every variable that they would not take. Asks neither AWS nor Kubernetes.
  - It also names unknown, perhaps misspelt variables. In a role these begin with the role's name, elsewhere with
    C(seam_) or C(orphans_), as the variables of this collection's playbooks do.
  - In a role, a variable of the role's argument specs is refused if it is text where a list or a mapping is wanted.
  - A variable that is not defined is passed over, unless it is required. One that is null is refused.
author:
  - seam.eks_auto contributors (@seam)
options:
  rules:
    description:
      - For each variable the name of a rule, such as C(cluster_name), a rule with its arguments (see the example), or a list
        of these.
      - "The rules are the functions of C(plugins/module_utils/_core/checks.py)."
    type: dict
    required: true
  required:
    description: The variables that must be defined.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - seam.eks_auto.attributes.info
attributes:
  action:
    description: An action plugin does the work, where the playbook runs. It asks nothing of AWS, so it needs no credentials.
    support: full
seealso:
  - name: Naming of AWS
    description: The rule for a cluster's name, as one of many.
    link: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
  - ref: ansible_collections.seam.eks_auto.docsite.guide_troubleshooting
    description: Every message of this module, its cause and its fix.
"""

EXAMPLES = r"""
- name: Check the names
  seam.eks_auto.check_input:
    rules:
      seam_cluster: cluster_name
      petstore_workload_replicas: {between: [1, 1000]}
"""

RETURN = r"""
changed:
  description: Never true.
  returned: success
  type: bool
"""
