"""Objects of a cluster that a stack can take over: Flink resources of users, and the objects that their pods mount."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flink_k8s.config.job_files import CANARY
from flink_k8s.config.live_objects import declared_part
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.support.kubectl import Kubectl

Manifest = Mapping[str, Any]

_SNAPSHOT_OF_OPERATOR: Final = re.compile(r".+-(savepoint|checkpoint)-[a-z]+-\d{13}")
"""The operator names its own FlinkStateSnapshots `<job>-<type>-<trigger>-<milliseconds>` (1.10 and later)."""

_SNAPSHOT_LABELS: Final = (
    "job-reference.kind",
    "job-reference.name",
    "snapshot.state",
    "snapshot.trigger-type",
    "snapshot.type",
)
"""Labels that the operator sets on every FlinkStateSnapshot."""

_FIRST_FIELDS: Final = ("apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations")


@dataclass(frozen=True)
class LiveObject:
    """An object in the cluster.

    Attributes:
        live: the object with all fields.
    """

    live: Manifest

    @property
    def kind(self) -> str:
        """`FlinkDeployment`, `ConfigMap` …"""
        return str(self.live["kind"])

    @property
    def namespace(self) -> str:
        """The object's namespace."""
        return str(self.live["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.live["metadata"]["name"])

    @property
    def key(self) -> str:
        """`kind/namespace/name`, as in `adopt` of the stack config."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """`FlinkDeployment team-a/orders`."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def manifest(self) -> dict[str, object]:
        """The object as a job file contains it."""
        manifest = declared_part(self.live)
        metadata = dict(mapping(manifest.get("metadata")))
        if self.kind == FlinkKind.SNAPSHOT:
            labels = mapping(metadata.get("labels"))
            metadata["labels"] = {key: value for key, value in labels.items() if key not in _SNAPSHOT_LABELS}
        filled = {key: value for key, value in metadata.items() if value}
        return _sorted({**manifest, "metadata": _sorted(filled)})

    @property
    def owner(self) -> str:
        """The tool that deploys the object and would revert changes of it; empty if it has no mark of one."""
        metadata = mapping(self.live.get("metadata"))
        labels, annotations = mapping(metadata.get("labels")), mapping(metadata.get("annotations"))
        for marks, key, tool in _OWNERS:
            if value := (labels if marks == "labels" else annotations).get(key):
                return f"{tool} {str(value).partition(':')[0]}"
        return ""


_OWNERS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "the Argo CD application"),
    ("labels", "argocd.argoproj.io/instance", "the Argo CD application"),
    ("labels", "helm.toolkit.fluxcd.io/name", "the Flux HelmRelease"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "the Flux Kustomization"),
    ("annotations", "meta.helm.sh/release-name", "the Helm release"),
)
"""Labels and annotations that tools set on the objects that they deploy, and the tool."""


def _sorted(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields in the order in which people write them."""
    first = {key: fields[key] for key in _FIRST_FIELDS if key in fields}
    return {**first, **{key: value for key, value in fields.items() if key not in first}}


def flink_resources(kubectl: Kubectl, namespaces: Collection[str]) -> list[LiveObject]:
    """The Flink resources that users have created, sorted by namespace and name.

    Objects with an owner, objects in deletion, canaries, and snapshots that the operator has created are left out.

    Args:
        kubectl: for the cluster.
        namespaces: to read; empty for all.

    Raises:
        CommandError: if the cluster does not answer.
    """
    places = [("-n", name) for name in namespaces] or [("-A",)]
    items = [item for kind in FlinkKind for place in places for item in kubectl.items(kind.resource, *place)]
    resources = [LiveObject(item) for item in items if _is_of_user(item)]
    return sorted(resources, key=lambda resource: (resource.namespace, resource.name, resource.kind))


def _is_of_user(item: Manifest) -> bool:
    metadata = mapping(item.get("metadata"))
    if metadata.get("ownerReferences") or metadata.get("deletionTimestamp"):
        return False
    if mapping(metadata.get("labels")).get(CANARY) == "true":
        return False
    is_snapshot = item.get("kind") == FlinkKind.SNAPSHOT
    return not (is_snapshot and _SNAPSHOT_OF_OPERATOR.fullmatch(str(metadata.get("name"))))


_REFERENCES: Final[Mapping[str, tuple[str, str]]] = {
    "configMap": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMapRef": ("ConfigMap", "name"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "secret": ("Secret", "secretName"),
    "secretKeyRef": ("Secret", "name"),
    "secretRef": ("Secret", "name"),
}
"""Field of a pod template to the kind that it references, and the field with the name."""


def references(value: object) -> Iterator[tuple[str, str]]:
    """Kind and name of each object that the pod templates of a spec reference."""
    for item in listed(value):
        yield from references(item)
    for field, inner in mapping(value).items():
        kind, name_field = _REFERENCES.get(field, ("", ""))
        name = mapping(inner).get(name_field) or mapping(inner).get("name")
        if kind and isinstance(name, str):
            yield kind, name
        yield from references(inner)


@dataclass(frozen=True)
class Usage:
    """The objects that Flink resources reference.

    Attributes:
        objects: that a stack can take over, with the keys of the Flink resources that use them.
        secrets: the other objects: the Secrets, as `namespace/name`.
    """

    objects: tuple[tuple[LiveObject, frozenset[str]], ...]
    secrets: tuple[str, ...]


def used(kubectl: Kubectl, resources: Iterable[LiveObject]) -> Usage:
    """The ConfigMaps and claims that the pods of Flink resources use, and the names of their Secrets.

    Raises:
        CommandError: if the cluster does not answer.
    """
    users: dict[tuple[str, str, str], set[str]] = {}
    for resource in resources:
        for kind, name in references(resource.live.get("spec")):
            users.setdefault((kind, resource.namespace, name), set()).add(resource.key)
    objects: list[tuple[LiveObject, frozenset[str]]] = []
    for namespace in sorted({namespace for _, namespace, _ in users}):
        for item in map(LiveObject, kubectl.items("configmaps,persistentvolumeclaims", "-n", namespace)):
            keys = users.get((item.kind, namespace, item.name))
            if keys and not item.live["metadata"].get("ownerReferences"):
                objects.append((item, frozenset(keys)))
    secrets = sorted(f"{namespace}/{name}" for kind, namespace, name in users if kind == "Secret")
    return Usage(tuple(objects), tuple(secrets))
