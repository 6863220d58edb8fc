"""Deep merging of layers, later wins."""

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
"""Lists whose items are merged by `name` (mounts by `mountPath`); every other list is replaced, and so is one of these
when the later layer has an item without a name or two of the same. An item with `$patch: delete` takes one away."""


def merge(base: object, over: object) -> object:
    """`over` laid onto `base`: mappings deep, named lists by name, anything else replaced; null takes a key away.

    Neither argument is changed, and the result shares nothing with them. Merging the same layer twice is the same as
    once.
    """
    if isinstance(base, dict) and isinstance(over, dict):
        return merge_mappings(cast(dict[str, object], base), cast(dict[str, object], over))
    return _without_nulls(over)


def merge_mappings(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """`merge` of two mappings."""
    return merge_into({key: _copied(value) for key, value in base.items()}, over)


def merge_settings(layers: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """`merge` of job settings, by their names in files; a variable is from where the last of them takes it.

    Args:
        layers: later wins; each says a variable in `env` or in `secretEnv`.
    """
    merged: dict[str, object] = {}
    for layer in layers:
        for key, other in (("env", "secretEnv"), ("secretEnv", "env")):
            said, before = layer.get(key), merged.get(other)
            if isinstance(said, dict) and isinstance(before, dict):
                for name in cast(dict[str, object], said):
                    cast(dict[str, object], before).pop(name, None)
        merge_into(merged, layer)
    return merged


def merge_into(merged: dict[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """`merge` of two mappings, the first of which is changed: it must be a copy of the caller's own."""
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif key in NAMED_LISTS and _is_named(merged.get(key), key) and _is_named(value, key, once=True):
            merged[key] = _merge_named(
                cast(list[dict[str, object]], merged[key]), cast(list[dict[str, object]], value), key
            )
        elif isinstance(merged.get(key), dict) and isinstance(value, dict):
            merge_into(cast(dict[str, object], merged[key]), cast(dict[str, object], value))
        else:
            merged[key] = _without_nulls(value)
    return merged


def merge_key(key: str) -> str:
    """What items of a named list are told apart by."""
    return "mountPath" if key == "volumeMounts" else "name"


def _is_named(value: object, key: str, *, once: bool = False) -> bool:
    """Whether every item has the list's merge key; with `once`, no two the same."""
    if not isinstance(value, list):
        return False
    by = merge_key(key)
    names = [cast(dict[str, object], item).get(by) for item in cast(list[object], value) if isinstance(item, dict)]
    if len(names) != len(cast(list[object], value)) or not all(isinstance(name, str) for name in names):
        return False
    return not once or len(set(names)) == len(names)


def _merge_named(merged: list[dict[str, object]], over: list[dict[str, object]], key: str) -> list[dict[str, object]]:
    by = merge_key(key)
    places = {item.get(by): index for index, item in enumerate(merged)}
    for item in over:
        index = places.get(item.get(by))
        if _is_deletion(item):
            merged = [kept for kept in merged if kept.get(by) != item.get(by)]
            places = {kept.get(by): place for place, kept in enumerate(merged)}
            continue
        if index is None:
            places[item.get(by)] = len(merged)
            merged.append(cast(dict[str, object], _without_nulls(item)))
            continue
        if key == "env":
            # A variable has a value or a place to take it from: the later layer's choice takes the other away.
            for one, other in (("value", "valueFrom"), ("valueFrom", "value")):
                if item.get(one) is not None:
                    merged[index].pop(other, None)
        merge_into(merged[index], item)
    return merged


def _is_deletion(item: object) -> bool:
    """Kubernetes' own way of saying it: `{name: x, $patch: delete}`."""
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
