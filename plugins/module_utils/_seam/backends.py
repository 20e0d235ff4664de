# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backends of an API: for each, the contract, its integrations, its VPC link and its stage variables. Pure.

Integrations name stage variables, a pair for each backend, so that a link can be exchanged without a deployment.
"""

from __future__ import annotations

import itertools
import typing as t

from .contract import Contract, api_tags

Values = dict[str, t.Any]

#: The ID of a new resource in check mode.
UNKNOWN = "known-after-apply"


def full_backends(
    backends: t.Sequence[t.Mapping[str, t.Any]],
    contract: Contract,
    seams: t.Sequence[t.Mapping[str, t.Any]],
    version: str,
) -> list[Values]:
    """Each backend with all its resources; namespace and Service default to those of the contract.

    ``seams`` are the result of the module ``eks_auto_nlb_info``; a load balancer missing there is not known yet.
    """
    balancers = {Contract(**seam["contract"]): seam["load_balancer"] or {} for seam in seams}
    return [_full(number, each, contract, balancers, version) for number, each in enumerate(backends, start=1)]


def _full(
    number: int, backend: t.Mapping[str, t.Any], contract: Contract, balancers: dict[Contract, Values], version: str
) -> Values:
    own = Contract(
        contract.cluster,
        backend.get("namespace") or contract.namespace,
        backend.get("service") or contract.service,
    )
    balancer = balancers.get(own, {})
    suffix = "" if number == 1 else str(number)
    arn = balancer.get("arn", UNKNOWN)
    integration = {
        "path_prefix": backend.get("path_prefix", "/"),
        "port": backend.get("port", 80),
        "base_path": backend.get("base_path", ""),
        "connection_id": f"${{stageVariables.vpcLinkId{suffix}}}",
        "host": f"${{stageVariables.nlbHost{suffix}}}",
    }
    return {
        "contract": {"cluster": own.cluster, "namespace": own.namespace, "service": own.service},
        "integration": integration | ({"integration_target": arn} if version == "2" else {}),
        "link_variable": f"vpcLinkId{suffix}",
        "host_variable": f"nlbHost{suffix}",
        "load_balancer_arn": arn,
        "load_balancer_host": balancer.get("dns_name", UNKNOWN),
    }


def vpc_links(backends: t.Sequence[Values], api: str, version: str) -> list[Values]:
    """The links that the backends need, as the module ``apigateway_vpc_links`` takes them.

    A link V1 belongs to one load balancer, whose APIs share it. A link V2 belongs to one API, and serves all its backends.
    """
    if version == "2":
        return [{"name": api, "description": f"REST API {api}", "ownership_tags": api_tags(api)}]
    contracts = [Contract(**each["contract"]) for each in backends]
    return [
        {
            "name": f"{contract.cluster}-{contract.namespace}-{contract.service}",
            "description": f"EKS cluster {contract.cluster}, Service {contract.stack}",
            "ownership_tags": contract.tags,
            "target_arn": backend["load_balancer_arn"],
        }
        for contract, backend in zip(contracts, backends, strict=True)
    ]


def stage_variables(backends: t.Sequence[Values], links: t.Sequence[Values]) -> dict[str, str]:
    """The values that integrations name: each backend's link, and the host name of its load balancer.

    ``links`` are what the module made of :func:`vpc_links`: one for each backend, or one for all.
    """
    variables = {}
    for backend, link in zip(backends, itertools.cycle(links), strict=False):
        variables[backend["link_variable"]] = link.get("id", UNKNOWN)
        variables[backend["host_variable"]] = backend["load_balancer_host"]
    return variables
