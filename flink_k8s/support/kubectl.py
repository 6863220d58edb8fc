"""kubectl for one stack: always its own context, never the ambient one."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from flink_k8s.support.errors import CommandError
from flink_k8s.support.paths import find_tool
from flink_k8s.support.processes import FailedError, capture


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
            FailedError: when there is no kubectl.
        """
        try:
            program = find_tool("kubectl")
        except CommandError as error:
            raise FailedError(str(error)) from None
        return cls(program, stack.context, stack.kubeconfig)

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        kubeconfig = [] if self.kubeconfig is None else ["--kubeconfig", str(self.kubeconfig)]
        return [self.program, *kubeconfig, "--context", self.context, *arguments]

    def try_run(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Runs it, whatever comes of it."""
        return capture(self.command(*arguments), stdin=stdin)

    def run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Runs it and returns what it prints.

        Raises:
            FailedError: with kubectl's own words.
        """
        done = self.try_run(*arguments, stdin=stdin)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise FailedError(f"kubectl {' '.join(arguments[:4])}: {said or f'exit code {done.returncode}'}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any] | None:
        """`kubectl get … -o json`; None when the object is not there.

        Raises:
            FailedError: for any other failure.
        """
        done = self.try_run("get", *arguments, "--ignore-not-found", "-o", "json")
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            if "the server doesn't have a resource type" in said or "NotFound" in said:
                return None
            raise FailedError(f"kubectl get {' '.join(arguments)}: {said}")
        return cast(dict[str, Any], json.loads(done.stdout)) if done.stdout.strip() else None
