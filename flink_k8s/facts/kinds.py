"""Kinds of Kubernetes objects: those of Flink, and cluster-scoped ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from flink_k8s.facts.mappings import mapping

FLINK_GROUP, FLINK_VERSION = "flink.apache.org", "v1beta1"
FLINK_API = f"{FLINK_GROUP}/{FLINK_VERSION}"


class FlinkKind(StrEnum):
    """The kinds of the Flink operator."""

    DEPLOYMENT = "FlinkDeployment"
    SESSION_JOB = "FlinkSessionJob"
    BLUE_GREEN = "FlinkBlueGreenDeployment"
    SNAPSHOT = "FlinkStateSnapshot"

    @property
    def plural(self) -> str:
        """`flinkdeployments`."""
        return f"{self.value.lower()}s"

    @property
    def resource(self) -> str:
        """`flinkdeployments.flink.apache.org`: the name of its CRD, and the kind for kubectl."""
        return f"{self.plural}.{FLINK_GROUP}"

    @property
    def spec_path(self) -> tuple[str, ...]:
        """The path of the spec with image, pods, configuration and job in a manifest."""
        return ("spec", "template", "spec") if self is FlinkKind.BLUE_GREEN else ("spec",)

    @property
    def has_pods(self) -> bool:
        """Whether it has pods of its own. A session job runs in the pods of its cluster."""
        return self in (FlinkKind.DEPLOYMENT, FlinkKind.BLUE_GREEN)

    @property
    def runs_job(self) -> bool:
        """Whether it can run a job; a FlinkDeployment without one is a session cluster."""
        return self is not FlinkKind.SNAPSHOT


FLINK_KINDS = tuple(FlinkKind)

POD_SPECS: Mapping[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Path of the pods' spec in objects of Kubernetes, by kind."""

_CRDS = ("apiextensions.k8s.io", "CustomResourceDefinition")

CLUSTER_SCOPED: frozenset[tuple[str, str]] = frozenset(
    {
        ("", "ComponentStatus"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        _CRDS,
        ("apiregistration.k8s.io", "APIService"),
        ("cert-manager.io", "ClusterIssuer"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("external-secrets.io", "ClusterExternalSecret"),
        ("external-secrets.io", "ClusterPushSecret"),
        ("external-secrets.io", "ClusterSecretStore"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("karpenter.sh", "NodePool"),
        ("kyverno.io", "ClusterPolicy"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("policy", "PodSecurityPolicy"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
        ("trust.cert-manager.io", "Bundle"),
    }
)
"""API group and kind: Kubernetes' own (1.34), and those of operators that are often installed with Flink."""


def group_kind(manifest: Mapping[str, object]) -> tuple[str, str]:
    """API group and kind of an object; the group of Kubernetes' core is empty."""
    return str(manifest.get("apiVersion")).rpartition("/")[0], str(manifest.get("kind"))


def cluster_scoped(manifests: Iterable[Mapping[str, object]]) -> frozenset[tuple[str, str]]:
    """The cluster-scoped kinds: the known ones, and those of the CustomResourceDefinitions among the manifests."""
    added: set[tuple[str, str]] = set()
    for manifest in manifests:
        spec = mapping(manifest.get("spec"))
        if group_kind(manifest) == _CRDS and spec.get("scope") == "Cluster":
            added.add((str(spec.get("group")), str(mapping(spec.get("names")).get("kind"))))
    return CLUSTER_SCOPED | added
