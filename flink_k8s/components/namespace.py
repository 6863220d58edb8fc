"""A namespace, and the ServiceAccount of the jobs in a namespace of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes.core.v1 import LocalObjectReferenceArgs, Namespace, ServiceAccount
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs, ObjectMetaArgsDict
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, Role, RoleBinding, RoleRefArgs, SubjectArgs

from flink_k8s.components import quota
from flink_k8s.components.component import Component, resource_name
from flink_k8s.components.external_secret import external_secrets
from flink_k8s.components.namespace_access import access
from flink_k8s.components.network_policies import egress_policy
from flink_k8s.components.openshift import allow_image_users
from flink_k8s.components.options import child_of
from flink_k8s.components.state_claim import StateClaimArgs, state_claim
from flink_k8s.components.state_guard import StateGuard
from flink_k8s.config.model import JOB_ACCOUNT
from flink_k8s.config.namespace import NamespaceSettings, pod_security_labels
from flink_k8s.facts.labels import labels
from flink_k8s.resolve.state_storage import CLAIM

_RULES = [
    # The JobManager starts a TaskManager, watches the pods of its cluster, and deletes unneeded ones.
    PolicyRuleArgs(api_groups=[""], resources=["pods"], verbs=["list", "watch", "create", "delete"]),
    # High availability elects leaders by patch, updates pointers to checkpoints, watches its ConfigMaps, and deletes
    # them at the end; Flink 1.17 and older delete by label.
    PolicyRuleArgs(
        api_groups=[""],
        resources=["configmaps"],
        verbs=["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
    ),
    # TaskManagers are owned by the JobManager's Deployment, which an application deletes when its job has ended.
    PolicyRuleArgs(api_groups=["apps"], resources=["deployments"], verbs=["get", "delete"]),
    # Some clusters check the permission to block the deletion of an owner, as such a TaskManager does.
    PolicyRuleArgs(api_groups=["apps"], resources=["deployments/finalizers"], verbs=["update"]),
]
"""The minimal permissions of Flink's native Kubernetes mode: see docs/security.md."""


def namespace(name: str, *, extra: Mapping[str, str] | None = None, opts: pulumi.ResourceOptions) -> Namespace:
    """A namespace that the stack owns, with the restricted profile of Pod Security.

    Args:
        name: of the namespace and of the resource.
        extra: further labels, which override the default ones.
        opts: parent and provider.
    """
    own = {**labels(name), **pod_security_labels("restricted"), **(extra or {})}
    return Namespace(resource_name(name, opts), metadata=ObjectMetaArgs(name=name, labels=own), opts=opts)


@dataclass(frozen=True)
class JobNamespaceArgs:
    """Arguments of `JobNamespace`.

    Attributes:
        settings: labels, quota, limits, egress, secrets.
        account_annotations: of the ServiceAccount, for a cloud's workload identity.
        requirements: further dependencies of a job.
        network_policies: whether NetworkPolicies restrict the namespace's traffic.
        state_claim: the claim for the jobs' state; None for another state storage.
        guard: refuses to delete the namespace with the state of jobs; None to not refuse it.
        openshift: whether the cluster is OpenShift.
    """

    settings: NamespaceSettings = field(default_factory=NamespaceSettings)
    account_annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    requirements: Sequence[pulumi.Resource] = ()
    network_policies: bool = True
    state_claim: StateClaimArgs | None = None
    guard: StateGuard | None = None
    openshift: bool = False


class JobNamespace(Component):
    """A team's namespace: quota, limits, rights of people, and the ServiceAccount with the rights of native Flink.

    Attributes:
        namespace: name of the namespace.
        created: the Namespace; empty if the stack does not own it.
        bounds: quota and limits of the namespace.
        job_requirements: dependencies of a job: bounds, ServiceAccount, Role, RoleBinding, Secrets from other stores,
            the egress policy of the namespace, and further ones.
        state_claim: the claim for the jobs' state; None without one.
    """

    def __init__(self, name: str, args: JobNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """
        Args:
            name: of the component and of the namespace.
            args: its settings.
            opts: provider.
        """
        settings = args.settings
        is_created = settings.is_created(name)
        super().__init__("flink-k8s:index:JobNamespace", name, {"namespace": name, "created": is_created}, opts)
        self.namespace = name
        profile = pod_security_labels(settings.pod_security, settings.pod_security_version)
        self.created: list[pulumi.Resource] = []
        if is_created:
            own_labels = {**settings.labels, **profile}
            options = pulumi.ResourceOptions(parent=self)
            if args.guard is not None:
                guarded = args.guard.of_storage({"kind": "Namespace", "metadata": {"name": name}})
                options = pulumi.ResourceOptions.merge(options, guarded)
            self.created.append(namespace(name, extra=own_labels, opts=options))
        inside = child_of(self, self.created)
        self.bounds: list[pulumi.Resource] = [
            *quota.quota(name, settings.quota, inside),
            *quota.limits(name, settings.limits, inside),
        ]
        bounded = [*self.created, *self.bounds]
        self.job_requirements: list[pulumi.Resource] = [
            *self.bounds,
            *args.requirements,
            *(self._account(args, inside) if settings.create_account else ()),
            *external_secrets(name, settings.external_secrets, child_of(self, bounded)),
        ]
        if args.openshift:
            self.job_requirements.append(allow_image_users(name, JOB_ACCOUNT, inside))
        access(name, settings.access, self, self.created)
        if is_created and args.network_policies and settings.egress:
            self.job_requirements.append(egress_policy(name, settings.egress, inside))
        self.state_claim = (
            state_claim(name, args.state_claim, child_of(self, bounded, was_at_root=True)) if args.state_claim else None
        )
        self.register_outputs(
            {
                "namespace": name,
                "serviceAccount": JOB_ACCOUNT if settings.create_account else None,
                "stateClaim": CLAIM if self.state_claim is not None else None,
            }
        )

    def _account(self, args: JobNamespaceArgs, inside: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        name, resource = self.namespace, f"{self.prefix}{self.namespace}-{JOB_ACCOUNT}"
        metadata = ObjectMetaArgs(name=JOB_ACCOUNT, namespace=name, labels=labels(JOB_ACCOUNT))
        secrets = [LocalObjectReferenceArgs(name=secret) for secret in args.settings.image_pull_secrets]
        service_account = ServiceAccount(
            resource,
            metadata=_account_metadata(name, args.account_annotations),
            image_pull_secrets=secrets or None,
            opts=inside,
        )
        role = Role(resource, metadata=metadata, rules=_RULES, opts=inside)
        binding = RoleBinding(
            resource,
            metadata=metadata,
            role_ref=RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=JOB_ACCOUNT),
            subjects=[SubjectArgs(kind="ServiceAccount", name=JOB_ACCOUNT, namespace=name)],
            opts=child_of(self, [role, service_account]),
        )
        return [service_account, role, binding]


def _account_metadata(namespace: str, annotations: Mapping[str, str]) -> ObjectMetaArgsDict:
    """Metadata of the ServiceAccount as a mapping: annotations can contain texts that become outputs."""
    metadata: ObjectMetaArgsDict = {"name": JOB_ACCOUNT, "namespace": namespace, "labels": labels(JOB_ACCOUNT)}
    if annotations:
        metadata["annotations"] = annotations
    return metadata
