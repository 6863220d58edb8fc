"""What jobs cost: CPU, memory and storage that they ask Kubernetes for, by job, team and environment.

The quota's rules, `make check` and `make plan` reckon with these same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from flink_k8s.config.namespace import Limits
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.resolve import pod_requests as demand
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.state_storage import CLAIM, mounted_claims

NO_LIMITS = Limits()

JobKey = tuple[str, str, str]
"""Kind, namespace, name."""


@dataclass(frozen=True)
class Usage:
    """What pods and claims ask for together.

    Attributes:
        cpu: cores.
        memory: bytes.
        pods: how many there are.
        is_whole: False when a size is said nowhere, so that there is more than is counted.
        storage: bytes.
    """

    cpu: Decimal = Decimal(0)
    memory: int = 0
    pods: int = 0
    is_whole: bool = True
    storage: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.cpu + other.cpu,
            self.memory + other.memory,
            self.pods + other.pods,
            self.is_whole and other.is_whole,
            self.storage + other.storage,
        )

    @property
    def shown_cpu(self) -> str:
        """Cores for people."""
        return format(self.cpu.normalize(), "f") if self.cpu else "0"

    @property
    def shown_memory(self) -> str:
        """GiB, or MiB below one; `>` where a size is said nowhere."""
        if not self.memory:
            return "0" if self.is_whole else "?"
        return f"{'' if self.is_whole else '> '}{_bytes(self.memory)}"

    @property
    def shown_storage(self) -> str:
        """GiB, or MiB below one."""
        return _bytes(self.storage) if self.storage else "0"


NOTHING = Usage()


def _bytes(amount: int) -> str:
    whole, unit = (2**30, "GiB") if amount >= 2**30 else (2**20, "MiB")
    return f"{Decimal(amount) / whole:.1f}".removesuffix(".0") + f" {unit}"


@dataclass(frozen=True)
class Cost:
    """What something asks for.

    Attributes:
        usage: as long as nothing changes.
        peak: while blue/green deployments change over: the old and the new one run side by side.
    """

    usage: Usage = NOTHING
    peak: Usage = NOTHING

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.usage + other.usage, self.peak + other.peak)


FREE = Cost()


@dataclass(frozen=True)
class Asker:
    """One of Flink's resources with what decides over its pods.

    Attributes:
        key: which.
        spec: of its cluster or session job; of a blue/green deployment that in its template. Configuration flat.
        configuration: as the operator sees it.
    """

    key: JobKey
    spec: Mapping[str, object]
    configuration: Mapping[str, str]

    @property
    def job(self) -> Mapping[str, object] | None:
        """The job, None of a session cluster."""
        return mapping(self.spec["job"]) if isinstance(self.spec.get("job"), dict) else None

    @property
    def is_suspended(self) -> bool:
        """Whether it is declared not to run."""
        return (self.job or {}).get("state") == "suspended"

    def pods(self, parallelism_in_session: int = 0) -> list[demand.Pods]:
        """Its own pods: none for a session job, whose cluster has them, and none for one that is suspended.

        Args:
            parallelism_in_session: of all jobs that run in a session cluster.
        """
        if not FlinkKind(self.key[0]).has_pods or self.is_suspended:
            return []
        found = demand.pods(self.spec, self.configuration)
        if self.job is not None or self.spec.get("mode") == "standalone":
            return found
        workers = demand.task_managers(parallelism_in_session, self.configuration)
        return [one.times(workers) if one.process == "taskManager" else one for one in found]


def cost(asker: Asker, limits: Limits = NO_LIMITS, parallelism_in_session: int = 0) -> Cost:
    """What one of Flink's resources asks for, without what the autoscaler or a parallelism in its code makes of it.

    Args:
        asker: which.
        limits: of its namespace.
        parallelism_in_session: of all jobs that run in a session cluster.
    """
    whole = NOTHING
    for pods in asker.pods(parallelism_in_session):
        flink = next(one for one in pods.containers if one.name == MAIN_CONTAINER)
        whole += Usage(
            pods.request("cpu", limits) * pods.number,
            int(pods.request("memory", limits)) * pods.number,
            pods.number,
            "memory" in flink.requests or not pods.number,
            int(sum(pods.storage, Decimal(0))) * pods.number,
        )
    return Cost(whole, whole + whole if asker.key[0] == FlinkKind.BLUE_GREEN else whole)


@dataclass(frozen=True)
class Costs:
    """What a stack's jobs cost.

    Attributes:
        jobs: by key, with the claims that a job mounts alone.
        shared: bytes of the claims that belong to no single job, by namespace; only where there are some.
    """

    jobs: Mapping[JobKey, Cost]
    shared: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def teams(self) -> dict[str, Cost]:
        """By namespace, sorted."""
        names = sorted({namespace for _, namespace, _ in self.jobs} | set(self.shared))
        return {name: self.of_team(name) for name in names}

    def of_team(self, namespace: str) -> Cost:
        """All that is in a namespace."""
        mine = sum((one for (_, home, _), one in self.jobs.items() if home == namespace), FREE)
        claims = Usage(storage=self.shared.get(namespace, 0))
        return mine + Cost(claims, claims)

    @property
    def total(self) -> Cost:
        """All of it."""
        return sum(self.teams.values(), FREE)


NO_COSTS = Costs({})


def costs(
    askers: Iterable[Asker], claims: Mapping[tuple[str, str], int], limits: Mapping[str, Limits] | None = None
) -> Costs:
    """What all of a stack's jobs cost.

    Args:
        askers: its Flink resources.
        claims: bytes of each PersistentVolumeClaim, by namespace and name.
        limits: of namespaces; what is missing has none.
    """
    askers = list(askers)
    in_session: dict[tuple[str, str], int] = {}
    mounted: dict[tuple[str, str], list[JobKey]] = {}
    for one in askers:
        kind, namespace, _ = one.key
        if kind == FlinkKind.SESSION_JOB and not one.is_suspended:
            cluster = (namespace, str(one.spec.get("deploymentName")))
            in_session[cluster] = in_session.get(cluster, 0) + _parallelism(one)
        for claim in mounted_claims(one.spec):
            mounted.setdefault((namespace, claim), []).append(one.key)
    found: dict[JobKey, Cost] = {}
    for one in askers:
        _, namespace, name = one.key
        bounds = (limits or {}).get(namespace, NO_LIMITS)
        found[one.key] = cost(one, bounds, in_session.get((namespace, name), 0))
    shared: dict[str, int] = {}
    for (namespace, claim), size in claims.items():
        users = mounted.get((namespace, claim), [])
        if len(users) == 1 and claim != CLAIM:
            own = Usage(storage=size)
            found[users[0]] += Cost(own, own)
        else:
            shared[namespace] = shared.get(namespace, 0) + size
    return Costs(found, shared)


def _parallelism(session_job: Asker) -> int:
    try:
        return int(str((session_job.job or {}).get("parallelism") or 1))
    except ValueError:
        return 1
