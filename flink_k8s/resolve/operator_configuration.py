"""The Flink configuration of a resource as the operator merges it from its own defaults and the resource."""

from __future__ import annotations

import re
from collections.abc import Mapping

_FLINK_VERSION = re.compile(r"v(\d+)_(\d+)")
_DEFAULTS = "kubernetes.operator.default-configuration."


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
