"""Plain `pulumi` in a copy of the project, on a bare API server."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from flink_k8s.support.kubectl import Kubectl
from sandbox.engine import build
from sandbox.home import home
from tests.engine.bare_api_server import CONTEXT, bare_api_server
from tests.project import ROOT, run

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """The end of a command: its exit code, and its output."""

    code: int
    output: str


@dataclass(frozen=True)
class Plain:
    """A copy of the project on the API server, with plain `pulumi`.

    Attributes:
        folder: of the copy.
        command: `pulumi`.
        kubectl: of the API server.
    """

    folder: Path
    command: Path
    kubectl: Kubectl

    def configure(self, jobs: Mapping[str, Any] | None = None, **config: Any) -> None:
        """Writes the stack file, and keeps the salt that the engine has written."""
        path = self.folder / "Pulumi.plain.yaml"
        content = yaml.safe_load(path.read_text()) if path.exists() else {}
        off = {"enabled": False}
        settings = {
            "context": CONTEXT,
            "kubeconfig": str(self.kubectl.kubeconfig),
            "namespaces": {"default": {"create": False}, "other": {"create": False}},
            "certManager": off,
            "prometheus": {**off, "monitors": False},
            "operator": off,
            "networkPolicies": off,
            "waitForJobs": False,
            "jobs": jobs or {},
            **config,
        }
        content["config"] = {f"flink-k8s:{key}": value for key, value in settings.items()}
        path.write_text(yaml.safe_dump(content))

    def write(self, name: str, spec: Manifest | None, kind: str = "FlinkDeployment", *, renamed: str = "") -> None:
        """Writes or deletes a job file."""
        path = self.folder / "jobs" / f"{name}.yaml"
        path.unlink(missing_ok=True)
        if spec is not None:
            manifest = {"apiVersion": "flink.apache.org/v1beta1", "kind": kind, "metadata": {"name": renamed or name}}
            path.write_text(yaml.safe_dump({**manifest, "spec": spec}))

    def pulumi(self, *arguments: str, allow: str = "") -> Done:
        """Runs the command."""
        env = {
            "PATH": f"{self.command.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "FLINK_K8S_ALLOW": allow,
        }
        options = ["--non-interactive", "--color", "never", *(["--yes"] if arguments[0] in ("up", "destroy") else [])]
        done = run([str(self.command), *arguments, *options], timeout=300, cwd=self.folder, env=env)
        return Done(done.returncode, done.stdout + done.stderr)

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Generator[Self]:
        """A copy of the project in a folder, with an API server of its own and an empty stack."""
        for name in ("flink_k8s", "components", "Pulumi.yaml", "__main__.py", ".venv"):
            (folder / name).symlink_to(ROOT / name)
        for name in ("jobs", "state", "server"):
            (folder / name).mkdir()
        command = build(home())
        with bare_api_server(home(), folder / "server") as kubeconfig:
            kubectl = Kubectl(str(home().bin / "kubectl"), CONTEXT, kubeconfig)
            kubectl.run("create", "namespace", "other")
            project = cls(folder, command, kubectl)
            project.configure()
            assert project.pulumi("stack", "init", "plain").code == 0
            yield project
