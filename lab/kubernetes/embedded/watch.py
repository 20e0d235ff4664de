# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists in pages, and watches: a stream of the changes to the objects that a client selected."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import json
from collections.abc import AsyncGenerator, Callable

from aiohttp import web

from lab.kubernetes.embedded import bodies, errors, options
from lab.kubernetes.embedded.errors import StatusError
from lab.kubernetes.embedded.representations import Representation
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.selectors import Match
from lab.kubernetes.embedded.store import Change, Key, Store, key_of
from lab.kubernetes.embedded.target import Target

#: Seconds between bookmarks, which give an idle client a recent resource version.
BOOKMARK_INTERVAL = 30.0
#: Seconds that a watch lasts when the client doesn't say.
_DEFAULT_TIMEOUT = 1800.0


def begin(request: web.Request) -> tuple[int | None, Key]:
    """Where a list goes on: the revision it shows, and the last object already shown. None: from the start.

    Raises 400.
    """
    token = request.query.get("continue")
    if not token:
        return None, ("", "")
    try:
        found = json.loads(base64.urlsafe_b64decode(token))
        namespace, name = found["start"]
        return int(found["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError) as error:
        raise errors.bad_request("continue key is not valid") from error


def page(items: list[Object], request: web.Request, revision: int) -> tuple[list[Object], Object]:
    """The first page of ``items`` as large as the client wants, and the list's metadata about the rest. Raises 400."""
    metadata: Object = {"resourceVersion": str(revision)}
    limit = options.integer(request, "limit") or 0
    if not limit or len(items) <= limit:
        return items, metadata
    token = json.dumps({"rv": revision, "start": key_of(items[limit - 1])})
    metadata["continue"] = base64.urlsafe_b64encode(token.encode()).decode()
    if not request.query.keys() & {"labelSelector", "fieldSelector"}:
        metadata["remainingItemCount"] = len(items) - limit
    return items[:limit], metadata


async def serve(request: web.Request, target: Target, store: Store, wanted: Match) -> web.StreamResponse:
    """Stream watch events until the client's timeout, the client's end, or the server's."""
    if "sendInitialEvents" in request.query and request.query.get("resourceVersionMatch") != "NotOlderThan":
        detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise errors.invalid_options("ListOptions", [errors.forbidden_value("resourceVersionMatch", detail)])
    timeout = options.integer(request, "timeoutSeconds") or _DEFAULT_TIMEOUT
    since = resource_version(request, target)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    show = _shown_as(request, target)

    async def send(kind: str, item: Object) -> None:
        event = {"type": kind, "object": item if kind == "ERROR" else show(item, kind)}
        await response.write(bodies.encode(event).encode() + b"\n")

    # A client that has seen enough closes the connection at any time.
    with contextlib.suppress(ConnectionError):
        try:
            async with asyncio.timeout(timeout):
                async with contextlib.aclosing(_events(request, target, store, wanted, since)) as stream:
                    async for kind, item in stream:
                        await send(kind, item)
        except TimeoutError:
            if _bookmarks(request):
                await send("BOOKMARK", _bookmark(target, store.revision))
        except StatusError as error:
            await send("ERROR", error.status())
        await response.write_eof()
    return response


async def _events(
    request: web.Request, target: Target, store: Store, wanted: Match, since: int
) -> AsyncGenerator[tuple[str, Object]]:
    initial = request.query.get("sendInitialEvents") == "true"
    known: list[Object] = []
    if initial or not since:
        since = store.revision
        known = [each for each in store.items(target.resource, target.namespace) if wanted(each)]
    with store.subscribe(target.resource, since) as queue:
        for item in known:
            yield "ADDED", item
        if initial:
            bookmark = _bookmark(target, since)
            bookmark["metadata"]["annotations"] = {"k8s.io/initial-events-end": "true"}
            yield "BOOKMARK", bookmark
        while True:
            try:
                change = await asyncio.wait_for(queue.get(), BOOKMARK_INTERVAL)
            except TimeoutError:
                if _bookmarks(request):
                    yield "BOOKMARK", _bookmark(target, store.revision)
                continue
            if change is None:
                return
            if event := _event(change, wanted):
                yield event


def resource_version(request: web.Request, target: Target) -> int:
    """The resource version of the request, 0 without one. Raises 422."""
    text = request.query.get("resourceVersion") or "0"
    if not text.isdecimal():
        cause = errors.invalid_value("resourceVersion", text, f'strconv.ParseUint: parsing "{text}": invalid syntax')
        raise errors.invalid(dataclasses.replace(target.resource, kind=target.resource.plural), "", [cause])
    return int(text)


def _event(change: Change, wanted: Match) -> tuple[str, Object] | None:
    """The event of a change for a client that sees only selected objects."""
    was = change.before is not None and wanted(change.before)
    if change.after is not None and wanted(change.after):
        return "MODIFIED" if was else "ADDED", change.after
    if was and change.before is not None:
        metadata = {**change.before["metadata"], "resourceVersion": str(change.revision)}
        return "DELETED", {**change.before, "metadata": metadata}
    return None


def _bookmarks(request: web.Request) -> bool:
    return request.query.get("allowWatchBookmarks") in ("true", "1")


def _bookmark(target: Target, revision: int) -> Object:
    return {
        "kind": target.resource.kind,
        "apiVersion": target.resource.api_version,
        "metadata": {"resourceVersion": str(revision), "creationTimestamp": None},
    }


def _shown_as(request: web.Request, target: Target) -> Callable[[Object, str], Object]:
    """Objects in the form that the client asked for."""
    form = Representation(request, target.resource)
    first = True

    def show(item: Object, kind: str) -> Object:
        nonlocal first
        body = form.bookmark(item, columns=first) if kind == "BOOKMARK" else form.one(item, columns=first)
        first = False
        return body

    return show
