"""The order of jobs: what a job is deployed after, by `after` of its settings and by its references."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from flink_k8s.facts.kinds import FLINK_KINDS
from flink_k8s.resolve.jobs import Attachment, Job


def named_by(entry: str, job: Job, keys: Iterable[str]) -> list[str]:
    """The keys (`kind/namespace/name`) of the jobs and objects that an entry of a job's `after` names.

    Args:
        entry: the name of a job, or kind and name, or kind, namespace and name; a namespace that it lacks is the job's.
        job: the job with the entry.
        keys: of all jobs and objects of the stack.
    """
    kind, _, rest = entry.rpartition("/")
    outer, _, namespace = kind.partition("/")
    if not kind:
        accepted: Collection[str] = {f"{flink_kind}/{job.namespace}/{rest}" for flink_kind in FLINK_KINDS}
    else:
        accepted = {f"{outer}/{namespace or job.namespace}/{rest}"}
    return [key for key in keys if key in accepted]


def after(job: Job, jobs: Sequence[Job], attachments: Sequence[Attachment]) -> list[str]:
    """The keys of the jobs and objects that `after` of a job names."""
    entries = job.settings.after
    if not entries:
        return []
    keys = [item.key for item in (*jobs, *attachments)]
    return list(dict.fromkeys(key for entry in entries for key in named_by(entry, job, keys)))


def sorted_jobs(jobs: Sequence[Job], attachments: Sequence[Attachment]) -> list[Job]:
    """The jobs, each after the jobs that it is deployed after.

    Raises:
        CycleError: if jobs are deployed after each other.
    """
    by_key = {job.key: job for job in jobs}
    return [by_key[key] for key in TopologicalSorter(_edges(by_key, attachments)).static_order()]


def cycle(jobs: Sequence[Job], attachments: Sequence[Attachment]) -> list[str]:
    """The keys of jobs that are deployed after each other, the first one also at the end; empty without a cycle."""
    by_key = {job.key: job for job in jobs}
    try:
        TopologicalSorter(_edges(by_key, attachments)).prepare()
    except CycleError as error:
        return [*reversed(error.args[1])]
    return []


def _edges(jobs: Mapping[str, Job], attachments: Sequence[Attachment]) -> dict[str, list[str]]:
    every = [*jobs.values()]
    return {
        key: [other for other in (job.target or "", *after(job, every, attachments)) if other in jobs]
        for key, job in jobs.items()
    }
