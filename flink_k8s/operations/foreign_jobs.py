"""Jobs of other stacks that use a stack's namespaces or operator: an operation that would delete these is refused.

The deletion of a namespace would delete its jobs; because their operator is deleted first, it would never finish.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, cast

from flink_k8s.config import stack_file
from flink_k8s.config.platform_stack import PLATFORM
from flink_k8s.config.problems import ProblemsError
from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.operations.stack import Stack
from flink_k8s.program.engine_state import resource, resources
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT

ALL = ""
"""Instead of the name of a namespace: all namespaces of the cluster."""

Key = tuple[str, str, str]
"""Kind in lower case, namespace, name; the key of a namespace has no namespace."""


def in_state(state: Mapping[str, Any]) -> set[Key]:
    """The keys of the objects in a stack's state.

    Args:
        state: the stack's exported state.
    """
    objects = [item for item in map(resource, resources(state)) if item.is_object]
    return {(item.kind.lower(), item.namespace, item.object_name) for item in objects}


def namespaces_to_delete(stack: Stack, own_objects: Collection[Key], *, destroy: bool) -> list[str]:
    """The namespaces that an operation deletes.

    Args:
        stack: the stack.
        own_objects: the objects in the stack's state.
        destroy: whether the operation deletes the whole stack; otherwise it deletes undeclared namespaces.
    """
    existing = sorted(name for kind, _, name in own_objects if kind == "namespace")
    settings = stack.platform.settings
    parts = [part.namespace for part in settings.parts.values() if part.enabled]
    declared = {*settings.own_namespaces, *parts}
    return [name for name in existing if destroy or name not in declared]


def refuse(stack: Stack, own_objects: Collection[Key], *, destroy: bool) -> None:
    """Refuse an operation that would delete namespaces with jobs of other stacks, or the operator of such jobs.

    If the cluster does not answer, the check is skipped: the engine reports the reason.

    Args:
        stack: the stack.
        own_objects: the objects in the stack's state.
        destroy: whether the operation deletes the whole stack; otherwise it deletes undeclared namespaces.

    Raises:
        CommandError: with the jobs and the remedy.
    """
    to_delete = namespaces_to_delete(stack, own_objects, destroy=destroy)
    operator = stack.platform.settings.operator
    if operator.watch_all_namespaces and destroy and operator.namespace in to_delete:
        to_delete = [ALL]
    if not to_delete:
        return
    try:
        jobs = foreign_jobs(Kubectl.of(stack), to_delete, own_objects)
    except CommandError:
        return
    if jobs:
        raise CommandError(deletion_error(stack.name, jobs, _stacks_on(stack.name)))


def foreign_jobs(kubectl: Kubectl, namespaces: Collection[str], own_objects: Collection[Key]) -> list[str]:
    """The Flink jobs in the namespaces that are not in the stack, as `FlinkDeployment team-a/orders`.

    Args:
        kubectl: for the stack's cluster.
        namespaces: names; `ALL` for all namespaces.
        own_objects: the objects in the stack's state.

    Raises:
        CommandError: if the cluster does not answer.
    """
    jobs: list[str] = []
    for read in namespaces:
        scope = ["-A"] if read == ALL else ["-n", read]
        for kind in (kind for kind in FlinkKind if kind.runs_job):
            for item in kubectl.items(kind.resource, *scope):
                metadata = cast(Mapping[str, Any], item["metadata"])
                namespace = str(metadata["namespace"])
                # An object with an owner, such as a half of a blue/green deployment, is deleted with the owner.
                is_ignored = "deletionTimestamp" in metadata or metadata.get("ownerReferences")
                if not is_ignored and (kind.lower(), namespace, str(metadata["name"])) not in own_objects:
                    jobs.append(f"{item['kind']} {namespace}/{metadata['name']}")
    return jobs


def _stacks_on(platform: str) -> list[str]:
    """The stacks of this project whose jobs run on the platform stack."""
    stacks: list[str] = []
    for name in stack_file.stacks(ROOT):
        with suppress(ProblemsError):
            stacks += [name] if stack_file.read(ROOT, name).get(PLATFORM) == platform else []
    return stacks


def deletion_error(stack: str, jobs: list[str], stacks: list[str]) -> str:
    """The error that refuses the operation, with the remedy.

    Args:
        stack: name of the stack.
        jobs: the jobs of other stacks.
        stacks: the stacks whose jobs run on this stack.
    """
    lines = ["refusing to delete the namespaces or the operator of jobs of other stacks:"]
    lines += [f"  {job}" for job in jobs]
    commands = ", ".join(f"make destroy STACK={name}" for name in stacks)
    remedy = f"first destroy the stacks on {stack}: {commands}" if stacks else "first destroy the stacks of these jobs"
    lines.append(f"{remedy}; delete objects that were applied by hand with kubectl delete")
    return "\n".join(lines)
