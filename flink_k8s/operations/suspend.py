"""`make suspend` and `make resume`: stop a stack's jobs, for example overnight, and continue them from their state.

No file is changed: the engine's state records the suspended jobs (`flink_k8s/operations/suspended.py`).
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from flink_k8s.config.merge import merge_mappings
from flink_k8s.config.problems import ProblemsError
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.operations import deploy
from flink_k8s.operations.stack import Stack
from flink_k8s.operations.suspended import Change, Suspended
from flink_k8s.plan.effects import Effect, Outcome, changed
from flink_k8s.plan.state import DeclaredJob, Operator
from flink_k8s.resolve import resource_requests
from flink_k8s.resolve.explain import wanted
from flink_k8s.resolve.job_spec import in_template, job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.console import confirm, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl

Live = Mapping[str, Mapping[str, Any]]
"""The Flink resources in the cluster, by `kind/namespace/name`."""


@dataclass(frozen=True)
class Suspension:
    """The effect of `make suspend` on each job.

    Attributes:
        stop: the jobs that it stops, with the outcome.
        leave: `namespace/name` of each job that it does not change, with the reason.
    """

    stop: Sequence[tuple[Job, Outcome]]
    leave: Mapping[str, str]

    @property
    def refusals(self) -> list[str]:
        """Why jobs cannot be suspended, a line each."""
        stuck = (Effect.STUCK, Effect.REFUSED)
        return [f"{_title(job)}: {'; '.join(outcome.notes)}" for job, outcome in self.stop if outcome.effect in stuck]


def plan_suspension(stack: Stack, name: str, suspended: Suspended, live: Live) -> Suspension:
    """The effect of suspending a stack's jobs, or one of them.

    Args:
        stack: the stack.
        name: of the job; empty for all jobs.
        suspended: the jobs that are already suspended.
        live: the Flink resources in the cluster.

    Raises:
        CommandError: if the job is unknown.
    """
    stop: list[tuple[Job, Outcome]] = []
    leave: dict[str, str] = {}
    for job in _selected(stack, name):
        flink_object = live.get(job.key)
        status = cast(Mapping[str, Any], (flink_object or {}).get("status") or {})
        state = cast(Mapping[str, Any], status.get("jobStatus") or {}).get("state")
        if job_of(job.spec) is None:
            leave[_title(job)] = "a session cluster: it has no job of its own, and its pods stay"
        elif job.is_suspended:
            leave[_title(job)] = "suspended in its job file or the stack config"
        elif job.key in suspended:
            leave[_title(job)] = f"suspended since {suspended[job.key]}"
        elif flink_object is None:
            leave[_title(job)] = "not in the cluster yet"
        elif state == "FINISHED" and not name:
            leave[_title(job)] = f"has FINISHED; to suspend it anyway, set JOB={job.name}: a resume runs it again"
        else:
            stop.append((job, _outcome(job, flink_object, live, stack)))
    return Suspension(stop, leave)


def _selected(stack: Stack, name: str) -> list[Job]:
    jobs = [job for job in stack.platform.jobs if job.kind != FlinkKind.SNAPSHOT]
    try:
        return [wanted(jobs, name)] if name else jobs
    except ProblemsError as error:
        raise CommandError(str(error).removeprefix("--explain: ")) from None


def _outcome(job: Job, flink_object: Mapping[str, Any], live: Live, stack: Stack) -> Outcome:
    """The plan's outcome for suspending the job."""
    settings = stack.platform.settings.operator
    operator = Operator(settings.version, settings.configuration)
    cluster = live.get(f"FlinkDeployment/{job.namespace}/{job.session_cluster}")
    session_cluster = DeclaredJob.of(cluster, operator) if job.session_cluster and cluster else None
    spec = merge_mappings(job.spec, in_template(job.kind, {"job": {"state": "suspended"}}))
    old = replace(DeclaredJob.of(flink_object, operator), cluster=session_cluster)
    new = replace(DeclaredJob.of({**job.manifest, "spec": spec}, operator), cluster=session_cluster)
    return changed(old, new)


