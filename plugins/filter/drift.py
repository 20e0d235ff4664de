# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: a module's result in check mode -> one entry for each setting that differs."""

from __future__ import annotations

import json
import typing as t

Result = dict[str, t.Any]

#: Set by AWS and Kubernetes on a new object or version; nobody's setting.
BOOKKEEPING = ("id", "metadata.generation", "metadata.managedFields", "metadata.resourceVersion")


def drift(result: Result, resource: str) -> list[Result]:
    """The differences in a task's registered result; see ``drift.yml``."""
    singles = [single for each in result.get("results", [result]) for single in _objects(each)]
    return [
        _item(resource.format_map(single), difference)
        for single in singles
        if single.get("changed")
        for difference in _differences(single)
    ]


def _item(resource: str, difference: Result) -> Result:
    subject = f"{resource}: {difference['setting']}" if difference["setting"] else resource
    message = f"{subject} is {_words(difference['before'])}, and should be {_words(difference['after'])}."
    return {"resource": resource, **difference, "message": message}


def _words(value: t.Any) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)


def _objects(result: Result) -> list[Result]:
    """The results for each object, where Kubernetes was given several at once."""
    applied = result.get("result", {})
    return t.cast("list[Result]", applied["results"]) if "results" in applied else [result]


def _differences(result: Result) -> list[Result]:
    before, after = _diff(result)
    if not before:
        return [_difference("", "missing", "there")]
    found = [each for each in _leaves("", before, after) if each["setting"] not in BOOKKEEPING]
    # The diff doesn't show every step, such as the removal of a failed resource.
    return found or [_difference("", "as it is", _actions(result))]


def _actions(result: Result) -> str:
    return (
        ", ".join(f"{each['action']} {each.get('subject', '')}".strip() for each in result.get("actions", []))
        or "changed"
    )


def _diff(result: Result) -> tuple[t.Any, t.Any]:
    if "diff" in result:
        return result["diff"].get("before"), result["diff"].get("after")
    for key, view in _VIEWS.items():
        if key in result:
            return view(result)
    # amazon.aws's modules return nothing of a new resource in check mode.
    return ({}, {}) if "item" in result else ("?", "?")


def _leaves(path: str, before: t.Any, after: t.Any) -> list[Result]:
    """Where the two differ, as deep down as both are mappings."""
    if before == after:
        return []
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [_difference(path, before, after)]
    keys = sorted({*before, *after})
    return [leaf for key in keys for leaf in _leaves(f"{path}.{key}" if path else key, before.get(key), after.get(key))]


def _difference(setting: str, before: t.Any, after: t.Any) -> Result:
    return {"setting": setting, "before": before, "after": after}


# amazon.aws's modules return no diff. The desired values are in the item of the loop.


def _of_role(result: Result) -> tuple[Result, Result]:
    role, item = result["iam_role"], result["item"]
    attached = [policy["policy_name"] for policy in role["attached_policies"]]
    before = {
        "managed_policies": sorted(name for name in attached if name in item["policies"]),
        "trust": role["assume_role_policy_document"],
    }
    return before, {"managed_policies": sorted(item["policies"]), "trust": item["trust"]}


def _of_route_table(result: Result) -> tuple[Result, Result]:
    table, item = result["route_table"], result["item"]
    if "routes" not in table:
        # In check mode the module returns only the known values of a new resource.
        return {}, {}
    before = {
        "routes": {_destination(route): route.get("gateway_id") for route in table["routes"] if not _is_local(route)},
        "subnets": sorted(each["subnet_id"] for each in table["associations"] if each.get("subnet_id")),
    }
    routes = {route["dest"]: route["gateway_id"] for route in item["routes"]}
    return before, {"routes": routes, "subnets": sorted(item["subnets"])}


def _is_local(route: Result) -> bool:
    return bool(route.get("gateway_id") == "local")


def _destination(route: Result) -> str:
    return str(route.get("destination_cidr_block") or route.get("destination_ipv6_cidr_block"))


def _of_tags(result: Result) -> tuple[Result, Result]:
    return {"tags": result["tags"]}, {"tags": {**result["tags"], **result["added_tags"]}}


_VIEWS: dict[str, t.Callable[[Result], tuple[Result, Result]]] = {
    "iam_role": _of_role,
    "route_table": _of_route_table,
    "added_tags": _of_tags,
}


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"drift": drift}
