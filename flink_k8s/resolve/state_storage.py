"""What a job that keeps state is given by the platform: where its state goes, and how it is kept alive.

Everything here is the platform's own layer: what any later one says of a key, by whatever of its names, stands.
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
"""The claim that the program makes in each namespace whose jobs keep state on a volume."""

MOUNT = "/flink-state"
"""Where JobManagers and TaskManagers find it."""

FLINK_GROUP = 9999
"""The group of Flink's own user in its image: a fresh volume belongs to root."""

CHECKPOINTS = "execution.checkpointing.dir"
SAVEPOINTS = "execution.checkpointing.savepoint-dir"
HA_TYPE = "high-availability.type"
HA_STORAGE = "high-availability.storageDir"

STATEFUL = ("savepoint", "last-state")
"""Upgrade modes of jobs that keep state."""

_CHECKPOINTING = {
    # Code that turns checkpointing on by itself wins over it.
    "execution.checkpointing.interval": "1 min",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    # One more than the newest: the newest may be what a crash left behind.
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
    # Three days of them: what goes wrong on a Friday is seen on Monday.
    "kubernetes.operator.savepoint.history.max.age": "72 h",
    "kubernetes.operator.savepoint.history.max.count": "12",
    # A FlinkStateSnapshot of the operator's own for each savepoint stays when the job goes, owned by nobody: once the
    # operator is gone, its finalizer keeps the namespace for ever. Without, savepoints stand in the job's status.
    "kubernetes.operator.snapshot.resource.enabled": "false",
}


@dataclass(frozen=True)
class Resource:
    """A Flink resource before the platform's own layer is made.

    Attributes:
        kind: FlinkDeployment …
        namespace: where it goes.
        name: its name.
        said: its spec of all later layers, merged.
        keys: every key of flinkConfiguration that one of them speaks of, if only to take it away.
        cluster: of a session job: the spec of its cluster as later layers say it, where that is declared.
    """

    kind: FlinkKind
    namespace: str
    name: str
    said: Mapping[str, object]
    keys: frozenset[str]
    cluster: Mapping[str, object] | None = None

    @property
    def has_cluster(self) -> bool:
        """Whether the cluster of a session job is declared in this stack."""
        return self.cluster is not None

    @property
    def flink_version(self) -> object:
        """As the operator writes it; a session job has its cluster's."""
        return ((self.cluster or {}) if self.kind == FlinkKind.SESSION_JOB else self.inner).get("flinkVersion")

    @property
    def inner(self) -> Mapping[str, object]:
        """The spec with pods, configuration and job: a blue/green deployment has it in its template."""
        return inner_spec(self.kind, self.said)


def inner_spec(kind: str, spec: Mapping[str, object]) -> Mapping[str, object]:
    """The spec with pods, configuration and job: a blue/green deployment has it in its template."""
    return mapping(mapping(spec.get("template")).get("spec")) if kind == FlinkKind.BLUE_GREEN else spec


def configuration_keys(kind: str, layers: Iterable[Mapping[str, object]]) -> frozenset[str]:
    """Every key of flinkConfiguration that one of the layers' specs speaks of."""
    return frozenset(key for spec in layers for key in mapping(inner_spec(kind, spec).get("flinkConfiguration")))


def keeps_state(job: object) -> bool:
    """Whether a changed job of that `job` goes on where it was."""
    return mapping(job).get("upgradeMode") in STATEFUL


