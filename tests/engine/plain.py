"""A stack with job files and plain `pulumi`, on a bare API server."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import yaml

from tests.engine.bare_api_server import CONTEXT
from tests.engine.plain_project import PlainProject, plain_project

Manifest = dict[str, Any]


class Plain(PlainProject):
    """A copy of the project with the stack `plain`."""

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

    @classmethod
    @contextmanager
    def started(cls, folder: Path, controllers: Sequence[str] = ()) -> Generator[Self]:
        """A copy of the project in a folder, with an API server of its own and an empty stack.

        Args:
            folder: of the copy.
            controllers: of Kubernetes, in addition to those of deletions.
        """
        with plain_project(folder, controllers=controllers) as copy:
            copy.kubectl.run("create", "namespace", "other")
            project = cls(copy.folder, copy.command, copy.kubectl)
            project.configure()
            assert project.pulumi("stack", "init", "plain").code == 0
            yield project
