# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects in requests' bodies, in the three formats that clients send, and the JSON of answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml
from aiohttp import web

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.kubectl import protobuf
from lab.kubernetes.embedded.resources import Object


async def read(request: web.Request) -> Any:
    """Raises 400 or 415."""
    kind = request.content_type
    try:
        if kind == protobuf.CONTENT_TYPE:
            return protobuf.decode(await request.read())
        text = await request.text()
        return yaml.safe_load(text) if "yaml" in kind else json.loads(text)
    except (ValueError, IndexError, yaml.YAMLError) as error:
        raise errors.bad_request(f"the object provided is unrecognized: {error}") from error


def encode(value: Any) -> str:
    """JSON as Kubernetes writes it, without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def answer(body: Object, code: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    """An answer with its warnings as headers, which kubectl shows."""
    response = web.json_response(body, status=code, dumps=encode)
    for text in warnings:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response
