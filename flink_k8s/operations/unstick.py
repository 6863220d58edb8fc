"""Remove the operator's finalizers from Flink resources that are stuck in deletion, or give up their savepoint."""

from __future__ import annotations

import json

from flink_k8s.operations.finalizers import FINALIZER_SUFFIX, Held, held
from flink_k8s.operations.stack import Stack
from flink_k8s.operations.stuck_deletions import operator_trouble
from flink_k8s.resolve.job_spec import SAVEPOINT_ON_DELETION
from flink_k8s.support.console import confirm, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl


def chosen(found: list[Held], trouble: str, job: str) -> list[Held]:
    """Those whose finalizer may be taken away, or whose savepoint may be given up.

    Args:
        found: what has an operator's finalizer.
        trouble: why no operator does it; empty when one is there.
        job: of that name only; empty for all.

    Raises:
        CommandError: when the operator is there and no job is named, or nothing has that name.
    """
    ones = [one for one in found if job in ("", one.name)]
    if job and not ones:
        known = ", ".join(sorted({one.name for one in found})) or "none"
        raise CommandError(f"unknown Flink resource {job}; resources with the operator's finalizer: {known}")
    if trouble or not ones:
        return ones
    if not job:
        raise CommandError(
            "the operator runs and removes its finalizers itself; if it cannot (a savepoint of a job that "
            "does not run), name the job: make unstick JOB=…"
        )
    waiting = [one for one in ones if one.is_deleted or one.cannot_save]
    if not waiting:
        raise CommandError(f"{ones[0].title} is healthy or not being deleted, and its operator runs: nothing is stuck")
    return waiting


def gives_up_savepoint(one: Held, trouble: str) -> bool:
    """Whether it is enough to give the savepoint up: the operator is there, and takes the rest down as it should."""
    return not trouble and one.cannot_save


def cost(one: Held, trouble: str) -> str:
    """What letting go of a resource costs."""
    if gives_up_savepoint(one, trouble):
        what = "it goes" if one.is_deleted else "when it is deleted it goes"
        return f"{one.title}: {what} without the savepoint that it was to take ({one.condition}); {one.left}"
    what = "it goes at once" if one.is_deleted else "it goes at once when it is deleted"
    saved = "without the savepoint that it was to take" if one.takes_savepoint else "without a last savepoint"
    rest = "its high-availability ConfigMaps stay until their namespace goes"
    return f"{one.title}: {what}, its pods with it, {saved}; {rest}; {one.left}"


def unstick(kubectl: Kubectl, stack: Stack, job: str, *, yes: bool) -> None:
    """Says what it would do, asks, and takes the finalizers of Flink's operator away; others stay.

    Where the operator is there and only a savepoint is in the way, that is given up instead.

    Raises:
        CommandError: when nothing may be done, or nobody agrees.
    """
    trouble = operator_trouble(kubectl, stack)
    ones = chosen(held(kubectl, stack), trouble, job)
    if not ones:
        say("no Flink resource waits for an operator")
        return
    say(trouble or "the operator runs, but cannot remove them")
    if not all(gives_up_savepoint(one, trouble) for one in ones):
        say("this removes the operator's finalizers and skips their cleanup:")
    for one in ones:
        say(f"  {cost(one, trouble)}")
    confirm(stack.name, yes=yes)
    for one in ones:
        patch: dict[str, object] = {"spec": {"flinkConfiguration": {SAVEPOINT_ON_DELETION: "false"}}}
        if not gives_up_savepoint(one, trouble):
            rest = [name for name in one.finalizers if not name.endswith(FINALIZER_SUFFIX)]
            patch = {"metadata": {"finalizers": rest}}
        resource = f"{one.kind.lower()}.flink.apache.org"
        kubectl.run("patch", resource, one.name, "-n", one.namespace, "--type=merge", f"--patch={json.dumps(patch)}")
        say(f"{one.title}: done")
    say(f"now: make destroy STACK={stack.name}")
