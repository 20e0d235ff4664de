# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How EKS says "missing", and IAM of the roles that it works with."""

from __future__ import annotations

import typing as t

from .._core.errors import ErrorHandler


class EksErrorHandler(ErrorHandler):
    # EKS now and then answers a missing cluster with ClientException instead of ResourceNotFoundException.
    missing_codes = ("ResourceNotFoundException",)
    missing_texts: t.ClassVar[tuple[str, ...]] = ("No cluster found for name:",)


class AccessEntryErrorHandler(EksErrorHandler):
    # A cluster on CONFIG_MAP has no access entries.
    missing_texts = (*EksErrorHandler.missing_texts, "The cluster's authentication mode must be set to one of")


class IamErrorHandler(ErrorHandler):
    missing_codes = ("NoSuchEntity",)
