"""The shipped layout, a stack for the platform and one for each team, on a real engine: order, refusals, no changes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.engine.conftest import ROOT, Done, Engine
from tests.engine.stand_in import stand_in_charts
from tests.working_copy import working_copy
from tools.kubectl import Kubectl

Run = Callable[[str, str], Done]


@pytest.fixture(scope="module")
def project(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example's stacks, on the sandbox."""
    folder = tmp_path_factory.mktemp("teams")
    working_copy(folder, {})
    for path in folder.glob("Pulumi.*.yaml"):
        path.unlink()
    shutil.copytree(ROOT / "examples" / "teams", folder, dirs_exist_ok=True)
    sandbox = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())["config"]
    off = {"enabled": False}
    _say(
        folder,
        "platform",
        context=sandbox["flink-k8s:context"],
        kubeconfig=sandbox["flink-k8s:kubeconfig"],
        charts={"mirror": str(stand_in_charts(tmp_path_factory.mktemp("charts")))},
        certManager=off,
        prometheus={**off, "monitors": False},
        operator={"webhook": False},
        waitForJobs=False,
    )
    for team in ("team-a", "team-b"):
        _say(folder, team, waitForJobs=False)
    return folder


def _say(project: Path, stack: str, **more: object) -> None:
    """Lays keys over those of a stack's file."""
    path = project / f"Pulumi.{stack}.yaml"
    config = yaml.safe_load(path.read_text())["config"]
    path.write_text(yaml.safe_dump({"config": {**config, **{f"flink-k8s:{key}": said for key, said in more.items()}}}))


@pytest.fixture(scope="module")
def env(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """For every command: a state folder of this module's own."""
    return {**engine.env, "FLINK_K8S_STATE": str(tmp_path_factory.mktemp("state"))}


@pytest.fixture(scope="module")
def run(project: Path, env: Mapping[str, str]) -> Generator[Run]:
    """`run("tools.engine up", "platform")`; nothing is left in the end."""

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
            done = run("tools.engine up --timings", stack)
            assert done.code == 0
            path = done.said.partition("what decided it:")[2].partition("\n\n")[0]
            assert path.count(" s  ") >= 2
            assert ("Release flink-operator/flink-kubernetes-operator" if stack == "platform" else stack) in path
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
        namespaces = yaml.safe_load(before)["config"]["flink-k8s:namespaces"]
        _say(project, "platform", namespaces={name: said for name, said in namespaces.items() if name != "team-b"})
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


@pytest.fixture(scope="module")
def pulumi(env: Mapping[str, str]) -> Callable[..., str]:
    """The command by itself, as docs/teams.md has it: in the state folder's `config`, its backend and passphrase."""
    state = Path(env["FLINK_K8S_STATE"])
    own = {"PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE_FILE": str(state / "passphrase")}

    def call(*words: str) -> str:
        command = ["pulumi", *words, "--non-interactive"]
        done = subprocess.run(command, cwd=state / "config", env={**env, **own}, capture_output=True, check=False)
        print(done.stdout.decode(), done.stderr.decode())
        assert done.returncode == 0
        return done.stdout.decode()

    return call


class TestFromOneToSeveral:
    """A team's jobs move out of the stack that held all, as docs/teams.md says: the cluster does not notice."""

    def test_all_in_one(self, run: Run, project: Path):
        _say(project, "platform", jobFolders=["jobs/team-a"], jobs={"orders": {"parallelism": 2}})
        assert run("tools.engine up", "platform").code == 0

    def test_moved(self, run: Run, project: Path, kubectl: Kubectl, pulumi: Callable[..., str]):
        before = _uids(kubectl)
        shown = pulumi("stack", "--stack", "platform", "--show-urns").split()
        urns = [word for word in shown if word.startswith("urn:") and word.endswith("orders")]
        assert len(urns) == 2
        pulumi("stack", "select", "--create", "team-a")
        source, dest = (f"organization/flink-k8s/{stack}" for stack in ("platform", "team-a"))
        pulumi("state", "move", "--yes", "--source", source, "--dest", dest, *urns)
        _say(project, "platform", jobFolders=[], jobs={})
        for stack in ("platform", "team-a"):
            done = run("tools.engine preview", stack)
            assert done.code == 0
            assert not [what for what in ("create", "update", "replace", "delete") if f"to {what}" in done.said]
        for stack in ("platform", "team-a"):
            assert run("tools.engine up", stack).code == 0
        assert _uids(kubectl) == before

    def test_then_they_are_the_teams(self, run: Run, kubectl: Kubectl):
        assert run("tools.engine destroy", "platform").code != 0
        assert run("tools.engine destroy", "team-a").code == 0
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is None
        assert kubectl.get("namespace", "team-a") is not None


def _uids(kubectl: Kubectl) -> list[str]:
    kinds = {"flinkdeployment": "orders", "networkpolicy": "flinkdeployment-orders"}
    found = [kubectl.get(kind, name, "-n", "team-a") or {} for kind, name in kinds.items()]
    return [one["metadata"]["uid"] for one in found]
