"""References between Flink resources: the cluster of a session job, the job of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.snapshot import needs_job
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.problems import KeyPath, nearest
from flink_k8s.resolve.jobs import Job


def check(stack: StackSubject) -> None:
    """Report session jobs whose cluster, and snapshots whose job, is not declared."""
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


def _remedy(name: str, names: list[str]) -> str:
    return nearest(name, names) if names else "declare it"


_EXTERNAL = "or set external: true in jobs.{name} if the cluster has it"


def _session_job(
    job: Job, known: Mapping[tuple[str, str, str], Job], names: Mapping[tuple[str, str], list[str]]
) -> tuple[KeyPath, str] | None:
    cluster = job.session_cluster
    if cluster is None:
        return None
    path = ("spec", "deploymentName")
    target = known.get(("FlinkDeployment", job.namespace, cluster))
    if target is None:
        remedy = _remedy(cluster, names.get(("FlinkDeployment", job.namespace), []))
        problem = f'unknown FlinkDeployment "{cluster}" in namespace {job.namespace}'
        return path, f"{problem}; {remedy}; {_EXTERNAL.format(name=job.name)}"
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
    remedy = _remedy(name, names.get((kind, job.namespace), []))
    problem = f'unknown {kind} "{name}" in namespace {job.namespace}'
    return ("spec", "jobReference", "name"), f"{problem}; {remedy}; {_EXTERNAL.format(name=job.name)}"
