"""The table of a stack's jobs that `up` prints at its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from flink_k8s.config.problems import printable
from flink_k8s.operations.late_failures import awaited, late_failures
from flink_k8s.operations.live_jobs import LiveJob, jobs_of, read
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.traffic import rest_service
from flink_k8s.support.console import say, shown_age, table
from flink_k8s.support.errors import CommandError

_HEADINGS = ("JOB", "KIND", "STATE", "SINCE", "REST", "LAST STATE OR ERROR")


def job_table(stack: Stack, live_jobs: Mapping[str, LiveJob], now: datetime) -> list[str]:
    """The lines of the table; none for a stack without jobs.

    Args:
        stack: the stack.
        live_jobs: the jobs in the cluster, by key.
        now: the current time.
    """
    declared = {job.key: job for job in stack.platform.jobs}

    def age(time: datetime | None) -> str:
        return shown_age(now - time) if time else "-"

    def last(live: LiveJob) -> str:
        if live.error:
            return f"error: {printable(live.error)}"
        snapshot = live.snapshot
        return f"{snapshot.kind}, {age(snapshot.time)} ago, {snapshot.path}" if snapshot else "-"

    def rest(job: Job) -> str:
        cluster = declared.get(job.target or "", job)  # a session job is served by its cluster
        port = stack.platform.rest_port(cluster)
        return f"{rest_service(cluster.name)}.{cluster.namespace}.svc:{port}" if port else "-"

    rows: list[tuple[str, ...]] = []
    for job in jobs_of(stack):
        live = live_jobs.get(job.key, LiveJob())
        status = live.status or live.health
        rows.append((f"{job.namespace}/{job.name}", job.kind.value, status, age(live.since), rest(job), last(live)))
    return table([_HEADINGS, *rows]) if rows else []


def print_jobs(stack: Stack, *, has_failed: bool) -> list[str]:
    """Print the table of the jobs as the cluster has them.

    Args:
        stack: the stack.
        has_failed: whether the operation before has failed; an unreachable cluster is then its error.

    Returns:
        After a successful operation, the errors of the awaited jobs that have failed since they were ready.
    """
    if not jobs_of(stack):
        return []
    try:
        live_jobs, problems = read(stack)
        failed = [] if has_failed else [job for job in awaited(stack) if live_jobs[job.key].health == "failed"]
        errors = late_failures(stack, failed)
        if failed:
            live_jobs, problems = read(stack)
    except CommandError as error:
        if not has_failed:
            say(f"   the jobs are not listed: {error}")
        return []
    for line in [*problems, *job_table(stack, live_jobs, datetime.now(UTC))]:
        say(f"   {line}")
    return errors
