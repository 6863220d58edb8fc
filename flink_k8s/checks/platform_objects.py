"""Objects of job files that the platform creates itself: they are not deployed, and lost parts are reported."""

from __future__ import annotations

from collections.abc import Iterator

from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.job_files import FileObject
from flink_k8s.config.model import JOB_ACCOUNT
from flink_k8s.facts.mappings import listed, mapping

_RESOURCES = frozenset({"pods", "configmaps", "deployments", "deployments/finalizers"})
"""Resources in the rules of the platform's Role: flink_k8s/components/namespace.py."""


def check(stack: StackSubject) -> None:
    """Report each object that the platform creates itself, and the parts of it that are not deployed."""
    for source, namespace in stack.replaced:
        problem = f'the platform creates {source.kind} "{source.name}" itself and discards'
        parts = list(_lost(source, namespace))
        if parts:
            stack.report("discarded-part", ("kind",), f"{problem} {', '.join(parts)}", source)
        else:
            stack.report("platform-object", ("kind",), f"{problem} this object; remove it from the file", source)


def _lost(source: FileObject, namespace: str) -> Iterator[str]:
    annotations = mapping(source.metadata.get("annotations"))
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
        rule_resources = {str(resource) for rule in rules for resource in listed(rule.get("resources"))}
        if rule_resources - _RESOURCES:
            yield f"rules for {', '.join(sorted(rule_resources - _RESOURCES))}; give the Role another name"
    elif kind == "RoleBinding":
        subjects = [mapping(subject) for subject in listed(manifest.get("subjects"))]
        others = [
            subject
            for subject in subjects
            if (subject.get("kind"), subject.get("name")) != ("ServiceAccount", JOB_ACCOUNT)
        ]
        if others or mapping(manifest.get("roleRef")).get("name") != JOB_ACCOUNT:
            yield "subjects or role; give the RoleBinding another name"
