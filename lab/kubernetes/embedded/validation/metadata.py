# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metadata: names, labels, annotations and finalizers."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded import errors
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import NAMESPACE, SERVICE, Object, Resource
from lab.kubernetes.embedded.validation import forms

#: The names of all other kinds are subdomains.
_NAMES = {NAMESPACE: forms.label, SERVICE: forms.label}
#: Bytes, of all annotations of an object.
_MOST_ANNOTATIONS = 256 * 1024
_STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


def check(resource: Resource, metadata: Object, before: Object | None) -> Iterator[Cause]:
    yield from forms.form(_NAMES.get(resource, forms.subdomain), metadata["name"], "metadata.name")
    yield from check_labels(metadata.get("labels", {}), "metadata.labels")
    yield from check_annotations(metadata.get("annotations", {}), "metadata.annotations")
    yield from _finalizers(metadata.get("finalizers", []), new=before is None and not resource.custom)
    if before is not None and "deletionTimestamp" in before:
        yield from _late_finalizers(metadata, before)


def check_labels(given: dict[str, str], path: str) -> Iterator[Cause]:
    for key, value in given.items():
        yield from forms.form(forms.qualified_name, key, path)
        yield from forms.form(forms.label_value, value, path)


def check_annotations(given: dict[str, str], path: str) -> Iterator[Cause]:
    for key in given:
        yield from (errors.invalid_value(path, key, text) for text in forms.qualified_name(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > _MOST_ANNOTATIONS:
        yield errors.too_long(path, _MOST_ANNOTATIONS)


def _finalizers(given: list[str], new: bool) -> Iterator[Cause]:
    for index, name in enumerate(given):
        yield from forms.form(forms.qualified_name, name, "metadata.finalizers")
        if new and "/" not in name and name not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield errors.invalid_value(f"metadata.finalizers[{index}]", name, text)


def _late_finalizers(metadata: Object, before: Object) -> Iterator[Cause]:
    new = [each for each in metadata.get("finalizers", []) if each not in before.get("finalizers", [])]
    if new:
        quoted = ", ".join(f'"{each}"' for each in new)
        yield errors.forbidden_value(
            "metadata.finalizers",
            f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{quoted}}}",
        )
