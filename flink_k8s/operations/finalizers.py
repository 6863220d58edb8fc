"""Flink's resources that do not go before their operator has taken its finalizer away, and what each of them saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.health.failure_reason import OperatorError
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.job_spec import SAVEPOINT_ON_DELETION
from flink_k8s.support.kubectl import Kubectl

FINALIZER_SUFFIX = "flink.apache.org/finalizer"
KINDS = (
    *(FlinkKind.SESSION_JOB, FlinkKind.SNAPSHOT),
    *(FlinkKind.BLUE_GREEN, FlinkKind.DEPLOYMENT),
)
"""In the order in which they are deleted."""

_CHECKPOINTS = ("execution.checkpointing.dir", "state.checkpoints.dir")
_TERMINAL = ("FINISHED", "CANCELED", "FAILED")

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """One of Flink's resources that does not go before its operator has taken its finalizer away.

    Attributes:
        kind, namespace, name: which.
        finalizers: all that it has.
        is_deleted: whether somebody has deleted it, so that it only waits.
        state: its job's state in Flink's word, empty when it has none.
        manager: the operator's word for its JobManager, empty when it has none of its own.
        takes_savepoint: whether it is to take a savepoint as it goes.
        error: the operator's.
        savepoint: where its newest savepoint is that the operator knows of; empty when there is none.
        checkpoints: the folder of its newest run's checkpoints, empty when it says none.
    """

    kind: str
    namespace: str
    name: str
    finalizers: tuple[str, ...]
    is_deleted: bool
    state: str
    manager: str
    takes_savepoint: bool
    error: str
    savepoint: str = ""
    checkpoints: str = ""

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def cannot_save(self) -> bool:
        """Whether it is to take a savepoint as it goes and cannot, so that its deletion waits until it can."""
        runs = self.state == "RUNNING" and self.manager in ("", "READY")
        # One that was never submitted has no state, and the operator lets it go.
        return self.takes_savepoint and not runs and self.state not in ("", *_TERMINAL)

    @property
    def goes_unsaved(self) -> bool:
        """Whether it has failed for good: the operator deletes it without the savepoint that it was to take."""
        return self.takes_savepoint and self.state == "FAILED"

    @property
    def condition(self) -> str:
        """Its job and JobManager in the operator's words."""
        words = (self.state and f"job {self.state}", self.manager and f"JobManager {self.manager}")
        return ", ".join(filter(None, words)) or "not seen by the operator"

    @property
    def left(self) -> str:
        """What of its state stays in storage when it goes without a savepoint."""
        parts = (
            self.savepoint and f"its last savepoint is {self.savepoint}",
            self.checkpoints and f"its checkpoints are in {self.checkpoints}",
        )
        return ", ".join(filter(None, parts)) or "it has said no place for its checkpoints"

    @property
    def why(self) -> str:
        """What it waits for, seen without its operator."""
        ours = ", ".join(name for name in self.finalizers if name.endswith(FINALIZER_SUFFIX))
        text = f"{self.title} waits for the finalizer {ours}, which the operator takes away"
        if self.cannot_save:
            text += f"; it is to take a savepoint first, and cannot ({self.condition}); {self.left}"
        return text + (f"; the operator says: {self.error}" if self.error else "")


def held(kubectl: Kubectl, stack: Stack) -> list[Held]:
    """What of Flink's is in the stack's namespaces and has an operator's finalizer, session jobs before their clusters.

    Raises:
        CommandError: when the cluster cannot be asked.
    """
    found: list[Held] = []
    defaults = stack.platform.settings.operator.configuration
    for kind in KINDS:
        for namespace in stack.platform.settings.namespaces:
            found += [_held(item, defaults) for item in kubectl.items(kind.resource, "-n", namespace)]
    return [one for one in found if any(name.endswith(FINALIZER_SUFFIX) for name in one.finalizers)]


def _held(item: Object, defaults: Mapping[str, str]) -> Held:
    metadata = cast(Object, item["metadata"])
    spec = cast(Object, item.get("spec") or {})
    status = cast(Object, item.get("status") or {})
    job = cast(Object, status.get("jobStatus") or {})
    configuration = {**defaults, **cast(Object, spec.get("flinkConfiguration") or {})}
    last = cast(Object, cast(Object, job.get("savepointInfo") or {}).get("lastSavepoint") or {})
    folder = next((str(configuration[key]) for key in _CHECKPOINTS if key in configuration), "")
    return Held(
        kind=str(item["kind"]),
        namespace=str(metadata["namespace"]),
        name=str(metadata["name"]),
        finalizers=tuple(metadata.get("finalizers") or ()),
        is_deleted="deletionTimestamp" in metadata,
        state=str(job.get("state") or ""),
        manager=str(status.get("jobManagerDeploymentStatus") or ""),
        # A session cluster runs no job of its own.
        takes_savepoint=str(configuration.get(SAVEPOINT_ON_DELETION)).lower() == "true" and "job" in spec,
        error=(OperatorError.of(status.get("error")).text.splitlines() or [""])[0][:300],
        savepoint=str(job.get("upgradeSavepointPath") or last.get("location") or ""),
        checkpoints=f"{folder.rstrip('/')}/{job['jobId']}" if folder and job.get("jobId") else folder,
    )
