"""Lists the savepoints and retained checkpoints that the jobs of a stack can restore."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Literal

import pulumi

from flink_k8s.health.api_server import ApiServer
from flink_k8s.operations.access import find_job
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.collect import JobState, collect
from flink_k8s.snapshots.directories import jobs_by_directory
from flink_k8s.snapshots.state_snapshot import Files, StateSnapshot
from flink_k8s.support.console import say, table
from flink_k8s.support.errors import CommandError, ExitCode

Format = Literal["text", "json"]

_CONCURRENT_PODS = 4
"""Jobs whose directories are listed at the same time: each listing is a pod."""


def savepoints(stack: Stack, name: str, *, form: Format = "text") -> int:
    """Print the savepoints and checkpoints of each job of a stack, the newest first; an exit code.

    Args:
        stack: the stack.
        name: of the job; empty for all jobs.
        form: of the output.

    Returns:
        FAILURE if something could not be read; everything else is printed nevertheless.

    Raises:
        CommandError: if the job is unknown, or the API server does not answer.
    """
    jobs = [find_job(stack, name)] if name else [job for job in stack.platform.jobs if job_of(job.spec) is not None]
    try:
        states = asyncio.run(_collected(stack, jobs))
    except pulumi.RunError as error:
        raise CommandError(str(error)) from None
    for state in states:
        for problem in state.problems:
            print(f"warning: job {state.job.namespace}/{state.job.name}: {problem}", file=sys.stderr)
    say(as_json(states) if form == "json" else as_text(states))
    return ExitCode.FAILURE if any(state.problems for state in states) else ExitCode.OK


async def _collected(stack: Stack, jobs: Sequence[Job]) -> list[JobState]:
    by_directory = jobs_by_directory(stack.platform)
    pods = asyncio.Semaphore(_CONCURRENT_PODS)
    api_server = ApiServer(str(stack.kubeconfig) if stack.kubeconfig else None, stack.context)
    async with api_server.asked("the savepoints cannot be read") as api_client:

        async def collected(job: Job) -> JobState:
            async with pods:
                return await collect(api_client, job, stack.platform, by_directory)

        return await asyncio.gather(*map(collected, jobs))


def as_text(states: Sequence[JobState]) -> str:
    """A table with one line per savepoint or checkpoint."""
    rows = [
        (
            f"{state.job.namespace}/{state.job.name}",
            snapshot.shown_time,
            snapshot.kind,
            _size(snapshot.size),
            _use(snapshot),
            ", ".join(snapshot.sources),
            snapshot.path,
        )
        for state in states
        for snapshot in state.snapshots
    ]
    if not rows:
        return "no savepoint and no retained checkpoint exists"
    return "\n".join(table([("JOB", "TIME", "KIND", "SIZE", "RESTORE", "FOUND IN", "PATH"), *rows]))


def as_json(states: Sequence[JobState]) -> str:
    """A list of jobs with their snapshots and problems."""
    jobs = [
        {
            "kind": state.job.kind.value,
            "namespace": state.job.namespace,
            "name": state.job.name,
            "snapshots": [_record(snapshot) for snapshot in state.snapshots],
            "problems": list(state.problems),
        }
        for state in states
    ]
    return json.dumps(jobs, indent=1)


def _record(snapshot: StateSnapshot) -> dict[str, object]:
    return {
        "time": None if snapshot.time is None else snapshot.shown_time,
        "kind": snapshot.kind,
        "size": snapshot.size,
        "path": snapshot.path,
        "foundIn": list(snapshot.sources),
        "files": snapshot.files.value,
        "inUse": snapshot.is_in_use,
        "canBeRestored": snapshot.can_be_restored,
    }


def _use(snapshot: StateSnapshot) -> str:
    """Whether the snapshot can be restored, in a few words."""
    if snapshot.is_in_use:
        return "no: of the running job"
    return {Files.EXIST: "yes", Files.MISSING: "no: no files", Files.UNKNOWN: "files not checked"}[snapshot.files]


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
