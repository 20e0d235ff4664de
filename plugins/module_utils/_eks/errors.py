# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How EKS says "missing", and IAM of the roles that it works with."""

from __future__ import annotations

from .._core.errors import ErrorHandler


class EksErrorHandler(ErrorHandler):
    # EKS now and then answers a missing cluster with ClientException instead of ResourceNotFoundException.
    missing_codes = ("ResourceNotFoundException",)
    # A cluster on CONFIG_MAP has no access entries, and EKS refuses to look for one.
    missing_texts = ("No cluster found for name:", "authentication mode must be set to one of [API")


class IamErrorHandler(ErrorHandler):
    missing_codes = ("NoSuchEntity",)
