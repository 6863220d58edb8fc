"""Where a job's state is, who writes it, and who can read it when the job starts again.

A job starts from `Source`s. Each has a directory; the directory's location in the pods that write it (the old spec's)
must outlive them, and be the same in the pods that read it (the new spec's).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.operations.plan.spec_changes import Change
from flink_k8s.operations.plan.state import DeclaredJob
from flink_k8s.resolve.operator_configuration import JOB_CANCEL
from flink_k8s.resolve.pod_templates import PROCESSES
from flink_k8s.resolve.state_storage import CHECKPOINTS, HA_STORAGE, SAVEPOINTS

_MAX_PARALLELISM = "pipeline.max-parallelism"
_BACKEND = ("state.backend.type", "state.backend")
_DRAIN = "kubernetes.operator.job.drain-on-savepoint-deletion"
_JOB_ID = "$internal.pipeline.job-id"


@dataclass(frozen=True)
class Source:
    """Something that a job starts from.

    Attributes:
        what: `the savepoint`.
        directory: it is in; empty where none is configured.
        processes: that write it and read it.
    """

    what: str
    directory: str
    processes: tuple[str, ...] = PROCESSES

    def blocked(self, writer: DeclaredJob) -> str:
        """Why it cannot be written, empty if it can."""
        for process in self.processes:
            if not writer.location(process, self.directory).is_writable:
                return f"the running {_title(process)} cannot write {self.what} to {self.directory}"
        return ""

    def lost(self, old: DeclaredJob, new: DeclaredJob) -> str:
        """Why the new pods do not find it, empty if they do."""
        for process in self.processes if self.directory else ():
            at = old.location(process, self.directory)
            if not at.lasts:
                return f"{self.what} in {self.directory} is inside of the {_title(process)}'s pod, and is lost with it"
            if new.location(process, self.directory) != at:
                what = f"it restores from {self.directory} on {at.medium}"
                return f"{what}, which the new {_title(process)} no longer mounts there"
        return ""


def _title(process: str) -> str:
    return process[0].upper() + process[1:]


def upgrade_savepoint(old: DeclaredJob, new: DeclaredJob) -> Source:
    """The savepoint of an upgrade: in the new spec's directory, and written by the old pods.

    The operator reads the directory in the new spec's own flinkConfiguration (its cluster's, for a session job), then
    in what it deployed. A blue/green deployment takes the savepoint of the old FlinkDeployment as that is.
    """
    directory = "" if new.kind == FlinkKind.BLUE_GREEN and not new.is_suspended else new.own_savepoints
    return Source("the savepoint", directory or old.text(SAVEPOINTS))


def own_savepoint(old: DeclaredJob) -> Source:
    """The savepoint that a job was suspended with, or that it leaves when it is deleted."""
    return Source("the savepoint", old.text(SAVEPOINTS))


def checkpoint(old: DeclaredJob) -> Source:
    """The newest checkpoint of a job."""
    return Source("the last checkpoint", old.text(CHECKPOINTS))


def ha_data(old: DeclaredJob) -> Source:
    """What high availability's metadata points to; the JobManager alone writes and reads it."""
    return Source("high availability's data", old.text(HA_STORAGE), PROCESSES[:1])


