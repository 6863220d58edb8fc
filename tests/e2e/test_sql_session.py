"""A SQL file as a job of a session cluster: it is started, upgraded and refused, and publishes each row once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flink_k8s.support.kubectl import Kubectl
from tests.e2e.maven_repository import download, maven_repository
from tests.e2e.other_kinds import CLUSTER, session_cluster
from tests.e2e.running_totals import NAMESPACE, RunningTotals
from tests.e2e.sql_numbers import FILE, JOB, exact_rows, rows, script
from tests.project import Project
from tests.steps import step

pytestmark = pytest.mark.full

SCRIPT = script(f"spec: {{deploymentName: {CLUSTER}}}")
JAR = "org.apache.flink:flink-annotations:2.2.1"
"""The jar that the operator downloads for each SQL job of a session cluster."""

# By default, the operator refuses http and private addresses for the jars of session jobs.
OPERATOR: dict[str, Any] = {
    "configuration": {
        "kubernetes.operator.user.artifacts.allowed-schemes": "https;http",
        "kubernetes.operator.user.artifacts.disallow-restricted-hosts": "false",
    }
}


def status(kubectl: Kubectl) -> dict[str, Any]:
    """The status of the job."""
    return dict((kubectl.get("flinksessionjob", JOB, "-n", NAMESPACE) or {})["status"])


def test_a_changed_statement_restarts_the_job_from_its_state(
    no_stack: None, engine: Project, kubectl: Kubectl, tmp_path: Path
) -> None:
    platform = engine.copy({"cluster.yaml": session_cluster(), FILE: SCRIPT})
    cluster = RunningTotals(kubectl, platform.folder, list, name=CLUSTER)
    with maven_repository(kubectl, {JAR: download(JAR, tmp_path)}) as repository:
        config: dict[str, Any] = {"mavenRepository": repository, "operator": OPERATOR}

        with step("the cluster runs the script, and its rows are published"):
            done = platform.make("up", **config)
            assert done.code == 0, done.output
            first = status(kubectl)
            assert (first["lifecycleState"], first["jobStatus"]["state"]) == ("STABLE", "RUNNING")
            highest = exact_rows(kubectl, CLUSTER, beyond=100)

        with step("a changed comment changes nothing"):
            platform.write(FILE, SCRIPT.replace("INSERT INTO", "-- the products\nINSERT INTO"))
            done = platform.make("up", **config)
            assert done.code == 0, done.output
            assert status(kubectl)["jobStatus"]["jobId"] == first["jobStatus"]["jobId"]

        with step("a changed value restarts the job from a savepoint"):
            changed = SCRIPT.replace("factor: 10", "factor: 1000")
            platform.write(FILE, changed)
            done = platform.make("up", **config)
            assert done.code == 0, done.output
            assert cluster.restored()["is_savepoint"]
            exact_rows(kubectl, CLUSTER, beyond=highest + 200, factor=1000)
            assert {product // number for number, product in rows(kubectl, CLUSTER)} == {10, 1000}

        with step("up fails with Flink's error of a statement"):
            broken = changed.replace("SELECT id,", "SELECT missing,").replace("Mode: savepoint", "Mode: stateless")
            platform.write(FILE, broken)
            done = platform.make("up", "", f"ALLOW={JOB}", **config)
            assert done.code != 0
            assert "Column 'missing' not found in any table" in done.output, done.output

        with step("destroy deletes the job and the cluster"):
            done = platform.make("destroy", **config)
            assert done.code == 0, done.output
            assert kubectl.get("flinksessionjob", JOB, "-n", NAMESPACE) is None
