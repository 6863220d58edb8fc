"""Jobs of others in a stack's namespaces: what would take their namespace away is refused before it begins.

With the namespace would go the job; and as its operator goes first, neither would ever end.
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

Key = tuple[str, str, str]
"""Kind in lower case, namespace, name; a namespace itself has no namespace."""


def in_state(state: Mapping[str, Any]) -> set[Key]:
    """The objects of a stack.

    Args:
        state: the stack's, as it is exported.
    """
    found = [resource(one) for one in resources(state)]
    return {(one.kind.lower(), one.namespace, one.object_name) for one in found if one.is_object}


def doomed(stack: Stack, mine: Collection[Key], *, destroy: bool) -> list[str]:
    """The namespaces that an operation takes away.

    Args:
        stack: the stack.
        mine: what is its own now.
        destroy: whether all of the stack is to go; otherwise, what is no longer declared.
    """
    there = sorted(name for kind, _, name in mine if kind == "namespace")
    settings = stack.platform.settings
    parts = (settings.cert_manager, settings.prometheus, settings.operator)
    declared = {*settings.own_namespaces, *(part.namespace for part in parts if part.enabled)}
    return [name for name in there if destroy or name not in declared]


def refuse(stack: Stack, mine: Collection[Key], *, destroy: bool) -> None:
    """Looks for jobs of others in namespaces that would go. A cluster that cannot be asked is left to the engine.

    Args:
        stack: the stack.
        mine: what is its own.
        destroy: whether all of the stack is to go; otherwise, what is no longer declared.

    Raises:
        CommandError: saying which, and how to go on.
    """
    going = doomed(stack, mine, destroy=destroy)
    if not going:
        return
    try:
        found = others(Kubectl.of(stack), going, mine)
    except CommandError:
        return
    if found:
        raise CommandError(refusal(stack.name, found, _stacks_on(stack.name)))


def others(kubectl: Kubectl, namespaces: Collection[str], mine: Collection[Key]) -> list[str]:
    """Flink's jobs in those namespaces that are not the stack's own, as `FlinkDeployment team-a/orders`.

    Raises:
        CommandError: when the cluster cannot be asked.
    """
    found: list[str] = []
    for namespace in namespaces:
        for kind in (kind for kind in FlinkKind if kind.runs_job):
            for item in kubectl.items(kind.resource, "-n", namespace):
                metadata = cast(Mapping[str, Any], item["metadata"])
                # What belongs to another object, as the two halves of a blue/green deployment do, goes with that.
                goes = "deletionTimestamp" in metadata or metadata.get("ownerReferences")
                if not goes and (kind.lower(), namespace, str(metadata["name"])) not in mine:
                    found.append(f"{item['kind']} {namespace}/{metadata['name']}")
    return found


def _stacks_on(platform: str) -> list[str]:
    """The stacks of this project whose jobs run on that stack's platform."""
    found: list[str] = []
    for name in stack_file.stacks(ROOT):
        with suppress(ProblemsError):
            found += [name] if stack_file.read(ROOT, name).get(PLATFORM) == platform else []
    return found


def refusal(stack: str, found: list[str], stacks: list[str]) -> str:
    """Why nothing was done, and how to go on.

    Args:
        stack: its name.
        found: the jobs of others.
        stacks: the stacks of jobs on it.
    """
    lines = ["refused, nothing was done: these jobs are not this stack's, and their namespaces are:"]
    lines += [f"  {one}" for one in found]
    first = ", ".join(f"make destroy STACK={name}" for name in stacks)
    how = f"the stacks on {stack} first: {first}" if stacks else "whoever owns them: destroy their stack"
    lines.append(f"to go on: {how}; what was applied by hand goes by kubectl delete")
    return "\n".join(lines)
