# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes versions of EKS, as they were on 2026-10-01. An account sees them with DescribeClusterVersions.

https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html and https://endoflife.date/amazon-eks
"""

from __future__ import annotations

import datetime

from lab.aws.eks.common import Item, invalid, page
from lab.aws.service import Call, Service

#: Newest first: release, end of standard support, end of extended support.
_RELEASES = [
    ("1.36", "2026-06-02", "2027-08-02", "2028-08-02"),
    ("1.35", "2026-01-27", "2027-03-27", "2028-03-27"),
    ("1.34", "2025-10-02", "2026-12-02", "2027-12-02"),
    ("1.33", "2025-05-29", "2026-07-29", "2027-07-29"),
    ("1.32", "2025-01-23", "2026-03-23", "2027-03-23"),
    ("1.31", "2024-09-26", "2025-11-26", "2026-11-26"),
    ("1.30", "2024-05-23", "2025-07-23", "2026-07-23"),
]
VERSIONS = [release[0] for release in _RELEASES]
STANDARD = ("1.36", "1.35", "1.34")
DEFAULT = "1.36"


def check_version(version: str) -> None:
    if version not in VERSIONS:
        raise invalid(f"unsupported Kubernetes version {version}")


def check_update(current: str, wanted: str) -> None:
    """Upwards, one minor at a time: https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html"""
    check_version(wanted)
    if VERSIONS.index(current) - VERSIONS.index(wanted) != 1:
        raise invalid(f"Unsupported Kubernetes minor version update from {current} to {wanted}")


class Versions(Service):
    """EKS's operation about versions."""

    def describe_cluster_versions(self, call: Call) -> Item:
        known = [_describe(*release) for release in _RELEASES]
        if wanted := call.params.get("clusterVersions"):
            known = [item for item in known if item["clusterVersion"] in wanted]
        if call.params.get("defaultOnly"):
            known = [item for item in known if item["defaultVersion"]]
        status = call.params.get("versionStatus") or call.params.get("status", "").upper().replace("-", "_")
        if status:
            known = [item for item in known if item["versionStatus"] == status]
        return page(call, "clusterVersions", known)


def _describe(version: str, release: str, standard_end: str, extended_end: str) -> Item:
    status = "STANDARD_SUPPORT" if version in STANDARD else "EXTENDED_SUPPORT"
    return {
        "clusterVersion": version,
        "clusterType": "eks",
        "defaultPlatformVersion": "eks.1",
        "defaultVersion": version == DEFAULT,
        "releaseDate": _date(release),
        "endOfStandardSupportDate": _date(standard_end),
        "endOfExtendedSupportDate": _date(extended_end),
        "status": status.lower().replace("_", "-"),
        "versionStatus": status,
        "kubernetesPatchVersion": f"{version}.0",
    }


def _date(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
