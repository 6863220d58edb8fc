"""Collects the savepoints and checkpoints of a job from the cluster's resources and from the job's directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from flink_k8s.facts.kinds import FLINK_API, FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.health.api_server import get
from flink_k8s.health.job_status import children
from flink_k8s.resolve.declared_stack import DeclaredStack
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.directories import state_directories
from flink_k8s.snapshots.listing import Listing, list_directories
from flink_k8s.snapshots.state_snapshot import StateSnapshot, combined, of_resource, of_status, running_job_id
from flink_k8s.store.pod import StorePodError

Object = Mapping[str, object]


@dataclass(frozen=True)
class JobState:
    """The state of a job that can be restored.

    Attributes:
        job: the job.
        snapshots: the newest first.
        problems: what could not be read, and why.
    """

    job: Job
    snapshots: tuple[StateSnapshot, ...] = ()
    problems: tuple[str, ...] = ()


async def collect(api_client: Any, job: Job, stack: DeclaredStack, jobs: Mapping[str, Sequence[Job]]) -> JobState:
    """The savepoints and checkpoints of a job. What cannot be read is a problem of the result, not an error.

    Args:
        api_client: of `kubernetes_asyncio`.
        job: that the stack declares.
        stack: the stack.
        jobs: `jobs_by_directory` of the stack.
    """
    snapshots, problems, running = await _recorded(api_client, job)
    try:
        directories = state_directories(job, stack)
        listing = await list_directories(api_client, job, stack, directories) if directories else Listing()
    except StorePodError as error:
        directories, listing = [], Listing(problems=(str(error),))
    snapshots += listing.snapshots
    problems += listing.problems
    for directory in directories:
        others = [
            f"{other.namespace}/{other.name}" for other in jobs.get(directory.rstrip("/"), ()) if other is not job
        ]
        if others:
            problems.append(f"{directory} may contain state of {', '.join(others)}, which has the same directory")
    return JobState(job, tuple(combined(snapshots, listing.directories, running)), tuple(problems))


def recorded(job: Job, objects: Mapping[FlinkKind, Sequence[Object]]) -> list[StateSnapshot]:
    """The snapshots that statuses and FlinkStateSnapshots record, the newest first, without those that only files show.

    Args:
        job: that the stack declares.
        objects: of the job's namespace, by kind: those of `recording_kinds`.
    """
    resources = _recording(job)
    manifests = [
        manifest
        for kind, name in resources
        for manifest in objects.get(kind, ())
        if mapping(manifest.get("metadata")).get("name") == name
    ]
    snapshots = [snapshot for manifest in manifests for snapshot in of_status(manifest)]
    snapshots += _of_resources(objects.get(FlinkKind.SNAPSHOT, ()), resources)
    return combined(snapshots, (), set(map(running_job_id, manifests)))


def recording_kinds(job: Job) -> set[FlinkKind]:
    """The kinds of the resources that record the snapshots of a job."""
    return {FlinkKind.SNAPSHOT, *(kind for kind, _ in _recording(job))}


def _recording(job: Job) -> list[tuple[FlinkKind, str]]:
    """Kinds and names of the resources whose statuses record the snapshots of a job."""
    if job.kind is FlinkKind.BLUE_GREEN:
        return [(FlinkKind.DEPLOYMENT, name) for name in children(job.name)]
    return [(job.kind, job.name)]


async def _recorded(api_client: Any, job: Job) -> tuple[list[StateSnapshot], list[str], set[str]]:
    """Recorded snapshots, problems, and ids of running jobs."""
    snapshots: list[StateSnapshot] = []
    problems: list[str] = []
    running: set[str] = set()
    resources = _recording(job)
    for kind, name in resources:
        try:
            resource = await live(api_client, kind, job.namespace, name)
        except NotReadableError as error:
            problems.append(str(error))
            continue
        snapshots += of_status(resource or {})
        running.add(running_job_id(resource or {}))
    try:
        snapshots += _of_resources(await live_objects(api_client, FlinkKind.SNAPSHOT, job.namespace), resources)
    except NotReadableError as error:
        problems.append(str(error))
    return snapshots, problems, running


class NotReadableError(Exception):
    """The API server does not return a resource; the message is the reason."""


async def live(api_client: Any, kind: FlinkKind, namespace: str, name: str) -> Object | None:
    """A Flink resource as the cluster has it; None if it does not exist.

    Raises:
        NotReadableError: if the API server refuses the request.
    """
    try:
        return await get(api_client, f"{_path(kind, namespace)}/{name}") or None
    except pulumi.RunError as error:
        raise NotReadableError(f"{kind} {namespace}/{name} cannot be read: {error}") from None


async def live_objects(api_client: Any, kind: FlinkKind, namespace: str) -> list[Object]:
    """The Flink resources of a kind as the cluster has them; none if the operator has no such kind.

    Raises:
        NotReadableError: if the API server refuses the request.
    """
    try:
        response = await get(api_client, _path(kind, namespace))
    except pulumi.RunError as error:
        raise NotReadableError(f"{kind.plural} in {namespace} cannot be listed: {error}") from None
    return [mapping(item) for item in listed(response.get("items"))]


def _path(kind: FlinkKind, namespace: str) -> str:
    return f"/apis/{FLINK_API}/namespaces/{namespace}/{kind.plural}"


def _of_resources(manifests: Sequence[Object], jobs: list[tuple[FlinkKind, str]]) -> list[StateSnapshot]:
    """The snapshots of completed FlinkStateSnapshots of the jobs."""
    references = [{"kind": kind.value, "name": name} for kind, name in jobs]
    snapshots: list[StateSnapshot] = []
    for manifest in manifests:
        reference = mapping(mapping(manifest.get("spec")).get("jobReference"))
        snapshot = of_resource(manifest)
        if snapshot and {"kind": reference.get("kind"), "name": reference.get("name")} in references:
            snapshots.append(snapshot)
    return snapshots
