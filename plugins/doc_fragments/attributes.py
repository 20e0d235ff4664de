# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes that every module of this collection declares."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/seam.eks_auto.aws) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - seam.eks_auto.aws
seealso:
  - ref: ansible_collections.seam.eks_auto.docsite.guide_troubleshooting
    description: Every error message of this module, its cause, and its remedy.
"""
    # For modules that change something.
    CHANGES = r"""
options: {}
attributes:
  check_mode:
    description: Predicts the changes, and makes none.
    support: full
  diff_mode:
    description: Shows the state before and after.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
"""
    # For modules that only look: nothing to predict, nothing to show as a difference.
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Never changes anything, so there is no difference to show.
    support: N/A
  idempotent:
    description: Never changes anything.
    support: full
"""
