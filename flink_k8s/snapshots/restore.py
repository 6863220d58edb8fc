"""Resolves `restoreFrom` of jobs to paths, before the program registers anything.

A resolved request is recorded in an annotation of the Flink resource. The next run with the same request reads the
path from there, so a job does not go back in time again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flink_k8s.config.problems import Problem, ProblemsError
from flink_k8s.config.restore_request import LATEST, RestoreRequest, recorded_path
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.health.api_server import ApiServer
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.locations import local_path
from flink_k8s.snapshots.collect import JobState, NotReadableError, collect, live
from flink_k8s.snapshots.directories import jobs_by_directory
from flink_k8s.snapshots.state_snapshot import (
    Files,
    StateSnapshot,
    combined,
    of_resource,
    running_job_id,
    shown_time,
)

_CONCURRENT_JOBS = 4


class UnresolvedError(Exception):
    """A request has no path; the message is the reason and the remedy."""


@dataclass(frozen=True)
class Restored:
    """A resolved request.

    Attributes:
        job: that restores the path.
        request: the `restoreFrom` of the job, in its canonical form.
        path: that the job starts from.
        text: what was chosen.
    """

    job: Job
    request: str
    path: str
    text: str


async def resolve(api_server: ApiServer, stack: DeclaredStack) -> list[Restored]:
    """Resolve the requests of all jobs of a stack.

    Raises:
        ProblemsError: contains each request without a path, with the line of its `restoreFrom`.
        pulumi.RunError: if the API server does not answer.
    """
    requests = [(job, request) for job in stack.jobs if (request := job.restore_request) is not None]
    at_once = asyncio.Semaphore(_CONCURRENT_JOBS)
    problems: list[Problem] = []
    jobs = jobs_by_directory(stack)
    async with api_server.asked("restoreFrom cannot be resolved") as api_client:

        async def resolved(job: Job, request: str) -> Restored | None:
            async with at_once:
                try:
                    return await _resolved(api_client, job, stack, jobs, RestoreRequest.parse(request))
                except (UnresolvedError, NotReadableError) as error:
                    path = (*job.kind.spec_path, "job", "initialSavepointPath")
                    problems.append(job.problem(path, f'is "{request}", but {error}', "restore-from"))
                    return None

        restored = await asyncio.gather(*(resolved(job, request) for job, request in requests))
    if problems:
        raise ProblemsError(problems)
    return [item for item in restored if item is not None]


def with_paths(stack: DeclaredStack, restored: Sequence[Restored]) -> DeclaredStack:
    """The stack whose jobs start from the resolved paths."""
    by_key = {item.job.key: item.job.restored(item.request, item.path) for item in restored}
    return replace(stack, jobs=tuple(by_key.get(job.key, job) for job in stack.jobs))


def without_paths(stack: DeclaredStack) -> DeclaredStack:
    """The stack whose jobs record unresolved requests, for a run of the program without the cluster."""
    jobs = (job.restored(job.restore_request, "") if job.restore_request else job for job in stack.jobs)
    return replace(stack, jobs=tuple(jobs))


async def _resolved(
    api_client: Any, job: Job, stack: DeclaredStack, jobs: Mapping[str, Sequence[Job]], request: RestoreRequest
) -> Restored:
    resource = await live(api_client, job.kind, job.namespace, job.name)
    annotations = mapping(mapping((resource or {}).get("metadata")).get("annotations"))
    if path := recorded_path(annotations, request):
        return Restored(job, request.canonical, path, "as resolved by an earlier run")
    if request.text != LATEST and request.time is None:
        snapshot = await _named(api_client, job.namespace, request.text)
        _refuse_in_use(combined([snapshot], (), [running_job_id(resource or {})])[0])
    else:
        snapshot = select(request, await collect(api_client, job, stack, jobs), now=datetime.now(UTC))
    return Restored(job, request.canonical, snapshot.path, f"{snapshot.kind} of {snapshot.shown_time}")


async def _named(api_client: Any, namespace: str, name: str) -> StateSnapshot:
    """The snapshot of a FlinkStateSnapshot.

    Raises:
        UnresolvedError: if it does not exist or is not completed.
    """
    resource = await live(api_client, FlinkKind.SNAPSHOT, namespace, name)
    if resource is None:
        raise UnresolvedError(f"no FlinkStateSnapshot has that name in the namespace {namespace}; {_REMEDY}")
    snapshot = of_resource(resource)
    if snapshot is None:
        state = mapping(resource.get("status")).get("state") or "not observed by the operator"
        raise UnresolvedError(f"that FlinkStateSnapshot is {state} and has no path; {_REMEDY}")
    return snapshot


_REMEDY = "`python -m flink_k8s savepoints <stack>` lists what can be restored"


def select(request: RestoreRequest, state: JobState, *, now: datetime) -> StateSnapshot:
    """The newest state that the request allows.

    Nothing is selected from an incomplete list, and no older state instead of one that a running job may delete: the
    job would go further back than requested, without notice.

    Args:
        request: `latest`, or a time.
        state: of the job.
        now: the current time; a later one in the request is a mistake, for example of a time zone.

    Raises:
        UnresolvedError: if no state matches, or it is unknown which is the newest.
    """
    latest = request.time or now
    if latest > now:
        raise UnresolvedError(f"it is now {shown_time(now)}; write an earlier time, with Z or an offset")
    if state.problems:
        raise UnresolvedError(f"what exists is unknown: {'; '.join(state.problems)}; fix this, or write a path")
    existing = [snapshot for snapshot in state.snapshots if snapshot.files is not Files.MISSING]
    if without_time := [snapshot for snapshot in existing if snapshot.time is None]:
        raise UnresolvedError(f"the time of {without_time[0].path} is unknown; write the path of the state to restore")
    if not existing:
        empty = "write none, or remove restoreFrom, to start it empty"
        raise UnresolvedError(f"the job has no savepoint and no checkpoint; {empty}")
    # To the second, as times are printed: a printed time selects its own state.
    timed = [(snapshot, snapshot.time.replace(microsecond=0)) for snapshot in existing if snapshot.time is not None]
    allowed = [snapshot for snapshot, time in timed if time <= latest]
    if not allowed:
        oldest = existing[-1]
        raise UnresolvedError(f"the oldest state is of {oldest.shown_time}: {oldest.path}; {_REMEDY}")
    _refuse_in_use(allowed[0])
    return allowed[0]


def newest_restorable(state: JobState) -> StateSnapshot:
    """The newest state that another job can restore while this job runs.

    Raises:
        UnresolvedError: if there is none, or it is unknown which is the newest.
    """
    if state.problems:
        raise UnresolvedError(f"what exists is unknown: {'; '.join(state.problems)}; fix this")
    restorable = [snapshot for snapshot in state.snapshots if snapshot.can_be_restored]
    if without_time := [snapshot for snapshot in restorable if snapshot.time is None]:
        raise UnresolvedError(f"the time of {without_time[0].path} is unknown; take a new savepoint")
    if not restorable:
        in_use = " except the checkpoints of the running job, which deletes them" if state.snapshots else ""
        raise UnresolvedError(f"the job has no savepoint and no checkpoint{in_use}; take a savepoint")
    return restorable[0]


def refuse_volume(snapshot: StateSnapshot) -> None:
    """Refuse a state that a job of another namespace cannot restore.

    Raises:
        UnresolvedError: if the state is on a volume.
    """
    if local_path(snapshot.path):
        reason = "is on a volume, which pods of another namespace cannot mount"
        raise UnresolvedError(f"{snapshot.path} {reason}; keep the state in a bucket (stateStorage)")


def _refuse_in_use(snapshot: StateSnapshot) -> None:
    if snapshot.is_in_use:
        in_use = f"that is the checkpoint {snapshot.path} of the running job, which deletes it later"
        raise UnresolvedError(f"{in_use}; suspend the job first, or write the path of an older state")
