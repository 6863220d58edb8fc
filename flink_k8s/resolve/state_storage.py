"""Derived values of a stateful job: directories of its state, and options for recovery.

All later sources override them, under any name of an option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flink_k8s.config.model import StackSettings
from flink_k8s.config.state_model import StateStorage
from flink_k8s.facts import tables, versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import listed, mapping
from flink_k8s.facts.versions import short_version
from flink_k8s.resolve import file_system
from flink_k8s.resolve.job_spec import MAIN_CONTAINER, in_template
from flink_k8s.resolve.operator_configuration import effective

CLAIM = "flink-state"
"""The claim that the program creates in each namespace for state on a volume."""

MOUNT = "/flink-state"
"""Mount path of the claim in JobManagers and TaskManagers."""

FLINK_GROUP = 9999
"""The group of Flink's user in its image: a new volume belongs to root."""

CHECKPOINTS = "execution.checkpointing.dir"
SAVEPOINTS = "execution.checkpointing.savepoint-dir"
HA_TYPE = "high-availability.type"
HA_STORAGE = "high-availability.storageDir"

STATEFUL = ("savepoint", "last-state")
"""Upgrade modes of jobs that keep state."""

_CHECKPOINTING = {
    # Code that enables checkpointing takes precedence.
    "execution.checkpointing.interval": "1 min",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    # More than one: a crash can leave an unusable newest checkpoint.
    "execution.checkpointing.num-retained": "3",
}

HEALTH_CHECK = "kubernetes.operator.cluster.health-check.enabled"

_OPERATOR_CLUSTER = {
    "kubernetes.operator.jm-deployment-recovery.enabled": "true",
    HEALTH_CHECK: "true",
    "kubernetes.operator.deployment.readiness.timeout": "5 min",
}

_OPERATOR_JOB = {
    "kubernetes.operator.job.restart.failed": "true",
    "kubernetes.operator.periodic.savepoint.interval": "6 h",
    # Three days: a problem of Friday is noticed on Monday.
    "kubernetes.operator.savepoint.history.max.age": "72 h",
    "kubernetes.operator.savepoint.history.max.count": "12",
    # FlinkStateSnapshots of the operator have no owner and outlive the job. After the operator is deleted, their
    # finalizers block the deletion of the namespace. Without them, the job's status records savepoints.
    "kubernetes.operator.snapshot.resource.enabled": "false",
}


@dataclass(frozen=True)
class Resource:
    """A Flink resource without derived values.

    Attributes:
        kind: FlinkDeployment …
        namespace: of the resource.
        name: of the resource.
        spec: merged from all later sources.
        keys: every key of flinkConfiguration that a source sets or removes.
        cluster: for a session job, the spec of its cluster without derived values, if the cluster is declared.
    """

    kind: FlinkKind
    namespace: str
    name: str
    spec: Mapping[str, object]
    keys: frozenset[str]
    cluster: Mapping[str, object] | None = None

    @property
    def has_cluster(self) -> bool:
        """Whether the cluster of a session job is declared in this stack."""
        return self.cluster is not None

    @property
    def flink_version(self) -> object:
        """The `flinkVersion`; for a session job, that of its cluster."""
        return ((self.cluster or {}) if self.kind == FlinkKind.SESSION_JOB else self.inner).get("flinkVersion")

    @property
    def inner(self) -> Mapping[str, object]:
        """The spec with pods, configuration and job, in the template of a blue/green deployment."""
        return inner_spec(self.kind, self.spec)


def inner_spec(kind: str, spec: Mapping[str, object]) -> Mapping[str, object]:
    """The spec with pods, configuration and job, in the template of a blue/green deployment."""
    return mapping(mapping(spec.get("template")).get("spec")) if kind == FlinkKind.BLUE_GREEN else spec


