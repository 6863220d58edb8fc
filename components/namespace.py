"""A namespace, and for a namespace of jobs the account that they run under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components import quota
from components.external_secret import external_secrets
from components.kubernetes_object import KubernetesObject
from flink_k8s.config.model import JOB_ACCOUNT
from flink_k8s.config.namespace import NamespaceSettings, pod_security_labels
from flink_k8s.facts.labels import labels

_RBAC = "rbac.authorization.k8s.io/v1"

_ROLE: list[dict[str, list[str]]] = [
    # The JobManager starts a TaskManager, follows the pods of its cluster, and removes one that is not needed.
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "create", "delete"]},
    # High availability: leaders take turns by patch, pointers to checkpoints are put, all are watched, and removed in
    # the end; Flink 1.17 and older remove by label.
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
    },
    # TaskManagers belong to the JobManager's Deployment, which an application deletes when its job has ended.
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "delete"]},
    # Clusters that check owner references ask who may block the owner's deletion, as such a TaskManager does.
    {"apiGroups": ["apps"], "resources": ["deployments/finalizers"], "verbs": ["update"]},
]
"""What Flink's native Kubernetes mode asks the API server for, and no more: see docs/security.md."""


def namespace(name: str, *, extra: Mapping[str, str] | None = None, opts: pulumi.ResourceOptions) -> KubernetesObject:
    """A namespace that the stack owns, held to the restricted profile of Pod Security.

    Args:
        name: of the namespace and of the resource.
        extra: further labels; they win.
        opts: parent and provider.
    """
    own = {**labels(name), **pod_security_labels("restricted"), **(extra or {})}
    return KubernetesObject(
        name, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": own}}, opts
    )


class JobNamespace(pulumi.ComponentResource):
    """A team's namespace: its bounds, and the account with the rights that native Flink needs in it.

    Attributes:
        name: of the namespace.
        namespace: the Namespace itself; None where it exists already and is not the stack's.
        before: what must be there before anything in it: the Namespace.
        bounds: quota and limits, which hold for everything in it.
        needed: what a job must find: bounds, ServiceAccount, Role, RoleBinding, and Secrets out of other stores.
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
        self.namespace = (
            namespace(name, extra={**settings.labels, **profile}, opts=child) if settings.is_created(name) else None
        )
        self.before: list[pulumi.Resource] = [self.namespace] if self.namespace is not None else []
        inside = pulumi.ResourceOptions(parent=self, depends_on=self.before)
        metadata = {"name": JOB_ACCOUNT, "namespace": name, "labels": labels(JOB_ACCOUNT)}
        self.bounds: list[pulumi.Resource] = [
            *quota.quota(name, settings.quota, inside),
            *quota.limits(name, settings.limits, inside),
        ]
        self._settings = settings
        account: dict[str, Any] = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        if account_annotations:
            account["metadata"] = {**metadata, "annotations": account_annotations}
        if settings.image_pull_secrets:
            account["imagePullSecrets"] = [{"name": secret} for secret in settings.image_pull_secrets]
        resource = f"{name}-{JOB_ACCOUNT}"
        service_account = KubernetesObject(resource, account, inside)
        role = KubernetesObject(
            resource, {"apiVersion": _RBAC, "kind": "Role", "metadata": metadata, "rules": _ROLE}, inside
        )
        binding = KubernetesObject(
            resource,
            {
                "apiVersion": _RBAC,
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": JOB_ACCOUNT},
                "subjects": [{"kind": "ServiceAccount", "name": JOB_ACCOUNT, "namespace": name}],
            },
            pulumi.ResourceOptions(parent=self, depends_on=[role, service_account]),
        )
        bounded = pulumi.ResourceOptions(parent=self, depends_on=[*self.before, *self.bounds])
        fetched = external_secrets(name, settings.external_secrets, bounded)
        self.needed: list[pulumi.Resource] = [*self.bounds, service_account, role, binding, *fetched]
        self.register_outputs({})

    def count_flink(self, operator: pulumi.Resource | None) -> None:
        """Bounds the numbers of Flink resources, once their kinds are known.

        Args:
            operator: brings the kinds; None when the cluster has them.
        """
        needed = self.before if operator is None else [*self.before, operator]
        opts = pulumi.ResourceOptions(parent=self, depends_on=needed)
        self.needed += quota.flink_quota(self.name, self._settings.quota, opts)
