"""Objects that belong to the platform, and must not be in the job files of a stack on that platform."""

from __future__ import annotations

from flink_k8s.checks.subject import StackSubject
from flink_k8s.facts.kinds import group_kind

PLATFORM_KINDS = frozenset(
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
"""API group and kind of namespaces, accounts, roles, quotas and policies."""


def check(stack: StackSubject) -> None:
    """Report such objects in the job files of a stack on another stack's platform."""
    platform = stack.settings.platform
    for attachment in stack.attachments if platform is not None else ():
        kind = attachment.source.kind
        if group_kind(attachment.manifest) in PLATFORM_KINDS:
            message = f"is {kind}, which belongs to the platform; move it to a job file of the stack {platform}"
            stack.report("platform-config", ("kind",), message, attachment.source)
