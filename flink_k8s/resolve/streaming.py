"""Requirements of settings that have an effect on streaming jobs only: `autoscaling` and `recovery`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flink_k8s.facts.versions import flink_numbers
from flink_k8s.resolve.state_storage import Resource

_FIRST_FLINK: Final = (1, 17)
"""The first version whose jobs the autoscaler can scale, and whose options the project knows."""


def streaming_obstacle(resource: Resource, configuration: Mapping[str, str]) -> str | None:
    """The reason why such a setting has no effect for a resource with a job; None if it has an effect.

    Args:
        resource: the resource.
        configuration: as the operator merges it.
    """
    if configuration.get("execution.runtime-mode", "").upper() == "BATCH":
        return "has no effect for a batch job (execution.runtime-mode: BATCH)"
    version = flink_numbers(resource.flink_version)
    if version is not None and version < _FIRST_FLINK:
        return f"has no effect for {resource.flink_version}; it requires Flink 1.17"
    return None
