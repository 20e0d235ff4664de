# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the backends that a user wrote to links, integrations and stage variables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.seam.eks_auto.plugins.filter import (
    api_backends,
    api_links,
    missing_load_balancers,
    stage_variables,
)

CONTRACT = {"cluster": "shop", "namespace": "store", "service": "vpclink"}
OTHER = {"cluster": "shop", "namespace": "users", "service": "vpclink"}
WRITTEN = [{"base_path": "/v1"}, {"path_prefix": "/user", "namespace": "users", "port": 8080}]
BALANCER = {"arn": "arn:of:store", "dns_name": "store.elb.amazonaws.com"}
SEAMS: list[dict[str, Any]] = [
    {"contract": CONTRACT, "load_balancer": BALANCER},
    {"contract": OTHER, "load_balancer": None},
]


def backends(seams: Any = (), version: str = "1", written: Any = WRITTEN) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = api_backends.FilterModule().filters()["api_backends"](
        written, CONTRACT, seams, version
    )
    return made


def links(made: list[dict[str, Any]], version: Any = "1") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api_links.FilterModule().filters()["api_links"](made, "pets", version)
    return found


def variables(made: list[dict[str, Any]], of: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = stage_variables.FilterModule().filters()["stage_variables"](made, of)
    return found


def test_a_backend_has_the_contracts_names_where_it_has_none() -> None:
    assert [each["contract"] for each in backends()] == [CONTRACT, OTHER]
    assert backends(written=[{"service": "vpclink2", "namespace": None}])[0]["contract"] == {
        **CONTRACT,
        "service": "vpclink2",
    }


def test_each_backend_has_stage_variables_of_its_own() -> None:
    assert [each["integration"] for each in backends()] == [
        {
            "path_prefix": "/",
            "port": 80,
            "base_path": "/v1",
            "connection_id": "${stageVariables.vpcLinkId}",
            "host": "${stageVariables.nlbHost}",
        },
        {
            "path_prefix": "/user",
            "port": 8080,
            "base_path": "",
            "connection_id": "${stageVariables.vpcLinkId2}",
            "host": "${stageVariables.nlbHost2}",
        },
    ]


def test_integrations_with_links_v2_name_the_load_balancer() -> None:
    targets = [each["integration"]["integration_target"] for each in backends(SEAMS, "2")]
    assert targets == ["arn:of:store", "known-after-apply"]


def test_a_link_v1_belongs_to_a_load_balancer() -> None:
    assert links(backends(SEAMS)) == [
        {
            "name": "shop-store-vpclink",
            "description": "EKS cluster shop, Service store/vpclink",
            "ownership_tags": {"seam.eks_auto/contract": "shop/store/vpclink"},
            "target_arn": "arn:of:store",
        },
        {
            "name": "shop-users-vpclink",
            "description": "EKS cluster shop, Service users/vpclink",
            "ownership_tags": {"seam.eks_auto/contract": "shop/users/vpclink"},
            "target_arn": "known-after-apply",
        },
    ]


@pytest.mark.parametrize("version", ["2", 2])
def test_a_link_v2_belongs_to_the_api(version: Any) -> None:
    assert links(backends(), version) == [
        {"name": "pets", "description": "REST API pets", "ownership_tags": {"seam.eks_auto/api": "pets"}}
    ]


def test_the_stage_gets_each_backends_link_and_host() -> None:
    assert variables(backends(SEAMS), [{"id": "one"}, {}]) == {
        "vpcLinkId": "one",
        "nlbHost": "store.elb.amazonaws.com",
        "vpcLinkId2": "known-after-apply",
        "nlbHost2": "known-after-apply",
    }


def test_one_link_serves_all_backends() -> None:
    made = variables(backends(SEAMS, "2"), [{"id": "one"}])
    assert (made["vpcLinkId"], made["vpcLinkId2"]) == ("one", "one")


@pytest.mark.parametrize(
    ("contract", "written", "words"),
    [
        ({**CONTRACT, "service": "VPC"}, WRITTEN, "api_backends: service: 'VPC' is no name for a Service"),
        (CONTRACT, [], "api_backends: is no list of backends"),
    ],
)
def test_what_is_no_backend_is_refused(contract: dict[str, str], written: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        api_backends.api_backends(written, contract)


def test_missing_load_balancers_are_the_other_teams() -> None:
    verdict = {"owner": "k8s", "message": "There is none.", "fix": "Apply the Service."}
    seams = [{**SEAMS[0], "verdict": {}}, {**SEAMS[1], "verdict": verdict}]
    assert missing_load_balancers.FilterModule().filters()["missing_load_balancers"](seams) == [
        {
            "resource": "load balancer of users/vpclink",
            "setting": "",
            "before": "missing",
            "after": "there",
            "team": "k8s",
            "playbook": None,
            "message": "There is none. Owner: k8s. To do: Apply the Service.",
        }
    ]
