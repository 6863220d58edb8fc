"""What `make suspend` and `make resume` hand to the engine, refuse, and leave as it is."""

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


class Carrier:
    """Stands for an engine: knows what is suspended, and keeps what it is told."""

    def __init__(self, **jobs: str) -> None:
        self.jobs = {f"FlinkDeployment/flink/{name.replace('_', '-')}": said for name, said in jobs.items()}
        self.told: list[Change] = []

    def suspended(self, _: Stack) -> dict[str, str]:
        return self.jobs

    def up(self, _: Stack, change: Change) -> None:
        self.told.append(change)


@pytest.fixture
def there(project: Project, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack, with all of its jobs in the cluster, running."""
    stack = stack_of(project)
    monkeypatch.setattr(suspend, "in_cluster", lambda _kubectl, _stack: live_of(stack, state="RUNNING"))
    monkeypatch.setattr(suspend.Kubectl, "of", lambda _: None)
    return stack


def run(carrier: Carrier, stack: Stack, job: str = "", *, yes: bool = False, allowed: tuple[str, ...] = ()) -> None:
    suspend.suspend(carrier, stack, job, yes=yes, allowed=allowed)  # pyright: ignore


def test_a_job_stops_with_its_state_and_those_that_are_suspended_stay(there: Stack, capsys: pytest.CaptureFixture[str]):
    carrier = Carrier(other=SINCE)
    run(carrier, there)
    [change] = carrier.told
    assert change.about == [KEY]
    assert change.jobs.keys() == {KEY, "FlinkDeployment/flink/other"}
    assert change.jobs["FlinkDeployment/flink/other"] == SINCE
    said = capsys.readouterr().out
    assert "suspend flink/word-count: a savepoint is taken first" in said
    assert "frees 2 CPU, 2 GiB of memory in 2 pods" in said
    assert "make resume STACK=x" in said


def test_resumed_it_is_told_of_no_more_and_the_others_stay(there: Stack):
    carrier = Carrier(word_count=SINCE, other=SINCE)
    suspend.resume(carrier, there, "word-count", allowed=())  # pyright: ignore
    [change] = carrier.told
    assert change == Change({"FlinkDeployment/flink/other": SINCE}, {KEY})


def test_a_job_that_would_be_resumed_empty_by_what_is_pending_is_resumed_only_where_that_is_allowed(
    project: Project, there: Stack, monkeypatch: pytest.MonkeyPatch
):
    """It stopped with a savepoint, and its file has become stateless since: the resume would be the first to say so."""
    asleep = live_of(there, state="FINISHED")
    asleep[KEY]["spec"]["job"]["state"] = "suspended"
    monkeypatch.setattr(suspend, "in_cluster", lambda _kubectl, _stack: asleep)
    project.job(JOB)
    stack, carrier = stack_of(project), Carrier(word_count=SINCE)
    with pytest.raises(CommandError, match=r'upgradeMode stateless(.|\n)*make resume STACK=x ALLOW="word-count"'):
        suspend.resume(carrier, stack, "", allowed=())  # pyright: ignore
    assert carrier.told == []
    suspend.resume(carrier, stack, "", allowed=("word-count",))  # pyright: ignore
    assert len(carrier.told) == 1


@pytest.mark.parametrize("mode", ["stateless", "savepoint"])
def test_a_changed_job_that_loses_nothing_by_it_is_resumed_unasked(
    project: Project, there: Stack, monkeypatch: pytest.MonkeyPatch, mode: str
):
    """Of a stateless job, too: what it had to lose, it lost when it was suspended, and was asked for then."""
    checkpoints = "  flinkConfiguration: {execution.checkpointing.interval: 1 min}\n"
    project.job(JOB.replace("stateless", mode) + checkpoints)
    asleep = live_of(stack_of(project), state="FINISHED")
    asleep[KEY]["spec"]["job"]["state"] = "suspended"
    monkeypatch.setattr(suspend, "in_cluster", lambda _kubectl, _stack: asleep)
    project.job(JOB.replace("stateless", mode).replace("parallelism: 1", "parallelism: 2") + checkpoints)
    carrier = Carrier(word_count=SINCE)
    suspend.resume(carrier, stack_of(project), "", allowed=())  # pyright: ignore
    assert len(carrier.told) == 1


def test_nothing_is_done_where_nothing_is_suspended(there: Stack, capsys: pytest.CaptureFixture[str]):
    carrier = Carrier()
    suspend.resume(carrier, there, "", allowed=())  # pyright: ignore
    assert carrier.told == []
    assert "x: no job was suspended by make suspend" in capsys.readouterr().out


def test_a_job_that_would_start_empty_is_suspended_only_where_that_is_allowed(project: Project, there: Stack):
    project.stack({"jobs": {"word-count": {"flinkConfiguration": {"execution.checkpointing.interval": "1 min"}}}})
    project.job(JOB)
    stack, carrier = stack_of(project), Carrier()
    with pytest.raises(CommandError, match=r'upgradeMode stateless keeps nothing(.|\n)*ALLOW="word-count"'):
        run(carrier, stack)
    assert carrier.told == []
    run(carrier, stack, allowed=("flink/word-count",))
    assert len(carrier.told) == 1


def test_a_protected_job_stops_only_where_somebody_agrees(
    project: Project, there: Stack, monkeypatch: pytest.MonkeyPatch
):
    project.stack({"stateStorage": {"type": "volume"}, "protectJobs": True})
    stack, carrier = stack_of(project), Carrier()
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(CommandError, match="nothing was done"):
        run(carrier, stack)
    assert carrier.told == []
    run(carrier, stack, yes=True)
    assert len(carrier.told) == 1


def test_what_is_left_as_it_is_is_said(project: Project):
    session = JOB[: JOB.index("  job:")].replace("word-count", "session")
    asleep = JOB.replace("word-count", "asleep").replace("parallelism: 1", "parallelism: 1\n    state: suspended")
    for name, text in (("session", session), ("asleep", asleep), ("new", JOB.replace("word-count", "new"))):
        project.job(text, f"{name}.yaml")
    project.job(JOB.replace("word-count", "gone-to-bed"), "bed.yaml")
    stack = stack_of(project)
    live = live_of(stack, state="FINISHED")
    del live["FlinkDeployment/flink/new"]
    what = suspend.stopping(stack, "", {"FlinkDeployment/flink/gone-to-bed": SINCE}, live)
    assert not what.stop
    assert what.leave == {
        "flink/session": "a session cluster: it runs no job of its own, and its pods stay",
        "flink/asleep": "suspended by its own settings",
        "flink/gone-to-bed": f"suspended since {SINCE}",
        "flink/new": "not in the cluster yet",
        "flink/word-count": "has FINISHED; JOB=word-count suspends it all the same, and a resume runs it anew",
    }
    assert len(suspend.stopping(stack, "word-count", {}, live).stop) == 1
    with pytest.raises(CommandError, match=r'unknown job "wrod-count"; did you mean "word-count"'):
        suspend.stopping(stack, "wrod-count", {}, live)


def resource(name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "flink", "annotations": {SUSPENDED: SINCE}}
    inputs = {"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "metadata": metadata}
    type_ = f"kubernetes:{inputs['apiVersion']}:{inputs['kind']}"
    urn = f"urn:pulumi:x::flink-k8s::flink-k8s:index:FlinkJob${type_}::flink/{name}"
    return {"urn": urn, "type": type_, "inputs": inputs, **more}


def test_the_state_says_which_jobs_are_suspended():
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


def test_the_copy_of_the_stack_file_is_told_and_the_file_is_not(project: Project, capsys: pytest.CaptureFixture[str]):
    stack = stack_of(project)
    before = (project.root / "Pulumi.x.yaml").read_text()
    suspended.carry(stack, Change({}))
    assert "suspension" not in stack.config_file.read_text()
    suspended.carry(stack, Change({KEY: SINCE}))
    assert yaml.safe_load(stack.config_file.read_text())["config"]["flink-k8s:suspension"] == {"jobs": {KEY: SINCE}}
    assert (project.root / "Pulumi.x.yaml").read_text() == before
    assert capsys.readouterr().out == (f"-- suspended until `make resume STACK=x`: flink/word-count (since {SINCE})\n")
    suspended.carry(stack, Change({}, [KEY]))
    said = yaml.safe_load(stack.config_file.read_text())["config"]["flink-k8s:suspension"]
    assert json.dumps(said) == json.dumps({"jobs": {}, "about": [KEY]})
