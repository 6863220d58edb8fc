"""Whether the stack's kube-context is the cluster that the stack is on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from tools.run import FailedError, capture
from tools.stack import Stack


def known(stack: Stack) -> None:
    """Refuses a context that no kubeconfig has.

    Raises:
        FailedError: with the contexts that there are.
    """
    files = _files(stack)
    contexts: set[str] = set()
    for path in files:
        if path.exists():
            content = cast(Mapping[str, Any], yaml.safe_load(path.read_text()) or {})
            listed = cast(list[Mapping[str, Any]], content.get("contexts") or [])
            contexts |= {str(one["name"]) for one in listed}
    if stack.context not in contexts:
        there = f"contexts there: {', '.join(sorted(contexts))}" if contexts else "there is none"
        raise FailedError(
            f'Pulumi.{stack.name}.yaml: context: "{stack.context}" is not in {", ".join(map(str, files))}; {there}'
        )


def _files(stack: Stack) -> list[Path]:
    if stack.kubeconfig is not None:
        return [stack.kubeconfig]
    said = [Path(part).expanduser() for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return said or [Path.home() / ".kube" / "config"]


def unchanged(pulumi: Path, stack: Stack, env: Mapping[str, str]) -> None:
    """Refuses a stack whose objects are in another context than its file names now.

    `destroy` needs no such look: it takes objects away where they are.

    Raises:
        FailedError: when they are.
    """
    command = [pulumi, "stack", "export", "--non-interactive", "--cwd", stack.config_file.parent, "--stack", stack.name]
    done = capture(command, env=env)
    if done.returncode != 0:
        raise FailedError(f"pulumi stack export {stack.name}: {done.stderr.decode(errors='replace').strip()}")
    before = contexts_of(json.loads(done.stdout))
    if before and stack.context not in before:
        raise FailedError(
            f"the stack {stack.name} is in the context {', '.join(sorted(before))}, and its file names {stack.context}:"
            f" its objects would stay behind there. Take it away there first (make destroy STACK={stack.name}), or make"
            " another stack; where only the context's name has changed, give it its old name in the kubeconfig"
        )


def contexts_of(export: Mapping[str, Any]) -> set[str]:
    """The contexts of the Kubernetes providers in an exported state."""
    resources = cast(list[Mapping[str, Any]], (export.get("deployment") or {}).get("resources") or [])
    providers = [one for one in resources if one.get("type") == "pulumi:providers:kubernetes"]
    return {str(one["inputs"]["context"]) for one in providers if one.get("inputs", {}).get("context")}