def lost_last_state(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a job does not find its last state, empty if it does.

    The operator either cancels the job and restores its last checkpoint by path, or deletes the pods and has Flink
    find the checkpoint by high availability's metadata.
    """
    if is_cancelled(old, new):
        return lost_after_cancel(old, new)
    return _lost_metadata(old, new) or checkpoint(old).lost(old, new) or ha_data(old).lost(old, new)


def lost_after_cancel(old: DeclaredJob, new: DeclaredJob) -> str:
    """The same for a job that the operator cancels in any case."""
    if not old.text(CHECKPOINTS):
        return "the operator cancels the job, and its checkpoints are in the JobManager's memory: no directory is set"
    return _deleted_checkpoint(old) or checkpoint(old).lost(old, new)


def lost_by_rescaling(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a job that is rescaled in place does not find its last checkpoint: TaskManagers come and go."""
    return replace(checkpoint(old), processes=PROCESSES[1:]).lost(old, new)


def lost_by_cluster(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a session cluster that restarts does not find a job again, empty if it does.

    High availability's data holds the jobs' graphs too, which another Flink version does not read.

    Args:
        old: one of its session jobs; the cluster itself stands for those that are not declared.
        new: the same, after the change.
    """
    before, after = old.cluster or old, new.cluster or new
    if not before.high_availability:
        return "without high availability"
    if before.flink_version != after.flink_version:
        return "with another Flink version, which cannot recover its jobs"
    reason = _lost_metadata(before, after) or ha_data(before).lost(before, after) or checkpoint(old).lost(old, new)
    return reason and f"and does not find its jobs again: {reason}"


def is_cancelled(old: DeclaredJob, new: DeclaredJob) -> bool:
    """Whether the operator cancels a job for its last state, its Flink version being the same.

    Its own keys it reads from the new spec, and from the old one where that no longer says them. Of a job that is
    suspended already it is unknown whether it was cancelled, unless it had no high availability.
    """
    if not new.operator.is_new:
        return False
    if new.kind == FlinkKind.SESSION_JOB or old.high_availability not in _WITH_METADATA:
        return True
    said = new if new.text(JOB_CANCEL) else old
    return said.is_on(JOB_CANCEL) and not old.is_suspended


_WITH_METADATA = ("kubernetes", "zookeeper")
"""Implementations of high availability whose metadata the operator looks for."""


def _lost_metadata(old: DeclaredJob, new: DeclaredJob) -> str:
    if not old.high_availability or old.ha_metadata == new.ha_metadata:
        return ""
    now = f"is {new.high_availability}" if new.high_availability else "is off"
    if old.high_availability == new.high_availability:
        now = f"of {now.removeprefix('is ')} looks elsewhere"
    return f"high availability {now}: the job does not find its last checkpoint, and does not start"


def _deleted_checkpoint(old: DeclaredJob) -> str:
    """Flink deletes the last checkpoint of a job that is cancelled; of one that is suspended it is unknown."""
    if not old.deleting_retention or old.is_suspended:
        return ""
    remedy = "; upgradeMode savepoint for this change keeps the state" if old.text(SAVEPOINTS) else ""
    return (
        f"the operator cancels the job, and Flink deletes its last checkpoint then ({old.deleting_retention}){remedy}"
    )


def drops_state(old: DeclaredJob, new: DeclaredJob) -> str:
    """The field or option that begins to drop what no operator of the job claims; empty for none."""
    return new.ignores_unclaimed_state if old.has_state and not old.ignores_unclaimed_state else ""


def drain_notes(new: DeclaredJob) -> tuple[str, ...]:
    """What to know of a savepoint with which the operator stops a job."""
    return (f"{_DRAIN} drains the job at each savepoint that stops it: its windows fire early",) * new.is_on(_DRAIN)


def version_notes(old: DeclaredJob, new: DeclaredJob) -> list[str]:
    """What to know of state that another Flink version reads."""
    before, after = (version(job.flink_version) for job in (old, new))
    if len(before) < 2 or len(after) < 2 or before == after:
        return []
    if after < before:
        return [f"Flink {_dotted(after)} is older: it may not read state that {_dotted(before)} has written"]
    if before[0] != after[0]:
        return [f"Flink {before[0]}.x to {after[0]}.x: state compatibility is not guaranteed; try it with a copy first"]
    return []


def version(flink_version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare."""
    return tuple(int(part) for part in re.findall(r"\d+", flink_version)) or (0,)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def notes(old: DeclaredJob, new: DeclaredJob, changes: Sequence[Change]) -> list[str]:
    """What to see to when a job starts from its state."""
    found: list[str] = []
    for key, what in ((CHECKPOINTS, "checkpoints"), (HA_STORAGE, "high availability's data")):
        before, after = old.text(key), new.text(key)
        if before and before != after:
            found.append(f"it restores {what} from {before}, which must stay and be readable")
    limits = old.text(_MAX_PARALLELISM), new.text(_MAX_PARALLELISM)
    if limits[0] != limits[1] and limits[1]:
        found.append(
            f"{_MAX_PARALLELISM} is another: keyed state does not open with it unless it was {limits[1]} before"
        )
    elif _parallelism(new) > _limit(old, new):
        found.append(
            f"parallelism is above the job's maximum of {_limit(old, new)}: its keyed state does not open with it"
        )
    backends = [next((job.text(key) for key in _BACKEND if job.text(key)), "") for job in (old, new)]
    if backends[0] != backends[1]:
        found.append("the state backend is another: a checkpoint does not open with it, a canonical savepoint does")
    if any(change.path[0] == "image" or change.path[-1] in ("jarURI", "entryClass") for change in changes):
        found.append("its code changes: operators with state keep it where their uid is the same")
    return [*found, *version_notes(old, new)]


def start_notes(new: DeclaredJob) -> list[str]:
    """What to know of a job that starts again, from whatever."""
    if not new.text(_JOB_ID):
        return []
    return [f"{_JOB_ID} is fixed: the checkpoints of each start are written to one directory, over those of the last"]


def _parallelism(job: DeclaredJob) -> int:
    try:
        return int(str((job.job or {}).get("parallelism") or 1))
    except ValueError:
        return 1


def _limit(old: DeclaredJob, new: DeclaredJob) -> int:
    """The maximum parallelism of a job: said, or what Flink derives from the parallelism that it first had."""
    said = new.text(_MAX_PARALLELISM)
    if said.isdigit() and int(said) > 0:
        return int(said)
    wanted = _parallelism(old) + _parallelism(old) // 2
    return min(max(1 << max(wanted - 1, 0).bit_length(), 128), 32768)
