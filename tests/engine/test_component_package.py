"""Programs in YAML and TypeScript use the component package on the real engine and a bare API server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sandbox import golang
from sandbox.home import home
from sandbox.lock import locked
from tests.engine.bare_api_server import CONTEXT
from tests.engine.plain_project import Done, PlainProject, plain_project
from tests.project import ROOT, run

pytestmark = pytest.mark.full  # they compile Pulumi's language host for YAML, and its generator of TypeScript

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class _OfTests(golang.Module):
    @property
    def folder(self) -> Path:
        return FOLDER / self.name.replace("-", "_")


_YAML = "github.com/pulumi/pulumi-yaml"
LANGUAGE_HOST = _OfTests("pulumi-yaml", _YAML, {"pulumi-language-yaml": f"{_YAML}/cmd/pulumi-language-yaml"})
GENERATOR = _OfTests("pulumi-nodejs", "", {"generate-nodejs": "."})
"""What `pulumi package gen-sdk` runs for TypeScript; the command itself needs a language host that no registry has."""


def language_hosts() -> dict[str, str]:
    """PATH with the language hosts of this machine."""
    hosts = home().bin
    # The language host of the sandbox runs in the first Python on PATH, because these programs have no environment.
    folders = [str(Path(sys.executable).parent), str(hosts), str((hosts / "pulumi").resolve().parent)]
    return {"PATH": os.pathsep.join([*folders, os.environ["PATH"]])}


class Program(PlainProject):
    """The program in YAML."""

    def write(self, topic: str = "orders-v2", *, has_job: bool = True, **spec: object) -> None:
        """Write the documented program for the API server, with another value or field."""
        text = (ROOT / "docs/library.md").read_text()
        [documented] = re.findall(r"^```yaml\n(name: texts\n.*?)^```", text, re.MULTILINE | re.DOTALL)
        program = yaml.safe_load(documented.replace("kind-west", CONTEXT).replace("orders-v2", topic))
        program["packages"]["flink-k8s"] = str(ROOT / "package")
        kubeconfig = str(self.kubectl.kubeconfig)
        program["resources"]["cluster"]["properties"]["kubeconfig"] = kubeconfig
        parts = {part: {"enabled": False} for part in ("certManager", "operator", "prometheus")}
        parts["prometheus"]["monitors"] = False
        storage = {"type": "s3", "uri": "s3://flink", "folder": "texts"}
        program["variables"]["platform"] |= {"kubeconfig": kubeconfig, **parts, "stateStorage": storage}
        job = program["resources"]["orders"]["properties"]
        job["waitForJobs"] = False
        job["manifest"]["spec"]["job"] |= {"upgradeMode": "savepoint", **spec}
        if not has_job:
            del program["resources"]["orders"], program["outputs"]
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(program))

    def run(self, *arguments: str, allow: str = "") -> Done:
        """Run `pulumi` with the language hosts of this machine."""
        return self.pulumi(*arguments, allow=allow, env=language_hosts())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """The program with an empty stack."""
    with locked(home().lock, "build the language host for YAML"):
        golang.build(home(), (LANGUAGE_HOST,))
    with plain_project(tmp_path_factory.mktemp("yaml"), ()) as project:
        copy = Program(project.folder, project.command, project.kubectl)
        copy.write()
        assert copy.run("stack", "init", "dev").code == 0
        yield copy


def test_yaml_program_is_deployed_changed_and_destroyed(program: Program) -> None:
    assert program.run("preview").code == 0
    assert program.run("up", "--skip-preview").code == 0
    job = program.kubectl.get("flinkdeployment", "orders", "-n", "texts")
    assert job is not None
    assert (job["spec"]["job"]["args"], job["spec"]["job"]["parallelism"]) == (["--topic", "orders-v2"], 2)
    assert program.run("preview", "--expect-no-changes").code == 0

    program.write("orders-v3")
    assert program.run("up", "--skip-preview").code == 0
    job = program.kubectl.get("flinkdeployment", "orders", "-n", "texts")
    assert job is not None
    assert job["spec"]["job"]["args"] == ["--topic", "orders-v3"]

    program.write("orders-v3", paralelism=3)
    wrong = program.run("preview")
    assert wrong.code != 0
    assert 'FlinkJob orders: manifest: spec.job.paralelism: unknown field; did you mean "parallelism"?' in wrong.output
    assert "Traceback" not in wrong.output

    program.write("orders-v3", has_job=False)
    refused = program.run("preview")
    assert refused.code != 0
    assert "texts/orders: STATE LOSS: delete" in refused.output

    program.write("orders-v3")
    assert program.run("destroy", "--run-program", allow="texts/orders").code == 0
    assert program.kubectl.get("namespace", "texts") is None


class TypeScript(PlainProject):
    """The program in TypeScript, with the classes that Pulumi generates from the schema of the package."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the program."""
        return {**os.environ, **self.variables, **language_hosts()}

    def compile(self) -> None:
        """Install the SDK, generate the classes, and compile both: a wrong field would be an error."""
        shutil.copytree(FOLDER / "typescript", self.folder, dirs_exist_ok=True)
        with locked(home().lock, "build the generator of TypeScript"):
            golang.build(home(), (GENERATOR,))
        generator = GENERATOR.program(home(), "generate-nodejs")
        subprocess.run([generator, ROOT / "package" / "schema.json", self.folder / "sdk"], check=True)
        (self.folder / "sdk" / "tsconfig.json").unlink()
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=self.folder, check=True)
        subprocess.run(["npx", "--no-install", "tsc", "--project", "."], cwd=self.folder, check=True)
        shutil.copy(self.folder / "sdk" / "package.json", self.folder / "bin" / "sdk")  # the classes read their version
        plugin = {"name": "flink-k8s", "path": str(ROOT / "package")}
        project = {"name": "texts", "runtime": "nodejs", "plugins": {"providers": [plugin]}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))

    def run(self, operation: str, *topics: str, allow: str = "", **spec: object) -> Done:
        """Run an operation of the program."""
        parts = {part: {"enabled": False} for part in ("certManager", "operator", "prometheus")}
        parts["prometheus"]["monitors"] = False
        platform = {
            "context": CONTEXT,
            "kubeconfig": str(self.kubectl.kubeconfig),
            "namespaces": {"texts": {}},
            **parts,
        }
        process = {"resource": {"memory": "1g", "cpu": 1}}
        job = {
            "image": "registry.example.org/orders:1",
            "flinkVersion": "v2_2",
            "jobManager": process,
            "taskManager": process,
            "job": {"jarURI": "local:///opt/flink/usrlib/orders.jar", "upgradeMode": "stateless"},
            **spec,
        }
        settings = json.dumps({"platform": platform, "topics": topics, "spec": job})
        command = ["node", "bin/program.js", operation, settings]
        done = run(command, timeout=300, cwd=self.folder, env={**self.environment, "FLINK_K8S_ALLOW": allow})
        return Done(done.returncode, done.stdout + done.stderr)

    def job(self, name: str) -> dict[str, object] | None:
        """The spec of a job in the cluster."""
        resource = self.kubectl.get("flinkdeployment", name, "-n", "texts")
        return resource and resource["spec"]


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Generator[TypeScript]:
    """The compiled program."""
    with plain_project(tmp_path_factory.mktemp("typescript"), ()) as project:
        copy = TypeScript(project.folder, project.command, project.kubectl)
        copy.compile()
        yield copy


def test_typescript_program_is_deployed_changed_and_destroyed(typescript: TypeScript) -> None:
    up = typescript.run("up", "orders", "visits")
    assert up.code == 0, up.output
    orders = typescript.job("orders")
    assert orders
    assert orders["job"]["args"] == ["--topic", "texts-orders"]  # type: ignore[index]
    assert typescript.job("visits")
    unchanged = typescript.run("preview", "orders", "visits")
    assert unchanged.code == 0, unchanged.output

    changed = typescript.run("up", "orders", image="registry.example.org/orders:2")
    assert changed.code == 0, changed.output
    assert (typescript.job("orders") or {})["image"] == "registry.example.org/orders:2"
    assert typescript.job("visits") is None

    wrong = typescript.run("up", "orders", paralelism=3)
    assert wrong.code != 0
    assert "FlinkJob orders: manifest: spec.paralelism: unknown field" in wrong.output

    destroyed = typescript.run("destroy", "orders")
    assert destroyed.code == 0, destroyed.output
    assert typescript.kubectl.get("namespace", "texts") is None
