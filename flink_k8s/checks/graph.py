"""References between Flink resources: the cluster of a session job, the job of a snapshot."""

from __future__ import annotations

from flink_k8s.checks.snapshot import needs_job
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.problems import KeyPath, similar
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve.jobs import Job


def check(stack: StackSubject) -> None:
    """Report session jobs whose cluster, and snapshots whose job, is not declared."""
    names: dict[tuple[str, str], list[str]] = {}
    for job in stack.jobs:
        names.setdefault((job.kind, job.namespace), []).append(job.name)
    for job in stack.jobs:
        if job.settings.external or (reference := _reference(job)) is None:
            continue
        path, kind, name = reference
        declared = names.get((kind, job.namespace), [])
        if name in declared:
            continue
        problem = f'unknown {kind} "{name}" in namespace {job.namespace}'
        if (match := similar(name, declared)) is not None:
            message = f'{problem}; did you mean "{match}"? Otherwise set external: true in jobs.{job.name}'
            stack.report("misspelt-reference", path, message, job)
        else:
            message = f"{problem}; declare it, or set external: true in jobs.{job.name} if the cluster has it"
            stack.report("missing-reference", path, message, job)


def _reference(job: Job) -> tuple[KeyPath, str, str] | None:
    """Path, kind and name of the resource that the job requires."""
    if job.session_cluster is not None:
        return ("spec", "deploymentName"), FlinkKind.DEPLOYMENT, job.session_cluster
    if job.snapshot_of is not None and needs_job(job.spec):
        return ("spec", "jobReference", "name"), *job.snapshot_of
    return None
