"""Deep merging of layers, later wins."""

from __future__ import annotations

from collections.abc import Mapping
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
"""Lists whose items are merged by `name` (Kubernetes' own merge keys); every other list is replaced."""


def merge(base: object, over: object) -> object:
    """`over` laid onto `base`: mappings deep, named lists by name, anything else replaced; null takes a key away.

    Neither argument is changed. Merging the same layer twice is the same as once.
    """
    if isinstance(base, dict) and isinstance(over, dict):
        return merge_mappings(cast(dict[str, object], base), cast(dict[str, object], over))
    return _without_nulls(over)


def merge_mappings(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """`merge` of two mappings."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif key in NAMED_LISTS and _is_named(merged.get(key)) and _is_named(value):
            merged[key] = _merge_named(
                cast(list[dict[str, object]], merged[key]), cast(list[dict[str, object]], value), key
            )
        elif key in merged:
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = _without_nulls(value)
    return merged


def _merge_key(key: str) -> str:
    return "mountPath" if key == "volumeMounts" else "name"


def _is_named(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return isinstance(value, list)
    return all(isinstance(item, dict) and ("name" in item) for item in cast(list[object], value))


def _merge_named(base: list[dict[str, object]], over: list[dict[str, object]], key: str) -> list[dict[str, object]]:
    by = _merge_key(key)
    merged = list(base)
    places = {item.get(by): index for index, item in enumerate(merged)}
    for item in over:
        index = places.get(item.get(by))
        if index is None:
            places[item.get(by)] = len(merged)
            merged.append(cast(dict[str, object], _without_nulls(item)))
        else:
            merged[index] = merge_mappings(merged[index], item)
    return merged


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in cast(dict[str, object], value).items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in cast(list[object], value)]
    return value
