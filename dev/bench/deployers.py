"""The deployers of part b: the `pulumi` command with this program, kubectl, OpenTofu."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import yaml

from dev.bench.measure import Cost, cost
from dev.bench.workload import changed, names
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
    """The `pulumi` command with a local state, as in `make up`, for one or several stacks."""

    def __init__(self, command: Path, folder: Path, state: Path, stacks: Sequence[str], at_once: int = 1) -> None:
        """
        Args:
            command: path of `pulumi`.
            folder: a copy of this project.
            state: folder to create.
            stacks: of the project.
            at_once: number of stacks that the command works on in parallel.
        """
        state.mkdir()
        layout = f", {len(stacks)} stacks, {at_once} at a time" if len(stacks) > 1 else ""
        self.previews, self.deploys = f"pulumi preview{layout}", f"pulumi up{layout}"
        self._command = command
        self._folder = folder
        self._stacks = stacks
        self._at_once = at_once
        self._env = {
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def begin(self) -> None:
        """Create the stacks."""
        self._run("stack", "init")

    def preview(self) -> Cost:
        """Preview the changes."""
        return self._run("preview")

    def deploy(self) -> Cost:
        """Deploy the changes."""
        return self._run("up", "--yes", "--skip-preview")

    def change_one(self) -> None:
        """Change the parallelism of one job in its files."""
        path = self._folder / "jobs" / self._stacks[0] / f"{names(1)[0]}.yaml"
        path.write_text(changed(path.read_text(encoding="utf-8")), encoding="utf-8")
        self._stacks = self._stacks[:1]  # only its stack is deployed

    def _run(self, *arguments: str) -> Cost:
        pulumi = [self._command, *arguments, "--non-interactive", "--stack", "{}"]
        command = ["xargs", f"-P{self._at_once}", "-I{}", *pulumi]
        return cost(command, self._folder, self._env, stdin="\n".join(self._stacks).encode())


class ServerSide(Deployer):
    """kubectl: server-side apply and diff, with one file per object."""

    previews, deploys = "kubectl diff", "kubectl apply --server-side"

    def __init__(self, cluster: Kubectl, folder: Path, namespaces: Sequence[str]) -> None:
        """
        Args:
            cluster: kubectl for the cluster.
            folder: with the files, and no others.
            namespaces: of the objects.
        """
        self._cluster = cluster
        self._folder = folder
        self._namespaces = namespaces

    def begin(self) -> None:
        """Create the namespaces: for a diff, the API server refuses objects in an unknown namespace."""
        for namespace in self._namespaces:
            self._cluster.run("create", "namespace", namespace)

    def preview(self) -> Cost:
        """Preview the changes."""
        return self._run("diff", accepted=(0, 1))  # 1: there are differences

    def deploy(self) -> Cost:
        """Deploy the changes."""
        return self._run("apply")

    def change_one(self) -> None:
        """Change the parallelism of one job in its files."""
        path = _first_job([*self._folder.rglob("*.yaml")])
        path.write_text(changed(path.read_text(encoding="utf-8")), encoding="utf-8")

    def _run(self, verb: str, accepted: Sequence[int] = (0,)) -> Cost:
        command = self._cluster.command(verb, "--server-side", "--recursive", "-f", str(self._folder))
        return cost(command, self._folder, accepted=accepted)


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
