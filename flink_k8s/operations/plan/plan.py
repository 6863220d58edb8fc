"""A stack's plan: what its preview does to each job, and what else changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flink_k8s.config.namespace import Limits
from flink_k8s.facts.kinds import FLINK_GROUP, FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.operations.plan import effects, resources, restore
from flink_k8s.operations.plan.effects import Effect, Outcome
from flink_k8s.operations.plan.others import OtherChange, other, plain_error, shows
from flink_k8s.operations.plan.preview import Operation, Preview, Step
from flink_k8s.operations.plan.state import DeclaredJob, Operator
from flink_k8s.resolve.quota_usage import FREE, NO_COSTS, Cost, Costs, Usage


@dataclass(frozen=True)
class JobPlan:
    """What happens to one job.

    Attributes:
        kind: of its resource.
        namespace: of it.
        name: of it.
        outcome: what happens.
        was: what it cost.
        becomes: what it is to cost.
    """

    kind: str
    namespace: str
    name: str
    outcome: Outcome
    was: Cost
    becomes: Cost

    @property
    def title(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    @property
    def before(self) -> Usage:
        """What its pods and the claims that are its alone ask for."""
        return self.was.usage

    @property
    def after(self) -> Usage:
        """What they are to ask for."""
        return self.becomes.usage

    def is_named(self, name: str) -> bool:
        """Whether a user means it: by its name, with its namespace, or with its kind too."""
        return name in (self.name, self.title, f"{self.kind}/{self.title}")


@dataclass(frozen=True)
class Plan:
    """A whole plan.

    Attributes:
        jobs: those that lose state first, then the other changes, then the rest; by name.
        others: the rest of the stack that changes.
        errors: why the engine refuses the change.
        was: what all of it cost.
        becomes: what all of it is to cost.
    """

    jobs: tuple[JobPlan, ...]
    others: tuple[OtherChange, ...] = ()
    errors: tuple[str, ...] = ()
    was: Costs = NO_COSTS
    becomes: Costs = NO_COSTS

    @property
    def before(self) -> Usage:
        """What all jobs and claims ask for."""
        return self.was.total.usage

    @property
    def after(self) -> Usage:
        """What all jobs and claims are to ask for."""
        return self.becomes.total.usage

    @property
    def teams(self) -> list[str]:
        """Every namespace that something is in, before or after."""
        return sorted({*self.was.teams, *self.becomes.teams})


@dataclass
class _Entry:
    """A job on the way to its plan."""

    step: Step
    old: DeclaredJob | None
    new: DeclaredJob | None
    outcome: Outcome = field(default_factory=lambda: Outcome(Effect.NOTHING))

    @property
    def job(self) -> DeclaredJob:
        """Whom the plan speaks of: of a replacement the one that goes."""
        replaces = self.step.operation is Operation.REPLACE
        found = (self.old or self.new) if replaces else (self.new or self.old)
        assert found is not None
        return found

    @property
    def goes(self) -> bool:
        return self.outcome.effect in _GOES


_GOES = frozenset({Effect.DELETE, Effect.DELETE_WITH_SAVEPOINT, Effect.REPLACE})
_STAYS_AS_IT_IS = frozenset({Effect.REFUSED, Effect.STUCK, Effect.DELETE_REFUSED, Effect.REPLACE_REFUSED})
_LEFT_ALONE = frozenset({Effect.NOTHING, Effect.METADATA, Effect.NO_RESTART, Effect.RESCALE})


def plan(preview: Preview, operator: Operator, limits: Mapping[str, Limits] | None = None) -> Plan:
    """What a preview comes to.

    Args:
        preview: of the stack.
        operator: as it will be after `up`.
        limits: of its namespaces, whose defaults count for containers that say nothing.
    """
    entries = [
        _Entry(step, _job(step.old, operator), _job(step.new, operator)) for step in preview.steps if _is_job(step)
    ]
    _into_clusters(entries)
    for entry in entries:
        entry.outcome = _outcome(entry)
    _with_their_clusters(entries)
    _with_what_they_stand_on(entries, preview.steps)
    _renamed(entries)
    was = resources.before((entry.old for entry in entries), preview.steps, limits or {})
    stays = (entry.old if entry.outcome.effect in _STAYS_AS_IT_IS else entry.new for entry in entries)
    becomes = resources.after(stays, preview.steps, limits or {})
    jobs = sorted((_job_plan(entry, was, becomes) for entry in entries), key=_rank)
    others = tuple(other(step) for step in preview.steps if not _is_job(step) and shows(step))
    return Plan(tuple(jobs), others, tuple(filter(None, map(plain_error, preview.errors))), was, becomes)


def _is_job(step: Step) -> bool:
    is_flink = step.type.startswith(f"kubernetes:{FLINK_GROUP}/")
    return is_flink and FlinkKind(step.kind).runs_job


def _job(inputs: Mapping[str, object] | None, operator: Operator) -> DeclaredJob | None:
    return DeclaredJob.of(inputs, operator) if inputs is not None else None


def _into_clusters(entries: Sequence[_Entry]) -> None:
    """Gives session jobs the cluster that they run in, before and after."""

    def placed(job: DeclaredJob | None, side: Callable[[_Entry], DeclaredJob | None]) -> DeclaredJob | None:
        if job is None or job.kind != FlinkKind.SESSION_JOB:
            return job
        wanted = (FlinkKind.DEPLOYMENT, job.namespace, job.spec.get("deploymentName"))
        clusters = (side(entry) for entry in entries)
        found = next((one for one in clusters if one and (one.kind, one.namespace, one.name) == wanted), None)
        return replace(job, cluster=found)

    for entry in entries:
        entry.old = placed(entry.old, lambda other: other.old)
        entry.new = placed(entry.new, lambda other: other.new)


def _outcome(entry: _Entry) -> Outcome:
    step, old, new = entry.step, entry.old, entry.new
    if old is None and new is not None:
        return effects.added(new)
    if old is not None and new is None:
        return effects.deleted(old, protected=step.protected)
    if old is None or new is None or step.operation is Operation.SAME:
        return Outcome(Effect.NOTHING, notes=("suspended",) if new and new.is_suspended else ())
    if step.operation is Operation.REPLACE:
        becomes = () if (old.namespace, old.name) == (new.namespace, new.name) else (f"it becomes {_title(new)}",)
        outcome = effects.replaced(old, new, step.replaced_for, protected=step.protected)
        return replace(outcome, notes=(*outcome.notes, *becomes))
    return effects.changed(old, new, metadata=True)


def _with_their_clusters(entries: Sequence[_Entry]) -> None:
    """A session job shares what happens to its cluster."""
    for cluster in entries:
        if cluster.old is None or not (cluster.goes or cluster.outcome.effect is Effect.CLUSTER_RESTART):
            continue
        session_jobs = [entry for entry in entries if entry.old and entry.old.cluster is cluster.old and entry.new]
        for entry in session_jobs:
            if not entry.goes:
                _with_its_cluster(entry, cluster)
        if cluster.outcome.loss and session_jobs and not any(entry.outcome.loss for entry in session_jobs):
            note = f"{cluster.outcome.loss}; none of the declared session jobs loses state by it"
            cluster.outcome = replace(cluster.outcome, loss="", notes=(*cluster.outcome.notes, note))


def _with_its_cluster(entry: _Entry, cluster: _Entry) -> None:
    old, new = entry.old, entry.new
    assert old is not None
    assert new is not None
    assert old.cluster is not None
    title = f"its session cluster {old.cluster.name}"
    if old.is_suspended:
        reason = "" if cluster.goes or new.cluster is None else effects.lost_while_suspended(old, new)
        if reason and not entry.outcome.loss:
            entry.outcome = replace(entry.outcome, loss=reason)
        return
    if cluster.goes or new.cluster is None:
        lost = f"{title} goes"
    else:
        reason = restore.lost_by_cluster(old, new)
        lost = reason and f"{title} restarts {reason}"
    if lost:
        entry.outcome = _also(entry.outcome, Effect.FROM_EMPTY, "" if old.has_state else lost)
        if old.has_state and not entry.outcome.loss:
            entry.outcome = replace(entry.outcome, loss=lost)
    elif entry.outcome.effect in _LEFT_ALONE:
        note = f"{title} restarts: high availability brings it back"
        entry.outcome = _also(entry.outcome, Effect.FROM_LAST_STATE, note)


def _also(outcome: Outcome, effect: Effect, note: str) -> Outcome:
    return replace(outcome, effect=effect, notes=(*outcome.notes, note) if note else outcome.notes)


def _with_what_they_stand_on(entries: Sequence[_Entry], steps: Sequence[Step]) -> None:
    """A claim or a namespace that goes takes the state of the jobs on it along."""
    for step in steps:
        if step.operation not in (Operation.DELETE, Operation.REPLACE) or step.protected or step.retained:
            continue
        metadata = mapping(mapping(step.old).get("metadata"))
        namespace, name = metadata.get("namespace"), metadata.get("name")
        for entry in entries:
            old = entry.old
            if old is None or not old.has_state or entry.outcome.loss or entry.outcome.effect in _STAYS_AS_IT_IS:
                continue
            if step.kind == "PersistentVolumeClaim" and old.namespace == namespace and name in old.claims:
                entry.outcome = replace(entry.outcome, loss=f"the claim {name} goes with what is on it")
            elif step.kind == "Namespace" and old.namespace == name and entry.new is not None:
                entry.outcome = replace(entry.outcome, loss=f"the namespace {name} goes with all that is in it")


def _renamed(entries: Sequence[_Entry]) -> None:
    """One job that goes and one that comes with the same code: what the user calls a rename."""
    coming = [entry for entry in entries if entry.old is None]
    for entry in entries:
        if entry.old is None or entry.new is not None:
            continue
        same = [one for one in coming if one.job.kind == entry.old.kind and _code(one.job) == _code(entry.old)]
        if len(same) == 1:
            target = _title(same[0].job)
            went = (
                f"looks like a rename to {target}: to Kubernetes that is another job; give it the state by restoreFrom"
            )
            came = f"looks like {_title(entry.old)} renamed"
            entry.outcome = replace(entry.outcome, notes=(*entry.outcome.notes, went))
            same[0].outcome = replace(same[0].outcome, notes=(*same[0].outcome.notes, came))


def _title(job: DeclaredJob) -> str:
    return f"{job.namespace}/{job.name}"


def _code(job: DeclaredJob) -> list[object]:
    said = job.job or {}
    return [job.spec.get("image"), *(said.get(key) for key in ("jarURI", "entryClass", "args"))]


def _job_plan(entry: _Entry, was: Costs, becomes: Costs) -> JobPlan:
    job, after = entry.job, entry.new
    if entry.outcome.effect in _STAYS_AS_IT_IS:
        after = entry.old
    return JobPlan(job.kind, job.namespace, job.name, entry.outcome, _cost_of(entry.old, was), _cost_of(after, becomes))


def _cost_of(job: DeclaredJob | None, costs: Costs) -> Cost:
    return FREE if job is None else costs.jobs[job.kind, job.namespace, job.name]


def _rank(job: JobPlan) -> tuple[int, str, str]:
    group = 0 if job.outcome.loss else 2 if job.outcome.effect is Effect.NOTHING else 1
    return group, job.title, job.kind
