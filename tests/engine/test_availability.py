"""Settings of a running job on the real engine and a bare API server: what the cluster accepts, and what remains."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from tests.engine.plain import Manifest
from tests.engine.plain import Plain as Project
from tests.steps import step

BUDGET = "flinkdeployment-orders-taskmanager"
JOB: Manifest = {
    "image": "shop/orders:1",
    "flinkVersion": "v1_20",
    "flinkConfiguration": {
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": "s3://state/ha",
        "state.checkpoints.dir": "s3://state/checkpoints",
        "state.savepoints.dir": "s3://state/savepoints",
        "execution.checkpointing.interval": "1 min",
    },
    "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
    "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
    "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 4, "upgradeMode": "savepoint"},
}
SETTINGS: dict[str, Any] = {
    "autoscaling": {"profile": "balanced", "min": 3, "max": 8},
    "recovery": "fast",
    "availability": {"maxUnavailable": 1, "priorityClass": "p", "spread": "zone", "provider": "gke", "spot": True},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Generator[Project]:
    with Project.started(tmp_path_factory.mktemp("project")) as project:
        yield project


def budgets(project: Project) -> dict[str, Any]:
    """The specs of the PodDisruptionBudgets by name."""
    listed = json.loads(project.kubectl.run("get", "poddisruptionbudgets", "-n", "default", "-o", "json"))
    return {item["metadata"]["name"]: item["spec"] for item in listed["items"]}


def test_budgets_come_and_go_with_the_setting(project: Project) -> None:
    project.write("orders", JOB)
    with step("a job with all settings is accepted by the cluster"):
        project.configure({"orders": SETTINGS})
        done = project.pulumi("up")
        assert done.code == 0, done.output
        # Three TaskManagers for the smallest parallelism, and a spare one.
        assert {name: spec["minAvailable"] for name, spec in budgets(project).items()} == {
            BUDGET: 3,
            "flinkdeployment-orders-jobmanager": 1,
        }
        job = json.loads(project.kubectl.run("get", "flinkdeployment", "orders", "-n", "default", "-o", "json"))
        assert job["spec"]["flinkConfiguration"]["jobmanager.scheduler"] == "adaptive"
        assert job["spec"]["taskManager"]["podTemplate"]["spec"]["tolerations"][0]["key"] == "cloud.google.com/gke-spot"
    with step("without a change, there is nothing to do"):
        assert project.pulumi("preview", "--expect-no-changes").code == 0
    with step("without the settings, the budgets are deleted, and the job is updated in place"):
        project.configure()
        done = project.pulumi("up")
        assert done.code == 0, done.output
        assert budgets(project) == {}
    with step("destroy deletes the job before its budget"):
        project.configure({"orders": SETTINGS})
        assert project.pulumi("up").code == 0
        done = project.pulumi("destroy", "--run-program", allow="orders")
        assert done.code == 0, done.output
        assert budgets(project) == {}
