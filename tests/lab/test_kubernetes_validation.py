# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kube-apiserver's words about invalid objects: one mistake each, and its whole sentence.

With KUBEBUILDER_ASSETS set the same tests run against one.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import kubernetes_cluster
import pytest
from kubernetes_cluster import Cluster

PATHS = {
    "Service": "/api/v1/namespaces/default/services",
    "ConfigMap": "/api/v1/namespaces/default/configmaps",
    "Secret": "/api/v1/namespaces/default/secrets",
    "Deployment": "/apis/apps/v1/namespaces/default/deployments",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
}
DNS_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must "
    "start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
NAME_PART = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
CONFIG_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with kubernetes_cluster.running(tmp_path_factory.mktemp("validation")) as started:
        taken = {"clusterIP": "10.100.7.7", "type": "NodePort", "ports": [{"port": 80, "nodePort": 30707}]}
        started.core.create_namespaced_service("default", {"metadata": {"name": "taken"}, "spec": taken})
        yield started


def refusal(cluster: Cluster, kind: str, item: dict[str, Any]) -> str:
    """The complaint about this object, which must be invalid."""
    answer = cluster.request("POST", f"{PATHS[kind]}?dryRun=All", {"metadata": {"name": "web"}, **item})
    assert (answer.code, answer.body.get("reason")) == (422, "Invalid"), answer
    return re.sub(r'^\w+(\.[\w.]+)? "web" is invalid: ', "", answer.message)


BALANCED = {"type": "LoadBalancer", "loadBalancerClass": "eks.amazonaws.com/nlb"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"ports": [{"port": 80, "targetPort": "8080"}]},
            'spec.ports[0].targetPort: Invalid value: "8080": must contain at least one letter (a-z)',
        ),
        (
            {"ports": [{"port": 80, "targetPort": "a--b"}]},
            'spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens',
        ),
        (
            {"ports": [{"port": 80, "targetPort": "a-very-long-name"}]},
            'spec.ports[0].targetPort: Invalid value: "a-very-long-name": must be no more than 15 characters',
        ),
        ({"ports": [{"port": 80, "name": "Web"}]}, f'spec.ports[0].name: Invalid value: "Web": {DNS_LABEL}'),
        (
            {"ports": [{"port": 80, "nodePort": 30001}]},
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
            (
                "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of "
                "valid ports is 30000-32767"
            ),
        ),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30707}]},
            "spec.ports[0].nodePort: Invalid value: 30707: provided port is already allocated",
        ),
        (
            {"clusterIP": "10.100.7.7"},
            (
                'spec.clusterIPs: Invalid value: ["10.100.7.7"]: failed to allocate IP 10.100.7.7: provided IP is '
                "already allocated"
            ),
        ),
        (
            {"clusterIP": "10.9.0.1"},
            (
                'spec.clusterIPs: Invalid value: ["10.9.0.1"]: failed to allocate IP 10.9.0.1: the provided IP '
                "(10.9.0.1) is not in the valid range. The range of valid IPs is 10.100.0.0/16"
            ),
        ),
        (
            {"clusterIP": "here"},
            (
                'spec.clusterIPs[0]: Invalid value: "here": must be a valid IP address, (e.g. 10.9.8.7 or '
                "2001:db8::ffff)"
            ),
        ),
        (
            {**BALANCED, "clusterIP": "None"},
            "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services",
        ),
        (
            {**BALANCED, "loadBalancerSourceRanges": ["10.0.0.0"]},
            (
                'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. '
                "10.9.8.0/24 or 2001:db8::/64)"
            ),
        ),
        ({"loadBalancerSourceRanges": ["10.0.0.0/8"]}, f"spec.LoadBalancerSourceRanges: Forbidden: {ONLY_BALANCED}"),
        ({"allocateLoadBalancerNodePorts": False}, f"spec.allocateLoadBalancerNodePorts: Forbidden: {ONLY_BALANCED}"),
        ({"loadBalancerClass": "eks.amazonaws.com/nlb"}, f"spec.loadBalancerClass: Forbidden: {ONLY_BALANCED}"),
        ({**BALANCED, "loadBalancerClass": "a b"}, f'spec.loadBalancerClass: Invalid value: "a b": {NAME_PART}'),
        (
            {"externalTrafficPolicy": "Local"},
            'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
        ),
        ({"type": "ExternalName"}, "spec.externalName: Required value"),
    ],
)
def test_services(cluster: Cluster, spec: dict[str, Any], said: str) -> None:
    assert refusal(cluster, "Service", {"spec": {"ports": [{"port": 80}], **spec}}) == said


def deployment(spec: dict[str, Any], pod: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "web", "image": "nginx:1", **container}], **pod},
    }
    return {"spec": {"selector": {"matchLabels": labels}, "template": template, **spec}}


POD, CONTAINER = "spec.template.spec", "spec.template.spec.containers[0]"


