# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EKS as a whole: its parts put together, and the operations on tags."""

from __future__ import annotations

import threading
from typing import Any

from moto.core.request import Request
from werkzeug.wrappers import Response

from lab.aws import tags
from lab.aws.eks.access_entries import AccessEntries
from lab.aws.eks.cluster import Cluster, ClusterHost
from lab.aws.eks.common import Item
from lab.aws.eks.insights import Insights
from lab.aws.eks.updates import Updates
from lab.aws.eks.versions import Versions
from lab.aws.service import AwsError, Call
from lab.settings import Settings


class Eks(Updates, AccessEntries, Insights, Versions):
    """AWS's ``eks``, in the region of the settings. ``host`` runs the clusters."""

    name = "eks"

    def __init__(self, settings: Settings, host: ClusterHost) -> None:
        super().__init__(settings.region)
        self.settings = settings
        self.host = host
        self.lock = threading.RLock()
        self.clusters: dict[str, Cluster] = {}
        self.tokens: dict[tuple[str, str], tuple[Item, str]] = {}

    def handle(self, request: Request, caller_arn: str) -> Response:
        """One call at a time: calls come from many threads, and each must see and leave a whole state."""
        with self.lock:
            return super().handle(request, caller_arn)

    def check_tags(self, call: Call, given: dict[str, str]) -> None:
        """https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html#tag-restrictions"""
        code = "BadRequestException" if call.operation == "TagResource" else "InvalidParameterException"
        if key := tags.reserved(given):
            raise AwsError(code, f"The tag key {key} is reserved.")
        if text := tags.first_with_forbidden_character([*given, *given.values()]):
            raise AwsError(code, f"Invalid tag: {text}")

    def tag_resource(self, call: Call) -> None:
        self._tagged(call)["tags"].update(call.params["tags"])

    def untag_resource(self, call: Call) -> None:
        for key in call.params["tagKeys"]:
            self._tagged(call)["tags"].pop(key, None)

    def list_tags_for_resource(self, call: Call) -> Item:
        return {"tags": self._tagged(call)["tags"]}

    def _tagged(self, call: Call) -> dict[str, Any]:
        arn = call.params["resourceArn"]
        for cluster in self.clusters.values():
            for info in (cluster.info, *(entry.info for entry in cluster.entries.values())):
                if arn in (info.get("arn"), info.get("accessEntryArn")):
                    return info
        raise AwsError("NotFoundException", f"The resource {arn} could not be found.")