def configuration_keys(kind: str, specs: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """Every key of flinkConfiguration that a source sets or removes."""
    return frozenset(key for spec in specs for key in mapping(inner_spec(kind, spec).get("flinkConfiguration")))


def keeps_state(job: object) -> bool:
    """Whether a changed job continues from its state, by the `job` of its spec."""
    return mapping(job).get("upgradeMode") in STATEFUL


def derived_state(resource: Resource, settings: StackSettings, stack: str) -> dict[str, object]:
    """The derived part of the spec for state; empty for a stateless resource.

    A session cluster stores the state of its jobs: the cluster gets the storage, and the jobs get the other options.

    Args:
        resource: the resource.
        settings: of the stack.
        stack: the stack's name.
    """
    runs_job = isinstance(resource.inner.get("job"), dict)
    if resource.kind == FlinkKind.SNAPSHOT or (runs_job and not keeps_state(resource.inner.get("job"))):
        return {}
    storage = settings.state_storage
    configured = _Configured.of(resource, settings)
    configuration: dict[str, str] = {}
    spec: dict[str, object] = {}
    has_pods = resource.kind != FlinkKind.SESSION_JOB
    # It is unknown whether a cluster that this stack does not declare mounts the claim.
    if storage.type != "none" and (has_pods or resource.has_cluster or storage.type != "volume"):
        directories = _directories(storage, stack, resource)
        configuration |= configured.missing(
            {CHECKPOINTS: directories["checkpoints"], SAVEPOINTS: directories["savepoints"]}
        )
        if has_pods:
            configuration |= configured.missing({HA_TYPE: "kubernetes"})
            if configured.is_highly_available(configuration):
                configuration |= configured.missing({HA_STORAGE: directories["ha"]})
            configuration |= configured.missing(file_system.configuration(storage))
            spec = _pods(storage, resource)
    if configured.has(CHECKPOINTS, configuration):
        profile = dict(_OPERATOR_CLUSTER) if has_pods else {}
        profile |= {**_CHECKPOINTING, **_OPERATOR_JOB} if runs_job else {}
        if not versions.operator_version(settings.operator.version).health_record_is_kept:
            profile.pop(HEALTH_CHECK, None)
        if not configured.has(SAVEPOINTS, configuration):
            profile.pop("kubernetes.operator.periodic.savepoint.interval", None)
        configuration |= configured.missing({key: value for key, value in profile.items() if configured.knows(key)})
    if configuration:
        spec["flinkConfiguration"] = configuration
    return in_template(resource.kind, spec)


def derived_store(resource: Resource, settings: StackSettings) -> dict[str, object]:
    """The derived part of the spec of a job whose jar is in the stack's store: access to the store.

    Args:
        resource: the resource.
        settings: of the stack.
    """
    storage = settings.state_storage
    spec = _pods(storage, resource)
    if configuration := _Configured.of(resource, settings).missing(file_system.configuration(storage)):
        spec["flinkConfiguration"] = configuration
    return in_template(resource.kind, spec)


def job_directory(storage: StateStorage, stack: str, namespace: str, name: str) -> str:
    """The directory of a job in the stack's store."""
    root = f"file://{MOUNT}" if storage.type == "volume" else (storage.uri or "").rstrip("/")
    return f"{root}/{storage.folder or stack}/{namespace}/{name}"


def _directories(storage: StateStorage, stack: str, resource: Resource) -> dict[str, str]:
    directory = job_directory(storage, stack, resource.namespace, resource.name)
    return {folder: f"{directory}/{folder}" for folder in ("checkpoints", "savepoints", "ha")}


def _pods(storage: StateStorage, resource: Resource) -> dict[str, object]:
    if storage.type == "volume":
        return _mounted(storage.volume.claim or CLAIM)
    image, flink = resource.inner.get("image"), short_version(resource.inner.get("flinkVersion"))
    return file_system.pods(storage, str(image or ""), flink)


@dataclass(frozen=True)
class _Configured:
    """What is spec of configuration already, in the names of one Flink and one operator version.

    Attributes:
        configuration: of the job, merged over that of the operator.
        keys: its keys, and keys that a source removes.
        operator: version of the operator.
        flink: `2.2`; None if it is not a version.
    """

    configuration: Mapping[str, str]
    keys: frozenset[str]
    operator: str
    flink: str | None

    @classmethod
    def of(cls, resource: Resource, settings: StackSettings) -> _Configured:
        # The configuration of a session cluster applies to its jobs.
        cluster_configuration = mapping((resource.cluster or {}).get("flinkConfiguration"))
        own = {**cluster_configuration, **mapping(resource.inner.get("flinkConfiguration"))}
        version = resource.flink_version
        operator = settings.operator
        configuration = effective(own, operator.configuration, resource.namespace, version)
        return cls(configuration, resource.keys | configuration.keys(), operator.version, short_version(version))

    def missing(self, options: Mapping[str, str]) -> dict[str, str]:
        """The options that no source sets or removes under any name, by their names in this version."""
        return {
            versions.key_of(option, self.operator, self.flink): value
            for option, value in options.items()
            if not self.keys.intersection(self._names(option))
        }

    def has(self, option: str, derived: Mapping[str, str]) -> bool:
        """Whether the option has a value after derived values are added."""
        return any((self.configuration.get(name) or derived.get(name)) for name in self._names(option))

    def is_highly_available(self, derived: Mapping[str, str]) -> bool:
        """Whether high availability is enabled after derived values are added."""
        values = {**self.configuration, **derived}
        value = next((values[name] for name in self._names(HA_TYPE) if name in values), "none")
        return value.lower() not in ("none", "standalone")

    def knows(self, key: str) -> bool:
        """Whether the key is an option of this operator version, or not an option of the operator."""
        return not key.startswith("kubernetes.operator.") or key in tables.operator_options(self.operator)

    def _names(self, option: str) -> tuple[str, ...]:
        known = tables.operator_options(self.operator).get(option)
        return (option, *known.older) if known else versions.names(option, self.operator)


def _mounted(claim: str) -> dict[str, object]:
    """A spec with the claim mounted in every pod."""
    return {
        "podTemplate": {
            "spec": {
                "securityContext": {"fsGroup": FLINK_GROUP, "fsGroupChangePolicy": "OnRootMismatch"},
                "containers": [{"name": MAIN_CONTAINER, "volumeMounts": [{"name": CLAIM, "mountPath": MOUNT}]}],
                "volumes": [{"name": CLAIM, "persistentVolumeClaim": {"claimName": claim}}],
            }
        }
    }


def mounted_claims(spec: Mapping[str, object]) -> set[str]:
    """The PersistentVolumeClaims that the pods of a spec mount; for a blue/green deployment, pass the inner spec."""
    spec_parts = [spec, mapping(spec.get("jobManager")), mapping(spec.get("taskManager"))]
    volumes = [
        mapping(volume)
        for spec_part in spec_parts
        for volume in listed(mapping(mapping(spec_part.get("podTemplate")).get("spec")).get("volumes"))
    ]
    names = (mapping(volume.get("persistentVolumeClaim")).get("claimName") for volume in volumes)
    return {str(name) for name in names if name}
