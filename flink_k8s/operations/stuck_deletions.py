"""What keeps a stack from being taken down: Flink's resources wait for their operator, which has to be there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from flink_k8s.facts.mappings import condition
from flink_k8s.facts.versions import OPERATOR_RELEASE
from flink_k8s.operations.finalizers import Held, held
from flink_k8s.operations.stack import Stack
from flink_k8s.support.console import say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl

OPERATOR_PODS = "app.kubernetes.io/name=flink-kubernetes-operator"

OPERATOR_SECONDS = 30
"""How long an operator that restarts has to be there again, and a job that is to be saved to run again."""

_LOOK_SECONDS = 15
_RETRY_SECONDS = 5

Object = Mapping[str, Any]


def operator_trouble(kubectl: Kubectl, stack: Stack) -> str:
    """Why no operator takes finalizers away; empty when one is ready.

    Raises:
        CommandError: when the cluster cannot be asked.
    """
    operator = stack.platform.settings.operator
    # An operator that is not the stack's own may be anywhere.
    where = ["-n", operator.namespace] if operator.enabled else ["-A"]
    pods = kubectl.items("pods", "-l", OPERATOR_PODS, *where)
    place = f"in the namespace {operator.namespace}" if operator.enabled else "in any namespace"
    if not pods:
        return f"there is no operator pod {place}"
    for pod in pods:
        if condition(pod, "Ready") and "deletionTimestamp" not in pod["metadata"]:
            return ""
    return f"the operator's pod {pods[0]['metadata']['name']} {place} is not ready"


def how_to_bring_back(kubectl: Kubectl, stack: Stack) -> str:
    """How an operator that was removed by hand comes back.

    Raises:
        CommandError: when the cluster cannot be asked.
    """
    operator = stack.platform.settings.operator
    if not operator.enabled:
        return "bring the operator back (it is not this stack's)"
    # Neither an engine nor Helm looks whether a release's objects are still there; a rollback makes them again. Helm
    # must be told the revision: without one it takes that before.
    selector = f"owner=helm,name={OPERATOR_RELEASE},status=deployed"
    secrets = kubectl.items("secrets", "-n", operator.namespace, "-l", selector)
    revisions = [str(secret["metadata"]["labels"]["version"]) for secret in secrets]
    if revisions:
        revision = max(revisions, key=int)
        return f"bring the operator back: `helm rollback {OPERATOR_RELEASE} {revision} -n {operator.namespace} --wait`"
    return f"bring the operator back: `pulumi refresh`, then `make up STACK={stack.name}`"


def how_to_go_on(kubectl: Kubectl, stack: Stack, waiting: list[Held], trouble: str) -> str:
    """What is there to do, for those resources and that trouble of the operator.

    Raises:
        CommandError: when the cluster cannot be asked.
    """
    name = stack.name
    if trouble:
        back = how_to_bring_back(kubectl, stack)
        return (
            f"to go on: {back}, then `make destroy STACK={name}` again; or give up what it would do: "
            f"`make unstick STACK={name}` lists what that costs, and asks first"
        )
    jobs = ", ".join(sorted({one.name for one in waiting}))
    return (
        f"to go on: see what the operator logs; a job that must take a savepoint has to run first, and the operator "
        f"tries less and less often. To give that up: `make unstick STACK={name} JOB=…` (of {jobs}), which asks first"
    )


def before_destroy(kubectl: Kubectl, stack: Stack, wait: Callable[[float], object]) -> str:
    """What would block, looked for before anything is touched; empty when nothing would.

    Args:
        kubectl: of the stack.
        stack: to be destroyed.
        wait: passes so many seconds.

    Raises:
        CommandError: when the cluster cannot be asked.
    """
    found = held(kubectl, stack)
    for _ in range(0, OPERATOR_SECONDS, _RETRY_SECONDS):
        if not found or not (operator_trouble(kubectl, stack) or _unsaved(found)):
            return ""
        wait(_RETRY_SECONDS)  # it may just restart
        found = held(kubectl, stack)
    trouble = operator_trouble(kubectl, stack)
    if found and trouble:
        lines = [f"nothing was touched: {trouble}, and without it these never go:"]
        return "\n".join([*lines, *(f"  {one.why}" for one in found), how_to_go_on(kubectl, stack, found, trouble)])
    unsaved = _unsaved(found)
    if not unsaved:
        return ""
    jobs = ", ".join(one.name for one in unsaved)
    return "\n".join(
        [
            "nothing was touched: these are to take a savepoint as they go, and cannot now:",
            *(f"  {one.title}: {one.condition}; {one.left}" for one in unsaved),
            f"to go on: `make up STACK={stack.name}` says why a job does not run; once it does, "
            f"`make destroy STACK={stack.name}` again. To give the savepoint up: "
            f"`make unstick STACK={stack.name} JOB=…` (of {jobs}), which asks first",
        ]
    )


def _unsaved(found: list[Held]) -> list[Held]:
    # Who deleted it wants it gone: then it is said while it waits.
    return [one for one in found if one.cannot_save and not one.is_deleted]


def failed_for_good(found: list[Held]) -> list[str]:
    """A line for each job that the operator deletes without the savepoint that it was to take."""
    return [
        f"-- {one.title} has failed, so it goes without a savepoint; {one.left}: restoreFrom takes one of these up"
        for one in found
        if one.goes_unsaved
    ]


def report(kubectl: Kubectl, stack: Stack) -> str:
    """What is deleted and does not go, and what to do; empty when nothing is."""
    found = [one for one in held(kubectl, stack) if one.is_deleted]
    if not found:
        return ""
    trouble = operator_trouble(kubectl, stack)
    lines = [*([f"{trouble}"] if trouble else []), *(one.why for one in found)]
    return "\n".join([*lines, how_to_go_on(kubectl, stack, found, trouble)])


@contextmanager
def told(stack: Stack) -> Generator[None]:
    """Around an `up`, which deletes what is declared no more: when it fails, says what of that does not go, and why.

    Raises:
        CommandError: the one of the `up`, with those words.
    """
    try:
        yield
    except CommandError as error:
        try:
            rest = report(Kubectl.of(stack), stack)
        except CommandError:
            rest = ""
        raise CommandError(f"{error}\n{rest}" if rest else str(error)) from None


@contextmanager
def said(stack: Stack) -> Generator[None]:
    """Around a `destroy`: refuses what could not end, and says meanwhile and in the end what blocks, and how to go on.

    A cluster that cannot be asked is left to the engine, which says so itself.

    Raises:
        CommandError: when Flink's resources wait for an operator that is not there; nothing has been touched then.
    """
    try:
        kubectl = Kubectl.of(stack)
        blocked = before_destroy(kubectl, stack, time.sleep)
        unsaved = failed_for_good(held(kubectl, stack))
    except CommandError:
        yield
        return
    if blocked:
        raise CommandError(blocked)
    for line in unsaved:
        say(line)
    ended = threading.Event()
    looking = threading.Thread(target=_look, args=(kubectl, stack, ended), daemon=True)
    looking.start()
    try:
        with told(stack):
            yield
    finally:
        ended.set()
        looking.join()


def _look(kubectl: Kubectl, stack: Stack, ended: threading.Event, seconds: float = _LOOK_SECONDS) -> None:
    """Prints what blocks whenever that is new; seen twice, so that it does not merely take its time."""
    shown, before = "", ""
    while not ended.wait(seconds):
        try:
            now = report(kubectl, stack)
        except CommandError:
            continue
        if now and now == before and now != shown:
            shown = now
            say("-- still waits:\n" + now)
        before = now
