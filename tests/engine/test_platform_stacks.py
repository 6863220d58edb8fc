"""The shipped layout, a stack for the platform and one for each team, on a real engine: order, refusals, no changes."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import yaml

from flink_k8s.support.kubectl import Kubectl
from tests.project import ROOT, Done, Project
from tests.project import run as run_command
from tests.working_copy import working_copy

Run = Callable[[str, str], Done]
TEAMS = ("team-a", "team-b")


@pytest.fixture(scope="module")
def project(no_stack: None, charts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the example's stacks, on the sandbox."""
    folder = tmp_path_factory.mktemp("teams")
    working_copy(folder, {})
    for path in folder.glob("Pulumi.*.yaml"):
        path.unlink()
    shutil.copytree(ROOT / "examples" / "teams", folder, dirs_exist_ok=True)
    sandbox = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text())["config"]
    off = {"enabled": False}
    configure(
        folder,
        "platform",
        context=sandbox["flink-k8s:context"],
        kubeconfig=sandbox["flink-k8s:kubeconfig"],
        charts={"mirror": str(charts)},
        certManager=off,
        prometheus={**off, "monitors": False},
        operator={"webhook": False},
        waitForJobs=False,
    )
    for team in TEAMS:
        configure(folder, team, waitForJobs=False)
    return folder


def configure(project: Path, stack: str, **more: object) -> None:
    """Adds keys to a stack's file."""
    path = project / f"Pulumi.{stack}.yaml"
    config = yaml.safe_load(path.read_text())["config"]
    config |= {f"flink-k8s:{key}": value for key, value in more.items()}
    path.write_text(yaml.safe_dump({"config": config}))


@pytest.fixture(scope="module")
def run(project: Path, request: pytest.FixtureRequest) -> Generator[Run]:
    """`run("flink_k8s.operations.deploy up", "platform")`; what a failed test leaves is destroyed in the end."""

    def call(module: str, stack: str) -> Done:
        start = time.monotonic()
        done = run_command([sys.executable, "-m", *module.split(), stack], cwd=project, timeout=600)
        return Done(done.returncode, done.stdout + done.stderr, time.monotonic() - start)

    yield call
    if request.session.testsfailed:
        for stack in (*TEAMS, "platform"):
            call("flink_k8s.operations.deploy destroy", stack)


class TestOrder:
    """In this order."""

    def test_a_team_before_its_platform_is_refused(self, run: Run, kubectl: Kubectl):
        for operation in ("preview", "up"):
            done = run(f"flink_k8s.operations.deploy {operation}", "team-a")
            assert done.code != 0
            assert "the platform's stack platform is not deployed" in done.output
        assert kubectl.get("namespace", "team-a") is None

    def test_the_platform_then_the_teams(self, run: Run, kubectl: Kubectl):
        for stack in ("platform", "team-a", "team-b"):
            done = run("flink_k8s.operations.deploy up --timings", stack)
            assert done.code == 0
            path = done.output.partition("what decided it:")[2].partition("\n\n")[0]
            assert path.count(" s  ") >= 2
            assert ("Release flink-operator/flink-kubernetes-operator" if stack == "platform" else stack) in path
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is not None
        assert kubectl.get("flinkdeployment", "visits", "-n", "team-b") is not None

    @pytest.mark.parametrize("stack", ["platform", "team-a", pytest.param("team-b", marks=pytest.mark.full)])
    def test_a_second_preview_has_no_changes(self, run: Run, stack: str):
        done = run("flink_k8s.operations.deploy preview", stack)
        assert done.code == 0
        assert "to create" not in done.output
        assert "to update" not in done.output

    @pytest.mark.full
    def test_plan_and_drift_know_a_teams_stack(self, run: Run):
        assert "nothing (1): team-a/orders" in run("flink_k8s.operations.plan", "team-a").output
        assert "nothing was changed by hand" in run("flink_k8s.operations.drift", "team-a").output

    def test_a_namespace_with_a_teams_job_does_not_go(self, run: Run, project: Path, kubectl: Kubectl):
        path = project / "Pulumi.platform.yaml"
        before = path.read_text()
        namespaces = yaml.safe_load(before)["config"]["flink-k8s:namespaces"]
        del namespaces["team-b"]
        configure(project, "platform", namespaces=namespaces)
        done = run("flink_k8s.operations.deploy up", "platform")
        path.write_text(before)
        assert done.code != 0
        assert "FlinkDeployment team-b/visits" in done.output
        assert "FlinkDeployment team-a/orders" not in done.output
        assert kubectl.get("flinkdeployment", "visits", "-n", "team-b") is not None

    def test_the_platform_before_its_teams_is_not_destroyed(self, run: Run, kubectl: Kubectl):
        done = run("flink_k8s.operations.deploy destroy", "platform")
        assert done.code != 0
        assert "refused, nothing was done" in done.output
        assert "make destroy STACK=team-a, make destroy STACK=team-b" in done.output
        assert kubectl.get("namespace", "team-a") is not None

    def test_teams_first(self, run: Run, kubectl: Kubectl):
        for stack in ("team-b", "team-a", "platform"):
            assert run("flink_k8s.operations.deploy destroy", stack).code == 0
        for namespace in ("team-a", "team-b", "flink-operator"):
            assert kubectl.get("namespace", namespace) is None


@pytest.mark.full
class TestFromOneToSeveral:
    """A team's jobs move out of the stack that held all, as docs/teams.md says: the cluster does not notice."""

    def test_all_in_one(self, run: Run, project: Path):
        configure(project, "platform", jobFolders=["jobs/team-a"], jobs={"orders": {"parallelism": 2}})
        assert run("flink_k8s.operations.deploy up", "platform").code == 0

    def test_moved(self, run: Run, project: Path, kubectl: Kubectl, engine: Project):
        before = _uids(kubectl)

        def pulumi(*arguments: str) -> str:
            # As docs/teams.md has it: in the state folder's `config`.
            done = engine.pulumi(*arguments, "--non-interactive", cwd=engine.state / "config")
            assert done.code == 0
            return done.output

        shown = pulumi("stack", "--stack", "platform", "--show-urns").split()
        urns = [word for word in shown if word.startswith("urn:") and word.endswith("orders")]
        assert len(urns) == 2
        pulumi("stack", "select", "--create", "team-a")
        source, dest = (f"organization/flink-k8s/{stack}" for stack in ("platform", "team-a"))
        pulumi("state", "move", "--yes", "--source", source, "--dest", dest, *urns)
        configure(project, "platform", jobFolders=[], jobs={})
        for stack in ("platform", "team-a"):
            done = run("flink_k8s.operations.deploy preview", stack)
            assert done.code == 0
            assert not [what for what in ("create", "update", "replace", "delete") if f"to {what}" in done.output]
        for stack in ("platform", "team-a"):
            assert run("flink_k8s.operations.deploy up", stack).code == 0
        assert _uids(kubectl) == before

    def test_then_they_are_the_teams(self, run: Run, kubectl: Kubectl):
        assert run("flink_k8s.operations.deploy destroy", "platform").code != 0
        assert run("flink_k8s.operations.deploy destroy", "team-a").code == 0
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is None
        assert kubectl.get("namespace", "team-a") is not None
        assert run("flink_k8s.operations.deploy destroy", "platform").code == 0


def _uids(kubectl: Kubectl) -> list[str]:
    kinds = {"flinkdeployment": "orders", "networkpolicy": "flinkdeployment-orders"}
    found = [kubectl.get(kind, name, "-n", "team-a") or {} for kind, name in kinds.items()]
    return [one["metadata"]["uid"] for one in found]
