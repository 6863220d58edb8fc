"""What `pulumi up` shows on a terminal while it waits for a job."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flink_k8s.checks.load import load
from flink_k8s.config.stack_file import read_config
from flink_k8s.operations.job_table import job_table
from flink_k8s.operations.live_jobs import read
from flink_k8s.operations.stack import Stack
from tests.engine.plain import Plain
from tests.engine.test_plain_pulumi import job
from tests.steps import step
from tests.terminal import on_terminal
from tests.waiting import until


@pytest.fixture
def plain(tmp_path: Path) -> Generator[Plain]:
    with Plain.started(tmp_path) as project:
        yield project


def test_a_job_shows_what_it_waits_for_and_is_in_the_table(plain: Plain):
    plain.write("orders", job())
    plain.configure(waitForJobs=True, jobTimeout="4m")
    received: list[str] = []
    command = [plain.command, "up", "--yes", "--skip-preview"]
    with ThreadPoolExecutor(1) as thread:
        up = thread.submit(on_terminal, command, columns=400, cwd=plain.folder, env=plain.variables, received=received)

        def shows(pattern: str) -> None:
            until(f"the terminal shows {pattern}", lambda: up.done() or re.search(pattern, "".join(received)))
            assert re.search(pattern, "".join(received)), "".join(received)[-5000:]

        with step("the operator has not seen the job"):
            shows(r"waits \d+ s: change not observed by the operator yet")
        with step("the job is deployed"):
            set_status(plain, lifecycleState="DEPLOYED", jobManagerDeploymentStatus="DEPLOYING")
            shows(r"waits \d+ s: DEPLOYED, JobManager DEPLOYING")
        with step("the job runs"):
            set_status(
                plain,
                lifecycleState="STABLE",
                jobManagerDeploymentStatus="READY",
                jobStatus={"state": "RUNNING", "updateTime": "1764500000000"},
            )
            output = up.result(timeout=60)
    diagnostics = output[output.index("Diagnostics:") :]
    assert "STABLE, JobManager READY, job RUNNING" in diagnostics
    assert "waits" not in diagnostics

    with step("the table contains the job"):
        stack = Stack(
            "plain", plain.folder / "Pulumi.plain.yaml", load(plain.folder, read_config(plain.folder, "plain"))
        )
        live_jobs, problems = read(stack)
        assert problems == []
        [_, row] = job_table(stack, live_jobs, datetime.fromtimestamp(1764500060, UTC))
        assert row.split("  ") == [
            "default/orders",
            "FlinkDeployment",
            "STABLE, JobManager READY, job RUNNING",
            "1 min",
            "orders-rest.default.svc:8081",
            "-",
        ]


def set_status(plain: Plain, **status: object) -> None:
    """Sets the status of the job as its operator does."""
    patch = json.dumps({"status": {"observedGeneration": 1, **status}})
    command = ("patch", "flinkdeployment", "orders", "--subresource=status", "--type=merge", f"--patch={patch}")
    plain.kubectl.run(*command)
