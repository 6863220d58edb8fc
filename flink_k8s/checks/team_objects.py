"""Objects that a team's job files may contain: namespaced kinds of an allow-list, which the platform can extend."""

from __future__ import annotations

from typing import Final

from flink_k8s.checks.subject import StackSubject
from flink_k8s.facts.kinds import CLUSTER_SCOPED, FLINK_GROUP, FLINK_KINDS, group_kind

GroupKind = tuple[str, str]
"""API group and kind; the group of Kubernetes' core is empty."""

PLATFORM_KINDS: Final[frozenset[GroupKind]] = frozenset(
    {
        ("", "Namespace"),
        ("", "ServiceAccount"),
        ("", "ResourceQuota"),
        ("", "LimitRange"),
        ("networking.k8s.io", "NetworkPolicy"),
    }
)
"""Namespaced kinds and namespaces that only the platform's stack creates: accounts, quotas and policies."""

PLATFORM_GROUPS: Final = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authorization.openshift.io",
        "certificates.k8s.io",
        "cilium.io",
        "constraints.gatekeeper.sh",
        "crd.projectcalico.org",
        "flowcontrol.apiserver.k8s.io",
        "kyverno.io",
        "node.k8s.io",
        "policy.networking.k8s.io",
        "projectcalico.org",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "security.istio.io",
        "security.openshift.io",
        "storage.k8s.io",
        "templates.gatekeeper.sh",
    }
)
"""API groups of rights, policies and settings of the cluster."""

TEAM_KINDS: Final[frozenset[GroupKind]] = frozenset(
    {
        *(
            ("", kind)
            for kind in ("ConfigMap", "PersistentVolumeClaim", "Pod", "PodTemplate", "ReplicationController", "Secret")
        ),
        ("", "Service"),
        *(("apps", kind) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")),
        ("autoscaling", "HorizontalPodAutoscaler"),
        *(("batch", kind) for kind in ("CronJob", "Job")),
        *(("cert-manager.io", kind) for kind in ("Certificate", "CertificateRequest", "Issuer")),
        *(("external-secrets.io", kind) for kind in ("ExternalSecret", "PushSecret", "SecretStore")),
        *((FLINK_GROUP, kind.value) for kind in FLINK_KINDS),
        *(("gateway.networking.k8s.io", kind) for kind in ("GRPCRoute", "HTTPRoute", "TLSRoute")),
        *(("monitoring.coreos.com", kind) for kind in ("PodMonitor", "PrometheusRule", "ServiceMonitor")),
        ("networking.k8s.io", "Ingress"),
        ("policy", "PodDisruptionBudget"),
        *(("snapshot.storage.k8s.io", kind) for kind in ("VolumeSnapshot",)),
    }
)
"""Namespaced kinds that every team can create."""


def check(stack: StackSubject) -> None:
    """Report other objects in the job files of a stack on a platform, and kinds that no platform can allow."""
    settings = stack.settings
    extended = {_group_kind(text) for text in settings.team_kinds}
    if settings.platform is None:
        for index, text in enumerate(settings.team_kinds):
            if _is_of_platform(_group_kind(text)):
                message = f"is {text}, which only the platform's stack can create; remove it"
                stack.report("platform-config", ("teamKinds", index), message)
        return
    for attachment in stack.attachments:
        kind = group_kind(attachment.manifest)
        name = ".".join(filter(None, reversed(kind)))
        if _is_of_platform(kind):
            message = (
                f"is {kind[1]}, which belongs to the platform; move it to a job file of the stack {settings.platform}"
            )
        elif kind not in TEAM_KINDS and kind not in extended:
            message = (
                f"is {name}, which teams cannot create; set teamKinds: [{name}] in the stack {settings.platform}, or "
                "move it to a job file of that stack"
            )
        else:
            continue
        stack.report("platform-config", ("kind",), message, attachment.source)


def _is_of_platform(kind: GroupKind) -> bool:
    return kind in PLATFORM_KINDS or kind in CLUSTER_SCOPED or kind[0] in PLATFORM_GROUPS


def _group_kind(text: str) -> GroupKind:
    """`("kafka.strimzi.io", "KafkaTopic")` for `KafkaTopic.kafka.strimzi.io`."""
    kind, _, group = text.partition(".")
    return group, kind
