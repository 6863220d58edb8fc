"""kubectl for a stack: it always uses the stack's context, never the current context of the kubeconfig."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import Completed, capture, errors


class ClusterContext(Protocol):
    """The context of a cluster; a stack has one."""

    @property
    def context(self) -> str:
        """The kube-context."""
        ...

    @property
    def kubeconfig(self) -> Path | None:
        """The file of the context; None for kubectl's default."""
        ...


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a stack's context."""

    program: str
    context: str
    kubeconfig: Path | None

    @classmethod
    def of(cls, stack: ClusterContext) -> Kubectl:
        """For a stack.

        Raises:
            CommandError: if kubectl is not installed.
        """
        return cls(find_tool("kubectl"), stack.context, stack.kubeconfig)

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        kubeconfig = [] if self.kubeconfig is None else ["--kubeconfig", str(self.kubeconfig)]
        return [self.program, *kubeconfig, "--context", self.context, *arguments]

    def try_run(self, *arguments: str, stdin: bytes | None = None) -> Completed:
        """Run kubectl, whether it fails or not."""
        return capture(self.command(*arguments), stdin=stdin)

    def run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Run kubectl and return its standard output.

        Raises:
            CommandError: with kubectl's error.
        """
        result = self.try_run(*arguments, stdin=stdin)
        if result.returncode != 0:
            raise CommandError(f"kubectl {' '.join(arguments[:4])}: {errors(result)}")
        return result.stdout

    def get(self, *arguments: str) -> dict[str, Any] | None:
        """`kubectl get … -o json`; None if the object does not exist.

        Raises:
            CommandError: for any other failure.
        """
        result = self.try_run("get", *arguments, "--ignore-not-found", "-o", "json")
        if result.returncode != 0:
            error = errors(result)
            if "the server doesn't have a resource type" in error or "NotFound" in error:
                return None
            raise CommandError(f"kubectl get {' '.join(arguments)}: {error}")
        return cast(dict[str, Any], json.loads(result.stdout)) if result.stdout.strip() else None

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects of `kubectl get …`, a list; none if the cluster does not have the kind.

        Raises:
            CommandError: if the cluster does not answer.
        """
        return cast("list[dict[str, Any]]", (self.get(*arguments) or {}).get("items", []))
