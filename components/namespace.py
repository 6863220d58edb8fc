"""A namespace, and for a namespace of jobs the account that they run under."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes.core.v1 import Namespace as KubernetesNamespace
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict, Role, RoleBinding

from settings.labels import labels
from settings.model import JOB_ACCOUNT

_ROLE: list[PolicyRuleArgsDict] = [
    # The JobManager makes and removes TaskManager pods; high availability keeps its leader in ConfigMaps.
    {
        "api_groups": [""],
        "resources": ["pods", "configmaps"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
    },
    {"api_groups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]},
    # TaskManager pods belong to the JobManager's Deployment, which goes when its job has ended.
    {
        "api_groups": ["apps"],
        "resources": ["deployments", "deployments/finalizers"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
    },
]
"""What Flink's native Kubernetes mode needs in its namespace, and no more."""


def namespace(
    name: str, *, extra: Mapping[str, str] | None = None, opts: pulumi.ResourceOptions
) -> KubernetesNamespace:
    """A namespace that the stack owns.

    Args:
        name: of the namespace and of the resource.
        extra: further labels.
        opts: parent and provider.
    """
    return KubernetesNamespace(name, metadata={"name": name, "labels": {**labels(name), **(extra or {})}}, opts=opts)


class JobNamespace(pulumi.ComponentResource):
    """A namespace for jobs with the ServiceAccount, Role and RoleBinding that native Flink needs in it.

    Attributes:
        name: of the namespace.
        namespace: the Namespace itself: what must merely lie in it depends on this.
        account: what a job must find: ServiceAccount, Role and RoleBinding.
    """

    def __init__(
        self,
        name: str,
        *,
        extra: Mapping[str, str],
        opts: pulumi.ResourceOptions,
        account_annotations: Mapping[str, str] | None = None,
    ) -> None:
        """
        Args:
            name: of the namespace.
            extra: further labels.
            opts: provider.
            account_annotations: of the ServiceAccount: whom a cloud takes its pods for.
        """
        super().__init__("flink-k8s:index:JobNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.name = name
        self.namespace = namespace(name, extra=extra, opts=child)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.namespace])
        metadata: ObjectMetaArgsDict = {"name": JOB_ACCOUNT, "namespace": name, "labels": labels(JOB_ACCOUNT)}
        annotated: ObjectMetaArgsDict = (
            {**metadata, "annotations": account_annotations} if account_annotations else metadata
        )
        service_account = ServiceAccount(f"{name}-{JOB_ACCOUNT}", metadata=annotated, opts=inside)
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
        self.account: list[pulumi.Resource] = [service_account, role, binding]
        self.register_outputs({})
