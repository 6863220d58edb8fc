"""Property values of resources as plain Python, with secrets and unknown values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

from typing_extensions import override

from flink_k8s.config.secret_text import masked, side_by_side


@dataclass(frozen=True)
class Unknown:
    """A value that is unknown until the deployment."""

    @override
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A secret value, which its text form hides."""

    value: object = field(repr=False)

    @override
    def __repr__(self) -> str:
        return "Secret(…)"


def reveal(value: object) -> object:
    """The value with revealed secrets, only for the cluster. Unknown values remain."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {name: reveal(item) for name, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [reveal(item) for item in cast("list[object]", value)]
    return value


def in_clear(value: object) -> object:
    """The value with revealed plaintext secrets of users, which the program has marked as secret for the engine.

    Values that the program generates are only in Secrets.
    """
    return side_by_side(value, masked("", reveal(value)), _plaintext)


def _plaintext(value: object, masked_value: object) -> object:
    if not isinstance(value, Secret):
        return value
    plain = reveal(value.value)
    return value if plain == masked_value else plain


def paths_of(value: object, kind: type[Secret | Unknown], path: str = "") -> Iterator[str]:
    """Paths of secrets or unknown values in a value, such as `spec.job.args[1]`."""
    if isinstance(value, kind):
        yield path
    elif isinstance(value, Secret):
        yield from paths_of(value.value, kind, path)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            yield from paths_of(item, kind, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from paths_of(item, kind, f"{path}[{index}]")


def without_nulls(value: object) -> object:
    """The value without null fields, which Kubernetes and Helm treat as not set."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {name: without_nulls(item) for name, item in fields.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in cast("list[object]", value)]
    return value
