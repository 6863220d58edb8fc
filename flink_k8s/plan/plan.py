"""A stack's plan: the effect of its preview on each job, and the other changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flink_k8s.config.namespace import Limits
from flink_k8s.facts.kinds import FLINK_GROUP, FlinkKind
from flink_k8s.facts.mappings import mapping
from flink_k8s.plan import effects, resources, restore
from flink_k8s.plan.effects import Effect, Outcome
from flink_k8s.plan.others import OtherChange, other, plain_error, shows
from flink_k8s.plan.sql_state import StateFit
from flink_k8s.plan.state import DeclaredJob, Operator
from flink_k8s.plan.steps import Operation, Preview, Step
from flink_k8s.resolve.quota_usage import NO_REQUESTS, NO_STACK_REQUESTS, JobRequests, Requests, StackRequests


@dataclass(frozen=True)
class JobPlan:
    """The effect on one job.

    Attributes:
        kind: of its resource.
        namespace: of its resource.
        name: of its resource.
        outcome: what happens.
        was: its requests before.
        becomes: its requests after.
    """

    kind: str
    namespace: str
    name: str
    outcome: Outcome
    was: JobRequests
    becomes: JobRequests

    @property
    def title(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    @property
    def before(self) -> Requests:
        """The requests of its pods and of the claims that only this job mounts."""
        return self.was.normal

    @property
    def after(self) -> Requests:
        """The same requests after the change."""
        return self.becomes.normal

    def is_named(self, name: str) -> bool:
        """Whether a user's name matches the job: its name, with its namespace, or with its kind too."""
        return name in (self.name, self.title, f"{self.kind}/{self.title}")


@dataclass(frozen=True)
class Plan:
    """The plan of a stack.

    Attributes:
        jobs: those that lose state first, then the other changes, then the rest; by name.
        others: the changed resources that are not jobs.
        errors: why the engine refuses the change.
        was: all requests before.
        becomes: all requests after.
    """

    jobs: tuple[JobPlan, ...]
    others: tuple[OtherChange, ...] = ()
    errors: tuple[str, ...] = ()
    was: StackRequests = NO_STACK_REQUESTS
    becomes: StackRequests = NO_STACK_REQUESTS

    @property
    def before(self) -> Requests:
        """The requests of all jobs and claims."""
        return self.was.total.normal

    @property
    def after(self) -> Requests:
        """The same requests after the change."""
        return self.becomes.total.normal

    @property
    def teams(self) -> list[str]:
        """Every namespace with jobs or claims, before or after."""
        return sorted({*self.was.teams, *self.becomes.teams})


@dataclass
class _Entry:
    """A job while the plan is calculated."""

    step: Step
    old: DeclaredJob | None
    new: DeclaredJob | None
    outcome: Outcome = field(default_factory=lambda: Outcome(Effect.NOTHING))

    @property
    def job(self) -> DeclaredJob:
        """The job that the plan lists: for a replacement the old job, else the new one."""
        replaces = self.step.operation is Operation.REPLACE
        job = (self.old or self.new) if replaces else (self.new or self.old)
        assert job is not None
        return job

    @property
    def is_deleted(self) -> bool:
        return self.outcome.effect in _DELETED


_DELETED = frozenset({Effect.DELETE, Effect.DELETE_WITH_SAVEPOINT, Effect.REPLACE})
_UNCHANGED = frozenset({Effect.REFUSED, Effect.STUCK, Effect.DELETE_REFUSED, Effect.REPLACE_REFUSED})
_NOT_RESTARTED = frozenset({Effect.NOTHING, Effect.METADATA, Effect.NO_RESTART, Effect.RESCALE})


def plan(
    preview: Preview,
    operator: Operator,
    limits: Mapping[str, Limits] | None = None,
    scripts: Mapping[str, StateFit] | None = None,
) -> Plan:
    """The plan of a preview.

    Args:
        preview: of the stack.
        operator: as declared for `up`.
        limits: of its namespaces; their defaults count for containers without requests.
        scripts: whether the state of a SQL job fits its changed statements, by the URN of the job.
    """
    entries = [
        _Entry(step, _job(step.old, operator), _job(step.new, operator)) for step in preview.steps if _is_job(step)
    ]
    _assign_clusters(entries)
    for entry in entries:
        entry.outcome = _outcome(entry, scripts or {})
    _apply_cluster_outcomes(entries)
    _apply_deletions_of_storage(entries, preview.steps)
    _note_renames(entries)
    was = resources.before((entry.old for entry in entries), preview.steps, limits or {})
    after = (entry.old if entry.outcome.effect in _UNCHANGED else entry.new for entry in entries)
    becomes = resources.after(after, preview.steps, limits or {})
    jobs = sorted((_job_plan(entry, was, becomes) for entry in entries), key=_rank)
    others = tuple(other(step) for step in preview.steps if not _is_job(step) and shows(step))
    return Plan(tuple(jobs), others, tuple(filter(None, map(plain_error, preview.errors))), was, becomes)


def _is_job(step: Step) -> bool:
    is_flink = step.type.startswith(f"kubernetes:{FLINK_GROUP}/")
    return is_flink and FlinkKind(step.kind).runs_job


def _job(inputs: Mapping[str, object] | None, operator: Operator) -> DeclaredJob | None:
    return DeclaredJob.of(inputs, operator) if inputs is not None else None


