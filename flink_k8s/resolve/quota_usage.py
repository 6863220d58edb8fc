"""Requested CPU, memory and storage of jobs, by job, namespace and stack.

The quota rules, `make check` and `make plan` use the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from flink_k8s.config.namespace import Limits
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve import pod_requests
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.pod_requests import Moment, Pods
from flink_k8s.resolve.state_storage import CLAIM, mounted_claims

NO_LIMITS = Limits()

JobKey = tuple[str, str, str]
"""Kind, namespace, name."""

SessionParallelism = tuple[int, int]
"""Sum of the parallelisms of the jobs in a session cluster: as they are declared, and at the peak of the autoscaler."""


@dataclass(frozen=True)
class Requests:
    """Requests of pods and claims together.

    Attributes:
        cpu: cores.
        memory: bytes.
        pods: number of pods.
        is_whole: False if a size is unknown, so the sum is a lower bound.
        storage: bytes.
    """

    cpu: Decimal = Decimal(0)
    memory: int = 0
    pods: int = 0
    is_whole: bool = True
    storage: int = 0

    def __add__(self, other: Requests) -> Requests:
        return Requests(
            self.cpu + other.cpu,
            self.memory + other.memory,
            self.pods + other.pods,
            self.is_whole and other.is_whole,
            self.storage + other.storage,
        )

    @property
    def shown_cpu(self) -> str:
        """Cores as text."""
        return format(self.cpu.normalize(), "f") if self.cpu else "0"

    @property
    def shown_memory(self) -> str:
        """Memory as text in GiB or MiB; with `>` if a size is unknown."""
        if not self.memory:
            return "0" if self.is_whole else "?"
        return f"{'' if self.is_whole else '> '}{_bytes(self.memory)}"

    @property
    def shown_storage(self) -> str:
        """Storage as text in GiB or MiB."""
        return _bytes(self.storage) if self.storage else "0"


NOTHING = Requests()

_MOMENTS: tuple[Moment, ...] = ("start", "peak")


def _bytes(amount: int) -> str:
    whole, unit = (2**30, "GiB") if amount >= 2**30 else (2**20, "MiB")
    return f"{Decimal(amount) / whole:.1f}".removesuffix(".0") + f" {unit}"


@dataclass(frozen=True)
class JobRequests:
    """Requests of a job, or a sum of them.

    Attributes:
        normal: in normal operation.
        peak: at the largest parallelism of the autoscaler, and during a blue/green switch, when the old and the new
            deployment run in parallel.
    """

    normal: Requests = NOTHING
    peak: Requests = NOTHING

    def __add__(self, other: JobRequests) -> JobRequests:
        return JobRequests(self.normal + other.normal, self.peak + other.peak)


NO_REQUESTS = JobRequests()


@dataclass(frozen=True)
class PodOwner:
    """A Flink resource with the data that determines its pods.

    Attributes:
        key: kind, namespace and name.
        spec: the spec, or that in the template of a blue/green deployment, with flat configuration.
        configuration: as the operator merges it.
    """

    key: JobKey
    spec: Mapping[str, object]
    configuration: Mapping[str, str]

    @property
    def job(self) -> Mapping[str, object] | None:
        """The job; None for a session cluster."""
        return mapping(self.spec["job"]) if isinstance(self.spec.get("job"), dict) else None

    @property
    def is_suspended(self) -> bool:
        """Whether the job is declared as suspended."""
        return (self.job or {}).get("state") == "suspended"

    @cached_property
    def pods_of_spec(self) -> Sequence[Pods]:
        """The initial pods of the spec, whether or not the job is suspended."""
        return pod_requests.pods(self.spec, self.configuration)

    def pods(self, parallelism_in_session: int = 0, *, at: Moment = "start") -> list[Pods]:
        """The pods of the resource: none for a session job, which runs in its cluster, and none for a suspended job.

        Args:
            parallelism_in_session: of all jobs in a session cluster.
            at: the moment, which determines the parallelism.
        """
        if not FlinkKind(self.key[0]).has_pods or self.is_suspended:
            return []
        numbers = pod_requests.numbers_of_pods(self.spec, self.configuration, at)
        if self.job is None and self.spec.get("mode") != "standalone":
            numbers["taskManager"] = pod_requests.task_managers(parallelism_in_session, self.configuration)
        return [pods.times(numbers[pods.process]) for pods in self.pods_of_spec]


def job_requests(
    pod_owner: PodOwner, limits: Limits = NO_LIMITS, in_session: SessionParallelism = (0, 0)
) -> JobRequests:
    """Requests of a Flink resource, without effects of a parallelism in its code.

    Args:
        pod_owner: the resource.
        limits: of its namespace.
        in_session: parallelism of all jobs in a session cluster.
    """
    normal, peak = (
        sum((_requests(pods, limits) for pods in pod_owner.pods(parallelism, at=at)), NOTHING)
        for parallelism, at in zip(in_session, _MOMENTS, strict=True)
    )
    return JobRequests(normal, peak + peak if pod_owner.key[0] == FlinkKind.BLUE_GREEN else peak)


def _requests(pods: Pods, limits: Limits) -> Requests:
    flink = [container for container in pods.containers if container.name == MAIN_CONTAINER]
    return Requests(
        pods.request("cpu", limits) * pods.number,
        int(pods.request("memory", limits)) * pods.number,
        pods.number,
        not pods.number or all("memory" in container.requests for container in flink),
        int(sum(pods.storage, Decimal(0))) * pods.number,
    )


@dataclass(frozen=True)
class StackRequests:
    """Requests of the jobs of a stack.

    Attributes:
        jobs: by key, including claims that only this job mounts.
        shared: bytes of the other claims, by namespace.
    """

    jobs: Mapping[JobKey, JobRequests]
    shared: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def teams(self) -> dict[str, JobRequests]:
        """Requests by namespace, sorted."""
        names = sorted({namespace for _, namespace, _ in self.jobs} | set(self.shared))
        return {name: self.of_team(name) for name in names}

    def of_team(self, namespace: str) -> JobRequests:
        """Requests of all jobs and claims in a namespace."""
        jobs = sum(
            (job_requests for (_, job_namespace, _), job_requests in self.jobs.items() if job_namespace == namespace),
            NO_REQUESTS,
        )
        claims = Requests(storage=self.shared.get(namespace, 0))
        return jobs + JobRequests(claims, claims)

    @property
    def total(self) -> JobRequests:
        """Requests of the whole stack."""
        return sum(self.teams.values(), NO_REQUESTS)


NO_STACK_REQUESTS = StackRequests({})


def stack_requests(
    pod_owners: Iterable[PodOwner],
    claims: Mapping[tuple[str, str], int],
    limits: Mapping[str, Limits] | None = None,
    workloads: Mapping[JobKey, Pods] | None = None,
) -> StackRequests:
    """Requests of all jobs of a stack, and of the workloads next to them.

    Args:
        pod_owners: the Flink resources of the stack.
        claims: bytes of each PersistentVolumeClaim, by namespace and name.
        limits: by namespace; a missing namespace has no limits.
        workloads: pods of Deployments, CronJobs and the like.
    """
    pod_owners = list(pod_owners)
    clusters = {(namespace, name): pod_owner for pod_owner in pod_owners for _, namespace, name in (pod_owner.key,)}
    in_session: dict[tuple[str, str], SessionParallelism] = {}
    mounted: dict[tuple[str, str], list[JobKey]] = {}
    for pod_owner in pod_owners:
        kind, namespace, _ = pod_owner.key
        if kind == FlinkKind.SESSION_JOB and not pod_owner.is_suspended:
            cluster = (namespace, str(pod_owner.spec.get("deploymentName")))
            normal, peak = in_session.get(cluster, (0, 0))
            parallelism = _parallelism(pod_owner, clusters.get(cluster))
            limit = pod_requests.autoscaler_limit(pod_owner.configuration)
            in_session[cluster] = normal + parallelism, peak + max(parallelism, limit)
        for claim in mounted_claims(pod_owner.spec):
            mounted.setdefault((namespace, claim), []).append(pod_owner.key)
    requests_by_job: dict[JobKey, JobRequests] = {}
    for pod_owner in pod_owners:
        _, namespace, name = pod_owner.key
        bounds = (limits or {}).get(namespace, NO_LIMITS)
        requests_by_job[pod_owner.key] = job_requests(pod_owner, bounds, in_session.get((namespace, name), (0, 0)))
    for key, pods in (workloads or {}).items():
        normal = _requests(pods, (limits or {}).get(key[1], NO_LIMITS))
        requests_by_job[key] = JobRequests(normal, normal)
    shared: dict[str, int] = {}
    for (namespace, claim), size in claims.items():
        users = mounted.get((namespace, claim), [])
        if len(users) == 1 and claim != CLAIM:
            claim_requests = Requests(storage=size)
            requests_by_job[users[0]] += JobRequests(claim_requests, claim_requests)
        else:
            shared[namespace] = shared.get(namespace, 0) + size
    return StackRequests(requests_by_job, shared)


def _parallelism(session_job: PodOwner, cluster: PodOwner | None) -> int:
    default = "parallelism.default"
    written = (session_job.job or {}).get("parallelism") or session_job.configuration.get(default)
    inherited = cluster.configuration.get(default) if cluster else None
    try:
        return int(str(written or inherited or 1))
    except ValueError:
        return 1
