# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Raw requests from a user other than the lab, and a kube-apiserver's answers to them.

With KUBEBUILDER_ASSETS set the same tests run against one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import kubernetes_cluster
import pytest
from kubernetes_cluster import Answer, Cluster

#: In Alice's namespace.
CORE = "/api/v1/namespaces/alices"
APPS = "/apis/apps/v1/namespaces/alices"
ALICE = "alice-token"

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

#: As a load balancer's controller writes it.
STATUS = {"status": {"loadBalancer": {"ingress": [{"hostname": "x.elb.amazonaws.com"}]}}}

_numbers = itertools.count()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with kubernetes_cluster.running(tmp_path_factory.mktemp("requests")) as started:
        started.core.create_namespace({"metadata": {"name": "alices"}})
        yield started


class Client:
    """Alice's requests."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        return self.cluster.request(method, path, body, token=ALICE, **options)

    def make(self, path: str, item: dict[str, Any]) -> dict[str, Any]:
        """Create an object, which must succeed, and return it."""
        answer = self.send("POST", path, item)
        assert answer.code == 201, answer
        made: dict[str, Any] = answer.body
        return made

    def get(self, path: str) -> Answer:
        return self.send("GET", path)


@pytest.fixture
def alice(cluster: Cluster) -> Client:
    return Client(cluster)


@pytest.fixture
def name() -> str:
    return f"web-{next(_numbers)}"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"app": name}, **spec}}


def deployment(name: str, **container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "nginx:1", **container}]},
            },
        },
    }


def container_of(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


class TestDeleteOptions:
    @pytest.mark.parametrize(
        ("query", "body"), [("?dryRun=All", None), ("", {"dryRun": ["All"]}), ("", {"dryRun": ["All", "All"]})]
    )
    def test_a_dry_run_deletes_nothing(self, alice: Client, name: str, query: str, body: Any) -> None:
        alice.make(f"{CORE}/configmaps", config_map(name))
        answer = alice.send("DELETE", f"{CORE}/configmaps/{name}{query}", body)
        assert (answer.code, answer.body["status"]) == (200, "Success")
        assert alice.get(f"{CORE}/configmaps/{name}").code == 200

    def test_a_dry_run_deletes_no_collection(self, alice: Client, name: str) -> None:
        labelled = config_map(name)
        labelled["metadata"]["labels"] = {"group": name}
        alice.make(f"{CORE}/configmaps", labelled)
        answer = alice.send("DELETE", f"{CORE}/configmaps?labelSelector=group%3D{name}", {"dryRun": ["All"]})
        assert answer.code == 200
        assert alice.get(f"{CORE}/configmaps/{name}").code == 200

    def test_a_body_is_all_that_counts(self, alice: Client, name: str) -> None:
        alice.make(f"{CORE}/configmaps", config_map(name))
        alice.send("DELETE", f"{CORE}/configmaps/{name}?dryRun=All", {"propagationPolicy": "Background"})
        assert alice.get(f"{CORE}/configmaps/{name}").code == 404

    def test_kubectl_deletes_nothing_in_a_dry_run(self, cluster: Cluster, alice: Client, name: str) -> None:
        alice.make(f"{CORE}/services", service(name))
        told = cluster.kubectl("delete", "-n", "alices", "--dry-run=server", "service", name, token=ALICE)
        assert "deleted" in told
        shown = alice.send("DELETE", f"{CORE}/services/{name}?dryRun=All").body
        assert (shown["kind"], "deletionTimestamp" in shown["metadata"]) == ("Service", False)
        assert alice.get(f"{CORE}/services/{name}").code == 200

    @pytest.mark.parametrize(("policy", "finalizers"), [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])])
    def test_a_policy_is_left_to_the_garbage_collector(
        self, alice: Client, name: str, policy: str, finalizers: list[str]
    ) -> None:
        alice.make(f"{APPS}/deployments", deployment(name))
        answer = alice.send("DELETE", f"{APPS}/deployments/{name}", {"propagationPolicy": policy})
        assert answer.body["metadata"]["finalizers"] == finalizers
        # A later policy takes its place.
        alice.send("DELETE", f"{APPS}/deployments/{name}", {"propagationPolicy": "Background"})
        assert alice.get(f"{APPS}/deployments/{name}").code == 404

    def test_a_grace_period(self, alice: Client, name: str) -> None:
        spec = {**deployment(name)["spec"]["template"]["spec"], "nodeName": "no-such-node"}
        alice.make(f"{CORE}/pods", {"metadata": {"name": name}, "spec": spec})
        answer = alice.send("DELETE", f"{CORE}/pods/{name}", {"gracePeriodSeconds": 7})
        assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 7
        answer = alice.send("DELETE", f"{CORE}/pods/{name}?gracePeriodSeconds=0")
        assert answer.code == 200
        assert alice.get(f"{CORE}/pods/{name}").code == 404

    def test_preconditions(self, alice: Client, name: str) -> None:
        made = alice.make(f"{CORE}/configmaps", config_map(name))["metadata"]
        answer = alice.send("DELETE", f"{CORE}/configmaps/{name}", {"preconditions": {"uid": "other"}})
        assert (answer.code, answer.body["reason"]) == (409, "Conflict")
        assert answer.message == (
            f'Operation cannot be fulfilled on ConfigMap "{name}": the UID in the precondition (other) does not match '
            f"the UID in record ({made['uid']}). The object might have been deleted and then recreated"
        )
        answer = alice.send("DELETE", f"{CORE}/configmaps/{name}", {"preconditions": {"resourceVersion": "1"}})
        assert (answer.code, answer.body["reason"]) == (409, "Conflict")
        seen = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
        assert alice.send("DELETE", f"{CORE}/configmaps/{name}", {"preconditions": seen}).code == 200

    def test_a_policy_that_is_none(self, alice: Client, name: str) -> None:
        alice.make(f"{CORE}/configmaps", config_map(name))
        answer = alice.send("DELETE", f"{CORE}/configmaps/{name}", {"propagationPolicy": "Sometime"})
        assert (answer.code, answer.message) == (
            422,
            'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sometime": supported '
            'values: "Foreground", "Background", "Orphan", "nil"',
        )

    def test_a_grace_period_that_is_no_number(self, alice: Client, name: str) -> None:
        alice.make(f"{CORE}/configmaps", config_map(name))
        answer = alice.send("DELETE", f"{CORE}/configmaps/{name}", {"gracePeriodSeconds": "soon"})
        assert answer.code == 400
        assert alice.get(f"{CORE}/configmaps/{name}").code == 200


class TestDeletionAnswers:
    def test_some_kinds_are_shown_as_they_were(self, alice: Client, name: str) -> None:
        alice.make(f"{CORE}/services", service(name))
        alice.make(f"{CORE}/serviceaccounts", {"metadata": {"name": name}})
        for path, kind in ((f"{CORE}/services", "Service"), (f"{CORE}/serviceaccounts", "ServiceAccount")):
            answer = alice.send("DELETE", f"{path}/{name}")
            assert (answer.code, answer.body["kind"], answer.body["metadata"]["name"]) == (200, kind, name)
            assert "deletionTimestamp" not in answer.body["metadata"]

    def test_the_rest_is_a_status(self, alice: Client, name: str) -> None:
        uid = alice.make(f"{APPS}/deployments", deployment(name))["metadata"]["uid"]
        answer = alice.send("DELETE", f"{APPS}/deployments/{name}")
        assert answer.body["details"] == {"name": name, "group": "apps", "kind": "deployments", "uid": uid}

    def test_a_watch_shows_what_was_kept_last(self, cluster: Cluster, alice: Client, name: str) -> None:
        held = config_map(name)
        held["metadata"]["finalizers"] = ["a.example/b"]
        made = alice.make(f"{CORE}/configmaps", held)["metadata"]
        alice.send("DELETE", f"{CORE}/configmaps/{name}")
        alice.send("PATCH", f"{CORE}/configmaps/{name}", {"metadata": {"finalizers": None}}, content_type=MERGE)
        plain = alice.make(f"{CORE}/configmaps", config_map(f"{name}-plain"))["metadata"]
        alice.send("DELETE", f"{CORE}/configmaps/{name}-plain")
        path = f"{CORE}/configmaps?watch=1&timeoutSeconds=1&resourceVersion={made['resourceVersion']}"
        lines = cluster.kubectl("get", "--raw", path, token=ALICE).splitlines()
        gone = [each["object"]["metadata"] for each in map(json.loads, lines) if each["type"] == "DELETED"]
        assert [each["name"] for each in gone] == [name, plain["name"]]
        assert gone[0]["finalizers"] == ["a.example/b"]
        assert "deletionTimestamp" in gone[0]
        assert "deletionTimestamp" not in gone[1]
        assert int(gone[1]["resourceVersion"]) > int(plain["resourceVersion"])


class TestWriteOptions:
    @pytest.mark.parametrize(
        ("method", "kind"), [("POST", "CreateOptions"), ("PUT", "UpdateOptions"), ("PATCH", "PatchOptions")]
    )
    def test_another_dry_run_than_all_is_refused(self, alice: Client, name: str, method: str, kind: str) -> None:
        path = f"{CORE}/configmaps"
        if method != "POST":
            alice.make(path, config_map(name))
            path += f"/{name}"
        content_type = MERGE if method == "PATCH" else "application/json"
        answer = alice.send(method, f"{path}?dryRun=foo", config_map(name, a="1"), content_type=content_type)
        assert (answer.code, answer.body["reason"]) == (422, "Invalid")
        assert answer.message == (
            f'{kind}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["foo"]: supported values: "All"'
        )
        found = alice.get(f"{CORE}/configmaps/{name}")
        assert found.code == 404 or "data" not in found.body

    def test_all_may_be_said_twice(self, alice: Client, name: str) -> None:
        assert alice.send("POST", f"{CORE}/configmaps?dryRun=All&dryRun=All", config_map(name)).code == 201
        assert alice.get(f"{CORE}/configmaps/{name}").code == 404

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("fieldValidation=Maybe", 'fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"'),
            (f"fieldManager={'m' * 129}", "fieldManager: Too long: may not be more than 128 bytes"),
            ("force=true", "force: Forbidden: may not be specified for non-apply patch"),
        ],
    )  # fmt: skip
    def test_others_that_are_none(self, alice: Client, name: str, query: str, said: str) -> None:
        alice.make(f"{CORE}/configmaps", config_map(name))
        answer = alice.send("PATCH", f"{CORE}/configmaps/{name}?{query}", config_map(name, a="1"), content_type=MERGE)
        assert (answer.code, answer.message) == (422, f'PatchOptions.meta.k8s.io "" is invalid: {said}')


class TestImpersonation:
    def test_it_needs_a_permission(self, cluster: Cluster, alice: Client) -> None:
        answer = alice.send("GET", f"{CORE}/configmaps", headers={"Impersonate-User": "nobody"})
        assert (answer.code, answer.body["reason"]) == (403, "Forbidden")
        assert answer.message == (
            'users "nobody" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the '
            "cluster scope"
        )
        said = cluster.refused("auth", "can-i", "get", "pods", "-n", "alices", "--as=nobody", token=ALICE)
        assert 'cannot impersonate resource "users"' in said

    def test_groups_need_one_of_their_own(self, alice: Client) -> None:
        headers = {"Impersonate-User": "system:serviceaccount:alices:robot", "Impersonate-Group": "system:masters"}
        answer = alice.send("GET", f"{CORE}/configmaps", headers=headers)
        assert 'cannot impersonate resource "groups" in API group "" at the cluster scope' in answer.message

    def test_without_a_user_it_is_no_request(self, cluster: Cluster) -> None:
        answer = cluster.request("GET", f"{CORE}/configmaps", headers={"Impersonate-Group": "developers"})
        assert (answer.code, answer.body["reason"]) == (400, "BadRequest")

    def test_who_may_is_judged_as_the_other(self, cluster: Cluster) -> None:
        headers = {"Impersonate-User": "alice"}
        assert cluster.request("GET", f"{CORE}/configmaps", headers=headers).code == 200
        answer = cluster.request("GET", "/api/v1/namespaces/default/configmaps", headers=headers)
        assert answer.code == 403
        assert 'User "alice" cannot list resource "configmaps"' in answer.message
        assert cluster.run("auth", "can-i", "list", "pods", "-n", "default", "--as=nobody").stdout == "no\n"


class TestBodies:
    def test_a_number_of_objects_that_is_none(self, alice: Client) -> None:
        answer = alice.get(f"{CORE}/configmaps?limit=abc")
        assert (answer.code, answer.message) == (400, 'strconv.ParseInt: parsing "abc": invalid syntax')

    @pytest.mark.parametrize("content_type", [STRATEGIC, MERGE])
    def test_a_patch_that_is_a_list(self, alice: Client, name: str, content_type: str) -> None:
        alice.make(f"{CORE}/services", service(name))
        answer = alice.send("PATCH", f"{CORE}/services/{name}", [], content_type=content_type)
        assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
        assert answer.message == (
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )

    def test_a_port_that_is_a_boolean(self, alice: Client, name: str) -> None:
        answer = alice.send("POST", f"{CORE}/services", service(name, ports=[{"port": 80, "targetPort": True}]))
        assert (answer.code, answer.message) == (
            400,
            'Service in version "v1" cannot be handled as a Service: json: cannot unmarshal bool into Go struct field '
            "ServicePort.spec.ports.targetPort of type int32",
        )

    def test_base64_that_is_none(self, cluster: Cluster, name: str) -> None:
        body = {"metadata": {"name": name}, "data": {"key": "abc*"}}
        answer = cluster.request("POST", "/api/v1/namespaces/default/secrets", body)
        assert (answer.code, answer.message) == (
            400,
            'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 3',
        )

    def test_a_kind_that_is_not_served(self, cluster: Cluster) -> None:
        other = {"apiVersion": "other.example/v1", "kind": "Thing", "metadata": {"name": "x"}}
        said = cluster.refused("apply", "-f", "-", given=other)
        assert 'no matches for kind "Thing" in version "other.example/v1"' in said

    def test_patches_of_the_wrong_type(self, alice: Client, name: str) -> None:
        alice.make(f"{APPS}/deployments", deployment(name))
        wrong = {"spec": {"replicas": "two"}}
        answer = alice.send("PATCH", f"{APPS}/deployments/{name}", wrong, content_type=MERGE)
        assert (answer.code, answer.body["reason"]) == (422, "Invalid")
        assert answer.message.startswith(' "" is invalid: patch: Invalid value: "{\\"')
        assert answer.message.endswith(
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        )
        assert answer.body["details"]["causes"][0]["field"] == "patch"

    def test_patches_with_unknown_fields(self, alice: Client, name: str) -> None:
        alice.make(f"{CORE}/services", service(name))
        path = f"{CORE}/services/{name}?fieldValidation=Strict"
        answer = alice.send("PATCH", path, {"spec": {"tipe": "NodePort"}}, content_type=STRATEGIC)
        assert (answer.code, answer.message) == (
            422,
            ' "" is invalid: patch: Invalid value: "map[spec:map[tipe:NodePort]]": strict decoding error: unknown '
            'field "spec.tipe"',
        )

    def test_patches_of_the_kind(self, alice: Client, name: str) -> None:
        alice.make(f"{CORE}/configmaps", config_map(name))
        answer = alice.send("PATCH", f"{CORE}/configmaps/{name}", {"kind": "Secret"}, content_type=MERGE)
        assert (answer.code, answer.body["reason"]) == (422, "Invalid")


class TestValues:
    def test_zeros_count_as_nothing(self, alice: Client, name: str) -> None:
        wanted = deployment(name, env=[{"name": "EMPTY", "value": ""}], stdin=False)
        wanted["spec"] |= {"paused": False, "minReadySeconds": 0, "replicas": 0}
        made = alice.make(f"{APPS}/deployments", wanted)
        assert container_of(made)["env"] == [{"name": "EMPTY"}]
        assert "stdin" not in container_of(made)
        assert not {"paused", "minReadySeconds"} & made["spec"].keys()
        # Zero is kept where it differs from a missing value.
        assert made["spec"]["replicas"] == 0
        assert "f:paused" not in json.dumps(made["metadata"]["managedFields"])

    def test_empty_values_are_defaulted(self, alice: Client, name: str) -> None:
        ports = [{"port": 80, "protocol": "", "targetPort": 0, "nodePort": 0}]
        made = alice.make(f"{CORE}/services", service(name, type="", sessionAffinity="", ports=ports))
        assert (made["spec"]["type"], made["spec"]["sessionAffinity"]) == ("ClusterIP", "None")
        assert made["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]

    def test_a_volume_without_a_source_is_empty(self, alice: Client, name: str) -> None:
        wanted = deployment(name, volumeMounts=[{"name": "cache", "mountPath": "/cache"}])
        wanted["spec"]["template"]["spec"]["volumes"] = [{"name": "cache"}]
        made = alice.make(f"{APPS}/deployments", wanted)
        assert made["spec"]["template"]["spec"]["volumes"] == [{"name": "cache", "emptyDir": {}}]

    def test_variables_that_stand_twice(self, alice: Client, name: str) -> None:
        twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
        wanted = deployment(name, env=twice)
        answer = alice.send("POST", f"{APPS}/deployments", wanted)
        assert (answer.code, answer.warnings) == (
            201,
            [
                '299 - "spec.template.spec.containers[0].env[1]: hides previous definition of \\"A\\", which may be '
                'dropped when using apply"'
            ],
        )
        assert container_of(answer.body)["env"] == twice
        answer = alice.send("PATCH", f"{APPS}/deployments/{name}?fieldManager=me", wanted, content_type=APPLY)
        assert (answer.code, answer.message) == (
            500,
            f"failed to create typed patch object (/{name}; apps/v1, Kind=Deployment): "
            '.spec.template.spec.containers[name="web"].env: duplicate entries for key [name="A"]',
        )

    def test_ports_that_stand_twice(self, alice: Client, name: str) -> None:
        answer = alice.send("POST", f"{APPS}/deployments", deployment(name, ports=[{"containerPort": 80}] * 2))
        assert (answer.code, answer.warnings) == (
            201,
            [
                '299 - "spec.template.spec.containers[0].ports[1]: duplicate port definition with '
                'spec.template.spec.containers[0].ports[0]"'
            ],
        )

    def test_patched_items_come_first(self, alice: Client, name: str) -> None:
        ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
        alice.make(f"{CORE}/services", service(name, ports=ports))
        more = {"spec": {"ports": [{"name": "c", "port": 82}]}}
        answer = alice.send("PATCH", f"{CORE}/services/{name}", more, content_type=STRATEGIC)
        assert [port["name"] for port in answer.body["spec"]["ports"]] == ["c", "a", "b"]
        known = {"spec": {"ports": [{"port": 81, "targetPort": 8081}]}}
        answer = alice.send("PATCH", f"{CORE}/services/{name}", known, content_type=STRATEGIC)
        assert [port["name"] for port in answer.body["spec"]["ports"]] == ["c", "a", "b"]
        ordered = {"spec": {"$setElementOrder/ports": [{"port": 81}, {"port": 80}, {"port": 82}]}}
        answer = alice.send("PATCH", f"{CORE}/services/{name}", ordered, content_type=STRATEGIC)
        assert [port["name"] for port in answer.body["spec"]["ports"]] == ["b", "a", "c"]


class TestOwners:
    @pytest.mark.parametrize("nobody", [[{}], []])
    def test_they_can_be_cleared(self, alice: Client, name: str, nobody: Any) -> None:
        alice.make(f"{CORE}/configmaps", config_map(name, a="1"))
        answer = alice.send(
            "PATCH", f"{CORE}/configmaps/{name}", {"metadata": {"managedFields": nobody}}, content_type=MERGE
        )
        assert answer.code == 200
        assert "managedFields" not in answer.body["metadata"]
        answer = alice.send("PATCH", f"{CORE}/configmaps/{name}", {"data": {"a": "2"}}, content_type=MERGE)
        assert "managedFields" not in answer.body["metadata"]
        answer = alice.send(
            "PATCH",
            f"{CORE}/configmaps/{name}?fieldManager=me&force=true",
            {"apiVersion": "v1", "kind": "ConfigMap", **config_map(name, a="3")},
            content_type=APPLY,
        )
        assert [entry["manager"] for entry in answer.body["metadata"]["managedFields"]] == ["me", "before-first-apply"]

    def test_an_empty_map_has_one(self, alice: Client, name: str) -> None:
        empty = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {}}}
        path = f"{CORE}/configmaps/{name}"
        for _ in range(2):
            answer = alice.send("PATCH", f"{path}?fieldManager=first", empty, content_type=APPLY)
            (entry,) = answer.body["metadata"]["managedFields"]
            assert entry["fieldsV1"] == {"f:metadata": {"f:labels": {}}}
        answer = alice.send("PATCH", f"{path}?fieldManager=second", empty, content_type=APPLY)
        assert (answer.code, answer.message) == (
            409,
            'Apply failed with 1 conflict: conflict with "first": .metadata.labels',
        )


class TestPut:
    def test_makes_what_is_missing_of_some_kinds(self, alice: Client, name: str) -> None:
        answer = alice.send("PUT", f"{CORE}/services/{name}", service(name))
        assert (answer.code, answer.body["metadata"]["name"]) == (201, name)
        assert alice.send("PUT", f"{CORE}/services/{name}", service(name)).code == 200

    def test_and_of_no_others(self, alice: Client, name: str) -> None:
        answer = alice.send("PUT", f"{CORE}/configmaps/{name}", config_map(name))
        assert (answer.code, answer.message) == (404, f'configmaps "{name}" not found')
        other = alice.send("PUT", f"{CORE}/services/{name}", service("other"))
        assert (other.code, other.message) == (
            400,
            f"the name of the object (other) does not match the name on the URL ({name})",
        )


class TestServiceTypes:
    @pytest.fixture
    def path(self, alice: Client, name: str) -> str:
        """The path of a Service with a load balancer."""
        path = f"{CORE}/services/{name}"
        alice.make(f"{CORE}/services", service(name, type="LoadBalancer", loadBalancerClass="eks.amazonaws.com/nlb"))
        answer = alice.send("PATCH", f"{path}/status", STATUS, content_type=MERGE)
        assert answer.body["status"]["loadBalancer"]["ingress"]
        return path

    def test_without_a_load_balancer_there_is_no_address(self, alice: Client, path: str) -> None:
        answer = alice.send("PATCH", path, {"spec": {"type": "ClusterIP"}}, content_type=MERGE)
        assert answer.body["status"] == {"loadBalancer": {}}
        assert not {"loadBalancerClass", "externalTrafficPolicy"} & answer.body["spec"].keys()
        assert "nodePort" not in answer.body["spec"]["ports"][0]
        answer = alice.send("PATCH", f"{path}/status", STATUS, content_type=MERGE)
        assert answer.code == 422
        assert answer.message.endswith(
            "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
        )

    def test_an_external_name_has_no_address_at_all(self, alice: Client, path: str) -> None:
        spec = {"type": "ExternalName", "externalName": "other.example"}
        answer = alice.send("PATCH", path, {"spec": spec}, content_type=MERGE)
        assert answer.body["status"] == {"loadBalancer": {}}
        assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & answer.body["spec"].keys()


class TestEvictions:
    @pytest.fixture
    def path(self, alice: Client, name: str) -> str:
        """The path of a pod that runs and isn't ready, with a budget."""
        spec = deployment(name)["spec"]["template"]["spec"]
        alice.make(f"{CORE}/pods", {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec})
        alice.send("PATCH", f"{CORE}/pods/{name}/status", {"status": {"phase": "Running"}}, content_type=MERGE)
        self.make_budget(alice, name, name)
        return f"{CORE}/pods/{name}"

    def make_budget(self, alice: Client, budget: str, app: str) -> None:
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": app}}}
        path = "/apis/policy/v1/namespaces/alices/poddisruptionbudgets"
        alice.make(path, {"metadata": {"name": budget}, "spec": spec})
        status = {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1}
        answer = alice.send(
            "PATCH", f"{path}/{budget}/status", {"status": {**status, "expectedPods": 2}}, content_type=MERGE
        )
        assert answer.code == 200

    def test_an_unhealthy_pod_may_go(self, alice: Client, name: str, path: str) -> None:
        assert alice.send("POST", f"{path}/eviction", {"metadata": {"name": name}}).code == 201
        assert alice.get(path).code == 404

    def test_a_healthy_one_must_stay(self, alice: Client, name: str, path: str) -> None:
        ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        alice.send("PATCH", f"{path}/status", ready, content_type=MERGE)
        answer = alice.send("POST", f"{path}/eviction", {"metadata": {"name": name}})
        assert (answer.code, answer.body["reason"]) == (429, "TooManyRequests")

    def test_two_budgets(self, alice: Client, name: str, path: str) -> None:
        self.make_budget(alice, f"{name}-too", name)
        answer = alice.send("POST", f"{path}/eviction", {"metadata": {"name": name}})
        assert (answer.code, answer.message) == (
            500,
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        )

    def test_another_name(self, alice: Client, path: str) -> None:
        answer = alice.send("POST", f"{path}/eviction", {"metadata": {"name": "other"}})
        assert (answer.code, answer.message) == (400, "name in URL does not match name in Eviction object")


