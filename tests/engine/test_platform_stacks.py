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
from tests.steps import step
from tests.working_copy import working_copy

Run = Callable[[str, str], Done]
TEAMS = ("team-a", "team-b")


@pytest.fixture
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


@pytest.fixture
def run(project: Path, request: pytest.FixtureRequest) -> Generator[Run]:
    """`run("up", "platform")`; the stacks of a failed test are destroyed."""
    failed = request.session.testsfailed

    def call(command: str, stack: str) -> Done:
        start = time.monotonic()
        result = run_command([sys.executable, "-m", "flink_k8s", *command.split(), stack], cwd=project, timeout=600)
        return Done(result.returncode, result.stdout + result.stderr, time.monotonic() - start)

    yield call
    if request.session.testsfailed > failed:
        for stack in (*TEAMS, "platform"):
            call("destroy", stack)


def test_teams_are_deployed_after_their_platform_and_destroyed_before_it(run: Run, project: Path, kubectl: Kubectl):
    with step("a team before its platform is refused"):
        for operation in ("preview", "up"):
            result = run(operation, "team-a")
            assert result.code != 0
            assert "the platform's stack platform is not deployed" in result.output
        assert kubectl.get("namespace", "team-a") is None

    with step("the platform and then its teams are deployed"):
        for stack in ("platform", *TEAMS):
            result = run("up --timings", stack)
            assert result.code == 0
            path = result.output.partition("critical path:")[2].partition("\n\n")[0]
            assert path.count(" s  ") >= 2
            assert ("Release flink-operator/flink-kubernetes-operator" if stack == "platform" else stack) in path
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is not None
        assert kubectl.get("flinkdeployment", "visits", "-n", "team-b") is not None

    with step("a second preview of each stack has no changes"):
        for stack in ("platform", *TEAMS):
            result = run("preview", stack)
            assert result.code == 0
            assert "to create" not in result.output
            assert "to update" not in result.output

    with step("a namespace with the job of a team is not deleted"):
        path = project / "Pulumi.platform.yaml"
        before = path.read_text()
        namespaces = yaml.safe_load(before)["config"]["flink-k8s:namespaces"]
        del namespaces["team-b"]
        configure(project, "platform", namespaces=namespaces)
        result = run("up", "platform")
        path.write_text(before)
        assert result.code != 0
        assert "FlinkDeployment team-b/visits" in result.output
        assert "FlinkDeployment team-a/orders" not in result.output
        assert kubectl.get("flinkdeployment", "visits", "-n", "team-b") is not None

    with step("the platform is not destroyed before its teams"):
        result = run("destroy", "platform")
        assert result.code != 0
        assert "refusing to delete the namespaces or the operator of jobs of other stacks" in result.output
        assert "make destroy STACK=team-a, make destroy STACK=team-b" in result.output
        assert kubectl.get("namespace", "team-a") is not None

    with step("the teams and then the platform are destroyed"):
        for stack in ("team-b", "team-a", "platform"):
            assert run("destroy", stack).code == 0
        for namespace in ("team-a", "team-b", "flink-operator"):
            assert kubectl.get("namespace", namespace) is None


@pytest.mark.full
def test_jobs_move_to_the_stack_of_a_team_without_a_change_in_the_cluster(
    run: Run, project: Path, kubectl: Kubectl, engine: Project
):
    """As docs/teams.md describes it."""
    with step("one stack has the platform and the jobs"):
        configure(project, "platform", jobFolders=["jobs/team-a"], jobs={"orders": {"parallelism": 2}})
        assert run("up", "platform").code == 0

    with step("the jobs move to the stack of the team"):
        before = _uids(kubectl)

        def pulumi(*arguments: str) -> str:
            # In the folder `config` of the state.
            result = engine.pulumi(*arguments, "--non-interactive", cwd=engine.state / "config")
            assert result.code == 0
            return result.output

        actual = pulumi("stack", "--stack", "platform", "--show-urns").split()
        # A component takes its children along.
        urns = [word for word in actual if "::flink-k8s:index:FlinkJob::" in word]
        assert len(urns) == 1
        pulumi("stack", "select", "--create", "team-a")
        source, dest = (f"organization/flink-k8s/{stack}" for stack in ("platform", "team-a"))
        pulumi("state", "move", "--yes", "--source", source, "--dest", dest, *urns)
        configure(project, "platform", jobFolders=[], jobs={})
        for stack in ("platform", "team-a"):
            result = run("preview", stack)
            assert result.code == 0
            assert not [
                operation
                for operation in ("create", "update", "replace", "delete")
                if f"to {operation}" in result.output
            ]
        for stack in ("platform", "team-a"):
            assert run("up", stack).code == 0
        assert _uids(kubectl) == before

    with step("plan and drift know the stack of a team"):
        assert "nothing (1): team-a/orders" in run("plan", "team-a").output
        assert "no manual changes" in run("drift", "team-a").output

    with step("the jobs are the stack of the team alone"):
        assert run("destroy", "platform").code != 0
        assert run("destroy", "team-a").code == 0
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is None
        assert kubectl.get("namespace", "team-a") is not None
        assert run("destroy", "platform").code == 0


@pytest.mark.full
def test_rights_of_deployers_suffice_for_the_stack_of_a_team(run: Run, project: Path, kubectl: Kubectl):
    """`access` of docs/security.md, by impersonation: a kubeconfig without other rights."""
    platform = yaml.safe_load((project / "Pulumi.platform.yaml").read_text())["config"]
    administrator = yaml.safe_load((project / platform["flink-k8s:kubeconfig"]).read_text())
    namespaces = platform["flink-k8s:namespaces"]
    access = {"view": ["group:viewers"], "deploy": ["group:deployers"]}
    kubeconfig = project / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(administrator))
    configure(project, "platform", kubeconfig=str(kubeconfig), namespaces={**namespaces, "team-a": {"access": access}})

    def become(group: str | None) -> None:
        who = {"as": "someone", "as-groups": [group, "system:authenticated"]} if group else {}
        users = [{**user, "user": {**user["user"], **who}} for user in administrator["users"]]
        kubeconfig.write_text(yaml.safe_dump({**administrator, "users": users}))

    with step("the platform grants the rights"):
        assert run("up", "platform").code == 0

    with step("viewers cannot deploy"):
        become("viewers")
        result = run("up", "team-a")
        assert result.code != 0
        assert "forbidden" in result.output
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is None

    with step("deployers deploy, change and destroy"):
        become("deployers")
        for command in ("up", "preview", "drift"):
            result = run(command, "team-a")
            assert result.code == 0, result.output
        assert kubectl.get("flinkdeployment", "orders", "-n", "team-a") is not None
        configure(project, "team-a", jobs={"orders": {"parallelism": 3}})
        assert run("up", "team-a").code == 0
        assert run("destroy", "team-a").code == 0

    with step("the platform is destroyed"):
        become(None)
        assert run("destroy", "platform").code == 0


def _uids(kubectl: Kubectl) -> list[str]:
    kinds = {"flinkdeployment": "orders", "networkpolicy": "flinkdeployment-orders"}
    output = [kubectl.get(kind, name, "-n", "team-a") or {} for kind, name in kinds.items()]
    return [finding["metadata"]["uid"] for finding in output]
