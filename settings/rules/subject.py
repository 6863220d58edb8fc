"""What the rules look at: one Flink resource, merged, with the configuration that the operator would see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from settings import tables, versions
from settings.problems import KeyPath
from settings.rules.finding import Say

_FLINK_VERSION = re.compile(r"v(\d+)_(\d+)")
_DEFAULTS = "kubernetes.operator.default-configuration."


@dataclass(frozen=True)
class Subject:
    """One spec with pods and configuration of its own: a deployment, or what a blue/green one is made from.

    Attributes:
        name: of the FlinkDeployment that comes of it.
        namespace: of the resource.
        spec: the merged spec, configuration flat.
        at: where the spec begins in the manifest.
        operator: version of the operator.
        configuration: flinkConfiguration over the operator's own configuration.
        say: takes what is found.
    """

    name: str
    namespace: str
    spec: Mapping[str, object]
    at: KeyPath
    operator: str
    configuration: Mapping[str, str]
    say: Say

    def found(self, rule: str, path: KeyPath, message: str) -> None:
        """Something is wrong at that path of the spec."""
        self.say(rule, (*self.at, *path), message)

    def key_found(self, key: str, message: str) -> None:
        """Something is wrong with that key of the configuration."""
        self.say("operator", (*self.at, "flinkConfiguration", key), message)

    @property
    def job(self) -> Mapping[str, object] | None:
        """The job, None for a session cluster."""
        return mapping(self.spec.get("job")) if isinstance(self.spec.get("job"), dict) else None

    @property
    def flink_version(self) -> str | None:
        """`2.2` for v2_2; None where it says something else."""
        return short_version(self.spec.get("flinkVersion"))

    def value(self, key: str) -> tuple[str, str] | None:
        """The configuration's value of an option by its name today, and the key that said it: that or an older name."""
        option = tables.operator_options(self.operator).get(key)
        for name in (key, *option.older) if option else versions.names(key, self.operator):
            if name in self.configuration:
                return name, self.configuration[name]
        return None

    def text(self, key: str) -> str:
        """The value of an option, stripped, empty when nobody said it."""
        said = self.value(key)
        return said[1].strip() if said else ""


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a mapping, else an empty one: whoever checks types has said so already."""
    return cast(Mapping[str, object], value) if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return cast(list[object], value) if isinstance(value, list) else []


def short_version(flink_version: object) -> str | None:
    """`2.2` for `v2_2`."""
    match = _FLINK_VERSION.fullmatch(str(flink_version))
    return ".".join(match.groups()) if match else None


def effective(
    own: Mapping[str, object], defaults: Mapping[str, str], namespace: str, flink_version: object
) -> dict[str, str]:
    """Configuration as the operator sees it: its own, that for the namespace and the Flink version, the resource's.

    Args:
        own: the resource's flinkConfiguration, flat.
        defaults: the operator's configuration.
        namespace: of the resource.
        flink_version: `v2_2`.
    """
    seen = dict(defaults)
    for prefix in (f"{_DEFAULTS}namespace.{namespace}.", *_version_prefixes(defaults, flink_version)):
        seen |= {key.removeprefix(prefix): value for key, value in defaults.items() if key.startswith(prefix)}
    return seen | {key: str(value) for key, value in own.items() if value is not None}


def _version_prefixes(defaults: Mapping[str, str], flink_version: object) -> list[str]:
    """`…v1_18+.` of this version and every older one, oldest first, then `…v2_2.`."""
    wanted = _FLINK_VERSION.fullmatch(str(flink_version))
    if wanted is None:
        return []
    start = f"{_DEFAULTS}flink-version."
    older: set[tuple[int, int]] = set()
    for key in defaults:
        match = re.match(re.escape(start) + r"v(\d+)_(\d+)\+\.", key)
        if match and _numbers(match) <= _numbers(wanted):
            older.add(_numbers(match))
    return [*(f"{start}v{major}_{minor}+." for major, minor in sorted(older)), f"{start}{flink_version}."]


def _numbers(match: re.Match[str]) -> tuple[int, int]:
    return int(match.group(1)), int(match.group(2))
