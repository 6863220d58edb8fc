"""Whether the stack's kube-context is the cluster that the stack is on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from flink_k8s.operations.stack import Stack
from flink_k8s.program.engine_state import resources
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl


def known(stack: Stack) -> None:
    """Refuses a context that no kubeconfig has.

    Raises:
        CommandError: with the contexts that there are.
    """
    files = _files(stack)
    contexts: set[str] = set()
    for path in files:
        if path.exists():
            content = cast(Mapping[str, Any], yaml.safe_load(path.read_text()) or {})
            listed = cast(list[Mapping[str, Any]], content.get("contexts") or [])
            contexts |= {str(one["name"]) for one in listed}
    if stack.context not in contexts:
        there = f"known contexts: {', '.join(sorted(contexts))}" if contexts else "no context exists"
        raise CommandError(
            f'Pulumi.{stack.name}.yaml: context: "{stack.context}" is not in {", ".join(map(str, files))}; {there}'
        )


def _files(stack: Stack) -> list[Path]:
    if stack.kubeconfig is not None:
        return [stack.kubeconfig]
    said = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return said or [Path.home() / ".kube" / "config"]


def unchanged(state: Mapping[str, Any], stack: Stack) -> None:
    """Refuses a stack whose objects are in another context than its file names now.

    `destroy` needs no such look: it takes objects away where they are.

    Args:
        state: the stack's, as it is exported.
        stack: the stack.

    Raises:
        CommandError: when they are.
    """
    before = contexts_of(state)
    if before and stack.context not in before:
        raise CommandError(
            f"the stack {stack.name} is in the context {', '.join(sorted(before))}, and its file names {stack.context}:"
            f" its objects would remain there. Destroy it there first (make destroy STACK={stack.name}), or create"
            " another stack. If only the name of the context has changed, restore the old name in the kubeconfig"
        )


def contexts_of(state: Mapping[str, Any]) -> set[str]:
    """The contexts of the Kubernetes providers in an exported state."""
    providers = [one for one in resources(state) if one.get("type") == "pulumi:providers:kubernetes"]
    return {str(one["inputs"]["context"]) for one in providers if one.get("inputs", {}).get("context")}


def is_new_cluster(stack: Stack, state: Mapping[str, Any]) -> bool:
    """Whether the cluster was created again since the last run: the stack's first namespace is not the one it was.

    The engine compares the program with its state only; it must read the cluster again then.

    Args:
        stack: the stack.
        state: the stack's, as it is exported.
    """
    for one in resources(state):
        metadata = cast(Mapping[str, Any], cast(Mapping[str, Any], one.get("outputs") or {}).get("metadata") or {})
        if one.get("type") == "kubernetes:core/v1:Namespace" and metadata.get("uid"):
            try:
                found = Kubectl.of(stack).get("namespace", str(metadata["name"]))
            except CommandError:
                return False  # the engine names the reason
            return found is None or found["metadata"]["uid"] != metadata["uid"]
    return False
