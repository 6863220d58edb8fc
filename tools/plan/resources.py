"""CPU and memory that a job asks for: its pods' requests, as the operator and Flink work them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from settings.rules.subject import mapping
from settings.values import quantity, resource_memory
from tools.plan.state import DeclaredJob


@dataclass(frozen=True)
class Usage:
    """What pods ask for together.

    Attributes:
        cpu: cores.
        memory: bytes.
        pods: how many there are.
        is_whole: False when a size is said nowhere, so that there is more than is counted.
    """

    cpu: Decimal = Decimal(0)
    memory: int = 0
    pods: int = 0
    is_whole: bool = True

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.cpu + other.cpu,
            self.memory + other.memory,
            self.pods + other.pods,
            self.is_whole and other.is_whole,
        )


NOTHING = Usage()


def usage(job: DeclaredJob | None, parallelism_in_session: int = 0) -> Usage:
    """Requests of a job's own pods: of a JobManager as often as it is replicated and of the TaskManagers.

    A session job has none of its own; its cluster has them. Not counted: containers that a pod template adds, and what
    the autoscaler or a parallelism in the job's code makes of it.

    Args:
        job: None for none.
        parallelism_in_session: of all jobs that run in a session cluster.
    """
    if job is None or job.kind == "FlinkSessionJob" or job.is_suspended:
        return NOTHING
    masters = _integer(mapping(job.spec.get("jobManager")).get("replicas"), 1)
    return _times(_pod(job, "jobManager"), masters) + _times(
        _pod(job, "taskManager"), task_managers(job, parallelism_in_session)
    )


def task_managers(job: DeclaredJob, parallelism_in_session: int = 0) -> int:
    """`taskManager.replicas`, else as many as the parallelism needs slots."""
    replicas = mapping(job.spec.get("taskManager")).get("replicas")
    if job.job is None:
        if job.mode == "standalone":
            return _integer(replicas, 1)
        return ceil(parallelism_in_session / _slots(job))
    if replicas is not None:
        return _integer(replicas, 1)
    return ceil(_integer(job.job.get("parallelism"), 1) / _slots(job))


def _slots(job: DeclaredJob) -> int:
    return max(1, _integer(job.text("taskmanager.numberOfTaskSlots") or None, 1))


def _pod(job: DeclaredJob, process: str) -> Usage:
    fields = mapping(job.spec.get(process))
    resource, resources = mapping(fields.get("resource")), mapping(fields.get("resources"))
    asked = {**mapping(resources.get("limits")), **mapping(resources.get("requests"))}
    if not asked:
        asked = dict(resource)
    memory = _size(asked.get("memory") or job.text(f"{process.lower()}.memory.process.size"))
    return Usage(_cpu(job, process, asked), memory or 0, 1, memory is not None)


def _cpu(job: DeclaredJob, process: str, asked: Mapping[str, object]) -> Decimal:
    keys = [f"kubernetes.{process.lower()}.cpu.amount", f"kubernetes.{process.lower()}.cpu"]
    if process == "taskManager":
        keys.append("taskmanager.cpu.cores")
    for said in (asked.get("cpu"), *(job.configuration.get(key) for key in keys)):
        try:
            amount = quantity(str(said)) if said is not None else Decimal(-1)
        except ValueError:
            continue
        if amount > 0:
            return amount
    # What Flink takes where nobody says a number.
    return Decimal(_slots(job) if process == "taskManager" else 1)


def _size(said: object) -> int | None:
    try:
        return resource_memory(str(said)) if said else None
    except ValueError:
        return None


def _integer(said: object, default: int) -> int:
    try:
        return default if said is None else int(str(said))
    except ValueError:
        return default


def _times(pod: Usage, count: int) -> Usage:
    return Usage(pod.cpu * count, pod.memory * count, count, pod.is_whole or not count)
