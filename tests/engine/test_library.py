"""A program of a user with `FlinkPlatform` and `FlinkJob` on the real engine and a bare API server."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.engine.bare_api_server import CONTEXT
from tests.engine.plain_project import PlainProject, plain_project

PROGRAM = """\
import pulumi
import pulumi_kubernetes as kubernetes
from flink_k8s import FlinkJob, FlinkPlatform

def job(name, mode, *args):
    size = {{"resource": {{"memory": "1g", "cpu": 1}}}}
    of_job = {{"jarURI": "local:///a.jar", "parallelism": 1, "upgradeMode": mode, "args": list(args)}}
    spec = {{"image": "flink:2.2", "flinkVersion": "v2_2", "jobManager": size, "taskManager": size, "job": of_job}}
    api = {{"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": {{"name": name}}}}
    return {{**api, "spec": spec}}

off = {{"enabled": False}}
settings = {{
    "context": "{context}", "kubeconfig": "{kubeconfig}", "namespaces": {{"texts": {{}}}}, "certManager": off,
    "prometheus": {{"enabled": False, "monitors": False}}, "operator": off, "networkPolicies": off,
}}
provider = kubernetes.Provider("own", context="{context}", kubeconfig="{kubeconfig}")
topic = kubernetes.core.v1.ConfigMap(
    "topic", metadata={{"name": "topic", "namespace": "default"}}, data={{"name": "{topic}"}},
    opts=pulumi.ResourceOptions(provider=provider))
storage = {{"type": "s3", "uri": topic.data["name"].apply(lambda name: f"s3://{{name}}")}}
platform = FlinkPlatform("main", {{**settings, "stateStorage": storage, "waitForJobs": False}})
for name in {jobs}:
    manifest = job(name, "savepoint", "--topic", topic.data["name"])
    FlinkJob(name, {{"platform": platform, "manifest": manifest, "waitForJobs": False}})
"""


class Program(PlainProject):
    """The program."""

    def write(self, topic: str, *jobs: str) -> None:
        """Write the program with a value and jobs."""
        text = PROGRAM.format(context=CONTEXT, kubeconfig=self.kubectl.kubeconfig, topic=topic, jobs=jobs)
        (self.folder / "__main__.py").write_text(text)

    def args(self, name: str) -> list[str]:
        """The arguments of a deployed job."""
        deployment = self.kubectl.get("flinkdeployment", name, "-n", "texts")
        assert deployment is not None
        return deployment["spec"]["job"]["args"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """A project without the cloned program."""
    folder = tmp_path_factory.mktemp("library")
    runtime = "runtime:\n  name: python\n  options:\n    virtualenv: .venv\n"
    (folder / "Pulumi.yaml").write_text(f"name: texts\n{runtime}")
    with plain_project(folder, ("flink_k8s", ".venv")) as project:
        copy = Program(project.folder, project.command, project.kubectl)
        copy.write("orders", "a", "b")
        assert copy.pulumi("stack", "init", "dev").code == 0
        yield copy


def test_jobs_of_a_program_are_deployed_changed_and_deleted(program: Program) -> None:
    # A preview does not know the value of the new ConfigMap.
    preview = program.pulumi("preview")
    assert preview.code == 0
    assert program.pulumi("up", "--skip-preview").code == 0
    assert program.args("a") == ["--topic", "orders"]
    assert program.pulumi("preview", "--expect-no-changes").code == 0

    # A new value changes the jobs, and their state is kept.
    program.write("visits", "a", "b")
    changed = program.pulumi("up", "--skip-preview")
    assert changed.code == 0
    assert program.args("b") == ["--topic", "visits"]

    # A job has left the program: the guard refuses to delete the job, and allows it by name.
    program.write("visits", "a")
    refused = program.pulumi("up", "--skip-preview")
    assert refused.code != 0
    assert "STATE LOSS: delete" in refused.output
    assert program.pulumi("up", "--skip-preview", allow="texts/b").code == 0
    assert program.kubectl.get("flinkdeployment", "b", "-n", "texts") is None

    # Without the components no hook is left, and the engine refuses.
    (program.folder / "__main__.py").write_text("")
    without_hook = program.pulumi("up", "--skip-preview")
    assert without_hook.code != 0
    assert 'hook "state-guard-delete" was not registered' in without_hook.output
    program.write("visits", "a")
    assert program.pulumi("destroy", "--run-program", allow="texts/a").code == 0
    assert program.kubectl.get("namespace", "texts") is None
