"""`make suspend` and `make resume`: a stack's jobs stop, and go on from where they were. For dev nights.

No file is written to: that a job is suspended is in the engine's state (`flink_k8s/operations/suspended.py`).
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
from flink_k8s.operations import deploy as engine
from flink_k8s.operations.plan.effects import Effect, Outcome, changed
from flink_k8s.operations.plan.state import DeclaredJob, Operator
from flink_k8s.operations.stack import Stack
from flink_k8s.operations.suspended import Change, Suspended
from flink_k8s.resolve import resource_requests as costs
from flink_k8s.resolve.explain import wanted
from flink_k8s.resolve.job_spec import in_template, job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.support.console import confirm, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl

Live = Mapping[str, Mapping[str, Any]]
"""Flink's resources as they are in the cluster, by `kind/namespace/name`."""


@dataclass(frozen=True)
class Stopping:
    """What `make suspend` does to each job.

    Attributes:
        stop: those that it stops, with what that does to them.
        leave: `namespace/name` to why it leaves one as it is.
    """

    stop: Sequence[tuple[Job, Outcome]]
    leave: Mapping[str, str]

    @property
    def refusals(self) -> list[str]:
        """Why jobs cannot be suspended, a line each."""
        stuck = (Effect.STUCK, Effect.REFUSED)
        return [f"{_title(job)}: {'; '.join(said.notes)}" for job, said in self.stop if said.effect in stuck]


def stopping(stack: Stack, job: str, suspended: Suspended, live: Live) -> Stopping:
    """What suspending a stack's jobs, or one of them, comes to.

    Args:
        stack: the stack.
        job: of that name only; empty for all.
        suspended: those that are already.
        live: what is in the cluster.

    Raises:
        CommandError: when there is no such job.
    """
    stop: list[tuple[Job, Outcome]] = []
    leave: dict[str, str] = {}
    for one in _chosen(stack, job):
        found = live.get(one.key)
        status = cast(Mapping[str, Any], (found or {}).get("status") or {})
        state = cast(Mapping[str, Any], status.get("jobStatus") or {}).get("state")
        if job_of(one.spec) is None:
            leave[_title(one)] = "a session cluster: it runs no job of its own, and its pods stay"
        elif one.is_suspended:
            leave[_title(one)] = "suspended by its own settings"
        elif one.key in suspended:
            leave[_title(one)] = f"suspended since {suspended[one.key]}"
        elif found is None:
            leave[_title(one)] = "not in the cluster yet"
        elif state == "FINISHED" and not job:
            leave[_title(one)] = f"has FINISHED; JOB={one.name} suspends it all the same, and a resume runs it anew"
        else:
            stop.append((one, _outcome(one, found, live, stack)))
    return Stopping(stop, leave)


def _chosen(stack: Stack, job: str) -> list[Job]:
    jobs = [one for one in stack.platform.jobs if one.kind != FlinkKind.SNAPSHOT]
    try:
        return [wanted(jobs, job)] if job else jobs
    except ProblemsError as error:
        raise CommandError(str(error).removeprefix("--explain: ")) from None


def _outcome(job: Job, found: Mapping[str, Any], live: Live, stack: Stack) -> Outcome:
    """What the plan would say of it, suspended."""
    settings = stack.platform.settings.operator
    operator = Operator(settings.version, settings.configuration)
    cluster = live.get(f"FlinkDeployment/{job.namespace}/{job.session_cluster}")
    above = DeclaredJob.of(cluster, operator) if job.session_cluster and cluster else None
    spec = merge_mappings(job.spec, in_template(job.kind, {"job": {"state": "suspended"}}))
    old = replace(DeclaredJob.of(found, operator), cluster=above)
    return changed(old, replace(DeclaredJob.of({**job.manifest, "spec": spec}, operator), cluster=above))


