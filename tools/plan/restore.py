"""Whether a job finds its state again when it starts anew, and what has to hold for that."""

from __future__ import annotations

from collections.abc import Sequence

from settings.rules.state import JOB_CANCEL
from tools.plan.spec_changes import Change
from tools.plan.state import CHECKPOINTS, HA_DIRECTORY, SAVEPOINTS, DeclaredJob

_MAX_PARALLELISM = "pipeline.max-parallelism"
_BACKEND = ("state.backend.type", "state.backend")


def lost_metadata(old: DeclaredJob, new: DeclaredJob) -> str:
    """Where the last checkpoint stands in high availability's own data, another one does not find it."""
    if new.kind == "FlinkSessionJob" or not old.high_availability or old.high_availability == new.high_availability:
        return ""
    if old.is_on(JOB_CANCEL) and not old.is_suspended:
        return ""
    now = f"is {new.high_availability}" if new.high_availability else "is off"
    return f"high availability {now}: the job does not find its last checkpoint, and does not start"


def is_cancelled(old: DeclaredJob, new: DeclaredJob) -> bool:
    """Whether the operator cancels a job for its last state, its Flink version being the same.

    Its own keys it reads from the new spec, and from the old one where that no longer says them.
    """
    if not new.operator.is_new:
        return False
    said = new if new.text(JOB_CANCEL) else old
    return new.kind == "FlinkSessionJob" or not old.high_availability or said.is_on(JOB_CANCEL)


def deleted_checkpoint(old: DeclaredJob) -> str:
    """Where Flink deletes the last checkpoint of a job that is cancelled."""
    if not old.deleting_retention:
        return ""
    cure = "; upgradeMode savepoint for this change keeps the state" if old.text(SAVEPOINTS) else ""
    return f"the operator cancels the job, and Flink deletes its last checkpoint then ({old.deleting_retention}){cure}"


def left_behind(old: DeclaredJob, new: DeclaredJob, *, by_savepoint: bool) -> str:
    """Where what it restores from lies on a claim that its new pods do not mount there."""
    for key in (SAVEPOINTS,) if by_savepoint else (CHECKPOINTS, HA_DIRECTORY):
        claim = old.claim_of(old.text(key))
        if claim and new.claim_of(old.text(key)) != claim:
            return f"it restores from {old.text(key)} on the claim {claim}, which it no longer mounts there"
    return ""


def drops_state(old: DeclaredJob, new: DeclaredJob) -> bool:
    """Whether the operator is told to drop what no operator of the job claims."""
    before, after = ((job.job or {}).get("allowNonRestoredState") for job in (old, new))
    return after is True and before is not True and old.has_state


def notes(old: DeclaredJob, new: DeclaredJob, changes: Sequence[Change]) -> list[str]:
    """What to see to when a job starts from its state."""
    found: list[str] = []
    for key, what in ((CHECKPOINTS, "checkpoints"), (HA_DIRECTORY, "high availability's data")):
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
    return found


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
