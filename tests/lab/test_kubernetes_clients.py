# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kubectl and the Python client against a cluster's API server.

Expected is a kube-apiserver's behaviour: with KUBEBUILDER_ASSETS set the same tests run against one.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import kubernetes_cluster
import pytest
from kubernetes import watch
from kubernetes.client import ApiException
from kubernetes_cluster import Cluster

_names = itertools.count()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with kubernetes_cluster.running(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    name = f"test-{next(_names)}"
    cluster.core.create_namespace({"metadata": {"name": name}})
    return name


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "web", "image": "swaggerapi/petstore3:1.0.27", "ports": [{"containerPort": 8080}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def service(name: str = "lb", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80, "targetPort": 8080}], "selector": {"app": "web"}, **spec},
    }


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


BALANCED = {"type": "LoadBalancer", "loadBalancerClass": "eks.amazonaws.com/nlb"}


def refusal(call: Any, *arguments: Any, **options: Any) -> ApiException:
    with pytest.raises(ApiException) as caught:
        call(*arguments, **options)
    return caught.value


class TestKubectl:
    def test_applies_twice_without_a_change(self, cluster: Cluster, namespace: str) -> None:
        assert "created" in cluster.kubectl("apply", "-n", namespace, "-f", "-", given=deployment())
        assert "unchanged" in cluster.kubectl("apply", "-n", namespace, "-f", "-", given=deployment())
        changed = deployment(minReadySeconds=3)
        assert "configured" in cluster.kubectl("apply", "-n", namespace, "-f", "-", given=changed)
        assert cluster.json("get", "-n", namespace, "deployment", "web")["spec"]["minReadySeconds"] == 3

    def test_apply_removes_what_is_no_longer_said(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("apply", "-n", namespace, "-f", "-", given=config_map(a="1", b="2"))
        cluster.kubectl("apply", "-n", namespace, "-f", "-", given=config_map(b="2"))
        assert cluster.json("get", "-n", namespace, "configmap", "settings")["data"] == {"b": "2"}

    def test_shows_services_as_a_table(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("apply", "-n", namespace, "-f", "-", given=service(**BALANCED))
        headings, row = cluster.kubectl("get", "-n", namespace, "services").splitlines()
        assert headings.split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
        name, kind, address, outside, ports, _ = row.split()
        assert (name, kind, outside) == ("lb", "LoadBalancer", "<pending>")
        assert address.startswith("10.100.")
        assert ports.startswith("80:3")

    def test_shows_an_address_once_the_status_has_it(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("apply", "-n", namespace, "-f", "-", given=service(**BALANCED))
        status = '{"status": {"loadBalancer": {"ingress": [{"hostname": "x.elb.amazonaws.com"}]}}}'
        cluster.kubectl("patch", "-n", namespace, "service", "lb", "--subresource=status", "--type=merge", "-p", status)
        assert "x.elb.amazonaws.com" in cluster.kubectl("get", "-n", namespace, "services")
        found = "--for=jsonpath={.status.loadBalancer.ingress[0].hostname}"
        cluster.kubectl("wait", "-n", namespace, "service/lb", found, "--timeout=10s")
        assert "x.elb.amazonaws.com" in cluster.kubectl("describe", "-n", namespace, "service", "lb")

    @pytest.mark.parametrize(
        ("kind", "headings"),
        [
            ("pods", "NAME READY STATUS RESTARTS AGE"),
            ("deployments", "NAME READY UP-TO-DATE AVAILABLE AGE"),
            ("replicasets", "NAME DESIRED CURRENT READY AGE"),
            ("poddisruptionbudgets", "NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE"),
            ("endpointslices", "NAME ADDRESSTYPE PORTS ENDPOINTS AGE"),
        ],
    )
    def test_columns_are_the_real_ones(self, cluster: Cluster, namespace: str, kind: str, headings: str) -> None:
        template = deployment()["spec"]["template"]
        objects = [
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": template["spec"]},
            deployment(),
            {
                **deployment(),
                "kind": "ReplicaSet",
            },
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": {"name": "web"},
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
            },
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": "web"},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["172.31.0.9"]}],
                "ports": [{"port": 8080}],
            },
        ]
        wanted = {"pods": 0, "deployments": 1, "replicasets": 2, "poddisruptionbudgets": 3, "endpointslices": 4}[kind]
        cluster.kubectl("create", "-n", namespace, "-f", "-", given=objects[wanted])
        shown, row = cluster.kubectl("get", "-n", namespace, kind).splitlines()
        assert " ".join(shown.split()) == headings
        assert row.startswith("web ")

    def test_explains_fields(self, cluster: Cluster) -> None:
        text = cluster.kubectl("explain", "service.spec.loadBalancerClass")
        assert "loadBalancerClass is the class of the load balancer implementation" in " ".join(text.split())

    def test_says_what_may_be_done(self, cluster: Cluster) -> None:
        assert cluster.kubectl("auth", "can-i", "create", "pods", "-n", "alices", token="alice-token") == "yes\n"
        assert "no" in cluster.run("auth", "can-i", "create", "pods", "-n", "default", token="alice-token").stdout
        assert "alice" in cluster.kubectl("auth", "whoami", token="alice-token")

    def test_scales_and_waits_for_a_rollout(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("apply", "-n", namespace, "-f", "-", given=deployment())
        cluster.kubectl("scale", "-n", namespace, "deployment/web", "--replicas=1")
        found = cluster.json("get", "-n", namespace, "deployment", "web")
        assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (1, 2)
        assert "timed out" in cluster.refused("rollout", "status", "-n", namespace, "deployment/web", "--timeout=1s")
        cluster.kubectl("scale", "-n", namespace, "deployment/web", "--replicas=0")
        # The deployment controller's part, in case that none runs.
        cluster.apps.patch_namespaced_deployment_status("web", namespace, {"status": {"observedGeneration": 3}})
        done = cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=10s")
        assert "successfully rolled out" in done

    def test_creates_without_a_manifest(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("create", "namespace", f"{namespace}-more")
        cluster.kubectl("create", "-n", namespace, "configmap", "made", "--from-literal=key=value")
        cluster.kubectl("create", "-n", namespace, "deployment", "made", "--image=nginx", "--replicas=0")
        cluster.kubectl("expose", "-n", namespace, "deployment", "made", "--port=80")
        assert cluster.json("get", "-n", namespace, "configmap", "made")["data"] == {"key": "value"}
        assert cluster.json("get", "-n", namespace, "service", "made")["spec"]["selector"] == {"app": "made"}

    def test_a_dry_run_changes_nothing(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("create", "-n", namespace, "--dry-run=server", "-f", "-", given=config_map())
        assert "NotFound" in cluster.refused("get", "-n", namespace, "configmap", "settings")
        cluster.kubectl("create", "-n", namespace, "-f", "-", given=config_map())
        cluster.kubectl("apply", "-n", namespace, "--dry-run=server", "-f", "-", given=config_map(a="1"))
        cluster.kubectl("delete", "-n", namespace, "--dry-run=server", "configmap", "settings")
        assert "data" not in cluster.json("get", "-n", namespace, "configmap", "settings")


class TestRefusals:
    def test_missing_objects_and_kinds(self, cluster: Cluster, namespace: str) -> None:
        assert 'services "no" not found' in cluster.refused("get", "-n", namespace, "service", "no")
        assert "doesn't have a resource type" in cluster.refused("get", "-n", namespace, "unicorns")

    def test_a_missing_namespace(self, cluster: Cluster) -> None:
        error = refusal(cluster.core.create_namespaced_config_map, "nowhere", config_map())
        assert error.status == 404
        assert 'namespaces \\"nowhere\\" not found' in error.body

    def test_names_that_exist(self, cluster: Cluster, namespace: str) -> None:
        cluster.core.create_namespaced_config_map(namespace, config_map())
        error = refusal(cluster.core.create_namespaced_config_map, namespace, config_map())
        assert error.status == 409
        assert 'configmaps \\"settings\\" already exists' in error.body

    def test_unknown_fields_when_strict(self, cluster: Cluster, namespace: str) -> None:
        wrong = service(tipe="LoadBalancer")
        text = cluster.refused("apply", "-n", namespace, "-f", "-", given=wrong)
        assert 'strict decoding error: unknown field "spec.tipe"' in text
        done = cluster.run("apply", "-n", namespace, "--validate=warn", "-f", "-", given=wrong)
        assert 'unknown field "spec.tipe"' in done.stderr
        assert done.returncode == 0

    def test_wrong_types(self, cluster: Cluster, namespace: str) -> None:
        text = cluster.refused("create", "-n", namespace, "-f", "-", given=deployment(replicas="two"))
        assert "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32" in text

    def test_all_that_is_invalid_at_once(self, cluster: Cluster, namespace: str) -> None:
        wrong = deployment(replicas=-1)
        wrong["spec"]["selector"]["matchLabels"] = {"app": "other"}
        wrong["spec"]["template"]["spec"]["containers"].append({"name": "sidecar"})
        text = cluster.refused("create", "-n", namespace, "-f", "-", given=wrong)
        assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in text
        assert "`selector` does not match template `labels`" in text
        assert "spec.template.spec.containers[1].image: Required value" in text

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"loadBalancerClass": "other.example/nlb"}, 'spec.loadBalancerClass: Invalid value: "other.example/nlb": may not change once set'),
            ({"clusterIP": "10.100.7.7"}, "may not change once set"),
            ({"ports": [{"port": 70000}]}, "must be between 1 and 65535, inclusive"),
            ({"type": "Tunnel"}, 'Unsupported value: "Tunnel": supported values: "ClusterIP", "ExternalName"'),
        ],
    )  # fmt: skip
    def test_changes_of_a_service(self, cluster: Cluster, namespace: str, change: dict[str, Any], said: str) -> None:
        cluster.core.create_namespaced_service(namespace, service(**BALANCED))
        error = refusal(cluster.core.patch_namespaced_service, "lb", namespace, {"spec": change})
        assert error.status == 422
        assert said in error.body.replace('\\"', '"')

    def test_another_selector_of_a_deployment(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("create", "-n", namespace, "-f", "-", given=deployment())
        text = cluster.refused("apply", "-n", namespace, "-f", "-", given={
            **deployment("other"), "metadata": {"name": "web"}
        })  # fmt: skip
        assert "field is immutable" in text

    def test_who_may_not(self, cluster: Cluster) -> None:
        text = cluster.refused("get", "pods", "-n", "default", token="alice-token")
        assert 'User "alice" cannot list resource "pods" in API group "" in the namespace "default"' in text
        text = cluster.refused("get", "nodes", token="alice-token")
        assert 'cannot list resource "nodes" in API group "" at the cluster scope' in text

    def test_who_is_unknown(self, cluster: Cluster) -> None:
        # As long as it doesn't know the served kinds, kubectl asks for those first, and fails with other words.
        cluster.kubectl("get", "pods")
        assert "Unauthorized" in cluster.refused("get", "pods", token="nobody")

    def test_a_namespace_scope_reaches_the_namespace_itself(self, cluster: Cluster) -> None:
        assert "NotFound" in cluster.refused("get", "namespace", "alices", token="alice-token")


class TestWrites:
    def test_a_stale_object_is_refused(self, cluster: Cluster, namespace: str) -> None:
        stale = cluster.core.create_namespaced_config_map(namespace, config_map(a="1"))
        cluster.core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}})
        error = refusal(cluster.core.replace_namespaced_config_map, "settings", namespace, stale)
        assert error.status == 409
        assert (
            "the object has been modified; please apply your changes to the latest version and try again" in error.body
        )

    def test_versions_rise_only_with_changes(self, cluster: Cluster, namespace: str) -> None:
        first = cluster.core.create_namespaced_config_map(namespace, config_map(a="1"))
        same = cluster.core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "1"}})
        other = cluster.core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}})
        assert same.metadata.resource_version == first.metadata.resource_version
        assert int(other.metadata.resource_version) > int(first.metadata.resource_version)
        assert other.metadata.uid == first.metadata.uid

    def test_defaults(self, cluster: Cluster, namespace: str) -> None:
        wanted = deployment()
        (container,) = wanted["spec"]["template"]["spec"]["containers"]
        container["readinessProbe"] = {"httpGet": {"port": 8080}}
        container["resources"] = {"limits": {"cpu": "1000m", "memory": "1024Mi"}}
        made = cluster.apps.create_namespaced_deployment(namespace, wanted)
        probe = made.spec.template.spec.containers[0].readiness_probe
        assert (probe.http_get.path, probe.http_get.scheme, probe.period_seconds, probe.failure_threshold) == (
            "/",
            "HTTP",
            10,
            3,
        )
        assert made.spec.template.spec.containers[0].resources.limits == {"cpu": "1", "memory": "1Gi"}
        pod = cluster.core.create_namespaced_pod(namespace, {**wanted["spec"]["template"], "metadata": {"name": "web"}})
        assert pod.spec.containers[0].resources.requests == {"cpu": "1", "memory": "1Gi"}
        assert made.spec.template.spec.containers[0].ports[0].protocol == "TCP"
        assert made.spec.strategy.rolling_update.max_surge == "25%"
        assert (made.spec.progress_deadline_seconds, made.spec.revision_history_limit) == (600, 10)

    def test_a_service_keeps_its_addresses(self, cluster: Cluster, namespace: str) -> None:
        made = cluster.core.create_namespaced_service(namespace, service(**BALANCED))
        assert made.spec.internal_traffic_policy == "Cluster"
        assert made.spec.ip_families == ["IPv4"]
        wanted = service(**BALANCED)
        wanted["spec"]["ports"][0]["targetPort"] = 9090
        replaced = cluster.core.replace_namespaced_service("lb", namespace, wanted)
        assert replaced.spec.cluster_ip == made.spec.cluster_ip
        assert replaced.spec.ports[0].node_port == made.spec.ports[0].node_port
        plain = cluster.core.patch_namespaced_service(
            "lb", namespace, {"spec": {"type": "ClusterIP", "loadBalancerClass": None}}
        )
        assert plain.spec.ports[0].node_port is None

    def test_the_status_has_a_way_of_its_own(self, cluster: Cluster, namespace: str) -> None:
        cluster.core.create_namespaced_service(namespace, service(**BALANCED))
        ingress = {"status": {"loadBalancer": {"ingress": [{"hostname": "x"}]}}}
        ignored = cluster.core.patch_namespaced_service("lb", namespace, ingress)
        assert ignored.status.load_balancer.ingress is None
        cluster.core.patch_namespaced_service_status("lb", namespace, {**ingress, "spec": {"selector": {"app": "no"}}})
        found = cluster.core.read_namespaced_service("lb", namespace)
        assert found.status.load_balancer.ingress[0].hostname == "x"
        assert found.spec.selector == {"app": "web"}

    def test_strategic_patches_merge_lists_by_key(self, cluster: Cluster, namespace: str) -> None:
        cluster.apps.create_namespaced_deployment(namespace, deployment())
        patch = {
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": "web", "image": "other:2"}, {"name": "more", "image": "more:1"}]}
                }
            }
        }
        made = cluster.apps.patch_namespaced_deployment("web", namespace, patch)
        images = {container.name: container.image for container in made.spec.template.spec.containers}
        assert images == {"web": "other:2", "more": "more:1"}
        gone = {"spec": {"template": {"spec": {"containers": [{"name": "more", "$patch": "delete"}]}}}}
        made = cluster.apps.patch_namespaced_deployment("web", namespace, gone)
        assert [(each.name, each.ports[0].container_port) for each in made.spec.template.spec.containers] == [
            ("web", 8080)
        ]

    def test_json_patches(self, cluster: Cluster, namespace: str) -> None:
        cluster.core.create_namespaced_config_map(namespace, config_map(a="1"))
        made = cluster.core.patch_namespaced_config_map(
            "settings", namespace, [{"op": "replace", "path": "/data/a", "value": "2"}]
        )
        assert made.data == {"a": "2"}
        wrong = [{"op": "test", "path": "/data/a", "value": "1"}]
        assert refusal(cluster.core.patch_namespaced_config_map, "settings", namespace, wrong).status == 422

    def test_generated_names(self, cluster: Cluster, namespace: str) -> None:
        made = [
            cluster.core.create_namespaced_config_map(namespace, {"metadata": {"generateName": "a-"}}) for _ in "ab"
        ]
        names = [each.metadata.name for each in made]
        assert all(name.startswith("a-") and len(name) == 7 for name in names)
        assert names[0] != names[1]

    def test_secrets_take_plain_text(self, cluster: Cluster, namespace: str) -> None:
        secret = {"metadata": {"name": "key"}, "stringData": {"key": "value"}}
        assert cluster.core.create_namespaced_secret(namespace, secret).data == {"key": "dmFsdWU="}


