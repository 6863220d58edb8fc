"""Deep merging of configuration sources; the later source wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

NAMED_LISTS = frozenset(
    {
        "containers",
        "initContainers",
        "env",
        "volumes",
        "volumeMounts",
        "ports",
        "imagePullSecrets",
        "ephemeralContainers",
    }
)
"""Lists whose items are merged by `name` (mounts by `mountPath`). Every other list is replaced; so is a list of these
if the later source contains an item without a name, or two items with the same name. An item with `$patch: delete`
removes the item with its name."""


def merge(base: object, over: object) -> object:
    """Merge `over` into `base`: mappings deep, named lists by name; other values are replaced; null removes a key.

    Neither argument is changed, and the result shares no objects with them. Merging is idempotent.
    """
    if isinstance(base, dict) and isinstance(over, dict):
        return merge_mappings(cast(dict[str, object], base), cast(dict[str, object], over))
    return _without_nulls(over)


def merge_mappings(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """`merge` of two mappings."""
    return merge_into({key: _copied(value) for key, value in base.items()}, over)


def merge_settings(sources: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """`merge` of job settings, by their keys in files; the last source decides whether a variable is in a Secret.

    Args:
        sources: the later source wins; each source sets a variable either in `env` or in `secretEnv`.
    """
    merged: dict[str, object] = {}
    for source in sources:
        for key, other in (("env", "secretEnv"), ("secretEnv", "env")):
            variables, others = source.get(key), merged.get(other)
            if isinstance(variables, dict) and isinstance(others, dict):
                for name in cast(dict[str, object], variables):
                    cast(dict[str, object], others).pop(name, None)
        merge_into(merged, source)
    return merged


def merge_into(merged: dict[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """`merge` of two mappings into the first one, which is changed: pass a copy."""
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif key in NAMED_LISTS and _is_named(merged.get(key), key) and _is_named(value, key, unique=True):
            merged[key] = _merge_named(
                cast(list[dict[str, object]], merged[key]), cast(list[dict[str, object]], value), key
            )
        elif isinstance(merged.get(key), dict) and isinstance(value, dict):
            merge_into(cast(dict[str, object], merged[key]), cast(dict[str, object], value))
        else:
            merged[key] = _without_nulls(value)
    return merged


def merged_with_nulls(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Like merging, but keeps nulls: a source uses them to remove values of earlier sources."""
    merged = dict(base)
    for key, value in over.items():
        unmerged = merged.get(key)
        if isinstance(unmerged, dict) and isinstance(value, dict):
            merged[key] = merged_with_nulls(cast(dict[str, object], unmerged), cast(dict[str, object], value))
        elif isinstance(unmerged, list) and isinstance(value, list):
            merged[key] = merge_mappings({key: cast(object, unmerged)}, {key: cast(object, value)})[key]
        else:
            merged[key] = value
    return merged


def merge_key(key: str) -> str:
    """The field that identifies an item of a named list."""
    return "mountPath" if key == "volumeMounts" else "name"


def _is_named(value: object, key: str, *, unique: bool = False) -> bool:
    """Whether every item has the list's merge key; with `unique`, all keys must differ."""
    if not isinstance(value, list):
        return False
    merge_field = merge_key(key)
    names = [
        cast(dict[str, object], item).get(merge_field) for item in cast(list[object], value) if isinstance(item, dict)
    ]
    if len(names) != len(cast(list[object], value)) or not all(isinstance(name, str) for name in names):
        return False
    return not unique or len(set(names)) == len(names)


def _merge_named(merged: list[dict[str, object]], over: list[dict[str, object]], key: str) -> list[dict[str, object]]:
    merge_field = merge_key(key)
    places = {item.get(merge_field): index for index, item in enumerate(merged)}
    for item in over:
        index = places.get(item.get(merge_field))
        if _is_deletion(item):
            merged = [entry for entry in merged if entry.get(merge_field) != item.get(merge_field)]
            places = {entry.get(merge_field): place for place, entry in enumerate(merged)}
            continue
        if index is None:
            places[item.get(merge_field)] = len(merged)
            merged.append(cast(dict[str, object], _without_nulls(item)))
            continue
        if key == "env":
            # A variable has either a value or a reference: that of the later source replaces the other.
            for field_name, other in (("value", "valueFrom"), ("valueFrom", "value")):
                if item.get(field_name) is not None:
                    merged[index].pop(other, None)
        merge_into(merged[index], item)
    return merged


def _is_deletion(item: object) -> bool:
    """Whether the item is a deletion in the syntax of Kubernetes: `{name: x, $patch: delete}`."""
    return isinstance(item, dict) and cast(dict[str, object], item).get("$patch") == "delete"


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in cast(dict[str, object], value).items()}
    if isinstance(value, list):
        return [_copied(item) for item in cast(list[object], value)]
    return value


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in cast(dict[str, object], value).items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in cast(list[object], value) if not _is_deletion(item)]
    return value
