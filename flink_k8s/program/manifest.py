"""The Kubernetes manifest of a registered object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from flink_k8s.program.recording import Resource
from flink_k8s.program.values import reveal, without_nulls
from flink_k8s.support.errors import CommandError

Manifest = dict[str, object]

PULUMI: Final = "pulumi.com/"
"""Annotations with this prefix speak to Pulumi's provider; the cluster has no use for them."""

_TOP: Final = ("apiVersion", "kind", "metadata")
_METADATA: Final = ("name", "generateName", "namespace", "labels", "annotations")


def manifest(resource: Resource) -> Manifest:
    """The object as the cluster gets it: secrets laid open, nulls and Pulumi's own annotations left out.

    Raises:
        CommandError: when a value is not known before something else is deployed, or the object is a patch.
    """
    if resource.type.endswith("Patch") and not str(resource.inputs.get("kind")).endswith("Patch"):
        raise CommandError(
            f"{resource.title} patches an object that the stack does not own; only the pulumi command can"
        )
    if resource.unknown_paths:
        raise CommandError(
            f"{resource.title}: {', '.join(resource.unknown_paths)} is known only after something else is deployed;"
            " make it from the settings instead of another resource's status"
        )
    plain = cast("Manifest", without_nulls(reveal(dict(resource.inputs))))
    metadata = dict(cast("Mapping[str, object]", plain.get("metadata", {})))
    annotations = cast("Mapping[str, object]", metadata.pop("annotations", {}))
    kept = {name: value for name, value in annotations.items() if not name.startswith(PULUMI)}
    if kept:
        metadata["annotations"] = kept
    plain["metadata"] = metadata
    return in_order(plain)


def in_order(plain: Manifest) -> Manifest:
    """The same manifest with apiVersion, kind, metadata first and everything else by name."""
    metadata = cast("Manifest", plain.get("metadata", {}))
    ordered = _first(_METADATA, metadata)
    return {**_first(_TOP, {**plain, "metadata": ordered})}


def name_of(plain: Mapping[str, object]) -> tuple[str, str, str]:
    """Kind, namespace (empty when cluster-wide) and name of a manifest."""
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
