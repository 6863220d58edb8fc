"""Fields that the API server and controllers write: `kubectl get -o yaml` prints them, and no job file needs them."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.facts.mappings import mapping

_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
_DUMPED_METADATA = ("finalizers", "ownerReferences")
"""Fields that controllers write, and that a file can also set: removed from a dumped object only."""

_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
)
_SPEC: Mapping[str, tuple[str, ...]] = {
    "Service": ("clusterIP", "clusterIPs"),
    "PersistentVolumeClaim": ("volumeName",),
}
"""Addresses and volumes that Kubernetes has chosen, by kind: removed from a dumped object only."""


def without_live_fields(manifest: dict[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """The object without the fields of the cluster, and the paths of those that had a value.

    The object is a dump if it has a `uid` or a `resourceVersion`.
    """
    metadata = mapping(manifest.get("metadata"))
    is_dump = bool(metadata.get("uid") or metadata.get("resourceVersion"))
    removed: list[str] = []

    def kept(values: Mapping[str, object], keys: tuple[str, ...], path: str) -> dict[str, object]:
        removed.extend(f"{path}{key}" for key in keys if values.get(key))
        return {key: value for key, value in values.items() if key not in keys}

    stripped = kept(manifest, ("status",), "")
    own_metadata = kept(metadata, (*_METADATA, *(_DUMPED_METADATA if is_dump else ())), "metadata.")
    annotations = mapping(metadata.get("annotations"))
    if not annotations.keys().isdisjoint(_ANNOTATIONS):
        own_metadata["annotations"] = kept(annotations, _ANNOTATIONS, "metadata.annotations.") or None
    stripped["metadata"] = own_metadata
    spec = mapping(manifest.get("spec"))
    chosen = _SPEC.get(str(manifest.get("kind")), ()) if is_dump else ()
    if chosen and spec.get("clusterIP") != "None":
        stripped["spec"] = kept(spec, chosen, "spec.")
    return stripped, tuple(removed)


def declared_part(live: Mapping[str, object]) -> dict[str, object]:
    """The part of a live object that a user declares: its own metadata, and everything but the status.

    The spec is complete, with defaults and the volume of a claim: the engine would remove a missing field from the
    object, and replace a claim without its volume.
    """
    manifest, _ = without_live_fields(dict(live))
    return {**manifest, "spec": live["spec"]} if "spec" in live else manifest
