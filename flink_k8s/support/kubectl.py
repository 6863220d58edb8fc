"""kubectl for one stack: always its own context, never the ambient one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import Completed, capture, errors


class OfCluster(Protocol):
    """What belongs to one cluster, such as a stack."""

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
    def of(cls, stack: OfCluster) -> Kubectl:
        """For a stack.

        Raises:
            CommandError: when there is no kubectl.
        """
        return cls(find_tool("kubectl"), stack.context, stack.kubeconfig)

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        kubeconfig = [] if self.kubeconfig is None else ["--kubeconfig", str(self.kubeconfig)]
        return [self.program, *kubeconfig, "--context", self.context, *arguments]

    def try_run(self, *arguments: str, stdin: bytes | None = None) -> Completed:
        """Runs it, whatever comes of it."""
        return capture(self.command(*arguments), stdin=stdin)

    def run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Runs it and returns what it prints.

        Raises:
            CommandError: with kubectl's own words.
        """
        done = self.try_run(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise CommandError(f"kubectl {' '.join(arguments[:4])}: {errors(done)}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any] | None:
        """`kubectl get … -o json`; None when the object is not there.

        Raises:
            CommandError: for any other failure.
        """
        done = self.try_run("get", *arguments, "--ignore-not-found", "-o", "json")
        if done.returncode != 0:
            error = errors(done)
            if "the server doesn't have a resource type" in error or "NotFound" in error:
                return None
            raise CommandError(f"kubectl get {' '.join(arguments)}: {error}")
        return cast(dict[str, Any], json.loads(done.stdout)) if done.stdout.strip() else None

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects of `kubectl get …`, a list; none if the cluster does not have the kind.

        Raises:
            CommandError: if the cluster cannot be asked.
        """
        return cast("list[dict[str, Any]]", (self.get(*arguments) or {}).get("items", []))
