"""The jobs that `make suspend` and `make resume` change, refuse, and leave unchanged."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.operations import suspend, suspended
from flink_k8s.operations.stack import Stack
from flink_k8s.operations.suspended import Change
from flink_k8s.resolve.job_spec import SUSPENDED
from flink_k8s.support.errors import CommandError
from tests.unit.project import JOB, Project

KEY = "FlinkDeployment/flink/word-count"
SINCE = "2026-11-23 21:00 UTC, ada on laptop"
STATEFUL = JOB.replace("upgradeMode: stateless", "upgradeMode: savepoint")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.job(STATEFUL)
    project.stack({"stateStorage": {"type": "volume"}})
    return project


def stack_of(project: Project) -> Stack:
    file = project.root / "copy.yaml"
    file.write_text((project.root / "Pulumi.x.yaml").read_text())
    return Stack("x", file, project.load())


def live_of(stack: Stack, **status: Any) -> dict[str, Any]:
    return {job.key: {**copy.deepcopy(job.manifest), "status": {"jobStatus": status}} for job in stack.platform.jobs}


class FakeEngine:
    """A fake engine: returns the suspended jobs, and records the changes."""

    def __init__(self, **jobs: str) -> None:
        self.jobs = {f"FlinkDeployment/flink/{name.replace('_', '-')}": value for name, value in jobs.items()}
        self.changes: list[Change] = []

    def suspended(self, _: Stack) -> dict[str, str]:
        return self.jobs

    def up(self, _: Stack, change: Change) -> None:
        self.changes.append(change)


@pytest.fixture
def running_stack(project: Project, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack, with all of its jobs running in the cluster."""
    stack = stack_of(project)
    monkeypatch.setattr(suspend, "in_cluster", lambda _kubectl, _stack: live_of(stack, state="RUNNING"))
    monkeypatch.setattr(suspend.Kubectl, "of", lambda _: None)
    return stack


def run(engine: FakeEngine, stack: Stack, job: str = "", *, yes: bool = False, allowed: tuple[str, ...] = ()) -> None:
    suspend.suspend(engine, stack, job, yes=yes, allowed=allowed)  # pyright: ignore


def test_suspend_keeps_jobs_suspended_that_already_are(running_stack: Stack, capsys: pytest.CaptureFixture[str]):
    engine = FakeEngine(other=SINCE)
    run(engine, running_stack)
    [change] = engine.changes
    assert change.about == [KEY]
    assert change.jobs.keys() == {KEY, "FlinkDeployment/flink/other"}
    assert change.jobs["FlinkDeployment/flink/other"] == SINCE
    stdout = capsys.readouterr().out
    assert "suspend flink/word-count: a savepoint is taken first" in stdout
    assert "frees 2 CPU, 2 GiB of memory in 2 pods" in stdout
    assert "make resume STACK=x" in stdout


def test_resume_of_one_job_keeps_the_others_suspended(running_stack: Stack):
    engine = FakeEngine(word_count=SINCE, other=SINCE)
    suspend.resume(engine, running_stack, "word-count", allowed=())  # pyright: ignore
    [change] = engine.changes
    assert change == Change({"FlinkDeployment/flink/other": SINCE}, {KEY})


def test_resume_with_state_loss_needs_permission(
    project: Project, running_stack: Stack, monkeypatch: pytest.MonkeyPatch
):
    """The job was suspended with a savepoint, and its file has been changed to stateless since."""
    suspended_jobs = live_of(running_stack, state="FINISHED")
    suspended_jobs[KEY]["spec"]["job"]["state"] = "suspended"
    monkeypatch.setattr(suspend, "in_cluster", lambda _kubectl, _stack: suspended_jobs)
    project.job(JOB)
    stack, engine = stack_of(project), FakeEngine(word_count=SINCE)
    with pytest.raises(CommandError, match=r'upgradeMode stateless(.|\n)*make resume STACK=x ALLOW="word-count"'):
        suspend.resume(engine, stack, "", allowed=())  # pyright: ignore
    assert engine.changes == []
    suspend.resume(engine, stack, "", allowed=("word-count",))  # pyright: ignore
    assert len(engine.changes) == 1


@pytest.mark.parametrize("mode", ["stateless", "savepoint"])
def test_resume_without_state_loss_needs_no_permission(
    project: Project, running_stack: Stack, monkeypatch: pytest.MonkeyPatch, mode: str
):
    """A stateless job lost its state when it was suspended, which needed permission then."""
    checkpoints = "  flinkConfiguration: {execution.checkpointing.interval: 1 min}\n"
    project.job(JOB.replace("stateless", mode) + checkpoints)
    suspended_jobs = live_of(stack_of(project), state="FINISHED")
    suspended_jobs[KEY]["spec"]["job"]["state"] = "suspended"
    monkeypatch.setattr(suspend, "in_cluster", lambda _kubectl, _stack: suspended_jobs)
    project.job(JOB.replace("stateless", mode).replace("parallelism: 1", "parallelism: 2") + checkpoints)
    engine = FakeEngine(word_count=SINCE)
    suspend.resume(engine, stack_of(project), "", allowed=())  # pyright: ignore
    assert len(engine.changes) == 1


