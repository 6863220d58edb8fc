"""The table of jobs at the end of `up`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flink_k8s.operations import job_table
from flink_k8s.operations.live_jobs import LiveJob
from flink_k8s.operations.stack import Stack
from flink_k8s.snapshots.state_snapshot import StateSnapshot
from flink_k8s.support.errors import CommandError
from tests.unit.project import JOB, SESSION, Project

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BEFORE = datetime(2026, 11, 30, 11, 48, tzinfo=UTC)


@pytest.fixture
def stack(project: Project) -> Stack:
    project.job(JOB.replace("word-count", "orders"), "orders.yaml")
    project.job(SESSION, "session.yaml")
    project.stack({"jobs": {"session": {"flinkConfiguration": {"rest.port": "8082"}}}})
    return Stack("x", project.root / "Pulumi.x.yaml", project.load())


def test_each_job_has_a_row(stack: Stack) -> None:
    savepoint = StateSnapshot("s3://b/savepoint-1", BEFORE)
    live = {
        "FlinkDeployment/flink/word-count": LiveJob("healthy", "STABLE, job RUNNING", "", savepoint, BEFORE),
        "FlinkDeployment/flink/orders": LiveJob("failed", "FAILED", "no class\nx"),
        "FlinkDeployment/flink/session": LiveJob("healthy", "STABLE"),
    }
    cells = [line.split("  ") for line in job_table.job_table(stack, live, NOW)]
    assert [[cell.strip() for cell in row if cell.strip()] for row in cells] == [
        ["JOB", "KIND", "STATE", "SINCE", "REST", "LAST STATE OR ERROR"],
        ["flink/in-session", "FlinkSessionJob", "unknown", "-", "session-rest.flink.svc:8082", "-"],
        ["flink/orders", "FlinkDeployment", "FAILED", "-", "orders-rest.flink.svc:8081", "error: no class\\nx"],
        ["flink/session", "FlinkDeployment", "STABLE", "-", "session-rest.flink.svc:8082", "-"],
        [
            *("flink/word-count", "FlinkDeployment", "STABLE, job RUNNING", "12 min", "word-count-rest.flink.svc:8081"),
            "savepoint, 12 min ago, s3://b/savepoint-1",
        ],
    ]


@pytest.mark.parametrize("has_failed", [True, False])
def test_an_unreachable_cluster_is_reported_after_a_success(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, has_failed: bool
) -> None:
    def read(_: Stack) -> object:
        raise CommandError("the cluster cannot be read: no route")

    monkeypatch.setattr(job_table, "read", read)
    job_table.print_jobs(stack, has_failed=has_failed)
    expected = "" if has_failed else "   the jobs are not listed: the cluster cannot be read: no route\n"
    assert capsys.readouterr().out == expected
