"""The directories of jobs for checkpoints and savepoints."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.locations import qualified
from flink_k8s.resolve.state_storage import CHECKPOINTS, SAVEPOINTS
from flink_k8s.store.pod import StorePodError, cluster_of, options_of


def state_directories(
    job: Job, stack: DeclaredStack, directories: Sequence[str] = (CHECKPOINTS, SAVEPOINTS)
) -> list[str]:
    """The directories for the state of a job, under any name of their options.

    Args:
        job: the job.
        stack: that declares it.
        directories: the options; those for checkpoints and savepoints by default.

    Raises:
        StorePodError: if the cluster of a session job is not declared in the stack.
    """
    options = options_of(job, cluster_of(job, stack), stack)
    scheme = options.configuration.get("fs.default-scheme", "")
    paths = [qualified(options.text(option), scheme) for option in directories]
    return [*dict.fromkeys(path for path in paths if path)]


def jobs_by_directory(
    stack: DeclaredStack, directories: Sequence[str] = (CHECKPOINTS, SAVEPOINTS)
) -> dict[str, list[Job]]:
    """The jobs of a stack by their directories for state; a directory of several jobs belongs to none of them.

    Args:
        stack: with the jobs.
        directories: the options; those for checkpoints and savepoints by default.
    """
    jobs: dict[str, list[Job]] = {}
    for job in stack.jobs:
        if job_of(job.spec) is not None:
            with contextlib.suppress(StorePodError):
                for directory in state_directories(job, stack, directories):
                    jobs.setdefault(directory.rstrip("/"), []).append(job)
    return jobs
