"""The health checks for Flux: their CEL on statuses that the operator writes, in the order in which Flux evaluates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cel
import pytest
import yaml

from flink_k8s.facts.kinds import FlinkKind
from flink_k8s.program.flux_health import EXPRESSIONS, health_checks
from tests.unit.program.test_argocd_health import blue_green, job

RESOURCES = Path(__file__).parents[1] / "monitoring" / "flink_resources.yaml"
JOB_KINDS = (FlinkKind.DEPLOYMENT, FlinkKind.SESSION_JOB)


def health(kind: str, manifest: dict[str, Any]) -> str:
    """The status of an object as Flux computes it: RFC 0009, `StatusEvaluator` of github.com/fluxcd/pkg/runtime/cel."""
    observed = manifest.get("status", {}).get("observedGeneration")
    if observed is not None and observed != manifest["metadata"]["generation"]:
        return "InProgress"
    for status in ("failed", "current"):
        try:
            result = cel.evaluate(EXPRESSIONS[kind][status], manifest)
        except (RuntimeError, ValueError):
            return "InProgress"
        assert isinstance(result, bool)
        if result:
            return status.title()
    return "InProgress"


def test_every_flink_kind_has_a_health_check() -> None:
    assert EXPRESSIONS.keys() == set(FlinkKind)


def test_a_kustomization_has_the_checks_of_its_kinds() -> None:
    [check] = health_checks({"FlinkSessionJob", "ConfigMap"})
    assert check.keys() == {"apiVersion", "kind", "failed", "current"}
    assert (check["apiVersion"], check["kind"]) == ("flink.apache.org/v1beta1", "FlinkSessionJob")
    assert health_checks({"ConfigMap"}) == []


@pytest.mark.parametrize("kind", JOB_KINDS)
@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(job("STABLE", jobStatus={"state": "RUNNING"}), "Current", id="running"),
        pytest.param(job("STABLE", jobStatus={"state": "FINISHED"}), "Current", id="finished"),
        pytest.param(job("STABLE", jobStatus={"state": "RESTARTING"}), "InProgress", id="restarting"),
        pytest.param(job("DEPLOYED", jobStatus={"state": "RECONCILING"}), "InProgress", id="starting"),
        pytest.param(job("DEPLOYED", jobManagerDeploymentStatus="ERROR"), "Failed", id="JobManager in error"),
        pytest.param(job("FAILED", error="no jar"), "Failed", id="failed"),
        pytest.param(job("ROLLED_BACK", jobStatus={"state": "RUNNING"}), "Failed", id="rolled back"),
        pytest.param(job(None), "InProgress", id="with an empty status"),
        pytest.param({"metadata": {"generation": 1}, "spec": {"job": {}}}, "InProgress", id="without a status"),
        pytest.param(job("STABLE", jobStatus={"state": "RUNNING"}, observedGeneration=1), "InProgress", id="changed"),
        pytest.param(job("FAILED", error="old", observedGeneration=1), "InProgress", id="failed before the change"),
        pytest.param(job(None, declared="suspended"), "Current", id="suspended, not observed"),
        pytest.param(job("CREATED", declared="suspended"), "Current", id="suspended from the start"),
        pytest.param(job("SUSPENDED", declared="suspended"), "Current", id="suspended"),
        pytest.param(job("SUSPENDED"), "InProgress", id="resumed, not started yet"),
        pytest.param(
            job("STABLE", declared="suspended", jobStatus={"state": "RUNNING"}), "InProgress", id="not suspended yet"
        ),
    ],
)
def test_health_of_jobs(kind: FlinkKind, manifest: dict[str, Any], expected: str) -> None:
    assert health(kind, manifest) == expected


def test_session_cluster_is_current_without_a_job() -> None:
    manifest = {"metadata": {"generation": 1}, "spec": {}, "status": {"lifecycleState": "STABLE"}}
    assert health("FlinkDeployment", manifest) == "Current"


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (blue_green("ACTIVE_GREEN", "RUNNING"), "Current"),
        (blue_green("ACTIVE_BLUE", "FINISHED"), "Current"),
        (blue_green("TRANSITIONING_TO_GREEN", "RUNNING"), "InProgress"),
        (blue_green("ACTIVE_BLUE", "RECONCILING"), "InProgress"),
        (blue_green("INITIALIZING_BLUE", "FAILING"), "Failed"),
        (blue_green(None, None), "InProgress"),
        (blue_green(None, None, "suspended"), "Current"),
        (blue_green("INITIALIZING_BLUE", "RECONCILING", "suspended"), "Current"),
        (blue_green("ACTIVE_BLUE", "SUSPENDED", "suspended"), "Current"),
        (blue_green("ACTIVE_BLUE", "RUNNING", "suspended"), "InProgress"),
    ],
)
def test_health_of_blue_green_deployments(manifest: dict[str, Any], expected: str) -> None:
    assert health("FlinkBlueGreenDeployment", manifest) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [("COMPLETED", "Current"), ("FAILED", "Failed"), ("ABANDONED", "Failed"), ("IN_PROGRESS", "InProgress")],
)
def test_health_of_snapshots(state: str, expected: str) -> None:
    assert health("FlinkStateSnapshot", {"spec": {}, "status": {"state": state}}) == expected


def test_statuses_that_a_real_operator_wrote() -> None:
    manifests = list(yaml.safe_load_all(RESOURCES.read_text(encoding="utf-8")))
    assert {item["metadata"]["name"]: health(item["kind"], item) for item in manifests} == {
        "orders": "InProgress",  # changed, not observed
        "broken": "Failed",
        "new": "InProgress",
        "before-upgrade": "Failed",
        "sales": "InProgress",  # declared as suspended, still running
    }