def test_resume_without_suspended_jobs_changes_nothing(running_stack: Stack, capsys: pytest.CaptureFixture[str]):
    engine = FakeEngine()
    suspend.resume(engine, running_stack, "", allowed=())  # pyright: ignore
    assert engine.changes == []
    assert "x: no job was suspended by make suspend" in capsys.readouterr().out


def test_suspend_with_state_loss_needs_permission(project: Project, running_stack: Stack):
    project.stack({"jobs": {"word-count": {"flinkConfiguration": {"execution.checkpointing.interval": "1 min"}}}})
    project.job(JOB)
    stack, engine = stack_of(project), FakeEngine()
    with pytest.raises(CommandError, match=r'upgradeMode stateless does not keep state(.|\n)*ALLOW="word-count"'):
        run(engine, stack)
    assert engine.changes == []
    run(engine, stack, allowed=("flink/word-count",))
    assert len(engine.changes) == 1


def test_suspend_of_a_protected_job_needs_confirmation(
    project: Project, running_stack: Stack, monkeypatch: pytest.MonkeyPatch
):
    project.stack({"stateStorage": {"type": "volume"}, "protectJobs": True})
    stack, engine = stack_of(project), FakeEngine()
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(CommandError, match="nothing was changed"):
        run(engine, stack)
    assert engine.changes == []
    run(engine, stack, yes=True)
    assert len(engine.changes) == 1


def test_jobs_that_are_not_suspended_are_reported_with_the_reason(project: Project):
    session = JOB[: JOB.index("  job:")].replace("word-count", "session")
    suspended_jobs = JOB.replace("word-count", "asleep").replace(
        "parallelism: 1", "parallelism: 1\n    state: suspended"
    )
    for name, text in (("session", session), ("asleep", suspended_jobs), ("new", JOB.replace("word-count", "new"))):
        project.job(text, f"{name}.yaml")
    project.job(JOB.replace("word-count", "gone-to-bed"), "bed.yaml")
    stack = stack_of(project)
    live = live_of(stack, state="FINISHED")
    del live["FlinkDeployment/flink/new"]
    suspension = suspend.plan_suspension(stack, "", {"FlinkDeployment/flink/gone-to-bed": SINCE}, live)
    assert not suspension.stop
    assert suspension.leave == {
        "flink/session": "a session cluster: it has no job of its own, and its pods stay",
        "flink/asleep": "suspended in its job file or the stack config",
        "flink/gone-to-bed": f"suspended since {SINCE}",
        "flink/new": "not in the cluster yet",
        "flink/word-count": "has FINISHED; to suspend it anyway, set JOB=word-count: a resume runs it again",
    }
    assert len(suspend.plan_suspension(stack, "word-count", {}, live).stop) == 1
    with pytest.raises(CommandError, match=r'unknown job "wrod-count"; did you mean "word-count"'):
        suspend.plan_suspension(stack, "wrod-count", {}, live)


def resource(name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "flink", "annotations": {SUSPENDED: SINCE}}
    inputs = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": metadata}
    type_ = f"kubernetes:{inputs['apiVersion']}:{inputs['kind']}"
    urn = f"urn:pulumi:x::flink-k8s::flink-k8s:index:FlinkJob${type_}::flink/{name}"
    return {"urn": urn, "type": type_, "inputs": inputs, **more}


def test_suspended_jobs_are_read_from_the_state():
    running = resource("b")
    del running["inputs"]["metadata"]["annotations"]
    secret = {"urn": "x", "type": "kubernetes:core/v1:Secret"}
    state = {"deployment": {"resources": [resource("a"), running, resource("c", delete=True), secret]}}
    assert suspended.in_state(state) == {"FlinkDeployment/flink/a": SINCE}
    assert suspended.urns(state, ["FlinkDeployment/flink/b"]) == [running["urn"]]


def test_a_job_that_version_0_1_deployed_is_refused():
    former = resource("a")
    former["urn"] = former["urn"].replace("flink-k8s:index:FlinkJob$", "")
    state = {"deployment": {"resources": [former, resource("b")]}}
    assert suspended.urns(state, ["FlinkDeployment/flink/b"])
    with pytest.raises(
        CommandError, match=r"version 0\.1 of flink-k8s deployed FlinkDeployment/flink/a; run `make up`"
    ):
        suspended.urns(state, ["FlinkDeployment/flink/a"])


def test_suspensions_are_written_into_the_copy_of_the_stack_file_only(
    project: Project, capsys: pytest.CaptureFixture[str]
):
    stack = stack_of(project)
    before = (project.root / "Pulumi.x.yaml").read_text()
    suspended.carry(stack, Change({}))
    document = yaml.safe_load(stack.config_file.read_text())["config"]["flink-k8s:suspension"]
    assert document == {"jobs": {}}, "the program must not read the state again"
    assert capsys.readouterr().out == ""
    suspended.carry(stack, Change({KEY: SINCE}))
    assert yaml.safe_load(stack.config_file.read_text())["config"]["flink-k8s:suspension"] == {"jobs": {KEY: SINCE}}
    assert (project.root / "Pulumi.x.yaml").read_text() == before
    assert capsys.readouterr().out == (f"-- suspended until `make resume STACK=x`: flink/word-count (since {SINCE})\n")
    suspended.carry(stack, Change({}, [KEY]))
    content = yaml.safe_load(stack.config_file.read_text())["config"]["flink-k8s:suspension"]
    assert json.dumps(content) == json.dumps({"jobs": {}, "about": [KEY]})
