"""References between resources: the cluster of a session job, the job of a snapshot, and `after`."""

from __future__ import annotations

from collections.abc import Mapping

from flink_k8s.checks.snapshot import needs_job
from flink_k8s.checks.subject import StackSubject
from flink_k8s.config.findings import Source
from flink_k8s.config.problems import KeyPath, nearest, similar
from flink_k8s.config.stack_file import StackConfig
from flink_k8s.facts.kinds import FLINK_KINDS, FlinkKind
from flink_k8s.resolve import order
from flink_k8s.resolve.jobs import Job


def check(stack: StackSubject) -> None:
    """Report session jobs whose cluster, snapshots whose job, and entries of `after` that are not declared."""
    _check_order(stack)
    names: dict[tuple[str, str], list[str]] = {}
    for job in stack.jobs:
        names.setdefault((job.kind, job.namespace), []).append(job.name)
    for job in stack.jobs:
        if job.settings.external or (reference := _reference(job)) is None:
            continue
        path, kind, name = reference
        if kind not in FLINK_KINDS:
            continue  # refused as a value of the field
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


def _check_order(stack: StackSubject) -> None:
    keys = [item.key for item in (*stack.jobs, *stack.attachments)]
    jobs = {job.key: job for job in stack.jobs}
    for job in stack.jobs:
        for index, entry in enumerate(job.settings.after or []):
            if not order.named_by(entry, job, keys):
                known = [key if entry.count("/") > 1 else _short(key, job, jobs) for key in keys]
                message = f'"{entry}" is not a job or object of this stack in namespace {job.namespace}'
                path, source = _after(job, stack.config)
                stack.report("job-order", (*path, index), f"{message}; {nearest(entry, known)}", source)
    if cycle := order.cycle(stack.jobs, stack.attachments):
        first = next(jobs[key] for key in cycle if jobs[key].settings.after)
        names = " -> ".join(jobs[key].name for key in cycle)
        path, source = _after(first, stack.config)
        stack.report("job-order", path, f"is a cycle ({names}); remove one of these entries", source)


def _short(key: str, job: Job, jobs: Mapping[str, Job]) -> str:
    """An entry of `after` of a job that names the key, as short as possible."""
    kind, namespace, name = key.split("/")
    if namespace != job.namespace:
        return key
    return name if key in jobs else f"{kind}/{name}"


def _after(job: Job, config: StackConfig) -> tuple[KeyPath, Source]:
    """Path and file of the `after` of a job."""
    for source in reversed(job.sources.ordered):
        if source.settings is not None and source.settings.after is not None and source.config_path is not None:
            return (*source.config_path, "after"), source.config or config
    sql = job.source.sql
    return ((*sql.settings_path, "after"), sql.config) if sql is not None else (("jobs", job.name, "after"), config)


def _reference(job: Job) -> tuple[KeyPath, str, str] | None:
    """Path, kind and name of the resource that the job requires."""
    if job.session_cluster is not None:
        return ("spec", "deploymentName"), FlinkKind.DEPLOYMENT, job.session_cluster
    if job.snapshot_of is not None and needs_job(job.spec):
        return ("spec", "jobReference", "name"), *job.snapshot_of
    return None
