"""What blocks a teardown, and the way out: both say what they mean to do, and neither does it by itself."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from flink_k8s.operations import stuck_deletions as blockers
from flink_k8s.operations import unstick
from flink_k8s.operations.finalizers import held
from flink_k8s.resolve.job_spec import SAVEPOINT_ON_DELETION
from flink_k8s.support.errors import CommandError

FINALIZER = "flinkdeployments.flink.apache.org/finalizer"


class FakeKubectl:
    """Objects by what `get` asks for; remembers what is run."""

    def __init__(self, *jobs: dict[str, Any], operator: bool = False) -> None:
        self.jobs = list(jobs)
        self.operator = operator
        self.ran: list[tuple[str, ...]] = []
        self.down = False
        self.revisions = ["9", "10"]

    def get(self, what: str, *_: str) -> dict[str, Any] | None:
        if self.down:
            raise CommandError("connection refused")
        if what == "pods":
            status = {"conditions": [{"type": "Ready", "status": "True" if self.operator else "False"}]}
            return {"items": [{"metadata": {"name": "operator-1"}, "status": status}]}
        if what == "secrets":
            return {"items": [{"metadata": {"labels": {"version": revision}}} for revision in self.revisions]}
        return {"items": self.jobs} if what.startswith("flinkdeployment") else None

    def items(self, *words: str) -> list[dict[str, Any]]:
        return (self.get(*words) or {}).get("items", [])

    def run(self, *arguments: str) -> bytes:
        self.ran.append(arguments)
        return b""


def job(
    name: str = "orders",
    *,
    deleted: bool = True,
    state: str = "RUNNING",
    manager: str = "READY",
    savepoint: bool = False,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "flink", "finalizers": ["mine", FINALIZER]}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    configuration = {SAVEPOINT_ON_DELETION: "true"} if savepoint else {}
    configuration["execution.checkpointing.dir"] = "s3p://bucket/checkpoints"
    spec = {"flinkConfiguration": configuration, "job": {}}
    saved = {"lastSavepoint": {"location": "s3p://bucket/savepoint-1"}}
    status = {"jobStatus": {"state": state, "jobId": "af12", "savepointInfo": saved}}
    status["jobManagerDeploymentStatus"] = manager  # pyright: ignore
    return {"kind": "FlinkDeployment", "metadata": metadata, "spec": spec, "status": status}


def stack(*, enabled: bool = True, configuration: dict[str, str] | None = None) -> Any:
    operator = SimpleNamespace(namespace="flink-operator", enabled=enabled, configuration=configuration or {})
    settings = SimpleNamespace(namespaces={"flink": {}}, operator=operator)
    return SimpleNamespace(name="prod", platform=SimpleNamespace(settings=settings))


def test_it_says_what_waits_for_whom_and_how_to_go_on():
    said = blockers.report(FakeKubectl(job()), stack())  # pyright: ignore
    assert "the operator's pod operator-1 in the namespace flink-operator is not ready" in said
    assert f"FlinkDeployment flink/orders waits for the finalizer {FINALIZER}" in said
    # Without the revision Helm would bring the one before back.
    assert "`helm rollback flink-kubernetes-operator 10 -n flink-operator --wait`" in said
    assert "make unstick STACK=prod" in said


def test_an_operator_that_helm_does_not_know_comes_with_up():
    kubectl = FakeKubectl(job())
    kubectl.revisions = []
    assert "then `make up STACK=prod`" in blockers.report(kubectl, stack())  # pyright: ignore
    assert "it is not this stack's" in blockers.report(kubectl, stack(enabled=False))  # pyright: ignore


def test_a_savepoint_that_cannot_be_taken_is_named():
    said = blockers.report(FakeKubectl(job(state="RECONCILING", savepoint=True), operator=True), stack())  # pyright: ignore
    assert "it is to take a savepoint first, and cannot (job RECONCILING, JobManager READY)" in said
    assert (
        "its last savepoint is s3p://bucket/savepoint-1, its checkpoints are in s3p://bucket/checkpoints/af12" in said
    )
    assert "make unstick STACK=prod JOB=… (of orders)" not in said
    assert "`make unstick STACK=prod JOB=…` (of orders)" in said
    running = blockers.report(FakeKubectl(job(savepoint=True), operator=True), stack())  # pyright: ignore
    assert "cannot" not in running


def test_what_is_not_deleted_or_has_no_finalizer_blocks_nothing():
    other = job()
    other["metadata"]["finalizers"] = ["mine"]
    assert blockers.report(FakeKubectl(job(deleted=False), other), stack()) == ""  # pyright: ignore


def test_before_a_destroy_the_operator_is_given_time_to_come_back():
    kubectl = FakeKubectl(job(deleted=False))
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        kubectl.operator = len(waited) == 3

    assert blockers.before_destroy(kubectl, stack(), wait) == ""  # pyright: ignore
    assert len(waited) == 3
    kubectl.operator = False
    said = blockers.before_destroy(kubectl, stack(), lambda _: None)  # pyright: ignore
    assert said.startswith("nothing was touched: the operator's pod operator-1")
    assert blockers.before_destroy(FakeKubectl(), stack(), lambda _: pytest.fail("waits for nothing")) == ""  # pyright: ignore


NOT_WELL = [("RESTARTING", "READY"), ("RECONCILING", "MISSING"), ("RUNNING", "DEPLOYING"), ("CREATED", "READY")]


@pytest.mark.parametrize(("state", "manager"), NOT_WELL)
def test_a_destroy_does_not_begin_with_a_job_that_cannot_be_saved(state: str, manager: str):
    kubectl = FakeKubectl(job(deleted=False, state=state, manager=manager, savepoint=True), operator=True)
    said = blockers.before_destroy(kubectl, stack(), lambda _: None)  # pyright: ignore
    assert said.startswith("nothing was touched: these are to take a savepoint as they go, and cannot now:")
    assert f"FlinkDeployment flink/orders: job {state}, JobManager {manager}; its last savepoint is s3p://" in said
    assert "`make unstick STACK=prod JOB=…` (of orders)" in said


def test_a_job_that_gets_well_meanwhile_is_destroyed():
    kubectl = FakeKubectl(job(deleted=False, state="RESTARTING", savepoint=True), operator=True)

    def wait(_: float) -> None:
        kubectl.jobs = [job(deleted=False, savepoint=True)]

    assert blockers.before_destroy(kubectl, stack(), wait) == ""  # pyright: ignore


@pytest.mark.parametrize(
    "one",
    [
        job(deleted=False, state="RESTARTING"),
        job(deleted=False, state="FINISHED", manager="MISSING", savepoint=True),
        job(deleted=False, state="FAILED", savepoint=True),
        job(deleted=False, state="", manager="MISSING", savepoint=True),  # never submitted
        # Somebody wants it gone: it is said while it waits.
        job(state="RESTARTING", savepoint=True),
    ],
)
def test_what_is_not_to_be_saved_or_cannot_be_any_more_is_not_waited_for(one: dict[str, Any]):
    kubectl = FakeKubectl(one, operator=True)
    assert blockers.before_destroy(kubectl, stack(), lambda _: pytest.fail("waits")) == ""  # pyright: ignore


def test_the_operators_default_counts():
    kubectl = FakeKubectl(job(deleted=False, state="RESTARTING"), operator=True)
    of_all = stack(configuration={SAVEPOINT_ON_DELETION: "true"})
    assert "cannot now" in blockers.before_destroy(kubectl, of_all, lambda _: None)  # pyright: ignore


def test_a_job_that_has_failed_goes_unsaved_and_that_is_said(monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    kubectl = FakeKubectl(job(deleted=False, state="FAILED", savepoint=True), operator=True)
    monkeypatch.setattr(blockers.Kubectl, "of", lambda _: kubectl)
    monkeypatch.setattr(blockers, "say", lines.append)
    with blockers.said(stack()):
        pass
    [line] = lines
    assert "FlinkDeployment flink/orders has failed, so it goes without a savepoint" in line
    assert "its checkpoints are in s3p://bucket/checkpoints/af12" in line


@pytest.mark.parametrize("deleted", [True, False])
def test_unstick_gives_up_a_savepoint_and_leaves_the_rest_to_the_operator(
    capsys: pytest.CaptureFixture[str], *, deleted: bool
):
    kubectl = FakeKubectl(job(deleted=deleted, state="RESTARTING", savepoint=True), operator=True)
    unstick.unstick(kubectl, stack(), "orders", yes=True)  # pyright: ignore
    said = capsys.readouterr().out
    assert "without the savepoint that it was to take (job RESTARTING, JobManager READY); its last savepoint is" in said
    assert "finalizers" not in said
    [patched] = kubectl.ran
    patch = next(argument for argument in patched if argument.startswith("--patch="))
    assert json.loads(patch.removeprefix("--patch=")) == {
        "spec": {"flinkConfiguration": {SAVEPOINT_ON_DELETION: "false"}}
    }


def test_around_a_destroy(monkeypatch: pytest.MonkeyPatch):
    kubectl = FakeKubectl(job(), operator=True)
    monkeypatch.setattr(blockers.Kubectl, "of", lambda _: kubectl)
    monkeypatch.setattr(blockers, "OPERATOR_SECONDS", 0)
    with (
        pytest.raises(CommandError, match=r"destroy failed\nFlinkDeployment flink/orders waits"),
        blockers.said(stack()),
    ):
        raise CommandError("destroy failed")
    kubectl.operator = False
    with pytest.raises(CommandError, match="nothing was touched"), blockers.said(stack()):
        pytest.fail("the destroy began")
    kubectl.down = True
    with blockers.said(stack()):
        pass  # the engine says it itself


def test_while_it_goes_on_it_says_once_what_blocks(monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    ended = threading.Event()
    looks = iter(range(6))

    def report(*_: object) -> str:
        if next(looks) == 5:
            ended.set()
        return "orders waits"

    monkeypatch.setattr(blockers, "report", report)
    monkeypatch.setattr(blockers, "say", lines.append)
    blockers._look(FakeKubectl(), stack(), ended, 0.001)  # pyright: ignore
    assert lines == ["-- still waits:\norders waits"]


def test_unstick_lists_asks_and_takes_the_operators_finalizer_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    kubectl = FakeKubectl(job(), job("other", deleted=False))
    monkeypatch.setattr("builtins.input", lambda prompt: "prod")
    unstick.unstick(kubectl, stack(), "", yes=False)  # pyright: ignore
    said = capsys.readouterr().out
    assert "FlinkDeployment flink/orders: it goes at once, its pods with it, without a last savepoint" in said
    assert [call[:3] for call in kubectl.ran] == [
        ("patch", "flinkdeployment.flink.apache.org", "orders"),
        ("patch", "flinkdeployment.flink.apache.org", "other"),
    ]
    patch = next(argument for argument in kubectl.ran[0] if argument.startswith("--patch="))
    assert json.loads(patch.removeprefix("--patch=")) == {"metadata": {"finalizers": ["mine"]}}


@pytest.mark.parametrize("answer", ["", "y", "prod2", None])
def test_nobody_agrees_nothing_is_done(monkeypatch: pytest.MonkeyPatch, answer: str | None):
    def asked(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    kubectl = FakeKubectl(job())
    with pytest.raises(CommandError, match="nothing was done"):
        unstick.unstick(kubectl, stack(), "", yes=False)  # pyright: ignore
    assert kubectl.ran == []


def test_an_operator_that_is_there_does_its_work_itself():
    found = held(FakeKubectl(job(), job("well", deleted=False)), stack())  # pyright: ignore
    with pytest.raises(CommandError, match="the operator runs"):
        unstick.chosen(found, "", "")
    with pytest.raises(CommandError, match="nothing is stuck"):
        unstick.chosen(found, "", "well")
    with pytest.raises(CommandError, match="unknown Flink resource nobody"):
        unstick.chosen(found, "gone", "nobody")
    assert [one.name for one in unstick.chosen(found, "", "orders")] == ["orders"]
    assert len(unstick.chosen(found, "gone", "")) == 2


def test_scripts_say_yes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked"))
    kubectl = FakeKubectl(job())
    unstick.unstick(kubectl, stack(enabled=False), "orders", yes=True)  # pyright: ignore
    assert len(kubectl.ran) == 1
