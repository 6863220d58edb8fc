"""Resource requests of the declared jobs of a stack, and tables of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flink_k8s.config.model import StackSettings
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import quantity
from flink_k8s.resolve import pod_requests, quota_usage
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.operator_configuration import effective
from flink_k8s.resolve.pod_requests import Pods
from flink_k8s.resolve.quota_usage import JobKey, JobRequests, PodOwner, StackRequests
from flink_k8s.resolve.state_storage import CLAIM, inner_spec


def pod_owner(job: Job, settings: StackSettings) -> PodOwner:
    """The data of a job that determines its requests.

    Args:
        job: merged.
        settings: of its stack.
    """
    spec = inner_spec(job.kind, job.spec)
    own, version = mapping(spec.get("flinkConfiguration")), spec.get("flinkVersion")
    configuration = effective(own, settings.operator.configuration, job.namespace, version)
    return PodOwner((job.kind, job.namespace, job.name), spec, configuration)


def claim_sizes(attachments: Iterable[Attachment]) -> dict[tuple[str, str], str]:
    """Requested size of each claim in job files as it is written, by namespace and name."""
    return {
        (attachment.namespace, attachment.source.name): str(pod_requests.claim_size(attachment.manifest))
        for attachment in attachments
        if attachment.source.kind == "PersistentVolumeClaim"
    }


def workloads(attachments: Iterable[Attachment]) -> dict[JobKey, Pods]:
    """The pods of the Deployments, CronJobs and other workloads in job files."""
    pods = {
        (attachment.source.kind, attachment.namespace, attachment.source.name): pod_requests.workload(
            attachment.manifest
        )
        for attachment in attachments
    }
    return {key: pods_of for key, pods_of in pods.items() if pods_of is not None}


def state_claims(settings: StackSettings, namespaces: Iterable[str]) -> dict[tuple[str, str], str]:
    """Size of the claims that the program creates for state in the namespaces, by namespace and name."""
    storage = settings.state_storage
    return {(name, CLAIM): storage.volume.size for name in namespaces} if storage.makes_claims else {}


def declared(jobs: Iterable[Job], attachments: Iterable[Attachment], settings: StackSettings) -> StackRequests:
    """Requests of the jobs of a stack, and of the workloads next to them.

    Args:
        jobs: of the stack.
        attachments: the other objects of the job files.
        settings: of the stack.
    """
    sizes_of_claims = claim_sizes(attachments) | state_claims(settings, settings.own_namespaces)
    sizes = {claim: _amount(size) for claim, size in sizes_of_claims.items()}
    limits = {name: namespace.limits for name, namespace in settings.namespaces.items()}
    return quota_usage.stack_requests((pod_owner(job, settings) for job in jobs), sizes, limits, workloads(attachments))


def _amount(size: str) -> int:
    try:
        return int(quantity(size))
    except ValueError:  # Kubernetes reports it
        return 0


HEADINGS = ("PODS", "CPU", "MEMORY", "STORAGE")


def cells(job_requests: JobRequests) -> tuple[str, str, str, str]:
    """Pods, CPU, memory and storage, each with its peak if that differs."""
    now, at_peak = job_requests.normal, job_requests.peak
    pairs = (
        (str(now.pods), str(at_peak.pods)),
        (now.shown_cpu, at_peak.shown_cpu),
        (now.shown_memory, at_peak.shown_memory),
        (now.shown_storage, at_peak.shown_storage),
    )
    pods, cpu, memory, storage = (
        usual if usual == at_peak else f"{usual} (peak {at_peak})" for usual, at_peak in pairs
    )
    return pods, cpu, memory, storage


def rows(stack_requests: StackRequests, stack: str) -> list[tuple[str, ...]]:
    """One row per job, namespace and for the stack: name and cells."""
    table_rows: list[tuple[str, ...]] = []
    for name, team in stack_requests.teams.items():
        jobs = sorted(
            (key[2], key[0], job_requests) for key, job_requests in stack_requests.jobs.items() if key[1] == name
        )
        table_rows += [(f"{name}/{job}", *cells(job_requests)) for job, _, job_requests in jobs]
        table_rows.append((f"{name}: all", *cells(team)))
    return [*table_rows, (f"stack {stack}: all", *cells(stack_requests.total))]


def text(stack_requests: StackRequests, stack: str) -> list[str]:
    """The rows for a terminal, one per line."""
    table: Sequence[Sequence[str]] = [("JOB", *HEADINGS), *rows(stack_requests, stack)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def markdown(stack_requests: StackRequests, stack: str) -> list[str]:
    """The rows for a pull request, one per line."""
    lines = [
        f"### Resource requests of `{stack}`",
        "",
        "| job | pods | CPU | memory | storage |",
        "| --- | --- | --- | --- | --- |",
    ]
    return [*lines, *(f"| `{name}` | {' | '.join(values)} |" for name, *values in rows(stack_requests, stack))]


def summary(stack_requests: StackRequests) -> str:
    """The total in one line."""
    pods, cpu, memory, storage = cells(stack_requests.total)
    return f"requests {cpu} CPU, {memory} of memory, {storage} of storage in {pods} pods"