def _assign_clusters(entries: Sequence[_Entry]) -> None:
    """Set the cluster of each session job, before and after."""

    def placed(job: DeclaredJob | None, side: Callable[[_Entry], DeclaredJob | None]) -> DeclaredJob | None:
        if job is None or job.kind != FlinkKind.SESSION_JOB:
            return job
        key = (FlinkKind.DEPLOYMENT, job.namespace, job.spec.get("deploymentName"))
        candidates = (side(entry) for entry in entries)
        cluster = next((item for item in candidates if item and (item.kind, item.namespace, item.name) == key), None)
        return replace(job, cluster=cluster)

    for entry in entries:
        entry.old = placed(entry.old, lambda other: other.old)
        entry.new = placed(entry.new, lambda other: other.new)


def _outcome(entry: _Entry, scripts: Mapping[str, StateFit]) -> Outcome:
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
    if fit := scripts.get(step.urn):
        return effects.changed(old, new, metadata=True, script=fit)
    return effects.changed(old, new, metadata=True)


def _apply_cluster_outcomes(entries: Sequence[_Entry]) -> None:
    """Apply the outcome of each session cluster to its session jobs."""
    for cluster in entries:
        if cluster.old is None or not (cluster.is_deleted or cluster.outcome.effect is Effect.CLUSTER_RESTART):
            continue
        session_jobs = [entry for entry in entries if entry.old and entry.old.cluster is cluster.old and entry.new]
        for entry in session_jobs:
            if not entry.is_deleted:
                _apply_cluster_outcome(entry, cluster)
        if cluster.outcome.loss and session_jobs and not any(entry.outcome.loss for entry in session_jobs):
            note = f"{cluster.outcome.loss}; none of the declared session jobs loses state"
            cluster.outcome = replace(cluster.outcome, loss="", notes=(*cluster.outcome.notes, note))


def _apply_cluster_outcome(entry: _Entry, cluster: _Entry) -> None:
    old, new = entry.old, entry.new
    assert old is not None
    assert new is not None
    assert old.cluster is not None
    title = f"its session cluster {old.cluster.name}"
    if old.is_suspended:
        reason = "" if cluster.is_deleted or new.cluster is None else effects.lost_while_suspended(old, new)
        if reason and not entry.outcome.loss:
            entry.outcome = replace(entry.outcome, loss=reason)
        return
    if cluster.is_deleted or new.cluster is None:
        lost = f"{title} is deleted"
    else:
        reason = restore.lost_by_cluster(old, new)
        lost = reason and f"{title} restarts {reason}"
    if lost:
        entry.outcome = _also(entry.outcome, Effect.FROM_EMPTY, "" if old.has_state else lost)
        if old.has_state and not entry.outcome.loss:
            entry.outcome = replace(entry.outcome, loss=lost)
    elif entry.outcome.effect in _NOT_RESTARTED:
        note = f"{title} restarts: high availability recovers the job"
        entry.outcome = _also(entry.outcome, Effect.FROM_LAST_STATE, note)


def _also(outcome: Outcome, effect: Effect, note: str) -> Outcome:
    return replace(outcome, effect=effect, notes=(*outcome.notes, note) if note else outcome.notes)


def _apply_deletions_of_storage(entries: Sequence[_Entry], steps: Sequence[Step]) -> None:
    """Add state loss to jobs whose claim or namespace is deleted."""
    for step in steps:
        if step.operation not in (Operation.DELETE, Operation.REPLACE) or step.protected or step.retained:
            continue
        metadata = mapping(mapping(step.old).get("metadata"))
        namespace, name = metadata.get("namespace"), metadata.get("name")
        for entry in entries:
            old = entry.old
            if old is None or not old.has_state or entry.outcome.loss or entry.outcome.effect in _UNCHANGED:
                continue
            if step.kind == "PersistentVolumeClaim" and old.namespace == namespace and name in old.claims:
                entry.outcome = replace(entry.outcome, loss=f"the claim {name} is deleted with its data")
            elif step.kind == "Namespace" and old.namespace == name and entry.new is not None:
                entry.outcome = replace(entry.outcome, loss=f"the namespace {name} is deleted with all its objects")


def _note_renames(entries: Sequence[_Entry]) -> None:
    """Note a rename: a deleted and a new job with the same code."""
    new_entries = [entry for entry in entries if entry.old is None]
    for entry in entries:
        if entry.old is None or entry.new is not None:
            continue
        same = [new for new in new_entries if new.job.kind == entry.old.kind and _code(new.job) == _code(entry.old)]
        if len(same) == 1:
            target = _title(same[0].job)
            old_note = (
                f"looks like a rename to {target}: for Kubernetes that is a new job; set restoreFrom to keep the state"
            )
            new_note = f"looks like {_title(entry.old)} renamed"
            entry.outcome = replace(entry.outcome, notes=(*entry.outcome.notes, old_note))
            same[0].outcome = replace(same[0].outcome, notes=(*same[0].outcome.notes, new_note))


def _title(job: DeclaredJob) -> str:
    return f"{job.namespace}/{job.name}"


def _code(job: DeclaredJob) -> list[object]:
    spec = job.job or {}
    return [job.spec.get("image"), *(spec.get(key) for key in ("jarURI", "entryClass", "args"))]


def _job_plan(entry: _Entry, was: StackRequests, becomes: StackRequests) -> JobPlan:
    job, after = entry.job, entry.new
    if entry.outcome.effect in _UNCHANGED:
        after = entry.old
    return JobPlan(
        job.kind, job.namespace, job.name, entry.outcome, _requests_of(entry.old, was), _requests_of(after, becomes)
    )


def _requests_of(job: DeclaredJob | None, stack_requests: StackRequests) -> JobRequests:
    return NO_REQUESTS if job is None else stack_requests.jobs[job.kind, job.namespace, job.name]


def _rank(job: JobPlan) -> tuple[int, str, str]:
    group = 0 if job.outcome.loss else 2 if job.outcome.effect is Effect.NOTHING else 1
    return group, job.title, job.kind
