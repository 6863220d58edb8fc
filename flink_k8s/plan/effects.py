"""The operator's reaction to a change of one job's resource, and the state that the job loses.

The rules are those of the operator's reconcilers; docs/plan.md describes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.plan import restore
from flink_k8s.plan.spec_changes import Change, Diff, aggregate, compare, differences
from flink_k8s.plan.sql_state import Fit, StateFit
from flink_k8s.plan.state import DeclaredJob
from flink_k8s.plan.steps import UNKNOWN
from flink_k8s.resolve.pod_templates import PROCESSES
from flink_k8s.resolve.sql import config_map_of, session_script


class Effect(Enum):
    """What happens to a job; the value is the text in a plan."""

    NOTHING = "nothing"
    METADATA = "metadata only"
    NO_RESTART = "no restart"
    RESCALE = "rescale in place"
    FROM_SAVEPOINT = "restart from savepoint"
    FROM_LAST_STATE = "restart from last state"
    FROM_EMPTY = "restart from empty"
    FROM_PATH = "restart from a given path"
    CLUSTER_RESTART = "restart of the cluster"
    SUSPEND = "suspend"
    STAYS_SUSPENDED = "stays suspended"
    RESUME_FROM_SAVEPOINT = "resume from savepoint"
    RESUME_FROM_LAST_STATE = "resume from last state"
    RESUME_FROM_EMPTY = "resume from empty"
    NEW = "new"
    NEW_FROM_PATH = "new, from a given path"
    DELETE = "delete"
    DELETE_WITH_SAVEPOINT = "delete, savepoint first"
    REPLACE = "replace"
    DELETE_REFUSED = "delete, refused: protected"
    REPLACE_REFUSED = "replace, refused: protected"
    REFUSED = "refused by the operator"
    STUCK = "never finishes"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a change.

    Attributes:
        effect: what happens.
        changes: the fields that differ.
        loss: why state is lost; empty if none is lost.
        notes: additional information.
    """

    effect: Effect
    changes: tuple[Change, ...] = ()
    loss: str = ""
    notes: tuple[str, ...] = ()


_FROM_STATE = frozenset(
    {Effect.FROM_SAVEPOINT, Effect.FROM_LAST_STATE, Effect.RESUME_FROM_SAVEPOINT, Effect.RESUME_FROM_LAST_STATE}
)

_STARTS = _FROM_STATE | {Effect.FROM_EMPTY, Effect.FROM_PATH, Effect.RESUME_FROM_EMPTY}

_CHANGED_SCRIPT = StateFit(
    Fit.UNKNOWN, "the job fails at its start if the changed queries have other operators or other state"
)

_OVERRIDES = "pipeline.jobvertex-parallelism-overrides"


def added(new: DeclaredJob) -> Outcome:
    """The outcome for a new job."""
    path = _path(new)
    if path:
        return Outcome(Effect.NEW_FROM_PATH, notes=_path_notes(new))
    return Outcome(Effect.NEW, notes=("is declared suspended",) if new.is_suspended else ())


def deleted(old: DeclaredJob, *, protected: bool) -> Outcome:
    """The outcome for a deleted job."""
    if protected:
        return Outcome(Effect.DELETE_REFUSED, notes=("the engine refuses the deletion and makes no other change",))
    if not old.has_state:
        return Outcome(Effect.DELETE)
    saved = restore.own_savepoint(old)
    if old.is_suspended and old.upgrade_mode == "savepoint":
        kept = (f"the savepoint of its suspension stays in {saved.directory}",)
        loss = saved.lost(old, old)
        return Outcome(Effect.DELETE, loss=loss, notes=() if loss else kept)
    if old.has_savepoint_on_deletion and not old.is_suspended:
        if not saved.directory:
            return Outcome(Effect.STUCK, notes=("a savepoint must be taken first, and no savepoint directory is set",))
        if blocked := saved.blocked(old):
            return Outcome(Effect.STUCK, notes=(blocked,))
        loss = saved.lost(old, old)
        notes = () if loss else (f"the savepoint stays in {saved.directory}",)
        return Outcome(Effect.DELETE_WITH_SAVEPOINT, loss=loss, notes=(*notes, *restore.drain_notes(old)))
    return Outcome(Effect.DELETE, loss="no resource references its state after the deletion")


