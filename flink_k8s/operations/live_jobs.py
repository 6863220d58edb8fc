"""The jobs of a stack as the cluster has them: health, error, last state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pulumi

from flink_k8s.config.secret_text import redacted
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.health.api_server import ApiServer
from flink_k8s.health.job_status import evaluate
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.collect import NotReadableError, live_objects, recorded, recording_kinds
from flink_k8s.snapshots.state_snapshot import StateSnapshot
from flink_k8s.support.errors import CommandError

Health = Literal["healthy", "suspended", "waiting", "failed", "missing", "unknown"]

_HEALTH: Mapping[str, Health] = {"ready": "healthy", "failed": "failed", "waiting": "waiting"}

_Objects = Mapping[tuple[str, FlinkKind], Sequence[Mapping[str, Any]]]
"""Flink resources by namespace and kind."""


@dataclass(frozen=True)
class LiveJob:
    """A job in the cluster.

    Attributes:
        health: in one word.
        status: in a few words.
        error: of the job; empty if it has none.
        snapshot: the newest savepoint or checkpoint that the cluster records; None if it records none.
        since: time of the last change of Flink's state of the job; None if it is unknown.
    """

    health: Health = "unknown"
    status: str = ""
    error: str = ""
    snapshot: StateSnapshot | None = None
    since: datetime | None = None


def jobs_of(stack: Stack) -> list[Job]:
    """The jobs and session clusters of a stack, by namespace and name."""
    jobs = (job for job in stack.platform.jobs if job.kind is not FlinkKind.SNAPSHOT)
    return sorted(jobs, key=lambda job: (job.namespace, job.name))


def api_server_of(stack: Stack) -> ApiServer:
    """The API server of a stack's cluster."""
    return ApiServer(str(stack.kubeconfig) if stack.kubeconfig else None, stack.context)


def read(stack: Stack) -> tuple[dict[str, LiveJob], list[str]]:
    """`read_jobs` of a stack.

    Raises:
        CommandError: if the API server is not reachable.
    """
    try:
        return asyncio.run(read_jobs(api_server_of(stack), jobs_of(stack)))
    except pulumi.RunError as error:
        raise CommandError(str(error)) from None


async def read_jobs(api_server: ApiServer, jobs: Sequence[Job]) -> tuple[dict[str, LiveJob], list[str]]:
    """The jobs in the cluster by key, and what could not be read. One request lists each kind in a namespace.

    Raises:
        pulumi.RunError: if the API server is not reachable.
    """
    needed = sorted({(job.namespace, kind) for job in jobs for kind in (job.kind, *recording_kinds(job))})
    async with api_server.asked("the cluster cannot be read") as api_client:
        lists = await asyncio.gather(*(_listed(api_client, kind, namespace) for namespace, kind in needed))
    problems = [answer for answer in lists if isinstance(answer, str)]
    objects = {place: answer for place, answer in zip(needed, lists, strict=True) if not isinstance(answer, str)}
    return {job.key: _live_job(job, objects) for job in jobs}, problems


async def _listed(api_client: Any, kind: FlinkKind, namespace: str) -> list[Mapping[str, Any]] | str:
    """The resources, or why they could not be read."""
    try:
        return await live_objects(api_client, kind, namespace)
    except NotReadableError as error:
        return str(error)


def _live_job(job: Job, objects: _Objects) -> LiveJob:
    if (job.namespace, job.kind) not in objects:
        return LiveJob()
    manifest = next(_named(job.name, objects[job.namespace, job.kind]), None)
    if manifest is None:
        return LiveJob("missing", "not in the cluster")
    status = evaluate(job.kind, manifest, suspended=job.is_suspended)
    health = "suspended" if job.is_suspended and status.state == "ready" else _HEALTH[status.state]
    has_job = job_of(job.spec) is not None
    own = {kind: found for (namespace, kind), found in objects.items() if namespace == job.namespace}
    snapshots = [snapshot for snapshot in recorded(job, own) if snapshot.time is not None] if has_job else []
    newest = snapshots[0] if snapshots else None
    return LiveJob(health, status.shown, redacted(status.error.text), newest, _since(manifest) if has_job else None)


def _named(name: str, manifests: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (manifest for manifest in manifests if mapping(manifest.get("metadata")).get("name") == name)


def _since(manifest: Mapping[str, Any]) -> datetime | None:
    """`jobStatus.updateTime`, in milliseconds: the operator sets it when it sees another state of the job."""
    milliseconds = mapping(mapping(manifest.get("status")).get("jobStatus")).get("updateTime")
    text = str(milliseconds or "")
    return datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdecimal() else None