class TestServerSideApply:
    def apply(self, cluster: Cluster, namespace: str, item: Any, manager: str = "infra", **options: Any) -> Any:
        resource = cluster.dynamic.resources.get(api_version=item["apiVersion"], kind=item["kind"])
        return cluster.dynamic.server_side_apply(
            resource, body=item, namespace=namespace, field_manager=manager, **options
        )

    def test_creates_then_changes_nothing(self, cluster: Cluster, namespace: str) -> None:
        first = self.apply(cluster, namespace, deployment())
        second = self.apply(cluster, namespace, deployment())
        assert second.metadata.resourceVersion == first.metadata.resourceVersion
        (entry,) = second.metadata.managedFields
        assert (entry.manager, entry.operation) == ("infra", "Apply")

    def test_takes_back_what_is_no_longer_applied(self, cluster: Cluster, namespace: str) -> None:
        self.apply(cluster, namespace, config_map(a="1", b="2"))
        self.apply(cluster, namespace, config_map(c="3"), manager="other")
        found = self.apply(cluster, namespace, config_map(b="2"))
        assert found.data.to_dict() == {"b": "2", "c": "3"}

    def test_takes_back_a_probe_with_its_defaults(self, cluster: Cluster, namespace: str) -> None:
        probed = deployment()
        probed["spec"]["template"]["spec"]["containers"][0]["livenessProbe"] = {"httpGet": {"port": 8080}}
        self.apply(cluster, namespace, probed)
        found = self.apply(cluster, namespace, deployment())
        assert "livenessProbe" not in found.to_dict()["spec"]["template"]["spec"]["containers"][0]

    def test_refuses_what_belongs_to_another(self, cluster: Cluster, namespace: str) -> None:
        self.apply(cluster, namespace, config_map(a="1"))
        error = refusal(self.apply, cluster, namespace, config_map(a="2"), manager="other")
        assert error.status == 409
        assert 'Apply failed with 1 conflict: conflict with \\"infra\\": .data.a' in error.body
        forced = self.apply(cluster, namespace, config_map(a="2"), manager="other", force_conflicts=True)
        assert forced.data.a == "2"
        assert [entry.manager for entry in forced.metadata.managedFields] == ["other"]

    def test_two_may_agree(self, cluster: Cluster, namespace: str) -> None:
        self.apply(cluster, namespace, config_map(a="1"))
        self.apply(cluster, namespace, config_map(a="1"), manager="other")
        found = self.apply(cluster, namespace, config_map())
        assert found.data.a == "1"

    def test_items_of_lists_have_owners_too(self, cluster: Cluster, namespace: str) -> None:
        self.apply(cluster, namespace, service())
        more = service()
        more["spec"] = {"ports": [{"port": 443, "name": "tls"}]}
        error = refusal(self.apply, cluster, namespace, more, manager="other")
        assert "spec.ports[0].name: Required value" in error.body
        named = service(ports=[{"port": 80, "name": "http", "targetPort": 8080}])
        self.apply(cluster, namespace, named)
        same = {**more, "spec": {"ports": [{"port": 443, "name": "http"}]}}
        error = refusal(self.apply, cluster, namespace, same, manager="other")
        assert 'spec.ports[1].name: Duplicate value: \\"http\\"' in error.body
        both = self.apply(cluster, namespace, more, manager="other")
        assert [port.port for port in both.spec.ports] == [80, 443]
        more["spec"]["ports"] = []
        left = self.apply(cluster, namespace, more, manager="other")
        assert [port.port for port in left.spec.ports] == [80]

    def test_unknown_fields(self, cluster: Cluster, namespace: str) -> None:
        error = refusal(self.apply, cluster, namespace, service(tipe="LoadBalancer"))
        assert ".spec.tipe: field not declared in schema" in error.body

    def test_an_apply_without_fields_leaves_no_manager_so_the_next_one_changes_something(
        self, cluster: Cluster
    ) -> None:
        name = "owns-nothing"
        bare = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}

        def applied() -> list[str]:
            cluster.kubectl("apply", "--server-side", "-f", "-", given=bare)
            item = cluster.json("get", "namespace", name, "--show-managed-fields")
            return [entry["manager"] for entry in item["metadata"].get("managedFields", [])]

        assert applied() == []
        assert applied() == ["before-first-apply"]

    def test_kubectl_takes_over_from_client_side_apply(self, cluster: Cluster, namespace: str) -> None:
        cluster.kubectl("apply", "-n", namespace, "-f", "-", given=config_map(a="1", b="2"))
        cluster.kubectl("apply", "-n", namespace, "--server-side", "-f", "-", given=config_map(a="1"))
        assert cluster.json("get", "-n", namespace, "configmap", "settings")["data"] == {"a": "1"}


