"""Programs of users in Python, YAML and TypeScript that deploy a platform and jobs with the components."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox import golang
from sandbox.home import home
from sandbox.lock import locked
from tests.engine.plain_project import Done, PlainProject
from tests.project import ROOT, run

FOLDER = Path(__file__).parent
NAMESPACE = "texts"
"""The namespace of the jobs of all programs."""


@dataclass(frozen=True)
class _OfTests(golang.Module):
    @property
    def folder(self) -> Path:
        return FOLDER / self.name.replace("-", "_")


_YAML = "github.com/pulumi/pulumi-yaml"
_YAML_HOST = _OfTests("pulumi-yaml", _YAML, {"pulumi-language-yaml": f"{_YAML}/cmd/pulumi-language-yaml"})
_GENERATOR = _OfTests("pulumi-nodejs", "", {"generate-nodejs": "."})
"""What `pulumi package gen-sdk` runs for TypeScript; the command itself needs a language host that no registry has."""


@dataclass(frozen=True)
class Deployed:
    """What a program deploys.

    Attributes:
        platform: arguments of the platform, without the cluster.
        spec: of each job.
        option: argument of the job before the value that the program sets.
    """

    platform: Mapping[str, Any]
    spec: Mapping[str, Any]
    option: str

    @property
    def waits(self) -> bool:
        """Whether the program waits for the jobs."""
        return bool(self.platform.get("waitForJobs", True))


_OFF = {"enabled": False}
BARE = Deployed(
    platform={
        **dict.fromkeys(("certManager", "operator", "networkPolicies"), _OFF),
        "prometheus": {**_OFF, "monitors": False},
        "stateStorage": {"type": "s3", "uri": "s3://flink", "folder": "texts"},
        "waitForJobs": False,
    },
    spec={
        "image": "registry.example.org/orders:1",
        "flinkVersion": "v2_2",
        "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
        "taskManager": {"resource": {"memory": "1g", "cpu": 1}},
        "job": {"jarURI": "local:///orders.jar", "parallelism": 2, "upgradeMode": "savepoint", "args": []},
    },
    option="--topic",
)
"""On an API server without an operator."""


@dataclass(frozen=True)
class Program(PlainProject, ABC):
    """A program with an empty stack `dev`.

    Attributes:
        deployed: by the program.
    """

    deployed: Deployed = BARE

    @property
    def platform(self) -> dict[str, Any]:
        """The arguments of the platform."""
        cluster = {"context": self.kubectl.context, "kubeconfig": str(self.kubectl.kubeconfig)}
        return {**cluster, "namespaces": {NAMESPACE: {}}, **self.deployed.platform}

    @abstractmethod
    def prepare(self) -> None:
        """Create the stack, and what the program needs."""

    @abstractmethod
    def run(self, operation: str, value: str, *jobs: str, allow: str = "", **spec: object) -> Done:
        """Run an operation of the program.

        Args:
            operation: `preview`, `unchanged` (a preview that fails on changes), `up`, `destroy`.
            value: of the argument of each job.
            jobs: their names.
            allow: jobs that may lose their state.
            spec: fields of each job that replace those of `deployed`.
        """

    def job(self, name: str) -> dict[str, Any] | None:
        """The spec of a job in the cluster."""
        resource = self.kubectl.get("flinkdeployment", name, "-n", NAMESPACE)
        return resource and resource["spec"]

    def _create_stack(self) -> None:
        done = self.pulumi("stack", "init", "dev", env=language_hosts())
        assert done.code == 0, done.output

    def _run_pulumi(self, operation: str, allow: str) -> Done:
        arguments = {
            "preview": ("preview",),
            "unchanged": ("preview", "--expect-no-changes"),
            "up": ("up", "--skip-preview"),
            "destroy": ("destroy", "--run-program"),
        }
        return self.pulumi(*arguments[operation], allow=allow, env=language_hosts())


_PYTHON = """\
import pulumi
import pulumi_kubernetes as kubernetes
from flink_k8s import FlinkJob, FlinkPlatform

platform_args = {platform}
api = {{"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment"}}

def spec(value):
    fields = {spec}
    fields["job"]["args"] += ["{option}", value]
    return fields

provider = kubernetes.Provider("own", context=platform_args["context"], kubeconfig=platform_args["kubeconfig"])
config_map = kubernetes.core.v1.ConfigMap(
    "values", metadata={{"name": "values", "namespace": "default"}}, data={{"value": "{value}", "uri": "s3://flink"}},
    opts=pulumi.ResourceOptions(provider=provider))
if "uri" in platform_args["stateStorage"]:
    platform_args["stateStorage"]["uri"] = config_map.data["uri"]
platform = FlinkPlatform("texts", platform_args)
for name in {jobs}:
    manifest = {{**api, "metadata": {{"name": name}}, "spec": spec(config_map.data["value"])}}
    FlinkJob(name, {{"platform": platform, "manifest": manifest, "waitForJobs": {waits}}})
