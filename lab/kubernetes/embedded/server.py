# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API server's HTTP side: authentication, authorization, and the answer in the requested form."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from lab.faults import KUBERNETES, Fault, Faults, fingerprint
from lab.kubernetes import auth, reviews
from lab.kubernetes.auth import Attributes, Authenticate, Authorize, Decision, User
from lab.kubernetes.embedded import (
    audit,
    bodies,
    discovery,
    errors,
    impersonation,
    options,
    selectors,
    subresources,
    watch,
)
from lab.kubernetes.embedded.errors import StatusError
from lab.kubernetes.embedded.impersonation import Caller
from lab.kubernetes.embedded.options import DeleteOptions, WriteOptions
from lab.kubernetes.embedded.patch import Patch
from lab.kubernetes.embedded.registry import Registry
from lab.kubernetes.embedded.representations import Representation
from lab.kubernetes.embedded.resources import REVIEWS, Object, Resource
from lab.kubernetes.embedded.store import key_of
from lab.kubernetes.embedded.target import Target, parse

_LOG = logging.getLogger(__name__)

#: Everybody's permissions, from Kubernetes' own default roles (system:public-info-viewer, system:discovery,
#: system:basic-user).
_PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version")
_DISCOVERY_PATHS = ("/api", "/apis", "/openapi")
_OWN_QUESTIONS = ("selfsubjectaccessreviews", "selfsubjectreviews")

_POLL = 0.05


