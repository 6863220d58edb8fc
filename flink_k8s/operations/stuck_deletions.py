"""Flink resources that are stuck in deletion, because their operator does not remove its finalizer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from flink_k8s.facts.mappings import condition
from flink_k8s.facts.versions import OPERATOR_RELEASE
from flink_k8s.operations.finalizers import FinalizedResource, resources_with_finalizer
from flink_k8s.operations.stack import Stack
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.progress import StatusLine, is_terminal

OPERATOR_PODS = "app.kubernetes.io/name=flink-kubernetes-operator"

OPERATOR_SECONDS = 30
"""Time for a restarting operator to be ready again, and for a job that must take a savepoint to run again."""

_REPORT_SECONDS = 15
_RETRY_SECONDS = 5

Object = Mapping[str, Any]


def operator_issue(kubectl: Kubectl, stack: Stack) -> str:
    """Why no operator removes finalizers; empty if an operator is ready.

    Raises:
        CommandError: if the cluster does not answer.
    """
    operator = stack.platform.settings.operator
    # An operator that another stack or a user has installed may be in any namespace.
    scope = ["-n", operator.namespace] if operator.enabled else ["-A"]
    pods = kubectl.items("pods", "-l", OPERATOR_PODS, *scope)
    location = f"in the namespace {operator.namespace}" if operator.enabled else "in any namespace"
    if not pods:
        return f"no operator pod exists {location}"
    for pod in pods:
        if condition(pod, "Ready") and "deletionTimestamp" not in pod["metadata"]:
            return ""
    return f"the operator's pod {pods[0]['metadata']['name']} {location} is not ready"


def remedy_for_operator(kubectl: Kubectl, stack: Stack) -> str:
    """How to restore an operator that was removed by hand.

    Raises:
        CommandError: if the cluster does not answer.
    """
    operator = stack.platform.settings.operator
    if not operator.enabled:
        return "restore the operator (this stack does not deploy it)"
    # Neither the engine nor Helm checks whether a release's objects still exist; a rollback creates them again. The
    # revision is explicit: without it, Helm rolls back to the previous revision.
    selector = f"owner=helm,name={OPERATOR_RELEASE},status=deployed"
    secrets = kubectl.items("secrets", "-n", operator.namespace, "-l", selector)
    revisions = [str(secret["metadata"]["labels"]["version"]) for secret in secrets]
    if revisions:
        revision = max(revisions, key=int)
        return f"restore the operator: `helm rollback {OPERATOR_RELEASE} {revision} -n {operator.namespace} --wait`"
    return f"restore the operator: `pulumi refresh`, then `make up STACK={stack.name}`"


def remedy(kubectl: Kubectl, stack: Stack, stuck: list[FinalizedResource], issue: str) -> str:
    """The remedy for stuck resources.

    Args:
        kubectl: for the stack's cluster.
        stack: the stack.
        stuck: the resources.
        issue: why no operator removes finalizers; empty if one is ready.
    Raises:
        CommandError: if the cluster does not answer.
    """
    name = stack.name
    if issue:
        restore = remedy_for_operator(kubectl, stack)
        return (
            f"{restore}, then run `make destroy STACK={name}` again. To skip the operator's cleanup: "
            f"`make unstick STACK={name}` lists what is lost, and asks for confirmation"
        )
    jobs = ", ".join(sorted({item.name for item in stuck}))
    return (
        f"read the operator's log; a job that must take a savepoint has to run first, and the operator retries with "
        f"growing intervals. To skip the savepoint: `make unstick STACK={name} JOB=…` (one of {jobs}), which asks for "
        "confirmation"
    )


def before_destroy(kubectl: Kubectl, stack: Stack, wait: Callable[[float], object]) -> str:
    """Why a `destroy` would not finish, checked before any change; empty if it would finish. Shows why it waits.

    Args:
        kubectl: for the stack's cluster.
        stack: the stack to destroy.
        wait: waits for a number of seconds.

    Raises:
        CommandError: if the cluster does not answer.
    """
    items = resources_with_finalizer(kubectl, stack)
    with StatusLine() as status_line:
        for _ in range(0, OPERATOR_SECONDS, _RETRY_SECONDS):
            reasons = [operator_issue(kubectl, stack)] if items else []
            reasons += [f"{item.title}: {item.condition}" for item in _without_savepoint(items)]
            if not any(reasons):
                return ""
            # The operator or the job may be restarting.
            status_line.show(f"waits: {next(filter(None, reasons))}")
            wait(_RETRY_SECONDS)
            items = resources_with_finalizer(kubectl, stack)
    issue = operator_issue(kubectl, stack)
    if items and issue:
        lines = [f"destroy refused, nothing was changed: {issue}; without it these resources cannot be deleted:"]
        return "\n".join([*lines, *(f"  {item.reason}" for item in items), remedy(kubectl, stack, items, issue)])
    without_savepoint = _without_savepoint(items)
    if not without_savepoint:
        return ""
    jobs = ", ".join(item.name for item in without_savepoint)
    return "\n".join(
        [
            "destroy refused, nothing was changed: these resources must take a savepoint first, and cannot now:",
            *(f"  {item.title}: {item.condition}; {item.remaining_state}" for item in without_savepoint),
            f"run `make up STACK={stack.name}` to see why a job does not run; once it runs, run "
            f"`make destroy STACK={stack.name}` again. To skip the savepoint: "
            f"`make unstick STACK={stack.name} JOB=…` (one of {jobs}), which asks for confirmation",
        ]
    )


def _without_savepoint(items: list[FinalizedResource]) -> list[FinalizedResource]:
    # A resource that is already deleted does not refuse the operation: it is reported while it waits.
    return [item for item in items if item.cannot_take_savepoint and not item.is_deleted]


def skipped_savepoints(items: list[FinalizedResource]) -> list[str]:
    """A line for each failed job that the operator deletes without its savepoint."""
    return [
        f"-- {item.title} has failed and is deleted without a savepoint; {item.remaining_state}: use it in restoreFrom"
        for item in items
        if item.skips_savepoint
    ]


def report(kubectl: Kubectl, stack: Stack) -> str:
    """The resources that are stuck in deletion, and the remedy; empty if there are none."""
    stuck = [item for item in resources_with_finalizer(kubectl, stack) if item.is_deleted]
    if not stuck:
        return ""
    issue = operator_issue(kubectl, stack)
    lines = [*([f"{issue}"] if issue else []), *(item.reason for item in stuck)]
    return "\n".join([*lines, remedy(kubectl, stack, stuck, issue)])


@contextmanager
def report_on_failure(stack: Stack) -> Generator[None]:
    """Add the resources that are stuck in deletion to the error of an `up`, which deletes undeclared resources.

    Raises:
        CommandError: the error of the `up`, with the report.
    """
    try:
        yield
    except CommandError as error:
        try:
            stuck = report(Kubectl.of(stack), stack)
        except CommandError:
            stuck = ""
        raise CommandError(f"{error}\n{stuck}" if stuck else str(error)) from None


@contextmanager
def guard_destroy(stack: Stack) -> Generator[None]:
    """Refuse a `destroy` that could not finish, and report resources that are stuck in deletion while it runs.

    If the cluster does not answer, the checks are skipped: the engine reports the reason. On a terminal, lines would
    break the engine's display, in which the provider shows the finalizers; the report is then only part of the error.

    Raises:
        CommandError: if Flink resources wait for an operator that does not run; nothing has been changed then.
    """
    try:
        kubectl = Kubectl.of(stack)
        obstacles = before_destroy(kubectl, stack, time.sleep)
        notices = skipped_savepoints(resources_with_finalizer(kubectl, stack))
    except CommandError:
        yield
        return
    if obstacles:
        raise CommandError(obstacles)
    for notice in notices:
        say(notice)
    with report_on_failure(stack), nullcontext() if is_terminal() else _reports(kubectl, stack):
        yield


@contextmanager
def _reports(kubectl: Kubectl, stack: Stack) -> Generator[None]:
    """Print reports while the block runs."""
    ended = threading.Event()
    reporter = threading.Thread(target=_report_repeatedly, args=(kubectl, stack, ended), daemon=True)
    reporter.start()
    try:
        yield
    finally:
        ended.set()
        reporter.join()


def _report_repeatedly(
    kubectl: Kubectl, stack: Stack, ended: threading.Event, seconds: float = _REPORT_SECONDS
) -> None:
    """Print each new report once it is the same twice in a row: a single one may be a deletion in progress."""
    printed, previous = "", ""
    while not ended.wait(seconds):
        try:
            current = report(kubectl, stack)
        except CommandError:
            continue
        if current and current == previous and current != printed:
            printed = current
            say("-- still stuck in deletion:\n" + current)
        previous = current