@pytest.mark.parametrize(
    ("container", "said"),
    [
        (
            {"ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}]},
            f'{CONTAINER}.ports[1].name: Duplicate value: "http"',
        ),
        (
            {"ports": [{"containerPort": 80, "name": "a-very-long-name"}]},
            f'{CONTAINER}.ports[0].name: Invalid value: "a-very-long-name": must be no more than 15 characters',
        ),
        (
            {"env": [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            f'{CONTAINER}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
        ),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            (
                f'{CONTAINER}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, '
                f"`resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            ),
        ),
        (
            {"env": [{"name": "A=B"}]},
            (
                f'{CONTAINER}.env[0].name: Invalid value: "A=B": a valid environment variable name must consist '
                f"only of printable ASCII characters other than '='"
            ),
        ),
        (
            {"resources": {"limits": {"gpu": "1"}}},
            f'{CONTAINER}.resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
        ),
        (
            {"resources": {"requests": {"cpu": "-1"}}},
            f'{CONTAINER}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        (
            {"readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": -1}},
            f"{CONTAINER}.readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 80}, "successThreshold": 2}},
            f"{CONTAINER}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            {"readinessProbe": {"httpGet": {"port": "80"}}},
            f'{CONTAINER}.readinessProbe.httpGet.port: Invalid value: "80": must contain at least one letter (a-z)',
        ),
        (
            {"readinessProbe": {"httpGet": {"port": 80}, "tcpSocket": {"port": 80}}},
            f"{CONTAINER}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/v"}] * 2},
            f'{CONTAINER}.volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
        ),
        ({"volumeMounts": [{"name": "w", "mountPath": "/v"}]}, f'{CONTAINER}.volumeMounts[0].name: Not found: "w"'),
    ],
)
def test_containers(cluster: Cluster, container: dict[str, Any], said: str) -> None:
    pod = {"volumes": [{"name": "v", "emptyDir": {}}]}
    assert refusal(cluster, "Deployment", deployment({}, pod, container)) == said


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        (
            {"volumes": [{"name": "v", "emptyDir": {}, "configMap": {"name": "c"}}]},
            f"{POD}.volumes[0].configMap: Forbidden: may not specify more than 1 volume type",
        ),
        ({"volumes": [{"name": "v"}, {"name": "v"}]}, f'{POD}.volumes[1].name: Duplicate value: "v"'),
        ({"restartPolicy": "Never"}, f'{POD}.restartPolicy: Unsupported value: "Never": supported values: "Always"'),
        ({"containers": []}, f"{POD}.containers: Required value"),
        (
            {"containers": [{"name": "web", "image": "a"}, {"name": "web", "image": "b"}]},
            f'{POD}.containers[1].name: Duplicate value: "web"',
        ),
    ],
)
def test_pods(cluster: Cluster, pod: dict[str, Any], said: str) -> None:
    assert refusal(cluster, "Deployment", deployment({}, pod, {})) == said


def rolling(surge: int | str, unavailable: int | str) -> dict[str, Any]:
    return {"strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}


ROLLING = "spec.strategy.rollingUpdate"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (rolling(0, 0), f"{ROLLING}.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"),
        (rolling("0%", "0%"), f'{ROLLING}.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'),
        (rolling("some", 1), f'{ROLLING}.maxSurge: Invalid value: "some": {PERCENT}'),
        (rolling(1, "110%"), f'{ROLLING}.maxUnavailable: Invalid value: "110%": must not be greater than 100%'),
        ({"selector": {}}, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"),
    ],
)
def test_deployments(cluster: Cluster, spec: dict[str, Any], said: str) -> None:
    assert refusal(cluster, "Deployment", deployment(spec, {}, {})) == said


def test_annotations(cluster: Cluster) -> None:
    item = copy.deepcopy(deployment({}, {}, {}))
    item["spec"]["template"]["metadata"]["annotations"] = {"a b": "c"}
    assert refusal(cluster, "Deployment", item) == f'spec.template.annotations: Invalid value: "a b": {NAME_PART}'


@pytest.mark.parametrize(
    ("kind", "item", "said"),
    [
        ("ConfigMap", {"data": {"a b": "c"}}, f'data[a b]: Invalid value: "a b": {CONFIG_KEY}'),
        ("ConfigMap", {"data": {"..a": "c"}}, "data[..a]: Invalid value: \"..a\": must not start with '..'"),
        (
            "ConfigMap",
            {"data": {"a": "c"}, "binaryData": {"a": "YQ=="}},
            'data[a]: Invalid value: "a": duplicate of key present in binaryData',
        ),
        ("Secret", {"data": {"a/b": "YQ=="}}, f'data[a/b]: Invalid value: "a/b": {CONFIG_KEY}'),
        ("Secret", {"type": "kubernetes.io/tls", "data": {"tls.key": "YQ=="}}, "data[tls.crt]: Required value"),
        (
            "PodDisruptionBudget",
            {"spec": {"minAvailable": "most"}},
            f'spec.minAvailable: Invalid value: "most": {PERCENT}',
        ),
        (
            "PodDisruptionBudget",
            {"spec": {"maxUnavailable": "110%"}},
            'spec.maxUnavailable: Invalid value: "110%": must not be greater than 100%',
        ),
        (
            "EndpointSlice",
            {"addressType": "IPv5", "endpoints": []},
            'addressType: Unsupported value: "IPv5": supported values: "FQDN", "IPv4", "IPv6"',
        ),
        (
            "EndpointSlice",
            {"addressType": "IPv4", "endpoints": [{"addresses": []}]},
            "endpoints[0].addresses: Required value: must contain at least 1 address",
        ),
        (
            "ConfigMap",
            {"metadata": {"name": "web", "finalizers": ["mine"]}},
            (
                'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it '
                "fully qualified"
            ),
        ),
        (
            "ConfigMap",
            {"metadata": {"name": "web", "finalizers": ["a b/c"]}},
            f'metadata.finalizers: Invalid value: "a b/c": prefix part {SUBDOMAIN}',
        ),
    ],
)
def test_other_kinds(cluster: Cluster, kind: str, item: dict[str, Any], said: str) -> None:
    assert refusal(cluster, kind, item) == said
