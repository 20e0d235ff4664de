# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workload role's plan: objects to apply, to delete, and to leave alone because they aren't ours."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.seam.eks_auto.plugins.filter.workload_plan import FilterModule

CONTRACT = {"cluster": "shop", "namespace": "shop", "service": "vpclink"}
SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
CLASS = "eks.amazonaws.com/nlb"
LINK = {"id": "abc", "name": "shop-link", "status": "AVAILABLE"}
LABEL = {"app.kubernetes.io/managed-by": "seam.eks_auto"}


def manifest(kind: str, name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name} if kind == "Namespace" else {"name": name, "namespace": "shop"}
    version = {"Deployment": "apps/v1", "PodDisruptionBudget": "policy/v1"}.get(kind, "v1")
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def manifests() -> list[dict[str, Any]]:
    balanced = manifest("Service", "vpclink", spec={"loadBalancerClass": CLASS, "ports": [{"port": 80}]})
    balanced["metadata"]["annotations"] = {SCHEME: "internal"}
    return [
        manifest("Namespace", "shop"),
        manifest("Deployment", "petstore"),
        manifest("Service", "petstore", spec={"ports": [{"port": 8080}]}),
        balanced,
    ]


def there(kind: str, name: str, ours: bool = True, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "namespace": "shop", "name": name, "ours": ours, "managers": [], "holder": None, **more}


def service(name: str = "vpclink", ours: bool = True, **more: Any) -> dict[str, Any]:
    fields = {"type": "LoadBalancer", "load_balancer_class": CLASS, "ports": [{"port": 80}], "source_ranges": []}
    return {"name": name, "ours": ours, **fields, **more}


def found(*objects: dict[str, Any], services: Any = (), **more: Any) -> dict[str, Any]:
    seen = {"cluster_status": "ACTIVE", "reachable": True, "namespace": {"name": "shop", "ours": True}}
    return {
        **seen,
        "namespace_denied": False,
        "objects": list(objects),
        "services": list(services),
        "denied": [],
        **more,
    }


def whole(**more: Any) -> dict[str, Any]:
    """All of it is there, and ours."""
    parts = [there("Deployment", "petstore"), there("Service", "petstore"), there("Service", "vpclink")]
    inside = service("petstore", type="ClusterIP", load_balancer_class=None, ports=[{"port": 8080}])
    return found(*parts, **{"services": [inside, service()], **more})


def seam(service: str = "vpclink", links: Any = (), **balancer: Any) -> dict[str, Any]:
    contract = {**CONTRACT, "service": service}
    return {"contract": contract, "load_balancer": {"scheme": "internal", **balancer}, "vpc_links": list(links)}


