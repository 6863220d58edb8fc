"""What the pods of a Flink resource ask Kubernetes for, as far as its manifest tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from flink_k8s.config.namespace import Limits
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.units import limit_factor, quantity, resource_memory
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.pod_templates import GROUPS, Template, templates

Amounts = Mapping[str, Decimal]
"""`cpu` in CPUs, `memory` in bytes; without what is not known."""


@dataclass(frozen=True)
class Container:
    """One container of a pod.

    Attributes:
        name: of the container.
        at: where its template stands in the spec; empty for Flink's own container that no template speaks of.
        requests: what it asks for; a limit stands for a request that is not said.
        limits: what it may use at most.
        stays: of one that starts before the others: whether it runs on beside them, as a sidecar.
    """

    name: str
    at: KeyPath
    requests: Amounts
    limits: Amounts
    stays: bool = False


@dataclass(frozen=True)
class Pods:
    """Pods of one kind.

    Attributes:
        process: `jobManager` or `taskManager`, where their size stands in the spec.
        number: of such pods when the job starts.
        containers: that run together.
        first: that start one after the other before those; each has ended then, or stays.
        storage: bytes of each claim that comes and goes with one pod.
    """

    process: str
    number: int
    containers: tuple[Container, ...]
    first: tuple[Container, ...] = ()
    storage: tuple[Decimal, ...] = ()

    def times(self, number: int) -> Pods:
        """As many of such pods."""
        return replace(self, number=number)

    @property
    def title(self) -> str:
        """`JobManager` or `TaskManager`."""
        return self.process[0].upper() + self.process[1:]

    def request(self, resource: str, limits: Limits) -> Decimal:
        """What one pod asks for: all that run together, or one of the first ones with those that stay before it.

        Args:
            resource: `cpu` or `memory`.
            limits: of the namespace, whose defaults count for containers that say nothing.
        """
        staying, most = Decimal(0), Decimal(0)
        for container in self.first:
            asked = _request(container, resource, limits)
            most = max(most, staying + asked)
            staying += asked if container.stays else 0
        return max(most, staying + sum(_request(container, resource, limits) for container in self.containers))


def pods(spec: Mapping[str, object], configuration: Mapping[str, str]) -> list[Pods]:
    """The pods that a spec starts with: the JobManagers, and the TaskManagers that its parallelism needs.

    A session cluster starts TaskManagers when jobs come, so it has none here unless it is a standalone one.

    Args:
        spec: of a FlinkDeployment, merged.
        configuration: as the operator sees it.
    """
    runs_job = isinstance(spec.get("job"), dict)
    replicas = mapping(spec.get("taskManager")).get("replicas")
    if replicas is not None:
        workers = _whole(replicas, 1)
    elif runs_job:
        parallelism = mapping(spec.get("job")).get("parallelism", configuration.get("parallelism.default"))
        workers = task_managers(_whole(parallelism, 1), configuration)
    else:
        workers = 1 if spec.get("mode") == "standalone" else 0
    managers = _whole(mapping(spec.get("jobManager")).get("replicas"), 1)
    return [
        _pods(spec, "jobManager", managers, Decimal(1), configuration),
        _pods(spec, "taskManager", workers, Decimal(_slots(configuration)), configuration),
    ]


def task_managers(parallelism: int, configuration: Mapping[str, str]) -> int:
    """How many TaskManagers have slots for tasks that run side by side."""
    return -(-parallelism // _slots(configuration))


def _slots(configuration: Mapping[str, str]) -> int:
    return max(_whole(configuration.get("taskmanager.numberOfTaskSlots"), 1), 1)


def default_request(resource: str, limits: Limits) -> Decimal | None:
    """What a container asks for that says nothing, None when the namespace has no default."""
    # Kubernetes fills the gaps of a LimitRange in this order.
    for amounts in (limits.default_request, limits.default, limits.max, limits.min):
        said = amounts.named().get(resource)
        if said is not None:
            return quantity(said)
    return None


def _request(container: Container, resource: str, limits: Limits) -> Decimal:
    said = container.requests.get(resource)
    return said if said is not None else default_request(resource, limits) or Decimal(0)


def _pods(
    spec: Mapping[str, object], process: str, number: int, cpu: Decimal, configuration: Mapping[str, str]
) -> Pods:
    template = next(one for one in templates(spec) if one.process == process)
    groups = {
        group: tuple(
            _container(mapping(item), template.places.get((group, str(mapping(item).get("name"))), ()))
            for item in listed(template.pod.get(group))
        )
        for group in GROUPS
    }
    main = next((one for one in groups["containers"] if one.name == MAIN_CONTAINER), None)
    flink = _flink(mapping(spec.get(process)), process, cpu, configuration, main)
    others = tuple(one for one in groups["containers"] if one.name != MAIN_CONTAINER)
    claims = [mapping(mapping(mapping(one).get("ephemeral")).get("volumeClaimTemplate")) for one in _volumes(template)]
    storage = [_read(claim_size(claim), quantity) for claim in claims if claim]
    return Pods(process, number, (flink, *others), groups["initContainers"], tuple(filter(None, storage)))


def _volumes(template: Template) -> list[object]:
    return listed(template.pod.get("volumes"))


def claim_size(claim: Mapping[str, object]) -> object:
    """How much a PersistentVolumeClaim, or a template of one, asks for, as it is written; None when it does not say."""
    return mapping(mapping(mapping(claim.get("spec")).get("resources")).get("requests")).get("storage")


def _container(container: Mapping[str, object], at: KeyPath) -> Container:
    resources = mapping(container.get("resources"))
    limits = _amounts(resources.get("limits"))
    requests = {**limits, **_amounts(resources.get("requests"))}
    return Container(str(container.get("name")), at, requests, limits, container.get("restartPolicy") == "Always")


def _flink(
    process: Mapping[str, object],
    name: str,
    cpu: Decimal,
    configuration: Mapping[str, str],
    template: Container | None,
) -> Container:
    """Flink's own container: its size is that of the process, whatever a template says of it."""
    key = name.lower()
    resources = mapping(process.get("resources"))
    bounded = mapping(resources.get("limits"))
    asked = {what: said for what, (_, said) in size(process).items()}
    requests: dict[str, Decimal] = {}
    keys = [f"kubernetes.{key}.cpu.amount", f"kubernetes.{key}.cpu"]
    keys += ["taskmanager.cpu.cores"] if name == "taskManager" else []
    cpus = [_read(said, quantity) for said in (asked.get("cpu"), *map(configuration.get, keys))]
    requests["cpu"] = next((said for said in cpus if said is not None and said > 0), cpu)
    sizes = [_read(said, _bytes) for said in (asked.get("memory"), configuration.get(f"{key}.memory.process.size"))]
    memory = next((said for said in sizes if said is not None), None)
    if memory is not None:
        requests["memory"] = memory
    limits: dict[str, Decimal] = {}
    for what, amount in requests.items():
        factor = _read(configuration.get(f"kubernetes.{key}.{what}.limit-factor"), limit_factor) or Decimal(1)
        said = _read(bounded.get(what), quantity if what == "cpu" else _bytes)
        limits[what] = said if said is not None else amount * factor
    others = template or Container(MAIN_CONTAINER, (), {}, {})
    return Container(MAIN_CONTAINER, others.at, {**others.requests, **requests}, {**others.limits, **limits})


