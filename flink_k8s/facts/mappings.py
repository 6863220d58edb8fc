"""Values of manifests narrowed to mappings and lists; a value of another type counts as empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a mapping, else an empty one: the rule `wrong-type` reports other types."""
    return cast(Mapping[str, object], value) if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return cast(list[object], value) if isinstance(value, list) else []


def condition(manifest: Mapping[str, object], type_: str) -> Mapping[str, object] | None:
    """The condition of that type in an object's status if it is true, else None."""
    for item in listed(mapping(manifest.get("status")).get("conditions")):
        name = mapping(item)
        if name.get("type") == type_ and name.get("status") == "True":
            return name
    return None
