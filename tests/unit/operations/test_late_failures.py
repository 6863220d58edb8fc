"""Jobs that fail after `up` found them ready, while it waited for other jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import yaml

from flink_k8s.operations import job_table
from flink_k8s.operations.late_failures import awaited
from flink_k8s.operations.stack import Stack
from tests.unit.health.listening import CONTEXT
from tests.unit.health.statuses import deployment, exception
from tests.unit.health.test_readiness import FakeApiServer, serving
from tests.unit.project import JOB, Project

ERROR = exception("FlinkJobException", "failed", ("java.io.IOException", "Mkdirs failed to create /flink-state/out"))
FAILED = deployment("FAILED", name="orders", jobStatus={"state": "FAILED"}, error=ERROR)
RUNNING = deployment("STABLE", name="word-count", jobStatus={"state": "RUNNING"})
MESSAGE = "job flink/orders FAILED, job FAILED: java.io.IOException: Mkdirs failed to create /flink-state/out"


@contextmanager
def running(folder: Path) -> Generator[FakeApiServer]:
    """An API server in a thread of its own, because the commands start an event loop."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    context = serving(folder)
    server, _ = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(10)
    server.pod_status = {}
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def stack_of(project: Project, **config: object) -> Stack:
    project.job(JOB.replace("word-count", "orders"), "orders.yaml")
    project.stack({"context": CONTEXT, "kubeconfig": str(project.root / "kubeconfig"), **config})
    return Stack("x", project.root / "Pulumi.x.yaml", project.load())


def test_the_error_of_a_failed_job_is_that_of_a_job_that_fails_while_up_waits(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(project.root) as server:
        server.put(RUNNING)
        server.put(FAILED)
        assert job_table.print_jobs(stack_of(project), has_failed=False) == [MESSAGE]
    output = capsys.readouterr().out
    assert "1 job failed after being ready; waiting for a restart by the operator: flink/orders" in output
    assert "error: java.io.IOException: Mkdirs failed" in output


def test_a_job_that_the_operator_restarts_is_not_an_error(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restarts = {"orders": {"flinkConfiguration": {"kubernetes.operator.job.restart.failed": "true"}}}
    with running(project.root) as server:
        server.put(RUNNING)
        server.put(FAILED)
        stack, readings = stack_of(project, jobs=restarts), 0
        read = job_table.read

        def read_then_restart(stack: Stack) -> object:
            nonlocal readings
            readings += 1
            live_jobs = read(stack)
            server.put(deployment("STABLE", name="orders", jobStatus={"state": "RUNNING"}))
            return live_jobs

        monkeypatch.setattr(job_table, "read", read_then_restart)
        assert job_table.print_jobs(stack, has_failed=False) == []
    assert readings == 2
    assert "FAILED" not in capsys.readouterr().out


def test_after_a_failed_run_no_job_is_awaited_again(project: Project) -> None:
    with running(project.root) as server:
        server.put(FAILED)
        assert job_table.print_jobs(stack_of(project), has_failed=True) == []


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({}, ["orders", "word-count"]),
        ({"waitForJobs": False}, []),
        ({"jobs": {"orders": {"state": "suspended"}}}, ["word-count"]),
    ],
)
def test_the_jobs_that_the_program_awaits_can_fail_late(
    project: Project, config: dict[str, object], names: list[str]
) -> None:
    assert [job.name for job in awaited(stack_of(project, **config))] == names


@pytest.mark.parametrize(
    ("suspension", "names"),
    [
        ({"jobs": {"FlinkDeployment/flink/orders": "2026-11-30 by u"}}, ["word-count"]),
        ({"jobs": {}, "about": ["FlinkDeployment/flink/orders"]}, ["orders"]),
    ],
)
def test_the_suspension_of_the_run_counts(project: Project, suspension: dict[str, object], names: list[str]) -> None:
    stack = stack_of(project)
    content = yaml.safe_load(stack.config_file.read_text())
    content["config"]["flink-k8s:suspension"] = suspension
    stack.config_file.write_text(yaml.safe_dump(content))
    assert [job.name for job in awaited(stack)] == names
