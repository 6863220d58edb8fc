"""Flink resources with the operator's finalizer, and the state that each of them keeps when it is deleted."""

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
class FinalizedResource:
    """A Flink resource that is deleted only after its operator has removed its finalizer.

    Attributes:
        kind, namespace, name: of the resource.
        finalizers: all of its finalizers.
        is_deleted: whether it has a deletion timestamp and waits for the finalizer.
        job_state: the state that Flink reports for its job; empty if it has no job.
        job_manager: the JobManager's status that the operator reports; empty if it has no JobManager of its own.
        takes_savepoint: whether the operator takes a savepoint before the deletion.
        error: that the operator reports.
        savepoint: path of the newest savepoint that the operator reports; empty if there is none.
        checkpoints: folder of the checkpoints of the newest run; empty if none is configured.
    """

    kind: str
    namespace: str
    name: str
    finalizers: tuple[str, ...]
    is_deleted: bool
    job_state: str
    job_manager: str
    takes_savepoint: bool
    error: str
    savepoint: str = ""
    checkpoints: str = ""

    @property
    def title(self) -> str:
        """`FlinkDeployment flink/orders`."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def cannot_take_savepoint(self) -> bool:
        """Whether it must take a savepoint before its deletion and cannot, so that the deletion waits."""
        runs = self.job_state == "RUNNING" and self.job_manager in ("", "READY")
        # A job that was never submitted has no state, and the operator deletes its resource.
        return self.takes_savepoint and not runs and self.job_state not in ("", *_TERMINAL)

    @property
    def skips_savepoint(self) -> bool:
        """Whether its job has failed terminally: the operator then deletes it without the savepoint."""
        return self.takes_savepoint and self.job_state == "FAILED"

    @property
    def condition(self) -> str:
        """The status of its job and its JobManager."""
        words = (self.job_state and f"job {self.job_state}", self.job_manager and f"JobManager {self.job_manager}")
        return ", ".join(filter(None, words)) or "not seen by the operator"

    @property
    def remaining_state(self) -> str:
        """The state that remains in storage if it is deleted without a savepoint."""
        parts = (
            self.savepoint and f"its last savepoint is {self.savepoint}",
            self.checkpoints and f"its checkpoints are in {self.checkpoints}",
        )
        return ", ".join(filter(None, parts)) or "no checkpoint directory is known"

    @property
    def reason(self) -> str:
        """Why its deletion waits."""
        ours = ", ".join(name for name in self.finalizers if name.endswith(FINALIZER_SUFFIX))
        text = f"{self.title} waits for the operator to remove the finalizer {ours}"
        if self.cannot_take_savepoint:
            text += f"; it must take a savepoint first and cannot ({self.condition}); {self.remaining_state}"
        return text + (f"; the operator reports: {self.error}" if self.error else "")


def resources_with_finalizer(kubectl: Kubectl, stack: Stack) -> list[FinalizedResource]:
    """The Flink resources in the stack's namespaces that have the operator's finalizer, session jobs before clusters.

    Raises:
        CommandError: if the cluster does not answer.
    """
    flink_resources: list[FinalizedResource] = []
    defaults = stack.platform.settings.operator.configuration
    for kind in KINDS:
        for namespace in stack.platform.settings.namespaces:
            flink_resources += [_resource(item, defaults) for item in kubectl.items(kind.resource, "-n", namespace)]
    return [item for item in flink_resources if any(name.endswith(FINALIZER_SUFFIX) for name in item.finalizers)]


def _resource(item: Object, defaults: Mapping[str, str]) -> FinalizedResource:
    metadata = cast(Object, item["metadata"])
    spec = cast(Object, item.get("spec") or {})
    status = cast(Object, item.get("status") or {})
    job = cast(Object, status.get("jobStatus") or {})
    configuration = {**defaults, **cast(Object, spec.get("flinkConfiguration") or {})}
    last = cast(Object, cast(Object, job.get("savepointInfo") or {}).get("lastSavepoint") or {})
    folder = next((str(configuration[key]) for key in _CHECKPOINTS if key in configuration), "")
    return FinalizedResource(
        kind=str(item["kind"]),
        namespace=str(metadata["namespace"]),
        name=str(metadata["name"]),
        finalizers=tuple(metadata.get("finalizers") or ()),
        is_deleted="deletionTimestamp" in metadata,
        job_state=str(job.get("state") or ""),
        job_manager=str(status.get("jobManagerDeploymentStatus") or ""),
        # A session cluster has no job of its own.
        takes_savepoint=str(configuration.get(SAVEPOINT_ON_DELETION)).lower() == "true" and "job" in spec,
        error=(OperatorError.of(status.get("error")).text.splitlines() or [""])[0][:300],
        savepoint=str(job.get("upgradeSavepointPath") or last.get("location") or ""),
        checkpoints=f"{folder.rstrip('/')}/{job['jobId']}" if folder and job.get("jobId") else folder,
    )
