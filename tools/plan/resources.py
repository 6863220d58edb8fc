"""CPU and memory that a job asks for: its pods' requests, as the operator and Flink work them out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from settings import demand
from settings.job_spec import MAIN_CONTAINER
from settings.namespace import Limits
from tools.plan.state import DeclaredJob

NO_LIMITS = Limits()
"""What a namespace gives containers that say nothing is not counted."""


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

    A session job has none of its own; its cluster has them. Not counted: what the autoscaler or a parallelism in the
    job's code makes of it.

    Args:
        job: None for none.
        parallelism_in_session: of all jobs that run in a session cluster.
    """
    if job is None or job.kind == "FlinkSessionJob" or job.is_suspended:
        return NOTHING
    whole = NOTHING
    for pods in demand.pods(job.spec, job.configuration):
        number = pods.number
        if pods.process == "taskManager" and job.job is None and job.mode != "standalone":
            number = ceil(parallelism_in_session / demand.slots_of(job.configuration))
        flink = next(one for one in pods.containers if one.name == MAIN_CONTAINER)
        whole += Usage(
            pods.request("cpu", NO_LIMITS) * number,
            int(pods.request("memory", NO_LIMITS)) * number,
            number,
            "memory" in flink.requests or not number,
        )
    return whole
