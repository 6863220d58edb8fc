"""CPU and memory of the operator by the number of its jobs: docs/performance.md contains the measurements."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from flink_k8s.config.model import OperatorSettings
from flink_k8s.facts.mappings import mapping

_SMALL = 100
"""Jobs up to which the operator has a fixed size."""

_STEP = 500
"""Jobs per step of its size. The steps are large, because each changed value restarts the operator."""

_OUTSIDE_HEAP = 384
"""MiB of the process in addition to its heap."""


@dataclass(frozen=True)
class OperatorSize:
    """Size of the operator's container.

    Attributes:
        cpu: requested.
        memory: requested.
        heap: maximum of Java's heap; None for its default, a quarter of the container's limit or of the node.
    """

    cpu: str
    memory: str
    heap: str | None = None


def operator_size(settings: OperatorSettings, jobs: int) -> OperatorSize:
    """The size for the jobs of a stack, or for the expected number of jobs if that is larger.

    Args:
        settings: of the operator.
        jobs: number of jobs in the stack.
    """
    expected = max(jobs, settings.expected_jobs)
    if expected <= _SMALL:
        return OperatorSize(cpu="200m", memory="512Mi")
    steps = ceil(expected / _STEP)
    # Without a limit, the heap of a thousand jobs grows to gigabytes, although a tenth of it is in use.
    heap = 256 + 256 * steps
    # The user's memory limit may be smaller than the derived heap: Java derives its heap from the limit then.
    has_own_resources = "resources" in mapping(settings.values.get("operatorPod"))
    return OperatorSize(f"{500 * steps}m", f"{heap + _OUTSIDE_HEAP}Mi", None if has_own_resources else f"{heap}m")