def replaced(old: DeclaredJob, new: DeclaredJob, reasons: Sequence[str], *, protected: bool) -> Outcome:
    """The outcome for a job that the engine deletes and creates again."""
    notes = tuple(f"because of {reason}" for reason in reasons)
    if protected:
        return Outcome(
            Effect.REPLACE_REFUSED, notes=(*notes, "the engine refuses the replacement and makes no other change")
        )
    if not old.has_state:
        return Outcome(Effect.REPLACE, notes=notes)
    saved = restore.own_savepoint(old)
    if old.has_savepoint_on_deletion and not old.is_suspended and not saved.lost(old, old):
        notes = (*notes, f"a savepoint of the old job stays in {saved.directory}")
    path = _path(new)
    start = f"the new job starts from {path}" if path else "the new job starts empty"
    return Outcome(Effect.REPLACE, loss=f"{start}: the state of the old job is lost", notes=notes)


def changed(
    old: DeclaredJob, new: DeclaredJob, *, metadata: bool = False, script: StateFit = _CHANGED_SCRIPT
) -> Outcome:
    """The outcome for a job whose resource is updated.

    Args:
        old: before.
        new: after; its operator reconciles the change.
        metadata: whether labels or annotations differ.
        script: whether the state fits the statements of a SQL job, if they change.
    """
    kind = FlinkKind.SESSION_JOB if new.kind == FlinkKind.SESSION_JOB else FlinkKind.DEPLOYMENT
    changes = tuple(compare(kind, old.spec, new.spec, new.operator.version, new.mode))
    changes += tuple(differences(old.outer, new.outer, Diff.IGNORE))
    if not changes:
        return Outcome(Effect.METADATA if metadata else Effect.NOTHING)
    refusal = _refusal(old, new, changes)
    if refusal:
        return Outcome(Effect.REFUSED, changes, notes=(refusal, "the job continues unchanged"))
    outcome = replace(_outcome(old, new, changes), changes=changes)
    notes = [*outcome.notes, *_notes(old, new, changes, outcome.effect)]
    scripts = [config_map_of(job.spec) or session_script(job.spec) for job in (old, new)]
    if _restores(old, new, outcome.effect) and scripts[0] != scripts[1]:
        if script.fit is Fit.LOSES:
            outcome = replace(outcome, loss=outcome.loss or f"the SQL statements change: {script.reason}")
            notes.append(
                "the job fails at its start, or starts without this state; upgradeMode stateless starts it empty"
            )
        else:
            notes.append(f"the SQL statements change: {script.fit.value}: {script.reason}")
    if any(change.new == UNKNOWN for change in changes):
        notes.append("a value is known only after up: the plan assumes that it changes")
    dropped_by = restore.drops_state(old, new)
    if not outcome.loss and dropped_by:
        when = "" if outcome.effect in _FROM_STATE else " at the next restart"
        outcome = replace(outcome, loss=f"{dropped_by}: state that no operator of the job claims is dropped{when}")
    return replace(outcome, notes=tuple(notes))


def _outcome(old: DeclaredJob, new: DeclaredJob, changes: Sequence[Change]) -> Outcome:
    diff = aggregate(list(changes))
    if old.is_suspended and new.is_suspended:
        return _stays_suspended(old, new, diff)
    if diff is Diff.IGNORE:
        return Outcome(Effect.NO_RESTART)
    if new.job is None:
        if diff is Diff.SCALE and _rescales(old, new):
            return Outcome(Effect.RESCALE)
        reason = restore.lost_by_cluster(old, new) if old.high_availability else ""
        return Outcome(Effect.CLUSTER_RESTART, loss=reason and f"it restarts {reason}")
    if diff is Diff.SAVEPOINT_REDEPLOY:
        return _redeployed(old, new)
    if new.is_suspended:
        return _suspended(old, new)
    if old.is_suspended:
        return _resumed(old, new)
    if diff is Diff.SCALE and _rescales(old, new):
        return Outcome(Effect.RESCALE, loss=restore.lost_by_rescaling(old, new) if old.has_state else "")
    return _restarted(old, new)


def _redeployed(old: DeclaredJob, new: DeclaredJob) -> Outcome:
    path = _path(new)
    loss = f"state after the savepoint {path} is lost" if old.has_state else ""
    return Outcome(Effect.FROM_PATH, loss=loss, notes=_path_notes(new))


def _suspended(old: DeclaredJob, new: DeclaredJob) -> Outcome:
    """The job stops as for a restart; other changes count here, because the resume does not show them."""
    if new.upgrade_mode == "stateless":
        return Outcome(Effect.SUSPEND, loss="upgradeMode stateless does not keep state" if old.has_state else "")
    restarted = _stopped(old, new)
    if restarted.effect is Effect.STUCK:
        return restarted
    notes = (_KEPT[restarted.effect], *restarted.notes) if restarted.effect in _KEPT else restarted.notes
    return Outcome(Effect.SUSPEND, loss=restarted.loss, notes=notes)


