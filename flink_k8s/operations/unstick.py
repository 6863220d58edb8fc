"""Remove the operator's finalizers from Flink resources that are stuck in deletion, or skip their savepoint."""

from __future__ import annotations

import json

from flink_k8s.operations.finalizers import FINALIZER_SUFFIX, FinalizedResource, resources_with_finalizer
from flink_k8s.operations.stack import Stack
from flink_k8s.operations.stuck_deletions import operator_issue
from flink_k8s.resolve.job_spec import SAVEPOINT_ON_DELETION
from flink_k8s.support.console import confirm, say
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl


def select(items: list[FinalizedResource], issue: str, job: str) -> list[FinalizedResource]:
    """The resources whose finalizer may be removed, or whose savepoint may be skipped.

    Args:
        items: the resources with an operator's finalizer.
        issue: why no operator removes finalizers; empty if one is ready.
        job: name of the resource; empty for all.

    Raises:
        CommandError: if the operator is ready and no job is named, or the name is unknown.
    """
    selected = [item for item in items if job in ("", item.name)]
    if job and not selected:
        known = ", ".join(sorted({item.name for item in items})) or "none"
        raise CommandError(f"unknown Flink resource {job}; resources with the operator's finalizer: {known}")
    if issue or not selected:
        return selected
    if not job:
        raise CommandError(
            "the operator runs and removes its finalizers itself; if it cannot (for example, a savepoint of a job that "
            "does not run), name the job: make unstick JOB=…"
        )
    stuck = [item for item in selected if item.is_deleted or item.cannot_take_savepoint]
    if not stuck:
        title = selected[0].title
        raise CommandError(f"{title} is healthy or not being deleted, and its operator runs: nothing is stuck")
    return stuck


def skips_savepoint(item: FinalizedResource, issue: str) -> bool:
    """Whether it is enough to skip the savepoint: the operator is ready, and does the rest of the deletion."""
    return not issue and item.cannot_take_savepoint


def consequence(item: FinalizedResource, issue: str) -> str:
    """What is lost if a resource is deleted without its finalizer or its savepoint."""
    if skips_savepoint(item, issue):
        effect = "it is deleted" if item.is_deleted else "a later deletion happens"
        return f"{item.title}: {effect} without its configured savepoint ({item.condition}); {item.remaining_state}"
    effect = "it is deleted immediately" if item.is_deleted else "a later deletion is immediate"
    savepoint = "without its configured savepoint" if item.takes_savepoint else "without a last savepoint"
    rest = "its high-availability ConfigMaps stay until the namespace is deleted"
    return f"{item.title}: {effect}, including its pods, {savepoint}; {rest}; {item.remaining_state}"


def unstick(kubectl: Kubectl, stack: Stack, job: str, *, yes: bool) -> None:
    """Print what would be lost, ask for confirmation, and remove the operator's finalizers; other finalizers stay.

    If the operator is ready and only a savepoint blocks the deletion, the savepoint is skipped instead.

    Raises:
        CommandError: if no resource may be changed, or the user does not confirm.
    """
    issue = operator_issue(kubectl, stack)
    items = select(resources_with_finalizer(kubectl, stack), issue, job)
    if not items:
        say("no Flink resource waits for the operator")
        return
    say(issue or "the operator runs, but cannot remove its finalizers")
    if not all(skips_savepoint(item, issue) for item in items):
        say("this removes the operator's finalizers and skips their cleanup:")
    for item in items:
        say(f"  {consequence(item, issue)}")
    confirm(stack.name, yes=yes)
    for item in items:
        patch: dict[str, object] = {"spec": {"flinkConfiguration": {SAVEPOINT_ON_DELETION: "false"}}}
        if not skips_savepoint(item, issue):
            rest = [name for name in item.finalizers if not name.endswith(FINALIZER_SUFFIX)]
            patch = {"metadata": {"finalizers": rest}}
        resource = f"{item.kind.lower()}.flink.apache.org"
        kubectl.run("patch", resource, item.name, "-n", item.namespace, "--type=merge", f"--patch={json.dumps(patch)}")
        say(f"{item.title}: done")
    say(f"next: make destroy STACK={stack.name}")
