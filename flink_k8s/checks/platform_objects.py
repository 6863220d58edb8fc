"""Objects of job files that the platform creates itself: they are not deployed, and what is lost is named."""

from __future__ import annotations

from collections.abc import Iterator

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import JOB_ACCOUNT
from flink_k8s.facts.mappings import listed, mapping

_RESOURCES = frozenset({"pods", "configmaps", "deployments", "deployments/finalizers"})
"""What the platform's Role is about: components/namespace.py."""


def check(stack: StackSubject) -> None:
    """Each object that the platform creates itself: a notice, or a warning if a part of it is not deployed."""
    for source, namespace in stack.replaced:
        named = f'the platform creates {source.kind} "{source.name}", and this one is left out'
        parts = list(_lost(source, namespace))
        if parts:
            stack.report("discarded-part", ("kind",), f"{named} with its {', '.join(parts)}", source)
        else:
            stack.report("platform-object", ("kind",), f"{named}; remove it from the file", source)


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
