# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to an object on its way into the store and out of it: the API's rules, without HTTP.

A write goes: decode, keep what clients can't change, defaults, managed fields, addresses, validation, generation, store.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime
import random
import uuid
from collections.abc import Callable

from lab.kubernetes.embedded import decode, defaults, errors, managed, services, validation
from lab.kubernetes.embedded.kinds import Kinds
from lab.kubernetes.embedded.managed import Manager
from lab.kubernetes.embedded.resources import NAMESPACE, POD, SECRET, SERVICE, Object, Resource
from lab.kubernetes.embedded.store import Store, key_of

_NAME_CHARACTERS = "bcdfghjklmnpqrstvwxz2456789"
_UNDELETABLE = ("default", "kube-system", "kube-public")
#: Set by the server, whatever a client sends.
_OWN_METADATA = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclasses.dataclass(frozen=True)
class Options:
    """How a client wants a write done. ``validation`` is Strict, Warn or Ignore; warnings are added to ``warnings``."""

    manager: str = "unknown"
    dry_run: bool = False
    validation: str = "Warn"
    force: bool = False
    warnings: list[str] = dataclasses.field(default_factory=list)


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

    def create(self, resource: Resource, namespace: str, item: Object, options: Options) -> Object:
        """Raises 400, 403, 404 (no such namespace), 409 or 422."""
        return self._create(resource, namespace, item, options, None)

    def _create(
        self, resource: Resource, namespace: str, item: Object, options: Options, applied: Object | None
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
        return item if options.dry_run else self.store.put(resource, item)

    def edit(
        self, resource: Resource, namespace: str, name: str, edit: Edit, options: Options, subresource: str = ""
    ) -> Object:
        """Change an object, or one of its subresources. Raises 400, 404, 409 or 422."""
        before = self.get(resource, namespace, name)
        wanted = edit(copy.deepcopy(before))
        manager = Manager(options.manager, "Update", resource.api_version, subresource)
        return self._replace(resource, before, wanted, manager, options)

    def apply(
        self, resource: Resource, namespace: str, name: str, applied: Object, options: Options, subresource: str = ""
    ) -> tuple[Object, bool]:
        """Server-side apply: returns the object, and whether it is new."""
        kind = self.kinds.type(resource)
        applied = decode.decode_applied(kind, applied, resource)
        metadata = applied.setdefault("metadata", {})
        if metadata.pop("managedFields", None):
            raise errors.bad_request("metadata.managedFields must be nil")
        if metadata.setdefault("name", name) != name:
            raise errors.bad_request(
                f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
            )
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
        options: Options,
        applied: Object | None = None,
    ) -> Object:
        name = before["metadata"]["name"]
        item = self._decode(resource, wanted, options)
        _check_identity(resource, before, item)
        _keep_what_is_not_asked_for(resource, before, item, manager.subresource)
        self._complete(resource, item, before, manager, applied)
        if resource.generation and manager.subresource != "binding" and _specification(item) != _specification(before):
            item["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        item["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if _done(resource, item):
            return item if options.dry_run else self.store.remove(resource, item)
        if options.dry_run or item == before:
            return item
        if self.store.get(resource, *key_of(before)) is not before:
            raise errors.modified(resource, name)
        return self.store.put(resource, item)

    def delete(self, resource: Resource, namespace: str, name: str, options: Object) -> tuple[Object, bool]:
        """Delete by the given DeleteOptions: returns the object, and whether it is gone at once."""
        dry_run = "All" in options.get("dryRun", ())
        item = copy.deepcopy(self.get(resource, namespace, name))
        _check_preconditions(resource, item, options.get("preconditions") or {})
        if resource == NAMESPACE and name in _UNDELETABLE:
            raise errors.forbidden(resource, name, "this namespace may not be deleted")
        metadata = item["metadata"]
        finalizer = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(options.get("propagationPolicy", ""))
        if finalizer and finalizer not in metadata.get("finalizers", []):
            metadata["finalizers"] = [*metadata.get("finalizers", []), finalizer]
        grace = _grace_period(resource, item, options)
        if "deletionTimestamp" not in metadata or grace < metadata.get("deletionGracePeriodSeconds", 0):
            until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=grace)
            metadata["deletionTimestamp"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
            if resource == NAMESPACE:
                item["status"] = {**item.get("status", {}), "phase": "Terminating"}
            else:
                metadata["deletionGracePeriodSeconds"] = grace
            if "generation" in metadata:
                metadata["generation"] += 1
        if _done(resource, item):
            return (item if dry_run else self.store.remove(resource, item)), True
        if not dry_run and item != self.get(resource, namespace, name):
            self.store.put(resource, item)
        return item, False

    def _decode(self, resource: Resource, item: Object, options: Options) -> Object:
        if not isinstance(item, dict):
            raise errors.bad_request("the object provided is unrecognized (must be of type object)")
        given = (item.get("apiVersion") or resource.api_version, item.get("kind") or resource.kind)
        if given != (resource.api_version, resource.kind):
            raise decode.wrong_kind(given, resource)
        return {
            "kind": resource.kind,
            "apiVersion": resource.api_version,
            **decode.decode(self.kinds.type(resource), item, resource, options.validation, options.warnings),
        }

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
        """Defaults, who owns what, then what nobody owns (addresses and the like), and the check of the whole."""
        kind = self.kinds.type(resource)
        defaults.fill(kind, item)
        defaults.zero(kind.field("status"), item.get("status"))
        if manager.subresource != "binding":
            managed.record(kind, before, item, manager, now(), applied)
        if resource == SERVICE:
            others = (each for each in self.store.items(resource) if key_of(each) != key_of(item))
            services.allocate(item, before, others)
        elif complete := _COMPLETE.get(resource):
            complete(item, before)
        # A pod's node may not be changed, but set by binding it.
        validation.check(resource, kind, item, before if manager.subresource != "binding" else None)


def _specification(item: Object) -> Object:
    """Everything that generation counts changes of."""
    return {name: value for name, value in item.items() if name not in ("metadata", "status")}


def _keep_what_is_not_asked_for(resource: Resource, before: Object, item: Object, subresource: str) -> None:
    """Clients can't change what is the server's, the status but through its subresource, nor all else through that.

    What comes through other subresources is the server's own doing.
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


def _complete_namespace(item: Object, before: Object | None) -> None:
    if before is None:
        item["spec"] = {"finalizers": ["kubernetes"]}
        item["status"] = {"phase": "Active"}


def _complete_pod(item: Object, before: Object | None) -> None:
    """What the admission plugins for priorities and tolerations add, and the first status."""
    if before is None:
        item["spec"].update(priority=0, preemptionPolicy="PreemptLowerPriority")
        for trouble in ("not-ready", "unreachable"):
            item["spec"].setdefault("tolerations", []).append(
                {
                    "key": f"node.kubernetes.io/{trouble}",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": 300,
                }
            )
        item["status"] = {"phase": "Pending", "qosClass": _quality(item["spec"])}


def _quality(spec: Object) -> str:
    """The pod's quality of service class."""
    resources = [each.get("resources", {}) for each in spec["containers"] + spec.get("initContainers", [])]
    if not any(resources):
        return "BestEffort"
    limited = all({"cpu", "memory"} <= each.get("limits", {}).keys() for each in resources)
    return "Guaranteed" if limited and all(each["limits"] == each["requests"] for each in resources) else "Burstable"


def _encode_secret(item: Object, before: Object | None) -> None:
    texts = item.pop("stringData", {})
    if not texts:
        return
    item["data"] = {
        **item.get("data", {}),
        **{name: base64.b64encode(text.encode()).decode() for name, text in texts.items()},
    }


_COMPLETE = {NAMESPACE: _complete_namespace, POD: _complete_pod, SECRET: _encode_secret}


def _grace_period(resource: Resource, item: Object, options: Object) -> int:
    """Seconds: only a pod that a kubelet runs is given time to end."""
    if resource != POD or not item["spec"].get("nodeName"):
        return 0
    if item.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    asked = options.get("gracePeriodSeconds")
    return int(item["spec"]["terminationGracePeriodSeconds"] if asked is None else asked)


def _done(resource: Resource, item: Object) -> bool:
    """Whether an object that is being deleted has nothing left to wait for."""
    metadata = item["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if resource == NAMESPACE:
        return not item.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


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
    """A stale resource version or another uid means that the client didn't see this object."""
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


def _check_preconditions(resource: Resource, item: Object, preconditions: dict[str, str]) -> None:
    for name, label, happened in (
        ("uid", "UID", "deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "modified"),
    ):
        known, wanted = item["metadata"][name], preconditions.get(name)
        if wanted not in (None, known):
            raise errors.StatusError(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {resource.qualified_kind} "{item["metadata"]["name"]}": the '
                f"{label} in the precondition ({wanted}) does not match the {label} in record ({known}). "
                f"The object might have been {happened}",
                {"name": item["metadata"]["name"], "group": resource.group, "kind": resource.kind},
            )