class TestWatches:
    def test_events_in_order(self, cluster: Cluster, namespace: str) -> None:
        listed = cluster.core.list_namespaced_config_map(namespace)
        cluster.core.create_namespaced_config_map(namespace, config_map(a="1"))
        cluster.core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}})
        cluster.core.delete_namespaced_config_map("settings", namespace)
        stream = watch.Watch().stream(
            cluster.core.list_namespaced_config_map,
            namespace,
            resource_version=listed.metadata.resource_version,
            timeout_seconds=10,
        )
        seen = [(event["type"], event["object"].metadata.name) for event in itertools.islice(stream, 3)]
        assert seen == [("ADDED", "settings"), ("MODIFIED", "settings"), ("DELETED", "settings")]

    def test_what_comes_while_watching(self, cluster: Cluster, namespace: str) -> None:
        stream = watch.Watch().stream(cluster.core.list_namespaced_config_map, namespace, timeout_seconds=20)
        first: list[Any] = []
        reader = threading.Thread(target=lambda: first.append(next(stream)))
        reader.start()
        cluster.core.create_namespaced_config_map(namespace, config_map())
        reader.join(20)
        assert [event["type"] for event in first] == ["ADDED"]

    def test_selected_objects_come_and_go(self, cluster: Cluster, namespace: str) -> None:
        listed = cluster.core.list_namespaced_config_map(namespace)
        cluster.core.create_namespaced_config_map(namespace, config_map())
        for label in ("yes", "no"):
            cluster.core.patch_namespaced_config_map("settings", namespace, {"metadata": {"labels": {"seen": label}}})
        stream = watch.Watch().stream(
            cluster.core.list_namespaced_config_map,
            namespace,
            label_selector="seen=yes",
            resource_version=listed.metadata.resource_version,
            timeout_seconds=10,
        )
        assert [event["type"] for event in itertools.islice(stream, 2)] == ["ADDED", "DELETED"]

    def test_bookmarks_close_the_first_list(self, cluster: Cluster, namespace: str) -> None:
        cluster.core.create_namespaced_config_map(namespace, config_map())
        query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        path = f"/api/v1/namespaces/{namespace}/configmaps?{query}&timeoutSeconds=1"
        response = cluster.kubectl("get", "--raw", path)
        assert response.index('"ADDED"') < response.index('"k8s.io/initial-events-end":"true"')

    def test_kubectl_watches(self, cluster: Cluster, namespace: str) -> None:
        cluster.core.create_namespaced_service(namespace, service())
        done = cluster.run("get", "-n", namespace, "services", "--watch", "--request-timeout=2s")
        assert done.stdout.splitlines()[1].startswith("lb ")


