# Copyright (c) 2026 the seam.eks_auto contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zero values ("", 0, false): some are kept as sent, others count as not given.

Go's structs can't tell an empty value from none, unless the field is a pointer or always written. Always written are
the fields that a schema requires. Only k8s.io/api shows the pointers, so they stand here.
"""

from __future__ import annotations

from typing import Any

from lab.kubernetes.embedded.schema import Type

_APPS = "io.k8s.api.apps.v1."
_CORE = "io.k8s.api.core.v1."
_DISCOVERY = "io.k8s.api.discovery.v1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_SCALARS = ("string", "integer", "number", "boolean", "int-or-string")

_POINTERS: dict[str, tuple[str, ...]] = {
    _APPS + "DeploymentSpec": ("progressDeadlineSeconds", "replicas", "revisionHistoryLimit"),
    _APPS + "DeploymentStatus": ("collisionCount", "terminatingReplicas"),
    _APPS + "ReplicaSetSpec": ("replicas",),
    _APPS + "ReplicaSetStatus": ("terminatingReplicas",),
    _APPS + "RollingUpdateDeployment": ("maxSurge", "maxUnavailable"),
    _CORE + "AppArmorProfile": ("localhostProfile",),
    _CORE + "ClientIPConfig": ("timeoutSeconds",),
    _CORE + "ClusterTrustBundleProjection": ("name", "optional", "signerName"),
    _CORE + "ConfigMap": ("immutable",),
    _CORE + "ConfigMapEnvSource": ("optional",),
    _CORE + "ConfigMapKeySelector": ("optional",),
    _CORE + "ConfigMapProjection": ("optional",),
    _CORE + "ConfigMapVolumeSource": ("defaultMode", "optional"),
    _CORE + "Container": ("restartPolicy",),
    _CORE + "ContainerStatus": ("started", "stopSignal"),
    _CORE + "CSIVolumeSource": ("fsType", "readOnly"),
    _CORE + "DownwardAPIVolumeFile": ("mode",),
    _CORE + "DownwardAPIVolumeSource": ("defaultMode",),
    _CORE + "GRPCAction": ("service",),
    _CORE + "HostPathVolumeSource": ("type",),
    _CORE + "KeyToPath": ("mode",),
    _CORE + "Lifecycle": ("stopSignal",),
    _CORE + "LoadBalancerIngress": ("ipMode",),
    _CORE + "PersistentVolumeClaimSpec": ("storageClassName", "volumeAttributesClassName", "volumeMode"),
    _CORE + "PodDNSConfigOption": ("value",),
    _CORE + "PodSecurityContext": (
        "fsGroup",
        "fsGroupChangePolicy",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seLinuxChangePolicy",
        "supplementalGroupsPolicy",
    ),
    _CORE + "PodSpec": (
        "activeDeadlineSeconds",
        "automountServiceAccountToken",
        "enableServiceLinks",
        "hostUsers",
        "hostnameOverride",
        "preemptionPolicy",
        "priority",
        "runtimeClassName",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "terminationGracePeriodSeconds",
    ),
    _CORE + "PortStatus": ("error",),
    _CORE + "Probe": ("terminationGracePeriodSeconds",),
    _CORE + "ProjectedVolumeSource": ("defaultMode",),
    _CORE + "SeccompProfile": ("localhostProfile",),
    _CORE + "Secret": ("immutable",),
    _CORE + "SecretEnvSource": ("optional",),
    _CORE + "SecretKeySelector": ("optional",),
    _CORE + "SecretProjection": ("optional",),
    _CORE + "SecretVolumeSource": ("defaultMode", "optional"),
    _CORE + "SecurityContext": (
        "allowPrivilegeEscalation",
        "privileged",
        "procMount",
        "readOnlyRootFilesystem",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
    ),
    _CORE + "ServiceAccount": ("automountServiceAccountToken",),
    _CORE + "ServiceAccountTokenProjection": ("expirationSeconds",),
    _CORE + "ServicePort": ("appProtocol",),
    _CORE + "ServiceSpec": (
        "allocateLoadBalancerNodePorts",
        "internalTrafficPolicy",
        "ipFamilyPolicy",
        "loadBalancerClass",
        "trafficDistribution",
    ),
    _CORE + "Toleration": ("tolerationSeconds",),
    _CORE + "TopologySpreadConstraint": ("minDomains", "nodeAffinityPolicy", "nodeTaintsPolicy"),
    _CORE + "TypedLocalObjectReference": ("apiGroup",),
    _CORE + "TypedObjectReference": ("apiGroup", "namespace"),
    _CORE + "VolumeMount": ("mountPropagation", "recursiveReadOnly"),
    _DISCOVERY + "Endpoint": ("hostname", "nodeName", "zone"),
    _DISCOVERY + "EndpointConditions": ("ready", "serving", "terminating"),
    _DISCOVERY + "EndpointPort": ("appProtocol", "name", "port", "protocol"),
    "io.k8s.api.policy.v1.PodDisruptionBudgetSpec": ("maxUnavailable", "minAvailable", "unhealthyPodEvictionPolicy"),
    _META + "DeleteOptions": ("gracePeriodSeconds", "orphanDependents", "propagationPolicy"),
    _META + "ObjectMeta": ("deletionGracePeriodSeconds",),
    _META + "OwnerReference": ("blockOwnerDeletion", "controller"),
    _META + "Preconditions": ("resourceVersion", "uid"),
}


def is_dropped(owner: Type, name: str, value: Any) -> bool:
    """Whether this value of a built-in type's field counts as not given."""
    if owner.custom or name in owner.required or owner.field(name).shape not in _SCALARS:
        return False
    return value in ("", 0, False) and name not in _POINTERS.get(owner.name, ())
