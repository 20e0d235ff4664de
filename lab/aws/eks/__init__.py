# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amazon EKS: clusters with Auto Mode, their updates, and access entries, as AWS documents them."""

from lab.aws.eks.cluster import ClusterHost, Endpoint
from lab.aws.eks.service import Eks

__all__ = ["ClusterHost", "Eks", "Endpoint"]
