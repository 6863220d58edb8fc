"""`make restore-drill`: restore each job of a stack from its newest state, as a copy next to the running job.

The copies are a temporary stack of the same program, in namespaces with the suffix `-drill`. They run one after the
other, so the cluster needs room for one copy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi

from flink_k8s.config.stack_file import RESTORE_DRILL, stacks
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.health.api_server import ApiServer
from flink_k8s.operations import run_folder
from flink_k8s.operations.access import find_job
from flink_k8s.operations.deploy import Engine, environment
from flink_k8s.operations.exported_state import export_state, remove_stack
from flink_k8s.operations.stack import Stack, temporary_stack
from flink_k8s.program.engine_state import resources
from flink_k8s.resolve.drill import SUFFIX, namespace_of_copy
from flink_k8s.resolve.job_spec import job_of
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.collect import JobState, collect
from flink_k8s.snapshots.directories import jobs_by_directory
from flink_k8s.snapshots.restore import UnresolvedError, newest_restorable, refuse_volume
from flink_k8s.snapshots.state_snapshot import StateSnapshot
from flink_k8s.support.console import counted, say, shown_age
from flink_k8s.support.errors import CommandError, ExitCode
from flink_k8s.support.file_lock import lock
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT


@dataclass(frozen=True)
class Drilled:
    """The result of one job.

    Attributes:
        job: the original.
        text: what was restored, or why it was not.
        is_restored: whether the copy reached RUNNING.
    """

    job: Job
    text: str
    is_restored: bool = False

    def __str__(self) -> str:
        return f"{self.job.namespace}/{self.job.name}: {'' if self.is_restored else 'NOT RESTORED: '}{self.text}"


class _NotDrillableError(Exception):
    """A job cannot be copied; the message is the reason and the remedy."""


def restore_drill(
    engine: Engine, stack: Stack, name: str, kubectl: Kubectl, newest: Callable[[Stack, Job], StateSnapshot]
) -> int:
    """Restore copies of a stack's jobs, print the results, and delete the copies; an exit code.

    Args:
        engine: that deploys the copies.
        stack: the stack with the originals, which are not changed.
        name: of the job; empty for all jobs that keep state.
        kubectl: for the stack's cluster.
        newest: finds the state to restore: `newest_state`.

    Returns:
        OK if every job was restored.

    Raises:
        CommandError: if no job keeps state, another drill of the stack runs, or the copies cannot be deleted.
    """
    jobs = [find_job(stack, name)] if name else [job for job in stack.platform.jobs if job.keeps_state]
    if not jobs:
        raise CommandError(f"the stack {stack.name} has no job that keeps state, so there is nothing to restore")
    temporary = f"{stack.name}{SUFFIX}"
    if temporary in stacks(ROOT):
        raise CommandError(f"Pulumi.{temporary}.yaml exists, and the drill needs a stack of that name; rename it")
    with _only_drill(temporary):
        namespaces = stack.platform.settings.namespaces
        if keys := [job.key for job in stack.platform.jobs if namespace_of_copy(job.namespace) in namespaces]:
            _delete(engine, _copies(stack, temporary, dict.fromkeys(keys, "")))
        results = [_drilled(engine, stack, temporary, job, kubectl, newest) for job in jobs]
    say(f"restore drill of {stack.name}:")
    for result in results:
        say(f"  {result}")
    restored = sum(result.is_restored for result in results)
    say(f"{restored} of {counted(len(results), 'job')} restored")
    return ExitCode.OK if restored == len(results) else ExitCode.FAILURE


@contextmanager
def _only_drill(temporary: str) -> Generator[None]:
    """Refuse another drill of the stack on this machine; the engine's lock of the stack refuses those elsewhere.

    Raises:
        CommandError: if another drill runs.
    """
    try:
        file = lock(run_folder.config_folder() / f"{temporary}.lock", wait=False)
    except BlockingIOError:
        raise CommandError(f"another restore drill has the stack {temporary}; wait until it ends") from None
    with file:
        yield


def _drilled(
    engine: Engine,
    stack: Stack,
    temporary: str,
    job: Job,
    kubectl: Kubectl,
    newest: Callable[[Stack, Job], StateSnapshot],
) -> Drilled:
    """Restore the copy of one job, and delete it.

    Raises:
        CommandError: if the copy cannot be deleted.
    """
    try:
        _check(stack, job, kubectl)
        snapshot = newest(stack, job)
        refuse_volume(snapshot)
    except (_NotDrillableError, UnresolvedError) as error:
        return Drilled(job, str(error))
    age = shown_age(datetime.now(UTC) - snapshot.time) if snapshot.time else "unknown"
    chosen = f"{snapshot.kind} of {snapshot.shown_time} (age {age}), {snapshot.path}"
    title = f"{job.namespace}/{job.name}"
    say(f"-- {title}: restoring a copy in {namespace_of_copy(job.namespace)} from the {chosen}")
    copied = {job.key: snapshot.path} | ({job.target: ""} if job.target else {})
    copies = _copies(stack, temporary, copied)
    start = time.monotonic()
    try:
        engine.up(copies)
        return Drilled(job, f"{chosen}: RUNNING after {time.monotonic() - start:.0f} s", is_restored=True)
    except CommandError as error:
        return Drilled(job, f"{chosen}: {error}")
    finally:
        say(f"-- {title}: deleting the copy")
        _delete(engine, copies)


def _check(stack: Stack, job: Job, kubectl: Kubectl) -> None:
    """Refuse a job whose copy could not be kept apart from its original.

    Raises:
        _NotDrillableError: with the reason.
    """
    if not job.keeps_state or job_of(job.spec) is None:
        raise _NotDrillableError("keeps no state; set upgradeMode to savepoint or last-state")
    if job.own.drill is None:
        raise _NotDrillableError(
            f"its copy would write to its outputs; set jobs.{job.name}.drill with parameters that redirect them, or "
            "with outputs: none"
        )
    declared = {other.key: other for other in stack.platform.jobs}
    if job.target and job.target not in declared:
        raise _NotDrillableError(f"its session cluster {job.session_cluster} is not declared in this stack; declare it")
    namespace = namespace_of_copy(job.namespace)
    if namespace not in stack.platform.settings.namespaces:
        file = f"Pulumi.{stack.platform.settings.platform or stack.name}.yaml"
        raise _NotDrillableError(f"its copy runs in the namespace {namespace}; add it to namespaces in {file}, run up")
    originals = [(job.kind, job.name)]
    if job.target:
        originals.append((FlinkKind.DEPLOYMENT, job.session_cluster or ""))
    for kind, name in originals:
        is_declared = f"{kind}/{namespace}/{name}" in declared
        if is_declared or kubectl.get(kind.resource, name, "-n", namespace) is not None:
            raise _NotDrillableError(f"{kind} {namespace}/{name} exists already; keep that namespace for the drill")


def newest_state(stack: Stack, job: Job) -> StateSnapshot:
    """The newest state of a job that another job can restore.

    Raises:
        UnresolvedError: if there is none.
        CommandError: if the API server does not answer.
    """
    api_server = ApiServer(str(stack.kubeconfig) if stack.kubeconfig else None, stack.context)

    async def collected() -> JobState:
        async with api_server.asked("the savepoints cannot be read") as api_client:
            return await collect(api_client, job, stack.platform, jobs_by_directory(stack.platform))

    try:
        return newest_restorable(asyncio.run(collected()))
    except pulumi.RunError as error:
        raise CommandError(str(error)) from None


def _copies(stack: Stack, temporary: str, copied: Mapping[str, str]) -> Stack:
    """The temporary stack with copies of jobs.

    Args:
        stack: with the originals.
        temporary: name of the temporary stack.
        copied: jobs by `kind/namespace/name`, with the path to restore.
    """
    overlay: dict[str, object] = {RESTORE_DRILL: {"jobs": dict(copied)}, "waitForJobs": True}
    if stack.platform.settings.platform is None:
        # The stack itself has installed them; for a stack of jobs, its platform's stack has.
        overlay |= {part: {"enabled": False} for part in stack.platform.settings.parts}
    return temporary_stack(stack, temporary, overlay)


def _delete(engine: Engine, copies: Stack) -> None:
    """Delete the copies, also those of a killed drill, and their stack.

    Raises:
        CommandError: if a resource is not deleted.
    """
    env = environment()
    if resources(export_state(engine.pulumi, copies, env, create=True)):
        engine.destroy(copies)
    remove_stack(engine.pulumi, copies.name, env)
