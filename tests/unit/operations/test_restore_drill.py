"""`python -m flink_k8s restore-drill`: which jobs it copies, what it reports, and that it always deletes the copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from flink_k8s.operations import stack as stacks
from flink_k8s.operations.deploy import Engine
from flink_k8s.operations.restore_drill import restore_drill
from flink_k8s.operations.stack import Stack
from flink_k8s.resolve.jobs import Job
from flink_k8s.snapshots.restore import UnresolvedError
from flink_k8s.snapshots.state_snapshot import StateSnapshot
from flink_k8s.support.errors import CommandError, ExitCode
from flink_k8s.support.kubectl import Kubectl

SAVEPOINT = "s3a://b/sandbox/flink/running-totals/savepoints/savepoint-1-2"
DRILL = {"parameters": {"output": "s3a://drill/out"}}
CONFIG: dict[str, Any] = {
    "stateStorage": {"type": "s3", "uri": "s3a://b"},
    "namespaces": {"flink": {}, "flink-drill": {}},
}
RUNNING = {"enabled": True, "parameters": {"output": "s3a://b/out"}}
BOTH = {"running-totals": {**RUNNING, "drill": DRILL}, "word-count": {"upgradeMode": "savepoint", "drill": DRILL}}
TITLES = ["flink/running-totals", "flink/word-count"]


class FakeEngine:
    """A fake engine with the state of the temporary stack: `up` creates its jobs, `destroy` deletes them.

    Attributes:
        calls: operations with the jobs of the stack.
        ups: what each `up` does after it has created the jobs.
    """

    def __init__(self, folder: Path, *ups: Callable[[], None]) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.ups = list(ups)
        self._state = folder / "state.json"
        self._state.write_text("{}")
        self._stacks = folder / "stacks"
        self.pulumi = folder / "pulumi"
        self.pulumi.write_text(f'#!/bin/sh\necho "$2" >> {self._stacks}\n[ "$2" != export ] || cat {self._state}\n')
        self.pulumi.chmod(0o755)

    def leave(self) -> None:
        """Leave a resource, as a killed drill does."""
        self._state.write_text(json.dumps({"deployment": {"resources": [{"urn": "a"}]}}))

    def up(self, stack: Stack) -> None:
        self.leave()
        self.calls.append(("up", *(job.key for job in stack.platform.jobs)))
        if self.ups:
            self.ups.pop(0)()

    def destroy(self, _: Stack) -> None:
        self._state.write_text("{}")
        self.calls.append(("destroy",))

    @property
    def is_clean(self) -> bool:
        """Whether no resource is left, and the stack is removed if it was created."""
        commands = self._stacks.read_text().split() if self._stacks.exists() else ["rm"]
        return self._state.read_text() == "{}" and commands[-1] == "rm"


class FakeKubectl:
    """A fake kubectl, with objects by namespace and name."""

    def __init__(self, *existing: str) -> None:
        self._existing = existing

    def get(self, _: str, name: str, _option: str, namespace: str) -> dict[str, Any] | None:
        return {} if f"{namespace}/{name}" in self._existing else None


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLINK_K8S_STATE", str(tmp_path / "state"))


def newest(_: Stack, job: Job) -> StateSnapshot:
    return StateSnapshot(SAVEPOINT.replace("running-totals", job.name), datetime.now(UTC) - timedelta(hours=2))


def run(engine: FakeEngine, job: str = "", *existing: str, find: Any = newest, **config: Any) -> int:
    stack = stacks.prepare("sandbox", {**CONFIG, "jobs": BOTH, **config})
    return restore_drill(cast(Engine, engine), stack, job, cast(Kubectl, FakeKubectl(*existing)), find)


def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], *existing: str, **options: Any) -> str:
    """Why the job `running-totals` is not restored; nothing is deployed."""
    engine = FakeEngine(tmp_path)
    options = {"jobs": {"running-totals": BOTH["running-totals"]}, **options}
    assert run(engine, "running-totals", *existing, **options) == ExitCode.FAILURE
    assert engine.calls == []
    assert engine.is_clean
    line = capsys.readouterr().out.splitlines()[-2]
    assert line.startswith("  flink/running-totals: NOT RESTORED: ")
    return line.partition("NOT RESTORED: ")[2]


def test_every_job_is_restored_alone_and_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = FakeEngine(tmp_path)
    assert run(engine) == ExitCode.OK
    keys = [f"FlinkDeployment/flink-drill/{title.partition('/')[2]}" for title in TITLES]
    assert engine.calls == [("up", keys[0]), ("destroy",), ("up", keys[1]), ("destroy",)]
    assert engine.is_clean
    first, second, last = capsys.readouterr().out.splitlines()[-3:]
    assert first.startswith("  flink/running-totals: savepoint of ")
    assert f"(age 2 h), {SAVEPOINT}: RUNNING after " in first
    assert second.startswith("  flink/word-count: ")
    assert last == "2 of 2 jobs restored"


def test_one_job_is_restored(tmp_path: Path) -> None:
    engine = FakeEngine(tmp_path)
    assert run(engine, "word-count") == ExitCode.OK
    assert [call[1:] for call in engine.calls if call[0] == "up"] == [("FlinkDeployment/flink-drill/word-count",)]


def test_the_copies_are_a_stack_of_their_own_without_the_platform(tmp_path: Path) -> None:
    copies: list[Stack] = []

    class Recording(FakeEngine):
        def up(self, stack: Stack) -> None:
            copies.append(stack)
            super().up(stack)

    run(Recording(tmp_path), "running-totals")
    [stack] = copies
    assert stack.name == "sandbox-drill"
    settings = stack.platform.settings
    assert not any(part.enabled for part in (settings.operator, settings.cert_manager, settings.prometheus))
    config = yaml.safe_load(stack.config_file.read_text())["config"]
    key = "FlinkDeployment/flink/running-totals"
    assert config["flink-k8s:restoreDrill"] == {"jobs": {key: SAVEPOINT}}
    [job] = stack.platform.jobs
    assert job.spec["job"]["initialSavepointPath"] == SAVEPOINT  # pyright: ignore


def test_a_failed_copy_is_deleted_and_the_next_job_is_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise CommandError("up failed (exit code 1)")

    engine = FakeEngine(tmp_path, fail)
    assert run(engine) == ExitCode.FAILURE
    assert [call[0] for call in engine.calls] == ["up", "destroy", "up", "destroy"]
    assert engine.is_clean
    first, second, last = capsys.readouterr().out.splitlines()[-3:]
    assert first.startswith("  flink/running-totals: NOT RESTORED: savepoint of ")
    assert first.endswith(f"{SAVEPOINT}: up failed (exit code 1)")
    assert "RUNNING after" in second
    assert last == "1 of 2 jobs restored"


def test_ctrl_c_deletes_the_copy(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    engine = FakeEngine(tmp_path, interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(engine)
    assert [call[0] for call in engine.calls] == ["up", "destroy"]
    assert engine.is_clean


def test_the_copy_of_a_killed_drill_is_deleted_first(tmp_path: Path) -> None:
    engine = FakeEngine(tmp_path)
    engine.leave()
    assert run(engine, "word-count") == ExitCode.OK
    assert [call[0] for call in engine.calls] == ["destroy", "up", "destroy"]


def test_a_second_drill_of_the_stack_is_refused(tmp_path: Path) -> None:
    def second() -> None:
        with pytest.raises(CommandError, match="another restore drill has the stack sandbox-drill; wait until it ends"):
            run(FakeEngine(tmp_path), "word-count")

    assert run(FakeEngine(tmp_path, second), "word-count") == ExitCode.OK


def test_a_job_without_redirected_outputs_is_not_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reason = refused(tmp_path, capsys, jobs={"running-totals": RUNNING})
    assert reason.startswith("its copy would write to its outputs; set jobs.running-totals.drill with parameters")


def test_the_namespace_of_the_drill_must_be_declared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reason = refused(tmp_path, capsys, namespaces={"flink": {}})
    assert reason == "its copy runs in the namespace flink-drill; add it to namespaces in Pulumi.sandbox.yaml, run up"


def test_an_existing_object_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reason = refused(tmp_path, capsys, "flink-drill/running-totals")
    assert reason.startswith("FlinkDeployment flink-drill/running-totals exists already")


def test_state_on_a_volume_cannot_be_restored_in_another_namespace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(_stack: Stack, _job: Job) -> StateSnapshot:
        return StateSnapshot("file:///flink-state/sandbox/flink/running-totals/savepoints/savepoint-1-2")

    reason = refused(tmp_path, capsys, find=find)
    assert "is on a volume, which pods of another namespace cannot mount; keep the state in a bucket" in reason


def test_a_job_without_restorable_state_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def find(_stack: Stack, _job: Job) -> StateSnapshot:
        raise UnresolvedError("the job has no savepoint and no checkpoint; take a savepoint")

    assert refused(tmp_path, capsys, find=find).endswith("no savepoint and no checkpoint; take a savepoint")


def test_a_stateless_job_is_not_part_of_a_drill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = {"running-totals": {"enabled": False}, "word-count": {}}
    with pytest.raises(CommandError, match="the stack sandbox has no job that keeps state"):
        run(FakeEngine(tmp_path), jobs=jobs)
    assert run(FakeEngine(tmp_path), "word-count", jobs=jobs) == ExitCode.FAILURE
    assert "flink/word-count: NOT RESTORED: keeps no state" in capsys.readouterr().out
