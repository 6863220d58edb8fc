"""Check that the stack's kube-context exists, and that it is the cluster that the stack is deployed to."""

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


def check_exists(stack: Stack) -> None:
    """Refuse a context that does not exist in any kubeconfig.

    Raises:
        CommandError: with the known contexts.
    """
    files = _files(stack)
    contexts: set[str] = set()
    for path in files:
        if path.exists():
            content = cast(Mapping[str, Any], yaml.safe_load(path.read_text()) or {})
            listed = cast(list[Mapping[str, Any]], content.get("contexts") or [])
            contexts |= {str(item["name"]) for item in listed}
    if stack.context not in contexts:
        known = f"known contexts: {', '.join(sorted(contexts))}" if contexts else "no context exists"
        raise CommandError(
            f'Pulumi.{stack.name}.yaml: context: "{stack.context}" is not in {", ".join(map(str, files))}; {known}'
        )


def _files(stack: Stack) -> list[Path]:
    if stack.kubeconfig is not None:
        return [stack.kubeconfig]
    files = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return files or [Path.home() / ".kube" / "config"]


def check_unchanged(state: Mapping[str, Any], stack: Stack) -> None:
    """Refuse a stack whose objects are in another context than its file sets now.

    `destroy` does not need this check: it deletes objects in the context of the state.

    Args:
        state: the stack's exported state.
        stack: the stack.

    Raises:
        CommandError: if the contexts differ.
    """
    before = contexts_of(state)
    if before and stack.context not in before:
        raise CommandError(
            f"the stack {stack.name} is in the context {', '.join(sorted(before))}, and its file sets {stack.context}:"
            f" its objects would remain there. Destroy it there first (make destroy STACK={stack.name}), or create"
            " another stack. If only the name of the context has changed, restore the old name in the kubeconfig"
        )


def contexts_of(state: Mapping[str, Any]) -> set[str]:
    """The contexts of the Kubernetes providers in an exported state."""
    providers = [item for item in resources(state) if item.get("type") == "pulumi:providers:kubernetes"]
    return {str(item["inputs"]["context"]) for item in providers if item.get("inputs", {}).get("context")}


def is_new_cluster(stack: Stack, state: Mapping[str, Any]) -> bool:
    """Whether the cluster was created again since the last run: the first namespace of the state has another UID.

    The engine compares the program with its state only; in a new cluster it must refresh the state.

    Args:
        stack: the stack.
        state: the stack's exported state.
    """
    for resource in resources(state):
        metadata = cast(Mapping[str, Any], cast(Mapping[str, Any], resource.get("outputs") or {}).get("metadata") or {})
        if resource.get("type") == "kubernetes:core/v1:Namespace" and metadata.get("uid"):
            try:
                namespace = Kubectl.of(stack).get("namespace", str(metadata["name"]))
            except CommandError:
                return False  # the engine reports the reason
            return namespace is None or namespace["metadata"]["uid"] != metadata["uid"]
    return False
