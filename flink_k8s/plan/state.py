"""A job as its resource declares it, with the options that determine what happens to its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from flink_k8s.facts import versions
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.facts.units import boolean, duration
from flink_k8s.resolve.job_spec import flat_configuration
from flink_k8s.resolve.locations import Location, local_path, locate, qualified
from flink_k8s.resolve.operator_configuration import Options, effective
from flink_k8s.resolve.pod_templates import templates
from flink_k8s.resolve.state_storage import CHECKPOINTS, HA_TYPE, SAVEPOINTS, mounted_claims

_INTERVAL = "execution.checkpointing.interval"
_PERIODIC = ("kubernetes.operator.periodic.savepoint.interval", "kubernetes.operator.periodic.checkpoint.interval")

_IGNORE_UNCLAIMED = "execution.state-recovery.ignore-unclaimed-state"

_HA_KEYS = {"zookeeper": ("high-availability.zookeeper.quorum", "high-availability.zookeeper.path.root")}
"""Further options for the location of an implementation's metadata."""

_HA_CLASSES = {"org.apache.flink.kubernetes.highavailability.kuberneteshaservicesfactory": "kubernetes"}


@dataclass(frozen=True)
class Operator:
    """The operator that reconciles the change.

    Attributes:
        version: of the operator.
        configuration: its defaults for every resource's flinkConfiguration.
    """

    version: str
    configuration: Mapping[str, str]

    @property
    def is_new(self) -> bool:
        """Whether it can cancel a job for last-state, which does not need high availability."""
        return not versions.operator_version(self.version).last_state_needs_ha


