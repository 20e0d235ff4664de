# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the seams found -> an entry of drift for each missing load balancer."""

from __future__ import annotations

import typing as t

Values = dict[str, t.Any]


def missing_load_balancers(seams: list[Values]) -> list[Values]:
    """See missing_load_balancers.yml."""
    return [_entry(seam["contract"], seam["verdict"]) for seam in seams if not seam["load_balancer"]]


def _entry(contract: dict[str, str], verdict: Values) -> Values:
    return {
        "resource": f"load balancer of {contract['namespace']}/{contract['service']}",
        "setting": "",
        "before": "missing",
        "after": "there",
        "team": verdict["owner"],
        # Only the other team can make it.
        "playbook": None,
        "message": f"{verdict['message']} Owner: {verdict['owner']}. To do: {verdict['fix']}",
    }


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"missing_load_balancers": missing_load_balancers}
