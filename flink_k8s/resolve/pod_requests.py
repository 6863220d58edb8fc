"""Resource requests of the pods of a Flink resource, as far as its manifest determines them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from flink_k8s.config.namespace import Limits
from flink_k8s.config.problems import KeyPath
from flink_k8s.facts import flink_memory
from flink_k8s.facts.kinds import POD_SPECS
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.units import limit_factor, quantity, resource_memory
from flink_k8s.resolve.job_spec import MAIN_CONTAINER
from flink_k8s.resolve.pod_templates import GROUPS, Template, templates

Amounts = Mapping[str, Decimal]
"""`cpu` in CPUs, `memory` in bytes; without unknown amounts."""


Moment = Literal["minimum", "start", "peak"]
"""When the pods are counted: at the smallest parallelism of the autoscaler, at the start, or at the largest one."""


@dataclass(frozen=True)
class Container:
    """One container of a pod.

    Attributes:
        name: of the container.
        at: path of its template in the spec; empty for Flink's container without a template.
        requests: its requests; a limit counts as a missing request.
        limits: its limits.
        is_sidecar: whether an init container keeps running, next to the other containers.
    """

    name: str
    at: KeyPath
    requests: Amounts
    limits: Amounts
    is_sidecar: bool = False


@dataclass(frozen=True)
class Pods:
    """Pods of one kind.

    Attributes:
        process: `jobManager` or `taskManager`, the field of the spec with their size; `pod` for other workloads.
        number: number of the pods when the job starts.
        containers: containers that run together.
        init_containers: containers that start one after the other before `containers`.
        storage: bytes of each ephemeral claim of one pod.
    """

    process: str
    number: int
    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    storage: tuple[Decimal, ...] = ()

    def times(self, number: int) -> Pods:
        """The pods with another number."""
        return replace(self, number=number)

    @property
    def title(self) -> str:
        """`JobManager`, `TaskManager` or `Pod`."""
        return self.process[0].upper() + self.process[1:]

    def request(self, resource: str, limits: Limits) -> Decimal:
        """Effective request of one pod: the maximum of all containers together, and of each init container.

        Sidecars that have started before count in both.

        Args:
            resource: `cpu` or `memory`.
            limits: of the namespace, with the default requests of containers.
        """
        sidecars, maximum = Decimal(0), Decimal(0)
        for container in self.init_containers:
            requested = _request(container, resource, limits)
            maximum = max(maximum, sidecars + requested)
            sidecars += requested if container.is_sidecar else 0
        return max(maximum, sidecars + sum(_request(container, resource, limits) for container in self.containers))


def pods(spec: Mapping[str, object], configuration: Mapping[str, str]) -> list[Pods]:
    """The initial pods of a spec: the JobManagers, and the TaskManagers that its parallelism requires.

    Args:
        spec: of a FlinkDeployment, merged.
        configuration: as the operator merges it.
    """
    numbers = numbers_of_pods(spec, configuration, "start")
    cpus = {"jobManager": Decimal(1), "taskManager": Decimal(_slots(configuration))}
    return [
        _pods(template, mapping(spec.get(process)), numbers[process], cpus[process], configuration)
        for template in templates(spec)
        for process in (template.process,)
    ]


def numbers_of_pods(spec: Mapping[str, object], configuration: Mapping[str, str], at: Moment) -> dict[str, int]:
    """Numbers of the JobManagers and TaskManagers of a spec, by the field of the process.

    A session cluster starts TaskManagers for its jobs, so it has none here, except in standalone mode.

    Args:
        spec: of a FlinkDeployment, merged.
        configuration: as the operator merges it.
        at: the moment, which determines the parallelism.
    """
    runs_job, is_standalone = isinstance(spec.get("job"), dict), spec.get("mode") == "standalone"
    replicas = mapping(spec.get("taskManager")).get("replicas")
    if replicas is not None:
        workers = _whole_number(replicas, 1)
    elif runs_job:
        parallelism = _parallelism(mapping(spec.get("job")), configuration)
        workers = _for_slots(parallelism, configuration) if is_standalone else task_managers(parallelism, configuration)
    else:
        workers = 1 if is_standalone else task_managers(0, configuration)
    if runs_job and at == "peak":
        workers = max(workers, task_managers(autoscaler_limit(configuration), configuration))
    elif runs_job and at == "minimum" and autoscaler_limit(configuration):
        workers = min(workers, task_managers(autoscaler_minimum(configuration), configuration))
    # The operator sets the option from the spec if the spec has a JobManager.
    option = 1 if "jobManager" in spec else configuration.get("kubernetes.jobmanager.replicas", 1)
    managers = _whole_number(mapping(spec.get("jobManager")).get("replicas", option), 1)
    return {"jobManager": managers, "taskManager": workers}


def _parallelism(job: Mapping[str, object], configuration: Mapping[str, str]) -> int:
    """The largest parallelism of an operator of the job, which determines the number of its slots."""
    written = job.get("parallelism", configuration.get("parallelism.default"))
    overrides = configuration.get("pipeline.jobvertex-parallelism-overrides", "").split(",")
    return max(_whole_number(written, 1), *(_whole_number(entry.rpartition(":")[2], 0) for entry in overrides))


def autoscaler_limit(configuration: Mapping[str, str]) -> int:
    """The largest parallelism to which the autoscaler scales a job; 0 without autoscaling, or without a limit."""
    is_scaled = _scaling(configuration, "enabled").lower() == "true"
    is_passive = _scaling(configuration, "scaling.enabled").lower() == "false"
    limit = _whole_number(_scaling(configuration, "vertex.max-parallelism"), 0)
    return max(limit, 0) if is_scaled and not is_passive else 0


def autoscaler_minimum(configuration: Mapping[str, str]) -> int:
    """The smallest parallelism to which the autoscaler scales a job."""
    return max(_whole_number(_scaling(configuration, "vertex.min-parallelism"), 1), 1)


def _scaling(configuration: Mapping[str, str], option: str) -> str:
    """An option of the autoscaler by either of its names; empty if it is not set."""
    key = f"job.autoscaler.{option}"
    return (configuration.get(key) or configuration.get(f"kubernetes.operator.{key}") or "").strip()


def task_managers(parallelism: int, configuration: Mapping[str, str]) -> int:
    """Number of TaskManagers that Flink starts for a parallelism: with redundant ones, and the minimum of its slots."""
    workers = _for_slots(parallelism, configuration)
    workers += _option(configuration, "slotmanager.redundant-taskmanager-num") if workers else 0
    return max(workers, _for_slots(_option(configuration, "slotmanager.number-of-slots.min"), configuration))


def _for_slots(slots: int, configuration: Mapping[str, str]) -> int:
    return -(-slots // _slots(configuration))


def _option(configuration: Mapping[str, str], key: str) -> int:
    return max(_whole_number(configuration.get(key), 0), 0)


def workload(manifest: Mapping[str, object]) -> Pods | None:
    """The pods of a Deployment, a CronJob or another workload; None for other objects.

    A CronJob counts as one run, a DaemonSet as one node.
    """
    path = POD_SPECS.get(str(manifest.get("kind")))
    if path is None:
        return None
    owner, pod = _at(manifest, path[:-2]), _at(manifest, path)
    is_suspended = True in (owner.get("suspend"), _at(manifest, ("spec",)).get("suspend"))
    containers, init_containers = (
        tuple(_container(mapping(item), (*path, group, index)) for index, item in enumerate(listed(pod.get(group))))
        for group in GROUPS
    )
    templates_of_claims = [mapping(claim) for claim in listed(owner.get("volumeClaimTemplates"))]
    storage = _storage([*templates_of_claims, *_ephemeral_claims(pod)])
    return Pods("pod", 0 if is_suspended else _replicas(owner), containers, init_containers, storage)


def _at(manifest: Mapping[str, object], path: KeyPath) -> Mapping[str, object]:
    for part in path:
        manifest = mapping(manifest.get(str(part)))
    return manifest


def _replicas(spec: Mapping[str, object]) -> int:
    """Number of the pods of a workload: `replicas`, or those of a Job that run in parallel."""
    number = _whole_number(spec.get("replicas", spec.get("parallelism")), 1)
    return min(number, _whole_number(spec.get("completions"), number))


def _slots(configuration: Mapping[str, str]) -> int:
    return max(_whole_number(configuration.get("taskmanager.numberOfTaskSlots"), 1), 1)


def default_request(resource: str, limits: Limits) -> Decimal | None:
    """Default request of a container in the namespace; None if it has no default."""
    # Kubernetes derives missing defaults of a LimitRange in this order.
    for amounts in (limits.default_request, limits.default, limits.max, limits.min):
        value = amounts.named().get(resource)
        if value is not None:
            return quantity(value)
    return None


def _request(container: Container, resource: str, limits: Limits) -> Decimal:
    value = container.requests.get(resource)
    return value if value is not None else default_request(resource, limits) or Decimal(0)


def _pods(
    template: Template, process: Mapping[str, object], number: int, cpu: Decimal, configuration: Mapping[str, str]
) -> Pods:
    groups = {
        group: tuple(
            _container(mapping(item), template.places.get((group, str(mapping(item).get("name"))), ()))
            for item in listed(template.pod.get(group))
        )
        for group in GROUPS
    }
    main = next((container for container in groups["containers"] if container.name == MAIN_CONTAINER), None)
    flink = _flink_container(process, template.process, cpu, configuration, main)
    others = tuple(container for container in groups["containers"] if container.name != MAIN_CONTAINER)
    storage = _storage(_ephemeral_claims(template.pod))
    return Pods(template.process, number, (flink, *others), groups["initContainers"], storage)


def _ephemeral_claims(pod: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for volume in listed(pod.get("volumes")):
        yield mapping(mapping(mapping(volume).get("ephemeral")).get("volumeClaimTemplate"))


def _storage(claims: Iterable[Mapping[str, object]]) -> tuple[Decimal, ...]:
    sizes = (_read(claim_size(claim), quantity) for claim in claims)
    return tuple(size for size in sizes if size)


def claim_size(claim: Mapping[str, object]) -> object:
    """Requested size of a PersistentVolumeClaim or of its template, as it is written; None if it is not set."""
    return mapping(mapping(mapping(claim.get("spec")).get("resources")).get("requests")).get("storage")


def _container(container: Mapping[str, object], at: KeyPath) -> Container:
    resources = mapping(container.get("resources"))
    limits = _amounts(resources.get("limits"))
    requests = {**limits, **_amounts(resources.get("requests"))}
    return Container(str(container.get("name")), at, requests, limits, container.get("restartPolicy") == "Always")


def _flink_container(
    process: Mapping[str, object],
    name: str,
    cpu: Decimal,
    configuration: Mapping[str, str],
    template: Container | None,
) -> Container:
    """Flink's container: its size is that of the process, regardless of a template."""
    key = name.lower()
    resources = mapping(process.get("resources"))
    container_limits = mapping(resources.get("limits"))
    requested = {resource: value for resource, (_, value) in size(process).items()}
    requests: dict[str, Decimal] = {}
    keys = [f"kubernetes.{key}.cpu.amount", f"kubernetes.{key}.cpu"]
    cores = configuration.get("taskmanager.cpu.cores") if name == "taskManager" else None
    # Flink reads the cores before the option that the operator sets from the spec.
    cpus = [_read(value, quantity) for value in (cores, requested.get("cpu"), *map(configuration.get, keys))]
    requests["cpu"] = next((value for value in cpus if value is not None and value > 0), cpu)
    sizes = [
        _read(value, _bytes) for value in (requested.get("memory"), configuration.get(f"{key}.memory.process.size"))
    ]
    memory = next((value for value in sizes if value is not None), _calculated_memory(name, configuration))
    if memory is not None:
        requests["memory"] = memory
    limits: dict[str, Decimal] = {}
    for resource, amount in requests.items():
        factor = _read(configuration.get(f"kubernetes.{key}.{resource}.limit-factor"), limit_factor) or Decimal(1)
        value = _read(container_limits.get(resource), quantity if resource == "cpu" else _bytes)
        limits[resource] = value if value is not None else amount * factor
    template_container = template or Container(MAIN_CONTAINER, (), {}, {})
    return Container(
        MAIN_CONTAINER,
        template_container.at,
        {**template_container.requests, **requests},
        {**template_container.limits, **limits},
    )


