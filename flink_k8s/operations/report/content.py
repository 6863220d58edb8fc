"""The content of the report: what the stack declares, and what the cluster reports about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flink_k8s.config.findings import Remark
from flink_k8s.operations.live_jobs import LiveJob, jobs_of
from flink_k8s.operations.report.prices import Prices
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.resolve.quota_usage import NO_REQUESTS, JobRequests, StackRequests
from flink_k8s.resolve.state_storage import inner_spec


@dataclass(frozen=True)
class JobEntry:
    """One job of the report.

    Attributes:
        job: as the stack declares it.
        live: as the cluster has it.
        requests: pods, CPU, memory and storage.
        cost: for a month; empty without prices.
    """

    job: Job
    live: LiveJob
    requests: tuple[str, str, str, str]
    cost: str = ""

    @property
    def title(self) -> str:
        """`namespace/name`."""
        return f"{self.job.namespace}/{self.job.name}"

    @property
    def flink_version(self) -> str:
        """The Flink version; empty for a session job."""
        return str(inner_spec(self.job.kind, self.job.spec).get("flinkVersion") or "")

    @property
    def parallelism(self) -> str:
        """The declared parallelism; empty for a session cluster."""
        return str((job_of(self.job.spec) or {}).get("parallelism", ""))

    @property
    def upgrade_mode(self) -> str:
        """The state that a changed job starts from; empty for a session cluster."""
        job = job_of(self.job.spec)
        return "" if job is None else str(job.get("upgradeMode", "stateless"))


@dataclass(frozen=True)
class Content:
    """The content of the report.

    Attributes:
        stack: name of the stack.
        context: of its cluster.
        time: at which the report was written.
        jobs: of the stack, by namespace and name.
        teams: name, requests and cost of each namespace and of the stack.
        findings: warnings and notices of the rules.
        drift: title of each object with manual changes, and the changes; None if they were not read.
        notes: what could not be read, and why.
    """

    stack: str
    context: str
    time: datetime
    jobs: Sequence[JobEntry]
    teams: Sequence[tuple[str, tuple[str, str, str, str], str]]
    findings: Sequence[Remark]
    drift: Mapping[str, Sequence[str]] | None = None
    notes: Sequence[str] = field(default_factory=tuple[str, ...])


def content_of(
    stack: Stack,
    live_jobs: Mapping[str, LiveJob],
    *,
    prices: Prices | None = None,
    drift: Mapping[str, Sequence[str]] | None = None,
    notes: Sequence[str] = (),
) -> Content:
    """The content of the report.

    Args:
        stack: the stack.
        live_jobs: the jobs in the cluster, by key; a job that was not read is missing.
        prices: for costs; None for a report without costs.
        drift: the manual changes; None if they were not read.
        notes: what could not be read, and why.
    """
    declared = stack.platform
    requests = resource_requests.declared(declared.jobs, declared.attachments, declared.settings)
    entries = [
        JobEntry(
            job,
            live_jobs.get(job.key, LiveJob("suspended" if job.is_suspended else "unknown")),
            resource_requests.cells(_requests(requests, job)),
            prices.shown(_requests(requests, job).normal) if prices else "",
        )
        for job in jobs_of(stack)
    ]
    teams = [
        (name, resource_requests.cells(sums), prices.shown(sums.normal) if prices else "")
        for name, sums in (*requests.teams.items(), (f"stack {stack.name}", requests.total))
    ]
    now = datetime.now(UTC)
    return Content(stack.name, stack.context, now, entries, teams, declared.remarks, drift, notes)


def _requests(requests: StackRequests, job: Job) -> JobRequests:
    return requests.jobs.get((job.kind, job.namespace, job.name), NO_REQUESTS)
