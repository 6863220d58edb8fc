"""The declared stack: merged and checked settings and objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flink_k8s.config.findings import Remark
from flink_k8s.config.model import OperatorSettings, StackSettings, Suspension
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.resolve import availability, jobs, order, traffic
from flink_k8s.resolve.existing_operator import ExistingOperator, with_configuration
from flink_k8s.resolve.state_storage import CLAIM


def is_awaited(job: jobs.Job, suspension: Suspension) -> bool:
    """Whether a run waits for the job: until it runs or, if the run suspends it, until it does not."""
    if suspension.about is not None:
        return job.key in suspension.about
    return not job.is_suspended


@dataclass(frozen=True)
class DeclaredStack:
    """The declared stack.

    Attributes:
        settings: the stack config.
        jobs: the jobs, in the order of their files.
        attachments: the other objects of the job files.
        remarks: warnings and notices, sorted; they do not stop the stack.
        existing_operator: the operator in the cluster; None if the stack has its own, or it was not read.
    """

    settings: StackSettings
    jobs: tuple[jobs.Job, ...]
    attachments: tuple[jobs.Attachment, ...]
    remarks: tuple[Remark, ...] = ()
    existing_operator: ExistingOperator | None = None

    @property
    def operator(self) -> OperatorSettings:
        """The operator that reconciles the jobs, with the configuration that it has in the cluster."""
        return with_configuration(self.settings.operator, self.existing_operator)

    @property
    def jobs_in_order(self) -> Sequence[jobs.Job]:
        """The jobs, each after those that it runs on, is taken of, or is deployed after."""
        return order.sorted_jobs(self.jobs, self.attachments)

    def after(self, job: jobs.Job) -> Sequence[str]:
        """The keys of the jobs and objects that `after` of a job names."""
        return order.after(job, self.jobs, self.attachments)

    @property
    def job_counts(self) -> Mapping[tuple[str, FlinkKind], int]:
        """How many jobs there are, by namespace and kind."""
        return Counter((job.namespace, job.kind) for job in self.jobs)

    @property
    def operator_traffic(self) -> traffic.Traffic | None:
        """Connections of the operator's pods; None without NetworkPolicies."""
        return traffic.of_operator(self.settings, self.jobs) if self.settings.network_policies.enabled else None

    def traffic(self, job: jobs.Job) -> traffic.Traffic | None:
        """Connections of a job's pods; None without NetworkPolicies, or if the kind needs no policy."""
        has_policy = self.settings.network_policies.enabled and job.has_policy
        return traffic.of_job(job, self.settings) if has_policy else None

    def disruption_budgets(self, job: jobs.Job) -> Sequence[availability.DisruptionBudget]:
        """The PodDisruptionBudgets of a job's pods."""
        return [*availability.disruption_budgets(job, self.settings)]

    def rest_port(self, job: jobs.Job) -> str | None:
        """The port of a job's REST service; None for a kind without one."""
        return traffic.rest_port(job, self.settings) if job.kind is FlinkKind.DEPLOYMENT else None

    def is_awaited(self, job: jobs.Job) -> bool:
        """Whether the run waits for the job."""
        return self.settings.wait_for_jobs and is_awaited(job, self.settings.suspension)

    def protects_claim(self, namespace: str) -> bool:
        """Whether a protected job keeps its state on the claim of that namespace."""
        return any(job.is_protected for job in self.jobs if job.namespace == namespace and job.mounts(CLAIM))
