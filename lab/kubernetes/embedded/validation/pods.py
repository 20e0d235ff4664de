# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods and their templates: containers, probes, environment, volumes."""

from __future__ import annotations

from collections.abc import Iterator

from lab.kubernetes.embedded import errors, quantity
from lab.kubernetes.embedded.errors import Cause
from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.validation import forms, metadata

_UPDATES = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
_CONTAINERS = ("initContainers", "containers")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_VALUE_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_RESOURCES = ("cpu", "memory", "ephemeral-storage")


def template(item: Object, path: str) -> Iterator[Cause]:
    given = item.get("metadata", {})
    yield from metadata.check_labels(given.get("labels", {}), f"{path}labels")
    yield from metadata.check_annotations(given.get("annotations", {}), f"{path}annotations")


def spec(item: Object, path: str) -> Iterator[Cause]:
    volumes: set[str] = set()
    for index, volume in enumerate(item.get("volumes", ())):
        yield from _volume(volume, volumes, f"{path}volumes[{index}]")
    names: set[str] = set()
    for kind in _CONTAINERS:
        for index, container in enumerate(item.get(kind, ())):
            yield from _container(container, names, volumes, f"{path}{kind}[{index}].")


def _volume(volume: Object, names: set[str], path: str) -> Iterator[Cause]:
    name = volume.get("name", "")
    yield from _unique_label(name, names, f"{path}.name")
    first, *others = [each for each in volume if each != "name"] or [""]
    if not first:
        yield errors.required(path, "must specify a volume type")
    for other in others:
        yield errors.forbidden_value(f"{path}.{other}", "may not specify more than 1 volume type")


def _unique_label(name: str, names: set[str], path: str) -> Iterator[Cause]:
    """The schema reports a missing name."""
    if name:
        yield from forms.form(forms.label, name, path)
    if name and name in names:
        yield errors.duplicate(path, name)
    names.add(name)


def _container(item: Object, names: set[str], volumes: set[str], path: str) -> Iterator[Cause]:
    yield from _unique_label(item.get("name", ""), names, f"{path}name")
    if not item.get("image"):
        yield errors.required(f"{path}image")
    yield from _ports(item.get("ports", []), path)
    for index, variable in enumerate(item.get("env", ())):
        yield from _variable(variable, f"{path}env[{index}].")
    yield from _mounts(item.get("volumeMounts", []), volumes, path)
    yield from _resources(item.get("resources", {}), f"{path}resources.")
    for name in ("livenessProbe", "startupProbe", "readinessProbe"):
        if name in item:
            yield from _probe(item[name], name, f"{path}{name}")


def _ports(ports: list[Object], path: str) -> Iterator[Cause]:
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{path}ports[{index}]."
        if name := port.get("name", ""):
            wrong = list(forms.form(forms.port_name, name, f"{at}name"))
            yield from wrong or ([errors.duplicate(f"{at}name", name)] if name in names else [])
            names.add(name)
        if port.get("containerPort", 0):
            yield from forms.port(port["containerPort"], f"{at}containerPort")
        elif "containerPort" in port:
            yield errors.required(f"{at}containerPort")
        if "hostPort" in port:
            yield from forms.port(port["hostPort"], f"{at}hostPort")


def _variable(item: Object, path: str) -> Iterator[Cause]:
    if name := item.get("name", ""):
        yield from forms.form(forms.environment_variable, name, f"{path}name")
    if "valueFrom" not in item:
        return
    sources = [each for each in _VALUE_SOURCES if each in item["valueFrom"]]
    if not sources:
        text = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        yield errors.invalid_value(f"{path}valueFrom", "", text)
    elif item.get("value"):
        yield errors.invalid_value(f"{path}valueFrom", "", "may not be specified when `value` is not empty")
    elif len(sources) > 1:
        yield errors.invalid_value(f"{path}valueFrom", "", "may not have more than one field specified at a time")


