"""Objects of job files that the platform creates itself: they are left out, and what is lost with them is named."""

from __future__ import annotations

from collections.abc import Iterator

from flink_k8s.config.findings import Finding
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import JOB_ACCOUNT, StackSettings
from flink_k8s.config.namespace import is_every_clusters
from flink_k8s.facts.kinds import group_kind
from flink_k8s.facts.mappings import listed, mapping

_RBAC = "rbac.authorization.k8s.io"
_OF_ACCOUNT = frozenset({("", "ServiceAccount"), (_RBAC, "Role"), (_RBAC, "RoleBinding")})
_RESOURCES = frozenset({"pods", "configmaps", "deployments", "deployments/finalizers"})
"""What the platform's Role is about: components/namespace.py."""


def is_made(source: FileObject, namespace: str, settings: StackSettings) -> bool:
    """Whether the platform creates the object.

    Args:
        source: an object that is not a job.
        namespace: where it goes.
        settings: of the stack; one on another stack's platform creates nothing.
    """
    if settings.platform is not None:
        return False
    if group_kind(source.manifest) == ("", "Namespace"):
        declared = settings.namespaces.get(source.name)
        return is_every_clusters(source.name) or (declared is not None and declared.is_created(source.name))
    return (
        group_kind(source.manifest) in _OF_ACCOUNT and source.name == JOB_ACCOUNT and namespace in settings.namespaces
    )


def look(source: FileObject, namespace: str) -> Finding:
    """What is said of an object that is left out: a notice, or a warning where something of it is lost."""
    named = f'the platform creates {source.kind} "{source.name}", and this one is left out'
    lost = list(_lost(source, namespace))
    if lost:
        return Finding("lost", ("kind",), f"{named} with its {', '.join(lost)}")
    return Finding("made", ("kind",), f"{named}; remove it from the file")


def _lost(source: FileObject, namespace: str) -> Iterator[str]:
    annotations = [
        key for key in mapping(source.metadata.get("annotations")) if "kubernetes.io/last-applied" not in key
    ]
    labels = [key for key in mapping(source.metadata.get("labels")) if not key.startswith("app.kubernetes.io/")]
    kind, manifest = source.kind, source.manifest
    if kind == "Namespace" and labels and labels != ["kubernetes.io/metadata.name"]:
        yield f"labels; set namespaces.{source.name}.labels"
    elif kind == "ServiceAccount":
        if annotations:
            yield "annotations; set stateStorage.serviceAccountAnnotations"
        if listed(manifest.get("imagePullSecrets")):
            yield f"imagePullSecrets; set namespaces.{namespace}.imagePullSecrets"
    elif kind == "Role":
        rules = [mapping(rule) for rule in listed(manifest.get("rules"))]
        named = {str(resource) for rule in rules for resource in listed(rule.get("resources"))}
        if named - _RESOURCES:
            yield f"rules for {', '.join(sorted(named - _RESOURCES))}; give the Role another name"
    elif kind == "RoleBinding":
        subjects = [mapping(one) for one in listed(manifest.get("subjects"))]
        others = [one for one in subjects if (one.get("kind"), one.get("name")) != ("ServiceAccount", JOB_ACCOUNT)]
        if others or mapping(manifest.get("roleRef")).get("name") != JOB_ACCOUNT:
            yield "subjects or role; give the RoleBinding another name"