def plan(seen: dict[str, Any], seams: Any = (), **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = FilterModule().filters()["workload_plan"](
        manifests(), found=seen, seams=list(seams), contract=CONTRACT, **options
    )
    return result


def names(items: list[dict[str, Any]]) -> list[str]:
    return [f"{item['kind']} {item['metadata']['name']}" for item in items]


ALL = ["Namespace shop", "Deployment petstore", "Service petstore", "Service vpclink"]


def test_into_an_empty_cluster_all_goes_with_our_label() -> None:
    made = plan(found(namespace=None))
    assert names(made["apply"]) == ALL
    assert all(item["metadata"]["labels"] == LABEL for item in made["apply"])
    assert made["objections"] == made["stays"] == made["replace"] == made["delete"] == made["patch"] == []


def test_what_is_there_as_it_should_be_is_applied_again_and_no_more() -> None:
    made = plan(whole(), [seam(links=[LINK])])
    assert (names(made["apply"]), made["objections"], made["patch"], made["replace"]) == (ALL, [], [], [])


@pytest.mark.parametrize(
    "seen",
    [
        whole(namespace={"name": "shop", "ours": False}),
        whole(namespace=None, namespace_denied=True),
    ],
    ids=["foreign", "not to be seen"],
)
def test_a_namespace_that_we_did_not_make_is_used_as_it_is(seen: dict[str, Any]) -> None:
    made = plan(seen)
    assert (names(made["apply"]), made["objections"]) == (ALL[1:], [])


def test_a_team_that_makes_no_namespaces_applies_none() -> None:
    assert names(plan(whole(), create_namespace=False)["apply"]) == ALL[1:]
    made = plan(found(namespace=None, namespace_denied=True), create_namespace=False)
    assert (names(made["apply"]), made["objections"]) == (ALL[1:], [])


@pytest.mark.parametrize(
    ("seen", "options", "says"),
    [
        (
            found(cluster_status=None, reachable=False, namespace=None),
            {},
            "There is no EKS cluster shop in this account",
        ),
        (
            found(cluster_status="CREATING", reachable=False, namespace=None),
            {},
            "EKS cluster shop is CREATING. Owner: infra",
        ),
        (found(namespace=None), {"create_namespace": False}, "is false, and there is no namespace shop"),
    ],
)
def test_what_has_to_come_first_is_named(seen: dict[str, Any], options: dict[str, Any], says: str) -> None:
    (objection,) = plan(seen, **options)["objections"]
    assert says in objection
    assert plan(seen, cluster_comes_first=True, **options)["objections"] == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_who_may_not_see_the_roles_kinds_is_refused(state: str) -> None:
    (objection,) = plan(found(namespace=None, denied=["Secret", "Service", "Deployment"]), state=state)["objections"]
    assert "see no Deployment, Service in namespace shop. Owner: infra." in objection


def test_an_object_of_somebody_else_is_refused_by_name() -> None:
    other = there("Service", "vpclink", ours=False, managers=["kubectl-create"], holder="Argo CD (shop)")
    made = plan(found(other, there("Deployment", "petstore", ours=False), services=[service(ours=False)]))
    assert ["Deployment shop/petstore is there" in made["objections"][0], len(made["objections"])] == [True, 2]
    assert (
        "Service shop/vpclink is there, and this role did not make it (it is managed by kubectl-create)"
        in made["objections"][1]
    )
    assert [each["holder"] for each in made["foreign"]] == [None, "Argo CD (shop)"]
    assert made["foreign"][1]["reference"] == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "vpclink", "namespace": "shop", "labels": LABEL},
    }
    assert made["foreign"][1]["manifest"]["spec"]["loadBalancerClass"] == CLASS


def test_ports_that_others_added_are_taken_back_but_not_from_others_services() -> None:
    more = service(ports=[{"port": 80}, {"port": 443}])
    assert names(plan(whole(services=[more]))["patch"]) == ["Service vpclink"]
    assert plan(whole(services=[{**more, "ours": False}]))["patch"] == []


@pytest.mark.parametrize(
    ("has", "balancer", "words"),
    [
        ({"load_balancer_class": None}, {}, "class none and scheme internal"),
        ({}, {"scheme": "internet-facing"}, f"class {CLASS} and scheme internet-facing"),
    ],
)
def test_what_cant_be_changed_is_made_anew_only_when_asked(
    has: dict[str, Any], balancer: dict[str, Any], words: str
) -> None:
    seen = whole(services=[service(**has, ports=[{"port": 1}])])
    (objection,) = plan(seen, [seam(**balancer)])["objections"]
    assert words in objection
    assert "set petstore_workload_allow_replacement=true" in objection
    made = plan(seen, [seam(**balancer)], allow_replacement=True)
    assert (made["objections"], made["replace"], names(made["replaced"])) == ([], ["vpclink"], ["Service vpclink"])
    assert made["patch"] == []
    (objection,) = plan(seen, [seam(links=[LINK], **balancer)], allow_replacement=True)["objections"]
    assert "But VPC link abc (shop-link, AVAILABLE) holds the load balancer of Service shop/vpclink" in objection


def test_a_service_of_another_type_is_changed_in_place() -> None:
    assert plan(whole(services=[service(type="ClusterIP", load_balancer_class=None)]))["replace"] == []


