"""The Kubernetes manifest of a registered object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from flink_k8s.program.resource_graph import Resource
from flink_k8s.program.values import reveal, without_nulls
from flink_k8s.support.errors import CommandError

Manifest = dict[str, object]

PULUMI: Final = "pulumi.com/"
"""Prefix of annotations for Pulumi's provider, which are not deployed."""

_TOP: Final = ("apiVersion", "kind", "metadata")
_METADATA: Final = ("name", "generateName", "namespace", "labels", "annotations")


def manifest(resource: Resource) -> Manifest:
    """The object as it is deployed: with revealed secrets, without nulls and Pulumi's annotations.

    Raises:
        CommandError: if a value is unknown before another resource is deployed, or the object is a patch.
    """
    if resource.type.endswith("Patch") and not str(resource.inputs.get("kind")).endswith("Patch"):
        raise CommandError(
            f"{resource.title} patches an object that the stack does not own; only the pulumi command can"
        )
    if resource.unknown_paths:
        raise CommandError(
            f"{resource.title}: {', '.join(resource.unknown_paths)} is unknown until another resource is deployed;"
            " derive it from the settings instead of the status of a resource"
        )
    plain = cast("Manifest", without_nulls(reveal(dict(resource.inputs))))
    metadata = dict(cast("Mapping[str, object]", plain.get("metadata", {})))
    annotations = cast("Mapping[str, object]", metadata.pop("annotations", {}))
    other_annotations = {name: value for name, value in annotations.items() if not name.startswith(PULUMI)}
    if other_annotations:
        metadata["annotations"] = other_annotations
    plain["metadata"] = metadata
    return in_order(plain)


def in_order(plain: Manifest) -> Manifest:
    """The manifest with apiVersion, kind and metadata first, and other fields sorted by name."""
    metadata = cast("Manifest", plain.get("metadata", {}))
    ordered = _first(_METADATA, metadata)
    return {**_first(_TOP, {**plain, "metadata": ordered})}


def name_of(plain: Mapping[str, object]) -> tuple[str, str, str]:
    """Kind, namespace (empty for a cluster-scoped object) and name of a manifest."""
    metadata = cast("Mapping[str, object]", plain.get("metadata", {}))
    return str(plain.get("kind", "")), str(metadata.get("namespace", "")), str(metadata.get("name", ""))


def _first(names: tuple[str, ...], mapping: Mapping[str, object]) -> Manifest:
    head = {name: mapping[name] for name in names if name in mapping}
    return {**head, **{name: _sorted(mapping[name]) for name in sorted(mapping) if name not in head}}


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {name: _sorted(fields[name]) for name in sorted(fields)}
    if isinstance(value, list):
        return [_sorted(item) for item in cast("list[object]", value)]
    return value
