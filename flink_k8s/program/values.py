"""Property values of resources: secrets and values that are not known yet among plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

from typing_extensions import override

from flink_k8s.config.secret_text import masked, side_by_side


@dataclass(frozen=True)
class Unknown:
    """A value that only a real deployment can know."""

    @override
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown; its text form hides it."""

    value: object = field(repr=False)

    @override
    def __repr__(self) -> str:
        return "Secret(…)"


def reveal(value: object) -> object:
    """The value with its secrets laid open, for the cluster alone. Unknown values stay."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {name: reveal(item) for name, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [reveal(item) for item in cast("list[object]", value)]
    return value


def in_clear(value: object) -> object:
    """The value with those secrets laid open that look like one: they stand in clear in what users wrote, and the
    program has marked them for the engine, which is to show none. What it has made itself is in Secrets alone.
    """
    return side_by_side(value, masked("", reveal(value)), _laid_open)


def _laid_open(value: object, shown: object) -> object:
    if not isinstance(value, Secret):
        return value
    plain = reveal(value.value)
    return value if plain == shown else plain


def paths_of(value: object, kind: type[Secret | Unknown], at: str = "") -> Iterator[str]:
    """Where in a value secrets or unknown values are, as paths such as `spec.job.args[1]`."""
    if isinstance(value, kind):
        yield at
    elif isinstance(value, Secret):
        yield from paths_of(value.value, kind, at)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            yield from paths_of(item, kind, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from paths_of(item, kind, f"{at}[{index}]")


def without_nulls(value: object) -> object:
    """The value without the object fields that are null: to Kubernetes and Helm alike they are not set."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {name: without_nulls(item) for name, item in fields.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in cast("list[object]", value)]
    return value