class TestGeneration:
    def test_annotations_of_a_deployment_count(self, alice: Client, name: str) -> None:
        alice.make(f"{APPS}/deployments", deployment(name))
        path, change = f"{APPS}/deployments/{name}", {"metadata": {"annotations": {"a": "b"}}}
        assert alice.send("PATCH", path, change, content_type=MERGE).body["metadata"]["generation"] == 2
        change = {"metadata": {"annotations": {"a": "c"}}}
        assert alice.send("PATCH", f"{path}/status", change, content_type=MERGE).body["metadata"]["generation"] == 2
        change = {"metadata": {"labels": {"a": "b"}}}
        assert alice.send("PATCH", path, change, content_type=MERGE).body["metadata"]["generation"] == 2


def test_pages_are_of_one_moment(alice: Client, name: str) -> None:
    alice.send("DELETE", f"{CORE}/serviceaccounts")
    for letter in "abc":
        alice.make(f"{CORE}/serviceaccounts", {"metadata": {"name": f"{name}-{letter}"}})
    first = alice.get(f"{CORE}/serviceaccounts?limit=1").body
    assert first["metadata"]["remainingItemCount"] == 2
    alice.send("DELETE", f"{CORE}/serviceaccounts/{name}-b")
    alice.send("PATCH", f"{CORE}/serviceaccounts/{name}-c", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    alice.make(f"{CORE}/serviceaccounts", {"metadata": {"name": f"{name}-d"}})
    rest = alice.get(f"{CORE}/serviceaccounts?continue={first['metadata']['continue']}").body
    assert [each["metadata"]["name"] for each in rest["items"]] == [f"{name}-b", f"{name}-c"]
    assert "labels" not in rest["items"][1]["metadata"]
    assert rest["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}


def test_a_list_of_the_future(alice: Client) -> None:
    newest = alice.get(f"{CORE}/configmaps").body["metadata"]["resourceVersion"]
    answer = alice.get(f"{CORE}/configmaps?resourceVersion=99999999")
    assert (answer.code, answer.body["reason"]) == (504, "Timeout")
    assert answer.message == f"Timeout: Too large resource version: 99999999, current: {newest}"
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
