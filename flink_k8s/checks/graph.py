"""What must be there for a resource: a session job's cluster, a snapshot's job."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.snapshot import needs_job
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.problems import KeyPath, nearest
from flink_k8s.resolve.jobs import Job


def check(stack: StackSubject) -> None:
    """The clusters of session jobs, and the jobs of snapshots."""
    known: dict[tuple[str, str, str], Job] = {(job.kind, job.namespace, job.name): job for job in stack.jobs}
    names: dict[tuple[str, str], list[str]] = {}
    for job in stack.jobs:
        names.setdefault((job.kind, job.namespace), []).append(job.name)
    for job in stack.jobs:
        if job.settings.external:
            continue
        path, message = _session_job(job, known, names) or _snapshot(job, known, names) or ((), "")
        if message:
            stack.report("missing-reference", path, message, job)


def _near(name: str, names: list[str]) -> str:
    return nearest(name, names) if names else "declare it"


_EXTERNAL = "or set external: true in jobs.{name}, when the cluster has it"


def _session_job(
    job: Job, known: Mapping[tuple[str, str, str], Job], names: Mapping[tuple[str, str], list[str]]
) -> tuple[KeyPath, str] | None:
    cluster = job.session_cluster
    if cluster is None:
        return None
    path = ("spec", "deploymentName")
    target = known.get(("FlinkDeployment", job.namespace, cluster))
    if target is None:
        near = _near(cluster, names.get(("FlinkDeployment", job.namespace), []))
        said = f'"{cluster}" is no FlinkDeployment of namespace {job.namespace} here'
        return path, f"{said}; {near}, {_EXTERNAL.format(name=job.name)}"
    return None


def _snapshot(
    job: Job, known: Mapping[tuple[str, str, str], Job], names: Mapping[tuple[str, str], list[str]]
) -> tuple[KeyPath, str] | None:
    target = job.snapshot_of
    if target is None or not needs_job(job.spec):
        return None
    kind, name = target
    if (kind, job.namespace, name) in known:
        return None
    near = _near(name, names.get((kind, job.namespace), []))
    said = f'"{name}" is no {kind} of namespace {job.namespace} here'
    return ("spec", "jobReference", "name"), f"{said}; {near}, {_EXTERNAL.format(name=job.name)}"
