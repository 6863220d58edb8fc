"""Part c without a cluster: the order of steps, the changes of files, and what is reported."""

from __future__ import annotations

import runpy
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.bench import adopting, changing, failing, live, restoring, starting
from dev.bench.live_cluster import Live, replaced, seconds_until
from dev.bench.measure import Cost, Run, total
from dev.bench.table import Row, Skipped
from flink_k8s.support.errors import CommandError
from flink_k8s.support.kubectl import Kubectl
from flink_k8s.support.paths import ROOT

RUN = Run(Cost(1, 2, 30), "")


class FakeLive(Live):
    """Records commands instead of running them."""

    done: list[str]
    output: str

    def __init__(self, folder: Path, output: str = "") -> None:
        (folder / "project").mkdir()
        super().__init__(folder / "project", Kubectl("kubectl", "here", folder / "kubeconfig"))
        object.__setattr__(self, "done", [])
        object.__setattr__(self, "output", output)

    def run(self, *words: str | Path, config: Any = None, accepted: Sequence[int] = (0,)) -> Run:
        self.done.append(" ".join(map(str, words)))
        return Run(RUN.cost, self.output)

    def rendered(self, kinds: Sequence[str], config: Any) -> str:
        return f"kind: {', '.join(kinds)}\nimage: pyflink:1\n"

    def kubectl_run(self, *words: str) -> Run:
        self.done.append(f"kubectl {' '.join(words)}")
        return RUN


def copied(fake: Live, program: str) -> Path:
    """A program of the project in the copy."""
    path = fake.folder / program
    path.parent.mkdir(parents=True)
    shutil.copy(ROOT / program, path)
    return path


def in_order(done: Sequence[str], *words: str) -> bool:
    """Whether commands with these words were run in this order."""
    commands = iter(done)
    return all(any(word in command for command in commands) for word in words)


def test_costs_of_several_commands_are_their_sum_and_the_measured_time():
    assert total([RUN, Run(Cost(5, 3, 10), "")], 42) == Cost(42, 5, 30)


def test_an_event_during_a_command_ends_the_time():
    ended = threading.Event()

    def event() -> bool:
        return not ended.is_set() and (ended.set() or True)

    seconds, result = seconds_until("an event", event, lambda: ended.wait(60))
    assert result is True
    assert seconds < 30


def test_a_failed_command_ends_the_wait_for_an_event():
    def fail() -> None:
        raise CommandError("no such job")

    with pytest.raises(CommandError, match="no such job"):
        seconds_until("an event", lambda: False, fail)


def test_the_walk_through_runs_its_steps_in_order_and_deletes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = FakeLive(tmp_path)
    monkeypatch.setattr(starting, "find_tool", lambda name: name)
    monkeypatch.setattr(starting, "output", lambda title, command: b"kind: Certificate\n")
    monkeypatch.setattr(starting, "run", lambda command, folder: fake.kubectl_run(*map(str, command)))
    monkeypatch.setattr("time.sleep", lambda seconds: fake.done.append(f"sleep {seconds}"))
    cost = starting.WalkThrough(fake, {"prometheus": {"values": {"a": 1}}}).cost()
    assert (cost.cpu, cost.megabytes) == (2 * 7, 30)
    assert in_order(
        fake.done,
        "create namespace flink",
        "install prometheus",
        "cert-manager.yaml",
        "sleep 60",
        "install flink",
        "apply -n flink",
        "wait flinkdeployment/word-count",
        "delete -n flink",
        "uninstall flink",
        "delete namespace",
    )
    operator = yaml.safe_load((tmp_path / "walk-through" / "operator.yaml").read_text())
    assert "kubernetes.operator.reconcile.interval: 5 s" in operator["defaultConfiguration"]["config.yaml"]


def test_changed_code_is_the_same_change_here_and_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = FakeLive(tmp_path)
    program = copied(fake, changing._PROGRAM)
    monkeypatch.setattr(changing, "run", lambda command, folder: fake.kubectl_run("build", command[-1]))
    ends: list[str] = []

    def has_record(_: Live, end: str) -> bool:
        ends.append(runpy.run_path(str(program))["as_line"](1, 2, (3, 4)))
        return ends[-1].endswith(end)

    monkeypatch.setattr(changing, "_has_record", has_record)
    (row,) = changing.measure(fake)
    assert ends == ["1\t2\t3\t4 here", "1\t2\t3\t4 by hand"]
    assert (row.ours.cpu, row.theirs and row.theirs.cpu) == (4, 4)
    assert in_order(fake.done, "build", "up sandbox", "build", "up sandbox", "up sandbox --allow", "apply", "wait")
    assert in_order(fake.done, "wait", "build pyflink:by-hand", "apply", "delete")
    assert "image: pyflink:by-hand\n" in (tmp_path / "job.yaml").read_text()


