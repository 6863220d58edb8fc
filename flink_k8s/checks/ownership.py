"""What belongs to the platform, and so into no job file of a stack of jobs on it."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.facts.kinds import group_kind

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


def check(stack: StackSubject) -> None:
    """The other objects in job files of a stack on another stack's platform."""
    platform = stack.settings.platform
    for attachment in stack.attachments if platform is not None else ():
        kind = attachment.source.kind
        if group_kind(attachment.manifest) in THE_PLATFORMS:
            message = f"is {kind}, which belongs to the platform; it goes into a job file of the stack {platform}"
            stack.report("platform-config", ("kind",), message, attachment.source)