class TestDeletion:
    def test_finalizers_are_waited_for(self, cluster: Cluster, namespace: str) -> None:
        held = service(**BALANCED)
        held["metadata"]["finalizers"] = ["service.eks.amazonaws.com/resources"]
        cluster.core.create_namespaced_service(namespace, held)
        cluster.core.delete_namespaced_service("lb", namespace)
        assert cluster.core.read_namespaced_service("lb", namespace).metadata.deletion_timestamp
        more = {"metadata": {"finalizers": ["service.eks.amazonaws.com/resources", "late.example/one"]}}
        assert (
            "no new finalizers can be added"
            in refusal(cluster.core.patch_namespaced_service, "lb", namespace, more).body
        )
        cluster.core.patch_namespaced_service("lb", namespace, [{"op": "remove", "path": "/metadata/finalizers"}])
        assert refusal(cluster.core.read_namespaced_service, "lb", namespace).status == 404

    def test_a_running_pod_gets_its_grace(self, cluster: Cluster, namespace: str) -> None:
        spec = {**deployment()["spec"]["template"]["spec"], "nodeName": "no-such-node"}
        cluster.core.create_namespaced_pod(namespace, {"metadata": {"name": "web"}, "spec": spec})
        cluster.core.delete_namespaced_pod("web", namespace)
        assert cluster.core.read_namespaced_pod("web", namespace).metadata.deletion_grace_period_seconds == 30
        assert "Terminating" in cluster.kubectl("get", "-n", namespace, "pods")
        cluster.core.delete_namespaced_pod("web", namespace, grace_period_seconds=0)
        assert refusal(cluster.core.read_namespaced_pod, "web", namespace).status == 404

    def test_preconditions(self, cluster: Cluster, namespace: str) -> None:
        cluster.core.create_namespaced_config_map(namespace, config_map())
        other = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
        assert refusal(cluster.core.delete_namespaced_config_map, "settings", namespace, body=other).status == 409

    def test_collections(self, cluster: Cluster, namespace: str) -> None:
        for name in ("a", "b", "c"):
            item = config_map(name)
            item["metadata"]["labels"] = {"keep": "yes" if name == "b" else "no"}
            cluster.core.create_namespaced_config_map(namespace, item)
        cluster.core.delete_collection_namespaced_config_map(namespace, label_selector="keep!=yes")
        left = cluster.core.list_namespaced_config_map(namespace, label_selector="keep")
        assert [each.metadata.name for each in left.items] == ["b"]

    def test_a_namespace_waits_for_its_finalizer(self, cluster: Cluster, namespace: str) -> None:
        cluster.core.create_namespaced_config_map(
            namespace, {**config_map(), "metadata": {"name": "held", "finalizers": ["a.example/b"]}}
        )
        cluster.core.replace_namespace(namespace, {"metadata": {"name": namespace}})
        cluster.core.delete_namespace(namespace)
        assert cluster.core.read_namespace(namespace).status.phase == "Terminating"
        error = refusal(cluster.core.create_namespaced_config_map, namespace, config_map())
        assert error.status == 403
        assert "because it is being terminated" in error.body
        cluster.core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})

    def test_only_what_was_seen_is_finalized(self, cluster: Cluster, namespace: str) -> None:
        metadata = cluster.core.read_namespace(namespace).metadata
        seen = {"name": namespace, "resourceVersion": metadata.resource_version}
        cluster.core.patch_namespace(namespace, {"metadata": {"labels": {"newer": "yes"}}})
        body = {"metadata": seen, "spec": {"finalizers": []}}
        assert refusal(cluster.core.replace_namespace_finalize, namespace, body).status == 409
        assert cluster.core.read_namespace(namespace).spec.finalizers == ["kubernetes"]

    def test_the_cluster_keeps_its_own_namespaces(self, cluster: Cluster) -> None:
        assert "this namespace may not be deleted" in refusal(cluster.core.delete_namespace, "kube-system").body