def test_a_broken_job_is_compared_with_the_time_of_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reasons = "ErrImagePull; unrecognized arguments: --outptu; RuntimeError: broken"
    fake = FakeLive(tmp_path, reasons)
    program = copied(fake, failing._PROGRAM)
    broken: list[bool] = []

    def cluster(_: Live) -> str:
        compile(program.read_text(), program, "exec")
        broken.append('RuntimeError("broken")' in program.read_text())
        return reasons

    monkeypatch.setattr(failing, "_cluster", cluster)
    rows = list(failing.measure(fake))
    assert [row.work for row in rows] == [f"broken job: {case.title}" for case in failing.CASES]
    assert broken == [False, False, True]
    assert all(row.theirs and row.theirs.wall < 10 and row.cpu_ratio is None for row in rows)


def test_an_up_without_the_reason_of_the_broken_job_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = FakeLive(tmp_path, "up failed")
    copied(fake, failing._PROGRAM)
    monkeypatch.setattr(failing, "_cluster", lambda live: "ErrImagePull")
    with pytest.raises(CommandError, match="does not print ErrImagePull"):
        list(failing.measure(fake))


def test_adoption_that_changes_a_job_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = FakeLive(tmp_path)
    done: list[str] = []
    generation = [1]

    def run(_: Kubectl, *arguments: str, stdin: bytes = b"") -> bytes:
        done.append(" ".join(arguments))
        return b""

    def items(_: Kubectl, *arguments: str) -> list[dict[str, Any]]:
        return [{"metadata": {"generation": generation[0]}}]

    monkeypatch.setattr(Kubectl, "run", run)
    monkeypatch.setattr(Kubectl, "items", items)
    rows = list(adopting.measure(fake, 50))
    assert [(row.command, row.jobs) for row in rows] == [("make adopt", 50), ("make preview", 50), ("make up", 50)]
    assert done[-1].startswith("delete namespace bench")
    generation[0] = 2
    with pytest.raises(CommandError, match="has changed the specs"):
        list(adopting.measure(fake, 50))


def test_a_text_that_the_file_does_not_contain_is_an_error(tmp_path: Path):
    (tmp_path / "a.py").write_text("a = 1\n")
    replaced(tmp_path / "a.py", "1", "2")
    assert (tmp_path / "a.py").read_text() == "a = 2\n"
    with pytest.raises(AssertionError, match="does not contain 1 once"):
        replaced(tmp_path / "a.py", "1", "2")


def test_without_a_sandbox_the_part_has_a_reason(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> Run:
        raise CommandError("only root can start the sandbox")

    monkeypatch.setattr(live, "run", refuse)
    assert list(live.measure([50])) == [Skipped("c", "it requires the sandbox: only root can start the sandbox")]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A sandbox with these namespaces."""
    namespaces = ["default", "kube-system"]
    monkeypatch.setattr(live, "run", lambda command, folder: RUN)
    monkeypatch.setattr(live, "find_tool", lambda name: name)
    monkeypatch.setattr(Kubectl, "run", lambda self, *arguments: " ".join(namespaces).encode())
    return namespaces


def test_a_sandbox_in_use_is_not_changed(sandbox: list[str]):
    sandbox.append("shop")
    (skipped,) = live.measure([50])
    assert isinstance(skipped, Skipped)
    assert "it has shop" in skipped.reason


def test_a_failed_measure_has_a_reason_and_the_others_are_measured(sandbox: list[str], monkeypatch: pytest.MonkeyPatch):
    row = Row("c", "work", 1, "make up", Cost(1))

    def fails(_: Live) -> Iterator[Row]:
        yield row
        raise CommandError("no such job")

    done: list[str | Path] = []
    monkeypatch.setattr(live, "MEASURES", {"first": fails, "second": lambda _: iter([row]), "last": live._destroy})
    monkeypatch.setattr(live.adopting, "measure", lambda _, count: iter([Row("c", "adopt", count, "", Cost(1))]))
    monkeypatch.setattr(Live, "run", lambda self, *words: done.extend([*self.folder.glob("Makefile"), *words]))
    results = list(live.measure([50]))
    assert results == [row, Skipped("c", "first: no such job"), row, Row("c", "adopt", 50, "", Cost(1))]
    assert [Path(word).name for word in done] == ["Makefile", "destroy", "sandbox", "--yes"]


def test_the_drill_has_the_time_of_the_copy_and_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake = FakeLive(tmp_path, "flink/running-totals: savepoint …: RUNNING after 48 s")
    monkeypatch.setattr(restoring, "create_keys", lambda kubectl, namespace: fake.done.append(f"keys {namespace}"))
    monkeypatch.setattr(restoring, "object_store", _Store)
    rows = list(restoring.measure(fake))
    assert [row.ours for row in rows] == [Cost(48), RUN.cost]
    assert in_order(fake.done, "up", "keys flink-drill", "up", "up", "restore-drill", "destroy")


class _Store:
    """An S3 server that does not exist."""

    def __init__(self, _: Kubectl) -> None:
        pass

    def __enter__(self) -> str:
        return "http://store"

    def __exit__(self, *_: object) -> None:
        pass
