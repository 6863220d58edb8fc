"""What belongs to the platform, and so into no job file of a stack of jobs on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flink_k8s.config.findings import Finding
from flink_k8s.config.model import StackSettings

THE_PLATFORMS = frozenset(
    {
        ("", "Namespace"),
        ("", "ServiceAccount"),
        ("", "ResourceQuota"),
        ("", "LimitRange"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    }
)
"""API group and kind of namespaces, accounts, rights, bounds and policies."""


def look(manifest: Mapping[str, object], settings: StackSettings) -> Iterator[Finding]:
    """What one object beside the jobs is.

    Args:
        manifest: of the object.
        settings: of the stack; one that holds its platform itself may have anything.
    """
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    if settings.platform is not None and (group, str(manifest["kind"])) in THE_PLATFORMS:
        cure = f"it goes into a job file of the stack {settings.platform}"
        yield Finding("platform", ("kind",), f"is {manifest['kind']}, which belongs to the platform; {cure}")