class Server:
    """Answers the requests to one cluster."""

    def __init__(
        self,
        registry: Registry,
        authenticate: Authenticate,
        authorize: Authorize,
        subresource_server: subresources.Subresources,
        discovery_documents: discovery.Discovery,
        audit_log: audit.AuditLog,
        faults: Faults,
    ) -> None:
        self.registry = registry
        self._authenticate = authenticate
        self._authorize = authorize
        self._subresources = subresource_server
        self._discovery = discovery_documents
        self._audit_log = audit_log
        self._faults = faults
        self._answering: set[asyncio.Transport] = set()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=8 * 1024**2, handler_args={"access_log": None})
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    def abort_connections(self) -> None:
        """End all requests in the middle of their answers."""
        for transport in self._answering:
            # A closed connection may still be listed, and Python 3.11.2 fails to abort it.
            if not transport.is_closing():
                transport.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        self._answering.add(transport)
        try:
            return await self._answer_and_log(request)
        finally:
            self._answering.discard(transport)

    async def _answer_and_log(self, request: web.Request) -> web.StreamResponse:
        caller: Caller | None = None
        target: Target | None = None
        try:
            caller = Caller(await self._user(request))
            target = parse(self.registry.kinds, request.method, request.path, options.flag(request, "watch"))
            fault = await self._fault(request, caller.sender, target)
            if fault and not fault.after:
                await self._inject(fault, request)
            caller = self._impersonate(caller.sender, request)
            answer = await self._answer(request, caller, target)
            if fault and fault.after:
                await self._inject(fault, request)
        except StatusError as error:
            answer = bodies.answer(error.status(), error.code)
            if seconds := error.details.get("retryAfterSeconds"):
                answer.headers["Retry-After"] = str(seconds)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            _LOG.exception("%s %s", request.method, request.path)
            answer = bodies.answer(
                errors.StatusError(500, "InternalError", f"Internal error occurred: {error!r}").status(), 500
            )
        self._audit_log.write(audit.COMPLETE, request, caller, target, answer.status)
        return answer

    async def _fault(self, request: web.Request, user: User, target: Target | None) -> Fault | None:
        """The fault that hits this request. None hits the lab's own controllers."""
        if target is None or auth.MASTERS in user.groups:
            return None
        operation, mutating = f"{target.verb} {target.resource.plural}", target.verb not in ("get", "list", "watch")
        sent = fingerprint(request.method, request.path_qs, await request.read() if mutating else b"")
        return self._faults.pick(KUBERNETES, operation, mutating, sent)

    async def _inject(self, fault: Fault, request: web.Request) -> None:
        match fault.kind:
            case "throttle":
                raise errors.too_many_requests()
            case "unavailable":
                raise errors.StatusError(
                    503, "ServiceUnavailable", "the server is currently unable to handle the request"
                )
            case "expired":
                raise errors.expired(1, self.registry.store.revision)
            case "slow":
                await asyncio.sleep(fault.seconds)
                return
        while fault.kind == "hang" and not self._faults.cleared:
            await asyncio.sleep(_POLL)
        if request.transport:
            request.transport.abort()
        raise ConnectionResetError

    async def _answer(self, request: web.Request, caller: Caller, target: Target | None) -> web.StreamResponse:
        user = caller.user
        if target is None:
            self._allow_path(user, request)
            return self._discovery.answer(request)
        decision = self.decide(user, target.attributes)
        if not decision.allowed:
            raise errors.forbidden_attributes(target.attributes, _refusal(user, target.attributes, decision))
        if target.resource in REVIEWS:
            return bodies.answer(await self._review(request, target, user), 201)
        if target.verb == "watch":
            self._audit_log.write(audit.STARTED, request, caller, target, 200)
            return await self._watch(request, target)
        if target.subresource and (special := self._subresources.find(target)):
            return await special(request, target, _write_options(request, target))
        handler: Callable[..., Any] = getattr(self, f"_{target.verb}")
        answer: web.Response = await handler(request, target)
        return answer

    async def _user(self, request: web.Request) -> User:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return auth.ANONYMOUS
        user = await self.user_of(token.strip())
        if user is None:
            raise errors.StatusError(401, "Unauthorized", "Unauthorized")
        return user

    def _impersonate(self, sender: User, request: web.Request) -> Caller:
        """Raises 403 when the sender may not act as the user whom the headers name."""
        wanted = impersonation.wanted(request.headers)
        if wanted is None:
            return Caller(sender)
        for permission in impersonation.permissions(wanted, request.headers):
            decision = self.decide(sender, permission)
            if not decision.allowed:
                raise errors.forbidden_attributes(permission, _refusal(sender, permission, decision))
        return Caller(sender, wanted)

    async def user_of(self, token: str) -> User | None:
        return await asyncio.to_thread(self._authenticate, token)

    async def _review(self, request: web.Request, target: Target, asker: User) -> Object:
        review = {**await bodies.read(request), "kind": target.resource.kind, "apiVersion": target.resource.api_version}
        return await reviews.answer(review, asker, self)

    def decide(self, user: User, wanted: Attributes) -> Decision:
        """The verdict of the cluster's authorizers."""
        if auth.MASTERS in user.groups or _allowed_to_everybody(user, wanted):
            return Decision(True)
        return self._authorize(user, wanted)

    def _allow_path(self, user: User, request: web.Request) -> None:
        wanted = Attributes(request.method.lower(), path=request.path)
        decision = self.decide(user, wanted)
        if not decision.allowed:
            raise errors.StatusError(403, "Forbidden", f"forbidden: {_refusal(user, wanted, decision)}")

    async def _get(self, request: web.Request, target: Target) -> web.Response:
        item = self.registry.get(target.resource, target.namespace, target.name)
        return self._object(request, target.resource, item)

    async def _list(self, request: web.Request, target: Target) -> web.Response:
        wanted = _match(request, target)
        revision, seen = watch.begin(request)
        asked, newest = watch.resource_version(request, target), self.registry.store.revision
        if asked > newest:
            raise errors.too_large_resource_version(asked, newest)
        kept = self.registry.store.items(target.resource, target.namespace, revision)
        items = [each for each in kept if key_of(each) > seen and wanted(each)]
        items, metadata = watch.page(items, request, revision or newest)
        return bodies.answer(Representation(request, target.resource).many(items, metadata))

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        return await watch.serve(request, target, self.registry.store, _match(request, target))

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        how = _write_options(request, target)
        made = self.registry.create(target.resource, target.namespace, await bodies.read(request), how)
        return self._object(request, target.resource, made, 201, how)

    async def _update(self, request: web.Request, target: Target) -> web.Response:
        how = _write_options(request, target)
        item = await bodies.read(request)
        made, new = self.registry.update(target.resource, target.namespace, target.name, item, how, target.subresource)
        return self._object(request, target.resource, made, 201 if new else 200, how)

    async def _patch(self, request: web.Request, target: Target) -> web.Response:
        how = _write_options(request, target)
        body = await bodies.read(request)
        where = (target.resource, target.namespace, target.name)
        if request.content_type == options.APPLY:
            made, new = self.registry.apply(*where, body, how, target.subresource)
            return self._object(request, target.resource, made, 201 if new else 200, how)
        wanted = Patch(request.content_type, body, self.registry.kinds.type(target.resource))
        made = self.registry.edit(*where, wanted.apply, how, target.subresource, wanted.refuse)
        return self._object(request, target.resource, made, how=how)

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        how = await self._delete_options(request)
        item, gone = self.registry.delete(target.resource, target.namespace, target.name, how)
        if not gone or target.resource.returns_deleted:
            return self._object(request, target.resource, item)
        details = {
            "name": target.name,
            **({"group": target.resource.group} if target.resource.group else {}),
            "kind": target.resource.plural,
            "uid": item["metadata"]["uid"],
        }
        return bodies.answer(
            {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    async def _deletecollection(self, request: web.Request, target: Target) -> web.Response:
        wanted, how = _match(request, target), await self._delete_options(request)
        answer = await self._list(request, target)
        for each in [each for each in self.registry.store.items(target.resource, target.namespace) if wanted(each)]:
            self.registry.delete(target.resource, *key_of(each), how)
        return answer

    async def _delete_options(self, request: web.Request) -> DeleteOptions:
        return await options.for_deleting(request, self.registry.kinds.delete_options)

    def _object(
        self, request: web.Request, resource: Resource, item: Object, code: int = 200, how: WriteOptions | None = None
    ) -> web.Response:
        body = Representation(request, resource).one(item)
        return bodies.answer(body, code, how.warnings if how else ())


def _write_options(request: web.Request, target: Target) -> WriteOptions:
    return options.for_writing(request, target.verb)


def _match(request: web.Request, target: Target) -> selectors.Match:
    by_label = selectors.labels(request.query.get("labelSelector", ""))
    by_field = selectors.fields(target.resource, request.query.get("fieldSelector", ""))
    return lambda item: (
        (not target.namespace or item["metadata"].get("namespace") == target.namespace)
        and (not target.name or item["metadata"]["name"] == target.name)
        and by_label(item)
        and by_field(item)
    )


def _allowed_to_everybody(user: User, wanted: Attributes) -> bool:
    if wanted.path:
        known = _PUBLIC_PATHS if user.name == auth.ANONYMOUS.name else _PUBLIC_PATHS + _DISCOVERY_PATHS
        return wanted.verb in ("get", "head") and wanted.path.startswith(known)
    return user.name != auth.ANONYMOUS.name and wanted.verb == "create" and wanted.resource in _OWN_QUESTIONS


def _refusal(user: User, wanted: Attributes, decision: Decision) -> str:
    resource = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    what = f'path "{wanted.path}"' if wanted.path else f'resource "{resource}" in API group "{wanted.group}" {where}'
    text = f'User "{user.name}" cannot {wanted.verb} {what}'
    return f"{text}: {decision.reason}" if decision.reason else text