_KEPT = {Effect.FROM_SAVEPOINT: "a savepoint is taken first", Effect.FROM_LAST_STATE: "its last state is kept"}


def _stays_suspended(old: DeclaredJob, new: DeclaredJob, diff: Diff) -> Outcome:
    """The outcome is that of a resume with the change: at the later resume, the change is not pending any more.

    A job that was suspended stateless has no state to resume from.
    """
    later = Outcome(Effect.STAYS_SUSPENDED, notes=("the change takes effect when the job is resumed",))
    if diff is Diff.SAVEPOINT_REDEPLOY:
        redeployed = _redeployed(old, new)
        return replace(later, loss=redeployed.loss, notes=(*later.notes, *redeployed.notes))
    return replace(later, loss=lost_while_suspended(old, new))


_SUSPENDED_STATELESS = "it was suspended with upgradeMode stateless"


def lost_while_suspended(old: DeclaredJob, new: DeclaredJob) -> str:
    """Why a suspended job will not find its state when it is resumed; empty if it will."""
    return "" if old.upgrade_mode == "stateless" else _resumed(old, new).loss


def _resumed(old: DeclaredJob, new: DeclaredJob) -> Outcome:
    """The operator restores the state that the job was suspended with, unless upgradeMode is stateless."""
    if new.upgrade_mode == "stateless":
        lost = "upgradeMode stateless: it starts empty and ignores the state that it was suspended with"
        if old.upgrade_mode == "stateless" and old.has_state:  # its state was lost at the suspension
            return Outcome(Effect.RESUME_FROM_EMPTY, notes=(_SUSPENDED_STATELESS,))
        return Outcome(Effect.RESUME_FROM_EMPTY, loss=lost if old.has_state else "")
    if old.upgrade_mode == "savepoint":
        return Outcome(Effect.RESUME_FROM_SAVEPOINT, loss=restore.own_savepoint(old).lost(old, new))
    if old.upgrade_mode == "last-state":
        return Outcome(Effect.RESUME_FROM_LAST_STATE, loss=restore.lost_last_state(old, new))
    return Outcome(Effect.RESUME_FROM_EMPTY, notes=(_SUSPENDED_STATELESS,))


def _restarted(old: DeclaredJob, new: DeclaredJob) -> Outcome:
    """The outcome of a restart by the new spec's upgrade mode."""
    if new.upgrade_mode == "stateless":
        return Outcome(Effect.FROM_EMPTY, loss="upgradeMode is stateless" if old.has_state else "")
    if new.kind == FlinkKind.BLUE_GREEN:
        note = "blue/green: the new deployment starts while the old one runs; both use resources for a while"
        by_savepoint = _by_savepoint(old, new)
        return replace(by_savepoint, notes=(note, *by_savepoint.notes))
    return _stopped(old, new)


def _stopped(old: DeclaredJob, new: DeclaredJob) -> Outcome:
    """The state that a stopped job restarts from; a suspended blue/green deployment uses its active deployment's."""
    if new.upgrade_mode == "savepoint":
        return _by_savepoint(old, new)
    if old.flink_version != new.flink_version:
        reason = "the Flink version changes, which last-state does not support"
        if restore.upgrade_savepoint(old, new).directory or not new.operator.is_new:
            by_savepoint = _by_savepoint(old, new)
            return replace(by_savepoint, notes=(reason, *by_savepoint.notes))
        note = f"{reason}: the job is cancelled and restarts from its last checkpoint"
        return _from_checkpoint(old, restore.lost_after_cancel(old, new), (note,))
    if not new.operator.is_new and not old.high_availability:
        return _by_savepoint(old, new)
    age = new.text("kubernetes.operator.job.upgrade.last-state.max.allowed.checkpoint.age")
    notes = (f"from a savepoint if the newest checkpoint is older than {age}",) if age else ()
    return _from_checkpoint(old, restore.lost_last_state(old, new), notes)


def _from_checkpoint(old: DeclaredJob, loss: str, notes: tuple[str, ...]) -> Outcome:
    """The operator restores the last checkpoint; without one it starts the job empty."""
    if old.takes_checkpoints:
        return Outcome(Effect.FROM_LAST_STATE, loss=loss, notes=notes)
    note = "the running job's configuration does not enable checkpoints, so it has no last state"
    return Outcome(Effect.FROM_EMPTY, loss=note if old.has_state else "", notes=() if old.has_state else (note,))


