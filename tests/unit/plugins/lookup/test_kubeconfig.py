# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig lookup: its result, its calls and its failures."""

from __future__ import annotations

import typing as t

import boto3
import pytest
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase
from ansible_collections.seam.eks_auto.tests.unit.plugins.fake_eks import FakeEks, Refusal, make_cluster


@pytest.fixture
def eks(monkeypatch: pytest.MonkeyPatch) -> FakeEks:
    eks = FakeEks(make_cluster())
    sts = boto3.client("sts", region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="example")
    monkeypatch.setattr(AWSPluginBase, "client", lambda _self, service, **_: {"eks": eks.client, "sts": sts}[service])
    return eks


def look_up(*names: str, **options: str) -> list[dict[str, t.Any]]:
    return lookup_loader.get("seam.eks_auto.kubeconfig").run(list(names), {}, region="us-east-1", **options)


@pytest.mark.parametrize("status", ["ACTIVE", "UPDATING"])
def test_gives_a_kubeconfig_with_a_token(eks: FakeEks, status: str) -> None:
    eks.cluster = make_cluster(status=status)
    [kubeconfig] = look_up("petstore")
    [cluster], [user], [context] = kubeconfig["clusters"], kubeconfig["users"], kubeconfig["contexts"]
    assert cluster["cluster"] == {"server": eks.cluster["endpoint"], "certificate-authority-data": "Q0E="}
    assert user["user"]["token"].startswith("k8s-aws-v1.")
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert kubeconfig["current-context"] == context["name"]
    assert [operation for operation, _ in eks.calls] == ["DescribeCluster"]


def test_holds_no_value_that_results_of_kubernetes_modules_hold(eks: FakeEks) -> None:
    def values(node: t.Any) -> t.Iterator[str]:
        if isinstance(node, str):
            yield node
        else:
            for child in node.values() if isinstance(node, dict) else node:
                yield from values(child)

    # kubernetes.core's kubeconfig option is secret: Ansible strikes each of its values from the results.
    assert not {"petstore", "v1", "Config"} & set(values(look_up("petstore")))


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (None, "There is no EKS cluster petstore in region us-east-1"),
        (make_cluster(status="CREATING"), "EKS cluster petstore is CREATING"),
        (make_cluster(status="DELETING"), "EKS cluster petstore is DELETING"),
        (make_cluster(status="FAILED"), "EKS cluster petstore is FAILED"),
    ],
)
def test_says_what_to_do_when_there_is_no_api_to_talk_to(
    eks: FakeEks, cluster: dict[str, t.Any] | None, message: str
) -> None:
    eks.cluster = cluster
    with pytest.raises(AnsibleLookupError) as error:
        look_up("petstore")
    assert message in str(error.value) and "seam.eks_auto.eks_cluster" in str(error.value)


@pytest.mark.parametrize("cluster", [None, make_cluster(status="CREATING"), make_cluster(status="DELETING")])
def test_leaves_out_what_is_not_there_if_asked(eks: FakeEks, cluster: dict[str, t.Any] | None) -> None:
    eks.cluster = cluster
    assert look_up("petstore", on_missing="skip") == []


def test_existing_clusters_are_given_in_every_mode(eks: FakeEks) -> None:
    assert len(look_up("petstore", on_missing="skip")) == 1


def test_refuses_what_is_no_cluster_name(eks: FakeEks) -> None:
    with pytest.raises(AnsibleLookupError, match="no name for an EKS cluster"):
        look_up("pet.store")
    assert eks.calls == []


def test_a_failed_call_is_reported_in_aws_own_words(eks: FakeEks) -> None:
    message = "User: k8s is not authorized to perform: eks:DescribeCluster"
    eks.first["DescribeCluster"] = [Refusal("AccessDeniedException", message)]
    with pytest.raises(AnsibleLookupError, match="not authorized to perform"):
        look_up("petstore")
