"""What the jobs of a stack cost as they are declared, and the table that says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flink_k8s.config.model import StackSettings
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import quantity
from flink_k8s.resolve import pod_requests as demand
from flink_k8s.resolve import quota_usage as usage
from flink_k8s.resolve.jobs import Attachment, Job
from flink_k8s.resolve.operator_configuration import effective
from flink_k8s.resolve.quota_usage import Asker, Cost, Costs
from flink_k8s.resolve.state_storage import CLAIM, inner_spec


def asker(job: Job, settings: StackSettings) -> Asker:
    """A job as what it asks for is reckoned.

    Args:
        job: merged.
        settings: of its stack.
    """
    spec = inner_spec(job.kind, job.spec)
    own, version = mapping(spec.get("flinkConfiguration")), spec.get("flinkVersion")
    configuration = effective(own, settings.operator.configuration, job.namespace, version)
    return Asker((job.kind, job.namespace, job.name), spec, configuration)


def claim_sizes(attachments: Iterable[Attachment]) -> dict[tuple[str, str], str]:
    """How much each claim in job files asks for as it is written, by namespace and name."""
    return {
        (one.namespace, one.source.name): str(demand.claim_size(one.manifest))
        for one in attachments
        if one.source.kind == "PersistentVolumeClaim"
    }


def state_claims(settings: StackSettings, namespaces: Iterable[str]) -> dict[tuple[str, str], str]:
    """The same for the claims that the program makes for state in those namespaces."""
    storage = settings.state_storage
    return {(name, CLAIM): storage.volume.size for name in namespaces} if storage.makes_claims else {}


def declared(jobs: Iterable[Job], attachments: Iterable[Attachment], settings: StackSettings) -> Costs:
    """What a stack's jobs cost.

    Args:
        jobs: of the stack.
        attachments: what lies in job files beside them.
        settings: of the stack.
    """
    written = claim_sizes(attachments) | state_claims(settings, settings.own_namespaces)
    sizes = {claim: _amount(size) for claim, size in written.items()}
    limits = {name: namespace.limits for name, namespace in settings.namespaces.items()}
    return usage.costs((asker(job, settings) for job in jobs), sizes, limits)


def _amount(size: str) -> int:
    try:
        return int(quantity(size))
    except ValueError:  # Kubernetes says so
        return 0


HEADINGS = ("PODS", "CPU", "MEMORY", "STORAGE")


def cells(cost: Cost) -> tuple[str, str, str, str]:
    """Pods, CPU, memory and storage, each with its peak where that is another."""
    now, most = cost.usage, cost.peak
    pairs = (
        (str(now.pods), str(most.pods)),
        (now.shown_cpu, most.shown_cpu),
        (now.shown_memory, most.shown_memory),
        (now.shown_storage, most.shown_storage),
    )
    pods, cpu, memory, storage = (usual if usual == peak else f"{usual} (peak {peak})" for usual, peak in pairs)
    return pods, cpu, memory, storage


def rows(costs: Costs, stack: str) -> list[tuple[str, ...]]:
    """A row a job, a team and the environment: whom it is about, and its cells."""
    found: list[tuple[str, ...]] = []
    for name, team in costs.teams.items():
        jobs = sorted((key[2], key[0], one) for key, one in costs.jobs.items() if key[1] == name)
        found += [(f"{name}/{job}", *cells(one)) for job, _, one in jobs]
        found.append((f"{name}: all", *cells(team)))
    return [*found, (f"stack {stack}: all", *cells(costs.total))]


def text(costs: Costs, stack: str) -> list[str]:
    """The rows for a terminal, a line each."""
    table: Sequence[Sequence[str]] = [("JOB", *HEADINGS), *rows(costs, stack)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def markdown(costs: Costs, stack: str) -> list[str]:
    """The rows for a pull request, a line each."""
    lines = [
        f"### What `{stack}` asks for",
        "",
        "| job | pods | CPU | memory | storage |",
        "| --- | --- | --- | --- | --- |",
    ]
    return [*lines, *(f"| `{who}` | {' | '.join(said)} |" for who, *said in rows(costs, stack))]


def summary(costs: Costs) -> str:
    """All of it in one line."""
    pods, cpu, memory, storage = cells(costs.total)
    return f"asks for {cpu} CPU, {memory} of memory, {storage} of storage in {pods} pods"
