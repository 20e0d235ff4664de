# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An object's way into the store and out of it: the API's rules, without HTTP.

A write goes: decode, restore read-only fields, defaults, managed fields, addresses, validation, generation, store.
"""

from __future__ import annotations

import copy
import datetime
import random
import uuid
from collections.abc import Callable
from typing import Any

from lab.kubernetes.embedded import admission, decode, defaults, deletion, errors, managed, services, validation
from lab.kubernetes.embedded.decode import Refuse, refuse_body
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.managed import Manager
from lab.kubernetes.embedded.options import DeleteOptions, WriteOptions
from lab.kubernetes.embedded.resources import DEPLOYMENT, NAMESPACE, POD, SECRET, SERVICE, Object, Resource
from lab.kubernetes.embedded.store import Store, key_of

_NAME_CHARACTERS = "bcdfghjklmnpqrstvwxz2456789"
_UNDELETABLE = ("default", "kube-system", "kube-public")
#: The server sets these and ignores the client's values.
_OWN_METADATA = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


#: Makes the wanted object out of the current one.
Edit = Callable[[Object], Object]


def now() -> str:
    """In whole seconds, as the API has times."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Registry:
    """Reads and writes the objects of one API server."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.store = Store()

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Raises 404."""
        item = self.store.get(resource, namespace, name)
        if item is None:
            raise errors.not_found(resource, name)
        return item

    def create(self, resource: Resource, namespace: str, item: Object, options: WriteOptions) -> Object:
        """Raises 400, 403, 404 (no such namespace), 409 or 422."""
        return self._create(resource, namespace, item, options, None)

    def _create(
        self, resource: Resource, namespace: str, item: Object, options: WriteOptions, applied: Object | None
    ) -> Object:
        item = self._decode(resource, item, options)
        metadata = item.setdefault("metadata", {})
        _name(resource, namespace, metadata)
        if self.store.get(resource, namespace, metadata["name"]) is not None:
            raise errors.already_exists(resource, metadata["name"])
        self._admit_to_namespace(resource, namespace, metadata["name"])
        for name in (*_OWN_METADATA, "resourceVersion", "managedFields", "selfLink"):
            metadata.pop(name, None)
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=now())
        if resource.generation:
            metadata["generation"] = 1
        if "status" in resource.subresources:
            item["status"] = {}
        manager = Manager(options.manager, "Update" if applied is None else "Apply", resource.api_version)
        self._complete(resource, item, None, manager, applied)
        options.warnings.extend(validation.warnings(resource, item))
        return item if options.dry_run else self.store.put(resource, item)

    def edit(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        edit: Edit,
        options: WriteOptions,
        subresource: str = "",
        refuse: Refuse | None = None,
    ) -> Object:
        """Change an object, or one of its subresources. Raises 400, 404, 409 or 422.

        ``refuse`` makes the refusal of an object that can't be decoded; the default is the one for a whole object.
        """
        before = self.get(resource, namespace, name)
        wanted = edit(copy.deepcopy(before))
        manager = Manager(options.manager, "Update", resource.api_version, subresource)
        return self._replace(resource, before, wanted, manager, options, refuse=refuse)

    def update(
        self, resource: Resource, namespace: str, name: str, item: Any, options: WriteOptions, subresource: str = ""
    ) -> tuple[Object, bool]:
        """Put an object in the place of the one that is there: returns it, and whether it is new.

        Only some kinds are made by it. Raises 400, 404, 409 or 422.
        """
        there = self.store.get(resource, namespace, name) is not None
        if there or subresource or not resource.created_by_put:
            return self.edit(resource, namespace, name, lambda _: item, options, subresource), False
        if isinstance(item, dict) and isinstance(item.setdefault("metadata", {}), dict):
            _check_name(item["metadata"].setdefault("name", name), name)
        return self.create(resource, namespace, item, options), True

    def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        applied: Object,
        options: WriteOptions,
        subresource: str = "",
    ) -> tuple[Object, bool]:
        """Server-side apply: returns the object, and whether it is new."""
        kind = self.kinds.type(resource)
        applied = decode.decode_applied(kind, applied, resource)
        metadata = applied.setdefault("metadata", {})
        if metadata.pop("managedFields", None):
            raise errors.bad_request("metadata.managedFields must be nil")
        _check_name(metadata.setdefault("name", name), name)
        before = self.store.get(resource, namespace, name)
        if before is None and not subresource:
            return self._create(resource, namespace, copy.deepcopy(applied), options, applied), True
        before = self.get(resource, namespace, name)
        manager = Manager(options.manager, "Apply", resource.api_version, subresource)
        wanted = managed.apply(kind, before, applied, manager, options.force)
        return self._replace(resource, before, copy.deepcopy(wanted), manager, options, applied), False

    def _replace(
        self,
        resource: Resource,
        before: Object,
        wanted: Object,
        manager: Manager,
        options: WriteOptions,
        applied: Object | None = None,
        refuse: Refuse | None = None,
    ) -> Object:
        name = before["metadata"]["name"]
        reset = managed.is_reset(wanted)
        item = self._decode(resource, wanted, options, refuse)
        if reset:
            item["metadata"]["managedFields"] = []
        _check_identity(resource, before, item)
        _keep_read_only_fields(resource, before, item, manager.subresource)
        self._complete(resource, item, before, manager, applied)
        if resource.generation and _is_another(resource, item, before, manager.subresource):
            item["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
            # Whoever changes a pod is no human, and isn't warned.
            if resource != POD:
                options.warnings.extend(validation.warnings(resource, item))
        item["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if deletion.is_done(resource, item):
            if not options.dry_run:
                self.store.remove(resource, key_of(item))
            return item
        if options.dry_run or item == before:
            return item
        if self.store.get(resource, *key_of(before)) is not before:
            raise errors.modified(resource, name)
        return self.store.put(resource, item)

    def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> tuple[Object, bool]:
        """Returns the object, and whether it is gone at once. Raises 403, 404 or 409."""
        before = self.get(resource, namespace, name)
        deletion.check_preconditions(resource, before, options)
        if resource == NAMESPACE and name in _UNDELETABLE:
            raise errors.forbidden(resource, name, "this namespace may not be deleted")
        item = copy.deepcopy(before)
        deletion.mark(resource, item, options)
        gone = deletion.is_done(resource, item)
        if options.dry_run:
            return before if gone else item, gone
        # A pod's end is always written, another object's only while it waits for something.
        if item != before and (resource == POD or not gone):
            self.store.put(resource, item)
        return (self.store.remove(resource, (namespace, name)) if gone else item), gone

    def _decode(self, resource: Resource, item: Object, options: WriteOptions, refuse: Refuse | None = None) -> Object:
        refuse = refuse or refuse_body(resource)
        if not isinstance(item, dict):
            raise errors.bad_request("the object provided is unrecognized (must be of type object)")
        for name in ("apiVersion", "kind"):
            if not isinstance(item.get(name, ""), str | None):
                why = decode.cannot_unmarshal_field(item[name], f".{name}", "string")
                raise errors.bad_request(f"couldn't get version/kind; json parse error: {why}")
        given = (item.get("apiVersion") or resource.api_version, item.get("kind") or resource.kind)
        if given != (resource.api_version, resource.kind):
            raise refuse(decode.wrong_kind(given, resource))
        kind = self.kinds.type(resource)
        made = decode.decode(kind, item, resource, options.validation, options.warnings, refuse)
        return {"kind": resource.kind, "apiVersion": resource.api_version, **made}

    def _admit_to_namespace(self, resource: Resource, namespace: str, name: str) -> None:
        if not resource.namespaced:
            return
        found = self.store.get(NAMESPACE, "", namespace)
        if found is None:
            raise errors.not_found(NAMESPACE, namespace)
        if "deletionTimestamp" in found["metadata"]:
            refusal = errors.forbidden(
                resource, name, f"unable to create new content in namespace {namespace} because it is being terminated"
            )
            refusal.details["causes"] = [
                {
                    "reason": "NamespaceTerminating",
                    "message": f"namespace {namespace} is being terminated",
                    "field": "metadata.namespace",
                }
            ]
            raise refusal

    def _complete(
        self, resource: Resource, item: Object, before: Object | None, manager: Manager, applied: Object | None
    ) -> None:
        """Defaults and managed fields, then the fields nobody owns (addresses and the like), then validation."""
        kind = self.kinds.type(resource)
        defaults.fill(kind, item)
        defaults.zero(kind.field("status"), item.get("status"))
        if manager.subresource != "binding":
            managed.record(kind, before, item, manager, now(), applied)
        if resource == SERVICE:
            others = [each for each in self.store.items(resource) if key_of(each) != key_of(item)]
            services.allocate(item, before, others)
        elif before is None or resource == SECRET:
            admission.complete(resource, item)
        # A pod's node may not be changed, but set by binding it.
        validation.check(resource, kind, item, before if manager.subresource != "binding" else None)
        if manager.subresource == "status":
            validation.check_status(resource, item)
        if resource == SERVICE:
            services.refuse_taken(item, before, others)


def _is_another(resource: Resource, item: Object, before: Object, subresource: str) -> bool:
    """Whether generation counts it as changed: in all but metadata and status. Of a Deployment annotations count too."""
    if subresource in ("binding", "status"):
        return False
    names = (item.keys() | before.keys()) - {"metadata", "status"}
    if any(item.get(name) != before.get(name) for name in names):
        return True
    annotations = [each["metadata"].get("annotations") for each in (item, before)]
    return resource == DEPLOYMENT and annotations[0] != annotations[1]


def _keep_read_only_fields(resource: Resource, before: Object, item: Object, subresource: str) -> None:
    """Keep from ``before`` the fields that this request can't change.

    The status changes through its subresource only, everything else only without it. Some metadata is the server's own.
    """
    if subresource == "status":
        for name in list(item):
            if name not in ("metadata", "status", "kind", "apiVersion"):
                del item[name]
        item.update({name: value for name, value in before.items() if name not in ("metadata", "status")})
    elif "status" in resource.subresources and not subresource:
        item.pop("status", None)
        if "status" in before:
            item["status"] = before["status"]
    if resource == NAMESPACE and subresource != "finalize":
        item["spec"] = before["spec"]
    for name in _OWN_METADATA:
        item["metadata"].pop(name, None)
        if name in before["metadata"]:
            item["metadata"][name] = before["metadata"][name]


def _check_name(given: str, name: str) -> None:
    if given != name:
        raise errors.bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")


def _name(resource: Resource, namespace: str, metadata: Object) -> None:
    if resource.namespaced:
        if metadata.setdefault("namespace", namespace) != namespace:
            raise errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
    else:
        metadata.pop("namespace", None)
    if not metadata.get("name"):
        if "generateName" not in metadata:
            raise errors.invalid(resource, "", [errors.required("metadata.name", "name or generateName is required")])
        metadata["name"] = metadata["generateName"] + "".join(random.choices(_NAME_CHARACTERS, k=5))


def _check_identity(resource: Resource, before: Object, item: Object) -> None:
    """A stale resource version or another uid: the client hasn't seen this object."""
    metadata, known = item.setdefault("metadata", {}), before["metadata"]
    for name in ("name", "namespace"):
        if name in known and metadata.setdefault(name, known[name]) != known[name]:
            raise errors.bad_request(
                f"the {name} of the object ({metadata[name]}) does not match the {name} on the URL ({known[name]})"
            )
    if metadata.get("resourceVersion", known["resourceVersion"]) != known["resourceVersion"]:
        raise errors.modified(resource, known["name"])
    if metadata.get("uid", known["uid"]) != known["uid"]:
        cause = errors.invalid_value("metadata.uid", metadata["uid"], "field is immutable")
        raise errors.invalid(resource, known["name"], [cause])
