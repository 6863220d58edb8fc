"""The shipped layout, a stack for the platform and one for each team, on a real engine: order, refusals, no changes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import yaml

from tests.engine.conftest import ROOT, Done, Engine
from tests.engine.stand_in import stand_in_charts
from tools.kubectl import Kubectl

Run = Callable[[str, str], Done]


@pytest.fixture(scope="module")
def project(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example's stacks, on the sandbox."""
    folder = tmp_path_factory.mktemp("teams")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in listed.stdout.decode().splitlines():
        if not name.startswith(("tests/", "Pulumi.", "jobs/")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(ROOT / "Pulumi.yaml", folder)
    shutil.copytree(ROOT / "examples" / "teams", folder, dirs_exist_ok=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    sandbox = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())["config"]
    path = folder / "Pulumi.platform.yaml"
    config = yaml.safe_load(path.read_text())["config"]
    off = {"enabled": False}
    config |= {
        "flink-k8s:context": sandbox["flink-k8s:context"],
        "flink-k8s:kubeconfig": str((ROOT / ".sandbox" / "kubeconfig").resolve()),
        "flink-k8s:charts": {"mirror": str(stand_in_charts(tmp_path_factory.mktemp("charts")))},
        "flink-k8s:certManager": off,
        "flink-k8s:prometheus": {**off, "monitors": False},
        "flink-k8s:operator": {"webhook": False},
    }
    path.write_text(yaml.safe_dump({"config": config}))
    for team in ("team-a", "team-b"):
        path = folder / f"Pulumi.{team}.yaml"
        config = yaml.safe_load(path.read_text())["config"]
        path.write_text(yaml.safe_dump({"config": {**config, "flink-k8s:waitForJobs": False}}))
    return folder


@pytest.fixture(scope="module")
def run(engine: Engine, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Run]:
    """`run("tools.engine up", "platform")`; nothing is left in the end."""
    env = {**engine.env, "FLINK_K8S_STATE": str(tmp_path_factory.mktemp("state"))}

    def call(what: str, stack: str) -> Done:
        command = [sys.executable, "-m", *what.split(), stack]
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=600, check=False)
        print(done.stdout, done.stderr)
        return Done(done.returncode, done.stdout + done.stderr)

    yield call
    for stack in ("team-a", "team-b", "platform"):
        call("tools.engine destroy", stack)


class TestOrder:
    """In this order."""

    def test_a_team_before_its_platform_is_refused(self, run: Run):
        for operation in ("preview", "up"):
            done = run(f"tools.engine {operation}", "team-a")
            assert done.code != 0
            assert "nothing was touched: the stack platform, which holds the platform, is not up" in done.said

    def test_the_platform_then_the_teams(self, run: Run, kubectl: Kubectl):
        for stack in ("platform", "team-a", "team-b"):
            assert run("tools.engine up", stack).code == 0
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is not None
        assert kubectl.get("flinkdeployment", "visits", "-n", "team-b") is not None

    @pytest.mark.parametrize("stack", ["platform", "team-a", "team-b"])
    def test_then_there_is_nothing_to_do(self, run: Run, stack: str):
        done = run("tools.engine preview", stack)
        assert done.code == 0
        assert "to create" not in done.said
        assert "to update" not in done.said

    def test_plan_and_drift_know_a_teams_stack(self, run: Run):
        assert "nothing (1): team-a/orders" in run("tools.plan", "team-a").said
        assert "nothing was changed by hand" in run("tools.drift", "team-a").said

    def test_a_namespace_with_a_teams_job_does_not_go(self, run: Run, project: Path, kubectl: Kubectl):
        path = project / "Pulumi.platform.yaml"
        before = path.read_text()
        config = yaml.safe_load(before)["config"]
        namespaces = {name: said for name, said in config["flink-k8s:namespaces"].items() if name != "team-b"}
        path.write_text(yaml.safe_dump({"config": {**config, "flink-k8s:namespaces": namespaces}}))
        done = run("tools.engine up", "platform")
        path.write_text(before)
        assert done.code != 0
        assert "FlinkDeployment team-b/visits" in done.said
        assert "FlinkDeployment team-a/orders" not in done.said
        assert kubectl.get("flinkdeployment", "visits", "-n", "team-b") is not None

    def test_the_platform_before_its_teams_is_not_destroyed(self, run: Run, kubectl: Kubectl):
        done = run("tools.engine destroy", "platform")
        assert done.code != 0
        assert "refused, nothing was done" in done.said
        assert "make destroy STACK=team-a, make destroy STACK=team-b" in done.said
        assert kubectl.get("namespace", "team-a") is not None

    def test_teams_first(self, run: Run, kubectl: Kubectl):
        for stack in ("team-b", "team-a", "platform"):
            assert run("tools.engine destroy", stack).code == 0
        for namespace in ("team-a", "team-b", "flink-operator"):
            assert kubectl.get("namespace", namespace) is None