@dataclass(frozen=True)
class DeclaredJob:
    """A FlinkDeployment, FlinkSessionJob or FlinkBlueGreenDeployment.

    Attributes:
        kind: of the resource.
        namespace: of the resource.
        name: of the resource.
        spec: of the Flink cluster or session job (in a blue/green deployment's template), with flat configuration.
        operator: that reconciles the resource.
        cluster: the session cluster of a session job, if it is known.
        outer: fields of a blue/green deployment outside its template; their changes do not restart the job.
    """

    kind: str
    namespace: str
    name: str
    spec: Mapping[str, object]
    operator: Operator
    cluster: DeclaredJob | None = None
    outer: Mapping[str, object] = field(default_factory=dict[str, object])

    @staticmethod
    def of(manifest: Mapping[str, object], operator: Operator) -> DeclaredJob:
        """The job of a resource's inputs."""
        metadata, kind = mapping(manifest.get("metadata")), str(manifest.get("kind"))
        spec = mapping(manifest.get("spec"))
        outer: dict[str, object] = {}
        if kind == FlinkKind.BLUE_GREEN:
            outer = {key: value for key, value in spec.items() if key != "template"}
            spec = mapping(mapping(spec.get("template")).get("spec"))
        namespace, name = str(metadata.get("namespace", "default")), str(metadata.get("name"))
        return DeclaredJob(kind, namespace, name, flat_configuration(spec), operator, outer=outer)

    @property
    def job(self) -> Mapping[str, object] | None:
        """The job; None for a session cluster."""
        return mapping(self.spec["job"]) if isinstance(self.spec.get("job"), dict) else None

    @property
    def upgrade_mode(self) -> str:
        """The upgrade mode; `stateless` by default, as in the operator."""
        return str((self.job or {}).get("upgradeMode") or "stateless")

    @property
    def is_suspended(self) -> bool:
        """Whether it is declared as suspended."""
        return (self.job or {}).get("state") == "suspended"

    @property
    def mode(self) -> str:
        """Deployment mode of its cluster."""
        return str((self.cluster or self).spec.get("mode") or "native")

    @property
    def flink_version(self) -> str:
        """`v2_2`; empty if it is not known."""
        return str((self.cluster or self).spec.get("flinkVersion") or "")

    @cached_property
    def _options(self) -> Options:
        own = mapping(self.spec.get("flinkConfiguration"))
        cluster = mapping(self.cluster.spec.get("flinkConfiguration") if self.cluster else None)
        merged = effective({**cluster, **own}, self.operator.configuration, self.namespace, self.flink_version)
        return Options(self.operator.version, merged)

    @property
    def configuration(self) -> Mapping[str, str]:
        """Its configuration with the operator's defaults."""
        return self._options.configuration

    def text(self, key: str) -> str:
        """The value of an option by its current or an older name; empty if it is not set."""
        return self._options.text(key)

    def is_on(self, key: str, *, default: bool = False) -> bool:
        """Whether a boolean option is true."""
        try:
            return boolean(self.text(key)) if self.text(key) else default
        except ValueError:
            return default

    @property
    def high_availability(self) -> str:
        """The implementation in lower case; empty if high availability is disabled."""
        name = self.text(HA_TYPE).lower()
        return "" if name in ("none", "standalone") else _HA_CLASSES.get(name, name)

    @property
    def ha_metadata(self) -> tuple[str, ...]:
        """The location of high availability's metadata, to compare two specs."""
        name = self.high_availability
        return (name, *(self.text(key) for key in _HA_KEYS.get(name, ())))

    @property
    def ignores_unclaimed_state(self) -> str:
        """The field or option that makes Flink drop state that no operator claims; empty for none."""
        field_value = (self.job or {}).get("allowNonRestoredState")
        if field_value is not None:
            return "allowNonRestoredState" if field_value is True else ""
        names = versions.names(_IGNORE_UNCLAIMED, self.operator.version)
        return next((name for name in names if self.configuration.get(name, "").strip().lower() == "true"), "")

    @property
    def deleting_retention(self) -> str:
        """The value of the option that deletes the checkpoints of a cancelled job; empty for none."""
        option = self._options.deleting_retention
        return option[1] if option else ""

    @property
    def has_savepoint_on_deletion(self) -> bool:
        """Whether the operator takes a savepoint before it deletes the job; never for a blue/green deployment."""
        return self.kind != FlinkKind.BLUE_GREEN and self.is_on("kubernetes.operator.job.savepoint-on-deletion")

    @property
    def has_state(self) -> bool:
        """Whether the job has state, according to its resource.

        A job with state has an upgrade mode that keeps state, a checkpoint interval or a state directory. A job in
        batch mode or without these options has none. A job that enables checkpoints in its code must also set the
        interval in its configuration.
        """
        if self.job is None:
            return False
        if self.upgrade_mode != "stateless":
            return True
        if self.is_batch:
            return False
        return any(map(self._is_timed, (_INTERVAL, *_PERIODIC))) or any(map(self.text, (CHECKPOINTS, SAVEPOINTS)))

    @property
    def is_batch(self) -> bool:
        """Whether it runs in Flink's batch mode, which takes no checkpoints."""
        return self.text("execution.runtime-mode").upper() == "BATCH"

    @property
    def takes_checkpoints(self) -> bool:
        """Whether it takes checkpoints, according to its resource; its code may set the interval."""
        if self.upgrade_mode != "stateless":
            return True
        return not self.is_batch and (self._is_timed(_INTERVAL) or bool(self.text(CHECKPOINTS)))

    def _is_timed(self, key: str) -> bool:
        return _is_positive(self.text(key))

    @property
    def own_savepoints(self) -> str:
        """The savepoint directory of its own flinkConfiguration or its cluster's, without the operator's default."""
        own = mapping(self.spec.get("flinkConfiguration"))
        names = versions.names(SAVEPOINTS, self.operator.version)
        directory = next((str(own[name]).strip() for name in names if own.get(name)), "")
        return directory or (self.cluster.own_savepoints if self.cluster else "")

    @property
    def claims(self) -> set[str]:
        """The claims that its pods mount."""
        return mounted_claims((self.cluster or self).spec)

    @cached_property
    def _pods(self) -> Mapping[str, Mapping[str, object]]:
        """The pod spec of each process; empty for a session job whose cluster is not known."""
        if self.kind == FlinkKind.SESSION_JOB and self.cluster is None:
            return {}
        return {template.process: template.pod for template in templates((self.cluster or self).spec)}

    def location(self, process: str, directory: str) -> Location:
        """The location of a directory in the pods of a process, `jobManager` or `taskManager`."""
        directory = qualified(directory, self.text("fs.default-scheme"))
        if process not in self._pods and local_path(directory):
            return Location("a volume of its cluster", directory)
        return locate(self._pods.get(process, {}), directory)


def _is_positive(text: str) -> bool:
    try:
        return bool(text) and duration(text) > 0
    except ValueError:
        return True
