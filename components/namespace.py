"""A namespace, and for a namespace of jobs the account that they run under."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import Namespace as KubernetesNamespace
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict, Role, RoleBinding

from components import quota
from settings.labels import labels
from settings.model import JOB_ACCOUNT
from settings.namespace import NamespaceSettings, pod_security_labels

_ROLE: list[PolicyRuleArgsDict] = [
    # The JobManager starts a TaskManager, follows the pods of its cluster, and removes one that is not needed.
    {"api_groups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "delete"]},
    # High availability: leaders take turns by patch, pointers to checkpoints are put, all are watched, and removed in
    # the end; Flink 1.17 and older remove by label.
    {
        "api_groups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
    },
    # TaskManagers belong to the JobManager's Deployment, which an application deletes when its job has ended.
    {"api_groups": ["apps"], "resources": ["deployments"], "verbs": ["get", "delete"]},
    # Clusters that check owner references ask who may block the owner's deletion, as such a TaskManager does.
    {"api_groups": ["apps"], "resources": ["deployments/finalizers"], "verbs": ["update"]},
]
"""What Flink's native Kubernetes mode asks the API server for, and no more: see docs/security.md."""


def namespace(
    name: str, *, extra: Mapping[str, str] | None = None, opts: pulumi.ResourceOptions
) -> KubernetesNamespace:
    """A namespace that the stack owns, held to the restricted profile of Pod Security.

    Args:
        name: of the namespace and of the resource.
        extra: further labels; they win.
        opts: parent and provider.
    """
    own = {**labels(name), **pod_security_labels("restricted"), **(extra or {})}
    return KubernetesNamespace(name, metadata={"name": name, "labels": own}, opts=opts)


class JobNamespace(pulumi.ComponentResource):
    """A team's namespace: its bounds, and the account with the rights that native Flink needs in it.

    Attributes:
        name: of the namespace.
        namespace: the Namespace itself: what must merely lie in it depends on this.
        bounds: quota and limits, which hold for everything in it.
        needed: what a job must find: bounds, ServiceAccount, Role and RoleBinding.
    """

    def __init__(
        self,
        name: str,
        settings: NamespaceSettings,
        account_annotations: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """
        Args:
            name: of the namespace.
            settings: of the namespace.
            account_annotations: of the ServiceAccount: whom a cloud takes its pods for.
            opts: provider.
        """
        super().__init__("flink-k8s:index:JobNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.name = name
        profile = pod_security_labels(settings.pod_security, settings.pod_security_version)
        self.namespace = namespace(name, extra={**settings.labels, **profile}, opts=child)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.namespace])
        metadata: ObjectMetaArgsDict = {"name": JOB_ACCOUNT, "namespace": name, "labels": labels(JOB_ACCOUNT)}
        annotated: ObjectMetaArgsDict = (
            {**metadata, "annotations": account_annotations} if account_annotations else metadata
        )
        self.bounds: list[pulumi.Resource] = [
            *quota.quota(name, settings.quota, inside),
            *quota.limits(name, settings.limits, inside),
        ]
        self._settings = settings
        service_account = ServiceAccount(
            f"{name}-{JOB_ACCOUNT}",
            metadata=annotated,
            image_pull_secrets=[{"name": secret} for secret in settings.image_pull_secrets] or None,
            opts=inside,
        )
        role = Role(
            f"{name}-{JOB_ACCOUNT}",
            metadata=metadata,
            rules=_ROLE,
            opts=inside,
        )
        binding = RoleBinding(
            f"{name}-{JOB_ACCOUNT}",
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": JOB_ACCOUNT},
            subjects=[{"kind": "ServiceAccount", "name": JOB_ACCOUNT, "namespace": name}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role, service_account]),
        )
        self.needed: list[pulumi.Resource] = [*self.bounds, service_account, role, binding]
        self.register_outputs({})

    def count_flink(self, operator: pulumi.Resource | None) -> None:
        """Bounds the numbers of Flink resources, once their kinds are known.

        Args:
            operator: brings the kinds; None when the cluster has them.
        """
        needed = [self.namespace] if operator is None else [self.namespace, operator]
        opts = pulumi.ResourceOptions(parent=self, depends_on=needed)
        self.needed += quota.flink_quota(self.name, self._settings.quota, opts)
