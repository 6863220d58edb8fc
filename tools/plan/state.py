"""One job as its resource declares it, with what decides over its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from settings import versions
from settings.job_spec import flat_configuration
from settings.problems import KeyPath
from settings.rules.state import deleting_retention
from settings.rules.subject import Subject, effective, listed, mapping
from settings.values import boolean, duration
from tools.plan.spec_changes import known_operator

CHECKPOINTS = "execution.checkpointing.dir"
SAVEPOINTS = "execution.checkpointing.savepoint-dir"
HA_TYPE = "high-availability.type"
HA_DIRECTORY = "high-availability.storageDir"

_INTERVALS = (
    "execution.checkpointing.interval",
    "kubernetes.operator.periodic.savepoint.interval",
    "kubernetes.operator.periodic.checkpoint.interval",
)
_DIRECTORIES = (CHECKPOINTS, "state.checkpoints.dir", SAVEPOINTS, "state.savepoints.dir")


@dataclass(frozen=True)
class Operator:
    """The operator that will look at the change.

    Attributes:
        version: of it.
        configuration: what it lays under every resource's flinkConfiguration.
    """

    version: str
    configuration: Mapping[str, str]

    @property
    def known(self) -> str:
        """The version whose tables are used."""
        return known_operator(self.version)

    @property
    def is_new(self) -> bool:
        """Whether it cancels a job for last-state, which needs no high availability."""
        return not versions.OPERATORS[self.known].last_state_needs_ha


@dataclass(frozen=True)
class DeclaredJob:
    """A FlinkDeployment, FlinkSessionJob or FlinkBlueGreenDeployment.

    Attributes:
        kind: of the resource.
        namespace: of it.
        name: of it.
        spec: of the Flink cluster or session job: of a blue/green deployment that in its template. Configuration flat.
        operator: that will look at it.
        cluster: the session cluster of a session job, where it is known.
        around: what a blue/green deployment says beside its template, which restarts nothing.
    """

    kind: str
    namespace: str
    name: str
    spec: Mapping[str, object]
    operator: Operator
    cluster: DeclaredJob | None = None
    around: Mapping[str, object] = field(default_factory=dict[str, object])

    @staticmethod
    def of(manifest: Mapping[str, object], operator: Operator) -> DeclaredJob:
        """The job of a resource's inputs."""
        metadata, kind = mapping(manifest.get("metadata")), str(manifest.get("kind"))
        spec = mapping(manifest.get("spec"))
        around: dict[str, object] = {}
        if kind == "FlinkBlueGreenDeployment":
            around = {key: value for key, value in spec.items() if key != "template"}
            spec = mapping(mapping(spec.get("template")).get("spec"))
        namespace, name = str(metadata.get("namespace", "default")), str(metadata.get("name"))
        return DeclaredJob(kind, namespace, name, flat_configuration(spec), operator, around=around)

    @property
    def job(self) -> Mapping[str, object] | None:
        """The job, None of a session cluster."""
        return mapping(self.spec["job"]) if isinstance(self.spec.get("job"), dict) else None

    @property
    def upgrade_mode(self) -> str:
        """`stateless` where nothing is said, as the operator has it."""
        return str((self.job or {}).get("upgradeMode") or "stateless")

    @property
    def is_suspended(self) -> bool:
        """Whether it is declared not to run."""
        return (self.job or {}).get("state") == "suspended"

    @property
    def mode(self) -> str:
        """Deployment mode of its cluster."""
        return str((self.cluster or self).spec.get("mode") or "native")

    @property
    def flink_version(self) -> str:
        """`v2_2`, empty when it is not known."""
        return str((self.cluster or self).spec.get("flinkVersion") or "")

    @cached_property
    def _subject(self) -> Subject:
        own = mapping(self.spec.get("flinkConfiguration"))
        below = mapping(self.cluster.spec.get("flinkConfiguration") if self.cluster else None)
        seen = effective({**below, **own}, self.operator.configuration, self.namespace, self.flink_version)
        return Subject(self.name, self.namespace, self.spec, (), self.operator.known, seen, _say_nothing)

    @property
    def configuration(self) -> Mapping[str, str]:
        """Its configuration as the operator sees it."""
        return self._subject.configuration

    def text(self, key: str) -> str:
        """A key's value by its name today or an older one, empty when nobody says it."""
        return self._subject.text(key)

    def is_on(self, key: str, *, default: bool = False) -> bool:
        """A switch of the configuration."""
        try:
            return boolean(self.text(key)) if self.text(key) else default
        except ValueError:
            return default

    @property
    def high_availability(self) -> str:
        """The implementation in lower case, empty where there is none."""
        said = self.text(HA_TYPE).lower()
        return "" if said in ("none", "standalone") else said

    @property
    def deleting_retention(self) -> str:
        """The value of Flink's configuration that deletes its checkpoints when it is cancelled; empty for none."""
        said = deleting_retention(self._subject)
        return said[1] if said else ""

    @property
    def has_savepoint_on_deletion(self) -> bool:
        """Whether the operator takes a savepoint before it deletes the job: of a blue/green deployment never."""
        return self.kind != "FlinkBlueGreenDeployment" and self.is_on("kubernetes.operator.job.savepoint-on-deletion")

    @property
    def has_state(self) -> bool:
        """Whether there is something to lose, as far as the resource shows.

        An upgrade mode that keeps state, or a checkpoint interval or a directory for state. A job in batch mode has
        none, and neither has one that says nothing of the kind: if it switches checkpoints on in its code, say so in
        its configuration.
        """
        if self.job is None:
            return False
        if self.upgrade_mode != "stateless":
            return True
        if self.text("execution.runtime-mode").upper() == "BATCH":
            return False
        return any(_is_positive(self.text(key)) for key in _INTERVALS) or any(
            self.configuration.get(key, "").strip() for key in _DIRECTORIES
        )

    @property
    def mounts(self) -> Mapping[str, str]:
        """Folders of its main container that lie on a claim, by path: the claim's name."""
        found: dict[str, str] = dict(self.cluster.mounts) if self.cluster else {}
        claims: dict[str, str] = {}
        pods = [mapping(mapping(holder.get("podTemplate")).get("spec")) for holder in self._holders]
        for pod in pods:
            for volume in map(mapping, listed(pod.get("volumes"))):
                claim = mapping(volume.get("persistentVolumeClaim")).get("claimName")
                claims |= {str(volume.get("name")): str(claim)} if claim else {}
        for pod in pods:
            for container in map(mapping, listed(pod.get("containers"))):
                for mount in map(mapping, listed(container.get("volumeMounts"))):
                    claim = claims.get(str(mount.get("name")))
                    found |= {str(mount.get("mountPath")).rstrip("/"): claim} if claim else {}
        return found

    def claim_of(self, directory: str) -> str:
        """The claim on which a directory lies, empty when it is on none."""
        path = directory.removeprefix("file:")
        path = "/" + path.lstrip("/")
        if "://" in directory and not directory.startswith("file:"):
            return ""
        return next((claim for at, claim in self.mounts.items() if path == at or path.startswith(f"{at}/")), "")

    @property
    def _holders(self) -> tuple[Mapping[str, object], ...]:
        """What a pod template may stand in."""
        return self.spec, mapping(self.spec.get("jobManager")), mapping(self.spec.get("taskManager"))


def _say_nothing(_rule: str, _path: KeyPath, _message: str) -> None:
    """What is wrong with a job, `make check` says."""


def _is_positive(text: str) -> bool:
    try:
        return bool(text) and duration(text) > 0
    except ValueError:
        return True
