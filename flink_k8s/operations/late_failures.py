"""Jobs that were ready, and have failed while `up` waited for other jobs.

The program waits for each job once, because dependent resources continue when it is ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pulumi

from flink_k8s.config.model import Suspension
from flink_k8s.config.problems import printable
from flink_k8s.config.secret_text import redacted
from flink_k8s.config.stack_file import SUSPENSION, read_config
from flink_k8s.facts.units import seconds
from flink_k8s.health.readiness import Readiness
from flink_k8s.operations.live_jobs import api_server_of, jobs_of
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.declared_stack import is_awaited
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.console import counted, say
from flink_k8s.support.paths import ROOT


def awaited(stack: Stack) -> list[Job]:
    """The jobs that the run of the program has waited for; the copy of the stack file contains its suspension."""
    if not stack.platform.settings.wait_for_jobs:
        return []
    values = read_config(ROOT, stack.name, stack.config_file).values
    suspension = Suspension.model_validate(values.get(SUSPENSION) or {})
    suspended = suspension.jobs if suspension.about is None else ()
    return [job for job in jobs_of(stack) if is_awaited(job, suspension) and job.key not in suspended]


def late_failures(stack: Stack, failed: Collection[Job]) -> list[str]:
    """The errors of jobs that do not become ready again, as those of jobs that fail while the program waits for them.

    Args:
        stack: the stack.
        failed: jobs that have failed; the operator may restart them.
    """
    if not failed:
        return []
    titles = ", ".join(f"{job.namespace}/{job.name}" for job in failed)
    say(f"-- {counted(len(failed), 'job')} failed after being ready; waiting for a restart by the operator: {titles}")
    readiness = Readiness(api_server_of(stack), timeout_seconds=seconds(stack.platform.settings.job_timeout))
    return asyncio.run(_errors(readiness, failed))


async def _errors(readiness: Readiness, jobs: Collection[Job]) -> list[str]:
    errors = await asyncio.gather(*(_error(readiness, job) for job in jobs))
    return [error for error in errors if error]


async def _error(readiness: Readiness, job: Job) -> str:
    """The error of a job; empty if it becomes ready."""
    try:
        await readiness.wait(job, None)
    except pulumi.RunError as error:
        return printable(redacted(str(error)))
    return ""
