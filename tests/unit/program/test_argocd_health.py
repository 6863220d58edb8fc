"""The health checks for Argo CD: its Lua (5.1, without the standard libraries) on statuses that the operator writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa import lua51

from flink_k8s.facts.kinds import FLINK_GROUP, FlinkKind
from flink_k8s.program import gitops

SCRIPTS = gitops.argocd_health()["data"]
RESOURCES = Path(__file__).parents[1] / "monitoring" / "flink_resources.yaml"

JOB_KINDS = (FlinkKind.DEPLOYMENT, FlinkKind.SESSION_JOB)


def health(kind: str, manifest: dict[str, Any], group: str = FLINK_GROUP) -> tuple[str, str]:
    """Status and message of a resource, as Argo CD computes them."""
    runtime = lua51.LuaRuntime(register_eval=False, register_builtins=False)
    names = runtime.globals()
    # Argo CD opens these libraries only for scripts that `useOpenLibs` names.
    for library in ("string", "math", "io", "os", "debug", "package", "coroutine"):
        names[library] = None
    names.obj = runtime.table_from(manifest, recursive=True)
    result = runtime.execute(SCRIPTS[f"resource.customizations.health.{group}_{kind}"])
    return result.status, result.message


def job(lifecycle: str | None, *, declared: str = "running", **status: Any) -> dict[str, Any]:
    """A FlinkDeployment or FlinkSessionJob whose newest spec the operator has observed."""
    state = {} if lifecycle is None else {"lifecycleState": lifecycle, "observedGeneration": 2, **status}
    return {"metadata": {"generation": 2}, "spec": {"job": {"state": declared}}, "status": state}


def blue_green(state: str | None, job_state: str | None, declared: str = "running") -> dict[str, Any]:
    status: dict[str, Any] = {"blueGreenState": state} if state else {}
    if job_state:
        status["jobStatus"] = {"state": job_state}
    return {"spec": {"template": {"spec": {"job": {"state": declared}}}}, "status": status}


def test_every_flink_kind_has_a_health_check() -> None:
    kinds = {name.rpartition("_")[2] for name in SCRIPTS if f".{FLINK_GROUP}_" in name}
    assert kinds == set(FlinkKind)


@pytest.mark.parametrize("kind", JOB_KINDS)
@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(job("STABLE", jobStatus={"state": "RUNNING"}), "Healthy", id="running"),
        pytest.param(job("STABLE", jobStatus={"state": "FINISHED"}), "Healthy", id="finished"),
        pytest.param(job("STABLE", jobStatus={"state": "RESTARTING"}), "Progressing", id="restarting"),
        pytest.param(job("DEPLOYED", jobStatus={"state": "RECONCILING"}), "Progressing", id="starting"),
        pytest.param(job("DEPLOYED", jobManagerDeploymentStatus="ERROR"), "Degraded", id="JobManager in error"),
        pytest.param(job("FAILED", error="no jar"), "Degraded", id="failed"),
        pytest.param(job("ROLLED_BACK", jobStatus={"state": "RUNNING"}), "Degraded", id="rolled back"),
        pytest.param(job(None), "Progressing", id="without a status"),
        pytest.param(job("STABLE", jobStatus={"state": "RUNNING"}, observedGeneration=1), "Progressing", id="changed"),
        pytest.param(job("FAILED", error="old", observedGeneration=1), "Progressing", id="failed before the change"),
        pytest.param(job(None, declared="suspended"), "Healthy", id="suspended, not observed"),
        pytest.param(job("CREATED", declared="suspended"), "Healthy", id="suspended from the start"),
        pytest.param(job("SUSPENDED", declared="suspended"), "Healthy", id="suspended"),
        pytest.param(job("SUSPENDED"), "Progressing", id="resumed, not started yet"),
        pytest.param(
            job("STABLE", declared="suspended", jobStatus={"state": "RUNNING"}), "Progressing", id="not suspended yet"
        ),
    ],
)
def test_health_of_jobs(kind: FlinkKind, manifest: dict[str, Any], expected: str) -> None:
    assert health(kind, manifest)[0] == expected


def test_message_contains_the_error() -> None:
    assert health("FlinkDeployment", job("FAILED", jobStatus={"state": "FAILED"}, error="no jar")) == (
        "Degraded",
        "FAILED, job FAILED: no jar",
    )


def test_session_cluster_is_healthy_without_a_job() -> None:
    manifest = {"metadata": {"generation": 1}, "spec": {}, "status": {"lifecycleState": "STABLE"}}
    assert health("FlinkDeployment", manifest)[0] == "Healthy"


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (blue_green("ACTIVE_GREEN", "RUNNING"), "Healthy"),
        (blue_green("ACTIVE_BLUE", "FINISHED"), "Healthy"),
        (blue_green("TRANSITIONING_TO_GREEN", "RUNNING"), "Progressing"),
        (blue_green("ACTIVE_BLUE", "RECONCILING"), "Progressing"),
        (blue_green("INITIALIZING_BLUE", "FAILING"), "Degraded"),
        (blue_green(None, None), "Progressing"),
        (blue_green(None, None, "suspended"), "Healthy"),
        (blue_green("INITIALIZING_BLUE", "RECONCILING", "suspended"), "Healthy"),
        (blue_green("ACTIVE_BLUE", "SUSPENDED", "suspended"), "Healthy"),
        (blue_green("ACTIVE_BLUE", "RUNNING", "suspended"), "Progressing"),
    ],
)
def test_health_of_blue_green_deployments(manifest: dict[str, Any], expected: str) -> None:
    assert health("FlinkBlueGreenDeployment", manifest)[0] == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [("COMPLETED", "Healthy"), ("FAILED", "Degraded"), ("ABANDONED", "Degraded"), ("IN_PROGRESS", "Progressing")],
)
def test_health_of_snapshots(state: str, expected: str) -> None:
    assert health("FlinkStateSnapshot", {"spec": {}, "status": {"state": state}})[0] == expected


def test_health_of_an_application_is_its_own() -> None:
    manifest = {"status": {"health": {"status": "Degraded", "message": "no image"}}}
    assert health("Application", manifest, "argoproj.io") == ("Degraded", "no image")
    assert health("Application", {}, "argoproj.io") == ("Progressing", "")


def test_statuses_that_a_real_operator_wrote() -> None:
    manifests = list(yaml.safe_load_all(RESOURCES.read_text(encoding="utf-8")))
    assert {item["metadata"]["name"]: health(item["kind"], item)[0] for item in manifests} == {
        "orders": "Progressing",  # changed, not observed
        "broken": "Degraded",
        "new": "Progressing",
        "before-upgrade": "Degraded",
        "sales": "Progressing",  # declared as suspended, still running
    }