def _by_savepoint(old: DeclaredJob, new: DeclaredJob) -> Outcome:
    source = restore.upgrade_savepoint(old, new)
    if not source.directory:
        remedy = "set one with this change"
        if new.kind == FlinkKind.BLUE_GREEN:
            remedy = "a blue/green deployment uses the directory that it runs with"
        return Outcome(Effect.STUCK, notes=(f"no savepoint directory is set: {remedy}",))
    if blocked := source.blocked(old):
        remedy = "mount it with the savepoint directory as it is, then change the directory"
        return Outcome(Effect.STUCK, notes=(f"{blocked}: {remedy}",))
    stops = new.kind != FlinkKind.BLUE_GREEN
    notes = restore.drain_notes(new) if stops else ()
    return Outcome(Effect.FROM_SAVEPOINT, loss=source.lost(old, new), notes=notes)


def _rescales(old: DeclaredJob, new: DeclaredJob) -> bool:
    """Whether the operator rescales a running cluster in place, if only its scale has changed."""
    if new.mode == "standalone":
        return old.text("scheduler-mode").lower() == "reactive"
    if not old.is_on("kubernetes.operator.job.upgrade.inplace-scaling.enabled", default=True):
        return False
    if restore.version(old.flink_version) < (1, 18) or old.text("jobmanager.scheduler").lower() != "adaptive":
        return False
    return set(_vertices(old)) <= set(_vertices(new)) and bool(_vertices(new))


def _vertices(job: DeclaredJob) -> list[str]:
    return [pair.partition(":")[0].strip() for pair in job.text(_OVERRIDES).split(",") if pair.strip()]


def _refusal(old: DeclaredJob, new: DeclaredJob, changes: Sequence[Change]) -> str:
    """The error of the operator's validator for a change; empty if it accepts the change."""
    if new.kind == FlinkKind.SESSION_JOB and old.spec.get("deploymentName") != new.spec.get("deploymentName"):
        return "a session job cannot move to another cluster"
    if (old.job is None) != (new.job is None):
        return "a cluster cannot change between session and application"
    if new.kind != FlinkKind.SESSION_JOB and old.mode != new.mode:
        return "a cluster cannot change between native and standalone"
    if any(change.diff is Diff.SAVEPOINT_REDEPLOY for change in changes) and not _path(new):
        return "savepointRedeployNonce requires an initialSavepointPath"
    if (
        new.kind == FlinkKind.DEPLOYMENT
        and old.is_suspended
        and (old.upgrade_mode, old.flink_version != new.flink_version) == ("last-state", True)
        and new.upgrade_mode != "stateless"
    ):
        return "a job that was suspended by last-state must resume on its Flink version; change the version afterwards"
    return ""


def _notes(old: DeclaredJob, new: DeclaredJob, changes: Sequence[Change], effect: Effect) -> list[str]:
    notes: list[str] = []
    fields = {change.path[-1] for change in changes}
    if effect is Effect.NO_RESTART:
        if "upgradeMode" in fields and new.upgrade_mode == "stateless" and old.has_state:
            notes.append("it starts empty at each later restart")
        if "savepointTriggerNonce" in fields and (new.job or {}).get("savepointTriggerNonce") is not None:
            notes.append("a savepoint is taken")
    if aggregate(list(changes)) is Diff.IGNORE and "initialSavepointPath" in fields:
        notes.append("initialSavepointPath takes effect only if savepointRedeployNonce changes too")
    if _restores(old, new, effect) and effect is not Effect.SUSPEND:
        notes += restore.notes(old, new, changes)
    elif _restores(old, new, effect):
        notes += restore.version_notes(old, new)
    if effect in _STARTS:
        notes += restore.start_notes(new)
    if new.is_on("job.autoscaler.enabled") and "parallelism" in fields:
        notes.append("the autoscaler decides the parallelism of each vertex")
    return notes


def _restores(old: DeclaredJob, new: DeclaredJob, effect: Effect) -> bool:
    """Whether the job starts from its state: now, or when it is resumed."""
    is_suspended = effect in (Effect.SUSPEND, Effect.STAYS_SUSPENDED)
    return effect in _FROM_STATE or (is_suspended and "stateless" not in (old.upgrade_mode, new.upgrade_mode))


def _path_notes(new: DeclaredJob) -> tuple[str, ...]:
    """The notes for a job that starts from a given path."""
    lasts = all(new.location(process, _path(new)).lasts for process in PROCESSES)
    return (f"starts from {_path(new)}{'' if lasts else ', which is inside its pod'}",)


def _path(job: DeclaredJob) -> str:
    return str((job.job or {}).get("initialSavepointPath") or "").strip()