def _amounts(said: object) -> dict[str, Decimal]:
    read = {name: _read(value, quantity) for name, value in mapping(said).items()}
    return {name: amount for name, amount in read.items() if amount is not None}


def _bytes(text: str) -> Decimal:
    return Decimal(resource_memory(text))


def _read(said: object, reader: Callable[[str], Decimal]) -> Decimal | None:
    """None for what cannot be read, too: other rules say so."""
    if said is None:
        return None
    try:
        return reader(str(said))
    except (ValueError, ArithmeticError):
        return None


def _whole(said: object, otherwise: int) -> int:
    try:
        return int(str(said))
    except ValueError:
        return otherwise


def size(process: Mapping[str, object]) -> dict[str, tuple[KeyPath, object]]:
    """What the operator takes as the size of a process, by resource: where it is said, and what.

    It looks at `resource` where `resources` says nothing at all (its FlinkConfigBuilder); a limit stands for a request
    that is not said.

    Args:
        process: `jobManager` or `taskManager` of a spec.
    """
    resources = mapping(process.get("resources"))
    found: dict[str, tuple[KeyPath, object]] = {}
    for section in ("limits", "requests"):
        for key, value in mapping(resources.get(section)).items():
            if value is not None:
                found[key] = ("resources", section, key), value
    return found or {key: (("resource", key), value) for key, value in mapping(process.get("resource")).items()}
