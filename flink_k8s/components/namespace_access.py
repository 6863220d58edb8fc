"""Rights of people and of CI in a team's namespace: a Role and a RoleBinding for each level that has subjects."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, Role, RoleBinding, RoleRefArgs, SubjectArgs

from flink_k8s.components.component import resource_name
from flink_k8s.components.options import child_of
from flink_k8s.config.namespace import Access
from flink_k8s.facts.kinds import FLINK_GROUP, FLINK_KINDS, FlinkKind
from flink_k8s.facts.labels import labels

_RBAC = "rbac.authorization.k8s.io"
_READ = ("get", "list", "watch")
_WRITE = (*_READ, "create", "update", "patch", "delete")
_FLINK = [kind.plural for kind in FLINK_KINDS]


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> PolicyRuleArgs:
    return PolicyRuleArgs(api_groups=[group], resources=[*resources], verbs=[*verbs])


_VIEW = [
    _rule(FLINK_GROUP, _FLINK, _READ),
    _rule(
        "",
        [
            "configmaps",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ],
        _READ,
    ),
    _rule("apps", ["deployments", "replicasets", "statefulsets"], _READ),
    _rule("events.k8s.io", ["events"], _READ),
    _rule("metrics.k8s.io", ["pods"], _READ),
    _rule("networking.k8s.io", ["ingresses", "networkpolicies"], _READ),
]
"""Everything that explains the condition of a job. No Secrets."""

_OPERATE = [
    *_VIEW,
    _rule(FLINK_GROUP, [FlinkKind.SNAPSHOT.plural], ("create", "delete")),
    _rule("", ["pods"], ("delete",)),
    _rule("", ["pods/portforward"], ("create",)),
]
"""Take a savepoint, restart a pod, open the web UI. Not the change of a job: its pods can mount every Secret."""

TEAM_RESOURCES = {
    "": (
        "configmaps",
        "persistentvolumeclaims",
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "secrets",
        "services",
    ),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "cert-manager.io": ("certificates", "certificaterequests", "issuers"),
    "external-secrets.io": ("externalsecrets", "pushsecrets", "secretstores"),
    FLINK_GROUP: tuple(_FLINK),
    "gateway.networking.k8s.io": ("grpcroutes", "httproutes", "tlsroutes"),
    "monitoring.coreos.com": ("podmonitors", "prometheusrules", "servicemonitors"),
    "networking.k8s.io": ("ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
    "snapshot.storage.k8s.io": ("volumesnapshots",),
}
"""What a team's stack can contain (`flink_k8s/checks/team_objects.py`), and the policies of its jobs, by API group."""

_DEPLOY = [
    *_OPERATE,
    *(_rule(group, resources, _WRITE) for group, resources in TEAM_RESOURCES.items()),
    _rule("", ["pods/attach"], ("get", "create")),  # the upload of a jar; newer API servers require `create`
]
"""`up` and `destroy` of a team's stack."""


def access(namespace: str, settings: Access, parent: pulumi.Resource, depends_on: Sequence[pulumi.Resource]) -> None:
    """Roles and bindings of the levels that have subjects.

    Args:
        namespace: of the objects.
        settings: the subjects of each level.
        parent: component of the namespace.
        depends_on: the namespace.
    """
    for level, rules, subjects in (
        ("view", _VIEW, settings.view),
        ("operate", _OPERATE, settings.operate),
        ("deploy", _DEPLOY, settings.deploy),
    ):
        if not subjects:
            continue
        name = f"flink-{level}"
        metadata = ObjectMetaArgs(name=name, namespace=namespace, labels=labels(name))
        inside = child_of(parent, depends_on)
        resource = resource_name(f"{namespace}-{name}", inside)
        role = Role(resource, metadata=metadata, rules=rules, opts=inside)
        RoleBinding(
            resource,
            metadata=metadata,
            role_ref=RoleRefArgs(api_group=_RBAC, kind="Role", name=name),
            subjects=[_subject(text) for text in subjects],
            opts=child_of(parent, [role]),
        )


def _subject(text: str) -> SubjectArgs:
    kind, _, name = text.partition(":")
    if kind == "serviceAccount":
        namespace, _, account = name.partition("/")
        return SubjectArgs(kind="ServiceAccount", name=account, namespace=namespace)
    return SubjectArgs(api_group=_RBAC, kind=kind.capitalize(), name=name)
