"""A restore drill with the real engine on a bare API server: its copies are always deleted, and so is their stack.

No pod can list files there, so a script passes the state to restore.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from flink_k8s.config.stack_file import PROJECT
from flink_k8s.support.kubectl import Kubectl
from sandbox.engine import build
from sandbox.home import home
from tests.engine.bare_api_server import CONTEXT, bare_api_server
from tests.engine.stand_in import controller, set_status, stand_in_operator
from tests.project import kill_session, run
from tests.steps import step
from tests.waiting import until
from tests.working_copy import working_copy

pytestmark = pytest.mark.full

SAVEPOINT = "s3://state/savepoints/savepoint-1-2"
SCRIPT = f"""
from datetime import UTC, datetime
from flink_k8s.operations.deploy import engine_of
from flink_k8s.operations.restore_drill import restore_drill
from flink_k8s.operations.stack import prepare
from flink_k8s.snapshots.state_snapshot import StateSnapshot
from flink_k8s.support.console import exit_code
from flink_k8s.support.kubectl import Kubectl

def newest(stack, job):
    return StateSnapshot({SAVEPOINT!r}, datetime.now(UTC))

def drill():
    stack = prepare("plain")
    return restore_drill(engine_of(stack), stack, "", Kubectl.of(stack), newest)

raise SystemExit(exit_code(drill))
"""
ORDERS = {
    "apiVersion": "flink.apache.org/v1beta1",
    "kind": "FlinkDeployment",
    "metadata": {"name": "orders"},
    "spec": {
        "image": "shop/orders:1",
        "flinkVersion": "v1_20",
        "jobManager": {"resource": {"memory": "1g", "cpu": 1}},
        "taskManager": {"resource": {"memory": "2g", "cpu": 1}},
        "job": {"jarURI": "local:///opt/flink/job.jar", "parallelism": 2, "upgradeMode": "last-state"},
    },
}


@dataclass(frozen=True)
class Drills:
    """A copy of the project with one job on the API server.

    Attributes:
        folder: of the copy.
        kubectl: of the API server.
    """

    folder: Path
    kubectl: Kubectl

    @property
    def command(self) -> list[str]:
        """The command that runs a drill."""
        return [sys.executable, "-c", SCRIPT]

    @property
    def env(self) -> Mapping[str, str]:
        """Variables for the command."""
        path = f"{home().bin}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "FLINK_K8S_STATE": str(self.folder / "state"), "PULUMI_CONFIG_PASSPHRASE": "x"}

    def run(self) -> subprocess.CompletedProcess[str]:
        """Runs a drill to its end."""
        return run(self.command, timeout=300, cwd=self.folder, env=self.env)

    def copy(self) -> dict[str, Any] | None:
        """The copy of the job in the cluster."""
        return self.kubectl.get("flinkdeployment", "orders", "-n", "default-drill")

    @property
    def has_stack(self) -> bool:
        """Whether the stack of the copies exists in the backend."""
        return (self.folder / "state" / ".pulumi" / "stacks" / PROJECT / "plain-drill.json").exists()

    def assert_clean(self) -> None:
        """Nothing of a drill is left."""
        assert self.copy() is None
        assert not self.has_stack


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Generator[Drills]:
    folder = tmp_path_factory.mktemp("drill")
    project = folder / "project"
    working_copy(project, {"orders.yaml": yaml.safe_dump(ORDERS)})
    (folder / "server").mkdir()
    build(home())
    with bare_api_server(home(), folder / "server") as kubeconfig:
        kubectl = Kubectl(str(home().bin / "kubectl"), CONTEXT, kubeconfig)
        kubectl.run("create", "namespace", "default-drill")
        existing = {"create": False}
        settings: dict[str, object] = {
            "context": CONTEXT,
            "kubeconfig": str(kubeconfig),
            "namespaces": {"default": existing, "default-drill": existing},
            "stateStorage": {"type": "s3", "uri": "s3://state"},
            "networkPolicies": {"enabled": False},
            "jobs": {"orders": {"drill": {"parameters": {"output": "drill"}}, "protect": True}},
            "jobTimeout": "4m",
        }
        config = {f"flink-k8s:{key}": value for key, value in settings.items()}
        (project / "Pulumi.plain.yaml").write_text(yaml.safe_dump({"config": config}))
        manifest = {**ORDERS, "metadata": {"name": "orders", "namespace": "default"}}
        kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest).encode())
        yield Drills(project, kubectl)


def test_a_copy_is_deployed_until_it_runs_and_deleted(drills: Drills) -> None:
    copies: list[Mapping[str, Any]] = []
    original = drills.kubectl.get("flinkdeployment", "orders", "-n", "default") or {}
    before = original["metadata"]["uid"], original["metadata"]["generation"]

    def record(resource: Mapping[str, Any]) -> None:
        if resource["metadata"]["namespace"] == "default-drill":
            copies.append(resource)

    with stand_in_operator(drills.kubectl), controller(drills.kubectl, "flinkdeployments", record):
        done = drills.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SAVEPOINT}: RUNNING after" in done.stdout
    job = copies[0]["spec"]["job"]
    assert (job["initialSavepointPath"], job["args"]) == (SAVEPOINT, ["--output", "drill"])
    drills.assert_clean()
    after = (drills.kubectl.get("flinkdeployment", "orders", "-n", "default") or {})["metadata"]
    assert (after["uid"], after["generation"]) == before


def test_a_copy_that_fails_is_deleted(drills: Drills) -> None:
    def fail(resource: Mapping[str, Any]) -> None:
        status = {"lifecycleState": "FAILED", "observedGeneration": resource["metadata"]["generation"]}
        set_status(drills.kubectl, resource, {**status, "error": '{"message": "no such savepoint"}'})

    with controller(drills.kubectl, "flinkdeployments", fail):
        done = drills.run()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "default/orders: NOT RESTORED" in done.stdout
    assert "no such savepoint" in done.stdout
    drills.assert_clean()


def test_ctrl_c_deletes_the_copy(drills: Drills) -> None:
    with subprocess.Popen(
        drills.command,
        cwd=drills.folder,
        env={**os.environ, **drills.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as drill:
        try:
            until("the copy", drills.copy, 120)
            os.killpg(drill.pid, signal.SIGINT)  # as a terminal does: to the engine, too
            output = drill.communicate(timeout=200)[0].decode()
        finally:
            kill_session(drill.pid)
    assert drill.returncode == 130, output
    drills.assert_clean()


def test_the_next_drill_deletes_the_copy_of_a_killed_one(drills: Drills) -> None:
    with step("a killed drill leaves its copy"):
        with subprocess.Popen(
            drills.command, cwd=drills.folder, env={**os.environ, **drills.env}, start_new_session=True
        ) as drill:
            until("the copy", drills.copy, 120)
            kill_session(drill.pid)
        copy = drills.copy()
        assert copy
        assert drills.has_stack
    with step("the next one deletes it, and restores again"), stand_in_operator(drills.kubectl):
        done = drills.run()
        assert done.returncode == 0, done.stdout + done.stderr
    drills.assert_clean()