"""


class PythonProgram(Program):
    """A program in Python; the argument of the jobs is an output of another resource."""

    def prepare(self) -> None:
        for name in ("flink_k8s", ".venv"):
            (self.folder / name).symlink_to(ROOT / name)
        runtime = {"name": "python", "options": {"virtualenv": ".venv"}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "texts", "runtime": runtime}))
        self._create_stack()

    def run(self, operation: str, value: str, *jobs: str, allow: str = "", **spec: object) -> Done:
        merged = {**self.deployed.spec, **spec}
        names = {"option": self.deployed.option, "value": value, "jobs": jobs, "waits": self.deployed.waits}
        text = _PYTHON.format(platform=self.platform, spec=merged, **names)
        (self.folder / "__main__.py").write_text(text)
        return self._run_pulumi(operation, allow)

    def without_components(self) -> Done:
        """`up` of an empty program."""
        (self.folder / "__main__.py").write_text("")
        return self._run_pulumi("up", "")


class YamlProgram(Program):
    """The documented program in YAML, with another cluster and other jobs."""

    def prepare(self) -> None:
        with locked(home().lock, "build the language host for YAML"):
            golang.build(home(), (_YAML_HOST,))
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "texts", "runtime": "yaml"}))
        self._create_stack()

    def run(self, operation: str, value: str, *jobs: str, allow: str = "", **spec: object) -> Done:
        text = (ROOT / "docs/library.md").read_text()
        [documented] = re.findall(r"^```yaml\n(name: texts\n.*?)^```", text, re.MULTILINE | re.DOTALL)
        program = yaml.safe_load(documented.replace("kind-west", self.kubectl.context))
        program["packages"]["flink-k8s"] = str(ROOT / "package")
        program["variables"]["platform"] = self.platform
        resources = program["resources"]
        resources["topics"]["properties"]["data"]["orders"] = value
        resources["cluster"]["properties"]["kubeconfig"] = self.platform["kubeconfig"]
        job = resources.pop("orders")
        [value_of_documented] = job["properties"]["manifest"]["spec"]["job"]["args"][1:]
        for name in jobs:
            resource = copy.deepcopy(job)
            merged = copy.deepcopy({**self.deployed.spec, **spec})
            merged["job"]["args"] += [self.deployed.option, value_of_documented]
            resource["properties"] |= {"settings": {}, "waitForJobs": self.deployed.waits}
            resource["properties"]["manifest"] |= {"metadata": {"name": name}, "spec": merged}
            resources[name] = resource
        program["outputs"] = {name: f"${{{name}.restAddress}}" for name in jobs}
        (self.folder / "Pulumi.yaml").write_text(json.dumps(program))  # Pulumi refuses the aliases of PyYAML
        return self._run_pulumi(operation, allow)


class TypeScriptProgram(Program):
    """A program in TypeScript, with the classes that Pulumi generates from the schema of the package."""

    def prepare(self) -> None:
        """Install the SDK, generate the classes, and compile both: a wrong field would be an error."""
        shutil.copytree(FOLDER / "typescript", self.folder, dirs_exist_ok=True)
        with locked(home().lock, "build the generator of TypeScript"):
            golang.build(home(), (_GENERATOR,))
        generator = _GENERATOR.program(home(), "generate-nodejs")
        subprocess.run([generator, ROOT / "package" / "schema.json", self.folder / "sdk"], check=True)
        (self.folder / "sdk" / "tsconfig.json").unlink()
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=self.folder, check=True)
        subprocess.run(["npx", "--no-install", "tsc", "--project", "."], cwd=self.folder, check=True)
        shutil.copy(self.folder / "sdk" / "package.json", self.folder / "bin" / "sdk")  # the classes read their version
        plugin = {"name": "flink-k8s", "path": str(ROOT / "package")}
        project = {"name": "texts", "runtime": "nodejs", "plugins": {"providers": [plugin]}}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))

    def run(self, operation: str, value: str, *jobs: str, allow: str = "", **spec: object) -> Done:
        settings = {
            "platform": self.platform,
            "jobs": jobs,
            "spec": {**self.deployed.spec, **spec},
            "parameter": self.deployed.option.removeprefix("--"),
            "values": {NAMESPACE: value},
        }
        command = ["node", "bin/program.js", operation, json.dumps(settings)]
        env = {**os.environ, **self.variables, **language_hosts(), "FLINK_K8S_ALLOW": allow}
        done = run(command, timeout=600, cwd=self.folder, env=env)
        return Done(done.returncode, done.stdout + done.stderr)


PROGRAMS = {"python": PythonProgram, "yaml": YamlProgram, "typescript": TypeScriptProgram}
"""The programs by their language."""


def language_hosts() -> dict[str, str]:
    """PATH with the language hosts of this machine."""
    hosts = home().bin
    # The language host of the sandbox runs in the first Python on PATH, because these programs have no environment.
    folders = [str(Path(sys.executable).parent), str(hosts), str((hosts / "pulumi").resolve().parent)]
    return {"PATH": os.pathsep.join([*folders, os.environ["PATH"]])}
