"""The directories of a job's state, the pods that write them, and the pods that read them when the job starts again.

A job starts from `Source`s. Each has a directory. The directory's location in the pods that write it (by the old spec)
must outlive these pods, and be the same in the pods that read it (by the new spec).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.plan.spec_changes import Change
from flink_k8s.plan.state import DeclaredJob
from flink_k8s.resolve.operator_configuration import JOB_CANCEL
from flink_k8s.resolve.pod_templates import PROCESSES
from flink_k8s.resolve.state_storage import CHECKPOINTS, HA_STORAGE, SAVEPOINTS

_MAX_PARALLELISM = "pipeline.max-parallelism"
_BACKEND = ("state.backend.type", "state.backend")
_DRAIN = "kubernetes.operator.job.drain-on-savepoint-deletion"
_JOB_ID = "$internal.pipeline.job-id"


@dataclass(frozen=True)
class Source:
    """A savepoint, a checkpoint or high-availability data that a job starts from.

    Attributes:
        what: the name to print, for example `the savepoint`.
        directory: that contains it; empty if none is configured.
        processes: that write it and read it.
    """

    what: str
    directory: str
    processes: tuple[str, ...] = PROCESSES

    def blocked(self, writer: DeclaredJob) -> str:
        """Why it cannot be written; empty if it can."""
        for process in self.processes:
            if not writer.location(process, self.directory).is_writable:
                return f"the running {_title(process)} cannot write {self.what} to {self.directory}"
        return ""

    def lost(self, old: DeclaredJob, new: DeclaredJob) -> str:
        """Why the new pods do not find it; empty if they do."""
        for process in self.processes if self.directory else ():
            at = old.location(process, self.directory)
            if not at.lasts:
                return f"{self.what} in {self.directory} is inside the {_title(process)}'s pod and is lost with it"
            if new.location(process, self.directory) != at:
                what = f"it restores from {self.directory} on {at.medium}"
                return f"{what}, which the new {_title(process)} no longer mounts there"
        return ""


def _title(process: str) -> str:
    return process[0].upper() + process[1:]


def upgrade_savepoint(old: DeclaredJob, new: DeclaredJob) -> Source:
    """The savepoint of an upgrade: in the new spec's directory, written by the old pods.

    The operator reads the directory from the new spec's own flinkConfiguration (for a session job, from its cluster's),
    then from the deployed spec. A blue/green deployment uses the directory of the old FlinkDeployment.
    """
    directory = "" if new.kind == FlinkKind.BLUE_GREEN and not new.is_suspended else new.own_savepoints
    return Source("the savepoint", directory or old.text(SAVEPOINTS))


def own_savepoint(old: DeclaredJob) -> Source:
    """The savepoint of a suspension or of a deletion."""
    return Source("the savepoint", old.text(SAVEPOINTS))


def checkpoint(old: DeclaredJob) -> Source:
    """The newest checkpoint of a job."""
    return Source("the last checkpoint", old.text(CHECKPOINTS))


def ha_data(old: DeclaredJob) -> Source:
    """The data that high availability's metadata points to; only the JobManager writes and reads it."""
    return Source("the high-availability data", old.text(HA_STORAGE), PROCESSES[:1])


