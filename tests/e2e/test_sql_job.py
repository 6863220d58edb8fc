"""A SQL job on the sandbox: its statements decide whether it restarts, and a restart keeps each record exactly once."""

from __future__ import annotations

import base64
import json

import pytest

from flink_k8s.resolve.state_storage import MOUNT
from flink_k8s.support.kubectl import Kubectl
from tests.e2e.running_totals import NAMESPACE, RunningTotals
from tests.e2e.sql_numbers import FILE, JOB, exact_rows, rows, script
from tests.project import Project
from tests.steps import step

pytestmark = pytest.mark.full

HEADER = """\
image: pyflink:dev
flinkVersion: v2_2
jobManager: {memory: 1600m, cpu: 0.2}
taskManager: {memory: 1600m, cpu: 0.2}
flinkConfiguration:
  execution.checkpointing.interval: 1 s
  kubernetes.operator.job.upgrade.last-state-fallback.enabled: "false"
spec: {imagePullPolicy: IfNotPresent}
"""
SCRIPT = script(HEADER)


@pytest.fixture(scope="module")
def platform(no_stack: None, engine: Project) -> Project:
    """A copy of the project with the SQL job alone, not up."""
    return engine.copy({FILE: SCRIPT})


@pytest.fixture
def job(kubectl: Kubectl, platform: Project) -> RunningTotals:
    """The job over REST."""
    return RunningTotals(kubectl, platform.folder, list, name=JOB)


def up(platform: Project) -> None:
    result = platform.make("up")
    assert result.code == 0, result.output


def scripts(kubectl: Kubectl) -> dict[str, dict[str, str]]:
    """The data of the ConfigMaps with scripts, by name."""
    found = (kubectl.get("configmaps", "-n", NAMESPACE) or {})["items"]
    maps = {item["metadata"]["name"]: item["data"] for item in found}
    return {name: data for name, data in maps.items() if name.startswith(f"{JOB}-sql-")}


def test_only_a_changed_statement_restarts_the_job_and_keeps_its_state(
    platform: Project, job: RunningTotals, kubectl: Kubectl
) -> None:
    with step("the script runs, and its rows are published"):
        up(platform)
        highest = exact_rows(kubectl, beyond=100)
        job.seen_running()
        [first] = scripts(kubectl)
        [pod] = job.pods("jobmanager")

    with step("a changed comment changes the ConfigMap and not the job"):
        platform.write(FILE, SCRIPT.replace("INSERT INTO", "-- the products\nINSERT INTO"))
        up(platform)
        assert "-- the products" in scripts(kubectl)[first][f"{JOB}.sql"]
        assert job.pods("jobmanager") == [pod]
        assert job.restored() == {}

    with step("the plan notes that a changed statement may not fit the state"):
        changed = SCRIPT.replace("factor: 10", "factor: 1000")
        platform.write(FILE, changed)
        plan = platform.plan()
        assert plan.code == 0, plan.output
        assert "the SQL statements change" in plan.output

    with step("a changed value restarts the job from a savepoint, and the old ConfigMap is deleted"):
        up(platform)
        assert job.restored()["is_savepoint"]
        [second] = scripts(kubectl)
        assert second != first
        highest = exact_rows(kubectl, beyond=highest + 200, factor=1000)
        assert {product // number for number, product in rows(kubectl)} == {10, 1000}

    with step("a script with a secret is run by the program of the image, from the same state"):
        job.seen_running()
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "sink", "namespace": NAMESPACE},
            "data": {"folder": base64.b64encode(JOB.encode()).decode()},
        }
        kubectl.run("apply", "-f", "-", stdin=json.dumps(secret).encode())
        platform.write(FILE, changed.replace(f"'{MOUNT}/{JOB}'", f"'{MOUNT}/${{secret:sink/folder}}'"))
        up(platform)
        [data] = scripts(kubectl).values()
        assert "${secret:sink/folder}" in data[f"{JOB}.json"]
        assert job.restored()["is_savepoint"]
        exact_rows(kubectl, beyond=highest + 200, factor=1000)


def test_up_fails_with_flinks_error_of_a_statement(platform: Project, kubectl: Kubectl) -> None:
    broken = SCRIPT.replace("SELECT id,", "SELECT missing,").replace("upgradeMode: savepoint", "upgradeMode: stateless")
    platform.write(FILE, broken)
    result = platform.make("up", "", f"ALLOW={JOB}")
    assert result.code != 0
    assert "Column 'missing' not found in any table" in result.output, result.output
    line = broken.splitlines().index("INSERT INTO products SELECT missing, id * ${factor} FROM numbers;") + 1
    assert f"From line {line}, column" in result.output
    kubectl.run("delete", "secret", "sink", "-n", NAMESPACE, "--ignore-not-found")
