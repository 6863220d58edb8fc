"""A copy of the project without job files, with plain `pulumi` on a bare API server."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flink_k8s.support.kubectl import Kubectl
from sandbox.engine import build
from sandbox.home import home
from tests.engine.bare_api_server import CONTEXT, bare_api_server
from tests.project import ROOT, run


@dataclass(frozen=True)
class Done:
    """The end of a command: its exit code, and its output."""

    code: int
    output: str


@dataclass(frozen=True)
class PlainProject:
    """A copy of the project on the API server, with plain `pulumi`.

    Attributes:
        folder: of the copy.
        command: `pulumi`.
        kubectl: of the API server.
    """

    folder: Path
    command: Path
    kubectl: Kubectl

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the command."""
        return {
            "PATH": f"{self.command.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def pulumi(self, *arguments: str, allow: str = "", env: dict[str, str] | None = None) -> Done:
        """Runs the command."""
        variables = {**self.variables, "FLINK_K8S_ALLOW": allow, **(env or {})}
        options = ["--non-interactive", "--color", "never", *(["--yes"] if arguments[0] in ("up", "destroy") else [])]
        done = run([str(self.command), *arguments, *options], timeout=600, cwd=self.folder, env=variables)
        return Done(done.returncode, done.stdout + done.stderr)


@contextmanager
def plain_project(
    folder: Path,
    files: Sequence[str] = ("flink_k8s", "Pulumi.yaml", "__main__.py", ".venv"),
    controllers: Sequence[str] = (),
) -> Generator[PlainProject]:
    """An API server, and a copy of the project without job files and stacks.

    Args:
        folder: of the copy.
        files: that are links to those of the project.
        controllers: of Kubernetes, in addition to those of deletions.
    """
    for name in files:
        (folder / name).symlink_to(ROOT / name)
    for name in ("jobs", "state", "server"):
        (folder / name).mkdir()
    command = build(home())
    with bare_api_server(home(), folder / "server", controllers) as kubeconfig:
        yield PlainProject(folder, command, Kubectl(str(home().bin / "kubectl"), CONTEXT, kubeconfig))