def in_cluster(kubectl: Kubectl, stack: Stack) -> Live:
    """The Flink resources in the stack's namespaces.

    Raises:
        CommandError: if the cluster does not answer.
    """
    live: dict[str, Mapping[str, Any]] = {}
    for kind in sorted({job.kind for job in stack.platform.jobs}):
        for namespace in stack.platform.settings.namespaces:
            for item in kubectl.items(kind.resource, "-n", namespace):
                live[f"{kind}/{namespace}/{item['metadata']['name']}"] = item
    return live


def suspend(engine: deploy.Engine, stack: Stack, name: str, *, yes: bool, allowed: Collection[str]) -> None:
    """Stop the jobs and wait until they are suspended.

    Raises:
        CommandError: if a job would lose its state or cannot be suspended, if the user does not confirm that protected
            jobs stop, or if the engine fails.
    """
    before = engine.suspended(stack)
    suspension = plan_suspension(stack, name, before, in_cluster(Kubectl.of(stack), stack))
    for job, outcome in suspension.stop:
        say(f"suspend {_title(job)}: {'; '.join(outcome.notes) or 'it starts empty when it is resumed'}")
    for title, reason in suspension.leave.items():
        say(f"leave {title}: {reason}")
    if suspension.refusals:
        raise CommandError("nothing was changed: cannot suspend these jobs:\n  " + "\n  ".join(suspension.refusals))
    _refuse_losses("suspend", stack, suspension.stop, allowed)
    jobs = [job for job, _ in suspension.stop]
    if not jobs:
        say(f"{stack.name}: nothing to suspend")
        return
    protected = [_title(job) for job in jobs if job.is_protected]
    if protected:
        say(f"protected jobs that do not run until they are resumed: {', '.join(protected)}")
        confirm(stack.name, yes=yes)
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {getpass.getuser()} on {socket.gethostname()}"
    engine.up(stack, Change({**before, **{job.key: since for job in jobs}}, [job.key for job in jobs]))
    pods, cpu, memory, _ = resource_requests.cells(resource_requests.declared(jobs, (), stack.platform.settings).total)
    names = ", ".join(map(_title, jobs))
    say(f"{stack.name}: suspended: {names}; this frees {cpu} CPU, {memory} of memory in {pods} pods")
    say(f"to continue: make resume STACK={stack.name}")


def _refuse_losses(
    operation: str, stack: Stack, outcomes: Sequence[tuple[Job, Outcome]], allowed: Collection[str]
) -> None:
    losses = [(job, outcome.loss) for job, outcome in outcomes if outcome.loss]
    refused = [(job, reason) for job, reason in losses if not {job.name, _title(job), job.key} & {*allowed}]
    if not refused:
        return
    lines = [f"  {_title(job)}: {reason}" for job, reason in refused]
    remedy = f'make {operation} STACK={stack.name} ALLOW="{" ".join(job.name for job, _ in refused)}"'
    message = ["nothing was changed: these jobs would lose their state:", *lines, f"to allow the state loss: {remedy}"]
    raise CommandError("\n".join(message))


def resume(engine: deploy.Engine, stack: Stack, name: str, *, allowed: Collection[str]) -> None:
    """Resume suspended jobs and wait until they run.

    Raises:
        CommandError: if the job is unknown, if a job would lose its state because of later changes, or if the engine
            fails.
    """
    before = engine.suspended(stack)
    declared = {job.key: job for job in _selected(stack, name)}
    jobs = [declared[key] for key in before if key in declared]
    for job in declared.values():
        if job.is_suspended:
            say(f"leave {_title(job)}: suspended in its job file or the stack config")
    if not jobs:
        say(f"{stack.name}: {f'{name} was not' if name else 'no job was'} suspended by make suspend")
        return
    live = in_cluster(Kubectl.of(stack), stack)
    outcomes = [(job, _outcome(job, live[job.key], live, stack)) for job in jobs if job.key in live]
    suspended = [(job, outcome) for job, outcome in outcomes if outcome.effect is Effect.STAYS_SUSPENDED]
    _refuse_losses("resume", stack, suspended, allowed)
    about = {job.key for job in jobs}
    engine.up(stack, Change({key: since for key, since in before.items() if key not in about}, about))
    say(f"{stack.name}: resumed: {', '.join(map(_title, jobs))}")


def _title(job: Job) -> str:
    return f"{job.namespace}/{job.name}"
