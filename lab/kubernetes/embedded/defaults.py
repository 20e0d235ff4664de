# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API server's defaults for fields that a client left out: a table by type, walked along the schema."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from lab.kubernetes.embedded.resources import Object
from lab.kubernetes.embedded.schema import Type

#: Computes the defaults out of the object that lacks them.
Computed = Callable[[Object], Object]


def _container(item: Object) -> Object:
    tag = item.get("image", "").rpartition("/")[2].partition("@")
    latest = not tag[1] and tag[0].partition(":")[2] in ("", "latest")
    return {
        "imagePullPolicy": "Always" if latest else "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {},
    }


def _deployment_strategy(item: Object) -> Object:
    if item.get("type", "RollingUpdate") != "RollingUpdate":
        return {}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}


def _service_port(item: Object) -> Object:
    return {"protocol": "TCP", "targetPort": item.get("port", 0)}


def _service(item: Object) -> Object:
    kind = item.get("type", "ClusterIP")
    defaults: Object = {"type": "ClusterIP", "sessionAffinity": "None"}
    if kind != "ExternalName":
        defaults["internalTrafficPolicy"] = "Cluster"
    if kind in ("NodePort", "LoadBalancer"):
        defaults["externalTrafficPolicy"] = "Cluster"
    if kind == "LoadBalancer":
        defaults["allocateLoadBalancerNodePorts"] = True
    if item.get("sessionAffinity") == "ClientIP":
        defaults["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    return defaults


def _namespace(item: Object) -> Object:
    if not item.get("spec"):
        item.pop("spec", None)
    item["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = item["metadata"]["name"]
    return {}


def _pod(item: Object) -> Object:
    """Defaults for pods, but not for their templates."""
    spec = item.setdefault("spec", {})
    spec.setdefault("enableServiceLinks", True)
    for container in spec.get("containers", []) + spec.get("initContainers", []):
        resources = container.get("resources", {})
        if limits := resources.get("limits"):
            # A request that is left out is as large as its limit.
            resources["requests"] = {**limits, **resources.get("requests", {})}
    return {}


def _pod_spec(item: Object) -> Object:
    defaults: Object = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }
    if "serviceAccountName" in item:
        defaults["serviceAccount"] = item["serviceAccountName"]
    return defaults


_CORE = "io.k8s.api.core.v1."
_READ_ONLY_MODE = {"defaultMode": 0o644}

DEFAULTS: dict[str, Object | Computed] = {
    _CORE + "Namespace": _namespace,
    _CORE + "Pod": _pod,
    _CORE + "PodTemplateSpec": {"spec": {}},
    _CORE + "PodSpec": _pod_spec,
    _CORE + "Container": _container,
    _CORE + "ContainerPort": {"protocol": "TCP"},
    _CORE + "Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    _CORE + "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    _CORE + "GRPCAction": {"service": ""},
    _CORE + "ObjectFieldSelector": {"apiVersion": "v1"},
    _CORE + "Volume": lambda volume: {} if volume.keys() - {"name"} else {"emptyDir": {}},
    _CORE + "SecretVolumeSource": _READ_ONLY_MODE,
    _CORE + "ConfigMapVolumeSource": _READ_ONLY_MODE,
    _CORE + "DownwardAPIVolumeSource": _READ_ONLY_MODE,
    _CORE + "ProjectedVolumeSource": _READ_ONLY_MODE,
    _CORE + "HostPathVolumeSource": {"type": ""},
    _CORE + "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    _CORE + "Service": {"spec": {}},
    _CORE + "ServiceStatus": {"loadBalancer": {}},
    _CORE + "ServicePort": _service_port,
    _CORE + "ServiceSpec": _service,
    _CORE + "NodeStatus": {"nodeInfo": {}, "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}},
    _CORE + "Secret": {"type": "Opaque"},
    "io.k8s.api.apps.v1.Deployment": {"spec": {}},
    "io.k8s.api.apps.v1.ReplicaSet": {"spec": {}},
    "io.k8s.api.apps.v1.DeploymentSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {},
        "template": {},
    },
    "io.k8s.api.apps.v1.DeploymentStrategy": _deployment_strategy,
    "io.k8s.api.apps.v1.RollingUpdateDeployment": {"maxSurge": "25%", "maxUnavailable": "25%"},
    "io.k8s.api.apps.v1.ReplicaSetSpec": {"replicas": 1, "template": {}},
    "io.k8s.api.apps.v1.ReplicaSetStatus": {"replicas": 0},
    "io.k8s.api.discovery.v1.EndpointPort": {"name": "", "protocol": "TCP"},
    "io.k8s.api.policy.v1.PodDisruptionBudgetStatus": {
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
    },
}


_ZERO = {"string": "", "integer": 0, "boolean": False, "number": 0}


def zero(kind: Type, value: Any) -> None:
    """Give required fields that are missing their type's zero value, as Go does: so it is in a status."""
    if isinstance(value, list) and kind.items is not None:
        for each in value:
            zero(kind.items, each)
    elif isinstance(value, dict):
        for name in kind.required:
            if name not in value and kind.field(name).shape in _ZERO and kind.field(name).format != "date-time":
                value[name] = _ZERO[kind.field(name).shape]
        for name, each in value.items():
            zero(kind.field(name), each)


def fill(kind: Type, value: Any) -> None:
    """Set every default in a value of this type, in place, from the outside in."""
    if isinstance(value, list) and kind.items is not None:
        for each in value:
            fill(kind.items, each)
    elif isinstance(value, dict):
        known = DEFAULTS.get(kind.name, {})
        for name, default in (known(value) if callable(known) else known).items():
            if name not in value:
                value[name] = copy.deepcopy(default)
        for name, field in kind.fields.items():
            if field.default is not None and name not in value:
                value[name] = copy.deepcopy(field.default)
        for name, each in value.items():
            fill(kind.field(name), each)
