# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit log: each request, its caller, and the status of the answer. Kubernetes' own events, one a line.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from __future__ import annotations

import datetime
import json
import uuid
from pathlib import Path
from typing import Any

from aiohttp import web

from lab.kubernetes.auth import MASTERS, User
from lab.kubernetes.embedded.impersonation import Caller
from lab.kubernetes.embedded.target import Target

STARTED, COMPLETE = "ResponseStarted", "ResponseComplete"


class AuditLog:
    """Writes to one file. Requests of the lab's own controllers (group system:masters) are left out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, stage: str, request: web.Request, caller: Caller | None, target: Target | None, code: int) -> None:
        """``caller`` and ``target`` are None where the request was refused before they were known."""
        if caller and MASTERS in caller.sender.groups:
            return
        event: dict[str, Any] = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": str(uuid.uuid4()),
            "stage": stage,
            "requestURI": request.raw_path,
            "verb": target.verb if target else request.method.lower(),
            "user": _user(caller.sender) if caller else {},
            "userAgent": request.headers.get("User-Agent", ""),
            "responseStatus": {"metadata": {}, "code": code},
            "stageTimestamp": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
        }
        if caller and caller.impersonated:
            event["impersonatedUser"] = _user(caller.impersonated)
        if target:
            event["objectRef"] = _reference(target)
        with self._path.open("a") as log:
            print(json.dumps(event), file=log)


def _user(user: User) -> dict[str, Any]:
    extra = {key: list(values) for key, values in user.extra.items()}
    return {"username": user.name, "uid": user.uid, "groups": list(user.groups), "extra": extra}


def _reference(target: Target) -> dict[str, str]:
    found = {
        "resource": target.resource.plural,
        "namespace": target.namespace,
        "name": target.name,
        "apiGroup": target.resource.group,
        "apiVersion": target.resource.version,
        "subresource": target.subresource,
    }
    return {key: value for key, value in found.items() if value}
