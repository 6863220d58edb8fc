"""Resources that are stuck in deletion: they are reported, and `make unstick` asks before it changes them."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from flink_k8s.operations import stuck_deletions, unstick
from flink_k8s.operations.finalizers import resources_with_finalizer
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

    def get(self, kind: str, *_: str) -> dict[str, Any] | None:
        if self.down:
            raise CommandError("connection refused")
        if kind == "pods":
            status = {"conditions": [{"type": "Ready", "status": "True" if self.operator else "False"}]}
            return {"items": [{"metadata": {"name": "operator-1"}, "status": status}]}
        if kind == "secrets":
            return {"items": [{"metadata": {"labels": {"version": revision}}} for revision in self.revisions]}
        return {"items": self.jobs} if kind.startswith("flinkdeployment") else None

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
    savepoint_info = {"lastSavepoint": {"location": "s3p://bucket/savepoint-1"}}
    status = {"jobStatus": {"state": state, "jobId": "af12", "savepointInfo": savepoint_info}}
    status["jobManagerDeploymentStatus"] = manager  # pyright: ignore
    return {"kind": "FlinkDeployment", "metadata": metadata, "spec": spec, "status": status}


def stack(*, enabled: bool = True, configuration: dict[str, str] | None = None) -> Any:
    operator = SimpleNamespace(namespace="flink-operator", enabled=enabled, configuration=configuration or {})
    settings = SimpleNamespace(namespaces={"flink": {}}, operator=operator)
    return SimpleNamespace(name="prod", platform=SimpleNamespace(settings=settings))


def test_report_names_the_stuck_resource_and_the_remedy():
    output = stuck_deletions.report(FakeKubectl(job()), stack())  # pyright: ignore
    assert "the operator's pod operator-1 in the namespace flink-operator is not ready" in output
    assert f"FlinkDeployment flink/orders waits for the operator to remove the finalizer {FINALIZER}" in output
    # Without a revision, Helm would roll back to the previous one.
    assert "`helm rollback flink-kubernetes-operator 10 -n flink-operator --wait`" in output
    assert "make unstick STACK=prod" in output


def test_operator_without_a_helm_revision_is_restored_by_up():
    kubectl = FakeKubectl(job())
    kubectl.revisions = []
    assert "then `make up STACK=prod`" in stuck_deletions.report(kubectl, stack())  # pyright: ignore
    assert "this stack does not deploy it" in stuck_deletions.report(kubectl, stack(enabled=False))  # pyright: ignore


def test_report_names_a_savepoint_that_cannot_be_taken():
    output = stuck_deletions.report(FakeKubectl(job(state="RECONCILING", savepoint=True), operator=True), stack())  # pyright: ignore
    assert "it must take a savepoint first and cannot (job RECONCILING, JobManager READY)" in output
    assert (
        "its last savepoint is s3p://bucket/savepoint-1, its checkpoints are in s3p://bucket/checkpoints/af12" in output
    )
    assert "make unstick STACK=prod JOB=… (one of orders)" not in output
    assert "`make unstick STACK=prod JOB=…` (one of orders)" in output
    running = stuck_deletions.report(FakeKubectl(job(savepoint=True), operator=True), stack())  # pyright: ignore
    assert "cannot" not in running


def test_resources_that_are_not_deleted_or_have_no_finalizer_are_not_reported():
    other = job()
    other["metadata"]["finalizers"] = ["mine"]
    assert stuck_deletions.report(FakeKubectl(job(deleted=False), other), stack()) == ""  # pyright: ignore


def test_destroy_waits_for_a_restarting_operator():
    kubectl = FakeKubectl(job(deleted=False))
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        kubectl.operator = len(waited) == 3

    assert stuck_deletions.before_destroy(kubectl, stack(), wait) == ""  # pyright: ignore
    assert len(waited) == 3
    kubectl.operator = False
    output = stuck_deletions.before_destroy(kubectl, stack(), lambda _: None)  # pyright: ignore
    assert output.startswith("destroy refused, nothing was changed: the operator's pod operator-1")
    assert stuck_deletions.before_destroy(FakeKubectl(), stack(), lambda _: pytest.fail("waits for nothing")) == ""  # pyright: ignore


UNHEALTHY = [("RESTARTING", "READY"), ("RECONCILING", "MISSING"), ("RUNNING", "DEPLOYING"), ("CREATED", "READY")]


@pytest.mark.parametrize(("state", "manager"), UNHEALTHY)
def test_destroy_is_refused_if_a_job_cannot_take_its_savepoint(state: str, manager: str):
    kubectl = FakeKubectl(job(deleted=False, state=state, manager=manager, savepoint=True), operator=True)
    output = stuck_deletions.before_destroy(kubectl, stack(), lambda _: None)  # pyright: ignore
    assert output.startswith("destroy refused, nothing was changed: these resources must take a savepoint first")
    assert f"FlinkDeployment flink/orders: job {state}, JobManager {manager}; its last savepoint is s3p://" in output
    assert "`make unstick STACK=prod JOB=…` (one of orders)" in output


def test_destroy_continues_once_the_job_is_healthy():
    kubectl = FakeKubectl(job(deleted=False, state="RESTARTING", savepoint=True), operator=True)

    def wait(_: float) -> None:
        kubectl.jobs = [job(deleted=False, savepoint=True)]

    assert stuck_deletions.before_destroy(kubectl, stack(), wait) == ""  # pyright: ignore


@pytest.mark.parametrize(
    "item",
    [
        job(deleted=False, state="RESTARTING"),
        job(deleted=False, state="FINISHED", manager="MISSING", savepoint=True),
        job(deleted=False, state="FAILED", savepoint=True),
        job(deleted=False, state="", manager="MISSING", savepoint=True),  # never submitted
        # Already deleted: it is reported while it waits.
        job(state="RESTARTING", savepoint=True),
    ],
)
def test_destroy_does_not_wait_for_jobs_without_a_possible_savepoint(item: dict[str, Any]):
    kubectl = FakeKubectl(item, operator=True)
    assert stuck_deletions.before_destroy(kubectl, stack(), lambda _: pytest.fail("waits")) == ""  # pyright: ignore


def test_savepoint_on_deletion_of_the_operators_configuration_counts():
    kubectl = FakeKubectl(job(deleted=False, state="RESTARTING"), operator=True)
    of_all = stack(configuration={SAVEPOINT_ON_DELETION: "true"})
    assert "cannot now" in stuck_deletions.before_destroy(kubectl, of_all, lambda _: None)  # pyright: ignore


def test_destroy_reports_a_failed_job_that_is_deleted_without_savepoint(monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    kubectl = FakeKubectl(job(deleted=False, state="FAILED", savepoint=True), operator=True)
    monkeypatch.setattr(stuck_deletions.Kubectl, "of", lambda _: kubectl)
    monkeypatch.setattr(stuck_deletions, "say", lines.append)
    with stuck_deletions.guard_destroy(stack()):
        pass
    [line] = lines
    assert "FlinkDeployment flink/orders has failed and is deleted without a savepoint" in line
    assert "its checkpoints are in s3p://bucket/checkpoints/af12" in line


@pytest.mark.parametrize("deleted", [True, False])
def test_unstick_skips_a_savepoint_and_leaves_the_deletion_to_the_operator(
    capsys: pytest.CaptureFixture[str], *, deleted: bool
):
    kubectl = FakeKubectl(job(deleted=deleted, state="RESTARTING", savepoint=True), operator=True)
    unstick.unstick(kubectl, stack(), "orders", yes=True)  # pyright: ignore
    output = capsys.readouterr().out
    assert "without its configured savepoint (job RESTARTING, JobManager READY); its last savepoint is" in output
    assert "removes the operator's finalizers" not in output
    [patched] = kubectl.ran
    patch = next(argument for argument in patched if argument.startswith("--patch="))
    assert json.loads(patch.removeprefix("--patch=")) == {
        "spec": {"flinkConfiguration": {SAVEPOINT_ON_DELETION: "false"}}
    }


def test_guard_destroy_refuses_and_adds_the_report_to_the_error(monkeypatch: pytest.MonkeyPatch):
    kubectl = FakeKubectl(job(), operator=True)
    monkeypatch.setattr(stuck_deletions.Kubectl, "of", lambda _: kubectl)
    monkeypatch.setattr(stuck_deletions, "OPERATOR_SECONDS", 0)
    with (
        pytest.raises(CommandError, match=r"destroy failed\nFlinkDeployment flink/orders waits"),
        stuck_deletions.guard_destroy(stack()),
    ):
        raise CommandError("destroy failed")
    kubectl.operator = False
    with pytest.raises(CommandError, match="nothing was changed"), stuck_deletions.guard_destroy(stack()):
        pytest.fail("the destroy began")
    kubectl.down = True
    with stuck_deletions.guard_destroy(stack()):
        pass  # the engine reports it


def test_report_is_printed_once_while_destroy_runs(monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    ended = threading.Event()
    reports = iter(range(6))

    def report(*_: object) -> str:
        if next(reports) == 5:
            ended.set()
        return "orders waits"

    monkeypatch.setattr(stuck_deletions, "report", report)
    monkeypatch.setattr(stuck_deletions, "say", lines.append)
    stuck_deletions._report_repeatedly(FakeKubectl(), stack(), ended, 0.001)  # pyright: ignore
    assert lines == ["-- still stuck in deletion:\norders waits"]


def test_unstick_lists_asks_and_removes_only_the_operators_finalizer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    kubectl = FakeKubectl(job(), job("other", deleted=False))
    monkeypatch.setattr("builtins.input", lambda prompt: "prod")
    unstick.unstick(kubectl, stack(), "", yes=False)  # pyright: ignore
    output = capsys.readouterr().out
    assert (
        "FlinkDeployment flink/orders: it is deleted immediately, including its pods, without a last savepoint"
        in output
    )
    assert [call[:3] for call in kubectl.ran] == [
        ("patch", "flinkdeployment.flink.apache.org", "orders"),
        ("patch", "flinkdeployment.flink.apache.org", "other"),
    ]
    patch = next(argument for argument in kubectl.ran[0] if argument.startswith("--patch="))
    assert json.loads(patch.removeprefix("--patch=")) == {"metadata": {"finalizers": ["mine"]}}


@pytest.mark.parametrize("answer", ["", "y", "prod2", None])
def test_unstick_without_confirmation_changes_nothing(monkeypatch: pytest.MonkeyPatch, answer: str | None):
    def read_answer(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", read_answer)
    kubectl = FakeKubectl(job())
    with pytest.raises(CommandError, match="nothing was changed"):
        unstick.unstick(kubectl, stack(), "", yes=False)  # pyright: ignore
    assert kubectl.ran == []


def test_unstick_refuses_if_the_operator_runs_and_nothing_is_stuck():
    items = resources_with_finalizer(FakeKubectl(job(), job("healthy", deleted=False)), stack())  # pyright: ignore
    with pytest.raises(CommandError, match="the operator runs"):
        unstick.select(items, "", "")
    with pytest.raises(CommandError, match="nothing is stuck"):
        unstick.select(items, "", "healthy")
    with pytest.raises(CommandError, match="unknown Flink resource unknown"):
        unstick.select(items, "no operator", "unknown")
    assert [item.name for item in unstick.select(items, "", "orders")] == ["orders"]
    assert len(unstick.select(items, "no operator", "")) == 2


def test_unstick_with_yes_does_not_ask(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked"))
    kubectl = FakeKubectl(job())
    unstick.unstick(kubectl, stack(enabled=False), "orders", yes=True)  # pyright: ignore
    assert len(kubectl.ran) == 1
