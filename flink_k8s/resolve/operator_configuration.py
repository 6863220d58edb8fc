"""The Flink configuration of a resource as the operator merges it from its own defaults and the resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flink_k8s.facts import tables, versions

_FLINK_VERSION = re.compile(r"v(\d+)_(\d+)")
_DEFAULTS = "kubernetes.operator.default-configuration."


HA_OFF = ("none", "standalone")
"""Values of `high-availability.type` without high availability."""

RETENTION = "execution.checkpointing.externalized-checkpoint-retention"
JOB_CANCEL = "kubernetes.operator.job.upgrade.last-state.job-cancel.enabled"


@dataclass(frozen=True)
class Options:
    """A resource's Flink configuration as the operator merges it, read by option.

    Attributes:
        operator: version of the operator, which determines the older names of an option.
        configuration: flat.
    """

    operator: str
    configuration: Mapping[str, str]

    def value(self, key: str) -> tuple[str, str] | None:
        """Value of an option by its current name, and the name by which it is set: the current or an older name."""
        option = tables.operator_options(self.operator).get(key)
        for name in (key, *option.older) if option else versions.names(key, self.operator):
            if name in self.configuration:
                return name, self.configuration[name]
        return None

    def text(self, key: str) -> str:
        """Value of an option, stripped; empty if it is not set."""
        value = self.value(key)
        return value[1].strip() if value else ""

    @property
    def is_highly_available(self) -> bool:
        """Whether high availability is enabled, with any implementation."""
        value = self.value("high-availability.type")
        return value is not None and value[1].lower() not in HA_OFF

    @property
    def deleting_retention(self) -> tuple[str, str] | None:
        """The retention option and its value, if Flink deletes the job's checkpoints when the job is cancelled.

        Without the option the operator retains the checkpoints.
        """
        value = self.value(RETENTION)
        deletes = value is not None and value[1].strip().upper() in (
            "DELETE_ON_CANCELLATION",
            "NO_EXTERNALIZED_CHECKPOINTS",
        )
        return value if deletes else None


def effective(
    own: Mapping[str, object], defaults: Mapping[str, str], namespace: str, flink_version: object
) -> dict[str, str]:
    """Configuration as the operator merges it: its defaults, those of namespace and Flink version, the resource's own.

    Args:
        own: the resource's flinkConfiguration, flat.
        defaults: the operator's configuration.
        namespace: of the resource.
        flink_version: `v2_2`.
    """
    merged = dict(defaults)
    for prefix in (f"{_DEFAULTS}namespace.{namespace}.", *_version_prefixes(defaults, flink_version)):
        merged |= {key.removeprefix(prefix): value for key, value in defaults.items() if key.startswith(prefix)}
    return merged | {key: str(value) for key, value in own.items() if value is not None}


def _version_prefixes(defaults: Mapping[str, str], flink_version: object) -> list[str]:
    """`…v1_18+.` of this version and all older versions, oldest first, then `…v2_2.`."""
    version = _FLINK_VERSION.fullmatch(str(flink_version))
    if version is None:
        return []
    start = f"{_DEFAULTS}flink-version."
    older: set[tuple[int, int]] = set()
    for key in defaults:
        match = re.match(re.escape(start) + r"v(\d+)_(\d+)\+\.", key)
        if match and _numbers(match) <= _numbers(version):
            older.add(_numbers(match))
    return [*(f"{start}v{major}_{minor}+." for major, minor in sorted(older)), f"{start}{flink_version}."]


def _numbers(match: re.Match[str]) -> tuple[int, int]:
    return int(match.group(1)), int(match.group(2))