def in_cluster(kubectl: Kubectl, stack: Stack) -> Live:
    """Flink's resources in the stack's namespaces.

    Raises:
        CommandError: when the cluster cannot be asked.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for kind in sorted({job.kind for job in stack.platform.jobs}):
        for namespace in stack.platform.settings.namespaces:
            for item in kubectl.items(kind.resource, "-n", namespace):
                found[f"{kind}/{namespace}/{item['metadata']['name']}"] = item
    return found


def suspend(carrier: engine.Engine, stack: Stack, job: str, *, yes: bool, allowed: Collection[str]) -> None:
    """Stops the jobs and waits until they are suspended.

    Raises:
        CommandError: if one would lose its state or cannot be suspended, if the user does not confirm that protected
            ones stop, or if the engine fails.
    """
    before = carrier.suspended(stack)
    what = stopping(stack, job, before, in_cluster(Kubectl.of(stack), stack))
    for one, said in what.stop:
        say(f"suspend {_title(one)}: {'; '.join(said.notes) or 'it starts over when it is resumed'}")
    for name, why in what.leave.items():
        say(f"leave {name}: {why}")
    if what.refusals:
        raise CommandError("nothing was done, these cannot be suspended:\n  " + "\n  ".join(what.refusals))
    _refuse_losses("suspend", stack, what.stop, allowed)
    jobs = [one for one, _ in what.stop]
    if not jobs:
        say(f"{stack.name}: nothing to suspend")
        return
    guarded = [_title(one) for one in jobs if one.is_protected]
    if guarded:
        say(f"protected jobs that will not run until they are resumed: {', '.join(guarded)}")
        confirm(stack.name, yes=yes)
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {getpass.getuser()} on {socket.gethostname()}"
    carrier.up(stack, Change({**before, **{one.key: since for one in jobs}}, [one.key for one in jobs]))
    pods, cpu, memory, _ = costs.cells(costs.declared(jobs, (), stack.platform.settings).total)
    names = ", ".join(map(_title, jobs))
    say(f"{stack.name}: suspended: {names}; that frees {cpu} CPU, {memory} of memory in {pods} pods")
    say(f"to continue: make resume STACK={stack.name}")


def _refuse_losses(
    operation: str, stack: Stack, outcomes: Sequence[tuple[Job, Outcome]], allowed: Collection[str]
) -> None:
    losing = [(one, said.loss) for one, said in outcomes if said.loss]
    lost = [(one, why) for one, why in losing if not {one.name, _title(one), one.key} & {*allowed}]
    if not lost:
        return
    lines = [f"  {_title(one)}: {why}" for one, why in lost]
    remedy = f'make {operation} STACK={stack.name} ALLOW="{" ".join(one.name for one, _ in lost)}"'
    said = ["nothing was done, these would lose their state:", *lines, f"to go on all the same: {remedy}"]
    raise CommandError("\n".join(said))


def resume(carrier: engine.Engine, stack: Stack, job: str, *, allowed: Collection[str]) -> None:
    """Brings suspended jobs back and waits until they run.

    Raises:
        CommandError: when there is no such job, when what has been changed since would have one lose its state, or the
            engine fails.
    """
    before = carrier.suspended(stack)
    declared = {one.key: one for one in _chosen(stack, job)}
    jobs = [declared[key] for key in before if key in declared]
    for one in declared.values():
        if one.is_suspended:
            say(f"leave {_title(one)}: suspended by its own settings")
    if not jobs:
        say(f"{stack.name}: {f'{job} was' if job else 'no job was'} {'not ' if job else ''}suspended by make suspend")
        return
    live = in_cluster(Kubectl.of(stack), stack)
    pending = [(one, _outcome(one, live[one.key], live, stack)) for one in jobs if one.key in live]
    asleep = [(one, said) for one, said in pending if said.effect is Effect.STAYS_SUSPENDED]
    _refuse_losses("resume", stack, asleep, allowed)
    about = {one.key for one in jobs}
    carrier.up(stack, Change({key: said for key, said in before.items() if key not in about}, about))
    say(f"{stack.name}: resumed: {', '.join(map(_title, jobs))}")


def _title(job: Job) -> str:
    return f"{job.namespace}/{job.name}"