def derived_state(resource: Resource, settings: StackSettings, stack: str) -> dict[str, object]:
    """The platform's part of the spec that is about state; empty for a resource that keeps none.

    A session cluster keeps the state of whatever jobs come to it: it is given the storage, and its jobs their profile.

    Args:
        resource: what it is for.
        settings: of the stack.
        stack: the stack's name.
    """
    runs_job = isinstance(resource.inner.get("job"), dict)
    if resource.kind == FlinkKind.SNAPSHOT or (runs_job and not keeps_state(resource.inner.get("job"))):
        return {}
    storage = settings.state_storage
    said = _Said.of(resource, settings)
    configuration: dict[str, str] = {}
    spec: dict[str, object] = {}
    has_pods = resource.kind != FlinkKind.SESSION_JOB
    # Nobody knows whether a cluster that is not declared here mounts the claim.
    if storage.type != "none" and (has_pods or resource.has_cluster or storage.type != "volume"):
        places = _places(storage, stack, resource)
        configuration |= said.missing({CHECKPOINTS: places["checkpoints"], SAVEPOINTS: places["savepoints"]})
        if has_pods:
            configuration |= said.missing({HA_TYPE: "kubernetes"})
            if said.is_highly_available(configuration):
                configuration |= said.missing({HA_STORAGE: places["ha"]})
            configuration |= said.missing(file_system.configuration(storage))
            spec = _pods(storage, resource)
    if said.has(CHECKPOINTS, configuration):
        profile = dict(_OPERATOR_CLUSTER) if has_pods else {}
        profile |= {**_CHECKPOINTING, **_OPERATOR_JOB} if runs_job else {}
        operator = versions.OPERATORS.get(settings.operator.version)
        if operator is not None and not operator.health_record_is_kept:
            profile.pop(HEALTH_CHECK, None)
        if not said.has(SAVEPOINTS, configuration):
            profile.pop("kubernetes.operator.periodic.savepoint.interval", None)
        configuration |= said.missing({key: value for key, value in profile.items() if said.knows(key)})
    if configuration:
        spec["flinkConfiguration"] = configuration
    return in_template(resource.kind, spec)


def _places(storage: StateStorage, stack: str, resource: Resource) -> dict[str, str]:
    root = f"file://{MOUNT}" if storage.type == "volume" else (storage.uri or "").rstrip("/")
    home = f"{root}/{storage.folder or stack}/{resource.namespace}/{resource.name}"
    return {folder: f"{home}/{folder}" for folder in ("checkpoints", "savepoints", "ha")}


def _pods(storage: StateStorage, resource: Resource) -> dict[str, object]:
    if storage.type == "volume":
        return _mounted(storage.volume.claim or CLAIM)
    image, flink = resource.inner.get("image"), short_version(resource.inner.get("flinkVersion"))
    return file_system.pods(storage, str(image or ""), flink)


@dataclass(frozen=True)
class _Said:
    """What is said of configuration already, in the names of one Flink and one operator version.

    Attributes:
        configuration: of the job over the operator's own.
        keys: of it, and those that a layer takes away.
        operator: version of the operator.
        flink: `2.2`; None where it says something else.
    """

    configuration: Mapping[str, str]
    keys: frozenset[str]
    operator: str
    flink: str | None

    @classmethod
    def of(cls, resource: Resource, settings: StackSettings) -> _Said:
        # What is said of a session cluster holds for its jobs.
        above = mapping((resource.cluster or {}).get("flinkConfiguration"))
        own = {**above, **mapping(resource.inner.get("flinkConfiguration"))}
        version = resource.flink_version
        operator = settings.operator
        configuration = effective(own, operator.configuration, resource.namespace, version)
        return cls(configuration, resource.keys | configuration.keys(), operator.version, short_version(version))

    def missing(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Those of the options, by their names in this version, that nobody speaks of by any name."""
        return {
            versions.key_of(option, self.operator, self.flink): value
            for option, value in wanted.items()
            if not self.keys.intersection(self._names(option))
        }

    def has(self, option: str, derived: Mapping[str, str]) -> bool:
        """Whether the option has a value in the end."""
        return any((self.configuration.get(name) or derived.get(name)) for name in self._names(option))

    def is_highly_available(self, derived: Mapping[str, str]) -> bool:
        """Whether high availability is on in the end."""
        values = {**self.configuration, **derived}
        said = next((values[name] for name in self._names(HA_TYPE) if name in values), "none")
        return said.lower() not in ("none", "standalone")

    def knows(self, key: str) -> bool:
        """Whether the key is none of the operator's, or one that this version has."""
        return not key.startswith("kubernetes.operator.") or key in tables.operator_options(self.operator)

    def _names(self, option: str) -> tuple[str, ...]:
        known = tables.operator_options(self.operator).get(option)
        return (option, *known.older) if known else versions.names(option, self.operator)


def _mounted(claim: str) -> dict[str, object]:
    """A spec with that claim mounted in every pod."""
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
    """The PersistentVolumeClaims that the pods of a spec, without a blue/green deployment's template, mount."""
    holders = [spec, mapping(spec.get("jobManager")), mapping(spec.get("taskManager"))]
    volumes = [
        mapping(volume)
        for holder in holders
        for volume in listed(mapping(mapping(holder.get("podTemplate")).get("spec")).get("volumes"))
    ]
    said = (mapping(volume.get("persistentVolumeClaim")).get("claimName") for volume in volumes)
    return {str(name) for name in said if name}