@pytest.mark.parametrize(
    ("ranges", "links", "enforced", "shut_out"),
    [
        (["10.0.0.0/8"], [LINK], "on", True),
        (["10.0.0.0/8"], [LINK], "off", False),
        (["10.0.0.0/8"], [], "on", False),
        (["0.0.0.0/0"], [LINK], "on", False),
        ([], [LINK], "on", False),
    ],
)
def test_ranges_that_shut_out_the_link_are_reported(
    ranges: list[str], links: list[Any], enforced: str, shut_out: bool
) -> None:
    seams = [seam(links=links, private_link_enforcement=enforced)]
    told = plan(whole(services=[service(source_ranges=ranges)]), seams)["shut_out"]
    assert ("(10.0.0.0/8) shut out its VPC link" in told) == shut_out


def test_all_that_is_ours_goes_with_its_namespace() -> None:
    made = plan(whole(), [seam()], state="absent")
    assert (made["replace"], names(made["delete"]), made["stays"]) == (["vpclink"], ["Namespace shop"], [])


def test_a_team_that_makes_no_namespaces_deletes_the_parts() -> None:
    made = plan(whole(), state="absent", create_namespace=False)
    assert (names(made["delete"]), made["stays"]) == (["Deployment petstore", "Service petstore"], [])


@pytest.mark.parametrize(
    ("more", "stays"),
    [
        ({"namespace": {"name": "shop", "ours": False}}, "Namespace shop, which this role did not make"),
        ({"denied": ["Secret"]}, "Namespace shop, of which these kinds can't be seen: Secret"),
    ],
)
def test_the_namespace_stays_where_it_is_not_ours_alone(more: dict[str, Any], stays: str) -> None:
    made = plan(whole(**more), state="absent")
    assert (names(made["delete"]), made["stays"]) == (["Deployment petstore", "Service petstore"], [stays])


@pytest.mark.parametrize("ours", [True, False], ids=["another role's", "foreign"])
def test_the_namespace_stays_for_what_else_is_in_it(ours: bool) -> None:
    seen = whole()
    seen["objects"].append(there("ConfigMap", "settings", ours=ours))
    made = plan(seen, state="absent")
    assert names(made["delete"]) == ["Deployment petstore", "Service petstore"]
    assert made["stays"] == ["Namespace shop, in which there are ConfigMap settings"]


def test_objects_of_our_names_that_somebody_else_made_stay() -> None:
    seen = found(there("Deployment", "petstore", ours=False), there("Service", "vpclink", ours=False))
    made = plan({**seen, "services": [service(ours=False)]}, [seam(links=[LINK])], state="absent")
    assert (made["replace"], made["delete"], made["objections"]) == ([], [], [])
    assert made["stays"][:2] == ["Deployment shop/petstore", "Service shop/vpclink"]


def test_another_load_balancer_of_ours_goes_with_the_namespace_unless_a_link_holds_it() -> None:
    seen = whole(services=[service(), service("older")])
    seen["objects"].append(there("Service", "older"))
    made = plan(seen, [seam(), seam("older")], state="absent")
    assert (made["replace"], names(made["delete"]), made["stays"]) == (["vpclink", "older"], ["Namespace shop"], [])
    (objection,) = plan(seen, [seam(), seam("older", links=[LINK])], state="absent")["objections"]
    assert "holds the load balancer of Service shop/older" in objection
    assert plan(seen, [seam()], state="absent", create_namespace=False)["replace"] == ["vpclink"]


def test_of_nothing_nothing_goes() -> None:
    made = plan(found(namespace=None), state="absent")
    assert (made["replace"], made["delete"], made["stays"], made["objections"]) == ([], [], [], [])


def test_in_the_middle_of_a_replacement_both_services_go_once_no_link_holds_them() -> None:
    seen = whole(services=[service(), service("next")])
    held = [seam(), seam("next", links=[LINK])]
    options = {"state": "absent", "next_service": "next"}
    made = plan(seen, held, **options)
    assert made["replace"] == ["vpclink", "next"]
    assert made["objections"][0].startswith("petstore_workload_state: VPC link abc (shop-link, AVAILABLE) holds")
    assert plan(seen, held, **options, links_go_first=True)["objections"] == []
    alone = {**options, "next_service": "vpclink", "create_namespace": False}
    assert plan(seen, held, **alone)["replace"] == ["vpclink"]