def _calculated_memory(process: str, configuration: Mapping[str, str]) -> Decimal | None:
    """The memory of a process without a size, from the options of its parts."""
    calculate = flink_memory.job_manager if process == "jobManager" else flink_memory.task_manager
    try:
        return Decimal(calculate(configuration))
    except ValueError:  # the rule `flink-memory` reports it
        return None


def _amounts(value: object) -> dict[str, Decimal]:
    read = {name: _read(value, quantity) for name, value in mapping(value).items()}
    return {name: amount for name, amount in read.items() if amount is not None}


def _bytes(text: str) -> Decimal:
    return Decimal(resource_memory(text))


def _read(value: object, reader: Callable[[str], Decimal]) -> Decimal | None:
    """The amount; None also for an invalid value, which other rules report."""
    if value is None:
        return None
    try:
        return reader(str(value))
    except (ValueError, ArithmeticError):
        return None


def _whole_number(value: object, default: int) -> int:
    try:
        return int(str(value))
    except ValueError:
        return default


def size(process: Mapping[str, object]) -> dict[str, tuple[KeyPath, object]]:
    """The size of a process as the operator reads it: path and value by resource.

    The operator reads `resource` only if `resources` is empty (FlinkConfigBuilder). A limit replaces a missing request.

    Args:
        process: `jobManager` or `taskManager` of a spec.
    """
    resources = mapping(process.get("resources"))
    sizes: dict[str, tuple[KeyPath, object]] = {}
    for section in ("limits", "requests"):
        for key, value in mapping(resources.get(section)).items():
            if value is not None:
                sizes[key] = ("resources", section, key), value
    return sizes or {key: (("resource", key), value) for key, value in mapping(process.get("resource")).items()}
