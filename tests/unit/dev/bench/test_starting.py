"""The walk-through's steps in the walk-through's order, and when the part is left out."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dev.bench import starting
from dev.bench.measure import Cost
from dev.bench.table import Skipped
from flink_k8s.operations.stack import prepare
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been run, waited and slept, in order."""
    found: list[str] = []

    def cost(command: Sequence[str | Path], folder: Path) -> Cost:
        found.append(" ".join(str(part) for part in command))
        return Cost(1, 2, 30)

    def capture(command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0, b"kind: A\n", b"")

    monkeypatch.setattr(starting, "cost", cost)
    monkeypatch.setattr(starting, "capture", capture)
    monkeypatch.setattr("time.sleep", lambda seconds: found.append(f"sleep {seconds}"))
    monkeypatch.setattr(starting, "wait_until_finished", lambda kubectl, job: found.append("FINISHED"))
    monkeypatch.setattr(starting, "find_tool", lambda name: name)
    return found


def at(done: Sequence[str], words: str) -> int:
    return next(number for number, one in enumerate(done) if words in one)


def test_the_steps_are_the_walk_throughs_and_leave_nothing(done: list[str], tmp_path: Path):
    layer = tmp_path / "layer.yaml"
    layer.write_text("prometheus: {values: {a: 1}}\n")
    steps = starting.Steps(tmp_path, Kubectl("kubectl", "here", None), "helm", layer)
    spent = steps.cost(prepare("sandbox").platform.jobs[0])
    assert (spent.cpu, spent.megabytes) == (2 * 6, 30)
    order = [
        at(done, "create namespace flink"),
        at(done, "install prometheus"),
        at(done, f"create -f {tmp_path}/cert-manager.yaml"),
        at(done, "sleep 60"),
        at(done, "install flink"),
        at(done, f"apply -n flink -f {tmp_path}/job.yaml"),
        at(done, "FINISHED"),
        at(done, f"delete -n flink --ignore-not-found -f {tmp_path}/job.yaml"),
        at(done, "uninstall flink"),
        at(done, "delete namespace"),
    ]
    assert order == sorted(order)


def test_a_sandbox_that_is_in_use_is_left_alone(done: list[str], monkeypatch: pytest.MonkeyPatch):
    def get(self: Kubectl, *arguments: str) -> dict[str, Any] | None:
        return {} if "flink" in arguments else None

    monkeypatch.setattr(Kubectl, "get", get)
    (said,) = starting.measure()
    assert isinstance(said, Skipped)
    assert "not empty, it has flink; make destroy STACK=sandbox" in said.reason
    assert len(done) == 1


def test_without_a_sandbox_the_part_says_so(monkeypatch: pytest.MonkeyPatch):
    def cost(command: Sequence[str | Path], folder: Path) -> Cost:
        raise CommandError("only root can start the sandbox")

    monkeypatch.setattr(starting, "cost", cost)
    assert list(starting.measure()) == [Skipped("c", "it is measured in the sandbox: only root can start the sandbox")]
