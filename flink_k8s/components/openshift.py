"""Security context constraints of OpenShift for pods that run as the user of their image."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import RoleBinding, RoleRefArgs, SubjectArgs

from flink_k8s.components.component import resource_name
from flink_k8s.facts.labels import labels

_CONSTRAINTS: Final = "nonroot-v2"
"""OpenShift's constraints that differ from its default `restricted-v2` only in users and groups: all except root."""

_RBAC: Final = "rbac.authorization.k8s.io"


def allow_image_users(namespace: str, account: str | None, opts: pulumi.ResourceOptions) -> RoleBinding:
    """Let pods run as the user that their manifest sets. OpenShift's default allows only the users of a namespace.

    The pods of Flink and of its operator run as user 9999, to whom the files of their images belong.

    Args:
        namespace: of the pods.
        account: ServiceAccount of the pods; None for all of the namespace.
        opts: parent; must depend on the namespace.
    """
    subject = (
        SubjectArgs(kind="ServiceAccount", name=account, namespace=namespace)
        if account is not None
        else SubjectArgs(api_group=_RBAC, kind="Group", name=f"system:serviceaccounts:{namespace}")
    )
    return RoleBinding(
        resource_name(f"{namespace}-{_CONSTRAINTS}", opts),
        metadata=ObjectMetaArgs(name=_CONSTRAINTS, namespace=namespace, labels=labels(_CONSTRAINTS)),
        role_ref=RoleRefArgs(api_group=_RBAC, kind="ClusterRole", name=f"system:openshift:scc:{_CONSTRAINTS}"),
        subjects=[subject],
        opts=opts,
    )
