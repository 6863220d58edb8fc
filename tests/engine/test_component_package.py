"""The documented program in YAML uses the component package on the real engine and a bare API server."""

from __future__ import annotations

import os
import re
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
from tests.project import ROOT

pytestmark = pytest.mark.full  # it compiles Pulumi's language host for YAML


@dataclass(frozen=True)
class _OfTests(golang.Module):
    @property
    def folder(self) -> Path:
        return Path(__file__).with_name("pulumi_yaml")


_YAML = "github.com/pulumi/pulumi-yaml"
LANGUAGE_HOST = _OfTests("pulumi-yaml", _YAML, {"pulumi-language-yaml": f"{_YAML}/cmd/pulumi-language-yaml"})


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
        hosts = home().bin
        # The language host of the sandbox runs in the first Python on PATH, because a YAML program has no environment.
        folders = [str(Path(sys.executable).parent), str(hosts), str((hosts / "pulumi").resolve().parent)]
        path = os.pathsep.join([*folders, os.environ["PATH"]])
        return self.pulumi(*arguments, allow=allow, env={"PATH": path})


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