def _mounts(mounts: list[Object], volumes: set[str], path: str) -> Iterator[Cause]:
    places: set[str] = set()
    for index, mount in enumerate(mounts):
        at = f"{path}volumeMounts[{index}]."
        if mount.get("name") not in volumes:
            yield errors.not_found_value(f"{at}name", mount.get("name", ""))
        place = mount.get("mountPath", "")
        if place in places:
            yield errors.invalid_value(f"{at}mountPath", place, "must be unique")
        places.add(place)


def _resources(item: Object, path: str) -> Iterator[Cause]:
    for kind in ("limits", "requests"):
        for name, amount in item.get(kind, {}).items():
            yield from _resource_name(name, f"{path}{kind}[{name}]")
            if quantity.amount(amount) < 0:
                yield errors.invalid_value(f"{path}{kind}[{name}]", amount, forms.NOT_NEGATIVE)
    for name, limit in item.get("limits", {}).items():
        request = item.get("requests", {}).get(name)
        if request is not None and quantity.amount(request) > quantity.amount(limit):
            text = f"must be less than or equal to {name} limit of {limit}"
            yield errors.invalid_value(f"{path}requests", request, text)


def _resource_name(name: str, path: str) -> Iterator[Cause]:
    yield from forms.form(forms.qualified_name, name, path)
    if "/" not in name and name not in _RESOURCES and not name.startswith("hugepages-"):
        yield errors.invalid_value(path, name, "must be a standard resource for containers")


def _probe(item: Object, kind: str, path: str) -> Iterator[Cause]:
    first, *others = [each for each in _HANDLERS if each in item] or [""]
    if not first:
        yield errors.required(path, "must specify a handler type")
    for other in others:
        yield errors.forbidden_value(f"{path}.{other}", "may not specify more than 1 handler type")
    if first == "exec" and not item["exec"].get("command"):
        yield errors.required(f"{path}.exec.command")
    elif first in ("httpGet", "tcpSocket", "grpc"):
        yield from forms.port_or_name(item[first].get("port", 0), f"{path}.{first}.port")
    yield from forms.not_negative(item, _NUMBERS, f"{path}.")
    if kind == "readinessProbe" and "terminationGracePeriodSeconds" in item:
        seconds = item["terminationGracePeriodSeconds"]
        text = "must not be set for readinessProbes"
        yield errors.invalid_value(f"{path}.terminationGracePeriodSeconds", seconds, text)
    if kind != "readinessProbe" and item["successThreshold"] != 1:
        yield errors.invalid_value(f"{path}.successThreshold", item["successThreshold"], "must be 1")


def changes(item: Object, before: Object) -> Iterator[Cause]:
    if _fixed(item["spec"]) != _fixed(before["spec"]):
        yield errors.forbidden_value("spec", _UPDATES)


def _fixed(given: Object) -> Object:
    """The immutable part of a pod's specification."""
    fixed = {name: value for name, value in given.items() if name not in _CHANGEABLE}
    for name in _CONTAINERS:
        fixed[name] = [{**container, "image": ""} for container in given.get(name, ())]
    return fixed


def warnings(item: Object, path: str) -> Iterator[str]:
    """Warns of duplicate variables and ports, which are allowed but most likely a mistake."""
    ports: dict[tuple[int, str], str] = {}
    for kind in _CONTAINERS:
        for index, container in enumerate(item.get(kind, ())):
            at = f"{path}{kind}[{index}]"
            yield from _hidden_variables(container.get("env", []), f"{at}.env")
            for place, port in enumerate(container.get("ports", ())):
                key, here = (port["containerPort"], port["protocol"]), f"{at}.ports[{place}]"
                if key in ports:
                    yield f"{here}: duplicate port definition with {ports[key]}"
                ports.setdefault(key, here)


def _hidden_variables(variables: list[Object], path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        name, value = variable["name"], variable.get("value", "")
        reference = f"$({name})"
        if name in seen and ("valueFrom" in variable or reference not in value or value == reference):
            yield f'{path}[{index}]: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)