def lost_last_state(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a job does not find its last state; empty if it does.

    The operator either cancels the job and restores its last checkpoint by path, or deletes the pods and has Flink
    find the checkpoint by high availability's metadata.
    """
    if is_cancelled(old, new):
        return lost_after_cancel(old, new)
    return _lost_metadata(old, new) or checkpoint(old).lost(old, new) or ha_data(old).lost(old, new)


def lost_after_cancel(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a job that the operator cancels does not find its last state; empty if it does."""
    if not old.text(CHECKPOINTS):
        return (
            "the operator cancels the job, and its checkpoints are only in the JobManager's memory: no directory is set"
        )
    return _deleted_checkpoint(old) or checkpoint(old).lost(old, new)


def lost_by_rescaling(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a job that is rescaled in place does not find its last checkpoint: its TaskManagers are replaced."""
    return replace(checkpoint(old), processes=PROCESSES[1:]).lost(old, new)


def lost_by_cluster(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a session cluster that restarts does not recover a job; empty if it does.

    High-availability data contains the job graphs too, which another Flink version cannot read.

    Args:
        old: a session job; the cluster itself for session jobs that are not declared.
        new: the same job after the change.
    """
    before, after = old.cluster or old, new.cluster or new
    if not before.high_availability:
        return "without high availability"
    if before.flink_version != after.flink_version:
        return "with another Flink version, which cannot recover its jobs"
    reason = _lost_metadata(before, after) or ha_data(before).lost(before, after) or checkpoint(old).lost(old, new)
    return reason and f"and does not recover its jobs: {reason}"


def is_cancelled(old: DeclaredJob, new: DeclaredJob) -> bool:
    """Whether the operator cancels a job to get its last state, if the Flink version does not change.

    The operator reads its options from the new spec, and from the old spec if the new one does not set them. Whether a
    suspended job was cancelled is unknown, unless it had no high availability.
    """
    if not new.operator.is_new:
        return False
    if new.kind == FlinkKind.SESSION_JOB or old.high_availability not in _WITH_METADATA:
        return True
    source = new if new.text(JOB_CANCEL) else old
    return source.is_on(JOB_CANCEL) and not old.is_suspended


_WITH_METADATA = ("kubernetes", "zookeeper")
"""Implementations of high availability whose metadata the operator reads."""


def _lost_metadata(old: DeclaredJob, new: DeclaredJob) -> str:
    if not old.high_availability or old.ha_metadata == new.ha_metadata:
        return ""
    change = f"changes to {new.high_availability}" if new.high_availability else "is disabled"
    if old.high_availability == new.high_availability:
        change = f"with {new.high_availability} gets another location"
    return f"high availability {change}: the job does not find its last checkpoint and does not start"


def _deleted_checkpoint(old: DeclaredJob) -> str:
    """Why Flink deletes the last checkpoint when the job is cancelled; unknown for a suspended job."""
    if not old.deleting_retention or old.is_suspended:
        return ""
    remedy = "; upgradeMode savepoint for this change keeps the state" if old.text(SAVEPOINTS) else ""
    return (
        f"the operator cancels the job, and Flink then deletes its last checkpoint ({old.deleting_retention}){remedy}"
    )


def drops_state(old: DeclaredJob, new: DeclaredJob) -> str:
    """The new field or option that drops state that no operator of the job claims; empty for none."""
    return new.ignores_unclaimed_state if old.has_state and not old.ignores_unclaimed_state else ""


def drain_notes(new: DeclaredJob) -> tuple[str, ...]:
    """The note about draining for a savepoint that stops a job."""
    return (f"{_DRAIN} drains the job at each savepoint that stops it: its windows fire early",) * new.is_on(_DRAIN)


def version_notes(old: DeclaredJob, new: DeclaredJob) -> list[str]:
    """Notes about state that another Flink version reads."""
    before, after = (version(job.flink_version) for job in (old, new))
    if len(before) < 2 or len(after) < 2 or before == after:
        return []
    if after < before:
        return [f"Flink {_dotted(after)} is older: it may not be able to read state that {_dotted(before)} has written"]
    if before[0] != after[0]:
        return [
            f"Flink {before[0]}.x to {after[0]}.x: state compatibility is not guaranteed; "
            "restore a copy with the new version first, by a restore drill"
        ]
    return []


def version(flink_version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare."""
    return tuple(int(part) for part in re.findall(r"\d+", flink_version)) or (0,)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def notes(old: DeclaredJob, new: DeclaredJob, changes: Sequence[Change]) -> list[str]:
    """Notes for a job that restarts from its state."""
    messages: list[str] = []
    for key, what in ((CHECKPOINTS, "checkpoints"), (HA_STORAGE, "high-availability data")):
        before, after = old.text(key), new.text(key)
        if before and before != after:
            messages.append(f"it restores {what} from {before}, which must still exist and be readable")
    limits = old.text(_MAX_PARALLELISM), new.text(_MAX_PARALLELISM)
    if limits[0] != limits[1] and limits[1]:
        messages.append(
            f"{_MAX_PARALLELISM} changes: keyed state cannot be restored unless the maximum was {limits[1]} before"
        )
    elif _parallelism(new) > _limit(old, new):
        messages.append(
            f"parallelism exceeds the job's maximum of {_limit(old, new)}: its keyed state cannot be restored"
        )
    backends = [next((job.text(key) for key in _BACKEND if job.text(key)), "") for job in (old, new)]
    if backends[0] != backends[1]:
        messages.append("the state backend changes: only a canonical savepoint can be restored, a checkpoint cannot")
    if any(change.path[0] == "image" or change.path[-1] in ("jarURI", "entryClass") for change in changes):
        messages.append("its code changes: operators keep their state only if their uid is unchanged")
    return [*messages, *version_notes(old, new)]


def start_notes(new: DeclaredJob) -> list[str]:
    """Notes for every start of a job."""
    if not new.text(_JOB_ID):
        return []
    return [f"{_JOB_ID} is fixed: the checkpoints of each start overwrite those of the last start"]


def _parallelism(job: DeclaredJob) -> int:
    try:
        return int(str((job.job or {}).get("parallelism") or 1))
    except ValueError:
        return 1


def _limit(old: DeclaredJob, new: DeclaredJob) -> int:
    """The maximum parallelism of a job: configured, or derived by Flink from the first parallelism."""
    configured = new.text(_MAX_PARALLELISM)
    if configured.isdigit() and int(configured) > 0:
        return int(configured)
    minimum = _parallelism(old) + _parallelism(old) // 2
    return min(max(1 << max(minimum - 1, 0).bit_length(), 128), 32768)
