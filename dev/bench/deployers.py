"""The deployers of part b: the `pulumi` command with this program, kubectl, OpenTofu."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import yaml

from dev.bench.measure import Cost, cost
from dev.bench.workload import NAMESPACE, STACK, changed, names
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.processes import output

_QUIETLY = ("-input=false", "-no-color")


class Deployer(Protocol):
    """A deployer with its objects in its own folder.

    Attributes:
        previews: its command for a preview.
        deploys: its command for a deployment.
    """

    previews: str
    deploys: str

    def begin(self) -> None:
        """Prepare the cluster and the deployer; not measured."""
        ...

    def preview(self) -> Cost:
        """Preview the changes."""
        ...

    def deploy(self) -> Cost:
        """Deploy the changes."""
        ...

    def change_one(self) -> None:
        """Change the parallelism of one job in its files."""
        ...


class Pulumi(Deployer):
    """The `pulumi` command with a local state, as in `make up`."""

    previews, deploys = "pulumi preview", "pulumi up"

    def __init__(self, command: Path, folder: Path, state: Path) -> None:
        """
        Args:
            command: path of `pulumi`.
            folder: a copy of this project.
            state: folder to create.
        """
        state.mkdir()
        self._command = command
        self._folder = folder
        self._env = {
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def begin(self) -> None:
        """Create the stack."""
        self._run("stack", "init")

    def preview(self) -> Cost:
        """Preview the changes."""
        return self._run("preview")

    def deploy(self) -> Cost:
        """Deploy the changes."""
        return self._run("up", "--yes", "--skip-preview")

    def change_one(self) -> None:
        """Change the parallelism of one job in its files."""
        path = self._folder / "jobs" / f"{names(1)[0]}.yaml"
        path.write_text(changed(path.read_text(encoding="utf-8")), encoding="utf-8")

    def _run(self, *arguments: str) -> Cost:
        return cost([self._command, *arguments, "--non-interactive", "--stack", STACK], self._folder, self._env)


class ServerSide(Deployer):
    """kubectl: server-side apply and diff, with one file per object."""

    previews, deploys = "kubectl diff", "kubectl apply --server-side"

    def __init__(self, cluster: Kubectl, manifests: Sequence[Path]) -> None:
        """
        Args:
            cluster: kubectl for the cluster.
            manifests: the files, in a folder without other files.
        """
        self._cluster = cluster
        self._manifests = manifests
        self._folder = manifests[0].parent

    def begin(self) -> None:
        """Create the namespace: for a diff, the API server refuses objects in an unknown namespace."""
        self._cluster.run("create", "namespace", NAMESPACE)

    def preview(self) -> Cost:
        """Preview the changes."""
        command = self._cluster.command("diff", "--server-side", "-f", str(self._folder))
        return cost(command, self._folder, accepted=(0, 1))  # 1: there are differences

    def deploy(self) -> Cost:
        """Deploy the changes."""
        return cost(self._cluster.command("apply", "--server-side", "-f", str(self._folder)), self._folder)

    def change_one(self) -> None:
        """Change the parallelism of one job in its files."""
        path = _first_job(self._manifests)
        path.write_text(changed(path.read_text(encoding="utf-8")), encoding="utf-8")


class Tofu(Deployer):
    """OpenTofu with a `kubernetes_manifest` per object, and a local state."""

    previews, deploys = "tofu plan", "tofu apply"

    def __init__(self, program: str, cluster: Kubectl, manifests: Sequence[Path], folder: Path) -> None:
        """
        Args:
            program: path of `tofu`.
            cluster: kubectl for the cluster.
            manifests: one file per object.
            folder: to create, for its configuration and state.
        """
        folder.mkdir()
        self._program = program
        self._cluster = cluster
        self._folder = folder
        self._objects: dict[str, object] = {
            _id(path): yaml.safe_load(path.read_text(encoding="utf-8")) for path in manifests
        }
        self._first_job = _id(_first_job(manifests))
        self._namespace = _id(_of_kind("namespace", manifests))

    def begin(self) -> None:
        """Install the provider.

        Raises:
            CommandError: if it cannot be installed.
        """
        self._write()
        output("tofu init", [self._program, "init", *_QUIETLY], cwd=self._folder)

    def preview(self) -> Cost:
        """Preview the changes."""
        return cost([self._program, "plan", *_QUIETLY], self._folder)

    def deploy(self) -> Cost:
        """Deploy the changes."""
        return cost([self._program, "apply", "-auto-approve", *_QUIETLY], self._folder)

    def change_one(self) -> None:
        """Change the parallelism of one job in its files."""
        text = yaml.safe_dump(self._objects[self._first_job])
        self._objects[self._first_job] = yaml.safe_load(changed(text))
        self._write()

    def _write(self) -> None:
        resources = {name: self._resource(name, manifest) for name, manifest in self._objects.items()}
        provider = {"config_path": str(self._cluster.kubeconfig), "config_context": self._cluster.context}
        configuration = {
            "terraform": {"required_providers": {"kubernetes": {"source": "hashicorp/kubernetes"}}},
            "provider": {"kubernetes": provider},
            "resource": {"kubernetes_manifest": resources},
        }
        (self._folder / "main.tf.json").write_text(json.dumps(configuration), encoding="utf-8")

    def _resource(self, name: str, manifest: object) -> dict[str, object]:
        dependencies = [] if name == self._namespace else [f"kubernetes_manifest.{self._namespace}"]
        return {"manifest": manifest, "depends_on": dependencies}


def find_tofu() -> str | None:
    """The path of the command; None if it is not on PATH."""
    return shutil.which("tofu")


def _first_job(manifests: Sequence[Path]) -> Path:
    return _of_kind("flinkdeployment", manifests)


def _of_kind(kind: str, manifests: Sequence[Path]) -> Path:
    """The first file of a kind; files are named `LL-kind-namespace-name.yaml`."""
    return next(path for path in sorted(manifests) if path.name.split("-")[1] == kind)


def _id(path: Path) -> str:
    """The name of a resource, which must begin with a letter."""
    return f"object-{path.stem}".replace(".", "-")