class TestReads:
    def test_lists_in_pages(self, cluster: Cluster, namespace: str) -> None:
        for name in ("a", "b", "c"):
            cluster.core.create_namespaced_config_map(namespace, config_map(f"page-{name}"))
        options = {"field_selector": "metadata.name!=kube-root-ca.crt"}
        first = cluster.core.list_namespaced_config_map(namespace, limit=2, **options)
        rest = cluster.core.list_namespaced_config_map(
            namespace, limit=2, _continue=first.metadata._continue, **options
        )
        names = [each.metadata.name for each in first.items + rest.items]
        assert (len(first.items), names) == (2, ["page-a", "page-b", "page-c"])
        assert rest.metadata._continue is None

    def test_selectors(self, cluster: Cluster, namespace: str) -> None:
        for name, tier in (("a", "front"), ("b", "back"), ("c", None)):
            item = config_map(name)
            item["metadata"]["labels"] = {"tier": tier} if tier else {"other": "x"}
            cluster.core.create_namespaced_config_map(namespace, item)

        def names(selector: str) -> list[str]:
            found = cluster.core.list_namespaced_config_map(namespace, label_selector=selector)
            return [each.metadata.name for each in found.items if each.metadata.name != "kube-root-ca.crt"]

        assert names("tier=front") == ["a"]
        assert names("tier in (front, back)") == ["a", "b"]
        assert names("tier notin (front),other") == ["c"]
        assert names("!tier") == ["c"]
        error = refusal(cluster.core.list_namespaced_config_map, namespace, field_selector="data.x=y")
        assert "is not a known field selector" in error.body
        error = refusal(cluster.core.list_namespaced_pod, namespace, field_selector="spec.x=y")
        assert "field label not supported: spec.x" in error.body

    def test_events_are_found_by_what_they_are_about(self, cluster: Cluster, namespace: str) -> None:
        event = {
            "metadata": {"name": "told"},
            "involvedObject": {"kind": "Service", "namespace": namespace, "name": "lb"},
            "reason": "FailedBuildModel",
            "message": "unable to resolve at least one subnet",
            "type": "Warning",
            "lastTimestamp": "2026-01-01T00:00:00Z",
        }
        cluster.core.create_namespaced_event(namespace, event)
        selected = cluster.core.list_namespaced_event(namespace, field_selector="involvedObject.name=lb")
        assert [each.reason for each in selected.items] == ["FailedBuildModel"]
        assert "unable to resolve at least one subnet" in cluster.kubectl("events", "-n", namespace)

    def test_pods_are_bound_and_read(self, cluster: Cluster, namespace: str) -> None:
        spec = deployment()["spec"]["template"]["spec"]
        cluster.core.create_namespaced_pod(namespace, {"metadata": {"name": "web"}, "spec": spec})
        binding = {"metadata": {"name": "web"}, "target": {"kind": "Node", "name": "node-1"}}
        cluster.core.create_namespaced_pod_binding("web", namespace, binding, _preload_content=False)
        assert cluster.core.read_namespaced_pod("web", namespace).spec.node_name == "node-1"
        again = refusal(cluster.core.create_namespaced_pod_binding, "web", namespace, binding, _preload_content=False)
        assert again.status == 409

    def test_statuses_are_complete(self, cluster: Cluster, namespace: str) -> None:
        spec = deployment()["spec"]["template"]["spec"]
        cluster.core.create_namespaced_pod(namespace, {"metadata": {"name": "web"}, "spec": spec})
        running = {"status": {"containerStatuses": [{"name": "web", "state": {"running": {}}}], "phase": "Running"}}
        cluster.core.patch_namespaced_pod_status("web", namespace, running)
        (status,) = cluster.core.read_namespaced_pod("web", namespace).status.container_statuses
        assert (status.image_id, status.restart_count, status.ready) == ("", 0, False)

    def test_evictions_ask_the_budget(self, cluster: Cluster, namespace: str) -> None:
        template = deployment()["spec"]["template"]
        cluster.core.create_namespaced_pod(
            namespace, {**template, "metadata": {"name": "web", "labels": {"app": "web"}}}
        )
        cluster.core.patch_namespaced_pod_status(
            "web", namespace, {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
        )
        budget = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        }
        cluster.kubectl("create", "-n", namespace, "-f", "-", given=budget)
        status = {
            "observedGeneration": 1,
            "disruptionsAllowed": 0,
            "currentHealthy": 1,
            "desiredHealthy": 1,
            "expectedPods": 1,
        }
        cluster.kubectl(
            "patch",
            "-n",
            namespace,
            "pdb",
            "web",
            "--subresource=status",
            "--type=merge",
            "-p",
            str({"status": status}).replace("'", '"'),
        )
        eviction = {"metadata": {"name": "web"}}
        error = refusal(cluster.core.create_namespaced_pod_eviction, "web", namespace, eviction, _preload_content=False)
        assert error.status == 429
        assert "Cannot evict pod as it would violate the pod's disruption budget." in error.body


def test_logs_of_pods(cluster: Cluster, namespace: str) -> None:
    if cluster.server.__class__.__name__ == "ExternalServer":
        pytest.skip("a kube-apiserver asks the kubelet for logs")
    spec = deployment()["spec"]["template"]["spec"]
    cluster.core.create_namespaced_pod(namespace, {"metadata": {"name": "web"}, "spec": spec})
    assert cluster.kubectl("logs", "-n", namespace, "web") == f"{namespace}/web: ready\n"
